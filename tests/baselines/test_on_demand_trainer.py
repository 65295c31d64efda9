"""On-demand learning: one step, the adaptation of the shares, resumed runs."""

import dataclasses
import json

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.on_demand.config import TINY
from tf_imgtrans.baselines.on_demand.levels import FILLS, adapted_shares, corrupt, largest_remainder, levels_of_batch
from tf_imgtrans.baselines.on_demand.trainer import HELD_OUT_SEED, Trainer
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.data.pipeline import training_batches
from tf_imgtrans.training.loop import NonFiniteTerm, run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy

SIZE = TINY.image_size
TARGETS = recipes.smooth_images(10, SIZE, SIZE, 3)
OTHERS = recipes.smooth_images(10, SIZE, SIZE, 3, seed=5)


@dataclasses.dataclass(frozen=True)
class Data:
  """Images in memory in place of a folder's."""

  config: object
  held_out: np.ndarray

  @property
  def summary(self):
    return {"training": len(TARGETS) * 4 - 1}  # the last batch of an epoch is not full

  def clean(self, most=None):
    patches = (TARGETS[:len(self.held_out)],) if self.config.corruption == "color_blocks" else ()
    return tuple(part[:most] for part in (self.held_out, *patches))

  def batches(self, start_step, part):
    images = tf.constant(np.concatenate([TARGETS, OTHERS]))

    def load(number, seed):
      patches = (images[::-1][number],) if self.config.corruption == "color_blocks" else ()
      return images[number], *patches

    return training_batches(load, len(images), self.config.batch_size, self.config.seed, start_step, part)


def _trainer(precision="float32", held_out=OTHERS[:7], kind=Trainer, **options):
  config = dataclasses.replace(TINY, **options)
  trainer = kind(config, precision)
  trainer.prepare(Data(config, held_out))
  return trainer


def _batch(config):
  return (TARGETS, OTHERS) if config.corruption == "color_blocks" else (TARGETS,)


def _learned(steps, **options):
  """A trainer that has seen one batch for some steps; `errors` holds what each step gave."""
  trainer = _trainer(**options)
  step, batch = tf.function(trainer.train_step), tuple(map(tf.constant, _batch(trainer.config)))
  trainer.errors = [float(step(batch)["total"]) for _ in range(steps)]
  return trainer


# One step ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["random_points", "color_noise", "white_block", "color_blocks", "gaussian_noise",
                                  "gaussian_blur"])
def test_one_step(kind):
  trainer = _trainer(corruption=kind)
  before = recipes.state(trainer)
  terms = trainer.train_step(_batch(trainer.config))
  assert terms.keys() == {"total", "squared_error"} and all(value.dtype == tf.float32 for value in terms.values())
  moved = {name for name, value in recipes.state(trainer).items() if (value != before[name]).any()}
  # A bias before a normalization is taken off again: its gradient is zero but for rounding. Shares wait for an epoch.
  idle = {name for name in before if name.endswith(("_conv/bias", "learning_rate", "shares")) or "_conv_bias_" in name}
  assert before.keys() - idle <= moved and "shares" not in moved
  assert int(trainer.step) == 1


@pytest.mark.parametrize("shares", [(0.2,) * 5, (0, 0, 0, 0, 1), (0.5, 0, 0, 0.5, 0)])
def test_the_error_is_that_of_images_corrupted_by_the_shares(shares):
  trainer = _trainer(bands="extreme", corruption="color_noise")
  step = tf.function(trainer.train_step)
  step((tf.constant(TARGETS),))
  trainer.shares.assign(shares)  # in a graph that was made before
  level = np.repeat(np.arange(5), np.round(np.array(shares) * 10).astype(int))
  np.testing.assert_array_equal(levels_of_batch(np.float32(shares), 10), level)
  source, mask = corrupt(trainer.config, TARGETS, tf.constant(level, tf.int32), trainer.seed("corruption"))
  lost = 1 - mask.numpy().mean((1, 2, 3))
  assert np.all(np.abs(lost - (0.815 + 0.04 * level)) < 0.1)
  before = trainer.generator.get_weights()
  fake = trainer.generator(source, training=True).numpy()
  trainer.generator.set_weights(before)
  terms = step((tf.constant(TARGETS),))
  np.testing.assert_allclose(float(terms["total"]), np.mean(np.square(np.float64(fake) - TARGETS)), rtol=1e-4)


