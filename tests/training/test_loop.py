"""The training loop: what it writes, when it stops, and what it refuses."""

import contextlib
import dataclasses
import io
import json
import math
import os
import re
import types
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_helpers import StubConfig, StubTrainer, arrays, assert_same_arrays, photographs, run_stub, stub_batches

from tf_imgtrans.cli import train
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.papers.mux_demux.config import TINY, Config
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.training import loop, session
from tf_imgtrans.training.loop import NonFiniteTerm, run_training
from tf_imgtrans.training.options import PairedOptions, TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy
from tf_imgtrans.training.trainer import BaseTrainer
from tf_imgtrans.training.validation import Validator

IMAGES = [(f"p{i}", image, image / 2) for i, image in
            enumerate(np.random.default_rng(1).uniform(0, 1, (5, 16, 24, 3)).astype(np.float32))]


def records(folder, kind):
  """Records of scalars.jsonl of one kind."""
  found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
  return [record for record in found if record["kind"] == kind]


class Scores:
  """Scores that go up and down as told; keeps the generator's weights of every validation."""

  def __init__(self, **values):
    self.values = values
    self.calls = 0

  def __call__(self, targets, outputs):
    assert len(targets) == len(outputs) == len(IMAGES)
    scores = {name: values[self.calls] for name, values in self.values.items()}
    self.calls += 1
    return {name: value for name, value in scores.items() if value is not None}


def checkpoints(folder):
  return sorted(int(path.stem[5:]) for path in (folder / "checkpoints").iterdir())


# What a run leaves


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  """A finished run of 9 steps: (folder, standard error)."""
  folder = tmp_path_factory.mktemp("finished")
  scores = Scores(psnr=[20.0, 22.0, 21.0], niqe=[5.0, 5.5, 4.0], ssim=[0.5, 0.6, 0.7])
  with contextlib.redirect_stderr(io.StringIO()) as errors, mock.patch.object(loop, "FILE_SECONDS", 0):
    run_stub(folder, 9, validator=Validator(IMAGES, scores, {"psnr": True, "niqe": False}), keep=5)
  return folder, errors.getvalue()


def test_what_a_run_has_cost(tmp_path):
  """A call that goes on adds to those before it; what was trained after its checkpoint does not count."""
  run_stub(tmp_path, 9)
  first = RunFolder(tmp_path).effort()
  assert (first["images"], first["parameters"]) == (36, 84) and first["seconds"] >= 0
  assert [(call["from"], call["until"]) for call in first["calls"]] == [(0, 9)]
  (tmp_path / "checkpoints" / "step-00000009.npz").unlink()
  run_stub(tmp_path, 9)  # from step 8, up to which no call is known to have trained
  run_stub(tmp_path, 12)
  whole = RunFolder(tmp_path).effort()
  assert [(call["from"], call["until"]) for call in whole["calls"]] == [(8, 9), (9, 12)] and whole["images"] == 48
  assert whole["seconds"] == pytest.approx(sum(call["seconds"] for call in whole["calls"]))
  assert RunFolder(tmp_path / "other").effort() == {}


@keras.saving.register_keras_serializable(package="test_loop")
class Numbers(keras.Model):
  """Two numbers, 2 and 3, whose losses are known."""

  def build(self, _):
    self.pair = self.add_weight(name="pair", shape=(2,), initializer=lambda shape, dtype: tf.constant([2.0, 3.0], dtype))

  def call(self, images, training=False):
    return images * self.pair[0]


class TwoTerms(BaseTrainer):
  def __init__(self):
    super().__init__(StubConfig())
    self.generator = self.player("generator", Numbers(name="generator"), (None, None, 3))

  def train_on(self, source):
    config = types.SimpleNamespace(weight_linear=3.0, weight_square=0.5, weight_off=0.0)
    with self.update(self.generator) as step:
      first, second = tf.unstack(self.generator.pair)
      step.loss, terms = weighted_sum(config, {"linear": lambda: first, "square": lambda: second ** 2 + 0 * first,
                                               "off": lambda: second})
    return {"total": step.loss, **terms}


