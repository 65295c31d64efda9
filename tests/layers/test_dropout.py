"""Dropout: its share, its seed, precisions."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.layers.dropout import drop_out, seeded_dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_drop_out_zeroes_its_share_and_keeps_the_mean(rate):
  ones = tf.ones((2, 50, 50, 20))
  dropped = drop_out(ones, rate, tf.constant([1, 2])).numpy()
  assert dropped.dtype == np.float32
  np.testing.assert_allclose(np.unique(dropped), [0, 1 / (1 - rate)], rtol=1e-6)
  # Each of 100,000 numbers alone: deviation of the share sqrt(rate (1 - rate) / 100,000), at most 0.0016.
  assert abs(np.mean(dropped == 0) - rate) < 0.005
  for axis in ((0, 1, 2), (1, 2, 3), (2, 3)):  # no channel, image or row goes as a whole
    assert 0 < np.mean(dropped == 0, axis=axis).min() and np.mean(dropped == 0, axis=axis).max() < 1


def test_drop_out_is_a_function_of_its_seed():
  features = tf.constant(recipes.random_images(1, 8, 8, 4) + 1)
  seed = tf.constant([1, 2])
  dropped = drop_out(features, 0.5, seed).numpy()
  for run in (drop_out, tf.function(drop_out), tf.function(drop_out, jit_compile=True)):
    recipes.assert_same(run(features, 0.5, seed), dropped)
  assert ((drop_out(features, 0.5, tf.constant([1, 3])) == 0) != (dropped == 0)).numpy().mean() > 0.3
  recipes.assert_same(drop_out(features, 0.0, seed), features)
  with tf.GradientTape() as tape:
    tape.watch(features)
    total = tf.reduce_sum(drop_out(features, 0.5, seed))
  recipes.assert_same(tape.gradient(total, features), np.where(dropped == 0, np.float32(0), np.float32(2)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_drop_out_in_half_precision(dtype):
  features = tf.cast(recipes.random_images(1, 8, 8, 4) + 1, dtype)
  dropped = drop_out(features, 0.5, tf.constant([1, 2]))
  assert dropped.dtype == features.dtype
  recipes.assert_same(tf.cast(dropped, tf.float32), drop_out(tf.cast(features, tf.float32), 0.5, tf.constant([1, 2])))


def test_seeded_dropout():
  """Streams of one seed differ; without a seed, or at rate 0, nothing is dropped."""
  assert seeded_dropout(0.5, None) is None and seeded_dropout(0.0, 3) is None
  drop, features = seeded_dropout(0.5, 3), tf.ones((1, 8, 8, 4))
  recipes.assert_same(drop(features, 1), seeded_dropout(0.5, [3, 0])(features, 1))
  assert np.mean(drop(features, 1) != drop(features, 2)) > 0.3
