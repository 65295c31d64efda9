"""VGG19 features: against Keras' own VGG19, and where the weights come from."""

import h5py
import keras
import numpy as np
import pytest
import recipes
import scipy.io
import tensorflow as tf

from tf_imgtrans.losses import Vgg19Features
from tf_imgtrans.losses.vgg19 import FILTER, FILTER_NUMBER, LAYERS, VARIABLE, find_weights

WAYS = ("--config.vgg_weights PATH", VARIABLE, "let Keras download",
        "--config.weight_perceptual 0 --config.weight_contextual 0")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
  monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="module")
def imagenet(data_folder):
  """Real weights of the first three blocks."""
  path = data_folder / "weights" / "vgg19_imagenet_block1-3.npz"
  if not path.is_file():
    pytest.skip(f"{path} does not exist")
  return path


@pytest.fixture(scope="module")
def keras_vgg():
  """Keras' VGG19 with weights of its own drawing, and a function that gives several of its layers."""
  model = keras.applications.VGG19(include_top=False, weights=None)
  return model, lambda names: keras.Model(model.input, [model.get_layer(name).output for name in names])


def _write_h5(path, layers, rng):
  """The layout of Keras applications' weight files: one group per layer, datasets NAME_W_1:0 and NAME_b_1:0."""
  arrays = {}
  with h5py.File(path, "w") as file:
    file.attrs["layer_names"] = [name.encode() for name in layers]
    for name, (inputs, outputs) in layers.items():
      arrays[name] = rng.standard_normal((3, 3, inputs, outputs)).astype("f"), rng.standard_normal(outputs).astype("f")
      group = file.create_group(name)
      group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
      group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = arrays[name]
  return arrays


def test_layers():
  assert LAYERS == ("block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2",
                    "block3_conv1", "block3_conv2", "block3_conv3", "block3_conv4",
                    "block4_conv1", "block4_conv2", "block4_conv3", "block4_conv4",
                    "block5_conv1", "block5_conv2", "block5_conv3", "block5_conv4")


def test_equals_keras_on_random_weights(keras_vgg, real_photograph):
  model, outputs = keras_vgg
  names = ["block1_conv1", "block2_conv2", "block3_conv1"]
  ours = Vgg19Features(names, "random")
  for name, convolution in zip(ours.used, ours.convolutions):
    model.get_layer(name).set_weights(convolution.get_weights())
  image = real_photograph[None, 100:147, 150:203]  # odd sizes: pooling drops the last row
  found = ours(image)
  assert list(found) == names
  expected = outputs(names)(keras.applications.vgg19.preprocess_input(255 * image))
  for name, maps in zip(names, expected):
    np.testing.assert_allclose(found[name], maps, rtol=1e-4, atol=1e-5 * np.abs(maps).max())


def test_equals_keras_on_imagenet_weights(imagenet, keras_vgg, real_photograph):
  model, outputs = keras_vgg
  arrays = np.load(imagenet)
  names = [name for name in LAYERS if f"{name}__kernel" in arrays]
  assert names == list(LAYERS[:8])
  for name in names:
    model.get_layer(name).set_weights([arrays[f"{name}__kernel"], arrays[f"{name}__bias"]])
  image = real_photograph[None, 60:156, 120:232]
  wanted = ["block1_conv2", "block3_conv2", "block3_conv4"]
  found = Vgg19Features(wanted, str(imagenet))(image)
  expected = outputs(wanted)(keras.applications.vgg19.preprocess_input(255 * image))
  for name, maps in zip(wanted, expected):
    np.testing.assert_allclose(found[name], maps, rtol=1e-3, atol=1e-5 * np.abs(maps).max())


def test_known_facts_of_the_imagenet_weights(imagenet):
  vgg = Vgg19Features(["block1_conv1"], str(imagenet))
  kernel, bias = vgg.convolutions[0].get_weights()
  assert kernel.shape == (3, 3, 3, 64)
  np.testing.assert_allclose(bias[:4], [0.7302, 0.0649, 0.0343, 0.8260], atol=5e-5)


