"""Images in, images out."""

import os
import pathlib
import threading

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.images import read_image, read_uint8
from tf_imgtrans.inference import predict
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.inference.predict import AnySize, output_paths, predict_files
from tf_imgtrans.inference.receptive_field import _growth, bytes_per_pixel, largest_side

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)


def darken(images):
  """A model that refuses small images, as the generators do."""
  if min(images.shape[1:3]) < 8:
    raise ValueError(f"height is {images.shape[1]}: the generator needs at least 8 pixels")
  return images * 0.5


def half(path):
  return np.floor(read_image(path) * 0.5 * 255 + 0.5).astype(np.uint8)


@pytest.fixture
def bad_folder(tmp_path):
  """Images of every kind, among files that cannot be used."""
  folder = tmp_path / "photos"
  folder.mkdir()
  image = Image.fromarray(PIXELS)
  image.save(folder / "plain.jpg")
  image.convert("CMYK").save(folder / "cmyk.jpg")
  image.convert("L").save(folder / "grey.png")
  image.convert("RGBA").save(folder / "alpha.png")
  exif = Image.Exif()
  exif[274] = 6
  image.save(folder / "turned.jpg", exif=exif)
  cv2.imwrite(str(folder / "deep.png"), PIXELS.astype(np.uint16) * 257)
  torn = (folder / "plain.jpg").read_bytes()
  (folder / "torn.jpg").write_bytes(torn[:len(torn) // 2])
  (folder / "empty.png").touch()
  (folder / "text.png").write_text("not an image")
  Image.new("RGB", (1, 1)).save(folder / "tiny.png")
  return folder


GOOD = ["alpha", "cmyk", "deep", "grey", "plain", "turned"]
BAD = {
    "empty.png": "the file is empty",
    "text.png": "not an image",
    "tiny.png": "height is 1: the generator needs at least 8 pixels",
    "torn.jpg": "the file is truncated",
}


def test_a_bad_folder(bad_folder, tmp_path, capfd):
  report = predict_files(darken, [bad_folder], tmp_path / "out", progress=False)
  assert [path.stem for path, _ in report.written] == GOOD
  for path, output in report.written:
    assert output == tmp_path / "out" / f"{path.stem}.png"
    np.testing.assert_array_equal(read_uint8(output), half(path))
  assert read_uint8(tmp_path / "out" / "turned.png").shape == (20, 16, 3)
  assert [path.name for path, _ in report.failures] == sorted(BAD)
  for path, reason in report.failures:
    assert reason.startswith(BAD[path.name])
  assert sorted(os.listdir(tmp_path / "out")) == [f"{name}.png" for name in GOOD]
  assert capfd.readouterr().err == ""


@pytest.mark.parametrize("sizes", [{}, {"tile": 24, "overlap": 4, "statistics": "tile"}])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_strength_blends_with_the_input(sizes, dtype):
  image = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)
  image = image if dtype == np.uint8 else np.float32(image) / np.float32(255)
  unit = np.float64(image) / (255 if dtype == np.uint8 else 1)
  made = AnySize(darken, strength=0.25, **sizes)(image)
  np.testing.assert_allclose(np.float64(made) / (255 if made.dtype == np.uint8 else 1), 0.875 * unit, atol=1.01 / 255)


def test_inputs_unlike_the_task_are_named(bad_folder, tmp_path):
  def remark(image):
    return f"{image.shape[0]} high" if image.shape[0] == 20 else ""

  report = predict_files(darken, [bad_folder], tmp_path / "out", progress=False, remark=remark)
  assert [(path.name, text) for path, text in report.remarks] == [("turned.jpg", "20 high")]


def test_of_a_large_image_the_middle_is_looked_at(tmp_path, monkeypatch):
  monkeypatch.setattr(predict, "LARGE", 100)
  pixels = np.zeros((30, 40, 3), np.uint8)
  pixels[10:20, 15:25] = 255
  Image.fromarray(pixels).save(tmp_path / "large.png")
  report = predict_files(darken, [tmp_path], tmp_path / "out", progress=False, tile=24, overlap=4,
                         remark=lambda image: f"{image.dtype} {image.shape} {image.min()}")
  assert [text for _, text in report.remarks] == ["float32 (10, 10, 3) 1.0"]


@keras.saving.register_keras_serializable(package="tests_inference")
class Darken(keras.Model):
  """`darken` as a Keras model."""

  def call(self, images):
    return darken(images) if images.shape[1] is not None else images * 0.5


def test_a_keras_model_names_its_reason_in_its_own_words(bad_folder, tmp_path):
  model = Darken()
  model(keras.Input((None, None, 3)))
  model.save(tmp_path / "darken.keras")
  report = predict_files(load_model(tmp_path / "darken.keras"), bad_folder, tmp_path / "out", progress=False)
  assert [path.stem for path, _ in report.written] == GOOD
  assert dict(report.failures)[bad_folder / "tiny.png"] == BAD["tiny.png"]


def test_progress_goes_to_the_error_stream(bad_folder, tmp_path, capsys):
  predict_files(darken, bad_folder / "plain.jpg", tmp_path / "out", suffix=".jpg")
  captured = capsys.readouterr()
  assert captured.out == "" and "1/1" in captured.err
  assert (tmp_path / "out" / "plain.jpg").is_file()


@pytest.mark.parametrize("error, reason", [
    (MemoryError(), "not enough memory for 20 x 16 pixels: make the image smaller"),
    (tf.errors.ResourceExhaustedError(None, None, "OOM"), "not enough memory for 20 x 16 pixels"),
    (RuntimeError("first\nsecond"), "RuntimeError: first"),
    (tf.errors.InvalidArgumentError(None, None, "{{function_node __f_1}} too small\n\t [[{{node pad}}]]"),
     "InvalidArgumentError: too small"),
])
def test_a_failing_model_does_not_stop_the_others(tmp_path, error, reason):
  for name in "abc":
    Image.fromarray(PIXELS).save(tmp_path / f"{name}.png")
  calls = []

  def fails_once(images):
    calls.append(images)
    if len(calls) == 2:
      raise error
    return images

  report = predict_files(fails_once, tmp_path, tmp_path / "out", progress=False)
  assert [path.name for path, _ in report.written] == ["a.png", "c.png"]
  (path, told), = report.failures
  assert path.name == "b.png" and told.startswith(reason)


def test_output_that_cannot_be_written_is_a_failure(tmp_path):
  for name in ("a.png", "b.png", "c.png"):
    Image.fromarray(PIXELS).save(tmp_path / name)
  (tmp_path / "out" / "b.png").mkdir(parents=True)
  report = predict_files(darken, tmp_path, tmp_path / "out", progress=False)
  assert [path.name for path, _ in report.written] == ["a.png", "c.png"]
  assert [path.name for path, _ in report.failures] == ["b.png"]
  report = predict_files(lambda images: images * np.nan, tmp_path / "a.png", tmp_path / "out", progress=False)
  assert "not finite" in report.failures[0][1]


def test_a_file_that_goes_away_is_a_failure(tmp_path):
  os.symlink("gone.png", tmp_path / "link.png")
  report = predict_files(darken, tmp_path, tmp_path / "out", progress=False)
  assert report.failures == [(tmp_path / "link.png", "no such file")]


def test_wrong_calls_write_nothing(tmp_path):
  Image.fromarray(PIXELS).save(tmp_path / "a.png")
  with pytest.raises(FileNotFoundError, match="none.png"):
    predict_files(darken, [tmp_path / "a.png", tmp_path / "none.png"], tmp_path / "out")
  with pytest.raises(ValueError, match=r"'\.gif'"):
    predict_files(darken, tmp_path, tmp_path / "out", suffix=".gif")
  with pytest.raises(ValueError, match="a.png is a file"):
    predict_files(darken, tmp_path, tmp_path / "a.png")
  assert not (tmp_path / "out").exists()


def test_inputs_are_never_overwritten(tmp_path):
  for name in ("a.png", "a.jpg", "b.png"):
    Image.fromarray(PIXELS).save(tmp_path / name)
  os.symlink(tmp_path, tmp_path / "same")
  before = {path: path.read_bytes() for path in tmp_path.glob("?.*")}
  inputs = [tmp_path / name for name in ("a.jpg", "a.png", "b.png")]
  for out in (tmp_path, tmp_path / "same"):
    report = predict_files(darken, inputs, out, progress=False)
    assert [output.name for _, output in report.written] == ["a_out.png", "a_out_png.png", "b_out.png"]
  assert len(before) == 3 and before == {path: path.read_bytes() for path in before}


def test_two_calls_do_not_write_the_same_files(tmp_path):
  for name in ("a.png", "b.png"):
    Image.fromarray(PIXELS).save(tmp_path / name)
  with claimed(tmp_path / "out", ["b.png"], "predict"):
    with pytest.raises(ValueError, match="out is written to by predict, process"):
      predict_files(darken, tmp_path, tmp_path / "out", progress=False)
    assert len(predict_files(darken, tmp_path / "a.png", tmp_path / "out", progress=False).written) == 1
  assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_names_are_documented():
  inputs = [pathlib.Path(name) for name in ("x/a.jpg", "x/a.png", "y/a.png", "y/A.PNG", "z/a_png.gif", "z/b")]
  names = [path.name for path in output_paths(inputs, "out")]
  assert names == ["a.png", "a_png.png", "a_2.png", "A_3.png", "a_png_gif.png", "b.png"]


@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from(["a", "A", "a_png", "a_2", "a_out"]),
                          st.sampled_from([".png", ".jpg", ".PNG", ""])), unique=True))
