"""A shipped model from photographs to its folder, with a tiny network."""

import dataclasses
import functools

import numpy as np
import pytest
import recipes
from scipy.ndimage import gaussian_filter

from tf_imgtrans.core import saved_models
from tf_imgtrans.core.files import read_json
from tf_imgtrans.core.images import write_image
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.shipping import make
from tf_imgtrans.shipping.card import table
from tf_imgtrans.shipping.photographs import licensed_photographs
from tf_imgtrans.shipping.plans import PLANS, get_plan
from tf_imgtrans.training import session
from tf_imgtrans.training.options import PairedOptions, TrainingOptions

PLAN = dataclasses.replace(PLANS["mux_demux_hp"], fields={"network": "high_performance", "iterations": 2})


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  """Eight licensed photographs in two folders, one of them the one that is always held out."""
  folder = tmp_path_factory.mktemp("free")
  noise = gaussian_filter(np.random.default_rng(0).normal(size=(8, 208, 208, 1)), (0, 1, 1, 0))
  images = np.clip(0.6 * recipes.smooth_images(8, 208, 208, 3) + 0.2 + 0.1 * noise, 0, 1)
  lines = ["file\ttitle\tauthor\tsource\tlicence"]
  for number, image in enumerate(images):
    name = "kitten_on_lawn" if number == 7 else f"photograph_{number}"
    kind = "cc_by" if number % 2 else "cc0_pd"
    write_image(folder / kind / f"{name}.png", image)
    licence = "CC-BY-4.0" if number % 2 else "CC0-1.0"
    lines.append(f"{kind}/{name}.jpg\tTitle {number}\tAuthor {number}\tsomewhere\t{licence}")
  (folder / "LICENCES.tsv").write_text("\n".join(lines))
  return folder


def test_photographs_are_split_and_credited(photographs):
  found = licensed_photographs(photographs)
  assert [path.stem for path in found.held_out] == ["kitten_on_lawn", "photograph_2"]
  assert len(found.training) == 6 and not set(found.training) & set(found.held_out)
  assert found.credits["photograph_3"] == {"title": "Title 3", "author": "Author 3", "source": "somewhere",
                                           "licence": "CC-BY-4.0"}


def test_a_photograph_without_a_licence_is_named(photographs, tmp_path):
  write_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.float32))
  with pytest.raises(FileNotFoundError, match="LICENCES.tsv is missing"):
    licensed_photographs(tmp_path)
  (tmp_path / "LICENCES.tsv").write_text((photographs / "LICENCES.tsv").read_text())
  with pytest.raises(ValueError, match="does not name a.png"):
    licensed_photographs(tmp_path)


def test_an_unknown_model():
  with pytest.raises(ValueError, match="mux_demux_hp"):
    get_plan("mux_demux_ph")


@pytest.mark.parametrize("name", PLANS)
def test_a_training_has_the_options_of_its_recipe(name, photographs, tmp_path, monkeypatch):
  """Or the run could not be read again: those of paired folders are for recipes that take such."""
  made = []
  monkeypatch.setattr(session, "train", lambda recipe, config, options, images: made.append((recipe, options)))
  recipe = find_recipe(get_plan(name).recipe)
  make.train(recipe, recipe.preset("tiny"), licensed_photographs(photographs), tmp_path)
  (trained, options), = made
  assert trained is recipe and type(options) is (PairedOptions if recipe.paired else TrainingOptions)


def test_columns_that_a_row_lacks_stay_empty():
  text = table({"input": {"pairs": 3, "psnr_db": 17.256}, "model": {"psnr_db": 20.0}})
  assert text.splitlines() == ["|  | pairs | PSNR, dB |", "| --- | --- | --- |", "| input | 3 | 17.26 |",
                               "| model |  | 20.00 |"]


