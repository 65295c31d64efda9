"""The pipeline: every element follows from its number."""

import itertools

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.pipeline import random_crop, random_flip, shuffled, training_batches, unit

COUNT, BATCH = 7, 12


def _numbers(start_step=0, steps=5, seed=3, part=Part(), count=COUNT):  # noqa: B008 - frozen
  """(numbers, seed pairs) of the batches that one pipeline gives: the loader hands on what it is called with."""
  batches = training_batches(lambda number, seed: (number, seed), count, BATCH, seed, start_step, part)
  taken = list(itertools.islice(batches.as_numpy_iterator(), steps))
  return np.array([number for number, _ in taken]), np.array([pair for _, pair in taken])


@given(count=st.integers(1, 40), seed=st.integers(0, 10_000))
def test_every_epoch_is_a_permutation(count, seed):
  run = tf.function(lambda position: shuffled(position, count, seed))
  positions = tf.range(2 * count, dtype=tf.int64)
  shown = tf.map_fn(run, positions).numpy()
  assert sorted(shown[:count]) == sorted(shown[count:]) == list(range(count))


def test_epochs_and_seeds_differ():
  epochs = [tuple(int(shuffled(tf.constant(p, tf.int64), 20, seed)) for p in range(20 * epoch, 20 * epoch + 20))
            for seed in (0, 1) for epoch in range(3)]
  assert len(set(epochs)) == 6


def test_batches_show_every_image_once_an_epoch():
  numbers, seeds = _numbers(steps=7)  # 84 elements, 12 epochs of 7
  assert all(sorted(epoch) == list(range(COUNT)) for epoch in numbers.reshape(-1, COUNT))
  assert len({tuple(pair) for pair in seeds.reshape(-1, 2)}) == 84
  other, _ = _numbers(steps=7, seed=4)
  assert (other != numbers).any()


@pytest.mark.parametrize("start", [1, 4])
def test_resumed_batches_are_the_tail(start):
  for whole, tail in zip(_numbers(steps=6), _numbers(start, steps=6 - start)):
    recipes.assert_same(tail, whole[start:])


@pytest.mark.parametrize("workers, replicas", [(1, 2), (2, 1), (3, 2), (4, 3)])
def test_parts_make_up_the_same_global_batches(workers, replicas):
  whole, seeds = _numbers(steps=4)
  parts = [_numbers(steps=4 * replicas, part=Part(workers, worker, replicas)) for worker in range(workers)]
  size = BATCH // (workers * replicas)
  assert parts[0][0].shape == (4 * replicas, size)
  for index, expected in enumerate((whole, seeds)):
    # [worker, step * replica, element] -> [step, worker * replica * element]
    joined = np.stack([part[index].reshape(4, replicas * size, *expected.shape[2:]) for part in parts], axis=1)
    recipes.assert_same(joined.reshape(expected.shape), expected)


def test_parts_resume_too():
  part = Part(2, 1, 2)
  recipes.assert_same(_numbers(2, steps=4, part=part)[0], _numbers(0, steps=8, part=part)[0][4:])


@pytest.mark.parametrize("part, multiple", [(Part(5), 5), (Part(2, 0, 4), 8)])
def test_a_batch_that_does_not_divide(part, multiple):
  with pytest.raises(ValueError, match=f"batch_size is 12: expected a multiple of {multiple}, the number of replicas"):
    _numbers(part=part)


def test_no_image():
  with pytest.raises(ValueError, match="no image to train on"):
    _numbers(count=0)


def test_one_image():
  assert not _numbers(count=1)[0].any()


def _coordinates(height, width):
  """An image whose pixel (row, column) holds (row, column, 0), and one that holds (row, column, 1)."""
  grid = np.stack([*np.mgrid[:height, :width], np.zeros((height, width), int)], axis=-1).astype(np.float32)
  return grid, grid + np.float32([0, 0, 1])


@given(height=st.integers(5, 12), width=st.integers(5, 12), size=st.integers(1, 5), seed=st.integers(0, 1000))
def test_crops_are_aligned_and_within(height, width, size, seed):
  source, target = _coordinates(height, width)
  a, b = (crop.numpy() for crop in random_crop([tf.constant(source), tf.constant(target)], size, tf.constant([seed, 1])))
  top, left = (int(value) for value in a[0, 0, :2])
  recipes.assert_same(a, source[top:top + size, left:left + size])
  recipes.assert_same(b, target[top:top + size, left:left + size])
  assert a.shape == (size, size, 3)


def test_crops_reach_every_place():
  source = tf.constant(_coordinates(7, 6)[0])
  run = tf.function(lambda seed: random_crop([source], 4, seed)[0])
  corners = {tuple(run(tf.constant([n, 0])).numpy()[0, 0, :2].astype(int)) for n in range(200)}
  assert corners == {(top, left) for top in range(4) for left in range(3)}


def test_a_image_below_the_crop_fails():
  with pytest.raises(tf.errors.InvalidArgumentError):
    random_crop([tf.zeros((8, 5, 3))], 6, tf.constant([0, 0]))


def test_flips_take_all_or_none():
  source, target = _coordinates(3, 4)
  mirrored = 0
  for n in range(100):
    images = random_flip([tf.constant(source), tf.constant(target)], tf.constant([n, 0]))
    a, b = (image.numpy() for image in images)
    flipped = a[0, 0, 1] == 3
    mirrored += flipped
    recipes.assert_same(a, source[:, ::-1] if flipped else source)
    recipes.assert_same(b, target[:, ::-1] if flipped else target)
  assert abs(mirrored - 50) < 3 * 5  # 100 draws of 1/2: deviation 5


def test_unit():
  recipes.assert_same(unit(np.uint8([0, 51, 255])), np.float32([0, 0.2, 1]))
