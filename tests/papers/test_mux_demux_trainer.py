"""One step of training: what moves, in which order, and how it repeats."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.mux_demux import TINY, Trainer

SOURCE = recipes.smooth_images(2, 32, 32, 3, seed=1)
TARGET = np.clip(1.2 * SOURCE + 0.05, 0, 1)
TERMS = {"total", "adversarial", "l1", "color", "total_variation", "discriminator", "real_score", "fake_score"}


def _weights(network):
  return [np.array(weight) for weight in network.get_weights()]


def _moved(before, network):
  return [bool((old != new).any()) for old, new in zip(before, network.get_weights())]


def _numbers(terms):
  return {name: float(value) for name, value in terms.items()}


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
  terms = _numbers(trainer.train_step((SOURCE[:, :16, :16], TARGET[:, :16, :16])))
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


def test_the_same_seed_gives_the_same_run():
  runs = []
  for _ in range(2):
    trainer = Trainer(TINY)
    terms = [_numbers(trainer.train_step((SOURCE, TARGET))) for _ in range(2)]
    runs.append((terms, _weights(trainer.generator)))
  assert runs[0][0] == runs[1][0]
  for a, b in zip(runs[0][1], runs[1][1]):
    recipes.assert_same(a, b)


def test_a_step_with_other_noise_differs():
  totals = []
  for step in (0, 5):
    trainer = Trainer(TINY)
    trainer.step.assign(step)
    totals.append(float(trainer.train_step((SOURCE, TARGET))["total"]))
  assert totals[0] != totals[1]


def test_steps_bring_the_loss_down():
  trainer = Trainer(dataclasses.replace(TINY, learning_rate=5e-3))
  losses = [float(trainer.train_step((SOURCE, TARGET))["l1"]) for _ in range(4)]
  assert losses[-1] < losses[0]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(precision):
  single, half = Trainer(TINY), Trainer(TINY, precision)
  reference = _numbers(single.train_step((SOURCE, TARGET)))
  terms = half.train_step((SOURCE, TARGET))
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert {variable.dtype for variable in half.generator.variables + half.discriminator.variables} == {"float32"}
  for name, value in _numbers(terms).items():
    np.testing.assert_allclose(value, reference[name], rtol=0.05, err_msg=name)
  for name, variable in half.state().items():
    assert np.isfinite(variable.numpy()).all(), name


def test_float16_scales_its_loss_and_steps_over_an_overflow():
  trainer = Trainer(TINY, "mixed_float16")
  before = _weights(trainer.generator)
  scale = float(trainer.optimizers["generator"].dynamic_scale)
  assert scale > 1
  trainer.optimizers["generator"].dynamic_scale.assign(1e30)
  trainer.train_step((SOURCE, TARGET))
  assert not any(_moved(before, trainer.generator))  # its gradients overflowed
  assert float(trainer.optimizers["generator"].dynamic_scale) == pytest.approx(5e29)


def test_state_names_every_variable_once():
  trainer = Trainer(TINY)
  state = trainer.state()
  parts = [trainer.generator, trainer.discriminator, *trainer.optimizers.values()]
  expected = [trainer.step, *(variable for part in parts for variable in part.variables)]
  assert len(state) == len(expected) == len({id(variable) for variable in state.values()})
  # Two moments per weight, the count of steps and the rate: built before the first step, or a checkpoint would lack them.
  weights = len(trainer.generator.trainable_variables)
  assert len(trainer.optimizers["generator"].variables) == 2 * weights + 2
  assert list(state) == list(Trainer(TINY).state())


def test_compile_and_fit():
  trainer = Trainer(TINY)
  trainer.compile(run_eagerly=True)  # tracing would take most of this test's time; the training loop traces its steps
  before = _weights(trainer.generator)
  history = trainer.fit(tf.data.Dataset.from_tensors((SOURCE, TARGET)).repeat(3), shuffle=False, verbose=0)
  assert TERMS <= history.history.keys()
  assert all(np.isfinite(values).all() for values in history.history.values())
  assert int(trainer.step) == 3 and all(_moved(before, trainer.generator))
  assert trainer(SOURCE).shape == SOURCE.shape


@pytest.mark.slow
def test_graph_and_xla_agree_with_eager():
  terms, weights = {}, {}
  for kind in ("eager", "graph", "xla"):
    trainer = Trainer(TINY)
    step = trainer.train_step if kind == "eager" else tf.function(trainer.train_step, jit_compile=kind == "xla")
    terms[kind] = _numbers(step((tf.constant(SOURCE), tf.constant(TARGET))))
    weights[kind] = _weights(trainer.generator)
  for kind in ("graph", "xla"):
    for name, value in terms["eager"].items():
      np.testing.assert_allclose(terms[kind][name], value, rtol=1e-4, err_msg=f"{kind} {name}")
    for a, b in zip(weights["eager"], weights[kind]):
      # A first step of Adam is its rate times the gradient's sign, which rounding can turn where it is near zero.
      assert np.mean(np.abs(a - b) > 1e-5) < 0.02
