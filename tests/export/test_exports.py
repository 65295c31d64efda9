"""Exports give the same image, in every loader that users have, and hold what they promise."""

import collections
import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_imgtrans.core.images import read_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.export.parity import Parity, measure_parity
from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.export.tflite import to_tflite
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export
SMALL = {"growth_half": 4, "growth_quarter": 4}


@pytest.fixture(scope="module", params=["mux_demux", "mux_demux_hp"])
def generator(request):
  return create_generator(request.param, seed=1, **SMALL)


@pytest.fixture(scope="module")
def photograph():
  return read_image(held_out_photograph())


def run(generator):
  return lambda images: generator(images, training=False).numpy()


def operations(path):
  interpreter = Interpreter(str(path))
  return collections.Counter(detail["op_name"] for detail in interpreter._get_ops_details())


def test_saved_model_gives_the_same_image_at_any_size(generator, photograph, tmp_path):
  folder = to_saved_model(generator, tmp_path / "served", version=3)
  assert folder == tmp_path / "served" / "3" and (folder / "saved_model.pb").is_file()
  loaded = load_model(tmp_path / "served")
  parity = measure_parity(run(generator), loaded, [photograph[:96, :128], photograph[:61, :83]])
  assert parity.max_difference < 1e-6
  assert [path.name for path in (tmp_path / "served").iterdir()] == ["3"]  # no temporary folder is left


def test_session_loaders_find_the_variables(generator, photograph, tmp_path):
  """TensorFlow Serving loads into a session, which finds missing variables that Python's loader hides."""
  folder = to_saved_model(generator, tmp_path)
  image = photograph[None, :40, :52]
  with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    meta = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    signature = meta.signature_def["image_float"]
    served = session.run(signature.outputs["image"].name, {signature.inputs["image"].name: image})
  np.testing.assert_allclose(served, run(generator)(image), atol=1e-6)
  kept = tf.train.load_checkpoint(str(folder / "variables" / "variables")).get_variable_to_shape_map().values()
  assert sum(math.prod(shape) for shape in kept) == generator.count_params() + 1  # each once, and the names of all


def test_saved_model_cli_shows_the_signature(tmp_path):
  folder = to_saved_model(create_generator("mux_demux_hp", **SMALL), tmp_path)
  shown = subprocess.run([sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "show", "--dir", str(folder),
                          "--tag_set", "serve", "--signature_def", "image_float"], capture_output=True, text=True,
                         timeout=120)
  assert "inputs['image'] tensor_info" in shown.stdout and "(-1, -1, -1, 3)" in shown.stdout, shown.stderr


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_tflite_of_a_fixed_size(generator, photograph, tmp_path, precision):
  size = to_tflite(generator, tmp_path / "m.tflite", precision, height=96, width=128)
  assert size == (tmp_path / "m.tflite").stat().st_size
  loaded = load_model(tmp_path / "m.tflite")
  parity = measure_parity(run(generator), loaded, [photograph[:96, :128]], precision)
  assert parity.within_tolerance, parity
  used = operations(tmp_path / "m.tflite")
  assert used["SPACE_TO_DEPTH"] == used["DEPTH_TO_SPACE"] == 2
  assert not any("Flex" in name or "CUSTOM" in name for name in used)
  assert not {"SHAPE", "RESHAPE", "GATHER", "TILE"} & set(used)  # a fixed size needs none of them
  with pytest.raises(ValueError, match="96"):
    loaded(photograph[None, :64, :64])


def test_tflite_of_any_size(generator, photograph, tmp_path):
  to_tflite(generator, tmp_path / "m.tflite")
  loaded = load_model(tmp_path / "m.tflite")
  parity = measure_parity(run(generator), loaded, [photograph[:96, :128], photograph[:61, :83], photograph[:200, :300]])
  assert parity.within_tolerance, parity


def test_float16_halves_the_weights(tmp_path):
  generator = create_generator("mux_demux_hp", growth_half=8, growth_quarter=16)
  sizes = [to_tflite(generator, tmp_path / "m.tflite", precision, 32, 32) for precision in ("float32", "float16")]
  assert sizes[0] - sizes[1] > 0.4 * 4 * generator.count_params()


def test_exported_noise_is_fixed_whatever_the_model_draws(photograph, tmp_path):
  generator = create_generator("mux_demux_hp", noise="random", **SMALL)
  image = photograph[None, :48, :48]
  assert not np.array_equal(generator(image), generator(image))
  to_saved_model(generator, tmp_path / "s")
  to_tflite(generator, tmp_path / "m.tflite", height=48, width=48)
  for path in (tmp_path / "s", tmp_path / "m.tflite"):
    exported = load_model(path)
    np.testing.assert_array_equal(exported(image), exported(image))
  assert generator.noise == "random"  # the caller's model is left as it was


def test_noise_that_is_off_stays_off_unless_it_is_asked_for(photograph, tmp_path):
  generator = create_generator("mux_demux_hp", noise="off", **SMALL)
  image = photograph[None, :48, :48]
  to_saved_model(generator, tmp_path / "own")
  np.testing.assert_allclose(load_model(tmp_path / "own")(image), generator(image), atol=1e-5)
  to_saved_model(generator, tmp_path / "fixed", noise="fixed")
  assert np.abs(load_model(tmp_path / "fixed")(image) - generator(image)).max() > 1e-3


def test_a_half_precision_model_is_exported_in_float32(photograph, tmp_path):
  from tf_imgtrans.papers.mux_demux import TINY, Generator

  half = Generator(TINY, dtype="mixed_bfloat16")
  half(keras.Input((None, None, 3)))
  to_tflite(half, tmp_path / "m.tflite", height=32, width=32)
  full = Generator(TINY)
  full(keras.Input((None, None, 3)))
  full.set_weights(half.get_weights())
  assert measure_parity(run(full), load_model(tmp_path / "m.tflite"), [photograph[:32, :32]]).within_tolerance


@pytest.mark.parametrize(("arguments", "message"), [
    ({"precision": "float61"}, "did you mean 'float16'"),
    ({"height": 32}, "give both"),
    ({"path": "m.tfl"}, "ends in .tflite"),
])
def test_tflite_refuses_wrong_arguments(tmp_path, arguments, message):
  arguments = {"path": tmp_path / "m.tflite", **arguments}
  with pytest.raises(ValueError, match=message):
    to_tflite(create_generator("mux_demux_hp", **SMALL), **arguments)
  assert not list(tmp_path.iterdir())


def test_a_version_is_never_overwritten(tmp_path):
  generator = create_generator("mux_demux_hp", **SMALL)
  to_saved_model(generator, tmp_path, version=4)
  with pytest.raises(ValueError, match="next free version, 5"):
    to_saved_model(generator, tmp_path, version=4)
  with pytest.raises(ValueError, match="from 1"):
    to_saved_model(generator, tmp_path, version=0)


def test_parity_by_hand():
  image = np.zeros((2, 2, 3), np.float32)
  parity = measure_parity(lambda x: x, lambda x: x + np.float32(0.5), [image])
  assert (parity.max_difference, parity.mean_difference) == (0.5, 0.5)
  assert parity.psnr_db == pytest.approx(6.0206, abs=1e-4)  # -10 log10(0.25)
  assert not parity.within_tolerance and "OUTSIDE" in str(parity)
  assert Parity(1e-3, 1e-4, 90.0, "float32").within_tolerance
  assert not Parity(1e-3, 1.01e-4, 90.0, "float32").within_tolerance
