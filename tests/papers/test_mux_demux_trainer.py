"""One step of training of Mux/Demux: what moves, in which order, and by which losses."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.papers.mux_demux import TINY, Trainer

SOURCE = recipes.smooth_images(2, 32, 32, 3, seed=1)
TARGET = np.clip(1.2 * SOURCE + 0.05, 0, 1)
TERMS = {"total", "adversarial", "l1", "color", "total_variation", "discriminator", "real_score", "fake_score"}


def _weights(network):
  return [np.array(weight) for weight in network.get_weights()]


def _moved(before, network):
  return [bool((old != new).any()) for old, new in zip(before, network.get_weights())]


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
def test_one_step(head):
  trainer = Trainer(dataclasses.replace(TINY, discriminator_head=head))
  generator, discriminator = _weights(trainer.generator), _weights(trainer.discriminator)
  fake = trainer.generator(SOURCE, noise_seed=trainer.seed("noise"), training=True)  # before the generator moves
  real_logits, fake_logits = (trainer.discriminator(images).numpy() for images in (TARGET, fake))
  terms = trainer.train_step((SOURCE, TARGET))
  assert terms.keys() == TERMS
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert all(_moved(generator, trainer.generator)) and all(_moved(discriminator, trainer.discriminator))
  assert int(trainer.step) == 1
  # The generator is scored by the discriminator as it was, and the discriminator by the fake as it was.
  np.testing.assert_allclose(terms["adversarial"], np.sum(np.log1p(np.exp(-fake_logits))), rtol=1e-5)
  np.testing.assert_allclose(terms["discriminator"], np.mean(np.log1p(np.exp(-real_logits)))
                             + np.mean(np.log1p(np.exp(fake_logits))), rtol=1e-5)
  np.testing.assert_allclose(terms["real_score"], np.mean(1 / (1 + np.exp(-real_logits))), rtol=1e-5)
  np.testing.assert_allclose(terms["fake_score"], np.mean(1 / (1 + np.exp(-fake_logits))), rtol=1e-5)


def test_the_discriminators_loss_tells_the_fake_before_from_the_fake_after():
  """A large rate makes the two fakes differ, so that the check above means something."""
  trainer = Trainer(dataclasses.replace(TINY, learning_rate=0.05))
  trainer.train_step((SOURCE, TARGET))  # the first one moves the discriminator off its start, where all scores are 1/2
  judge = keras.models.clone_model(trainer.discriminator)
  judge(SOURCE)
  judge.set_weights(trainer.discriminator.get_weights())

  def loss(seed):
    fake = trainer.generator(SOURCE, noise_seed=seed, training=True)
    real_logits, fake_logits = judge(TARGET).numpy(), judge(fake).numpy()
    return np.mean(np.log1p(np.exp(-real_logits))) + np.mean(np.log1p(np.exp(fake_logits)))

  seed = trainer.seed("noise")
  before = loss(seed)
  seen = float(trainer.train_step((SOURCE, TARGET))["discriminator"])
  after = loss(seed)
  np.testing.assert_allclose(seen, before, rtol=1e-5)
  assert abs(seen - after) > 10 * abs(seen - before) + 1e-5


def test_first_adam_step():
  """Adam's first step moves every weight by the rate, against the sign of its gradient."""
  trainer = Trainer(TINY)
  before = _weights(trainer.generator)
  trainer.train_step((SOURCE, TARGET))
  for old, new in zip(before, trainer.generator.get_weights()):
    steps = np.abs(new - old)
    assert steps.max() <= TINY.learning_rate * 1.01
    np.testing.assert_allclose(np.median(steps), TINY.learning_rate, rtol=0.02)


def test_without_a_discriminator():
  trainer = Trainer(dataclasses.replace(TINY, weight_adversarial=0.0))
  terms = trainer.train_step((SOURCE, TARGET))
  assert trainer.discriminator is None
  assert terms.keys() == {"total", "l1", "color", "total_variation"}
  assert not any("discriminator" in name for name in trainer.state())


def test_with_features_of_a_random_vgg():
  config = dataclasses.replace(TINY, weight_perceptual=10.0, weight_contextual=10.0, perceptual_layer="block2_conv1",
                               contextual_layers=("block1_conv2",), vgg_weights="random", patch_size=16)
  trainer = Trainer(config)
  frozen = _weights(trainer.vgg)
  terms = recipes.numbers(trainer.train_step((SOURCE[:, :16, :16], TARGET[:, :16, :16])))
  assert terms.keys() == TERMS | {"perceptual", "contextual"}
  assert terms["perceptual"] > 0 and terms["contextual"] > 0
  assert not any(_moved(frozen, trainer.vgg))
  assert not any("vgg" in name for name in trainer.state())  # a checkpoint needs no copy of it


def test_noise_follows_seed_and_step():
  def first_and_second(seed):
    trainer = Trainer(dataclasses.replace(TINY, seed=seed))
    first = trainer.seed("noise").numpy().tolist()
    trainer.step.assign_add(1)
    return [first, trainer.seed("noise").numpy().tolist(), trainer.seed("positions").numpy().tolist()]

  once, again, other = first_and_second(0), first_and_second(0), first_and_second(1)
  assert once == again
  assert len({tuple(pair) for pair in once + other}) == 6


def test_float16_scales_its_loss_and_steps_over_an_overflow():
  trainer = Trainer(TINY, "mixed_float16")
  before = _weights(trainer.generator)
  scale = float(trainer.optimizers["generator"].dynamic_scale)
  assert scale > 1
  trainer.optimizers["generator"].dynamic_scale.assign(1e30)
  trainer.train_step((SOURCE, TARGET))
  assert not any(_moved(before, trainer.generator))  # its gradients overflowed
  assert float(trainer.optimizers["generator"].dynamic_scale) == pytest.approx(5e29)
