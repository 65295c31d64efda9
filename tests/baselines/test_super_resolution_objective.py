"""Losses of ESRGAN, against NumPy."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.esrgan.objective import (
    features_before_relu,
    generator_loss,
    perceptual,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.recipes import find_recipe

REAL, FAKE = np.float32([[1.5], [-0.5], [3.0]]), np.float32([[0.2], [-2.0], [1.0]])


def _d_ra(a, b):
  return 1 / (1 + np.exp(-(np.float64(a) - np.mean(b, dtype=np.float64))))


def test_relativistic_losses():
  """Eq. 1 and 2 as they are published."""
  real, fake = _d_ra(REAL, FAKE), _d_ra(FAKE, REAL)
  np.testing.assert_allclose(relativistic_discriminator_loss(REAL, FAKE), -np.log(real).mean() - np.log(1 - fake).mean(),
                             rtol=1e-5)
  np.testing.assert_allclose(relativistic_generator_loss(REAL, FAKE), -np.log(1 - real).mean() - np.log(fake).mean(),
                             rtol=1e-5)


def test_equal_logits_cost_two_logarithms():
  same = np.full((4, 1), 0.7, np.float32)
  for loss in (relativistic_discriminator_loss, relativistic_generator_loss):
    np.testing.assert_allclose(loss(same, same), 2 * np.log(2), rtol=1e-6)
    np.testing.assert_allclose(loss(same + 5, same + 5), 2 * np.log(2), rtol=1e-6)


def test_relativistic_losses_stay_finite():
  far = np.full((2, 1), 1000.0, np.float32)
  np.testing.assert_allclose(relativistic_generator_loss(far, -far), 4000.0)
  assert float(relativistic_discriminator_loss(far, -far)) == 0


@pytest.mark.parametrize("loss", [relativistic_discriminator_loss, relativistic_generator_loss])
def test_gradients_flow_through_both_logits(loss):
  """The means among them: neither term treats the other's images as constants."""
  recipes.check_gradient(lambda logits: loss(logits[:3], logits[3:]), np.concatenate([REAL, FAKE]))


@pytest.fixture(scope="module")
def vgg():
  return features_before_relu("block2_conv1", "random")


def test_features_before_relu(vgg):
  images = recipes.random_images(2, 16, 16, 3)
  before = vgg(images)["block2_conv1"].numpy()
  assert (before < 0).mean() > 0.2
  after = Vgg19Features(["block2_conv1"], "random")(images)["block2_conv1"]  # drawn by the layer's number: the same weights
  np.testing.assert_allclose(np.maximum(before, 0), after, rtol=1e-6)
  deeper = Vgg19Features(["block2_conv1", "block2_conv2"], "random")
  assert deeper(images)["block2_conv1"].numpy().min() == 0  # others are as before


def test_perceptual(vgg):
  a, b = recipes.random_images(2, 2, 16, 16, 3)
  expected = np.abs(vgg(a)["block2_conv1"].numpy() - vgg(b)["block2_conv1"].numpy()).mean()
  # The paper's code divides images in [0, 1] by deviations of 0.226 in the mean, where ours multiplies by 255.
  np.testing.assert_allclose(perceptual(a, b, vgg, "block2_conv1"), expected / (255 * 0.226), rtol=1e-5)


def test_the_generators_loss(vgg):
  target, fake = recipes.random_images(2, 2, 16, 16, 3)
  total, terms = generator_loss(find_recipe("esrgan").preset(), target, fake)
  assert terms.keys() == {"l1"} and float(total) == float(terms["l1"]) == float(l1(target, fake))
  config = find_recipe("esrgan").preset(stage="gan", perceptual_layer="block2_conv1")
  total, terms = generator_loss(config, target, fake, REAL, FAKE, vgg)
  assert terms.keys() == {"l1", "perceptual", "adversarial"}
  expected = (0.01 * np.abs(target - fake).mean() + float(perceptual(target, fake, vgg, "block2_conv1"))
              + 0.005 * float(relativistic_generator_loss(REAL, FAKE)))
  np.testing.assert_allclose(total, expected, rtol=1e-5)


def test_half_precision_logits():
  half = relativistic_generator_loss(tf.constant(REAL, tf.float16), tf.constant(FAKE, tf.float16))
  assert half.dtype == "float32"
  np.testing.assert_allclose(half, relativistic_generator_loss(REAL, FAKE), rtol=1e-2)
