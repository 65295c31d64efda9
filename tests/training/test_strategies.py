"""Several devices and several workers take the step that one device takes."""

import contextlib
import json
import re
import socket

import numpy as np
import pytest
import recipes
from training_helpers import HERE, TINY_FLAGS, arrays, child, photographs

from tf_imgtrans.cli.main import main
from tf_imgtrans.training.strategies import is_chief, make_strategy

CLUSTER = {"worker": ["a:1", "b:1"]}


def assert_near(one, other):
  """The same run up to rounding.

  Not bit for bit: one device sums the gradient over the whole batch, two devices each over a half and then over both,
  and float32 sums depend on their order, and on the processor's. Adam's means of the gradients agree within 1e-3 of the
  network's largest, where a sum in the place of a mean would double them; the weights within 5e-6 in the root mean square,
  1% of one step of Adam, and all within 5e-5: where a gradient is small, Adam divides its rounding by its own size. But for
  the biases whose convolution is followed by a normalization: their gradient is zero but for rounding, so that they wander
  by up to a whole step, and its means by 1e-2.
  """
  assert list(one) == list(other)
  for name, array in one.items():
    wanders = re.search(r"discriminator.*conv[2-5][/_]bias", name)
    if array.dtype.kind != "f":
      np.testing.assert_array_equal(array, other[name], name)
    elif "optimizer" in name:
      part, slot = name.split("/")[0], name.split("_")[-1]
      largest = max(np.abs(one[like]).max() for like in one if like.startswith(part) and like.endswith(slot))
      assert np.abs(array - other[name]).max() <= (1e-2 if wanders else 1e-3) * largest, name
    else:
      np.testing.assert_allclose(array, other[name], rtol=5e-6, atol=5e-4 * one["step"] if wanders else 5e-5, err_msg=name)
      assert wanders or np.sqrt(np.mean(np.square(array - other[name]))) <= 5e-6, name


def log(folder):
  return [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]


def assert_near_logs(one, other):
  assert len(one) == len(other) > 0
  for record, near in zip(one, other):
    assert list(record) == list(near)
    assert (record["step"], record["kind"]) == (near["step"], near["kind"])
    for name in list(record)[2:]:
      assert record[name] == pytest.approx(near[name], rel=1e-5), name


@pytest.mark.slow
@pytest.mark.multiprocess
def test_two_devices_take_the_step_of_one(tmp_path):
  with child(HERE / "mirrored_runs.py", tmp_path) as runs:
    told = json.loads(runs.finish())
  none, mirrored = tmp_path / "none", tmp_path / "mirrored"
  assert told["replicas"] == 2
  for step in (1, 3):
    assert_near(*(arrays(folder / "checkpoints" / f"step-{step:08d}.npz") for folder in (none, mirrored)))
  assert_near_logs(log(none), log(mirrored))
  # Each replica draws its own noise.
  first, second = told["seeds"]
  assert first != second
  # In mixed_float16 a step that overflows on one replica alone is skipped by all, and the scale halved.
  assert told["overflow"] == {"unchanged": True, "scale": 2.0 ** 14}


@contextlib.contextmanager
def cluster(workers, *arguments):
  """Starts the command in one process per worker, each with its TF_CONFIG, on free ports of 127.0.0.1."""
  with contextlib.ExitStack() as stack:
    sockets = [stack.enter_context(socket.socket()) for _ in range(workers)]
    for one in sockets:
      one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
  with contextlib.ExitStack() as stack:
    yield [stack.enter_context(child(
        HERE / "worker_command.py", *arguments, "--strategy", "multi_worker",
        TF_CONFIG=json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})))
        for index in range(workers)]


@pytest.mark.slow
@pytest.mark.multiprocess
def test_two_workers_train_and_agree(tmp_path):
  train = ("train", "mux_demux", *TINY_FLAGS, "--config.noise", "off", "--data", photographs(tmp_path / "photographs"),
           "--config.iterations", "4", "--log_every", "2", "--validate_every", "4", "--checkpoint_every", "2")
  with cluster(2, *train, "--out", tmp_path / "two") as workers:
    chief, other = (worker.finish().splitlines() for worker in workers)
  assert chief[0].startswith("digest") and chief[0] == other[0]
  # Only the first worker writes, and says where.
  assert "run folder" in "".join(chief) and len(other) == 1
  assert len(list((tmp_path / "two" / "tensorboard").iterdir())) == 1
  assert not list(tmp_path.rglob(".writing-*"))

  with child(HERE / "worker_command.py", *train, "--out", tmp_path / "one") as single:
    single.finish()
  one, two = tmp_path / "one", tmp_path / "two"
  assert sorted(path.relative_to(one) for path in one.rglob("*") if "events" not in path.name) == sorted(
      path.relative_to(two) for path in two.rglob("*") if "events" not in path.name)
  assert_near(*(arrays(folder / "checkpoints" / "step-00000004.npz") for folder in (one, two)))
  assert_near_logs([record for record in log(one) if record["kind"] == "train"],
                   [record for record in log(two) if record["kind"] == "train"])


