"""One step of training of the feature-pyramid paper: what moves, in which order, how it repeats, and how it is resumed."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.feature_pyramid_pan import TINY, Trainer, discriminator_loss, generator_loss
from tf_imgtrans.papers.feature_pyramid_pan.config import VARIANTS
from tf_imgtrans.training.checkpoints import Checkpoints

BATCH = (recipes.smooth_images(2, 32, 32, 3, seed=1), recipes.smooth_images(2, 32, 32, 3, seed=2))
SOURCE, TARGET = BATCH
JUDGED = {"discriminator", "real_score", "fake_score"}
TERMS = {"total", "high", "low", "perceptual", "l1", *JUDGED}
# A bias before a normalization is taken off again: its gradient is zero but for rounding.
IDLE = re.compile(r"(down[234]|up[1234])_conv/bias|(high|low|whole)\d/conv[234]/bias")


def _config(**options):
  return dataclasses.replace(TINY, **options)


def _weights(network):
  return {variable.path.split("/", 1)[1]: value for variable, value in zip(network.weights, network.get_weights())}


def _moved(before, network):
  return {path for path, value in _weights(network).items() if (value != before[path]).any()}


def _numbers(terms):
  return {name: float(value) for name, value in terms.items()}


def _state(trainer):
  return {name: variable.numpy() for name, variable in trainer.state().items()}


def _assert_same_state(one, other):
  assert list(one) == list(other)
  for name, array in one.items():
    recipes.assert_same(array, other[name])


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
  generator, discriminators = _weights(trainer.generator), _weights(trainer.discriminators)
  old, fake = _copy(trainer.discriminators), _fake(trainer)
  terms = trainer.train_step(BATCH)
  assert terms.keys() == TERMS and {value.dtype.name for value in terms.values()} == {"float32"}
  assert int(trainer.step) == 1
  for before, network in ((generator, trainer.generator), (discriminators, trainer.discriminators)):
    assert {path for path in before if not IDLE.search(path)} <= _moved(before, network)
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
    (VARIANTS["without_high"], TERMS - {"high", "perceptual"}),
    (VARIANTS["cnn_objective"], {"total", "l1"}),
    (VARIANTS["pix2pix_objective"], {"total", "high", "l1", *JUDGED}),
    (VARIANTS["context_encoder_objective"], {"total", "l2", "adversarial", *JUDGED}),
    ({"objective": "context_encoder", "weight_adversarial": 0.0}, {"total", "l2"}),
    ({"low_levels": (0, 1), "low_images": "upsampled", "levels": 2, "affine": True, "upsampling": "resize"}, TERMS),
    ({"low_levels": (2,), "dropout": 0.0}, TERMS),
])
def test_terms_follow_the_configuration(fields, terms):
  trainer = Trainer(_config(**fields))
  before = _weights(trainer.generator)
  seen = _numbers(trainer.train_step(BATCH))
  assert seen.keys() == terms and np.isfinite(list(seen.values())).all()
  assert (trainer.discriminators is not None) == (JUDGED <= terms)
  assert any("discriminator" in name for name in trainer.state()) == (JUDGED <= terms)
  assert {path for path in before if not IDLE.search(path)} <= _moved(before, trainer.generator)


@pytest.mark.parametrize("name", ["high", "low", "perceptual", "l1"])
def test_every_term_alone_moves_the_generator(name):
  weights = {f"weight_{other}": float(other == name) for other in ("high", "low", "perceptual", "l1")}
  trainer = Trainer(_config(**weights))
  before = _weights(trainer.generator)
  trainer.train_step(BATCH)
  assert {path for path in before if not IDLE.search(path)} <= _moved(before, trainer.generator)


def test_state_names_every_variable_once():
  trainer = Trainer(TINY)
  state = trainer.state()
  parts = [trainer.generator, trainer.discriminators, *trainer.optimizers.values()]
  expected = [trainer.step, *(variable for part in parts for variable in part.variables)]
  assert len(state) == len(expected) == len({id(variable) for variable in state.values()})
  assert list(state) == list(Trainer(TINY).state())


def _resumed(folder, config, precision, steps, stop):
  """Trains to `stop`, then with a new trainer from the checkpoint on to `steps`; the state and the terms of all steps."""
  terms = []
  for first, last in ((0, stop), (stop, steps)):
    trainer = Trainer(config, precision)
    checkpoints = Checkpoints(folder)
    assert checkpoints.restore(trainer.state()) == int(trainer.step) == first
    terms += [_numbers(trainer.train_step(BATCH)) for _ in range(first, last)]
    assert checkpoints.save(last, trainer.state())
  return _state(trainer), terms


@pytest.mark.parametrize("precision, optimizer", [("float32", "adam"), ("float32", "sgd"), ("mixed_float16", "adam")])
def test_a_resumed_run_ends_as_the_whole_one(tmp_path, precision, optimizer):
  config = _config(discriminator_optimizer=optimizer)
  whole = Trainer(config, precision)
  terms = [_numbers(whole.train_step(BATCH)) for _ in range(4)]
  state, resumed = _resumed(tmp_path, config, precision, 4, 2)
  assert resumed == terms
  _assert_same_state(_state(whole), state)


def test_dropout_follows_seed_and_step():
  totals = {}
  for name, seed, step in (("first", 0, 0), ("again", 0, 0), ("later", 0, 5), ("other", 1, 0)):
    trainer = Trainer(TINY)
    trainer.config = _config(seed=seed)  # of the draws alone; the weights are those of seed 0
    trainer.step.assign(step)
    totals[name] = float(trainer.train_step(BATCH)["total"])
  assert totals["first"] == totals["again"]
  assert len(set(totals.values())) == 3


def test_steps_bring_the_loss_down():
  trainer = Trainer(_config(learning_rate=5e-3, **VARIANTS["cnn_objective"]))
  losses = [float(trainer.train_step(BATCH)["l1"]) for _ in range(15)]
  assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(precision):
  single, half = Trainer(TINY), Trainer(TINY, precision)
  if precision == "mixed_float16":  # the scale that dynamic scaling would come down to, so that no step is left out
    for optimizer in half.optimizers.values():
      optimizer.dynamic_scale.assign(64.0)
  reference = _numbers(single.train_step(BATCH))
  before = _weights(half.discriminators)
  terms = half.train_step(BATCH)
  assert {path for path in before if not IDLE.search(path)} <= _moved(before, half.discriminators)
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert {variable.dtype for variable in half.generator.variables + half.discriminators.variables} == {"float32"}
  for name, value in _numbers(terms).items():
    np.testing.assert_allclose(value, reference[name], rtol=0.05, err_msg=name)
  for name, variable in half.state().items():
    assert np.isfinite(variable.numpy()).all(), name


def test_float16_scales_come_down_until_both_networks_move():
  trainer = Trainer(TINY, "mixed_float16")
  before = {network: _weights(network) for network in (trainer.generator, trainer.discriminators)}
  for _ in range(16):  # each step without a number halves a scale that starts at 32768
    trainer.train_step(BATCH)
  for network, weights in before.items():
    assert {path for path in weights if not IDLE.search(path)} <= _moved(weights, network)


def test_compile_and_fit():
  trainer = Trainer(TINY)
  trainer.compile(run_eagerly=True)  # tracing would take most of this test's time; the training loop traces its steps
  history = trainer.fit(tf.data.Dataset.from_tensors(BATCH).repeat(2), shuffle=False, verbose=0)
  assert TERMS <= history.history.keys()
  assert int(trainer.step) == 2
  assert trainer(SOURCE).shape == SOURCE.shape


@pytest.mark.slow
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_graph_and_xla_agree_with_eager(upsampling):
  config = _config(upsampling=upsampling, discriminator_optimizer="sgd" if upsampling == "resize" else "adam")
  terms, states = {}, {}
  kinds = ("eager", "graph", "xla") if upsampling == "transposed" else ("eager", "xla")
  for kind in kinds:
    trainer = Trainer(config)
    step = trainer.train_step if kind == "eager" else tf.function(trainer.train_step, jit_compile=kind == "xla")
    terms[kind] = [_numbers(step(tuple(map(tf.constant, BATCH)))) for _ in range(2)]
    states[kind] = _state(trainer)
  for kind in kinds[1:]:
    for expected, seen in zip(terms["eager"], terms[kind]):
      for name, value in expected.items():
        np.testing.assert_allclose(seen[name], value, rtol=1e-3, err_msg=f"{kind} {name}")
    for name, value in states["eager"].items():
      if value.dtype.kind == "f" and not IDLE.search(name) and "_optimizer" not in name:
        np.testing.assert_allclose(np.linalg.norm(states[kind][name] - value), 0,
                                   atol=0.02 * np.linalg.norm(value) + 1e-4, err_msg=f"{kind} {name}")


# Two devices that hold the same images take the step of one that holds them once, but for rounding; and with dropout
# each draws its own, while their weights stay equal.
MIRRORED = """
import dataclasses, json, pathlib, sys
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_imgtrans.papers.feature_pyramid_pan import TINY, Trainer
from tf_imgtrans.training.checkpoints import Checkpoints
from tf_imgtrans.training.strategies import make_strategy

