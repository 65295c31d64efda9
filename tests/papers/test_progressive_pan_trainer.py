"""Training that grows: what moves at which stage, what is forgotten between stages, and how a run is resumed."""

import dataclasses

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.progressive_pan import TINY, Trainer
from tf_imgtrans.papers.progressive_pan.schedule import images_at, phase_at, stage_at
from tf_imgtrans.training.checkpoints import Checkpoints

# 8 pixels for one step of 4 images, then 16 pixels for four of 2: two of them fade in.
IMAGES = recipes.smooth_images(8, 16, 16, 3, seed=1)
JUDGED = {"discriminator", "r1", "real_score", "fake_score"}
TERMS = {"total", "adversarial", *JUDGED}


def _config(**options):
  return dataclasses.replace(TINY, **options)


def _halved(images):
  count, height, width, channels = images.shape
  return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def _doubled(images):
  return images.repeat(2, axis=1).repeat(2, axis=2)


def _batch(step, config=TINY):
  """The batch of a step: a function of its number alone."""
  stage = stage_at(config, step)
  picked = IMAGES[np.arange(step, step + stage.minibatch) % len(IMAGES)]
  target = picked if stage.resolution == 16 else _halved(picked)
  return tuple(map(tf.constant, (_halved(picked), target)))


def _train(trainer, last):
  """Steps as the training loop makes them, up to `last`; the terms of each."""
  terms = []
  for step in range(int(trainer.step), last):
    terms.append(recipes.numbers(trainer.train_step(_batch(step, trainer.config))))
    trainer.adapt(step + 1)
  return terms


def _softplus(x):
  return np.logaddexp(0, np.float64(x)).mean()


@pytest.mark.parametrize("step", [0, 2, 4])
def test_one_step(step):
  """At 8 pixels, in the fade to 16, and after it: the losses by hand, the discriminator first."""
  trainer = Trainer(TINY)
  _train(trainer, step)
  source, target = _batch(step)
  phase = phase_at(TINY, images_at(TINY, step))
  assert (phase.resolution, phase.alpha) == {0: (8, 1.0), 2: (16, 0.5), 4: (16, 1.0)}[step]
  fade = {"alpha": phase.alpha} if phase.resolution == 16 else {}
  real = target.numpy()
  if fade:
    real = (1 - phase.alpha) * _doubled(_halved(real)) + phase.alpha * real
  fake = trainer.learner(source, resolution=phase.resolution, noise_seed=trainer.seed("noise"), training=True, **fade)
  real_logits, fake_logits = trainer.discriminator(real, **fade), trainer.discriminator(fake, **fade)
  shifted = tf.constant(real)
  with tf.GradientTape() as tape:
    tape.watch(shifted)
    total = tf.reduce_sum(trainer.discriminator(shifted, **fade))
  r1 = 5 * np.square(tape.gradient(total, shifted).numpy() / 2).sum((1, 2, 3)).mean()
  terms = trainer.train_step((source, target))
  assert terms.keys() == TERMS and {value.dtype.name for value in terms.values()} == {"float32"}
  expected = {"r1": r1, "discriminator": _softplus(-real_logits) + _softplus(fake_logits) + r1,
              "real_score": np.mean(tf.sigmoid(real_logits)), "fake_score": np.mean(tf.sigmoid(fake_logits)),
              # The generator is judged by the discriminator as it is after its step.
              "adversarial": _softplus(-trainer.discriminator(fake, **fade))}
  for name, value in expected.items():
    np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
  assert terms["total"] == terms["adversarial"]
  assert abs(_softplus(-fake_logits) - expected["adversarial"]) > 1e-5  # which the step before would have differed in
  assert (int(trainer.step), int(trainer.images)) == (step + 1, images_at(TINY, step + 1))


@pytest.mark.parametrize("step, resolution", [(0, 8), (2, 16)])
def test_only_what_a_stage_uses_moves(step, resolution):
  trainer = Trainer(TINY)
  _train(trainer, step)
  before = {name: recipes.weights(getattr(trainer, name)) for name in ("learner", "discriminator")}
  trainer.train_step(_batch(step))
  for name in before:
    network = getattr(trainer, name)
    used = {variable.path.split("/", 1)[1] for variable in network.stage_variables(resolution)}
    assert recipes.moved(before[name], network) == used
    assert (used < set(before[name])) == (resolution == 8)


