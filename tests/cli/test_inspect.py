"""`tf-imgtrans inspect`: what it prints and writes for each kind of model file."""

import json

import pytest
from recipes import call

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def generator():
  from tf_imgtrans.recipes import create_generator

  generator = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4)
  generator.task = {"recipe": "mux_demux"}
  return generator


def test_a_tflite_file(generator, tmp_path, capsys):
  from tf_imgtrans.export import to_tflite

  size = to_tflite(generator, tmp_path / "m.tflite", height=32, width=48)
  assert call("inspect", tmp_path / "m.tflite", "--json", tmp_path / "found.json") == 0
  published = capsys.readouterr().out
  for said in (f"tflite, {size:,} bytes", "float32 [1, 32, 48, 3]", "signatures image_float", "highest rank 4",
               "precision: float32", "channel_order: RGB", "noise: fixed", "weights_sha256: ", "34 CONV_2D",
               "GPU delegate: takes every operation", "task {'recipe': 'mux_demux'}"):
    assert said in published
  found = json.loads((tmp_path / "found.json").read_text())
  assert found["operations"]["CONV_2D"] == 34 and found["metadata"]["height"] == 32


def test_a_tflite_file_of_any_size(generator, tmp_path, capsys):
  from tf_imgtrans.export import to_tflite

  to_tflite(generator, tmp_path / "m.tflite")
  assert call("inspect", tmp_path / "m.tflite") == 0
  published = capsys.readouterr().out
  for said in ("float32 [1, any, any, 3]", "height: any", "known only when the file runs", "would leave to the CPU",
               "SHAPE x"):
    assert said in published


def test_the_other_kinds(generator, tmp_path, capsys):
  from tf_imgtrans.export import to_saved_model

  generator.save(tmp_path / "m.keras")
  to_saved_model(generator, tmp_path / "served")
  assert call("inspect", tmp_path / "m.keras") == 0
  assert "MuxDemuxGenerator" in (published := capsys.readouterr().out) and f"{generator.count_params():,}" in published
  assert "task {'recipe': 'mux_demux'}" in published
  assert call("inspect", tmp_path / "served") == 0
  published = capsys.readouterr().out
  assert "signature image_float" in published and "input image: float [any, any, any, 3]" in published
  assert "task {'recipe': 'mux_demux'}" in published and "weights_sha256: " in published


def test_a_file_that_does_not_tell_its_task(tmp_path, capsys):
  import keras

  keras.Sequential([keras.Input((None, None, 3)), keras.layers.ReLU()]).save(tmp_path / "m.keras")
  assert call("inspect", tmp_path / "m.keras") == 0
  assert "task unknown" in capsys.readouterr().out


def test_what_is_no_model(tmp_path, capsys):
  assert call("inspect", tmp_path) == 2
  assert "no model" in capsys.readouterr().err
  (tmp_path / "m.tflite").write_bytes(b"something else")
  assert call("inspect", tmp_path / "m.tflite") == 2
  assert "is no .tflite file" in capsys.readouterr().err
  assert call("inspect", tmp_path / "none.tflite") == 2
  assert "none.tflite" in capsys.readouterr().err
