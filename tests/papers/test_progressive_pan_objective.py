"""Eq. 3 and 4, and the distances of Table 2, against NumPy and finite differences."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import blur, convolve, halve, leaky

from tf_imgtrans.papers.progressive_pan import TINY, Config, Discriminator, discriminator_loss, generator_loss

RNG = np.random.default_rng(0)
REAL, FAKE = recipes.random_images(4, 8, 8, 3, seed=1), recipes.random_images(4, 8, 8, 3, seed=2)
WEIGHT = RNG.normal(0, 0.3, (8, 8, 3))
PIXEL = np.float32(RNG.normal(size=(3, 5)))


def _linear(images):
  """<w, x> of images in [0, 1], as logits [N, 1]."""
  return tf.reduce_sum(np.float32(WEIGHT) * images, axis=(1, 2, 3))[:, None]


def _bent(images):
  """Something that is not linear: features of every pixel, through tanh, and their sum."""
  return tf.reduce_sum(tf.tanh((2 * images - 1) @ PIXEL), axis=(1, 2, 3))[:, None] / 10


def _bent_signed(images):
  """The same in NumPy, of images in [-1, 1]: logits [N]; complex numbers too."""
  return np.tanh(images @ np.float64(PIXEL)).sum(axis=(1, 2, 3)) / 10


def _softplus(x):
  return np.logaddexp(0, np.float64(x))


@pytest.mark.parametrize("gamma", [5.0, 0.5])
def test_equation_3_by_hand(gamma):
  """The gradient of a linear discriminator is w for images in [0, 1], and w / 2 for those in [-1, 1]."""
  loss, terms = discriminator_loss(Config(gamma=gamma), _linear, REAL, FAKE)
  real, fake = ((WEIGHT * images).sum(axis=(1, 2, 3)) for images in (REAL, FAKE))
  r1 = gamma * (WEIGHT ** 2).sum() / 4
  assert loss.dtype == tf.float32 and loss.shape == ()
  assert terms.keys() == {"discriminator", "r1", "real_score", "fake_score"}
  np.testing.assert_allclose(terms["r1"], r1, rtol=1e-5)
  np.testing.assert_allclose(loss, _softplus(-real).mean() + _softplus(fake).mean() + r1, rtol=1e-5)
  recipes.assert_same(loss, terms["discriminator"])
  np.testing.assert_allclose(terms["real_score"], (1 / (1 + np.exp(-real))).mean(), rtol=1e-5)
  np.testing.assert_allclose(terms["fake_score"], (1 / (1 + np.exp(-fake))).mean(), rtol=1e-5)


def test_equation_3_by_finite_differences():
  """Derivatives with respect to every value of real images in [-1, 1], by steps along the imaginary axis."""
  signed, step, squares = 2 * np.float64(REAL) - 1, 1e-20, 0
  for place in np.ndindex(8, 8, 3):
    moved = signed.astype(complex)
    moved[(slice(None), *place)] += 1j * step
    squares += ((_bent_signed(moved).imag / step) ** 2).sum()
  r1 = 5 * squares / 4  # the mean over four images
  loss, terms = discriminator_loss(Config(), _bent, REAL, FAKE)
  real, fake = _bent_signed(signed), _bent_signed(2 * np.float64(FAKE) - 1)
  assert r1 > 0.1
  np.testing.assert_allclose(terms["r1"], r1, rtol=1e-4)
  probability = [1 / (1 + np.exp(-logits)) for logits in (real, fake)]
  np.testing.assert_allclose(loss, -np.log(probability[0]).mean() - np.log(1 - probability[1]).mean() + r1, rtol=1e-4)


def test_fakes_are_not_in_the_penalty():
  losses = [discriminator_loss(Config(), _bent, REAL, fake)[1]["r1"] for fake in (FAKE, np.zeros_like(FAKE))]
  recipes.assert_same(*losses)
  assert float(discriminator_loss(Config(), _bent, FAKE, FAKE)[1]["r1"]) != float(losses[0])


def test_without_penalty():
  loss, terms = discriminator_loss(Config(gamma=0.0), _linear, REAL, FAKE)
  real, fake = ((WEIGHT * images).sum(axis=(1, 2, 3)) for images in (REAL, FAKE))
  assert terms.keys() == {"discriminator", "real_score", "fake_score"}
  np.testing.assert_allclose(loss, _softplus(-real).mean() + _softplus(fake).mean(), rtol=1e-5)


def test_real_and_fake_are_judged_apart():
  """Each batch is compared with itself: the discriminator never sees the two together."""
  seen = []

  def watched(images):
    seen.append(np.array(images))
    return _linear(images)

  discriminator_loss(Config(), watched, REAL, FAKE)
  assert len(seen) == 2
  recipes.assert_same(seen[0], REAL)
  recipes.assert_same(seen[1], FAKE)


# Of the paper's own discriminator ----------------------------------------------------------------------------------

def _network(output_size):
  made = Discriminator(dataclasses.replace(TINY, output_size=output_size))
  made(keras.Input((output_size, output_size, 3)))
  rng = np.random.default_rng(0)
  for variable in made.variables:
    if variable.path.endswith("bias"):
      variable.assign(rng.normal(0, 0.3, variable.shape))
  return made


def _plain_logits(w, signed):
  """The discriminator at 8 pixels for pairs of images in [-1, 1]: complex [B, 2, 8, 8, 3] -> the sum of logits [B]."""
  def conv(name, x, gain=2 ** 0.5, pad=0, then=lambda x: x):
    kernel = w[f"{name}/kernel"]
    return then(convolve(x, kernel, pad=pad) * gain / np.sqrt(np.prod(kernel.shape[:3]))) + w[f"{name}/bias"]

  x = leaky(conv("from_rgb_8", signed.reshape(-1, 8, 8, 3)))
  x = leaky(conv("down8_conv", x, pad=1))
  x = leaky(conv("down8_halve", blur(x), pad=1, then=halve))
  pairs = x.reshape(-1, 2, 4, 4, x.shape[-1])
  variance = ((pairs - pairs.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
  number = np.sqrt(variance + 1e-8).mean(axis=(1, 2, 3)).repeat(2)
  x = np.concatenate([x, np.ones((len(x), 4, 4, 1)) * number[:, None, None, None]], axis=-1)
  x = leaky(conv("bottom_dense", leaky(conv("bottom_conv", x, pad=1))))
  return conv("logit", x, gain=1).reshape(-1, 2).sum(axis=1)


def _plain_r1(w, images):
  """5 times the mean over two images, derivatives by steps along the imaginary axis, for all values in one batch."""
  signed, step = 2 * np.float64(images) - 1, 1e-20
  moved = signed + 1j * step * np.eye(signed.size).reshape(signed.size, *signed.shape)
  return 5 * ((_plain_logits(w, moved).imag / step) ** 2).sum() / 2


def test_penalty_of_the_discriminator_and_its_gradient():
  """R1 by finite differences in float64, and the derivatives of that by those of the weights."""
  network, images = _network(8), recipes.random_images(2, 8, 8, 3)
  with tf.GradientTape() as tape:
    _, terms = discriminator_loss(Config(), network, images, images)
  gradients = tape.gradient(terms["r1"], network.trainable_variables)
  weights = {variable.path.split("/", 1)[1]: np.float64(value)
             for variable, value in zip(network.weights, network.get_weights())}
  assert float(terms["r1"]) > 0.1
  np.testing.assert_allclose(terms["r1"], _plain_r1(weights, images), rtol=1e-4)
  rng, step, compared = np.random.default_rng(1), 1e-7, 0
  for (name, value), gradient in zip(weights.items(), gradients):
    if not name.endswith("kernel"):
      continue
    direction = np.float64(gradient) + np.linalg.norm(gradient) * rng.normal(size=value.shape) / np.sqrt(value.size)
    sides = [_plain_r1({**weights, name: value + sign * step * direction}, images) for sign in (1, -1)]
    numeric, analytic = (sides[0] - sides[1]) / (2 * step), np.sum(np.float64(gradient) * direction)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-3, err_msg=name)
    compared += 1
  assert compared == 6


def _of(network, name):
  """Eq. 3 as a function of one weight, at 16 pixels on the way in."""
  real, fake = (recipes.smooth_images(4, 16, 16, 3, seed=seed) for seed in (1, 2))
  index = next(index for index, variable in enumerate(network.trainable_variables) if variable.path.endswith(name))

  def loss(weight):
    values = [variable.value for variable in network.trainable_variables]
    values[index] = weight
    judge = lambda images: network.stateless_call(values, [], images, alpha=0.3)[0]  # noqa: E731
    return discriminator_loss(Config(), judge, tf.constant(real), tf.constant(fake))[0]

  return loss, network.trainable_variables[index].numpy()


@pytest.mark.parametrize("name", ["from_rgb_16/kernel", "from_rgb_8/kernel", "down16_halve/kernel", "bottom_conv/kernel",
                                  "bottom_dense/bias", "logit/kernel"])
def test_gradient_by_the_weights_during_a_fade(name, monkeypatch):
  """Without the corners of LeakyReLU, across which R1 jumps and has no finite difference."""
  monkeypatch.setattr("tf_imgtrans.papers.progressive_pan.discriminator.leaky", tf.tanh)
  loss, weight = _of(_network(16), name)
  recipes.check_gradient(loss, weight, tolerance=5e-3)


def test_gradient_under_xla():
  loss, weight = _of(_network(16), "down16_halve/kernel")
  recipes.check_xla(loss, weight)


# Generator ---------------------------------------------------------------------------------------------------------

def test_equation_4():
  logits = np.float32(RNG.normal(0, 3, (6, 1)))
  loss, terms = generator_loss(Config(), REAL, FAKE, logits)
  assert terms.keys() == {"adversarial"} and loss.dtype == tf.float32 and loss.shape == ()
  np.testing.assert_allclose(loss, -np.log(1 / (1 + np.exp(-np.float64(logits)))).mean(), rtol=1e-6)
  recipes.assert_same(loss, terms["adversarial"])
  recipes.assert_same(generator_loss(Config(), FAKE, REAL, logits)[0], loss)  # no distance at all


@pytest.mark.parametrize("objective, expected", [
    ("l1", np.abs(np.float64(REAL) - FAKE).mean()), ("l2", np.square(np.float64(REAL) - FAKE).mean())])
def test_distances_of_table_2(objective, expected):
  config = Config(objective=objective)
  loss, terms = generator_loss(config, REAL, FAKE)
  assert terms.keys() == {objective} and loss.dtype == tf.float32
  np.testing.assert_allclose(loss, expected, rtol=1e-5)
  recipes.assert_same(generator_loss(config, REAL, FAKE, np.ones((4, 1), "f"))[0], loss)
  assert float(generator_loss(config, REAL, REAL)[0]) == 0
  np.testing.assert_allclose(generator_loss(config, np.full((1, 2, 2, 3), 0.75, "f"), np.full((1, 2, 2, 3), 0.25, "f"))[0],
                             {"l1": 0.5, "l2": 0.25}[objective])
  with pytest.raises(ValueError, match="shapes differ"):
    generator_loss(config, REAL, FAKE[:, :1])


def test_gradients():
  recipes.check_gradient(lambda fake: generator_loss(Config(), REAL, fake, _bent(fake))[0], FAKE)
  recipes.check_gradient(lambda fake: generator_loss(Config(objective="l2"), REAL, fake)[0], FAKE)
  apart = np.where(FAKE > REAL, FAKE + np.float32(0.2), FAKE - np.float32(0.2))  # where |x| has no corner
  recipes.check_gradient(lambda fake: generator_loss(Config(objective="l1"), REAL, fake)[0], apart)
  recipes.check_gradient(lambda fake: discriminator_loss(Config(), _bent, REAL, fake)[0], FAKE)
