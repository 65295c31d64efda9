"""A folder of saved_models/ from a quickstart folder, as a maintainer makes it; and the folders that are there."""

import dataclasses
import importlib.util
import json

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.files import read_json, write_json
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.papers.mux_demux.config import Config
from tf_imgtrans.recipes import create_generator

_SPEC = importlib.util.spec_from_file_location("make_saved_model", recipes.ROOT / "train_scripts" / "make_saved_model.py")
maker = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(maker)
MODELS = sorted(path for path in (recipes.ROOT / "saved_models").iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
  """What quickstart leaves, of a tiny network without training."""
  from tf_imgtrans.metrics.scoring import mean_scores

  folder = tmp_path_factory.mktemp("quickstart")
  config = Config(network="high_performance", growth_half=8, growth_quarter=8, iterations=7, seed=3)
  generator = create_generator("mux_demux_hp", seed=3, growth_half=8, growth_quarter=8)
  generator.save(folder / "model.keras")
  degraded, original = maker.held_out_pair()
  output = generator(degraded[None], training=False)[0].numpy()
  write_json(folder / "report.json", {
      "input": mean_scores([original], [degraded]), "output": mean_scores([original], [output]), "steps": 7,
      "seconds": 90.0, "resumed_from": 0})
  write_json(folder / "run" / "run.json", {"config": dataclasses.asdict(config), "versions": {"tf_imgtrans": "9.8.7"}})
  return folder


@pytest.mark.slow
@pytest.mark.export
def test_a_folder_is_made(quickstart, tmp_path):
  assert maker.make(quickstart, "tiny", tmp_path, hardware="three abacuses") == 0
  folder = tmp_path / "tiny"
  exports = {"tiny.tflite", "tiny_float16.tflite", "tiny_dynamic_int8.tflite"}
  assert {path.name for path in folder.iterdir()} == {"1", "tiny.keras", "export_report.json", "MODEL_CARD.md", *exports}
  assert (folder / "tiny.keras").read_bytes() == (quickstart / "model.keras").read_bytes()
  report = read_json(folder / "export_report.json")["files"]
  assert set(report) == exports and all(entry["parity"]["within_tolerance"] for entry in report.values())
  assert 'name: "tiny" base_path: "/models/tiny"' in (tmp_path / "models.config").read_text()
  image = recipes.smooth_images(1, 41, 54, 3)
  expected = load_model(quickstart / "model.keras")(image)
  for path in (folder / "tiny.tflite", folder / "1"):
    np.testing.assert_allclose(load_model(path)(image), expected, atol=1e-4)
  card = (folder / "MODEL_CARD.md").read_text()
  psnr = read_json(quickstart / "report.json")["output"]["psnr"]
  for fact in ("7 steps of 50 patches", "seed 3; 2 minutes on three abacuses", "tf_imgtrans 9.8.7",
               f"| after | {psnr:.2f} |", "| `growth_quarter` | `8` |", "| `tiny_float16.tflite` | float16 |",
               "chelsea | training | Stefan van der Walt"):
    assert fact in card, fact
  with pytest.raises(ValueError, match="tiny exists already: remove it"):
    maker.make(quickstart, "tiny", tmp_path)


def test_a_report_of_another_model_is_refused(quickstart, tmp_path):
  other = tmp_path / "other"
  (other / "run").mkdir(parents=True)
  (other / "run" / "run.json").write_text((quickstart / "run" / "run.json").read_text())
  report = read_json(quickstart / "report.json")
  report["output"]["psnr"] += 1
  write_json(other / "report.json", report)
  (other / "model.keras").write_bytes((quickstart / "model.keras").read_bytes())
  with pytest.raises(ValueError, match="other/model.keras reaches .* run quickstart again"):
    maker.make(other, "tiny", tmp_path / "room")
  assert not (tmp_path / "room").exists()


def test_the_card_knows_every_embedded_photograph():
  from tf_imgtrans.data.embedded import HELD_OUT, TRAINING

  assert set(maker.PHOTOGRAPHS) == {name.split(".")[0] for name in (*TRAINING, HELD_OUT)}


def test_there_are_models():
  assert {"mux_demux", "mux_demux_hp"} <= {path.name for path in MODELS}


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_a_saved_model_is_whole_and_found_by_name(folder, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)  # not by the working folder
  name = folder.name
  model = load_model(name)
  assert model.path == folder / f"{name}.keras"
  image = recipes.smooth_images(1, 41, 54, 3)
  for path in (folder / f"{name}.tflite", folder / f"{name}_float16.tflite", folder):  # the folder: its newest version
    np.testing.assert_allclose(load_model(path)(image), model(image), atol=2 / 255)
  assert np.abs(load_model(folder / f"{name}_dynamic_int8.tflite")(image) - model(image)).mean() < 2 / 255
  report = json.loads((folder / "export_report.json").read_text())["files"]
  assert {path.name for path in folder.glob("*.tflite")} == set(report)
  assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 6.5e6
  card = (folder / "MODEL_CARD.md").read_text()
  assert card.startswith(f"# {name}\n") and f"{model.keras_model.count_params():,} parameters" in card
  assert f'base_path: "/models/{name}"' in (folder.parent / "models.config").read_text()
