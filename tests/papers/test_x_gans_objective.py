"""Eq. 2 to 6: which terms, with which weights, for which corruption."""

import dataclasses

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.losses import Vgg19Features, corresponding_point, feature_matching, perceptual_l1
from tf_imgtrans.papers.x_gans import Config, discriminator_loss, generator_loss
from tf_imgtrans.papers.x_gans.objective import adversarial, vgg_layers

LAYERS, LAYER_WEIGHTS = ("block2_conv1", "block1_conv1"), (0.25, 2.0)
CONFIG = Config(perceptual_layers=LAYERS, perceptual_layer_weights=LAYER_WEIGHTS, weight_adversarial=2.0,
                weight_feature_matching=3.0, weight_perceptual=5.0, weight_point=7.0)
WEIGHTS = {"adversarial": 2, "feature_matching": 3, "perceptual": 5, "point": 7}
TARGET, FAKE = recipes.smooth_images(2, 16, 20, 3, seed=1), recipes.random_images(2, 16, 20, 3, seed=2)
MASK = np.float32(np.random.default_rng(0).random((2, 16, 20, 1)) < 0.2)
SOURCE = np.where(MASK > 0, TARGET, np.float32(1))


def _judged(seed):
  """What three discriminators might give."""
  rng = np.random.default_rng(seed)
  return [(tf.constant(rng.normal(size=(2, side, side, 1)), tf.float32),
           [tf.constant(rng.normal(size=(2, side, side, 4)), tf.float32) for _ in range(4)]) for side in (5, 4, 3)]


JUDGED_FAKE, JUDGED_REAL = _judged(1), _judged(2)
SCALES = [np.log1p(np.exp(-np.float64(logits))).mean() for logits, _ in JUDGED_FAKE]


@pytest.fixture(scope="module")
def random_vgg():
  """VGG19 with random weights: the code of the terms is the same, their values mean nothing."""
  return Vgg19Features(LAYERS, "random")


def _loss(config, vgg=None, fake=FAKE, fake_outputs=JUDGED_FAKE, real_outputs=JUDGED_REAL):
  return generator_loss(config, SOURCE, MASK, TARGET, fake, fake_outputs, real_outputs, vgg)


@pytest.fixture(scope="module")
def terms(random_vgg):
  return _loss(CONFIG, random_vgg)


def test_total_is_the_weighted_sum(terms):
  total, parts = terms
  assert parts.keys() == WEIGHTS.keys()
  assert {value.dtype.name for value in [total, *parts.values()]} == {"float32"}
  np.testing.assert_allclose(total, sum(WEIGHTS[name] * float(value) for name, value in parts.items()), rtol=1e-6)


