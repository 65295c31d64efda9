"""What every trainer keeps: its state, what a step moves, repetition, half precision, XLA and several devices."""

import json
import re

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from recipes import state
from trainer_cases import CASES, train

from tf_imgtrans.recipes import PAPERS, RECIPES
from tf_imgtrans.training.checkpoints import Checkpoints

# Losses and optimizers handle both alike: bfloat16 in the papers alone.
PRECISIONS = [(name, precision) for name in CASES for precision in ("mixed_float16", "mixed_bfloat16")
              if precision == "mixed_float16" or name in PAPERS]
# Scores and errors of which half precision keeps less than two digits.
NEAR = {"real_score": 0.1, "fake_score": 0.1, "pixel_accuracy": 0.5}
# The scales that dynamic scaling would come down to, so that no step is left out: features of a random VGG19 are large.
LOSS_SCALES = {"johnson": 2.0 ** -10, "resnet_8_32": 2.0 ** -10}


def _half(case, precision):
  trainer = case.trainer(precision)
  scale = LOSS_SCALES.get(case.recipe, 64.0)
  if precision == "mixed_float16":
    for optimizer in trainer.optimizers.values():
      optimizer.dynamic_scale.assign(scale)
  return trainer


def _is_weight(name, case):
  """Whether a variable of `state()` is a weight of a network that a step moves."""
  optimizer = "optimizer" in name.split("/")[0]
  return "/" in name and not optimizer and not (case.idle and re.search(case.idle, name))


def test_every_recipe_is_a_case():
  aliases = {"dped", "resnet_12_64"}  # resnet_8_32 with another size
  assert {case.recipe for case in CASES.values()} == set(RECIPES) - aliases


@pytest.mark.parametrize("name", CASES)
def test_one_step_after_another(name):
  """By `train_step` and by Keras' fit, with the same state bit for bit; every weight moves, the terms are float32."""
  case = CASES[name]
  trainer, fitted = case.trainer(), case.trainer()
  data = case.batch()
  parts = [trainer.step, *(variable for part in trainer.parts.values() for variable in part.variables)]
  names = trainer.state()
  assert list(names) == list(fitted.state())
  assert len({id(variable) for variable in names.values()}) == len(names) >= len({id(variable) for variable in parts})
  assert {id(variable) for variable in parts} <= {id(variable) for variable in names.values()}
  for optimizer in trainer.optimizers.values():  # built before the first step, or a checkpoint would lack its variables
    assert optimizer.built
  before = state(trainer)
  for _ in range(2):
    terms = trainer.train_step(data)
    assert "total" in terms and {value.dtype.name for value in terms.values()} == {"float32"}
    assert all(value.shape == () and np.isfinite(value) for value in terms.values())
  after = state(trainer)
  moved = {path for path, value in after.items() if (value != before[path]).any()}
  if name != "progressive_pan":  # only the part of its first stage, which its own test knows
    assert {path for path in after if _is_weight(path, case)} <= moved
  assert int(trainer.step) == 2
  fitted.compile(run_eagerly=True)  # tracing would take most of this test's time; the training loop traces its steps
  history = fitted.fit(tf.data.Dataset.from_tensors(data).repeat(2), shuffle=False, verbose=0).history
  assert terms.keys() <= history.keys()
  for path, value in state(fitted).items():
    recipes.assert_same(value, after[path])
  image = data[0]
  assert fitted(image).shape[:3] == (len(image), *(getattr(fitted.generator, "scale", 1) * np.array(image.shape[1:3])))


DRAWING = ("mux_demux", "x_gans", "feature_pyramid_pan", "progressive_pan", "pix2pix", "cnn", "on_demand", "fcn8s")


@pytest.mark.parametrize("name", DRAWING)
def test_what_is_drawn_follows_seed_and_step(name):
  """Dropout, noise or corruption: nothing else differs between the steps."""
  case, totals = CASES[name], {}
  for draw, seed, step in (("first", 0, 0), ("again", 0, 0), ("later", 0, 5), ("other", 1, 0)):
    trainer = case.trainer()
    for layer in getattr(getattr(trainer, "learner", None), "noises", {}).values():
      layer.strength.assign(np.ones(layer.strength.shape))
    if name == "fcn8s":  # whose first scores are zero
      trainer.train_step(case.batch())
    trainer.config = case.config(seed=seed)  # of the draws alone; the weights are those of seed 0
    trainer.step.assign(step)
    totals[draw] = float(trainer.train_step(case.batch())["total"])
  assert totals["first"] == totals["again"]
  assert len(set(totals.values())) == 3


@pytest.mark.parametrize("name, precision", PRECISIONS)
def test_half_precision(name, precision):
  case = CASES[name]
  single, half = case.trainer(), _half(case, precision)
  before = state(half)
  for expected, terms in zip(train(single, case, 2), train(half, case, 2)):
    for term, value in terms.items():
      np.testing.assert_allclose(value, expected[term], rtol=NEAR.get(term, 0.05), atol=2e-3, err_msg=term)
  for network in half.parts.values():
    if isinstance(network, keras.Model):
      assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
  after = state(half)
  assert all(np.isfinite(value).all() for value in after.values())
  assert any((after[path] != before[path]).any() for path in after if path.startswith("generator/"))