def test_frozen_and_no_deeper_than_needed():
  vgg = Vgg19Features(["block2_conv1", "block1_conv2"], "random")
  assert vgg.used == ("block1_conv1", "block1_conv2", "block2_conv1")
  assert vgg.trainable_variables == [] and len(vgg.variables) == 6
  assert vgg.count_params() == (27 + 1) * 64 + (9 * 64 + 1) * 64 + (9 * 64 + 1) * 128
  found = vgg(recipes.random_images(2, 9, 8, 3))
  assert {name: tuple(maps.shape) for name, maps in found.items()} == {"block1_conv2": (2, 9, 8, 64),
                                                                      "block2_conv1": (2, 4, 4, 128)}
  assert min(float(np.min(maps)) for maps in found.values()) == 0  # after ReLU


def test_random_weights_are_the_same_every_time():
  image = recipes.random_images(1, 8, 8, 3)
  recipes.assert_same(*(Vgg19Features(["block1_conv2"], "random")(image)["block1_conv2"] for _ in range(2)))


def test_an_unknown_layer_names_the_closest():
  with pytest.raises(ValueError, match="unknown VGG19 layer 'block3_con2'.*did you mean 'block3_conv2'"):
    Vgg19Features(["block3_con2"], "random")


def test_a_layer_that_the_file_lacks(tmp_path):
  path = tmp_path / "part.npz"
  rng = np.random.default_rng(0)
  np.savez(path, block1_conv1__kernel=rng.random((3, 3, 3, 64), "f"), block1_conv1__bias=rng.random(64, "f"))
  Vgg19Features(["block1_conv1"], str(path))
  with pytest.raises(ValueError) as caught:
    Vgg19Features(["block1_conv2"], str(path))
  assert f"{path} holds no layer block1_conv2" in str(caught.value)
  assert "--config.vgg_weights" in str(caught.value)


def test_a_layer_that_the_imagenet_file_lacks(imagenet):
  with pytest.raises(ValueError, match="block1-3.npz holds no layer block4_conv1, .* need up to block5_conv4"):
    Vgg19Features(["block5_conv4"], str(imagenet))


def test_a_kernel_of_another_shape(tmp_path):
  path = tmp_path / "wrong.npz"
  np.savez(path, block1_conv1__kernel=np.zeros((3, 3, 1, 64), "f"), block1_conv1__bias=np.zeros(64, "f"))
  with pytest.raises(ValueError, match=r"a kernel of float32 \(3, 3, 1, 64\), expected float32 \(3, 3, 3, 64\)"):
    Vgg19Features(["block1_conv1"], str(path))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value, tmp_path):
  kernel = np.zeros((3, 3, 3, 64), "f")
  kernel[0, 0, 0, 5] = value
  np.savez(tmp_path / "a.npz", block1_conv1__kernel=kernel, block1_conv1__bias=np.zeros(64, "f"))
  with pytest.raises(ValueError, match="block1_conv1 has a kernel with values that are not finite"):
    Vgg19Features(["block1_conv1"], str(tmp_path / "a.npz"))


def test_a_missing_file_names_all_ways(tmp_path):
  with pytest.raises(FileNotFoundError) as caught:
    Vgg19Features(["block1_conv1"], str(tmp_path / "none.npz"))
  assert str(tmp_path / "none.npz") in str(caught.value)
  for way in WAYS:
    assert way in str(caught.value)


def test_no_file_and_no_network_names_all_ways(monkeypatch):
  def fail(*_, **__):
    raise Exception("URL fetch failure: no route to host")

  monkeypatch.setattr(keras.applications, "VGG19", fail)
  with pytest.raises(FileNotFoundError) as caught:
    Vgg19Features(["block1_conv1"])
  assert "no route to host" in str(caught.value)
  for way in WAYS:
    assert way in str(caught.value)


