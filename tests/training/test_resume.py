"""A run that is killed and resumed ends as the run that was left alone, bit for bit."""

import json
import os
import signal

import kills
import numpy as np
import pytest
import tensorflow as tf
from training_helpers import (
    HERE,
    TINY_FLAGS,
    StubConfig,
    StubTrainer,
    arrays,
    assert_same_runs,
    child,
    photographs,
    run_stub,
    stub_batches,
)

from tf_imgtrans.core.stopping import Stopped


class Killed(BaseException):
  """Stands for the end of the process; nothing in the loop catches it."""


class MeanWeight:
  """A validation of one number: the mean of the generator's weights, the lowest being the best."""

  def __call__(self, generator):
    mean = float(np.mean([np.mean(weight.numpy()) for weight in generator.weights]))
    return {"mean": mean}, np.zeros((4, 4, 3), np.uint8)

  def improved(self, records, values):
    return ["mean"] if all(values["mean"] < record["mean"] for record in records) else []


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_resume_in_one_process(tmp_path, precision):
  """Stopped before and after a checkpoint and between the two, each time resumed with a new trainer."""
  run_stub(tmp_path / "whole", 14, precision=precision, validator=MeanWeight())
  for stop in (1, 7, 8, 9, 13):
    def batches_until(start_step, part, stop=stop):
      yield from (batch for _, batch in zip(range(start_step, stop), stub_batches(start_step, part)))
      raise Killed

    with pytest.raises(Killed):
      run_stub(tmp_path / "parts", 14, precision=precision, validator=MeanWeight(), batches=batches_until)
  run_stub(tmp_path / "parts", 14, precision=precision, validator=MeanWeight())
  assert_same_runs(tmp_path / "whole", tmp_path / "parts")


def test_resume_after_a_torn_checkpoint(tmp_path):
  run_stub(tmp_path / "whole", 12, validator=MeanWeight())
  run_stub(tmp_path / "parts", 12, validator=MeanWeight())
  newest = tmp_path / "parts" / "checkpoints" / "step-00000012.npz"
  newest.write_bytes(newest.read_bytes()[:1000])
  with pytest.warns(UserWarning, match="step-00000012.npz is torn"):
    run_stub(tmp_path / "parts", 12, validator=MeanWeight())
  assert_same_runs(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number, steps", [(signal.SIGTERM, (1, 5)), (signal.SIGHUP, (3, 4)), (signal.SIGINT, (2, 7))])
def test_a_stop_between_two_logs_and_checkpoints_loses_nothing(number, steps, tmp_path, monkeypatch):
  """The terms of the steps since the last log are kept, so that its means are those of the whole run."""
  run_stub(tmp_path / "whole", 24, validator=MeanWeight())
  for step in steps:
    monkeypatch.setattr(StubTrainer, "adapt", lambda self, now, step=step: now == step and os.kill(os.getpid(), number))
    with pytest.raises(Stopped, match=f"is at step {step}, whose checkpoint is written: go on with --resume") as stopped:
      run_stub(tmp_path / "parts", 24, validator=MeanWeight())
    assert stopped.value.number == number
    newest = max((tmp_path / "parts" / "checkpoints").iterdir())
    assert newest.name == f"step-{step:08d}.npz"
  run_stub(tmp_path / "parts", 24, validator=MeanWeight())
  assert_same_runs(tmp_path / "whole", tmp_path / "parts")
  assert not (tmp_path / "parts" / "window.json").exists()


def test_more_iterations_go_on_from_the_end(tmp_path):
  """The weights are those of the longer run; the log keeps the line that closed the shorter one."""
  whole, _ = run_stub(tmp_path / "whole", 11)
  run_stub(tmp_path / "parts", 5)
  parts, result = run_stub(tmp_path / "parts", 11)
  assert result["steps"] == 11
  for name, variable in whole.state().items():
    assert variable.numpy().tobytes() == parts.state()[name].numpy().tobytes(), name
  steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "scalars.jsonl").read_text().splitlines()]
  assert steps == [2, 4, 5, 6, 8, 10, 11]


def test_fewer_iterations_than_the_run_has(tmp_path):
  run_stub(tmp_path, 8)
  log = (tmp_path / "scalars.jsonl").read_bytes()
  with pytest.raises(ValueError, match="is at step 8 already: expected iterations of 8 or more, not 4"):
    run_stub(tmp_path, 4)
  assert (tmp_path / "scalars.jsonl").read_bytes() == log


def test_another_network_is_refused(tmp_path):
  run_stub(tmp_path, 4)
  with pytest.raises(ValueError, match="another configuration"):
    run_stub(tmp_path, 8, StubConfig(), "mixed_float16")


TRAIN = ("train", "mux_demux", *TINY_FLAGS, "--config.iterations", "24", "--log_every", "2", "--validate_every", "6",
         "--checkpoint_every", "4")
# Each child is killed at its moment and leaves a newest checkpoint, from which the next one goes on to step 24.
MOMENTS = (
    ("half-checkpoint", "any", 2, 4),  # the one of step 8 is half written
    ("after", "best_psnr.keras", 2, 8),  # of step 12, whose validation is not yet in the log
    ("half-line", '"step": 18, "kind": "validation"', 1, 16),
    ("before", "step-00000024.npz", 1, 20),  # complete, but still under its temporary name
    ("before", "generator.keras", 1, 24),  # only the last file is missing
)


