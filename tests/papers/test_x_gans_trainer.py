"""One step of training of X-GANs: what moves, in which order, and by which losses."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.losses import corresponding_point, feature_matching
from tf_imgtrans.papers.x_gans import TINY, Trainer

SMALL = dataclasses.replace(TINY, discriminators=2)
TARGET = recipes.smooth_images(2, 32, 32, 3, seed=1)
MASK = np.float32(np.random.default_rng(0).random((2, 32, 32, 1)) < 0.2)
BATCH = (np.where(MASK > 0, TARGET, np.float32(1)), MASK, TARGET)
SOURCE = BATCH[0]
JUDGED = {"discriminator", "real_score", "fake_score"}
TERMS = {"total", "adversarial", "feature_matching", "point", *JUDGED}
# A bias before a normalization is taken off again: its gradient is zero but for rounding.
IDLE = re.compile(r"(stem|down\d|block\d_\d|up\d)_conv/bias|scale\d_conv[234]/bias")


def _config(**options):
  return dataclasses.replace(SMALL, **options)


def _fake(trainer):
  """The reconstructions of the next step; the trainer stays as it is."""
  before = trainer.generator.get_weights()
  fake = trainer.generator(SOURCE, dropout_seed=trainer.seed("dropout"), training=True)
  trainer.generator.set_weights(before)
  return fake


def _softplus(x):
  return np.logaddexp(0, np.float64(x)).mean()


def test_one_step():
  trainer = Trainer(TINY)
  generator, discriminators = recipes.weights(trainer.generator), recipes.weights(trainer.discriminators)
  fake = _fake(trainer)  # before the generator moves
  fake_outputs, real_outputs = trainer.discriminators(SOURCE, fake), trainer.discriminators(SOURCE, TARGET)
  terms = trainer.train_step(BATCH)
  assert terms.keys() == TERMS
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert int(trainer.step) == 1
  for before, network in ((generator, trainer.generator), (discriminators, trainer.discriminators)):
    assert {path for path in before if not IDLE.search(path)} <= recipes.moved(before, network)
  # The generator is judged by the discriminators as they were, and they see the fakes as they were.
  expected = {
      "adversarial": max(_softplus(-logits) for logits, _ in fake_outputs),
      "feature_matching": feature_matching([maps for _, maps in real_outputs], [maps for _, maps in fake_outputs]),
      "point": corresponding_point(SOURCE, fake, MASK),
      "discriminator": sum(_softplus(-real) + _softplus(fake) for (real, _), (fake, _) in zip(real_outputs, fake_outputs)),
      "real_score": np.mean([np.mean(tf.sigmoid(logits)) for logits, _ in real_outputs]),
      "fake_score": np.mean([np.mean(tf.sigmoid(logits)) for logits, _ in fake_outputs]),
  }
  for name, value in expected.items():
    np.testing.assert_allclose(terms[name], value, rtol=1e-5, err_msg=name)
  np.testing.assert_allclose(terms["total"], terms["adversarial"] + 10 * terms["feature_matching"] + 200 * terms["point"],
                             rtol=1e-6)


def test_the_discriminators_see_the_fakes_before_the_generator_moves():
  """A large rate makes the two fakes differ, so that the check above means something."""
  trainer = Trainer(_config(learning_rate=0.02))
  trainer.train_step(BATCH)  # the first one moves the discriminators off their start, where all scores are near 1/2
  judge = keras.models.clone_model(trainer.discriminators)
  judge(SOURCE, TARGET)
  judge.set_weights(trainer.discriminators.get_weights())

  def loss():
    judged = zip(judge(SOURCE, TARGET), judge(SOURCE, fake))
    return sum(_softplus(-real_logits) + _softplus(fake_logits) for (real_logits, _), (fake_logits, _) in judged)

  step = int(trainer.step)
  fake = _fake(trainer)
  before = loss()
  seen = float(trainer.train_step(BATCH)["discriminator"])
  trainer.step.assign(step)  # the same dropout once more
  fake = _fake(trainer)
  np.testing.assert_allclose(seen, before, rtol=1e-5)
  assert abs(seen - loss()) > 10 * abs(seen - before) + 1e-5


def test_first_adam_step():
  """Adam's first step moves every weight by the rate, against the sign of its gradient."""
  trainer = Trainer(SMALL)
  before = recipes.weights(trainer.generator)
  trainer.train_step(BATCH)
  for path, value in recipes.weights(trainer.generator).items():
    if "moving_" not in path and not IDLE.search(path):
      steps = np.abs(value - before[path])
      assert steps.max() <= SMALL.learning_rate * 1.01
      np.testing.assert_allclose(np.median(steps), SMALL.learning_rate, rtol=0.02, err_msg=path)
  assert (trainer.optimizers["generator"].beta_1, trainer.optimizers["generator"].beta_2) == (0.5, 0.999)
  assert trainer.optimizers["discriminators"].beta_1 == 0.5


@pytest.mark.parametrize("fields, terms", [
    ({"weight_adversarial": 0.0, "weight_feature_matching": 0.0}, {"total", "point"}),
    ({"weight_adversarial": 0.0}, {"total", "feature_matching", "point", *JUDGED}),
    ({"weight_feature_matching": 0.0}, {"total", "adversarial", "point", *JUDGED}),
    ({"corruption": "color_noise"}, TERMS - {"point"}),
    ({"corruption": "color_blocks"}, TERMS - {"point"}),
    ({"corruption": "white_block"}, TERMS),
    ({"weight_point": 0.0}, TERMS - {"point"}),
])
def test_terms_follow_the_configuration(fields, terms):
  trainer = Trainer(_config(**fields))
  seen = recipes.numbers(trainer.train_step(BATCH))
  assert seen.keys() == terms and np.isfinite(list(seen.values())).all()
  assert (trainer.discriminators is not None) == (JUDGED <= terms)
  assert any("discriminator" in name for name in trainer.state()) == (JUDGED <= terms)


@pytest.mark.parametrize("name", ["adversarial", "feature_matching", "point"])
def test_every_term_alone_moves_the_generator(name):
  weights = {f"weight_{other}": float(other == name) for other in ("adversarial", "feature_matching", "point")}
  trainer = Trainer(_config(**weights))
  before = recipes.weights(trainer.generator)
  trainer.train_step(BATCH)
  assert {path for path in before if not IDLE.search(path)} <= recipes.moved(before, trainer.generator)


def test_with_features_of_a_random_vgg():
  config = _config(weight_perceptual=10.0, perceptual_layers=("block1_conv1", "block2_conv1"),
                   perceptual_layer_weights=(0.5, 1.0), vgg_weights="random")
  trainer = Trainer(config)
  frozen = trainer.vgg.get_weights()
  terms = recipes.numbers(trainer.train_step(BATCH))
  assert terms.keys() == TERMS | {"perceptual"} and terms["perceptual"] > 0
  for before, after in zip(frozen, trainer.vgg.get_weights()):
    recipes.assert_same(before, after)
  assert not any("vgg" in name for name in trainer.state())  # a checkpoint needs no copy of it
  assert len(trainer.provenance()["vgg19"]) == 64 and not Trainer(SMALL).provenance()


def test_too_small_images_are_refused_when_the_trainer_is_made():
  with pytest.raises(ValueError, match="height is 16: the last of 4 discriminators needs at least 25 pixels"):
    Trainer(_config(image_size=16, discriminators=4))
