"""Halving, doubling and filling of images by hand, and derivatives."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.pyramid import double, fill_missing, halve


def test_by_hand():
  image = np.float32([[1, 2, 5, 6], [3, 4, 7, 12]])[None, :, :, None]
  np.testing.assert_array_equal(halve(image), np.float32([[2.5, 7.5]])[None, :, :, None])
  recipes.assert_same(double(np.float32([[1, 2]])[None, :, :, None]),
                      np.float32([[1, 1, 2, 2], [1, 1, 2, 2]])[None, :, :, None])


@given(count=st.integers(1, 3), height=st.integers(1, 6), width=st.integers(1, 6), channels=st.integers(1, 5))
def test_any_size(count, height, width, channels):
  small = recipes.random_images(count, height, width, channels)
  large = recipes.random_images(count, 2 * height, 2 * width, channels, seed=1)
  recipes.assert_same(double(small), small.repeat(2, axis=1).repeat(2, axis=2))
  blocks = np.float64(large).reshape(count, height, 2, width, 2, channels)
  np.testing.assert_allclose(halve(large), blocks.mean(axis=(2, 4)), rtol=0, atol=1e-6)
  np.testing.assert_allclose(halve(double(small)), small, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtypes(dtype):
  images = tf.cast(np.arange(32).reshape(1, 4, 4, 2), dtype)
  assert halve(images).dtype == double(images).dtype == images.dtype
  np.testing.assert_array_equal(tf.cast(halve(images), tf.float32), halve(tf.cast(images, tf.float32)))
  np.testing.assert_array_equal(tf.cast(double(images), tf.float32), double(tf.cast(images, tf.float32)))


@pytest.mark.parametrize("function", [halve, double])
def test_unknown_sizes_change_nothing(function):
  images = recipes.random_images(2, 4, 6, 3)
  run = tf.function(function, input_signature=[tf.TensorSpec((None, None, None, 3))])
  recipes.assert_same(run(images), function(images))


def _squared_gradient(function, images):
  with tf.GradientTape() as tape:
    tape.watch(images)
    total = tf.reduce_sum(tf.sin(3 * function(images)))
  return tf.reduce_sum(tf.square(tape.gradient(total, images)))


@pytest.mark.parametrize("function", [halve, double])
def test_derivatives_of_both_orders(function):
  images = np.float64(recipes.random_images(1, 4, 4, 2))
  recipes.check_gradient(lambda x: tf.reduce_sum(tf.sin(3 * function(x))), images, step=1e-4, tolerance=1e-7)
  recipes.check_gradient(lambda x: _squared_gradient(function, x), images, step=1e-4, tolerance=1e-7)

  @tf.function(jit_compile=True)
  def compiled(x):
    with tf.GradientTape() as tape:
      tape.watch(x)
      penalty = _squared_gradient(function, x)
    return tape.gradient(penalty, x)

  with tf.GradientTape() as tape:
    x = tf.constant(images)
    tape.watch(x)
    penalty = _squared_gradient(function, x)
  np.testing.assert_allclose(compiled(tf.constant(images)), tape.gradient(penalty, x), rtol=1e-9)


# Missing pixels.

def test_missing_pixels_by_hand():
  """Of one line, known at its ends: their own values, then means over neighbours; the levels above start them."""
  image, known = np.zeros((1, 1, 4, 1), np.float32), np.zeros((1, 1, 4, 1), np.float32)
  image[..., 0, :], image[..., 3, :] = 0.2, 0.8
  known[..., 0, :] = known[..., 3, :] = 1
  line = np.float64([0.2, 0.35, 0.65, 0.8])  # blocks of 2 have 0.2 and 0.8; bilinear between their centres
  for _ in range(4):
    line[1], line[2] = line[:3].mean(), line[1:].mean()
  np.testing.assert_allclose(fill_missing(image, known).numpy().ravel(), line, atol=1e-6)


def test_missing_pixels_solve_the_heat_equation_nearly():
  """Between two known columns, values rise in a line; within 1/20 of the whole difference."""
  image, known = np.zeros((1, 16, 16, 1), np.float32), np.zeros((1, 16, 16, 1), np.float32)
  image[..., -1, :], known[..., 0, :], known[..., -1, :] = 1, 1, 1
  filled = fill_missing(image, known).numpy()[0, ..., 0]
  np.testing.assert_allclose(filled, np.broadcast_to(np.linspace(0, 1, 16), (16, 16)), atol=0.05)


@given(height=st.integers(1, 40), width=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0, 2 ** 31 - 1))
def test_known_pixels_stay_and_the_others_lie_between_them(height, width, share, seed):
  rng = np.random.default_rng(seed)
  image = rng.random((2, height, width, 3), np.float32)
  known = (rng.random((2, height, width, 1)) < share).astype(np.float32)
  filled = fill_missing(image, known).numpy()
  np.testing.assert_allclose(filled * known, image * known, rtol=1e-6)
  for each, kept, found in zip(image, known[..., 0] > 0, filled):
    if kept.any():
      assert (found >= each[kept].min(0) - 1e-5).all() and (found <= each[kept].max(0) + 1e-5).all()
    else:
      assert not found.any()