def test_the_average():
  """An old weight counts half after `average_half_life` images."""
  trainer = Trainer(TINY)
  start = recipes.weights(trainer.generator)
  for path, value in recipes.weights(trainer.learner).items():
    recipes.assert_same(value, start[path])
  trainer.train_step(_batch(0))  # four images, half life of eight
  kept = 0.5 ** (4 / 8)
  for path, learned in recipes.weights(trainer.learner).items():
    np.testing.assert_allclose(recipes.weights(trainer.generator)[path], kept * start[path] + (1 - kept) * learned,
                               rtol=1e-5, atol=1e-7, err_msg=path)
  none = Trainer(_config(average_half_life=0))
  none.train_step(_batch(0))
  for path, learned in recipes.weights(none.learner).items():
    np.testing.assert_allclose(recipes.weights(none.generator)[path], learned, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("reset", [True, False])
def test_what_a_new_stage_changes(reset, precision):
  trainer = Trainer(_config(learning_rate=(0.001, 0.002), reset_optimizers=reset), precision)
  assert trainer.adapt(0) is None
  trainer.train_step(_batch(0))
  optimizers = [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in trainer.optimizers.values()]
  assert [float(optimizer.learning_rate) for optimizer in optimizers] == pytest.approx([0.001, 0.001])
  before = [optimizer.get_config() for optimizer in optimizers]
  assert trainer.adapt(1) == {"resolution": 16, "learning_rate": 0.002}
  for optimizer in optimizers:
    rate, others = float(optimizer.learning_rate), [variable for variable in optimizer.variables
                                                    if variable.path != optimizer.learning_rate.path]
    assert rate == pytest.approx(0.002)
    assert any(np.any(variable.numpy()) for variable in others) != reset
  assert [{**config, "learning_rate": 0} for config in before] == [
      {**optimizer.get_config(), "learning_rate": 0} for optimizer in optimizers]
  trainer.train_step(_batch(1))
  assert trainer.adapt(2) is None  # a fade has no border in it
  assert (trainer.optimizers["learner"].beta_1 if precision == "float32" else optimizers[0].beta_1) == 0.0
  assert optimizers[0].beta_2 == 0.99 and optimizers[0].epsilon == 1e-8


def _resumed(folder, precision, steps, stop):
  terms = []
  for first, last in ((0, stop), (stop, steps)):
    trainer = Trainer(TINY, precision)
    assert Checkpoints(folder).restore(trainer.state()) == int(trainer.step) == first
    terms += _train(trainer, last)
    assert Checkpoints(folder).save(last, trainer.state())
  return recipes.state(trainer), terms


@pytest.mark.parametrize("precision, stop", [("float32", 1), ("float32", 2), ("float32", 3), ("mixed_float16", 2)])
def test_a_resumed_run_ends_as_the_whole_one(tmp_path, precision, stop):
  """Stopped between two stages, inside a fade, and after it."""
  whole = Trainer(TINY, precision)
  terms = _train(whole, 5)
  state, resumed = _resumed(tmp_path, precision, 5, stop)
  assert resumed == terms
  assert list(state) == list(recipes.state(whole))
  for name, array in recipes.state(whole).items():
    recipes.assert_same(array, state[name])


@pytest.mark.parametrize("objective, value", [("l1", lambda d: np.abs(d).mean()), ("l2", lambda d: np.square(d).mean())])
def test_distances_in_the_place_of_the_gan(objective, value):
  trainer = Trainer(_config(objective=objective))
  assert trainer.discriminator is None and not any("discriminator" in name for name in trainer.state())
  source, target = _batch(0)
  fake = trainer.learner(source, resolution=8, noise_seed=trainer.seed("noise"), training=True)
  terms = recipes.numbers(trainer.train_step((source, target)))
  assert terms.keys() == {"total", objective}
  np.testing.assert_allclose(terms["total"], value(np.float64(fake) - target.numpy()), rtol=1e-5)


def test_without_progress():
  config = _config(progressive=False)
  trainer = Trainer(config)
  assert {stage.resolution for stage in config.stages} == {16}
  source, target = _batch(0, config)
  terms = recipes.numbers(trainer.train_step((source, target)))
  assert terms.keys() == TERMS and np.isfinite(list(terms.values())).all()
  assert int(trainer.images) == 2


def test_generators_of_the_sizes_between_are_kept():
  config = _config(output_size=32)
  trainer = Trainer(config)
  images = recipes.smooth_images(2, 8, 8, 3)
  for stage in config.stages:
    kept = trainer.milestones(stage.last_step)
    assert list(kept) == (["generator_x2"] if stage.resolution == 16 else [])
    for generator in kept.values():
      assert generator.scale == 2
      recipes.assert_same(generator(images), trainer.generator(images, resolution=16))
  assert not trainer.milestones(config.stages[1].last_step - 1)


def test_validation_is_at_the_size_of_the_stage():
  trainer = Trainer(TINY)
  seen = []

  def score(targets, outputs, names):
    seen.append((targets[0].shape[0], outputs[0].shape[0], names))
    return {"psnr": -float(len(seen))}

  images = [("one", _halved(IMAGES)[0], IMAGES[0]), ("two", _halved(IMAGES)[1], IMAGES[1])]
  validator = trainer.validator(images, score)
  records = []
  for step in (1, 2, 3):
    _train(trainer, step)
    values, sheet = validator(trainer.generator)
    assert sheet.ndim == 3
    # What is half faded in would be another network in a file.
    assert validator.improved(records, values) == (["psnr"] if step == 3 else [])
    records.append(values)
  assert seen == [(8, 8, ("psnr",)), *2 * [(16, 16, ("psnr", "ssim", "niqe"))]]
  assert [(record["resolution"], record["alpha"]) for record in records] == [(8, 1.0), (16, 0.5), (16, 1.0)]