def test_names_never_collide(parts):
  outputs = output_paths([pathlib.Path(folder, stem + suffix) for folder, stem, suffix in parts], "out", ".webp")
  assert len({str(path).lower() for path in outputs}) == len(parts)
  assert all(path.parent == pathlib.Path("out") and path.suffix == ".webp" for path in outputs)


def test_reading_runs_ahead_of_the_model(tmp_path, monkeypatch):
  for number in range(6):
    Image.fromarray(PIXELS).save(tmp_path / f"{number}.png")
  second_read = threading.Event()
  read = []

  def watched(path):
    read.append(path)
    if len(read) == 2:
      second_read.set()
    return read_image(path)

  monkeypatch.setattr("tf_imgtrans.inference.predict.read_image", watched)
  ahead = []

  def slow(images):
    assert second_read.wait(10)
    ahead.append(len(read) - len(ahead))
    return images

  report = predict_files(slow, tmp_path, tmp_path / "out", progress=False)
  assert [path.name for path, _ in report.written] == [f"{number}.png" for number in range(6)]
  assert max(ahead) <= 4  # but not so far that a folder of photographs would fill the memory


def convolutions(width=16):
  inputs = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(inputs)
  return keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")(features))


def test_reckoned_memory():
  """By hand, for a convolution to 16 maps and one to 3: the two larger neighbours, 16 and 16 before and after the bias
  and the activation, with as much again for the work in between. It is no less than what the process takes."""
  model = convolutions()
  reckoned = bytes_per_pixel(model)
  assert 2 * 4 * 32 <= reckoned <= 2 * 4 * (32 + 2 * 3) + 1
  graph, image = tf.function(model), tf.zeros((1, 1024, 1024, 3))
  graph(image[:, :64, :64])
  graph.get_concrete_function(image)
  assert _growth(lambda: graph(image)) / 1024 ** 2 < reckoned
  assert bytes_per_pixel(lambda images: np.repeat(images, 30, axis=-1)[..., :3]) > 0