def test_shares_of_terms_in_loss_and_gradient():
  """3 x is 6 at x = 2 with the gradient 3; y^2 / 2 is 4.5 at y = 3 with the gradient 3."""
  trainer, source = TwoTerms(), tf.ones((1, 4, 4, 3))
  before = {name: variable.numpy() for name, variable in trainer.state().items()}
  shares = trainer.term_shares(source)
  assert shares == pytest.approx({"loss/linear": 6 / 10.5, "loss/square": 4.5 / 10.5, "gradient/linear": 0.5,
                                  "gradient/square": 0.5})
  for name, variable in trainer.state().items():
    np.testing.assert_array_equal(variable, before[name])
  trainer.train_step((source,))  # a step as ever
  assert int(trainer.step) == 1 and (trainer.generator.pair.numpy() != [2, 3]).all()


def test_shares_are_logged_with_the_validations(tmp_path):
  options = TrainingOptions(tmp_path, log_every=2, validate_every=4, checkpoint_every=4, record_terms=True)
  batches = lambda start, part: tf.data.Dataset.from_tensors((tf.ones((1, 4, 4, 3)),)).repeat()  # noqa: E731
  loop.run_training(TwoTerms(), batches, RunFolder(tmp_path), options, 9, make_strategy("none"))
  found = records(tmp_path, "terms")
  assert [record["step"] for record in found] == [4, 8, 9]
  assert all(sum(record[f"{kind}/{name}"] for name in ("linear", "square")) == pytest.approx(1)
             for record in found for kind in ("loss", "gradient"))
  with pytest.raises(ValueError, match="record_terms is on: it is for one device"):
    TrainingOptions(tmp_path, record_terms=True, strategy="mirrored")


def test_scalars_hold_the_mean_over_every_window(finished):
  folder, _ = finished
  lines = records(folder, "train")
  assert [line["step"] for line in lines] == [2, 4, 6, 8, 9]
  # the stub's term "position" is the step itself; the last window is shorter than log_every
  assert [line["position"] for line in lines] == [1.5, 3.5, 5.5, 7.5, 9.0]
  assert list(lines[0]) == ["step", "kind", "total", "l1", "position", "odd"]
  assert all(math.isfinite(line["total"]) and line["total"] == line["l1"] for line in lines)
  assert lines[-1]["total"] < lines[0]["total"]
  assert records(folder, "validation") == [
      {"step": 4, "kind": "validation", "psnr": 20.0, "niqe": 5.0, "ssim": 0.5},
      {"step": 8, "kind": "validation", "psnr": 22.0, "niqe": 5.5, "ssim": 0.6},
      {"step": 9, "kind": "validation", "psnr": 21.0, "niqe": 4.0, "ssim": 0.7}]


def test_the_best_generators_are_kept(finished):
  folder, _ = finished
  assert checkpoints(folder) == [4, 8, 9]

  def of_checkpoint(step):
    found = arrays(folder / "checkpoints" / f"step-{step:08d}.npz")
    return {name.split("/", 3)[3]: array for name, array in found.items() if name.startswith("generator/")}

  assert_same_arrays(arrays(folder / "best_psnr.keras"), of_checkpoint(8))
  assert_same_arrays(arrays(folder / "best_niqe.keras"), of_checkpoint(9))
  assert_same_arrays(arrays(folder / "generator.keras"), of_checkpoint(9))
  assert not (folder / "best_ssim.keras").exists()


def test_tensorboard_holds_scalars_and_images(finished):
  folder, _ = finished
  board = EventAccumulator(str(folder / "tensorboard"), {"tensors": 0}).Reload()
  tags = board.Tags()["tensors"]
  assert {"train/total", "train/l1", "validation/psnr", "validation/niqe", "images_per_second", "preview"} <= set(tags)
  events = board.Tensors("validation/psnr")
  assert [event.step for event in events] == [4, 8, 9]
  assert [float(tf.make_ndarray(event.tensor_proto)) for event in events] == [20.0, 22.0, 21.0]
  assert all(tf.make_ndarray(event.tensor_proto) > 0 for event in board.Tensors("images_per_second"))
  width, height, png = tf.make_ndarray(board.Tensors("preview")[-1].tensor_proto)[:3]
  sheet = read_uint8(folder / "previews" / "step-00000009.png")
  assert (int(height), int(width)) == sheet.shape[:2]
  np.testing.assert_array_equal(tf.io.decode_png(png).numpy(), sheet)


def test_the_preview_sheet_shows_the_same_four_images(finished):
  folder, _ = finished
  names = sorted(path.name for path in (folder / "previews").iterdir())
  assert names == ["step-00000004.png", "step-00000008.png", "step-00000009.png"]
  first, last = (read_uint8(folder / "previews" / name) for name in (names[0], names[-1]))
  assert first.shape == last.shape
  # Three columns of 192 pixels and four rows of 128: only the middle column, the output, changes.
  assert first.shape[0] > 4 * 128 and 3 * 192 < first.shape[1] < 4 * 192
  columns = np.nonzero((first != last).any(axis=(0, 2)))[0]
  assert first.shape[1] / 3 < columns.min() and columns.max() < first.shape[1] * 2 / 3