def test_the_download_is_keras_own(monkeypatch, keras_vgg):
  asked = []
  monkeypatch.setattr(keras.applications, "VGG19", lambda **options: asked.append(options) or keras_vgg[0])
  vgg = Vgg19Features(["block1_conv1"])
  assert asked == [{"include_top": False, "weights": "imagenet"}]
  for ours, theirs in zip(vgg.get_weights(), keras_vgg[0].get_layer("block1_conv1").get_weights()):
    recipes.assert_same(ours, theirs)


@pytest.mark.parametrize("way", ["path", "variable"])
def test_h5_of_keras_applications(way, tmp_path, monkeypatch):
  path = tmp_path / "vgg19_weights.h5"
  arrays = _write_h5(path, {"block1_conv1": (3, 64), "block1_conv2": (64, 64)}, np.random.default_rng(0))
  if way == "variable":
    monkeypatch.setenv(VARIABLE, str(path))
  vgg = Vgg19Features(["block1_conv2"], str(path) if way == "path" else "")
  for name, convolution in zip(vgg.used, vgg.convolutions):
    for ours, stored in zip(convolution.get_weights(), arrays[name]):
      recipes.assert_same(ours, stored)
  with pytest.raises(ValueError, match="holds no layer block2_conv1"):
    Vgg19Features(["block2_conv1"], str(path))


def _write_mat(path, layers, turned, reversed_colours, older):
  """MatConvNet's layout: a struct for each layer, the first one's colours red to blue."""
  cells = np.empty(2 * len(layers), object)
  for place, (name, (kernel, bias)) in enumerate(layers.items()):
    number = f"{name[5]}_{name[-1]}"
    if name == "block1_conv1" and reversed_colours:
      kernel = kernel[:, :, ::-1]
    kernel = kernel.transpose(1, 0, 2, 3) if turned else kernel
    weights = np.empty(2, object)
    weights[:] = [kernel, bias.reshape(1, -1)]
    fields = {"filters": kernel, "biases": bias.reshape(1, -1)} if older else {"weights": weights}
    head, tail = {"name": f"conv{number}"}, {"type": "conv", "pad": np.ones((1, 4))}
    cells[2 * place] = {**tail, **fields, **head} if older else {**head, **tail, **fields}
    cells[2 * place + 1] = {"name": f"relu{number}", "type": "relu"}
  scipy.io.savemat(path, {"layers": cells.reshape(1, -1), "meta": {"classes": "some"}})


@pytest.mark.parametrize(("turned", "reversed_colours", "older"), [
    (True, True, False), (False, True, True), (True, False, True), (False, False, False)])
def test_mat_of_matconvnet(turned, reversed_colours, older, tmp_path):
  rng = np.random.default_rng(0)
  layers = {name: (rng.standard_normal((3, 3, inputs, 64)).astype("f"), rng.standard_normal(64).astype("f"))
            for name, inputs in (("block1_conv1", 3), ("block1_conv2", 64))}
  layers["block1_conv1"][0][..., FILTER_NUMBER] = np.float32(FILTER) + rng.normal(0, 2e-3, (3, 3, 3))
  path = tmp_path / "imagenet-vgg-verydeep-19.mat"
  _write_mat(path, layers, turned, reversed_colours, older)
  vgg = Vgg19Features(["block1_conv2"], str(path))
  for name, convolution in zip(vgg.used, vgg.convolutions):
    for ours, stored in zip(convolution.get_weights(), layers[name]):
      recipes.assert_same(ours, stored)
  with pytest.raises(ValueError, match="holds no layer block2_conv1"):
    Vgg19Features(["block2_conv1"], str(path))


def test_the_filter_is_that_of_the_published_weights(imagenet):
  kernel = np.load(imagenet)["block1_conv1__kernel"][..., FILTER_NUMBER]
  np.testing.assert_allclose(kernel, FILTER, atol=6e-4)
  for other in (kernel[:, :, ::-1], kernel.transpose(1, 0, 2), kernel.transpose(1, 0, 2)[:, :, ::-1]):
    assert (other * kernel).sum() / (kernel ** 2).sum() < 0.5  # no arrangement is taken for another


