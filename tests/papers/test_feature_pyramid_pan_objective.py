"""Eq. 3 to 10 of the feature-pyramid paper: which terms, with which weights, against plain arithmetic."""

import dataclasses

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.feature_pyramid_pan import Config, discriminator_loss, generator_loss
from tf_imgtrans.papers.feature_pyramid_pan.config import VARIANTS
from tf_imgtrans.papers.feature_pyramid_pan.discriminator import plan
from tf_imgtrans.papers.feature_pyramid_pan.objective import (
    adversarial,
    high_adversarial,
    low_adversarial,
    perceptual,
    pixel,
    squared,
)

CONFIG = Config(weight_high=2.0, weight_low=3.0, weight_perceptual=5.0, weight_l1=7.0, weight_l2=11.0,
                weight_adversarial=13.0)
WEIGHTS = {"high": 2, "low": 3, "perceptual": 5, "l1": 7, "l2": 11, "adversarial": 13}
TARGET, FAKE = recipes.smooth_images(2, 16, 20, 3, seed=1), recipes.random_images(2, 16, 20, 3, seed=2)


def _judged(seed):
  """What discriminators might give, of all tracks."""
  rng = np.random.default_rng(seed)

  def level(side):
    return (tf.constant(rng.normal(size=(2, side, side, 1)), tf.float32),
            [tf.constant(rng.normal(size=(2, side + index, side, 4)), tf.float32) for index in range(4)])

  return {"high": [level(5), level(4), level(3)], "low": [level(4), level(2)], "whole": [level(6)]}


JUDGED_FAKE, JUDGED_REAL = _judged(1), _judged(2)


def _log(logits, sign):
  """-mean(log D) for sign 1, -mean(log(1 - D)) for sign -1, by its definition."""
  return -np.mean(np.log(1 / (1 + np.exp(-sign * np.float64(logits)))))


def _features(real_outputs, fake_outputs):
  """Eq. 8, number by number: every map's squared distances over C H W, for every image, averaged over the images."""
  total = 0.0
  for (_, reals), (_, fakes) in zip(real_outputs["high"], fake_outputs["high"]):
    for real, fake in zip(reals, fakes):
      real, fake = np.float64(real), np.float64(fake)
      _, height, width, channels = real.shape
      total += np.mean([np.sum((f - r) ** 2) / (channels * height * width) for r, f in zip(real, fake)])
  return total


EXPECTED = {
    "pyramid": {
        "high": sum(_log(logits, 1) for logits, _ in JUDGED_FAKE["high"]),
        "low": sum(_log(logits, 1) for logits, _ in JUDGED_FAKE["low"]),
        "perceptual": _features(JUDGED_REAL, JUDGED_FAKE),
        "l1": 2 * np.abs(np.float64(FAKE) - TARGET).mean(),
    },
    "pix2pix": {"high": _log(JUDGED_FAKE["whole"][0][0], 1), "l1": 2 * np.abs(np.float64(FAKE) - TARGET).mean()},
    "context_encoder": {"l2": 4 * np.square(np.float64(FAKE) - TARGET).mean(),
                        "adversarial": _log(JUDGED_FAKE["whole"][0][0], 1)},
}


def _loss(config, fake=FAKE, fake_outputs=JUDGED_FAKE, real_outputs=JUDGED_REAL):
  return generator_loss(config, TARGET, fake, fake_outputs, real_outputs)


@pytest.mark.parametrize("objective", EXPECTED)
def test_generator_loss(objective):
  total, terms = _loss(dataclasses.replace(CONFIG, objective=objective))
  assert terms.keys() == EXPECTED[objective].keys() == set(dataclasses.replace(CONFIG, objective=objective).weights)
  assert {value.dtype.name for value in [total, *terms.values()]} == {"float32"}
  for name, value in EXPECTED[objective].items():
    np.testing.assert_allclose(terms[name], value, rtol=1e-5, err_msg=name)
  np.testing.assert_allclose(total, sum(WEIGHTS[name] * value for name, value in EXPECTED[objective].items()), rtol=1e-5)


