"""Public TensorFlow 1 checkpoints: what is imported computes as its origin does, and what does not fit is named."""

import shutil

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

from tf_imgtrans.baselines.public_checkpoints import import_checkpoint, list_importable

# name -> residual blocks, channels, as their papers have them; written anew here
RESNETS = {"dped": (4, 64), "resnet_12_64": (4, 64), "resnet_8_32": (2, 32)}
DATA = ".data-00000-of-00001"
REAL = [  # checkpoint, network that it is of
    ("dped_models_orig/iphone_orig", "dped"), ("dped_models_orig/iphone_orig", "resnet_12_64"),
    ("dped_models_orig/blackberry_orig", "dped"), ("dped_models_orig/sony_orig", "dped"),
    ("pirm2018_models_pretrained/dped_srcnn", "srcnn"), ("pirm2018_models_pretrained/div2k_srcnn", "srcnn"),
    ("pirm2018_models_pretrained/dped_resnet_8_32", "resnet_8_32")]


def synthetic(name, seed=0):
  """Variables as a training program of 2017 would have saved them: dict of name to float32 array, in network order."""
  rng = np.random.default_rng(seed)
  arrays = {}

  def add(key, shape, mean=0.0, std=0.3):
    arrays[f"generator/{key}"] = np.float32(rng.normal(mean, std, shape))

  def convolution(letter, number, *shape, bias=None):
    add(f"{letter}{number}", shape, std=1 / np.sqrt(np.prod(shape[:3])))
    add(f"b{number}", [bias or shape[-1]])

  if name == "srcnn":
    convolution("w", 1, 9, 9, 3, 64)
    convolution("w", 2, 5, 5, 64, 32)
    convolution("w", 3, 5, 5, 32, 3, bias=1)
    return arrays
  blocks, channels = RESNETS[name]
  convolution("W", 1, 9, 9, 3, channels)
  for index in range(2 * blocks):
    convolution("W", index + 2, 3, 3, channels, channels)
    add(f"Variable_{2 * index}" if index else "Variable", [channels])
    add(f"Variable_{2 * index + 1}", [channels], mean=1.0)
  convolution("W", 2 * blocks + 2, 3, 3, channels, channels)
  convolution("W", 2 * blocks + 3, 3, 3, channels, channels)
  convolution("W", 2 * blocks + 4, 9, 9, channels, 3)
  return arrays


def save(prefix, arrays):
  """Writes a checkpoint with any names, as TensorFlow 1 did. Returns its prefix."""
  tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=[""] * len(arrays),
                    tensors=[tf.constant(array) for array in arrays.values()])
  return prefix


def freeze(path, arrays):
  """Writes a frozen graph that holds arrays as constants. Returns its path."""
  graph = tf.Graph()
  with graph.as_default():
    for name, array in arrays.items():
      tf.constant(array, name=name)
  path.write_bytes(graph.as_graph_def().SerializeToString())
  return path


