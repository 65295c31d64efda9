"""Eq. 10: which terms, with which weights."""

import dataclasses

import numpy as np
import pytest
import recipes

from tf_imgtrans.losses import Vgg19Features, color, contextual, perceptual, total_variation, weighted_l1
from tf_imgtrans.papers.mux_demux import Config, discriminator_loss, generator_loss
from tf_imgtrans.papers.mux_demux.objective import vgg_layers

CONFIG = Config(perceptual_layer="block2_conv2", contextual_layers=("block1_conv2", "block2_conv1"), batch_size=2)
TARGET, FAKE = recipes.smooth_images(2, 20, 24, 3, seed=1), recipes.random_images(2, 20, 24, 3, seed=2)
LOGITS = np.float32([[0.3], [-1.2]])
WEIGHTS = {"adversarial": 1, "l1": 5000, "perceptual": 10, "contextual": 10, "color": 0.5, "total_variation": 2000}


@pytest.fixture(scope="module")
def random_vgg():
  """VGG19 with random weights: the code of the terms is the same, their values mean nothing."""
  return Vgg19Features(vgg_layers(CONFIG), "random")


@pytest.fixture(scope="module")
def terms(random_vgg):
  return generator_loss(CONFIG, TARGET, FAKE, LOGITS, random_vgg)


def test_total_is_the_weighted_sum(terms):
  total, parts = terms
  assert {name: float(value) for name, value in parts.items()}.keys() == WEIGHTS.keys()
  assert {value.dtype.name for value in [total, *parts.values()]} == {"float32"}
  np.testing.assert_allclose(total, sum(WEIGHTS[name] * float(value) for name, value in parts.items()), rtol=1e-6)


def test_terms(terms, random_vgg):
  _, parts = terms
  true, pred = random_vgg(TARGET), random_vgg(FAKE)
  np.testing.assert_allclose(parts["adversarial"], np.sum(np.log1p(np.exp(-LOGITS))), rtol=1e-6)  # Eq. 1: a sum
  expected = {
      "l1": weighted_l1(TARGET, FAKE), "color": color(TARGET, FAKE), "total_variation": total_variation(FAKE),
      "perceptual": perceptual(true["block2_conv2"], pred["block2_conv2"]),
      "contextual": contextual(true["block1_conv2"], pred["block1_conv2"])
                    + contextual(true["block2_conv1"], pred["block2_conv1"]),
  }
  for name, value in expected.items():
    assert value > 0
    np.testing.assert_allclose(parts[name], value, rtol=1e-5)


def test_the_adversarial_sum_is_over_the_whole_batch():
  # Each of five replicas holds two of ten images: the mean over replicas of their losses is the sum over all.
  config = dataclasses.replace(CONFIG, batch_size=10, weight_perceptual=0.0, weight_contextual=0.0)
  logits = np.random.default_rng(0).standard_normal((5, 2, 1)).astype("f")
  parts = [generator_loss(config, TARGET, FAKE, part)[1]["adversarial"] for part in logits]
  np.testing.assert_allclose(np.mean(parts), np.sum(np.log1p(np.exp(-logits))), rtol=1e-6)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weight_zero_removes_a_term(name, terms, random_vgg):
  config = dataclasses.replace(CONFIG, **{f"weight_{name}": 0.0})
  total, parts = generator_loss(config, TARGET, FAKE, None if name == "adversarial" else LOGITS, random_vgg)
  assert parts.keys() == WEIGHTS.keys() - {name}
  np.testing.assert_allclose(total, terms[0] - WEIGHTS[name] * terms[1][name], rtol=1e-5)


def test_weights_scale_their_term(terms, random_vgg):
  config = dataclasses.replace(CONFIG, weight_color=3.5)
  total, _ = generator_loss(config, TARGET, FAKE, LOGITS, random_vgg)
  np.testing.assert_allclose(total - terms[0], 3.0 * terms[1]["color"], rtol=1e-3)


def test_vgg_layers():
  assert vgg_layers(Config()) == ("block3_conv2", "block4_conv2", "block5_conv4")
  assert vgg_layers(Config(weight_perceptual=0.0)) == ("block3_conv2", "block4_conv2")
  assert vgg_layers(Config(weight_contextual=0.0)) == ("block5_conv4",)
  assert vgg_layers(Config(weight_perceptual=0.0, weight_contextual=0.0)) == ()


def test_no_features_no_vgg():
  config = dataclasses.replace(CONFIG, weight_perceptual=0.0, weight_contextual=0.0)
  assert generator_loss(config, TARGET, FAKE, LOGITS, vgg=None)[1].keys() == WEIGHTS.keys() - {"perceptual", "contextual"}


def test_a_perfect_fake_costs_its_score_and_roughness(random_vgg):
  _, parts = generator_loss(CONFIG, TARGET, TARGET, LOGITS, random_vgg)
  for name in ("l1", "perceptual", "color"):
    assert parts[name] == 0
  assert parts["contextual"] < 1e-4
  assert parts["total_variation"] > 0


def test_discriminator_loss():
  np.testing.assert_allclose(discriminator_loss(LOGITS, 2 * LOGITS),
                             np.mean(np.log1p(np.exp(-LOGITS))) + np.mean(np.log1p(np.exp(2 * LOGITS))), rtol=1e-6)


def test_gradients(random_vgg):
  def loss(fake):
    return generator_loss(CONFIG, TARGET[:, :12, :12], fake, LOGITS, random_vgg)[0]

  fake = np.clip(TARGET[:, :12, :12] + 0.3 * np.sign(FAKE[:, :12, :12] - 0.5), -1, 2)
  recipes.check_gradient(loss, fake, step=5e-3, tolerance=1e-2)