def test_rows_that_read_alike_are_one():
  text = table({"a.keras": {"psnr_db": 20.001}, "naive": {"psnr_db": 18.0}, "a.tflite": {"psnr_db": 20.002}})
  assert text.splitlines()[2:] == ["| a.keras, a.tflite | 20.00 |", "| naive | 18.00 |"]


def test_the_place_of_something_else_is_refused(tmp_path):
  (tmp_path / "mine").mkdir()
  with pytest.raises(ValueError, match="mine holds something else than a shipped model"):
    make.check_place(tmp_path / "mine")


@pytest.fixture(scope="module")
def made(photographs, tmp_path_factory):
  """(folder of the models, faults, function that makes it again)."""
  folder = tmp_path_factory.mktemp("shipped")
  again = functools.partial(make.make, "tiny", photographs, folder / "runs", folder / "models", None, "tiny", PLAN)
  return folder / "models", again(), again


@pytest.mark.slow
@pytest.mark.export
def test_the_folder_is_whole(made, photographs, monkeypatch):
  store, faults, _ = made
  folder = store / "tiny"
  files = [path.name for path in folder.iterdir()]
  assert {file.replace(".outside_tolerance", "") for file in files} == {
      "1", "tiny.keras", "tiny.tflite", "tiny_float16.tflite", "tiny_720x1280.tflite",
      "tiny_256x256.tflite", "export_report.json", "panel.jpg", "card.json", "MODEL_CARD.md"}
  assert not [path for path in store.iterdir() if path.name.startswith(".")]
  # Of two steps of training a file in float16 may be outside: then it is a fault, and the others are measured all the same.
  outside = {file for file in files if ".outside_tolerance" in file}
  assert outside == {fault.split(":")[0] for fault in faults if "OUTSIDE the tolerance" in fault}
  assert not {"tiny.outside_tolerance.tflite", "1.outside_tolerance"} & outside
  monkeypatch.setattr(saved_models, "STORES", (store,))
  model, = saved_models.list_models()
  assert (model.name, model.recipe, model.task, model.scale) == ("tiny", "phone_enhancement", "photo_enhancement", 1)
  assert model.bytes == (folder / "tiny.keras").stat().st_size and model.speed["seconds"] > 0
  assert set(model.score["naive"]) == {"input", "tone curve"} and model.score["images"] == 2
  assert 'name: "tiny" base_path: "/models/tiny"' in (store / "models.config").read_text()
  for fact in ("# tiny", f"{model.parameters:,} parameters", "2 steps of 2 patches", "| CC-BY-4.0 | 4 |",
               "Author 3 (Title 3, CC-BY-4.0)", "| `tiny_256x256.tflite` | float16 |", "| `iterations` | `2` |"):
    assert fact in model.card, fact
  assert "Author 2 (" not in model.card  # CC0 asks for no thanks


@pytest.mark.slow
@pytest.mark.export
def test_a_finished_training_is_measured_anew_alone(made):
  store, faults, again = made
  run = store.parent / "runs" / "tiny" / "generator.keras"
  before, keras_file = run.stat().st_mtime_ns, (store / "tiny" / "tiny.keras").stat().st_ino
  assert again() == faults
  assert run.stat().st_mtime_ns == before and (store / "tiny" / "tiny.keras").stat().st_ino != keras_file


@pytest.mark.slow
@pytest.mark.export
def test_a_model_that_improves_nothing_has_faults(made):
  """Two steps of training make no enhancer: the reasons are named."""
  store, faults, _ = made
  network = load_model(store / "tiny" / "tiny.keras")
  assert network.task["recipe"] == "phone_enhancement" and network.keras_model.count_params() == find_parameters()
  score = read_json(store / "tiny" / "card.json")["score"]
  no_better = any("tiny.keras" in fault and ", input " in fault for fault in faults)
  assert no_better == (score["model"] <= score["naive"]["input"])


def find_parameters():
  recipe = find_recipe("phone_enhancement")
  return recipe.make_trainer(recipe.preset("tiny", **PLAN.fields)).generator.count_params()