def raw(prefix):
  reader = tf.train.load_checkpoint(str(prefix))
  return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def convolve(features, kernel):
  """Stride 1, zero padding, in float64: [H, W, C] and [k, k, C, D] -> [H, W, D]."""
  k = len(kernel)
  padded = np.pad(features, ((k // 2, k // 2), (k // 2, k // 2), (0, 0)))
  windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (0, 1))
  return np.tensordot(windows, np.float64(kernel), ([3, 4, 2], [0, 1, 2]))


def forward(name, arrays, image):
  """The network in NumPy, from the checkpoint's own names: float [H, W, 3] -> float64 [H, W, 3], not clipped."""
  of = {key.removeprefix("generator/"): np.float64(array) for key, array in arrays.items()}

  def normalize(x, number):  # convolutions 2, 3, ... are normalised, by Variable and Variable_1, Variable_2 and ...
    first = 2 * (number - 2)
    shift, scale = of[f"Variable_{first}" if first else "Variable"], of[f"Variable_{first + 1}"]
    return (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-3) * scale + shift

  if name == "srcnn":
    x = np.maximum(convolve(image, of["w1"]) + of["b1"], 0)
    x = np.maximum(convolve(x, of["w2"]) + of["b2"], 0)
    return 0.58 * np.tanh(convolve(x, of["w3"]) + of["b3"]) + 0.5
  blocks = RESNETS[name][0]
  x = np.maximum(convolve(image, of["W1"]) + of["b1"], 0)
  for number in range(2, 2 * blocks + 2, 2):
    inner = np.maximum(normalize(convolve(x, of[f"W{number}"]) + of[f"b{number}"], number), 0)
    number += 1
    x = x + np.maximum(normalize(convolve(inner, of[f"W{number}"]) + of[f"b{number}"], number), 0)
  for number in (2 * blocks + 2, 2 * blocks + 3):
    x = np.maximum(convolve(x, of[f"W{number}"]) + of[f"b{number}"], 0)
  number += 1
  return 0.58 * np.tanh(convolve(x, of[f"W{number}"]) + of[f"b{number}"]) + 0.5


def assert_computes(network, name, arrays):
  image = recipes.smooth_images(1, 12, 15, 3)
  expected = forward(name, arrays, image[0])
  assert expected.std() > 0.02, "nearly constant, so it would show little"
  np.testing.assert_allclose(network(image, training=False, clip=False)[0], expected, atol=1e-5, rtol=0)


def assert_same_weights(a, b):
  assert len(a.get_weights()) == len(b.get_weights())
  for left, right in zip(a.get_weights(), b.get_weights()):
    recipes.assert_same(left, right)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
  """An SRCNN checkpoint; not to be written to."""
  return save(tmp_path_factory.mktemp("checkpoint") / "iphone_srcnn", synthetic("srcnn"))


@pytest.mark.parametrize("name", ["srcnn", "resnet_8_32", "dped", "resnet_12_64"])
def test_what_is_imported_computes_as_the_raw_arrays_do(name, tmp_path):
  arrays = synthetic(name)
  network = import_checkpoint(name, save(tmp_path / "model", arrays))
  assert network.name == name
  assert_computes(network, name, arrays)


def test_what_is_imported_is_saved_and_loaded_with_equal_weights(tmp_path):
  network = import_checkpoint("resnet_8_32", save(tmp_path / "model", synthetic("resnet_8_32")))
  network.save(tmp_path / "model.keras")
  assert_same_weights(keras.saving.load_model(tmp_path / "model.keras"), network)


def test_every_way_to_name_a_checkpoint(prefix, tmp_path):
  folder = tmp_path / "a folder.index"
  shutil.copytree(prefix.parent, folder)
  expected = import_checkpoint("srcnn", str(prefix))
  (folder / "iphone_srcnn.meta").touch()
  (folder / "iphone_srcnn").mkdir()
  freeze(folder / "frozen.pb", synthetic("srcnn"))
  for ending in ("", ".index", ".meta", DATA):
    assert_same_weights(import_checkpoint("srcnn", folder / f"iphone_srcnn{ending}"), expected)
  assert_same_weights(import_checkpoint("srcnn", folder / "frozen.pb"), expected)


def test_a_path_that_tensorflow_takes_for_a_pattern(prefix, tmp_path, monkeypatch):
  shutil.copytree(prefix.parent, tmp_path / "models [1]")
  with pytest.raises(ValueError, match=r"has \*, \? or \[ in its path"):
    import_checkpoint("srcnn", tmp_path / "models [1]" / "iphone_srcnn")
  monkeypatch.chdir(tmp_path / "models [1]")
  assert_same_weights(import_checkpoint("srcnn", "iphone_srcnn"), import_checkpoint("srcnn", prefix))
  freeze(tmp_path / "models [1]" / "frozen.pb", synthetic("srcnn"))
  import_checkpoint("srcnn", tmp_path / "models [1]" / "frozen.pb")


def test_what_is_not_the_generators_is_ignored(prefix, tmp_path):
  others = {"beta1_power": np.float32(0.9), "global_step": np.int64(7), "discriminator/w4": np.zeros(2, np.float32),
            "generator/w1/Adam": np.zeros([9, 9, 3, 64], np.float32), "generator/w1/Adam_1": np.full(3, np.nan, np.float32)}
  network = import_checkpoint("srcnn", save(tmp_path / "model", synthetic("srcnn") | others))
  assert_same_weights(network, import_checkpoint("srcnn", prefix))


def misfit_checkpoints():
  """(name, changes to its variables, None to leave one out, parts of the message)."""
  zeros = np.zeros
  yield "srcnn", {"b2": None}, ["generator/b2 is missing among its 5 variables", "expected float32 [32]"]
  yield "srcnn", {"w3": zeros([5, 5, 32, 1], "f4")}, ["generator/w3 is float32 [5, 5, 32, 1]", "float32 [5, 5, 32, 3]"]
  yield "srcnn", {"b3": zeros(3, "f4")}, ["generator/b3 is float32 [3], expected float32 [1]"]
  yield "srcnn", {"b1": zeros(64, "i4")}, ["generator/b1 is int32 [64], expected float32 [64]"]
  yield "srcnn", {"b1": zeros(64, "f8")}, ["generator/b1 is float64 [64], expected float32 [64]"]
  yield "srcnn", {"w4": zeros([5, 5], "f4")}, ["generator/w4, float32 [5, 5], has no place", "expected 6 variables"]
  # The first in the order of the network, not of the alphabet.
  yield "resnet_8_32", {"Variable_3": None, "b2": None, "W7": zeros(1, "f4")}, ["generator/b2 is missing"]
  yield "resnet_8_32", {"Variable_1": zeros(4, "f4"), "W3": None, "W8": None}, ["generator/Variable_1 is float32 [4]"]
  yield "dped", {f"Variable_{number}": zeros(1, "f4") for number in (100, 16, 17)}, ["generator/Variable_16, float32 [1]"]


@pytest.mark.parametrize(("name", "changes", "parts"), list(misfit_checkpoints()))
def test_the_first_variable_that_does_not_fit_is_named(name, changes, parts, tmp_path):
  arrays = synthetic(name) | {f"generator/{key}": value for key, value in changes.items()}
  prefix = save(tmp_path / "model", {key: value for key, value in arrays.items() if value is not None})
  with pytest.raises(ValueError) as failed:
    import_checkpoint(name, prefix)
  for part in [f"{prefix} is not a checkpoint of {name}", *parts, "it fits none of dped, resnet_12_64, resnet_8_32, srcnn"]:
    assert part in str(failed.value)


def test_a_checkpoint_of_another_network_of_ours_is_recognised(prefix, tmp_path):
  with pytest.raises(ValueError, match="generator/W1 is missing .* give the name srcnn, which it fits"):
    import_checkpoint("dped", prefix)
  with pytest.raises(ValueError, match="generator/w1 is missing .* give the name dped or resnet_12_64"):
    import_checkpoint("srcnn", save(tmp_path / "model", synthetic("dped")))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("write", [save, freeze])
def test_values_that_are_not_finite_are_named(value, write, tmp_path):
  arrays = synthetic("srcnn")
  arrays["generator/b2"][[3, 5]] = value
  with pytest.raises(ValueError, match="generator/b2 holds 2 values that are not finite, of 32"):
    import_checkpoint("srcnn", write(tmp_path / "model.pb", arrays))


def test_names_without_a_checkpoint(prefix):
  assert list_importable() == ["dped", "resnet_12_64", "resnet_8_32", "srcnn"]
  with pytest.raises(ValueError, match="johnson has no public checkpoint .* train baseline"):
    import_checkpoint("johnson", prefix)
  with pytest.raises(ValueError, match="unknown network 'srcn': .* did you mean 'srcnn'"):
    import_checkpoint("srcn", prefix)


def test_missing_files_are_named(prefix, tmp_path):
  for name in ("iphone_orig", "iphone_other", "sony_orig"):
    shutil.copy(f"{prefix}.index", tmp_path / f"{name}.index")
  shutil.copy(f"{prefix}{DATA}", tmp_path / f"lonely{DATA}")
  (tmp_path / "sharded.index").touch()
  (tmp_path / "sharded.data-00001-of-00003").touch()
  (tmp_path / "sharded.data-00000-of-00003").touch()
  (tmp_path / "empty").mkdir()
  for name, message in {
      "iphone_orig": f"{tmp_path}/iphone_orig.data-00000-of-00001 is missing",
      "sony_orig.index": "sony_orig.data-00000-of-00001 is missing",
      "lonely": "lonely.index is missing", f"lonely{DATA}": "lonely.index is missing",
      "sharded": "sharded.data-00002-of-00003 is missing",
      "sony_oirg": f"no checkpoint {tmp_path}/sony_oirg: .* did you mean {tmp_path}/sony_orig?",
      "sony_orig.pb": "no checkpoint .*sony_orig.pb: .* did you mean .*/sony_orig?",
      "zzz": "no checkpoint .*/zzz: .* holds iphone_orig, iphone_other, sharded, sony_orig$",
      "empty/model": "no checkpoint .* holds none", "empty": "empty is a folder: expected the prefix",
      "no_such/model": "there is no folder .*/no_such$"}.items():
    with pytest.raises(FileNotFoundError, match=message):
      import_checkpoint("srcnn", tmp_path / name)


class Damaged:
  """A checkpoint with variables of others before and behind the generator's, whose data file can be overwritten."""

  def __init__(self, folder):
    arrays = synthetic("srcnn")
    others = {"a_first": np.ones(20000, np.float32), "h_last": np.ones(20000, np.float32)}  # written by the alphabet
    self.prefix = save(folder / "model", arrays | others)
    self.file = folder / f"model{DATA}"
    self.content = self.file.read_bytes()
    self.whole = import_checkpoint("srcnn", self.prefix)
    self.places = {}  # name -> (first byte, byte behind the last), in network order
    for name, array in arrays.items():
      assert self.content.count(array.tobytes()) == 1
      start = self.content.index(array.tobytes())
      self.places[name] = start, start + array.nbytes

  def check(self, content, hit):
    """With `content` in the file, the first variable of `hit` is named; where there is none, the weights are the same."""
    self.file.write_bytes(content)
    if not hit:
      return assert_same_weights(import_checkpoint("srcnn", self.prefix), self.whole)
    with pytest.raises(ValueError, match=f"{hit[0]} cannot be read .*: the file is damaged or cut short"):
      import_checkpoint("srcnn", self.prefix)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
  return Damaged(tmp_path_factory.mktemp("damaged"))


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@example(share=0.0, bit=0)
@example(share=1 - 1e-9, bit=7)
def test_any_flipped_bit_is_noticed_where_it_counts(damaged, share, bit):
  content = bytearray(damaged.content)
  place = int(share * len(content))
  content[place] ^= 1 << bit
  damaged.check(content, [name for name, (start, end) in damaged.places.items() if start <= place < end])


@given(share=st.floats(0, 1))
@example(share=0.0)
@example(share=1 - 1e-5)
def test_any_cut_is_noticed_where_it_counts(damaged, share):
  content = damaged.content[:int(share * len(damaged.content))]
  damaged.check(content, [name for name, (_, end) in damaged.places.items() if end > len(content)])


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
@example(share=0.0, bit=0, cut=True)
def test_a_damaged_index_is_noticed_or_harmless(prefix, tmp_path, share, bit, cut):
  shutil.copy(f"{prefix}{DATA}", tmp_path / f"model{DATA}")
  content = bytearray(prefix.with_name("iphone_srcnn.index").read_bytes())
  place = int(share * len(content))
  content[place] ^= 1 << bit
  (tmp_path / "model.index").write_bytes(content[:place] if cut else content)
  try:
    network = import_checkpoint("srcnn", tmp_path / "model")
  except ValueError as error:
    assert "model.index cannot be read" in str(error)
  else:
    assert not cut
    assert_same_weights(network, import_checkpoint("srcnn", prefix))


@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.0)
def test_a_frozen_graph_cut_short_is_noticed_or_harmless(prefix, tmp_path, share):
  content = freeze(tmp_path / "whole.pb", synthetic("srcnn")).read_bytes()
  (tmp_path / "model.pb").write_bytes(content[:int(share * len(content))])
  try:
    network = import_checkpoint("srcnn", tmp_path / "model.pb")
  except ValueError as error:
    assert "model.pb cannot be read" in str(error) or "is missing among its" in str(error)
  else:
    assert_same_weights(network, import_checkpoint("srcnn", prefix))


def test_a_constant_without_its_values_is_not_filled_up(tmp_path):
  graph = tf.compat.v1.GraphDef.FromString(freeze(tmp_path / "model.pb", synthetic("srcnn")).read_bytes())
  constant = next(node for node in graph.node if node.name == "generator/w2").attr["value"].tensor
  for content in (b"", constant.tensor_content[:-4]):
    constant.tensor_content = content
    (tmp_path / "model.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(ValueError, match="model.pb: generator/w2 cannot be read"):
      import_checkpoint("srcnn", tmp_path / "model.pb")


@pytest.mark.parametrize("name", ["text.index", "text.pb"])
def test_a_file_of_another_kind(name, tmp_path):
  (tmp_path / name).write_text("no checkpoint at all\n" * 20)
  (tmp_path / f"text{DATA}").touch()
  with pytest.raises(ValueError, match=f"{name} cannot be read"):
    import_checkpoint("srcnn", tmp_path / name)


@pytest.mark.parametrize(("checkpoint", "name"), REAL)
def test_public_checkpoints(checkpoint, name, data_folder):
  path = data_folder / "weights" / checkpoint
  arrays = raw(path)
  assert_computes(import_checkpoint(name, path), name, arrays)
  # What was trained from zeros is a shift, from ones a scale; so their order is that of the files, not of a guess.
  for number in range(4 * RESNETS[name][0] if name in RESNETS else 0):
    middle = arrays[f"generator/Variable_{number}" if number else "generator/Variable"].mean()
    assert abs(middle - number % 2) < 0.25


@pytest.mark.parametrize("checkpoint", ["dped_srcnn", "div2k_srcnn"])
def test_public_frozen_graphs_are_their_checkpoints_and_compute_the_same(checkpoint, data_folder):
  path = data_folder / "weights" / "pirm2018_models_pretrained" / checkpoint
  network = import_checkpoint("srcnn", path.with_suffix(".pb"))
  assert_same_weights(network, import_checkpoint("srcnn", path))
  graph = tf.compat.v1.GraphDef.FromString(path.with_suffix(".pb").read_bytes())
  run = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), []).prune("input:0", "output:0")
  height, width = (size or 40 for size in run.inputs[0].shape.as_list()[1:3])
  images = recipes.random_images(1, height, width, 3)
  np.testing.assert_allclose(network(images, training=False, clip=False), run(tf.constant(images)), atol=1e-5, rtol=0)


def test_a_public_checkpoint_of_no_network_of_ours(data_folder):
  with pytest.raises(ValueError) as failed:
    import_checkpoint("resnet_8_32", data_folder / "weights" / "pirm2018_models_pretrained" / "div2k_resnet_6_16")
  assert ("div2k_resnet_6_16 is not a checkpoint of resnet_8_32: generator/W1 is float32 [9, 9, 3, 16], expected float32 "
          "[9, 9, 3, 32]; it fits none of") in str(failed.value)