def test_the_progress_bar_shows_speed_and_time_left(finished):
  _, errors = finished
  shown = [re.search(r"(\S+)/36.0 \[\d\d:\d\d<(\S+), +(\S+) images/s, step=(\d), total=0", text)
           for text in errors.split("\r")]
  # the numbers of a window of two steps show from the step after it on
  assert {("12.0", "2"), ("28.0", "6")} <= {found.groups()[::3] for found in shown if found}
  assert all(re.fullmatch(r"\d\d:\d\d", found[2]) and float(found[3]) > 0 for found in shown if found)


def test_workers_that_do_not_write_leave_nothing(tmp_path):
  folder = RunFolder(tmp_path / "run", writes=False)
  folder.start({"paper": "stub"})
  run_training(StubTrainer(), stub_batches, folder, TrainingOptions(folder.path, log_every=2, validate_every=2,
                                                                    checkpoint_every=2), 4, make_strategy("none"))
  assert not folder.path.exists()


def test_flush_brings_the_scalars_to_the_disk(tmp_path, monkeypatch):
  synced = []
  monkeypatch.setattr("os.fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
  folder = RunFolder(tmp_path)
  folder.log(1, "train", {"l1": 0.5})
  folder.flush()
  assert synced == [folder.scalars.stat().st_ino]


def test_random_noise_is_the_same_at_every_validation():
  """Else a resumed run, whose first validation is another one's second, would log other values."""
  from tf_imgtrans.papers.mux_demux.generator import Generator

  config = dataclasses.replace(TINY, network="high_performance", noise="random")
  generator = Generator(config)
  validate = Validator(IMAGES[:1], lambda targets, outputs: {"mean": float(np.mean(outputs))}, {})
  first, second = validate(generator), validate(generator)
  again = Validator(IMAGES[:1], validate.score, {})(generator)
  assert first[0] == second[0] == again[0]
  plain = generator(IMAGES[0][1][None], noise_seed=3).numpy()
  assert np.abs(plain - generator(IMAGES[0][1][None], noise_seed=4).numpy()).max() > 0


@pytest.mark.parametrize("before, values, better", [
    ([], {"psnr": 1.0, "niqe": 2.0}, ["psnr", "niqe"]),
    ([{"psnr": 1.0, "niqe": 2.0}], {"psnr": 1.0, "niqe": 2.0}, []),  # equal is not better
    ([{"psnr": 1.0, "niqe": 2.0}, {"psnr": 0.5, "niqe": 1.0}], {"psnr": 0.9, "niqe": 0.9}, ["niqe"]),
    ([{"psnr": 1.0}], {"niqe": 9.0}, ["niqe"]),  # small images have no NIQE, identical ones no PSNR
    ([{"niqe": 3.0}], {"psnr": 1.0}, ["psnr"]),
])
def test_improved(before, values, better):
  assert Validator([], None, {"psnr": True, "niqe": False}).improved(before, values) == better


# Non-finite terms


@pytest.mark.parametrize("bad_step", [5, 6, 7])
def test_a_term_that_is_not_finite_stops_the_run(tmp_path, bad_step):
  """Terms are fetched once per window, and the exact step is named all the same."""
  last = (bad_step - 1) // 3 * 3
  with pytest.raises(NonFiniteTerm, match=f"term odd is nan at step {bad_step}: .*the checkpoint of step {last} is kept"):
    run_stub(tmp_path, 12, StubConfig(bad_step=bad_step), log_every=3, checkpoint_every=3, validate_every=3)
  assert checkpoints(tmp_path)[-1] == last
  assert [record["step"] for record in records(tmp_path, "train")] == list(range(3, last + 1, 3))
  for array in arrays(tmp_path / "checkpoints" / f"step-{last:08d}.npz").values():
    assert array.dtype.kind == "U" or np.isfinite(array).all()
  assert not (tmp_path / "generator.keras").exists()
  trainer, _ = run_stub(tmp_path, 12)  # mended, it goes on from there
  assert trainer.step.numpy() == 12


def test_weights_that_are_not_finite_are_neither_kept_nor_validated(tmp_path):
  """The terms of step 8 are finite, and the weights after it are not."""
  scores = Scores(psnr=[20.0], niqe=[5.0])
  with pytest.raises(NonFiniteTerm, match="convolution/bias is not finite after step 8"):
    run_stub(tmp_path, 12, StubConfig(bad_weights_step=8), validator=Validator(IMAGES, scores, {"psnr": True}), keep=1)
  assert checkpoints(tmp_path) == [4] and scores.calls == 1


def test_a_huge_learning_rate_stops_the_run(tmp_path):
  with pytest.raises(NonFiniteTerm, match="not finite|is nan|is inf"):
    run_stub(tmp_path, 12, StubConfig(learning_rate=1e38))


def test_mixed_float16_skips_a_step_whose_gradients_overflow(tmp_path):
  """Overflowing gradients are the loss scale's business: it halves, and the run goes on."""
  trainer, _ = run_stub(tmp_path, 4, StubConfig(initial_scale=2.0 ** 30), "mixed_float16")
  assert trainer.optimizers["generator"].dynamic_scale.numpy() < 2.0 ** 30
  assert all(math.isfinite(record["total"]) for record in records(tmp_path, "train"))


# A full disk


def test_a_full_disk_at_a_checkpoint_does_not_stop_the_run(tmp_path, monkeypatch):
  savez, calls = np.savez, []

  def full_once(file, **values):
    calls.append(file)
    if len(calls) == 2:
      raise OSError(28, "No space left on device")
    savez(file, **values)

  monkeypatch.setattr(np, "savez", full_once)
  with pytest.warns(UserWarning, match="checkpoint of step 8 could not be written.*the newest is 4"):
    run_stub(tmp_path, 12)
  assert checkpoints(tmp_path) == [4, 12]


# The command


class Stopped(Exception):
  pass


@pytest.fixture
def command(tmp_path, monkeypatch):
  """Calls `train mux_demux` in this process, without training; gives the last folder, options and config it trains with."""
  monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: None)  # would outlive the test
  monkeypatch.setenv("TF_IMGTRANS_TRACEBACK", "1")
  data = photographs(tmp_path / "photographs", 3)
  seen = {}

  def run_training(trainer, batches, folder, options, iterations, strategy, validator):  # noqa: ARG001 - as the real one
    seen.update(config=trainer.config, options=options, description=folder.description())
    folder.log(1, "train", {"total": 1.0})  # a run that has begun
    return {"steps": iterations}

  monkeypatch.setattr(session, "run_training", run_training)

  def call(config=TINY, **options):
    options = PairedOptions(**{"out": tmp_path / "run", "data": data, **options})
    assert train.run(find_recipe("mux_demux"), config, options) == 0
    return seen

  def resume(*flags):
    with pytest.raises(SystemExit) as stopped:
      main(["train", "mux_demux", "--resume", "--out", str(tmp_path / "run"), *flags])
    assert not stopped.value.code
    return seen

  call.folder, call.resume = tmp_path / "run", resume
  return call