def test_the_papers_weights():
  total, terms = _loss(Config())
  expected = terms["high"] + 5 * terms["low"] + terms["perceptual"] + 100 * terms["l1"]
  np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_each_equation_is_a_function():
  for value, expected in (
      (adversarial(JUDGED_FAKE["whole"]), EXPECTED["pix2pix"]["high"]),
      (high_adversarial(JUDGED_FAKE), EXPECTED["pyramid"]["high"]),
      (low_adversarial(JUDGED_FAKE), EXPECTED["pyramid"]["low"]),
      (perceptual(JUDGED_REAL, JUDGED_FAKE), EXPECTED["pyramid"]["perceptual"]),
      (pixel(TARGET, FAKE), EXPECTED["pyramid"]["l1"]),
      (squared(TARGET, FAKE), EXPECTED["context_encoder"]["l2"])):
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_pixels_count_as_in_pix2pix():
  """Black against white is 2 there, as values lie in [-1, 1]."""
  black, white = np.zeros((1, 4, 4, 3), "f"), np.ones((1, 4, 4, 3), "f")
  assert float(pixel(white, black)) == 2 and float(squared(white, black)) == 4
  for loss in (pixel, squared):
    assert float(loss(TARGET, TARGET)) == 0
    with pytest.raises(ValueError, match="shapes differ"):
      loss(TARGET, FAKE[:1])


@pytest.mark.parametrize("objective, name", [(objective, name) for objective, terms in EXPECTED.items() for name in terms])
def test_weight_zero_removes_a_term(objective, name):
  config = dataclasses.replace(CONFIG, objective=objective)
  total, terms = _loss(config)
  less, left = _loss(dataclasses.replace(config, **{f"weight_{name}": 0.0}))
  assert left.keys() == terms.keys() - {name}
  np.testing.assert_allclose(less, total - WEIGHTS[name] * terms[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_variant_does_not_need_may_be_missing(name):
  """Judged by the tracks that the variant's discriminators have, and no others."""
  config = Config(**VARIANTS[name])
  tracks = plan(config)
  judged = {track: JUDGED_FAKE[track] for track in tracks}
  _, terms = generator_loss(config, TARGET, FAKE, judged, JUDGED_REAL if "perceptual" in config.weights else None)
  expected = {name for name in config.weights if getattr(config, f"weight_{name}")}
  assert terms.keys() == expected


def test_discriminator_loss():
  expected = sum(_log(real, 1) + _log(fake, -1) for track in JUDGED_REAL
                 for (real, _), (fake, _) in zip(JUDGED_REAL[track], JUDGED_FAKE[track])) / 2
  np.testing.assert_allclose(discriminator_loss(JUDGED_REAL, JUDGED_FAKE), expected, rtol=1e-5)
  with pytest.raises(ValueError):
    discriminator_loss(JUDGED_REAL, {**JUDGED_FAKE, "low": JUDGED_FAKE["low"][:1]})


def test_confident_scores_keep_a_finite_gradient():
  logits = tf.constant([[-200.0], [200.0]])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch(logits)
    judged = {"high": [(logits, [])]}
    losses = [high_adversarial(judged), discriminator_loss(judged, judged)]
  for loss in losses:
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, logits)).all()
  # Non-saturating: a fake that is seen through has the largest gradient.
  np.testing.assert_allclose(tape.gradient(losses[0], logits), [[-0.5], [0.0]], atol=1e-6)


def test_real_maps_get_no_gradient_and_fake_ones_do():
  real, fake = JUDGED_REAL["high"][0][1][0], JUDGED_FAKE["high"][0][1][0]
  with tf.GradientTape() as tape:
    tape.watch([real, fake])
    value = perceptual({"high": [(None, [real])]}, {"high": [(None, [fake])]})
  to_real, to_fake = tape.gradient(value, [real, fake])
  assert to_real is None
  np.testing.assert_allclose(to_fake, 2 * (np.asarray(fake) - real) / np.asarray(fake).size, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
  maps = tf.cast(300 * np.ones((1, 8, 8, 4)), dtype)  # whose squares overflow float16
  value = perceptual({"high": [(None, [0 * maps])]}, {"high": [(None, [maps])]})
  np.testing.assert_allclose(value, 300 ** 2, rtol=0.01)
  np.testing.assert_allclose(pixel(tf.cast(TARGET, dtype), tf.cast(FAKE, dtype)), EXPECTED["pyramid"]["l1"], rtol=0.01)


@pytest.mark.parametrize("objective", EXPECTED)
def test_gradients(objective):
  config = dataclasses.replace(CONFIG, objective=objective, weight_l1=7.0)
  recipes.check_gradient(lambda fake: _loss(config, fake=fake)[0], FAKE, step=2e-4, tolerance=2e-2)


def test_gradients_of_the_terms_on_logits_and_maps():
  def value(logits):
    judged = {"high": [(logits, [logits])], "low": [(-logits, None)]}
    real = {"high": [(None, [tf.ones_like(logits)])]}
    return high_adversarial(judged) + 2 * low_adversarial(judged) + perceptual(real, judged)

  recipes.check_gradient(value, np.float32(np.random.default_rng(0).normal(size=(2, 5, 5, 1))), step=1e-2)
