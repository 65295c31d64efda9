"""One step of training of the feature-pyramid paper: what moves, in which order, and by which losses."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.feature_pyramid_pan import TINY, Trainer, discriminator_loss, generator_loss
from tf_imgtrans.papers.feature_pyramid_pan.config import VARIANTS

BATCH = (recipes.smooth_images(2, 32, 32, 3, seed=1), recipes.smooth_images(2, 32, 32, 3, seed=2))
SOURCE, TARGET = BATCH
JUDGED = {"discriminator", "real_score", "fake_score"}
TERMS = {"total", "high", "low", "perceptual", "l1", *JUDGED}
# A bias before a normalization is taken off again: its gradient is zero but for rounding.
IDLE = re.compile(r"(down[234]|up[1234])_conv/bias|(high|low|whole)\d/conv[234]/bias")


def _config(**options):
  return dataclasses.replace(TINY, **options)


def _fake(trainer):
  """The translations of the next step."""
  return trainer.generator(SOURCE, dropout_seed=trainer.seed("dropout"), training=True)


def _copy(network):
  copy = keras.models.clone_model(network)
  copy(SOURCE, TARGET)
  copy.set_weights(network.get_weights())
  return copy


def _score(judged):
  return np.mean([np.mean(tf.sigmoid(logits)) for levels in judged.values() for logits, _ in levels])


def test_one_step():
  trainer = Trainer(_config(learning_rate=5e-3))  # a large rate, so that before and after differ
  generator, discriminators = recipes.weights(trainer.generator), recipes.weights(trainer.discriminators)
  old, fake = _copy(trainer.discriminators), _fake(trainer)
  terms = trainer.train_step(BATCH)
  assert terms.keys() == TERMS and {value.dtype.name for value in terms.values()} == {"float32"}
  assert int(trainer.step) == 1
  for before, network in ((generator, trainer.generator), (discriminators, trainer.discriminators)):
    assert {path for path in before if not IDLE.search(path)} <= recipes.moved(before, network)
  # The discriminators see the fakes made before the generator moved, and the generator sees them as they became.
  fake_outputs, real_outputs = old(SOURCE, fake), old(SOURCE, TARGET)
  total, expected = generator_loss(trainer.config, TARGET, fake, trainer.discriminators(SOURCE, fake),
                                   trainer.discriminators(SOURCE, TARGET))
  expected |= {"total": total, "discriminator": discriminator_loss(real_outputs, fake_outputs),
               "real_score": _score(real_outputs), "fake_score": _score(fake_outputs)}
  for name, value in expected.items():
    np.testing.assert_allclose(terms[name], value, rtol=2e-5, err_msg=name)
  # Had the generator met the discriminators as they were, its loss would have been another one.
  early = generator_loss(trainer.config, TARGET, fake, fake_outputs, real_outputs)[0]
  assert abs(total - early) > 1e-3 * total


def _adam(gradient, rate):
  """Adam's first step moves every weight by the rate, against the sign of its gradient; small gradients by less."""
  return -rate * gradient / (np.abs(gradient) + 1e-8)


