"""Adversarial losses against their logarithms."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.losses import discriminator_log_loss, generator_log_loss

REAL = np.random.default_rng(0).normal(0.5, 2, (4, 3, 3, 1)).astype(np.float32)
FAKE = np.random.default_rng(1).normal(-0.5, 2, (4, 3, 3, 1)).astype(np.float32)


def _probability(logits):
  return 1 / (1 + np.exp(-np.float64(logits)))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_values_are_the_logarithms(dtype):
  real, fake = tf.cast(REAL, dtype), tf.cast(FAKE, dtype)
  p_real, p_fake = _probability(tf.cast(real, tf.float32)), _probability(tf.cast(fake, tf.float32))
  discriminator, generator = discriminator_log_loss(real, fake), generator_log_loss(fake)
  assert discriminator.dtype == generator.dtype == tf.float32 and discriminator.shape == generator.shape == ()
  np.testing.assert_allclose(discriminator, -np.log(p_real).mean() - np.log(1 - p_fake).mean(), rtol=1e-6)
  np.testing.assert_allclose(generator, -np.log(p_fake).mean(), rtol=1e-6)  # Eq. 1, as a mean


def test_undecided_discriminator():
  zeros = np.zeros((2, 1), np.float32)
  np.testing.assert_allclose(discriminator_log_loss(zeros, zeros), 2 * np.log(2), rtol=1e-6)
  np.testing.assert_allclose(generator_log_loss(zeros), np.log(2), rtol=1e-6)


def test_real_and_fake_may_differ_in_number():
  np.testing.assert_allclose(discriminator_log_loss(np.float32([0, 0, 0, 0]), np.float32([3])),
                             np.log(2) + np.log1p(np.exp(3)), rtol=1e-6)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_confident_scores_keep_a_finite_loss_and_gradient(logit):
  logits = tf.constant([[logit]])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch(logits)
    zero = tf.zeros((1, 1))
    losses = {"real": discriminator_log_loss(logits, zero), "fake": discriminator_log_loss(zero, logits),
              "generator": generator_log_loss(logits)}
  sign = np.sign(logit)
  # sigmoid - 1, sigmoid, sigmoid - 1
  expected = {"real": (sign - 1) / 2, "fake": (sign + 1) / 2, "generator": (sign - 1) / 2}
  for name, loss in losses.items():
    assert np.isfinite(loss)
    np.testing.assert_allclose(loss, 1e4 * abs(expected[name]) + (0 if name == "generator" else np.log(2)), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, logits), [[expected[name]]], atol=1e-6)


def test_gradients():
  recipes.check_gradient(lambda x: discriminator_log_loss(x, FAKE), REAL, step=0.05)
  recipes.check_gradient(lambda x: discriminator_log_loss(REAL, x), FAKE, step=0.05)
  recipes.check_gradient(generator_log_loss, FAKE, step=0.05)