batch = tuple(np.load(path) for path in sys.argv[2:])

def train(name, dropout):
  strategy = make_strategy(name)
  with strategy.scope():
    trainer = Trainer(dataclasses.replace(TINY, dropout=dropout))
  step = tf.function(lambda: strategy.run(trainer.train_step, args=(tuple(map(tf.constant, batch)),)))
  for _ in range(2):
    step()
  Checkpoints(f"{sys.argv[1]}/{name}-{dropout}").save(2, trainer.state())
  return strategy, trainer

train("none", 0.0)
train("mirrored", 0.0)
strategy, trainer = train("mirrored", 0.5)
unequal = []
for name, variable in trainer.state().items():
  copies = [np.array(copy) for copy in strategy.experimental_local_results(variable.value)]
  if len(copies) == 2 and (copies[0] != copies[1]).any():
    unequal.append(name)
print(json.dumps({"replicas": strategy.num_replicas_in_sync, "unequal": unequal}))
"""


@pytest.mark.slow
@pytest.mark.multiprocess
def test_two_devices(tmp_path):
  for name, array in zip("st", BATCH):
    np.save(tmp_path / f"{name}.npy", array)
  told = json.loads(recipes.run_python(MIRRORED, tmp_path, *(tmp_path / f"{name}.npy" for name in "st")))
  assert told == {"replicas": 2, "unequal": []}
  one, two = (dict(np.load(next((tmp_path / folder).iterdir()))) for folder in ("none-0.0", "mirrored-0.0"))
  assert one.keys() == two.keys()
  for name, value in one.items():
    if value.dtype.kind == "f" and not IDLE.search(name) and "_optimizer" not in name:
      np.testing.assert_allclose(two[name], value, rtol=1e-3, atol=1e-4, err_msg=name)
