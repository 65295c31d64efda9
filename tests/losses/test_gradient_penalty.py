"""R1: its value by hand and by finite differences, and the derivatives of the penalty itself."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import convolve

from tf_imgtrans.losses import generator_log_loss, gradient_penalty, logits_and_gradient, non_saturating, r1_penalty

RNG = np.random.default_rng(0)
IMAGES = RNG.random((3, 4, 5, 2))
GAMMA = 5.0


def test_linear_by_hand():
  """D(x) = <w, x> + 7 has the gradient w everywhere: gamma |w|^2, without 1/2, whatever the number of images."""
  w = np.float32([[[1, -2], [0, 3]]])  # 1x2 pixels, 2 channels: |w|^2 = 14
  for count in (1, 2, 5):
    images = np.ones((count, 1, 2, 2), "f")
    penalty = r1_penalty(lambda x: tf.reduce_sum(w * x, axis=(1, 2, 3))[:, None] + 7, images, 5.0)
    assert penalty.dtype == tf.float32 and penalty.shape == ()
    assert float(penalty) == 70


def test_quadratic_by_hand():
  """D(x) = sum(x^2) has the gradient 2 x: gamma times the mean over images of 4 |x|^2."""
  images = np.float32([1, 3])[:, None, None, None] * np.ones((2, 2, 2, 1), "f")
  penalty = r1_penalty(lambda x: tf.reduce_sum(tf.square(x), axis=(1, 2, 3)), images, 0.5)
  assert float(penalty) == 0.5 * (4 * 4 * 1 + 4 * 4 * 9) / 2


def test_logits_of_patches_are_summed():
  """D gives two logits, <w, x> and 2 <w, x>: the gradient of their sum is 3 w."""
  def patches(x):
    one = tf.reduce_sum(np.float32([1, -2]) * x, axis=(1, 2, 3))
    return tf.stack([one, 2 * one], axis=1)

  assert float(r1_penalty(patches, np.zeros((2, 1, 1, 2), "f"), 1.0)) == 9 * 5


def test_a_squared_norm_and_a_mean():
  gradient = np.float32([[[3, 4]], [[0, 12]]])
  assert float(gradient_penalty(gradient, 2.0)) == 2 * (25 + 144) / 2
  assert float(gradient_penalty(np.float16([[300, 300]]), 1.0)) == 180000  # above float16's range


# A network of two convolutions, in TensorFlow and once more in NumPy -----------------------------------------------

WEIGHTS = (RNG.normal(size=(3, 3, 2, 4)) / 2, RNG.normal(size=4), RNG.normal(size=(2, 2, 4, 1)) / 2)


def _network(weights, images):
  first, bias, second = weights
  features = tf.tanh(tf.nn.conv2d(images, first, 1, "SAME") + bias)
  return tf.reduce_sum(tf.nn.conv2d(features, second, 2, "VALID"), axis=(1, 2))


def _plain(weights, images):
  """The same sums in float64, or in complex numbers: logits [N]."""
  first, bias, second = weights
  features = np.tanh(convolve(images, first) + bias)
  return convolve(features, second, 2, 0).sum(axis=(1, 2, 3))


def _plain_r1(weights, images):
  """gamma / N times the squared derivatives by every value of every image, each by a step along the imaginary axis.

  Im D(x + i h) / h is D'(x) up to h^2, without a difference that rounding would spoil.
  """
  total, step = 0.0, 1e-20
  for place in np.ndindex(images.shape[1:]):
    moved = images.astype(complex)
    moved[(slice(None), *place)] += 1j * step
    total = total + ((_plain(weights, moved).imag / step) ** 2).sum()
  return GAMMA * total / len(images)


def _penalty(*weights):
  return r1_penalty(lambda x: _network(weights, x), tf.constant(IMAGES), GAMMA)


def test_the_two_networks_are_one():
  np.testing.assert_allclose(_network(WEIGHTS, IMAGES)[:, 0], _plain(WEIGHTS, IMAGES), rtol=1e-12)


def test_equals_finite_differences():
  expected = _plain_r1(WEIGHTS, IMAGES)
  assert expected > 1
  np.testing.assert_allclose(_penalty(*map(tf.constant, WEIGHTS)), expected, rtol=1e-6)
  logits, gradient = logits_and_gradient(lambda x: _network(WEIGHTS, x), IMAGES)
  np.testing.assert_allclose(logits[:, 0], _plain(WEIGHTS, IMAGES), rtol=1e-12)
  assert gradient.shape == IMAGES.shape
  np.testing.assert_allclose(GAMMA * np.square(gradient).sum() / 3, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-6), ("float32", 1e-4)])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_gradient_by_the_weights(number, compiled, dtype, tolerance):
  """Backpropagation through backpropagation, with and without XLA, equals differences of the NumPy network."""
  @tf.function(jit_compile=compiled)
  def differentiated(*weights):
    with tf.GradientTape() as tape:
      tape.watch(weights)
      penalty = r1_penalty(lambda x: _network(weights, x), tf.constant(IMAGES, dtype), GAMMA)
    return tape.gradient(penalty, weights)

  got = differentiated(*(tf.constant(weight, dtype) for weight in WEIGHTS))[number].numpy()
  expected, step = np.zeros(WEIGHTS[number].shape), 1e-5
  for place in np.ndindex(expected.shape):
    sides = []
    for sign in (1, -1):
      moved = [weight.copy() for weight in WEIGHTS]
      moved[number][place] += sign * step
      sides.append(_plain_r1(moved, IMAGES))
    expected[place] = (sides[0] - sides[1]) / (2 * step)
  assert np.abs(expected).max() > 1
  np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_gradient_by_the_images():
  recipes.check_gradient(lambda x: r1_penalty(lambda y: _network([np.float32(weight) for weight in WEIGHTS], y), x, GAMMA),
                         IMAGES.astype(np.float32))


def test_gamma_scales():
  def network(x):
    return _network(WEIGHTS, x)

  one = float(r1_penalty(network, IMAGES, 1.0))
  np.testing.assert_allclose(float(r1_penalty(network, IMAGES, 10.0)), 10 * one, rtol=1e-6)
  assert float(r1_penalty(network, IMAGES, 0.0)) == 0
  # Images in [-1, 1] have half the gradient of those in [0, 1].
  quarter = r1_penalty(lambda signed: network((signed + 1) / 2), 2 * IMAGES - 1, 1.0)
  np.testing.assert_allclose(float(quarter), one / 4, rtol=1e-6)


def test_half_precision_discriminators_are_summed_in_float32():
  images = np.float32(IMAGES)
  weights = [np.float32(weight) for weight in WEIGHTS]
  half = r1_penalty(lambda x: tf.cast(_network(weights, x), tf.float16), images, GAMMA)
  assert half.dtype == tf.float32
  np.testing.assert_allclose(half, r1_penalty(lambda x: _network(weights, x), images, GAMMA), rtol=1e-2)


# Eq. 4 -------------------------------------------------------------------------------------------------------------

def test_non_saturating_is_the_mean_of_softplus():
  logits = np.random.default_rng(1).normal(0, 4, (6, 1)).astype(np.float32)
  loss = non_saturating(logits)
  assert loss.dtype == tf.float32 and loss.shape == ()
  np.testing.assert_allclose(loss, np.logaddexp(0, -np.float64(logits)).mean(), rtol=1e-6)
  np.testing.assert_allclose(loss, -np.log(1 / (1 + np.exp(-np.float64(logits)))).mean(), rtol=1e-6)
  recipes.assert_same(loss, generator_log_loss(logits))
