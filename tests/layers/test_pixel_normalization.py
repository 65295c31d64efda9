"""PixelNormalization against plain arithmetic."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.layers import PixelNormalization

MAPS = np.random.default_rng(0).normal(0.5, 2, (2, 5, 7, 6)).astype(np.float32)


def _plain(x, epsilon=1e-8):
  x = np.float64(x)
  return x / np.sqrt((x ** 2).mean(axis=-1, keepdims=True) + epsilon)


def test_by_hand():
  out = PixelNormalization()(np.float32([[[[3, 4], [0, -2]]]]))
  np.testing.assert_allclose(out, [[[[3 / np.sqrt(12.5), 4 / np.sqrt(12.5)], [0, -np.sqrt(2)]]]], rtol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-8, 0.5])
def test_equals_plain_arithmetic(epsilon):
  np.testing.assert_allclose(PixelNormalization(epsilon)(MAPS), _plain(MAPS, epsilon), rtol=1e-5)


def test_each_pixel_stands_alone():
  """Another strength of one pixel changes nothing at all, and nothing elsewhere."""
  scaled = MAPS.copy()
  scaled[1, 2, 3] *= 100
  np.testing.assert_allclose(PixelNormalization()(scaled), PixelNormalization()(MAPS), rtol=1e-5)


def test_black_pixels():
  zeros = tf.zeros((1, 2, 2, 4))
  with tf.GradientTape() as tape:
    tape.watch(zeros)
    out = PixelNormalization()(zeros)
  assert not np.any(out)
  np.testing.assert_allclose(tape.gradient(out, zeros), np.full((1, 2, 2, 4), 1e4), rtol=1e-5)  # 1 / sqrt(epsilon)


@pytest.mark.parametrize("policy, error", [("mixed_float16", 1e-3), ("mixed_bfloat16", 8e-3)])
def test_half_precision_bears_large_values(policy, error):
  """Squares of thousands are above float16's range, those of 1e-4 below it."""
  layer = PixelNormalization(dtype=policy)
  for strength in (1e-4, 1, 5e3):
    maps = tf.cast(strength * MAPS, layer.compute_dtype)
    assert np.isfinite(tf.cast(maps, tf.float32)).all()
    out = layer(maps)
    assert out.dtype == layer.compute_dtype
    np.testing.assert_allclose(tf.cast(out, tf.float32), _plain(tf.cast(maps, tf.float32)), rtol=error)


def test_single_precision_inputs_are_not_rounded_before():
  """A million is infinite in float16."""
  out = PixelNormalization(dtype="mixed_float16")(1e6 * MAPS)
  assert out.dtype == tf.float16
  np.testing.assert_allclose(tf.cast(out, tf.float32), _plain(MAPS), rtol=1e-3)


def test_gradients_of_both_orders():
  recipes.check_gradient(lambda x: tf.reduce_sum(tf.sin(PixelNormalization()(x))), MAPS)
  point = MAPS[:1, :2, :2]
  weights = np.random.default_rng(1).normal(size=point.shape).astype(np.float32)
  penalty = recipes.squared_gradient(lambda x: tf.reduce_sum(weights * PixelNormalization()(x)))
  recipes.check_gradient(penalty, point, tolerance=5e-3)
