"""What exported files say about themselves, and what is read from the formats of model files."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import tf_imgtrans
from tf_imgtrans.core.formats import FORMATS
from tf_imgtrans.core.networks import digest
from tf_imgtrans.export.flatbuffer import read_lite, with_metadata
from tf_imgtrans.export.inspection import inspect_model
from tf_imgtrans.export.metadata import effective_noise, read_description
from tf_imgtrans.export.parity import Parity
from tf_imgtrans.export.report import settle
from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.export.tflite import to_tflite
from tf_imgtrans.inference.models import at_scale, load_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export
TASK = {"recipe": "mux_demux", "task": {"degradation": "phone_camera", "range": [0.4, 0.7]}}


@pytest.fixture(scope="module")
def generator():
  generator = create_generator("mux_demux_hp", seed=4, growth_half=4, growth_quarter=4)
  generator.task = TASK
  return generator


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
  path = tmp_path_factory.mktemp("lite") / "m.tflite"
  to_tflite(generator, path, "float16", height=32, width=48)
  return path


def test_the_file_describes_itself(generator, path):
  found = read_description(path)
  assert {name: found[name] for name in ("value_range", "layout", "channel_order", "scale", "height", "width", "noise",
                                         "precision", "version", "signatures")} == {
      "value_range": [0, 1], "layout": "NHWC", "channel_order": "RGB", "scale": 1, "height": 32, "width": 48,
      "noise": "fixed", "precision": "float16", "version": tf_imgtrans.__version__, "signatures": ["image_float"]}
  assert found["weights_sha256"] == digest(generator)
  assert found["input"]["shape"] == found["output"]["shape"] == [1, 32, 48, 3]


@pytest.mark.parametrize("kind, name", [("tflite", "m.tflite"), ("saved-model", "m")])
def test_a_strength_is_noted_and_followed(kind, name, generator, tmp_path):
  """The graph is the same; a client blends, as ours does without being told."""
  image = np.random.default_rng(1).random((40, 48, 3), np.float32)
  path = FORMATS[kind].save(generator, tmp_path / name, strength=0.3)
  loaded = load_model(path)
  assert read_description(path)["strength"] == loaded.strength == 0.3
  full = loaded(image[None])[0]
  np.testing.assert_allclose(full, generator(image[None], training=False)[0], atol=1e-4)
  np.testing.assert_allclose(tf_imgtrans.predict(path, image), 0.3 * full + 0.7 * image, atol=1e-5)
  np.testing.assert_allclose(tf_imgtrans.predict(path, image, strength=1.0), full, atol=1e-5)
  with pytest.raises(ValueError, match="strength is 2: expected 0"):
    FORMATS[kind].save(generator, tmp_path / f"other{FORMATS[kind].suffix}", strength=2)


def test_a_file_without_a_strength_has_one(generator, path):
  assert read_description(path)["strength"] == load_model(path).strength == 1


def test_both_interpreters_load_the_file_and_agree(path):
  image = np.random.default_rng(0).random((1, 32, 48, 3), np.float32)
  outputs = []
  for kind in (Interpreter, tf.lite.Interpreter):
    runner = kind(str(path), num_threads=1).get_signature_runner("image_float")
    outputs.append(runner(image=image)["image"])
  np.testing.assert_allclose(*outputs, atol=1e-6)


def test_metadata_changes_nothing_else(path):
  before = path.read_bytes()
  after = with_metadata(before, "note", b"hello")
  old, new = read_lite(before), read_lite(after)
  assert new.metadata == {**old.metadata, "note": b"hello"}
  for part in ("operations", "tensors", "inputs", "outputs", "signatures"):
    assert getattr(new, part) == getattr(old, part)
  again = read_lite(with_metadata(after, "note", b"bye"))
  assert again.metadata["note"] == b"bye" and len(again.metadata) == len(new.metadata)
  image = np.random.default_rng(1).random((1, 32, 48, 3), np.float32)
  results = [Interpreter(model_content=content, num_threads=1).get_signature_runner("image_float")(image=image)["image"]
             for content in (before, after)]
  np.testing.assert_array_equal(*results)


def test_files_of_others_have_no_description():
  function = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec((1, 2, 2, 3))])
  content = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]).convert()
  assert read_description(content) is None
  for text in (b"{", b"[]", b'{"task": 5}', b'{"task": {"config": []}}', b'{"strength": "much"}', b'{"strength": 2}'):
    with pytest.raises(ValueError, match="no description of tf_imgtrans, or damaged"):
      read_description(with_metadata(content, "tf_imgtrans", text))


def test_operations_and_constants_are_read_as_they_are():
  kernel = np.ones((3, 3, 3, 4), np.float32)
  function = tf.function(lambda x: tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")),
                         input_signature=[tf.TensorSpec((1, None, 6, 3))])
  lite = read_lite(tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]).convert())
  convolution, = [operation for operation in lite.operations if operation.name == "CONV_2D"]
  assert convolution.inputs[1].shape == (4, 3, 3, 3) and convolution.inputs[1].constant
  assert convolution.outputs[0].shape == (1, -1, 6, 4) and not convolution.outputs[0].static
  assert convolution.options.fusedActivationFunction == 1 and lite.counts()["CONV_2D"] == 1


@pytest.mark.parametrize("content", [b"", b"no model", b"\0\0\0\0TFL3", b"\x1c\0\0\0TFL3" + bytes(7)])
def test_damaged_files_are_named(tmp_path, content):
  (tmp_path / "m.tflite").write_bytes(content)
  with pytest.raises(ValueError, match=r"m\.tflite is (no|a damaged) \.tflite file"):
    read_lite(tmp_path / "m.tflite")


@pytest.mark.parametrize(("own", "asked", "seen"), [("random", None, "fixed"), ("off", None, "off"), 
                                                    ("fixed", "off", "off"), ("off", "random", "random")])
def test_the_noise_of_an_export(own, asked, seen):
  class Network:
    noise = own

  assert effective_noise(Network(), asked) == seen and effective_noise(object(), asked) == "none"


def test_inspection_of_a_saved_model(generator, tmp_path):
  to_saved_model(generator, tmp_path, version=2)
  found = inspect_model(tmp_path)
  assert found["path"] == str(tmp_path / "2") and found["kind"] == "saved-model"
  assert found["signatures"]["image_float"]["inputs"] == [{"name": "image", "shape": [-1, -1, -1, 3], "dtype": "float"}]
  assert found["operations"]["Conv2D"] >= 10


def test_inspection_of_a_keras_file(generator, tmp_path):
  generator.save(tmp_path / "generator.keras")
  found = inspect_model(tmp_path)  # as a run folder
  assert (found["kind"], found["parameters"]) == ("keras", generator.count_params())
  assert found["config"]["config"]["growth_half"] == 4
  (tmp_path / "bad.keras").write_text("no archive")
  with pytest.raises(ValueError, match="bad.keras"):
    inspect_model(tmp_path / "bad.keras")
  with pytest.raises(FileNotFoundError, match="none.keras"):
    inspect_model(tmp_path / "none.keras")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_keeps_the_task(kind, generator, tmp_path):
  entry = FORMATS[kind]
  for network, task in ((generator, TASK), (keras.Sequential([keras.Input((None, None, 3)), keras.layers.ReLU()]), None)):
    path = entry.save(network, tmp_path / f"{task is None}{entry.suffix}")
    loaded = load_model(path)
    assert loaded.task == task and inspect_model(path)["task"] == task
    assert at_scale(loaded, 1).task == task


def test_a_saved_model_describes_itself(generator, tmp_path):
  folder = to_saved_model(generator, tmp_path, noise="off")
  found = read_description(folder)
  assert (found["noise"], found["scale"], found["height"], found["precision"]) == ("off", 1, None, "float32")
  assert found["weights_sha256"] == digest(generator) and inspect_model(tmp_path)["metadata"] == found
  (folder / "assets.extra" / "tf_imgtrans.json").unlink()  # as of version 0.1.0
  assert inspect_model(tmp_path)["metadata"] is None and load_model(tmp_path).task is None


def test_the_report_keeps_one_entry_for_each_file(path, tmp_path):
  for name in ("a", "b"):
    (tmp_path / f"{name}.tflite").write_bytes(path.read_bytes())
  good, bad = Parity(1e-4, 1e-5, 90.0, "float32", photographs=3), Parity(0.5, 0.1, 9.0, "float32", photographs=3)
  assert settle(tmp_path / "a.tflite", good)[0] == tmp_path / "a.tflite"
  place, entry = settle(tmp_path / "b.tflite", bad)
  assert place == tmp_path / "b.outside_tolerance.tflite" and not entry["parity"]["within_tolerance"]
  report = json.loads((tmp_path / "export_report.json").read_text())["files"]
  assert set(report) == {"a.tflite", "b.outside_tolerance.tflite"}
  assert report["a.tflite"]["metadata"]["precision"] == "float16" and report["a.tflite"]["parity"]["photographs"] == 3
  (tmp_path / "b.tflite").write_bytes(path.read_bytes())
  settle(tmp_path / "b.tflite", good)  # the refused one goes
  assert sorted(item.name for item in tmp_path.iterdir()) == ["a.tflite", "b.tflite", "export_report.json"]
  assert set(json.loads((tmp_path / "export_report.json").read_text())["files"]) == {"a.tflite", "b.tflite"}


def test_a_file_of_another_program_is_no_report(path, tmp_path):
  (tmp_path / "a.tflite").write_bytes(path.read_bytes())
  (tmp_path / "export_report.json").write_text("[1]")
  settle(tmp_path / "a.tflite", None)
  found = json.loads((tmp_path / "export_report.json").read_text())["files"]
  assert list(found) == ["a.tflite"] and found["a.tflite"]["parity"] is None
