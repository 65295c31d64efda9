"""Decoded images by number: which are kept, and how often an image is prepared."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.images import read_uint8, write_image
from tf_imgtrans.data.store import ImageStore


@pytest.fixture
def paths(tmp_path):
  """Three images of 6x8 and 7x9 and 8x10 pixels."""
  found = [tmp_path / f"{number}.png" for number in range(3)]
  for number, path in enumerate(found):
    write_image(path, recipes.random_images(6 + number, 8 + number, 3, seed=number))
  return found


class Halver:
  """Takes every second pixel, and counts its calls."""

  def __init__(self):
    self.sizes = []

  def __call__(self, image):
    assert image.dtype == np.uint8
    self.sizes.append(image.shape[:2])
    return np.ascontiguousarray(image[::2, ::2])


def test_images_are_read_as_everywhere(paths):
  store = ImageStore(iter(paths))
  assert len(store) == 3 and store.paths == paths
  for number, path in enumerate(paths):
    recipes.assert_same(store.read(number), read_uint8(path))
    assert store.read(np.int64(number)) is store.read(number)  # decoded once


def test_a_kept_image_is_prepared_once(paths):
  halve = Halver()
  store = ImageStore(paths, prepare=halve)
  for number in (1, 0, 1, 1, 0):
    recipes.assert_same(store.read(number), read_uint8(paths[number])[::2, ::2])
  assert halve.sizes == [(7, 9), (6, 8)]
  paths[0].unlink()
  store.read(0)  # from memory


@pytest.mark.parametrize(("budget", "kept"), [(0, []), (35, []), (36, [0]), (36 + 59, [0]), (36 + 60, [0, 1])])
def test_the_budget_counts_prepared_images(budget, kept, paths):
  halve = Halver()
  store = ImageStore(paths, budget=budget, prepare=halve)  # of 3x4 and 4x5 and 4x5 pixels of three bytes
  for _ in range(2):
    for number, path in enumerate(paths):
      recipes.assert_same(store.read(number), read_uint8(path)[::2, ::2])
  assert len(halve.sizes) == 6 - len(kept)
  assert [number for number in range(3) if store.read(number) is store.read(number)] == kept


def test_prepared_images_as_tensors(paths):
  halve = Halver()
  store = ImageStore(paths, prepare=halve)
  numbers = tf.data.Dataset.from_tensor_slices([2, 0, 2, 1]).map(store.tensor, num_parallel_calls=2)
  assert numbers.element_spec.shape.as_list() == [None, None, 3] and numbers.element_spec.dtype == tf.uint8
  for number, image in zip([2, 0, 2, 1], numbers):
    recipes.assert_same(image, read_uint8(paths[number])[::2, ::2])


def test_an_unreadable_image_is_named(paths):
  paths[1].write_bytes(b"no image")
  store = ImageStore(paths, prepare=Halver())
  store.read(0)
  with pytest.raises(ValueError, match="1.png: not an image"):
    store.read(1)