def test_unknown_strategy():
  with pytest.raises(ValueError, match="unknown strategy 'miror'.*did you mean 'mirrored'"):
    make_strategy("miror")


def test_no_strategy_is_one_replica():
  assert make_strategy("none").num_replicas_in_sync == 1


@pytest.mark.parametrize("value", [None, "", "{}", '{"task": {"index": 1}}'])
def test_multi_worker_needs_a_cluster(monkeypatch, value):
  monkeypatch.delenv("TF_CONFIG", raising=False)
  if value is not None:
    monkeypatch.setenv("TF_CONFIG", value)
  with pytest.raises(ValueError, match="multi_worker needs the environment variable TF_CONFIG, such as .*host1:2222"):
    make_strategy("multi_worker")


def test_a_cluster_that_is_no_json(monkeypatch):
  monkeypatch.setenv("TF_CONFIG", "{'cluster'}")
  with pytest.raises(ValueError, match="TF_CONFIG is \"{'cluster'}\": expected JSON"):
    make_strategy("multi_worker")


@pytest.mark.parametrize("cluster, task, chief", [
    (CLUSTER, {"type": "worker", "index": 0}, True),
    (CLUSTER, {"type": "worker", "index": 1}, False),
    ({**CLUSTER, "chief": ["c:1"]}, {"type": "chief", "index": 0}, True),
    ({**CLUSTER, "chief": ["c:1"]}, {"type": "worker", "index": 0}, False),
])
def test_one_process_of_a_cluster_writes(monkeypatch, cluster, task, chief):
  monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
  assert is_chief("multi_worker") == chief
  assert is_chief("none") and is_chief("mirrored")  # TF_CONFIG counts for multi_worker alone


@pytest.mark.parametrize("flags, words", [
    (["--strategy", "multi_worker"], "multi_worker needs the environment variable TF_CONFIG"),
    (["--strategy", "mirrored", "--jit"], "jit is on: XLA compiles the step of one device alone"),
    (["--strategy", "miror"], "mirrored"),
])
def test_the_command_names_what_is_wrong(tmp_path, monkeypatch, capsys, flags, words):
  monkeypatch.delenv("TF_CONFIG", raising=False)
  with pytest.raises(SystemExit) as ended:
    main(["train", "mux_demux", "--out", str(tmp_path / "run"), *flags])
  assert ended.value.code == 2
  assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())
  assert not (tmp_path / "run").exists()


GROWING = ("train", "progressive_pan", "--config.input_size", "8", "--config.output_size", "16", "--config.channel_base",
           "64", "--config.channels_max", "4", "--config.stable", "4", "--config.fade", "4", "--config.minibatch", "4", "2",
           "--config.replicas", "1", "--log_every", "1", "--validate_every", "2", "--checkpoint_every", "2")
TWO_DEVICES = """
import sys
import tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
from tf_imgtrans.cli.main import main
main([*sys.argv[1:], "--strategy", "mirrored"])
"""


@pytest.mark.slow
@pytest.mark.multiprocess
def test_images_that_grow_on_two_workers_and_on_two_devices(tmp_path):
  """Batches of two sizes, one after the other: the same steps whether two machines or two devices share them."""
  train = (*GROWING, "--data", photographs(tmp_path / "photographs"))
  with cluster(2, *train, "--out", tmp_path / "workers") as workers:
    for worker in workers:
      worker.finish()
  recipes.run_python(TWO_DEVICES, *train, "--out", tmp_path / "devices")
  workers, devices = log(tmp_path / "workers"), log(tmp_path / "devices")
  assert [record["resolution"] for record in devices if record["kind"] == "validation"] == [16, 16, 16]
  assert len([record for record in devices if record["kind"] == "train"]) == 5
  assert_near_logs(workers, devices)
