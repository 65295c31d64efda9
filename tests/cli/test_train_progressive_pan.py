"""`tf-imgtrans train progressive_pan`: a tiny run over all its stages, and how it goes on."""

import json

import keras
import numpy as np
import pytest
import recipes
from recipes import call

from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.papers.progressive_pan.config import PRESETS

# Two steps at 8 pixels, then four at 16 and four at 32.
SIZES = ("--config.input_size", 8, "--config.output_size", 32, "--config.channel_base", 64, "--config.channels_max", 4,
         "--config.stable", 4, "--config.fade", 4, "--config.minibatch", 2, "--config.replicas", 1)
RUN = (*SIZES, "--log_every", 1, "--validate_every", 2, "--checkpoint_every", 2)


def lines(folder, kind):
  found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
  return [line for line in found if line["kind"] == kind]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
  folder = tmp_path_factory.mktemp("faces")
  for index, image in enumerate(recipes.smooth_images(7, 40, 36, 3)):
    write_image(folder / ("test" if index > 4 else "train") / f"{index}.png", image)
  return folder


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory):
  """The folder of a whole run; not to be written to."""
  folder = tmp_path_factory.mktemp("whole") / "run"
  assert not call("train", "progressive_pan", "--data", faces, "--out", folder, *RUN)
  return folder


def test_a_run(whole, capsys):
  run = json.loads((whole / "run.json").read_text())
  assert run["recipe"] == "progressive_pan" and run["config"]["output_size"] == 32
  assert [line["step"] for line in lines(whole, "train")] == list(range(1, 11))
  assert [(line["step"], line["resolution"]) for line in lines(whole, "adaptation")] == [(2, 16), (6, 32)]
  assert [(line["step"], line["resolution"]) for line in lines(whole, "validation")] == [
      (2, 8), (4, 16), (6, 16), (8, 32), (10, 32)]
  assert {path.name for path in whole.glob("*.keras")} == {"generator.keras", "generator_x2.keras", "best_psnr.keras"}
  assert [keras.saving.load_model(whole / f"{name}.keras").scale for name in ("generator", "generator_x2")] == [4, 2]
  assert len(list((whole / "previews").glob("*.png"))) == 5


def test_the_schedule_is_shown(faces, tmp_path, capsys):
  assert not call("train", "progressive_pan", "--data", faces, "--out", tmp_path / "run", *RUN, "--config.replicas", 2,
                  "--config.minibatch", 4, 2, "--config.output_size", 16, "--config.objective", "l1")
  assert ("8x8: 1 steps of 2 x 4 = 8 images at rate 0.001\n"
          "16x16: 2 steps of 2 x 2 = 4 images at rate 0.001, faded in over 4 images\n") in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_stopped_in_a_fade_goes_on(whole, faces, tmp_path, monkeypatch):
  from tf_imgtrans.papers.progressive_pan.trainer import Trainer

  class Stop(Exception):
    pass

  def adapt(trainer, step, real=Trainer.adapt):
    if step == 5:  # after the checkpoint of step 4
      raise Stop
    return real(trainer, step)

  with monkeypatch.context() as patched, pytest.raises(Stop):
    patched.setattr(Trainer, "adapt", adapt)
    main(["train", "progressive_pan", "--data", str(faces), "--out", str(tmp_path / "run"), *map(str, RUN)])
  assert not (tmp_path / "run" / "generator.keras").exists()
  assert not call("train", "progressive_pan", "--out", tmp_path / "run", "--resume")
  for kind in ("train", "validation", "adaptation"):
    assert lines(tmp_path / "run", kind) == lines(whole, kind)
  for name in ("generator", "generator_x2"):
    for one, other in zip(*(keras.saving.load_model(folder / f"{name}.keras").get_weights()
                            for folder in (whole, tmp_path / "run"))):
      recipes.assert_same(one, other)


def test_predict_at_two_scales(whole, tmp_path):
  image = recipes.smooth_images(1, 12, 20, 3)[0]
  write_image(tmp_path / "small.png", image)
  sizes = {}
  for name, flags in (("x4", ()), ("means", ("--scale", 2)), ("x2", ())):
    model = whole / "generator_x2.keras" if name == "x2" else whole
    assert not call("predict", "--model", model, "--out", tmp_path / name, *flags, tmp_path / "small.png")
    sizes[name] = read_image(tmp_path / name / "small.png")
  assert {name: made.shape for name, made in sizes.items()} == {
      "x4": (48, 80, 3), "means": (24, 40, 3), "x2": (24, 40, 3)}
  np.testing.assert_allclose(sizes["means"], sizes["x4"].reshape(24, 2, 40, 2, 3).mean((1, 3)), atol=1.01 / 255)
  assert call("predict", "--model", whole, "--out", tmp_path / "none", "--scale", 3, tmp_path / "small.png") == 2


def test_presets(capsys):
  assert not call("train", "progressive_pan", "--preset", "small", "--help")
  screen = " ".join(capsys.readouterr().out.replace("│", " ").split())
  assert f"(default: {PRESETS['small'].stable})" in screen and "generator_x2.keras" in screen
