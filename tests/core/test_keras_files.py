"""Files of .keras that are whole load as with Keras; those that lie about sizes or reach elsewhere are not opened."""

import json
import pathlib
import shutil
import tracemalloc
import zipfile

import h5py
import keras
import numpy as np
import pytest
import recipes

import tf_imgtrans as ti
from tf_imgtrans.core.keras_files import CONFIG, WEIGHTS, load_network, read_headers
from tf_imgtrans.export.inspection import inspect_keras

IMAGES = recipes.random_images(1, 16, 16, 3)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
  """A small network of ours in a file."""
  network = ti.create_generator("srcnn")
  network(IMAGES)
  path = tmp_path_factory.mktemp("keras") / "srcnn.keras"
  network.save(path)
  return path


def _rewritten(path, target, change, compression=zipfile.ZIP_STORED):
  """A copy of an archive with change(name, content) -> content for each member."""
  with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", compression) as new:
    for name in old.namelist():
      new.writestr(name, change(name, old.read(name)))
  return target


def _with_config(path, target, change):
  """A copy whose configuration is what change(dict) leaves."""
  def rewrite(name, content):
    if name != CONFIG:
      return content
    config = json.loads(content)
    change(config)
    return json.dumps(config)

  return _rewritten(path, target, rewrite)


def _with_weights(path, target, change, **options):
  """A copy whose weights file change(h5py.File) has changed."""
  def rewrite(name, content):
    if name != WEIGHTS:
      return content
    changed = target.with_suffix(".h5")
    changed.write_bytes(content)
    with h5py.File(changed, "r+") as file:
      change(file)
    return changed.read_bytes()

  return _rewritten(path, target, rewrite, **options)


def _plain(*layers):
  return keras.Sequential([keras.Input((None, None, 3)), *layers])