def test_terms(terms, random_vgg):
  _, parts = terms
  true, pred = ([random_vgg(images)[layer] for layer in LAYERS] for images in (TARGET, FAKE))
  expected = {
      "adversarial": max(SCALES),
      "feature_matching": feature_matching([maps for _, maps in JUDGED_REAL], [maps for _, maps in JUDGED_FAKE]),
      "perceptual": perceptual_l1(true, pred, LAYER_WEIGHTS) / 127.5,  # of pix2pixHD's inputs, which are in [-1, 1]
      "point": corresponding_point(SOURCE, FAKE, MASK),
  }
  for name, value in expected.items():
    assert value > 0
    np.testing.assert_allclose(parts[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weight_zero_removes_a_term(name, terms, random_vgg):
  config = dataclasses.replace(CONFIG, **{f"weight_{name}": 0.0})
  total, parts = _loss(config, random_vgg)
  assert parts.keys() == WEIGHTS.keys() - {name}
  np.testing.assert_allclose(total, terms[0] - WEIGHTS[name] * terms[1][name], rtol=1e-5)


@pytest.mark.parametrize("corruption, on", [("random_points", True), ("edge_points", True), ("white_block", True),
                                            ("color_noise", False), ("color_blocks", False)])
def test_the_point_loss_is_on_for_points_and_the_white_block(corruption, on, terms):
  config = dataclasses.replace(CONFIG, corruption=corruption, weight_perceptual=0.0)
  total, parts = _loss(config)
  assert ("point" in parts) == on == config.point_loss
  expected = sum(WEIGHTS[name] * terms[1][name] for name in parts)
  assert parts.keys() - {"point"} == {"adversarial", "feature_matching"}
  np.testing.assert_allclose(total, expected, rtol=1e-5)


def test_the_norm_of_the_point_loss():
  config = dataclasses.replace(CONFIG, point_norm="l1", weight_perceptual=0.0)
  np.testing.assert_allclose(_loss(config)[1]["point"], corresponding_point(SOURCE, FAKE, MASK, "l1"), rtol=1e-6)


def test_what_a_term_does_not_need_may_be_missing():
  config = dataclasses.replace(CONFIG, weight_perceptual=0.0, weight_feature_matching=0.0)
  assert _loss(config, real_outputs=None)[1].keys() == {"adversarial", "point"}
  config = dataclasses.replace(config, weight_adversarial=0.0)
  assert _loss(config, fake_outputs=None, real_outputs=None)[1].keys() == {"point"}


@pytest.mark.parametrize("aggregate, expected", [("max", max(SCALES)), ("sum", sum(SCALES))])
def test_aggregates(aggregate, expected):
  config = dataclasses.replace(CONFIG, aggregate=aggregate, weight_perceptual=0.0)
  np.testing.assert_allclose(_loss(config)[1]["adversarial"], expected, rtol=1e-6)


@pytest.mark.parametrize("largest", [0, 1, 2])
def test_max_trains_against_the_surest_discriminator_alone(largest):
  """Logits of -3 are surer of a fake than those of -1."""
  logits = [tf.constant(np.full((2, 4 - k, 4 - k, 1), -3.0 if k == largest else -1.0, "f")) for k in range(3)]
  gradients = {}
  for aggregate in ("max", "sum"):
    with tf.GradientTape() as tape:
      tape.watch(logits)
      loss = adversarial(dataclasses.replace(CONFIG, aggregate=aggregate), logits)
    gradients[aggregate] = tape.gradient(loss, logits)
  np.testing.assert_allclose(loss, 2 * np.log1p(np.e) + np.log1p(np.exp(3)), rtol=1e-6)
  for k, (alone, together) in enumerate(zip(gradients["max"], gradients["sum"])):
    assert np.any(alone) == (k == largest) and np.all(together)
    if k == largest:
      recipes.assert_same(alone, together)


def test_discriminator_loss():
  real, fake = [logits for logits, _ in JUDGED_REAL], [logits for logits, _ in JUDGED_FAKE]
  expected = sum(np.log1p(np.exp(-np.float64(r))).mean() + np.log1p(np.exp(np.float64(f))).mean()
                 for r, f in zip(real, fake))
  np.testing.assert_allclose(discriminator_loss(real, fake), expected, rtol=1e-6)
  with pytest.raises(ValueError):
    discriminator_loss(real, fake[:2])


def test_vgg_layers():
  assert vgg_layers(Config()) == ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
  assert vgg_layers(CONFIG) == LAYERS
  assert vgg_layers(Config(weight_perceptual=0.0)) == ()


def test_a_perfect_fake_costs_its_score_alone(random_vgg):
  _, parts = _loss(CONFIG, random_vgg, fake=TARGET, fake_outputs=JUDGED_REAL)
  assert parts["perceptual"] == parts["point"] == parts["feature_matching"] == 0 and parts["adversarial"] > 0


def test_real_maps_get_no_gradient():
  real = tf.constant(JUDGED_REAL[0][1][0])
  with tf.GradientTape() as tape:
    tape.watch(real)
    total, _ = _loss(dataclasses.replace(CONFIG, weight_perceptual=0.0),
                     fake_outputs=[(JUDGED_FAKE[0][0], JUDGED_FAKE[0][1][:1])], real_outputs=[(JUDGED_REAL[0][0], [real])])
  assert tape.gradient(total, real) is None


def test_gradients(random_vgg):
  recipes.check_gradient(lambda fake: _loss(CONFIG, random_vgg, fake=fake)[0], FAKE, step=2e-3, tolerance=2e-2)
