"""The FCN score: sizes, chunks and classes of the function, the validator, and what may be loaded as a segmenter."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.segmentation import score
from tf_imgtrans.baselines.segmentation.config import TINY
from tf_imgtrans.baselines.segmentation.network import Segmenter
from tf_imgtrans.baselines.segmentation.score import SegmentationValidator, fcn_scores, load_segmenter
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.data.labels import LABEL_SETS
from tf_imgtrans.metrics.segmentation import segmentation_scores

COLORS = np.float32([(1, 0, 0), (0, 1, 0), (0, 0, 1)])  # of the classes that ByColor tells apart
NAMES = ("pixel_accuracy", "class_accuracy", "class_iou")


class ByColor(Segmenter):
  """Scores red, green and blue: a segmenter whose answers are known."""

  def __init__(self, config=TINY, classes=3):
    super().__init__(config)
    self.number, self.seen = classes, []

  def build(self, input_shape):
    pass

  def call(self, images, training=False):
    self.seen.append(tuple(images.shape))
    return tf.pad(images, [[0, 0], [0, 0], [0, 0], [0, self.number - 3]])


def _maps(count, height, width, seed=0):
  """Label maps of large blocks, uint8 [N, H, W], with a corner that is ignored."""
  rng = np.random.default_rng(seed)
  labels = np.kron(rng.integers(0, 3, (count, 4, 4)), np.ones((height // 4, width // 4), int)).astype(np.uint8)
  labels[:, :2, :2] = 255
  return labels


def _images(labels):
  return COLORS[np.where(labels == 255, 0, labels)]


@pytest.mark.parametrize("load_size", [0, 32])
def test_images_of_their_label_maps_are_perfect(load_size):
  segmenter = ByColor(dataclasses.replace(TINY, load_size=load_size, batch_size=1, batch_normalization=False))
  labels = _maps(3, 32, 32)
  scores = fcn_scores(segmenter, _images(labels), labels, 3)
  assert list(scores) == list(NAMES) and scores == dict.fromkeys(NAMES, pytest.approx(1.0, abs=1e-9))
  assert fcn_scores(segmenter, [np.uint8(255 * each) for each in _images(labels)], list(labels), 3) == scores
  wrong = (labels + (labels < 3)) % 3
  assert fcn_scores(segmenter, _images(wrong), labels, 3) == dict.fromkeys(NAMES, 0.0)


def test_small_images_are_enlarged_to_their_label_maps():
  """Against the segmentation of every image by itself, resized by another program."""
  labels, small = _maps(2, 64, 96), _images(_maps(2, 16, 16, seed=3))
  segmenter = ByColor(dataclasses.replace(TINY, load_size=0, batch_size=1, batch_normalization=False))
  found = [np.argmax(tf.image.resize(image, (64, 96)), axis=-1) for image in small]
  assert fcn_scores(segmenter, small, labels, 3) == segmentation_scores(labels, found, 3)
  fixed = ByColor(TINY)  # works at 32x32, is judged at 64x96
  found = [np.argmax(tf.image.resize(image, (32, 32)), axis=-1).repeat(2, axis=0).repeat(3, axis=1) for image in small]
  assert fcn_scores(fixed, small, labels, 3) == segmentation_scores(labels, found, 3)


def test_label_maps_of_many_sizes_and_chunks(monkeypatch):
  sizes = [(16, 16), (16, 16), (16, 16), (32, 16), (16, 16)]
  labels = [_maps(1, *size, seed=seed)[0] for seed, size in enumerate(sizes)]
  images = [recipes.random_images(12, 20, 3, seed=seed) for seed in range(5)]
  kernel = keras.initializers.GlorotUniform(seed=0)  # any Keras model may segment
  segmenter = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1, kernel_initializer=kernel)])
  whole = fcn_scores(segmenter, images, labels, 3)
  found = [np.argmax(segmenter(tf.image.resize(image, size, antialias=True)[None])[0], axis=-1)
           for image, size in zip(images, sizes)]
  assert whole == segmentation_scores(labels, found, 3)
  seen = []
  monkeypatch.setattr(score, "CHUNK_PIXELS", 512)
  monkeypatch.setattr(score, "_found", lambda run, chunk, found=score._found: seen.append(len(chunk)) or found(run, chunk))
  assert fcn_scores(segmenter, iter(images), iter(labels), 3) == whole
  assert seen == [2, 1, 1, 1]


@pytest.mark.parametrize("images, labels, classes, message", [
    (_images(_maps(2, 32, 32)), _maps(1, 32, 32), 3, "label maps end after 1"),
    (_images(_maps(1, 32, 32)), _maps(2, 32, 32), 3, "images end after 1"),
    (_images(_maps(1, 32, 32)), _maps(1, 32, 32), 4, "scores 3 classes: expected 4"),
    (np.zeros((1, 32, 32)), _maps(1, 32, 32), 3, r"image 0 has shape \(32, 32\)"),
    (255 * _images(_maps(1, 32, 32)), _maps(1, 32, 32), 3, r"image 0 is float32 and spans \[0.0, 255.0\]"),
    (_images(_maps(1, 32, 32)), _maps(1, 32, 32)[..., None], 3, r"label map 0 has shape \(32, 32, 1\)"),
    (np.full((1, 32, 32, 3), np.nan), _maps(1, 32, 32), 3, "image 0 is float64 and spans"),
    (_images(_maps(1, 32, 32)), np.full((1, 32, 32), 255), 3, "no pixel has a label"),
    ([], [], 3, "no pixel"),
])
def test_errors(images, labels, classes, message):
  with pytest.raises(ValueError, match=message):
    fcn_scores(ByColor(), images, labels, classes)


# Validation ------------------------------------------------------------------------------------------------------------

def test_the_validator_gives_the_fcn_score_of_photographs():
  labels = _maps(5, 48, 64)
  images = [(f"image{number}", _images(each)[::3, ::4], each) for number, each in enumerate(labels)]
  segmenter = ByColor(classes=11)
  validator = SegmentationValidator(images, "camvid")
  values, sheet = validator(segmenter)
  assert values == fcn_scores(segmenter, [photograph for _, photograph, _ in images], labels, 11)
  assert values["pixel_accuracy"] > 0.7 and values["class_iou"] < 3 / 11  # eight classes are absent
  assert sheet.dtype == np.uint8 and sheet.ndim == 3
  for color in LABEL_SETS["camvid"].colors[:3]:
    assert (sheet == color).all(-1).any()
  segmenter.seen.clear()
  validator(segmenter)
  assert not segmenter.seen  # one graph for the whole run
  assert validator.improved([], values) == ["class_iou"] and validator.improved([values], values) == []
  assert validator.improved([{"class_iou": values["class_iou"] + 0.1}], values) == []


# Files -----------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def segmenter():
  made = Segmenter(TINY)
  made(keras.Input((None, None, 3)))
  return made


def test_segmenters_are_loaded_from_files_and_runs(segmenter, tmp_path):
  segmenter.save(tmp_path / "one.keras")
  run = tmp_path / "run"
  run.mkdir()
  (run / "run.json").write_text(json.dumps({}))
  segmenter.save(run / "best_class_iou.keras")
  with pytest.raises(FileNotFoundError, match="not finished.*give .*best_class_iou.keras"):
    load_segmenter(run)
  segmenter.save(run / "generator.keras")
  images = recipes.random_images(1, 32, 32, 3)
  for path in (tmp_path / "one.keras", str(run), run / "best_class_iou.keras"):
    loaded = load_segmenter(path)
    assert isinstance(loaded, Segmenter) and loaded.config.load_size == TINY.load_size
    recipes.assert_same(loaded(images), segmenter(images))


@keras.saving.register_keras_serializable(package="test_segmentation_score")
class Generator(ConfiguredModel):
  """Stands for a generator of images."""

  scale = 1
  config_class = type(TINY)

  def __init__(self, config=TINY, **kwargs):
    super().__init__(config, **kwargs)

  def call(self, images):
    return images


def test_what_is_no_segmenter_is_refused(segmenter, tmp_path):
  with pytest.raises(FileNotFoundError, match="no segmenter .*nowhere"):
    load_segmenter(tmp_path / "nowhere")
  with pytest.raises(ValueError, match="no run folder"):
    load_segmenter(tmp_path)
  (tmp_path / "text.keras").write_text("no archive")
  with pytest.raises(ValueError, match="text.keras is no Keras archive"):
    load_segmenter(tmp_path / "text.keras")
  segmenter.save(tmp_path / "whole.keras")
  content = (tmp_path / "whole.keras").read_bytes()
  (tmp_path / "model.tflite").write_bytes(content)
  with pytest.raises(ValueError, match="model.tflite is no Keras archive"):
    load_segmenter(tmp_path / "model.tflite")
  at = content.index(b"model.weights.h5") + 2000  # in the weights
  (tmp_path / "altered.keras").write_bytes(content[:at] + b"\0" * 4000 + content[at + 4000:])
  with pytest.raises(ValueError, match="altered.keras cannot be loaded"):
    load_segmenter(tmp_path / "altered.keras")
  generator = Generator()
  generator(keras.Input((8, 8, 3)))
  generator.save(tmp_path / "generator.keras")
  with pytest.raises(ValueError, match="holds a generator of images, Generator"):
    load_segmenter(tmp_path / "generator.keras")
