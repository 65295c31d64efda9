"""Files of version 0.1.0, kept in tests/v0_1_0: its saved networks, runs and exports load and give the same results."""

import importlib.util
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

import tf_imgtrans as ti
from tf_imgtrans.inference.models import load_model

KEPT = pathlib.Path(__file__).parent / "v0_1_0"
NETWORKS = sorted(path.stem for path in (KEPT / "generators").glob("*.keras"))
RUNS = sorted(path.name for path in (KEPT / "runs").iterdir())


def test_every_generator_is_kept():
  assert NETWORKS == ti.list_generators()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_network_gives_the_same(name):
  network = keras.saving.load_model(KEPT / "generators" / f"{name}.keras")
  kept = np.load(KEPT / "generators" / f"{name}.npz")
  options = {"noise_seed": 7} if getattr(network, "noise", None) == "random" else {}
  output = network(kept["input"].astype(np.float32), training=False, **options)
  np.testing.assert_allclose(output, kept["output"], atol=1e-5)
  assert getattr(network, "task", None) is None


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """The images that the runs were trained on, made again: their names and sizes are compared on resume."""
  spec = importlib.util.spec_from_file_location("make_data", KEPT / "make_data.py")
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  folder = tmp_path_factory.mktemp("kept") / "data"
  module.make_data(folder)
  return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on(name, data, tmp_path, monkeypatch):
  """Configuration, options, data and every variable of the checkpoint are taken; two more steps follow."""
  shutil.copytree(KEPT / "runs" / name, tmp_path / "runs" / name)
  monkeypatch.chdir(tmp_path)
  (tmp_path / "data").symlink_to(data)
  run = pathlib.Path("runs") / name
  described = json.loads((run / "run.json").read_text())
  before = max(int(path.stem.split("-")[1]) for path in (run / "checkpoints").iterdir())
  fields = {"iterations": before + 2} if "iterations" in described["config"] else {}
  assert ti.train(name, out=run, resume=True, **fields) == run
  steps = [json.loads(line)["step"] for line in (run / "scalars.jsonl").read_text().splitlines()]
  assert max(steps) > before and described["paper"] == name
  assert ti.evaluate(run)["task"]["own"]


@pytest.mark.export
@pytest.mark.parametrize("name", ["mux_demux_hp_float32.tflite", "mux_demux_hp_dynamic_int8.tflite", "saved_model"])
def test_an_export_gives_the_same(name):
  model = load_model(KEPT / "exports" / name)
  image = np.linspace(0, 1, 32 * 40 * 3, dtype=np.float32).reshape(1, 32, 40, 3)
  kept = keras.saving.load_model(KEPT / "generators" / "mux_demux_hp.keras")
  kept.noise = "fixed"  # as exports have it
  difference = np.abs(model(image) - kept(image, training=False).numpy()).max()
  assert difference < (0.05 if "int8" in name else 2e-3), difference
  assert model.task is None