def test_checkpoints_hold_the_shares():
  trainer = _trainer()
  state = trainer.state()
  assert state["shares"] is trainer.shares and list(state) == list(_trainer().state())
  assert len([name for name in state if name.startswith("generator/") and "moving_" in name]) == 2 * 3
  assert len(state) == len({id(variable) for variable in state.values()})


# Adaptation ----------------------------------------------------------------------------------------------------------

def test_an_epoch_is_one_pass_over_the_images():
  assert _trainer().period == 4  # 39 images in batches of 10
  assert _trainer(adapt_every=7).period == 7


def test_shares_follow_the_psnr_of_each_level():
  trainer = _learned(20, adaptation_images=5, batch_size=3, learning_rate=5e-3)
  trainer.settle()
  expected = []
  for level in range(5):
    values = []
    for start in (0, 3):
      target = OTHERS[:5][start:start + 3]
      seed = fold_in(fold_in(as_seed_pair(HELD_OUT_SEED), level), start)
      source, _ = corrupt(trainer.config, target, tf.fill([len(target)], level), seed)
      restored = np.float64(trainer.generator(source, training=False))
      values.extend(10 * np.log10(1 / np.mean(np.square(restored - target), (1, 2, 3))))
    assert len(values) == 5
    expected.append(np.mean(values))
  assert np.ptp(expected) > 0.1  # levels differ by what the tolerance below would show
  period = trainer.period
  values = trainer.adapt(3 * period)
  psnr = [values[f"psnr_level{level}"] for level in range(1, 6)]
  np.testing.assert_allclose(psnr, expected, rtol=1e-4)
  inverse = 1 / np.array(expected)
  np.testing.assert_allclose(trainer.shares, inverse / inverse.sum(), rtol=1e-4)
  assert [values[f"share_level{level}"] for level in range(1, 6)] == trainer.shares.numpy().tolist()
  assert len(values) == 10 and all(isinstance(value, float) for value in values.values())


def test_only_the_end_of_an_epoch_adapts():
  trainer = _trainer()
  assert [trainer.adapt(step) is not None for step in range(1, 9)] == [False, False, False, True] * 2


@pytest.mark.parametrize("kind", ["random_points", "color_noise", "white_block", "color_blocks"])
def test_adapting_changes_shares_and_statistics_alone_and_is_the_same_again(kind):
  trainer = _trainer(corruption=kind)
  before = recipes.state(trainer)
  first, second = trainer.adapt(4), trainer.adapt(8)
  assert first == second
  after = recipes.state(trainer)
  changed = [name for name, value in after.items() if (value != before[name]).any()]
  assert [name for name in changed if "moving_" not in name] == ["shares"] and len(changed) == 7
  np.testing.assert_allclose(after["shares"], adapted_shares([first[f"psnr_level{level}"] for level in range(1, 6)]),
                             rtol=1e-5)


def test_statistics_are_of_all_levels_alike(monkeypatch):
  seen = []
  monkeypatch.setattr("tf_imgtrans.training.trainer.estimate_statistics",
                      lambda network, images: seen.append(np.stack(list(images.as_numpy_iterator()))))
  trainer = _trainer(batch_size=2)
  trainer.settle()
  trainer.settle()
  recipes.assert_same(seen[0], seen[1])
  assert seen[0].shape == (128, SIZE, SIZE, 3)
  missing = (seen[0] == np.float32(FILLS["mean"])).all(-1).mean((1, 2))
  counts, _ = np.histogram(missing, (0, 0.15, 0.30, 0.45, 0.60, 0.80))
  assert counts.min() > 20  # of 128, levels being 15 % of the pixels wide


def test_a_trainer_is_prepared_first():
  with pytest.raises(ValueError, match=r"call prepare\(data\)"):
    Trainer(TINY).adapt(1)
  with pytest.raises(ValueError, match="no image is held out.*--validation_share"):
    _trainer(held_out=OTHERS[:0])