def test_run_json_is_written_before_the_first_step(command, monkeypatch):
  def fails(*arguments):
    raise Stopped

  monkeypatch.setattr(session, "run_training", fails)
  with pytest.raises(Stopped):
    command(log_every=5)
  described = json.loads((command.folder / "run.json").read_text())
  assert described["recipe"] == "mux_demux"
  assert described["config"]["patch_size"] == 32 and described["config"]["learning_rate"] == Config().learning_rate
  assert described["options"]["log_every"] == 5
  assert described["data"]["kind"] == "photographs" and described["data"]["training"] == 2
  assert described["versions"]["keras"] == keras.__version__
  assert [path.name for path in command.folder.iterdir()] == ["run.json"]


def test_a_resumed_run_keeps_its_configuration_and_options(command):
  first = dict(command(log_every=5, validate_every=10, checkpoint_every=20, keep=7, precision="mixed_bfloat16", jit=True))
  resumed = command.resume()
  assert resumed["config"] == TINY
  assert resumed["options"] == dataclasses.replace(first["options"], resume=True)
  assert command.resume()["options"] == resumed["options"]  # and once more


def test_a_resumed_run_takes_more_iterations_and_other_rhythms(command):
  command(log_every=5, validate_every=10, checkpoint_every=20, jit=True)
  resumed = command.resume("--config.iterations", "500", "--checkpoint_every=40", "--log_every", "10", "--no-jit")
  assert resumed["config"] == dataclasses.replace(TINY, iterations=500)
  assert (resumed["options"].checkpoint_every, resumed["options"].log_every, resumed["options"].jit) == (40, 10, False)
  assert resumed["options"].validate_every == 10
  assert resumed["description"]["config"]["iterations"] == 500


