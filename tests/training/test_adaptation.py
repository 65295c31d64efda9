"""What a trainer adapts between steps: when it is asked, what is logged, and that a resumed run adapts alike."""

import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from training_helpers import StubConfig, StubTrainer, arrays, assert_same_arrays, stub_batches

from tf_imgtrans.training.loop import NonFiniteTerm, run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy

PERIOD = 3


class AdaptiveTrainer(StubTrainer):
  """Darkens its sources by a share that follows from the generator's bias every third step."""

  def __init__(self, config=StubConfig()):  # noqa: B008 - frozen
    super().__init__(config)
    self.share = self.add_weight(name="share", shape=(), initializer=keras.initializers.Constant(0.5), trainable=False)
    self.calls = []

  def state(self):
    return {**super().state(), "share": self.share}

  def train_on(self, source, target):
    return super().train_on(source * self.share, target) | {"share": self.share + 0.0}

  def adapt(self, step):
    self.calls.append(("adapt", step, int(self.step)))
    if step % PERIOD:
      return None
    self.share.assign(tf.sigmoid(tf.reduce_mean(self.generator.convolution.bias)))
    return {"share_now": float(self.share)}


class Watch:
  """A validation that notes when it is called."""

  def __init__(self, trainer):
    self.trainer = trainer

  def __call__(self, generator):
    self.trainer.calls.append(("validate", None, int(self.trainer.step)))
    return {"share": float(self.trainer.share)}, np.zeros((4, 4, 3), np.uint8)

  def improved(self, records, values):
    return []


class Killed(BaseException):
  """Stands for the end of the process; nothing in the loop catches it."""


def run(out, iterations, config=StubConfig(), batches=stub_batches):  # noqa: B008 - frozen
  trainer = AdaptiveTrainer(config)
  options = TrainingOptions(out, log_every=2, validate_every=4, checkpoint_every=4, keep=9)
  run_training(trainer, batches, RunFolder(out), options, iterations, make_strategy("none"), Watch(trainer))
  return trainer


def records(out, kind):
  found = [json.loads(line) for line in (out / "scalars.jsonl").read_text().splitlines()]
  return [record for record in found if record["kind"] == kind]


def test_a_trainer_adapts_after_every_step_and_before_what_is_kept_of_it(tmp_path):
  trainer = run(tmp_path, 12)
  assert [call[1:] for call in trainer.calls if call[0] == "adapt"] == [(step, step) for step in range(1, 13)]
  last = [number for number, call in enumerate(trainer.calls) if call == ("adapt", 12, 12)]
  assert last[0] < trainer.calls.index(("validate", None, 12))
  # step 12 adapts, validates and saves: validation and checkpoint see what it adapted to
  share = float(arrays(tmp_path / "checkpoints" / "step-00000012.npz")["share"])
  assert share == records(tmp_path, "adaptation")[-1]["share_now"] == records(tmp_path, "validation")[-1]["share"]


def test_what_was_adapted_is_logged_and_used_from_the_next_step_on(tmp_path):
  run(tmp_path, 12)
  lines = records(tmp_path, "adaptation")
  assert [line["step"] for line in lines] == [3, 6, 9, 12] and list(lines[0]) == ["step", "kind", "share_now"]
  shares = [0.5, *(line["share_now"] for line in lines)]
  assert len(set(shares)) == 5
  used = {step: (shares[(step - 1) // PERIOD] + shares[(step - 2) // PERIOD]) / 2 for step in (2, 4, 6, 8, 10, 12)}
  assert {line["step"]: line["share"] for line in records(tmp_path, "train")} == pytest.approx(used)


def test_a_resumed_run_adapts_alike(tmp_path):
  """Killed before and after an adaptation and between it and the next checkpoint, each time resumed by a new trainer."""
  run(tmp_path / "whole", 14)
  for stop in (2, 3, 7, 8, 10, 13):
    def batches_until(start_step, part, stop=stop):
      yield from (batch for _, batch in zip(range(start_step, stop), stub_batches(start_step, part)))
      raise Killed

    with pytest.raises(Killed):
      run(tmp_path / "parts", 14, batches=batches_until)
    # the adaptation of step 6 or 9 is not in the newest checkpoint: it is done again
    assert max(line["step"] for line in records(tmp_path / "parts", "adaptation") + [{"step": 0}]) == stop // 3 * 3
  run(tmp_path / "parts", 14)
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()
  names = sorted(path.name for path in (whole / "checkpoints").iterdir())
  assert names == [f"step-{step:08d}.npz" for step in (4, 8, 12, 14)]
  for name in names:
    assert_same_arrays(arrays(whole / "checkpoints" / name), arrays(parts / "checkpoints" / name))


def test_weights_that_are_not_finite_are_not_adapted_to(tmp_path):
  with pytest.raises(NonFiniteTerm, match="is not finite after step 6"):
    run(tmp_path, 12, StubConfig(bad_weights_step=6))
  assert [line["step"] for line in records(tmp_path, "adaptation")] == [3]


def test_trainers_adapt_nothing_by_default():
  trainer = StubTrainer()
  before = {name: variable.numpy().copy() for name, variable in trainer.state().items()}
  assert trainer.prepare(types.SimpleNamespace(batches=stub_batches)) is None and trainer.adapt(1) is None
  for name, variable in trainer.state().items():
    np.testing.assert_array_equal(variable.numpy(), before[name])
