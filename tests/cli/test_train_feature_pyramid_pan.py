"""`tf-imgtrans train feature_pyramid_pan`, `fcn8s` and the translation baselines: tiny runs, how they go on, presets."""

import json

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.segmentation.score import load_segmenter
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import write_image
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS

RUN = ("--log_every", 1, "--validate_every", 2, "--checkpoint_every", 2)
PAN = ("--preset", "small", "--config.image_size", 32, "--config.load_size", 36, "--config.base_channels", 2,
       "--config.discriminator_channels", 2, "--config.levels", 1, "--config.low_levels", 1, "--config.batch_size", 2, *RUN)


def call(*arguments):
  """Runs the command in this process; its exit status."""
  with pytest.raises(SystemExit) as stopped:
    main(["train", *map(str, arguments)])
  return stopped.value.code


def described(folder):
  return json.loads((folder / "run.json").read_text())


def lines(folder, kind):
  found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
  return [line for line in found if line["kind"] == kind]


def final_weights(folder):
  return keras.saving.load_model(folder / "generator.keras").get_weights()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photographs")
  for index, image in enumerate(recipes.smooth_images(6, 40, 48, 3)):
    write_image(folder / ("test" if index > 3 else "train") / f"{index}.png", image)
  return folder


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
  """Labelled photographs in CamVid's layout."""
  return recipes.write_streets(tmp_path_factory.mktemp("streets"), 8)


def test_a_run_of_every_kind_of_data(photographs, streets, tmp_path, capsys):
  for task, data in (("super_resolution", photographs), ("deraining", photographs / "train"), ("labels_to_photo", streets)):
    out = tmp_path / task
    flags = ["--config.task", task, "--config.label_set", "camvid", "--config.iterations", 1, "--validation_share", 0.4]
    assert not call("feature_pyramid_pan", "--data", data, "--out", out, *PAN, *flags), capsys.readouterr().err
    assert described(out)["config"]["task"] == task
    line, = lines(out, "train")
    assert all(np.isfinite(line[name]) for name in ("high", "low", "perceptual", "l1", "discriminator"))
    assert lines(out, "validation")[0]["psnr"] > 0 and list((out / "previews").iterdir())
  recipes.check_generator(keras.saving.load_model(out / "generator.keras"), [(32, 32), (20, 40)])


@pytest.mark.parametrize("name", ["feature_pyramid_pan", "pix2pix"])
def test_a_resumed_run_ends_as_the_whole_one(name, streets, tmp_path):
  """Without the flags of the run: all come from its folder. Dropout and running means go on as well."""
  flags = ["feature_pyramid_pan", *PAN] if name == "feature_pyramid_pan" else [
      "baseline", "--name", name, "--preset", "small", "--config.image_size", 32, "--config.load_size", 36,
      "--config.base_channels", 2, "--config.discriminator_channels", 2, "--config.batch_size", 2, *RUN]
  flags += ["--data", streets, "--config.label_set", "camvid", "--validation_share", 0.3]
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert not call(*flags, "--out", whole, "--config.iterations", 4)
  assert not call(*flags, "--out", parts, "--config.iterations", 2)
  halfway = final_weights(parts)
  assert not call(flags[0], "--resume", "--out", parts, "--config.iterations", 4)
  assert any((before != after).any() for before, after in zip(halfway, final_weights(parts)))
  for one, other in zip(final_weights(whole), final_weights(parts)):
    recipes.assert_same(one, other)
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()


def test_a_segmenter_is_trained_and_judged_by_its_classes(streets, tmp_path, capsys):
  out = tmp_path / "fcn8s"
  tiny = ["--config.iterations", 2, "--config.base_channels", 4, "--config.fc_channels", 8, "--config.load_size", 32,
          "--config.image_size", 32, "--config.batch_size", 2, *RUN]
  assert not call("fcn8s", "--preset", "small", "--data", streets, "--out", out, "--config.label_set", "camvid",
                  "--validation_share", 0.3, *tiny)
  assert "next:" not in capsys.readouterr().out  # it gives no images to predict
  validation, = lines(out, "validation")
  assert 0 <= validation["class_iou"] <= validation["pixel_accuracy"] <= 1
  assert load_segmenter(out)(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, 32, 32, 11)
  assert (out / "best_class_iou.keras").is_file()


@pytest.mark.parametrize("preset", list(PRESETS))
def test_help_shows_the_defaults_of_the_preset(preset, capsys):
  assert not call("feature_pyramid_pan", "--preset", preset, "--help")
  screen = " ".join(capsys.readouterr().out.replace("│", " ").split())
  for name in ("image_size", "base_channels", "levels", "batch_size", "iterations", "weight_low"):
    shown = screen.split(f"--config.{name} ")[1].split("(default: ")[1].split(")")[0]
    assert float(shown) == getattr(PRESETS[preset], name), name