def test_the_largest_tile_for_a_limit(monkeypatch):
  from tf_imgtrans.inference import receptive_field

  monkeypatch.setattr(receptive_field, "_resident", lambda: 10 ** 8)
  size = (1000, 2000)
  whole = 10 ** 8 + 2 * 10 ** 6 * (7 + (1000 + 48) / 0.8)
  assert largest_side(1000, size, 1, whole + 1) == 2000
  side = largest_side(1000, size, 1, whole - 1)
  assert side % 64 == 0 and side ** 2 * 1000 + side * 2000 * 60 <= 0.8 * (whole - 10 ** 8 - 14 * 10 ** 6)
  assert largest_side(1000, size, 1, 1.6 * 10 ** 8) == 128
  with pytest.raises(MemoryError, match=r"memory for 2000 x 1000 pixels is short: the limit is 0.10 GiB, and the smallest"):
    largest_side(1000, size, 1, 0.1 * 2 ** 30)


def test_large_images_are_cut(tmp_path, monkeypatch):
  """Above the size that is tried whole, at a limit that takes tiles, and with tiles that are asked for."""
  model = convolutions()
  image = np.random.default_rng(0).integers(0, 256, (200, 330, 3), dtype=np.uint8)
  Image.fromarray(image).save(tmp_path / "a.png")
  whole = predict_files(lambda images: np.asarray(model(images)), tmp_path / "a.png", tmp_path / "whole", progress=False)
  monkeypatch.setattr(predict, "largest_side", lambda each, size, scale, limit: asked.append((size, limit)) or 128)
  monkeypatch.setattr(predict, "LARGE", 1000)
  asked = []
  for name, options in (("usual", {}), ("limit", {"memory_limit": 1.5}), ("tile", {"tile": 96})):
    report = predict_files(model, tmp_path / "a.png", tmp_path / name, progress=False, **options)
    (_, cut), (_, uncut) = report.written[0], whole.written[0]
    assert np.abs(np.int32(read_uint8(cut)) - read_uint8(uncut)).max() <= 1
  assert [size for size, _ in asked] == [(200, 330)] * 2 and asked[1][1] == 1.5 * 2 ** 30
  frames = AnySize(model, memory_limit=1.0)
  assert np.array_equal(frames(image), frames(image)) and len(asked) == 3  # reckoned once for a size
  AnySize(model, memory_limit=1.0, ahead=2)(image)  # two more as bytes, and two results with their encoders
  assert asked[3][1] == asked[2][1] - 2 * (3 + 7) * image.shape[0] * image.shape[1]
  for options, words in (({"tile": 0}, "tile is 0"), ({"memory_limit": 0.0}, "memory_limit is 0.0")):
    with pytest.raises(ValueError, match=words):
      AnySize(model, **options)


def test_a_image_that_does_not_fit_whole_is_cut():
  model = convolutions()
  sides = []

  def tight(images):
    sides.append(images.shape[1:3])
    if images.shape[1:3] == (300, 400):
      raise MemoryError
    return np.asarray(model(images))

  image = np.random.default_rng(0).uniform(0, 1, (300, 400, 3)).astype(np.float32)
  result = AnySize(tight)(image)
  assert np.abs(result / 255 - model(image[None])[0]).max() < 1.01 / 255 and sides[-1] == (200, 200)


def test_memory_that_is_short_is_said_in_numbers(tmp_path):
  Image.fromarray(PIXELS).save(tmp_path / "a.png")
  (_, reason), = predict_files(convolutions(), tmp_path, tmp_path / "out", progress=False, memory_limit=0.001).failures
  assert reason.startswith("memory for 20 x 16 pixels is short: the limit is 0.00 GiB")
