"""Training images of super-resolution: windows of photographs, laid all ways, and the same shrunk."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
from data_checks import check_batches, take, write_images

from tf_imgtrans.baselines.carn.recipe import TINY as TINY_CARN
from tf_imgtrans.baselines.esrgan.recipe import TINY
from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.data.degradations import low_resolution
from tf_imgtrans.data.super_resolution import held_out, read, shrink, squared, training_data
from tf_imgtrans.training.options import TrainingOptions

NAMES = ("image0", "image1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """One training image, so that every window is of it, and two held-out ones of sides that no scale divides."""
  root = tmp_path_factory.mktemp("photographs")
  write_images(root / "train", NAMES[:1], 37, 26, noise=True)
  write_images(root / "test", NAMES, 31, 45, seed=1, noise=True)
  return read(TrainingOptions(root / "run", data=root))


def _config(**changes):
  return dataclasses.replace(TINY, **changes)


def _windows(folder, size):
  """All windows of the training image as they lie: [rows, columns, 3, size, size], float32."""
  image = np.float32(read_uint8(folder.training[0])) / 255
  return np.lib.stride_tricks.sliding_window_view(image, (size, size), (0, 1))


def _ways(patch):
  """The eight ways to lay a square."""
  return [np.rot90(each, turn) for each in (patch, patch[:, ::-1]) for turn in range(4)]


@pytest.mark.parametrize("augment, expected", [("none", {0}), ("flip", {0, 4}), ("all", set(range(8)))])
def test_patches_are_windows_of_the_image(folder, augment, expected):
  data = training_data(_config(augment=augment, batch_size=8), folder)
  windows, seen, places = _windows(folder, 16), set(), set()
  for source, target in take(data, 10):
    assert source.shape == (8, 4, 4, 3) and target.shape == (8, 16, 16, 3)
    assert source.dtype == target.dtype == np.float32
    np.testing.assert_allclose(source, low_resolution(target, 4), atol=1e-6)
    for patch in target:
      # Each way back is one of `_ways`, so that one of them lies in the image as it is.
      found = [(way, place) for way, turned in enumerate(_ways(patch))
               for place in np.argwhere(np.abs(windows - turned.transpose(2, 0, 1)).max((2, 3, 4)) < 1e-6).tolist()]
      assert len(found) == 1
      seen.add(found[0][0])
      places.add(tuple(found[0][1]))
  assert seen == expected and len(places) > 40


def test_batches_follow_from_their_number(folder):
  check_batches(lambda seed: training_data(_config(seed=seed), folder))


def test_a_scale_that_does_not_divide_the_patch(folder):
  config = dataclasses.replace(TINY_CARN, scale=3)
  source, target = take(training_data(config, folder), 1)[0]
  assert source.shape == (2, 5, 5, 3) and target.shape == (2, 15, 15, 3)


def test_held_out_images_are_whole(folder):
  data = training_data(_config(), folder)
  found = data.validation(5)
  assert [name for name, _, _ in found] == ["image0", "image1"] and len(data.validation(1)) == 1
  for path, (_, source, target) in zip(folder.validation, found):
    recipes.assert_same(target, np.float32(read_uint8(path)[:28, :44]) / np.float32(255))
    assert source.shape == (7, 11, 3)
    np.testing.assert_allclose(source, low_resolution(target, 4), atol=1e-6)


def test_the_area_kernel(folder):
  image = recipes.random_images(24, 16, 3)
  expected = np.float64(image)
  for _ in range(3):  # 2x2 means thrice
    expected = expected.reshape(expected.shape[0] // 2, 2, expected.shape[1] // 2, 2, 3).mean((1, 3))
  np.testing.assert_allclose(shrink(image, 8, "area"), expected, atol=1e-6)
  np.testing.assert_allclose(shrink(image[None], 8, "area")[0], expected, atol=1e-6)
  recipes.assert_same(shrink(image, 4), low_resolution(image, 4))
  source, target = take(training_data(_config(low_resolution="area"), folder), 1)[0]
  np.testing.assert_allclose(source, target.reshape(2, 4, 4, 4, 4, 3).mean((2, 4)), atol=1e-6)


def test_squared_images(folder):
  config = _config(image_size=20)
  data = training_data(config, folder)
  middle = read_uint8(folder.training[0])[5:31]
  expected = cv2.resize(middle, (20, 20), interpolation=cv2.INTER_AREA)
  recipes.assert_same(squared(read_uint8(folder.training[0]), 20), expected)
  windows = np.lib.stride_tricks.sliding_window_view(np.float32(expected) / 255, (16, 16), (0, 1))
  for patch in take(data, 1)[0][1]:
    assert min(np.abs(windows - way.transpose(2, 0, 1)).max((2, 3, 4)).min() for way in _ways(patch)) < 1e-6
  name, source, target = next(held_out(config, folder.validation))
  assert (name, source.shape, target.shape) == ("image0", (5, 5, 3), (20, 20, 3))
  image = np.zeros((4, 4, 3), np.uint8)
  assert squared(image, 0) is image


def test_small_images_are_named(folder, tmp_path):
  write_images(tmp_path / "train", NAMES, 15, 30, noise=True)
  write_images(tmp_path / "test", NAMES[:1], 40, 40, noise=True)
  small = read(TrainingOptions(tmp_path.parent / "run", data=tmp_path))
  with pytest.raises(ValueError, match=r"(?s)2 of 2 photographs cannot.*image0.png: 30x15 is smaller than 16x16"):
    training_data(_config(), small)
  with pytest.raises(ValueError, match="image0.png: 26x37 is smaller than 27x27"):
    training_data(_config(image_size=27), folder)


def test_the_summary(folder):
  summary = training_data(_config(), folder).summary
  assert (summary["kind"], summary["training"], summary["validation"]) == ("photographs", 1, 2)
