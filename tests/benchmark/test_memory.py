"""Memory of one inference, in a process of its own."""

import keras
import pytest

from tf_imgtrans.benchmark import peak_memory
from tf_imgtrans.benchmark.memory import probe
from tf_imgtrans.core.formats import FORMATS

pytestmark = pytest.mark.export
SIZE = 512


@pytest.fixture(scope="module")
def wide():
  """A convolution to 64 feature maps and one back: 64 MiB between them at 512x512."""
  network = keras.Sequential([keras.layers.Conv2D(64, 3, padding="same"), keras.layers.Conv2D(3, 3, padding="same")])
  network.build((None, None, None, 3))
  return network


@pytest.mark.parametrize("kind", ["keras", "saved-model", "tflite"])
def test_the_feature_maps_between_are_seen(kind, wide, tmp_path):
  entry = FORMATS[kind]
  path = entry.save(wide, tmp_path / f"m{entry.suffix}")
  small, large = (peak_memory(kind, path, SIZE, width, threads=1) for width in (SIZE // 2, SIZE))
  between = 4 * 64 * SIZE ** 2  # bytes
  assert between < large < 6 * between
  assert large > 1.3 * small


def test_a_file_that_cannot_be_loaded_is_named(tmp_path):
  (tmp_path / "m.tflite").write_bytes(b"no model")
  with pytest.raises(RuntimeError, match=r"m\.tflite: its memory cannot be measured: "):
    peak_memory("tflite", tmp_path / "m.tflite", 8, 8, threads=1)


def test_the_interpreter_runs_without_the_package(wide, tmp_path):
  FORMATS["tflite"].save(wide, tmp_path / "m.tflite")
  packages = probe("tflite", tmp_path / "m.tflite", 8, 8, threads=1)["packages"]
  assert "ai_edge_litert" in packages and not {"tensorflow", "keras", "tf_imgtrans"} & set(packages)


def test_an_unknown_kind_is_named(tmp_path):
  with pytest.raises(ValueError, match="did you mean 'tflite'"):
    peak_memory("tfite", tmp_path, 8, 8, threads=1)