@pytest.mark.parametrize("make", [
    lambda: ti.create_generator("mux_demux_hp"), lambda: ti.create_generator("bicubic"),
    lambda: _plain(keras.layers.Conv2D(4, 3, padding="same"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)),
    lambda: _plain(keras.layers.RandomFlip(), keras.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])),
], ids=["mux_demux_hp", "bicubic", "batch_normalization", "normalization"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_loads_as_keras_does(make, compression, tmp_path):
  network = make()
  network(IMAGES)
  network.save(tmp_path / "saved.keras")
  path = _rewritten(tmp_path / "saved.keras", tmp_path / "again.keras", lambda name, content: content, compression)
  loaded = load_network(path)
  assert len(loaded.weights) == len(network.weights)
  for found, saved in zip(loaded.weights, network.weights):
    np.testing.assert_array_equal(found.numpy(), saved.numpy())
  assert all(np.isfinite(variable.numpy()).all() for variable in loaded.variables)
  recipes.assert_same(loaded(IMAGES, training=False), keras.saving.load_model(path)(IMAGES, training=False))


def test_of_a_compiled_network_the_optimizer_counts_for_nothing(tmp_path):
  network = _plain(keras.layers.Conv2D(3, 3, padding="same"))
  network.compile("adam", "mse")
  network.fit(IMAGES, IMAGES, verbose=0)
  network.save(tmp_path / "compiled.keras")
  assert read_headers(tmp_path / "compiled.keras").parameters == network.count_params() == 84
  recipes.assert_same(load_network(tmp_path / "compiled.keras")(IMAGES), network(IMAGES))


def _widen(config):
  config["config"]["layers"][1]["config"]["filters"] = 2 ** 30


def test_a_network_larger_than_its_file_takes_no_memory(tmp_path):
  network = _plain(keras.layers.Conv2D(3, 3, padding="same"))
  network.save(tmp_path / "small.keras")
  path = _with_config(tmp_path / "small.keras", tmp_path / "wide.keras", _widen)
  with pytest.raises(ValueError, match=r"wide.keras describes a network of 30,064,771,072 parameters, and holds 84"):
    load_network(path)


@pytest.mark.parametrize("field", ["residual_blocks", "base_channels"])
def test_a_number_in_our_configuration_that_the_file_cannot_hold(field, tmp_path):
  """Before a loop makes a layer for each."""
  network = ti.create_generator("x_gans", base_channels=2, residual_blocks=1)
  network(IMAGES)
  network.save(tmp_path / "small.keras")
  path = _with_config(tmp_path / "small.keras", tmp_path / "many.keras",
                      lambda config: config["config"]["config"].update({field: 10 ** 9}))
  with pytest.raises(ValueError, match=f"many.keras: {field} is 1000000000 in a file of"):
    load_network(path)


@pytest.mark.parametrize("read", [load_network, inspect_keras], ids=["load", "inspect"])
def test_what_unpacks_to_far_more_than_its_size(read, ours, tmp_path):
  """Zeros in the archive, or within the weights file; neither is unpacked."""
  packed = _rewritten(ours, tmp_path / "packed.keras", lambda name, content: (
      content + bytes(100 << 20) if name == WEIGHTS else content), zipfile.ZIP_DEFLATED)
  within = _with_weights(ours, tmp_path / "within.keras", lambda file: file.create_dataset(
      "more", (1 << 32,), "f4", compression="gzip", chunks=(1 << 20,)))
  tracemalloc.start()
  for path in (packed, within):
    with pytest.raises(ValueError, match=rf"{path.name} has [\d,]+ bytes and would unpack to [\d,]+"):
      read(path)
  assert tracemalloc.get_traced_memory()[1] < 20e6
  tracemalloc.stop()


@pytest.mark.parametrize("read", [load_network, inspect_keras], ids=["load", "inspect"])
@pytest.mark.parametrize("change", [
    lambda file: file.create_dataset("other", (8,), "u1", external=[("/etc/passwd", 0, 8)]),
    lambda file: file.__setitem__("other", h5py.ExternalLink("/etc/passwd", "/")),
    lambda file: file.__setitem__("other", h5py.SoftLink("/layers")),
], ids=["external_data", "external_link", "soft_link"])
def test_weights_that_lie_elsewhere(read, change, ours, tmp_path):
  with pytest.raises(ValueError, match="elsewhere.keras takes other from elsewhere"):
    read(_with_weights(ours, tmp_path / "elsewhere.keras", change))


def test_inspect_reads_no_weights(ours, tmp_path, monkeypatch):
  more = np.ones(5_000_000, "f4")
  large = _with_weights(ours, tmp_path / "large.keras", lambda file: file.create_dataset("more", data=more))
  read = []
  monkeypatch.setattr("tf_imgtrans.core.keras_files._Part.readinto", _counting(read))
  assert inspect_keras(large)["parameters"] == 69_249 + 5_000_000
  assert sum(read) < 200_000 < large.stat().st_size


def _counting(read):
  from tf_imgtrans.core.keras_files import _Part

  original = _Part.readinto

  def readinto(self, buffer):
    read.append(original(self, buffer))
    return read[-1]

  return readinto


@pytest.mark.parametrize("damage", [
    lambda content: content[:len(content) // 2], lambda content: b"", lambda content: b"PK" + content[2:200],
    lambda content: bytes(len(content)),
], ids=["half", "empty", "start", "zeros"])
def test_damaged(damage, ours, tmp_path):
  path = tmp_path / "damaged.keras"
  path.write_bytes(damage(ours.read_bytes()))
  with pytest.raises(ValueError, match=r"damaged.keras is no .keras file, or a damaged one"):
    load_network(path)


def test_code_in_a_file_is_refused(tmp_path):
  _plain(keras.layers.Lambda(lambda x: x + 1)).save(tmp_path / "code.keras")
  with pytest.raises(ValueError, match="[Ll]ambda"):
    load_network(tmp_path / "code.keras")


def test_nothing_is_left_behind(ours, tmp_path, monkeypatch):
  monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
  load_network(shutil.copy(ours, tmp_path / "copy.keras"))
  assert [entry.name for entry in pathlib.Path(tmp_path).iterdir()] == ["copy.keras"]