def test_first_steps_follow_the_gradients():
  trainer = Trainer(TINY)
  fake, config = _fake(trainer), trainer.config
  generator, discriminators = trainer.generator.get_weights(), trainer.discriminators.get_weights()
  with tf.GradientTape() as tape:
    loss = discriminator_loss(trainer.discriminators(SOURCE, TARGET), trainer.discriminators(SOURCE, fake))
  discriminator_gradients = tape.gradient(loss, trainer.discriminators.trainable_variables)
  trainer.train_step(BATCH)
  after = trainer.generator.get_weights()
  trainer.generator.set_weights(generator)
  trainer.step.assign(0)
  with tf.GradientTape() as tape:
    fake = _fake(trainer)
    fake_outputs, real_outputs = trainer.discriminators(SOURCE, fake), trainer.discriminators(SOURCE, TARGET)
    loss, _ = generator_loss(config, TARGET, fake, fake_outputs, real_outputs)
  generator_gradients = tape.gradient(loss, trainer.generator.trainable_variables)
  for network, before, moved, gradients in (
      (trainer.discriminators, discriminators, trainer.discriminators.get_weights(), discriminator_gradients),
      (trainer.generator, generator, after, generator_gradients)):
    for variable, old, new, gradient in zip(network.weights, before, moved, gradients, strict=True):
      if not IDLE.search(variable.path):
        clear = np.abs(gradient) > 1e-3 * np.abs(gradient).max()  # the sign of the others is rounding
        np.testing.assert_allclose((new - old)[clear], _adam(np.asarray(gradient), TINY.learning_rate)[clear], rtol=0.02,
                                   err_msg=variable.path)
  assert (trainer.optimizers["generator"].beta_1, trainer.optimizers["generator"].beta_2) == (0.5, 0.999)
  assert trainer.optimizers["discriminators"].beta_1 == 0.5


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_discriminators_by_gradient_descent_alone(precision):
  trainer = Trainer(_config(discriminator_optimizer="sgd", learning_rate=0.01), precision)
  fake, before = _fake(trainer), trainer.discriminators.get_weights()
  with tf.GradientTape() as tape:
    loss = discriminator_loss(trainer.discriminators(SOURCE, TARGET), trainer.discriminators(SOURCE, fake))
  gradients = tape.gradient(loss, trainer.discriminators.trainable_variables)
  if precision == "mixed_float16":
    assert isinstance(trainer.optimizers["discriminators"], keras.optimizers.LossScaleOptimizer)
    trainer.optimizers["discriminators"].dynamic_scale.assign(128.0)
  trainer.train_step(BATCH)
  for variable, old, gradient in zip(trainer.discriminators.weights, before, gradients, strict=True):
    if not IDLE.search(variable.path):
      error, step = variable.numpy() - old + 0.01 * np.asarray(gradient), 0.01 * np.linalg.norm(gradient)
      assert np.linalg.norm(error) < (1e-3 if precision == "float32" else 0.05) * step + 1e-7, variable.path


@pytest.mark.parametrize("fields, terms", [
    ({"weight_low": 0.0}, TERMS - {"low"}),
    ({"weight_perceptual": 0.0}, TERMS - {"perceptual"}),
    ({"weight_high": 0.0}, TERMS - {"high"}),
    ({"weight_l1": 0.0}, TERMS - {"l1"}),
    (VARIANTS["without_conditional"], TERMS),
    (VARIANTS["without_high"], TERMS - {"high"}),
    (VARIANTS["without_high_pyramid"], TERMS - {"high", "perceptual"}),
    (VARIANTS["cnn_objective"], {"total", "l1"}),
    (VARIANTS["pix2pix_objective"], {"total", "high", "l1", *JUDGED}),
    (VARIANTS["context_encoder_objective"], {"total", "l2", "adversarial", *JUDGED}),
    ({"objective": "context_encoder", "weight_adversarial": 0.0}, {"total", "l2"}),
    ({"low_levels": (0, 1), "low_images": "upsampled", "levels": 2, "affine": True, "upsampling": "resize"}, TERMS),
    ({"low_levels": (2,), "dropout": 0.0}, TERMS),
])
def test_terms_follow_the_configuration(fields, terms):
  trainer = Trainer(_config(**fields))
  before = recipes.weights(trainer.generator)
  seen = recipes.numbers(trainer.train_step(BATCH))
  assert seen.keys() == terms and np.isfinite(list(seen.values())).all()
  assert (trainer.discriminators is not None) == (JUDGED <= terms)
  assert any("discriminator" in name for name in trainer.state()) == (JUDGED <= terms)
  assert {path for path in before if not IDLE.search(path)} <= recipes.moved(before, trainer.generator)


@pytest.mark.parametrize("name", ["high", "low", "perceptual", "l1"])
def test_every_term_alone_moves_the_generator(name):
  weights = {f"weight_{other}": float(other == name) for other in ("high", "low", "perceptual", "l1")}
  trainer = Trainer(_config(**weights))
  before = recipes.weights(trainer.generator)
  trainer.train_step(BATCH)
  assert {path for path in before if not IDLE.search(path)} <= recipes.moved(before, trainer.generator)


def test_float16_scales_come_down_until_both_networks_move():
  trainer = Trainer(TINY, "mixed_float16")
  before = {network: recipes.weights(network) for network in (trainer.generator, trainer.discriminators)}
  for _ in range(16):  # each step without a number halves a scale that starts at 32768
    trainer.train_step(BATCH)
  for network, weights in before.items():
    assert {path for path in weights if not IDLE.search(path)} <= recipes.moved(weights, network)
