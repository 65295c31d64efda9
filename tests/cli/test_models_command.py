"""`tf-imgtrans models` and `ti.list_models`: the list, a card, and what is wrong."""

import json

import pytest
import recipes
from recipes import call

import tf_imgtrans as ti
from tf_imgtrans.core import saved_models

FACTS = {
    "name": "brighter", "summary": "Makes photographs brighter.", "task": "photo_enhancement",
    "recipe": "phone_enhancement", "scale": 1, "parameters": 1234, "bytes": 1_250_000, "licence": "Apache-2.0",
    "score": {"metric": "PSNR", "unit": "dB", "data": "pairs", "images": 7, "model": 21.347, "naive": {"input": 17.2}},
    "speed": {"seconds": 0.1234, "height": 720, "width": 1280, "runtime": "tflite", "machine": "a machine"}}


def write(store, name, **changes):
  (store / name).mkdir(parents=True)
  (store / name / "card.json").write_text(json.dumps({**FACTS, "name": name, **changes}))
  (store / name / "MODEL_CARD.md").write_text(f"# {name}\n\nAll about it.\n")


@pytest.fixture
def stores(tmp_path, monkeypatch):
  """The working folder's models before the package's; one name is in both."""
  own, package = tmp_path / "work", tmp_path / "package"
  write(own, "brighter")
  write(package, "brighter", licence="another")
  write(package, "larger", task="super_resolution", scale=4)
  (package / "no_card").mkdir()
  monkeypatch.setattr(saved_models, "STORES", (own, package, tmp_path / "nowhere"))
  return own, package


def test_the_list(stores, capsys):
  assert call("models") == 0
  printed = capsys.readouterr().out
  for text in ("brighter  Makes photographs", "          photo enhancement, 1.2 MB, 0.12 s for 1280x720, Apache-2.0",
               "          PSNR 21.35 dB (input 17.2) on 7 images: pairs", "larger    ", "super resolution x4, 1.2 MB"):
    assert text in printed
  assert "another" not in printed and "no_card" not in printed
  assert [(model.name, model.scale, model.licence) for model in ti.list_models()] == [
      ("brighter", 1, "Apache-2.0"), ("larger", 4, "Apache-2.0")]
  assert ti.list_models()[0].path == stores[0] / "brighter"


def test_a_card(stores, tmp_path, capsys):
  assert call("models", "larger", "--json", tmp_path / "larger.json") == 0
  assert "# larger\n\nAll about it." in capsys.readouterr().out
  entry = json.loads((tmp_path / "larger.json").read_text())
  assert entry["scale"] == 4 and entry["path"] == str(stores[1] / "larger")
  assert call("models", "--json", tmp_path / "all.json") == 0
  assert [entry["name"] for entry in json.loads((tmp_path / "all.json").read_text())] == ["brighter", "larger"]


def test_an_unknown_name(stores, capsys):
  assert call("models", "brigther") == 2
  assert "did you mean 'brighter'" in capsys.readouterr().err


@pytest.mark.parametrize("content", ['{"name": "x"}', "[]", "no JSON"])
def test_a_damaged_card_is_named(stores, content, capsys):
  (stores[1] / "larger" / "card.json").write_text(content)
  assert call("models") == 2
  assert "larger/card.json" in capsys.readouterr().err


def test_nothing_is_there(tmp_path, monkeypatch, capsys):
  monkeypatch.setattr(saved_models, "STORES", (tmp_path,))
  assert call("models") == 2 and "no models" in capsys.readouterr().err


def test_it_answers_without_tensorflow():
  recipes.run_python("import sys\nfrom tf_imgtrans.cli.main import main\n"
                     "try: main(['models'])\nexcept SystemExit as stopped: assert not stopped.code\n"
                     "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)\n")