@pytest.mark.parametrize("name", ["mux_demux", "x_gans", "feature_pyramid_pan", "drrn", "fcn8s_sgd"])
def test_a_resumed_run_in_half_precision_ends_as_the_whole_one(name, tmp_path):
  """tests/cli/test_train.py resumes every network in single precision."""
  case = CASES[name]
  whole = case.trainer("mixed_float16")
  terms, found = train(whole, case, 4), []
  for last in (2, 4):
    trainer = case.trainer("mixed_float16")
    assert Checkpoints(tmp_path).restore(trainer.state()) == int(trainer.step) == last - 2
    found += train(trainer, case, last)
    assert Checkpoints(tmp_path).save(last, trainer.state())
  assert found == terms
  for path, value in state(whole).items():
    recipes.assert_same(value, state(trainer)[path])


@pytest.mark.parametrize("name, fields, steps, term, factor", [
    ("mux_demux", {"learning_rate": 5e-3}, 4, "l1", 1.0),
    ("x_gans", {"learning_rate": 5e-3, "weight_adversarial": 0.0, "weight_feature_matching": 0.0}, 5, "point", 0.7),
    ("feature_pyramid_pan", {"learning_rate": 5e-3, "objective": "pix2pix", "weight_high": 0.0}, 15, "l1", 0.7),
    ("progressive_pan", {"objective": "l1", "learning_rate": (0.01,)}, 30, "total", 0.4),
    ("srcnn", {}, 150, "squared_error", 1 / 30),
    ("cnn", {"learning_rate": 5e-3, "dropout": 0.0}, 60, "total", 1 / 3),
    ("context_encoder", {}, 60, "total", 1 / 3),
    ("crn", {"learning_rate": 5e-3, "base_channels": 2}, 100, "total", 1 / 2),
    ("drrn", {}, 60, "total", 1 / 3),
    ("esrgan", {"learning_rate": 5e-3, "halve_at": ()}, 60, "total", 1 / 3),
    ("carn_single", {"learning_rate": 5e-3, "halve_at": ()}, 60, "total", 1 / 3),
    ("rcan", {"learning_rate": 5e-3, "halve_at": ()}, 60, "total", 1 / 3),
])
def test_steps_bring_the_loss_down(name, fields, steps, term, factor):
  case = CASES[name]
  trainer, data = case.trainer(**fields), case.batch(**fields)
  step = tf.function(trainer.train_step) if steps > 15 else trainer.train_step
  losses = [float(step(data)[term]) for _ in range(steps)]
  assert np.mean(losses[-1 - steps // 20:]) < factor * losses[0]


# XLA takes a minute for each: the papers alone.
@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_a_compiled_step_agrees_with_an_eager_one(name):
  case, terms, states = CASES[name], {}, {}
  for kind in ("eager", "xla"):
    trainer = case.trainer()
    if kind == "xla":
      trainer.prepare_xla()
    step = tf.function(trainer.train_step, jit_compile=True) if kind == "xla" else None
    terms[kind] = train(trainer, case, 2, step)
    states[kind] = state(trainer)
  for expected, seen in zip(terms["eager"], terms["xla"]):
    for term, value in expected.items():
      near = 0.05 if term == "pixel_accuracy" else 1e-3  # some pixels lie between two classes
      np.testing.assert_allclose(seen[term], value, rtol=near, atol=1e-5, err_msg=term)
  for path, value in states["eager"].items():
    if _is_weight(path, case) and value.dtype.kind == "f":
      np.testing.assert_allclose(np.linalg.norm(states["xla"][path] - value), 0,
                                 atol=0.05 * np.linalg.norm(value) + 2e-3, err_msg=path)


# Two devices that hold the same images and draw nothing take the step of one that holds them once, but for rounding; and
# where each draws its own, their weights stay equal.
MIRRORED = """
import json, sys
sys.path[:0] = ["tests", "tests/training"]
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
from trainer_cases import CASES
from tf_imgtrans.training.checkpoints import Checkpoints
from tf_imgtrans.training.strategies import make_strategy

folder, case, field, value, *strategies = sys.argv[1:]
case, value = CASES[case], json.loads(value)

def train(name):
  strategy = make_strategy(name)
  with strategy.scope():
    trainer = case.trainer(**{field: value})
  if hasattr(trainer, "images"):  # of a network that grows: in the fade to its second stage
    trainer.images.assign(6)
  data = case.batch(1)
  step = tf.function(lambda: strategy.run(trainer.train_step, args=(data,)))
  for _ in range(2):
    step()
  Checkpoints(f"{folder}/{name}-{value}").save(2, trainer.state())
  return strategy, trainer

for name in strategies:
  strategy, trainer = train(name)
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
  """A network that grows, with statistics of the batch; tests/training/test_strategies.py has others."""
  name, field, quiet, drawing = "progressive_pan", "noise", "off", "fixed"
  recipes.run_python(MIRRORED, tmp_path, name, field, json.dumps(quiet), "none", "mirrored")
  # In a process of its own, as its variables may be others: TensorFlow keeps what it has gathered before.
  found = json.loads(recipes.run_python(MIRRORED, tmp_path, name, field, json.dumps(drawing), "mirrored"))
  assert found["replicas"] == 2
  assert found["unequal"] == []
  one, two = (dict(np.load(next((tmp_path / f"{kind}-{quiet}").iterdir()))) for kind in ("none", "mirrored"))
  assert one.keys() == two.keys()
  for path, value in one.items():
    if value.dtype.kind == "f" and _is_weight(path, CASES[name]):
      np.testing.assert_allclose(two[path], value, rtol=1e-3, atol=1e-4, err_msg=path)
