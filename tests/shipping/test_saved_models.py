"""The folders of saved_models/ as they are shipped: whole, found by name, and described."""

import json

import numpy as np
import pytest
import recipes

from tf_imgtrans.inference.models import load_model
from tf_imgtrans.shipping.plans import get_plan

MODELS = sorted(path for path in (recipes.ROOT / "saved_models").iterdir() if path.is_dir())


def test_there_are_models():
  assert {"mux_demux", "mux_demux_hp", "feature_pyramid_pan", "x_gans"} <= {path.name for path in MODELS}


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_a_saved_model_is_whole_and_found_by_name(folder, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)  # not by the working folder
  name = folder.name
  model = load_model(name)
  assert model.path == folder / f"{name}.keras"
  image = recipes.smooth_images(1, 41, 54, 3)
  small = [folder / f"{name}{ending}.tflite" for ending, precision in get_plan(name).precisions.items()
           if precision in ("float32", "float16")]
  assert small
  for path in (*small, folder):  # the folder: its newest version
    np.testing.assert_allclose(load_model(path)(image), model(image), atol=2 / 255)
  report = json.loads((folder / "export_report.json").read_text())["files"]
  assert {path.name for path in folder.glob("*.tflite")} == set(report)
  sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
  assert max(sizes) < 6e6 and sum(sizes) < 8e6
  card = (folder / "MODEL_CARD.md").read_text()
  assert card.startswith(f"# {name}\n") and f"{model.keras_model.count_params():,} parameters" in card
  assert f'base_path: "/models/{name}"' in (folder.parent / "models.config").read_text()