@pytest.mark.slow
@pytest.mark.multiprocess
def test_killed_runs_end_as_the_whole_one(tmp_path):
  data, whole, parts = photographs(tmp_path / "photographs"), tmp_path / "whole", tmp_path / "parts"
  with child("-m", "tf_imgtrans", *TRAIN, "--data", data, "--out", whole) as command:
    command.finish()

  with child("-m", "tf_imgtrans", *TRAIN, "--data", data, "--out", parts) as command:
    log = parts / "scalars.jsonl"
    command.wait_until(lambda: log.exists() and log.read_bytes().count(b"\n") >= 1)
    command.kill()  # wherever it is now

  resume = ("train", "mux_demux", "--out", parts, "--resume")
  for *moment, newest in MOMENTS:
    with child(HERE / "stalled_command.py", *moment, *resume) as command:
      assert command.read_line() == "stalled"
      command.kill()
    kept = sorted((parts / "checkpoints").glob("step-*.npz"))
    assert kept[-1].name == f"step-{newest:08d}.npz"
    assert arrays(kept[-1])["step"] == newest
    assert bool(list(parts.rglob(".writing-*"))) == (moment[0] in ("half-checkpoint", "before"))

  with child("-m", "tf_imgtrans", *resume) as command:
    command.finish()
    assert "warning" not in command.errors()
  assert_same_runs(whole, parts)


@pytest.mark.slow
@pytest.mark.multiprocess
@pytest.mark.parametrize("paper", ["x_gans", "feature_pyramid_pan", "progressive_pan"])
def test_a_training_of_each_paper_is_killed(paper, tmp_path):
  """While a checkpoint is half written; kills.py does it again and again, at random moments."""
  kills.check(paper, 1, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.multiprocess
@pytest.mark.usefixtures("default_signals")
def test_the_command_writes_a_checkpoint_when_it_is_asked_to_stop(tmp_path):
  data, run = photographs(tmp_path / "photographs"), tmp_path / "run"
  flags = ("--config.iterations", "9999", "--log_every", "1", "--validate_every", "9999", "--checkpoint_every", "9999")
  call, log = ("-m", "tf_imgtrans", "train", "mux_demux", *TINY_FLAGS, *flags, "--out", run), run / "scalars.jsonl"
  for number, status, more in ((signal.SIGTERM, 143, ("--data", data)), (signal.SIGINT, 130, ("--resume",))):
    lines = log.read_bytes().count(b"\n") if log.exists() else 0
    with child(*call, *more) as command:
      command.wait_until(lambda lines=lines: log.exists() and log.read_bytes().count(b"\n") > lines)
      with child(*call, "--resume") as second:  # which says who is at work
        second.finish(status=2)
        assert f"is written to by a training, process {command.process.pid} on" in second.errors()
      command.process.send_signal(number)
      command.finish(status)
      newest = max((run / "checkpoints").iterdir())
      step = int(arrays(newest)["step"])
      assert f"stopped by {number.name}; {run} is at step {step}, whose checkpoint is written" in command.errors()
    assert json.loads(log.read_text().splitlines()[-1])["step"] == step


def _board(run):
  """[(step, tag)] of what TensorBoard shows of a run."""
  from tensorflow.core.util.event_pb2 import Event

  events = [Event.FromString(record) for path in (run / "tensorboard").glob("*")
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()]
  return sorted((event.step, value.tag) for event in events for value in event.summary.value if "/" in value.tag)


def test_the_board_shows_every_step_once(tmp_path):
  """After a stop behind a checkpoint, whose later steps are made again, it equals scalars.jsonl."""
  def batches_until(start_step, part):
    for step, batch in enumerate(stub_batches(start_step, part), start_step + 1):
      if step == 8:
        raise Killed
      yield batch

  with pytest.raises(Killed):
    run_stub(tmp_path, 14, batches=lambda start, part: batches_until(start, part), validator=MeanWeight())
  run_stub(tmp_path, 14, validator=MeanWeight())
  lines = [json.loads(line) for line in (tmp_path / "scalars.jsonl").read_text().splitlines()]
  expected = [(line["step"], f"{line['kind']}/{name}") for line in lines for name in line if name not in ("step", "kind")]
  assert _board(tmp_path) == sorted(expected)


def test_a_damaged_line_of_the_log_is_named(tmp_path):
  """Only an unfinished last line may go; otherwise the best checkpoint would be taken for one of many."""
  run_stub(tmp_path, 8, validator=MeanWeight())
  log = tmp_path / "scalars.jsonl"
  whole = log.read_bytes()
  log.write_bytes(whole + b'{"step": 9')
  run_stub(tmp_path, 8, validator=MeanWeight())
  assert log.read_bytes() == whole
  lines = whole.splitlines(keepends=True)
  for wrong in (b'{"step": 4, \n', b"[4]\n", b'{"kind": "train"}\n', b"\xff\n"):
    log.write_bytes(b"".join([lines[0], wrong, *lines[2:]]))
    with pytest.raises(ValueError, match=r"scalars.jsonl, line 2 is damaged"):
      run_stub(tmp_path, 10, validator=MeanWeight())
    assert wrong in log.read_bytes()
