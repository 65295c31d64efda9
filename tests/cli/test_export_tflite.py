"""`tf-imgtrans export tflite`: precisions, sizes, verification on photographs and against targets, and the report."""

import json

import numpy as np
import pytest
from recipes import call

from tf_imgtrans.cli.export import _sizes
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.export.photographs import fit, photographs_at, representative

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  """A network of two convolutions that changes little: the sum of its input and a small residual."""
  import keras

  keras.utils.set_random_seed(5)
  inputs = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
  residual = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(features)
  path = tmp_path_factory.mktemp("model") / "plain.keras"
  keras.Model(inputs, keras.layers.ReLU(max_value=1.0)(inputs + 0.1 * residual)).save(path)
  return path


def export(model, out, *arguments):
  return call("export", "tflite", "--model", model, "--out", out, *arguments)


def test_several_sizes_in_one_call(model, tmp_path, capsys):
  assert export(model, tmp_path / "m.tflite", "--sizes", "32x48", "40X32", "--precision", "float16") == 0
  files = json.loads((tmp_path / "export_report.json").read_text())["files"]
  assert sorted(path.name for path in tmp_path.iterdir()) == ["export_report.json", "m_32x48.tflite", "m_40x32.tflite"]
  entry = files["m_32x48.tflite"]
  assert entry["bytes"] == (tmp_path / "m_32x48.tflite").stat().st_size and entry["gpu"] == []
  assert (entry["metadata"]["height"], entry["metadata"]["width"]) == (32, 48)
  assert entry["parity"]["photographs"] == 3 and entry["parity"]["within_tolerance"]
  assert "takes every operation" in capsys.readouterr().out


def test_integers_from_a_folder_of_images(model, tmp_path):
  for index in range(2):
    write_image(tmp_path / "rep" / f"{index}.png", read_image(held_out_photograph())[index * 90:index * 90 + 80, :70])
  assert export(model, tmp_path / "out" / "m.tflite", "--precision", "int8", "--height", 32, "--width", 32,
                "--representative", tmp_path / "rep", "--integer_io") == 0
  entry = json.loads((tmp_path / "out" / "export_report.json").read_text())["files"]["m.tflite"]
  assert entry["inputs"][0]["dtype"] == "uint8" and entry["inputs"][0]["step"] == pytest.approx(1 / 255)
  assert entry["parity"]["psnr_db"] > 35


def test_outside_the_tolerance_the_file_is_renamed(model, tmp_path, capsys, monkeypatch):
  monkeypatch.setattr("tf_imgtrans.export.parity.TOLERANCES", {"float32": (0.0, 0.0)})
  assert export(model, tmp_path / "m.tflite", "--height", 32, "--width", 40) == 1
  published = capsys.readouterr().out
  assert "OUTSIDE" in published and "renamed to" in published
  assert sorted(path.name for path in tmp_path.iterdir()) == ["export_report.json", "m.outside_tolerance.tflite"]
  monkeypatch.undo()
  assert export(model, tmp_path / "m.tflite", "--height", 32, "--width", 40) == 0
  assert sorted(path.name for path in tmp_path.iterdir()) == ["export_report.json", "m.tflite"]


def test_against_targets_the_drop_counts(model, tmp_path, monkeypatch):
  for index in range(3):
    crop = read_image(held_out_photograph())[index * 60:index * 60 + 32, 100:132]
    write_image(tmp_path / "low" / f"{index}.png", crop)
    write_image(tmp_path / "high" / f"{index}.png", crop * 0.9)
  arguments = ["--height", 32, "--width", 32, "--precision", "dynamic_int8", "--photographs", tmp_path / "low"]
  assert export(model, tmp_path / "m.tflite", *arguments, "--targets", tmp_path / "high") == 0
  parity = json.loads((tmp_path / "export_report.json").read_text())["files"]["m.tflite"]["parity"]
  assert parity["drop_db"] == pytest.approx(parity["source_psnr_db"] - parity["exported_psnr_db"])
  assert parity["source_psnr_db"] < 40 and "targets" in parity["rule"] and parity["photographs"] == 3
  monkeypatch.setattr("tf_imgtrans.export.parity.MAX_DROP_DB", -100)
  assert export(model, tmp_path / "m.tflite", *arguments, "--targets", tmp_path / "high") == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (["--sizes", "32by32"], "such as 720x1280"),
    (["--sizes", "0x32"], "such as 720x1280"),
    (["--sizes", "32x32", "--height", 32], "--sizes beside"),
    (["--targets", "high"], "--targets without --photographs"),
    (["--precision", "int8", "--representative", "nowhere"], "nowhere"),
    (["--upsample", "conv"], "fixed size"),
    (["--precision", "float16", "--convolutions_only"], "options of int8"),
])
def test_wrong_calls(model, tmp_path, capsys, arguments, message):
  assert export(model, tmp_path / "m.tflite", *arguments) == 2
  assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_missing_target_is_named(model, tmp_path, capsys):
  for name in ("low/a.png", "low/b.png", "high/a.png"):
    write_image(tmp_path / name, np.full((16, 16, 3), 0.5, np.float32))
  assert export(model, tmp_path / "m.tflite", "--photographs", tmp_path / "low", "--targets", tmp_path / "high") == 2
  assert "no target for b" in capsys.readouterr().err


def test_sizes_are_heights_and_widths():
  assert _sizes(None, None, ("720x1280", "8x4")) == [(720, 1280), (8, 4)]
  assert _sizes(3, 5, ()) == [(3, 5)] and _sizes(None, None, ()) == [(None, None)]


@pytest.mark.parametrize("size", [(8, 8), (5, 30), (64, 7), (16, 24)])
def test_images_are_fitted_from_their_middle(size):
  image = np.zeros((16, 24, 3), np.float32)
  image[:, 8:16] = 1
  fitted = fit(image, *size)
  assert fitted.shape == (*size, 3) and fitted.dtype == np.float32 and 0 <= fitted.min() and fitted.max() <= 1
  assert fitted[size[0] // 2, size[1] // 2, 0] == pytest.approx(1)
  assert fit(image, None, None) is image


def test_sizes_of_the_images_to_measure_and_to_calibrate_on():
  paths = [held_out_photograph()] * 3
  assert [image.shape[:2] for image in photographs_at(paths)] == [(512, 756), (301, 403), (200, 304)]
  assert [image.shape[:2] for image in photographs_at(paths, 32, 48)] == [(32, 48)] * 3
  assert [image.shape[:2] for image in representative(paths * 67)] == [(256, 256)] * 67  # every third of 201
  assert [image.shape[:2] for image in representative(paths, 24, 16)] == [(24, 16)] * 3