def test_a_resumed_run_takes_flags_at_their_default_values(command):
  command(log_every=5, checkpoint_every=40)
  resumed = command.resume("--config.iterations", "20000", "--checkpoint_every", "1000")
  assert resumed["config"].iterations == 20000 and resumed["options"].checkpoint_every == 1000


@pytest.mark.parametrize("flags, words", [
    (["--config.weight_l1", "7"], "config.weight_l1 is 7.0, but .* was started with 5000.0.*leave --config.weight_l1 out"),
    (["--config.patch_size", "100"], "patch_size is 100, but the run in .* was started with 32"),
    (["--precision", "float32"], "precision is 'float32', but .* started with 'mixed_bfloat16'.*leave --precision"),
    (["--validation_share", "0.5"], "validation_share is 0.5, but the run in .* was started with 0.1"),
])
def test_a_resumed_run_refuses_another_configuration(command, flags, words):
  command(precision="mixed_bfloat16")
  before = (command.folder / "run.json").read_bytes()
  with pytest.raises(ValueError, match=words):
    command.resume(*flags)
  assert (command.folder / "run.json").read_bytes() == before


def test_a_resumed_run_needs_the_same_files(command, tmp_path):
  command()
  first, second = sorted((tmp_path / "photographs").iterdir())[:2]
  first.write_bytes(second.read_bytes())
  with pytest.raises(ValueError, match="data changed since the run"):
    command.resume()


def test_a_start_that_failed_can_be_made_anew(command):
  with pytest.raises(FileNotFoundError, match="none.npz"):
    command(dataclasses.replace(TINY, weight_perceptual=1.0, vgg_weights="none.npz"))
  assert not command.folder.exists()
  command()


def test_random_vgg_weights_are_for_tests_of_code(command):
  with pytest.warns(UserWarning, match="vgg_weights is 'random'"):
    command(dataclasses.replace(TINY, weight_perceptual=1.0, vgg_weights="random"))


def test_a_folder_with_a_run_is_not_started_anew(command):
  command()
  with pytest.raises(ValueError, match="holds a run already: go on with --resume, or choose another --out"):
    command()


def test_a_folder_with_checkpoints_alone_is_not_started_anew(tmp_path):
  run_stub(tmp_path, 4)
  with pytest.raises(ValueError, match="holds a run already"):
    RunFolder(tmp_path).start({})


def test_nothing_to_resume(command):
  with pytest.raises(FileNotFoundError, match="no run.json, so there is nothing to resume: leave --resume out"):
    command.resume()


def test_no_data_folder(tmp_path):
  with pytest.raises(ValueError, match="no data folder: give one with --data"):
    train.run(find_recipe("mux_demux"), TINY, PairedOptions(tmp_path / "run"))


@pytest.mark.parametrize("options, words", [
    ({"validate_every": 30}, "validate_every is 30: expected a multiple of log_every, 20"),
    ({"checkpoint_every": 1001}, "checkpoint_every is 1001: expected a multiple of log_every, 20"),
    ({"keep": 0}, "keep is 0"),
    ({"jit": True, "strategy": "mirrored"}, "jit is on.*--strategy none"),
    ({"jit": True, "strategy": "multi_worker"}, "jit is on.*--strategy none"),
])
def test_options_that_do_not_fit(tmp_path, options, words):
  with pytest.raises(ValueError, match=words):
    TrainingOptions(tmp_path, **options)


# The folder


def test_rewind_takes_the_log_back_and_removes_leftovers(tmp_path):
  folder = RunFolder(tmp_path)
  for place in (tmp_path, tmp_path / "checkpoints", tmp_path / "previews"):
    place.mkdir(exist_ok=True)
    (place / ".writing-abc.npz").write_bytes(b"half")
    (place / "kept").write_bytes(b"")
  lines = [json.dumps({"step": step, "kind": "train", "total": value}) + "\n"
           for step, value in ((2, 0.1), (4, 1 / 3), (6, 1e-300), (8, 5e20))]
  (tmp_path / "scalars.jsonl").write_text("".join(lines) + '{"step": 10, "kind": "tr')
  folder.rewind(6)
  assert (tmp_path / "scalars.jsonl").read_text() == "".join(lines[:3])
  assert not list(tmp_path.rglob(".writing-*")) and len(list(tmp_path.rglob("kept"))) == 3