def test_a_mat_file_of_something_else_is_named(tmp_path):
  rng = np.random.default_rng(0)
  layers = {"block1_conv1": (rng.standard_normal((3, 3, 3, 64)).astype("f"), np.zeros(64, "f"))}
  _write_mat(tmp_path / "other.mat", layers, False, False, False)
  with pytest.raises(ValueError, match="other.mat: its first layer is not that of the VGG19"):
    Vgg19Features(["block1_conv1"], str(tmp_path / "other.mat"))
  scipy.io.savemat(tmp_path / "x.mat", {"x": np.ones(3)})
  (tmp_path / "torn.mat").write_bytes(b"no such file")
  for name in ("x.mat", "torn.mat"):
    with pytest.raises(ValueError, match=f"{name} is no VGG19 of MatConvNet .*expected imagenet-vgg-verydeep-19.mat"):
      Vgg19Features(["block1_conv1"], str(tmp_path / name))
  (tmp_path / "torn.npz").write_bytes(b"no such file")
  with pytest.raises(ValueError, match="torn.npz is no .npz file"):
    Vgg19Features(["block1_conv1"], str(tmp_path / "torn.npz"))
  (tmp_path / "torn.h5").write_bytes(b"no such file")
  with pytest.raises(ValueError, match="torn.h5 is no HDF5 file .*expected weights of VGG19 as .h5, .npz or .mat"):
    Vgg19Features(["block1_conv1"], str(tmp_path / "torn.h5"))


def test_a_given_path_goes_before_the_variable(tmp_path, monkeypatch):
  monkeypatch.setenv(VARIABLE, str(tmp_path / "other.npz"))
  path = tmp_path / "given.npz"
  np.savez(path, block1_conv1__kernel=np.ones((3, 3, 3, 64), "f"), block1_conv1__bias=np.zeros(64, "f"))
  origin, read = find_weights(str(path))
  assert origin == str(path) and read("block1_conv1")[0].sum() == 27 * 64
  with pytest.raises(FileNotFoundError, match=r"other\.npz"):
    find_weights()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_stays_near(policy, real_photograph):
  image = real_photograph[None, :32, :32]
  single = Vgg19Features(["block1_conv2"], "random")(image)["block1_conv2"]
  half = Vgg19Features(["block1_conv2"], "random", dtype=policy)
  assert {variable.dtype for variable in half.variables} == {"float32"}
  maps = np.float32(half(image)["block1_conv2"])
  assert np.abs(maps - single).max() < 0.02 * np.abs(single).max()


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (35, 32)])
def test_pooling_by_slices_is_max_pooling(size):
  features = Vgg19Features(("block3_conv1",), "random")
  images = tf.constant(recipes.random_images(2, *size, 3))

  def values(by_slices):
    features.pool_by_slices = by_slices
    with tf.GradientTape() as tape:
      tape.watch(images)
      maps = features(images)["block3_conv1"]
      total = tf.reduce_sum(maps ** 2)
    return maps, tape.gradient(total, images)

  for plain, sliced in zip(values(False), values(True)):
    recipes.assert_same(plain, sliced)


def test_pooling_by_slices_compiles_where_operations_must_be_deterministic():
  recipes.run_python("""
import tensorflow as tf
from tf_imgtrans.losses.vgg19 import Vgg19Features
tf.config.experimental.enable_op_determinism()
features = Vgg19Features(("block2_conv1",), "random")
features.pool_by_slices = True
images = tf.random.stateless_uniform([1, 16, 16, 3], [0, 0])

@tf.function(jit_compile=True)
def gradient(images):
  return tf.gradients(tf.reduce_sum(features(images)["block2_conv1"]), images)[0]

assert tf.reduce_all(tf.math.is_finite(gradient(images)))
""")