# Runs ----------------------------------------------------------------------------------------------------------------

class Killed(BaseException):
  """Stands for the end of the process; nothing in the loop catches it."""


class QuickTrainer(Trainer):
  """Levels differ after a few steps already by so much that images change from one to another."""

  def psnr_of_levels(self):
    psnr = super().psnr_of_levels()
    return 20.0 + 15.0 * tf.tanh(300.0 * (psnr - tf.reduce_mean(psnr)))


def _run(out, iterations, stop=None, **options):
  """Trains as the command does; until step `stop` is done, where the process ends."""
  trainer = _trainer(**{"adapt_every": 3, **options})
  batches = Data(trainer.config, OTHERS[:7]).batches

  def until(start_step, part):
    yield from (batch for _, batch in zip(range(start_step, stop), batches(start_step, part)))
    raise Killed

  options = TrainingOptions(out, log_every=2, validate_every=4, checkpoint_every=4, keep=9)
  run_training(trainer, until if stop else batches, RunFolder(out), options, iterations, make_strategy("none"))
  return trainer


def _records(out, kind):
  lines = [json.loads(line) for line in (out / "scalars.jsonl").read_text().splitlines()]
  return [line for line in lines if line["kind"] == kind]


def test_a_resumed_run_equals_the_whole_one(tmp_path):
  """Killed after the adaptations of steps 3 and 6, before the checkpoints of steps 4 and 8."""
  whole = _run(tmp_path / "whole", 12, kind=QuickTrainer, learning_rate=0.02)
  for stop in (3, 7):
    with pytest.raises(Killed):
      _run(tmp_path / "parts", 12, stop, kind=QuickTrainer, learning_rate=0.02)
    assert _records(tmp_path / "parts", "adaptation")[-1]["step"] == stop // 3 * 3
  parts = _run(tmp_path / "parts", 12, kind=QuickTrainer, learning_rate=0.02)
  lines = _records(tmp_path / "whole", "adaptation")
  assert [line["step"] for line in lines] == [3, 6, 9, 12]
  shares = [np.float32([line[f"share_level{level}"] for level in range(1, 6)]) for line in lines]
  batches = {tuple(largest_remainder(each, 10).numpy()) for each in shares}
  assert len(batches) >= 2 and (2, 2, 2, 2, 2) not in batches, batches
  assert (tmp_path / "whole" / "scalars.jsonl").read_bytes() == (tmp_path / "parts" / "scalars.jsonl").read_bytes()
  for name, value in recipes.state(whole).items():
    recipes.assert_same(value, recipes.state(parts)[name])


def test_weights_that_are_not_finite_stop_the_run(tmp_path):
  with pytest.raises(NonFiniteTerm):
    _run(tmp_path, 6, learning_rate=1e38)
  assert not list(tmp_path.rglob("step-*.npz"))


@pytest.mark.parametrize("kind", ["random_points", "white_block"])
def test_the_network_learns_a_few_images(kind):
  """In 150 steps the error falls below a 25th of what the best colour for each image would leave."""
  trainer = _learned(150, corruption=kind, base_channels=8, learning_rate=5e-3, held_out=TARGETS, adaptation_images=10)
  constant = np.var(TARGETS - TARGETS.mean((1, 2), keepdims=True))
  assert trainer.errors[0] > 0.09 and np.mean(trainer.errors[-10:]) < constant / 25
  psnr = trainer.psnr_of_levels().numpy()
  assert psnr[4] < psnr[:4].min() - 1  # where the most is lost, the least is restored,
  shares = list(trainer.adapt(trainer.period).values())[5:]
  assert shares[4] > max(shares[:4]) + 0.005  # and the most is trained on


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(precision):
  reference, trainer = _trainer(), _trainer(precision)
  errors = [float(each.train_step((TARGETS,))["total"]) for each in (reference, trainer)]
  np.testing.assert_allclose(errors[1], errors[0], rtol=0.05)
  values = [each.adapt(4) for each in (reference, trainer)]
  for name, value in values[0].items():
    np.testing.assert_allclose(values[1][name], value, rtol=0.02, err_msg=name)
  for name, value in recipes.state(trainer).items():
    assert np.isfinite(value).all(), name
