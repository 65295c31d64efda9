"""`tf-imgtrans train x_gans` and `train baseline --name on_demand`: presets, tiny runs, and how they go on."""

import json

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.on_demand.config import Config as OnDemandConfig
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.papers.x_gans.config import PRESETS

RUN = ("--log_every", 1, "--validate_every", 2, "--checkpoint_every", 2)
X_GANS = ("--config.image_size", 16, "--config.base_channels", 2, "--config.residual_blocks", 1,
          "--config.discriminators", 2, "--config.discriminator_channels", 2, "--config.batch_size", 2,
          "--config.weight_perceptual", 0, "--config.flip", *RUN)
ON_DEMAND = ("--config.image_size", 16, "--config.base_channels", 2, "--config.batch_size", 5,
             "--config.adaptation_images", 2, "--config.adapt_every", 1, *RUN)


def call(*arguments):
  """Runs the command in this process; its exit status."""
  with pytest.raises(SystemExit) as stopped:
    main(["train", *map(str, arguments)])
  return stopped.value.code


def text(published):
  """What was published, without the frames and line breaks of help screens."""
  return " ".join((published.err + published.out).replace("│", " ").split())


def default_of(screen, flag):
  """The default that a help screen shows for a flag."""
  return screen.split(f"--{flag} ")[1].split("(default: ")[1].split(")")[0]


def final_weights(folder):
  return keras.saving.load_model(folder / "generator.keras").get_weights()


def contents(folder):
  return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(folder, kind):
  found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
  return [line for line in found if line["kind"] == kind]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  """Small images in subfolders, in a part to train on and one held out."""
  folder = tmp_path_factory.mktemp("photographs")
  for index, image in enumerate(recipes.smooth_images(7, 20, 24, 3)):
    write_image(folder / ("test" if index > 4 else "train") / f"class{index % 2}" / f"{index}.png", image)
  return folder


@pytest.fixture(scope="module")
def short_run(photographs, tmp_path_factory):
  """The run folder of two steps of X-GANs; not to be written to."""
  folder = tmp_path_factory.mktemp("short") / "run"
  assert not call("x_gans", "--data", photographs, "--out", folder, "--config.iterations", 2, *X_GANS)
  return folder


@pytest.fixture(scope="module")
def short_baseline(photographs, tmp_path_factory):
  """The run folder of two steps of on-demand learning; not to be written to."""
  folder = tmp_path_factory.mktemp("short_baseline") / "run"
  assert not call("baseline", "--name", "on_demand", "--data", photographs, "--out", folder, "--config.iterations", 2,
                  *ON_DEMAND)
  return folder


def test_a_run_of_x_gans(short_run):
  run = json.loads((short_run / "run.json").read_text())
  assert run["paper"] == "x_gans" and run["provenance"] == {}
  assert (run["config"]["corruption"], run["config"]["share"]) == ("random_points", [0.01, 0.2])
  assert (run["data"]["kind"], run["data"]["training"], run["data"]["validation"]) == ("photographs", 5, 2)
  training = lines(short_run, "train")
  assert [line["step"] for line in training] == [1, 2]
  assert all(np.isfinite(line[name]) for line in training
             for name in ("total", "adversarial", "feature_matching", "point", "discriminator"))
  assert all("perceptual" not in line for line in training)
  validation, = lines(short_run, "validation")
  assert validation["step"] == 2 and validation["psnr"] > 0 and validation["ssim"] is not None
  network = keras.saving.load_model(short_run / "generator.keras")
  recipes.check_generator(network, [(16, 16), (20, 24)])
  sheet, = (short_run / "previews").iterdir()
  assert read_image(sheet).shape[1] > 3 * 16


@pytest.mark.parametrize("changes", [
    [], pytest.param(["--config.corruption", "color_blocks", "--config.tile_size", 2, 8, "--config.aggregate", "sum",
                      "--config.downsamplings", 3], marks=pytest.mark.slow)])
def test_a_resumed_run_of_x_gans_ends_as_the_whole_one(changes, photographs, tmp_path):
  """Without the flags of the run: all come from its folder. Dropout and running means go on as well."""
  flags = ["x_gans", "--data", photographs, *X_GANS, *changes]
  if changes:
    flags += ["--config.patches", photographs / "test"]
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert not call(*flags, "--out", whole, "--config.iterations", 4)
  assert not call(*flags, "--out", parts, "--config.iterations", 2)
  halfway = final_weights(parts)
  assert not call("x_gans", "--resume", "--out", parts, "--config.iterations", 4)
  assert any((before != after).any() for before, after in zip(halfway, final_weights(parts)))
  for one, other in zip(final_weights(whole), final_weights(parts)):
    recipes.assert_same(one, other)
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()


def test_the_small_preset_trains(photographs, tmp_path):
  flags = ["--config.base_channels", 2, "--config.discriminator_channels", 2, "--config.residual_blocks", 1,
           "--config.weight_perceptual", 0, "--config.iterations", 1, *RUN]
  assert not call("x_gans", "--data", photographs, "--out", tmp_path / "run", "--preset", "small", *flags)
  config = json.loads((tmp_path / "run" / "run.json").read_text())["config"]
  assert (config["image_size"], config["batch_size"], config["discriminators"]) == (64, 16, 2)
  assert (config["base_channels"], config["weight_perceptual"], config["weight_point"]) == (2, 0, 10)


@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_help_shows_the_defaults_of_the_preset(preset, capsys):
  expected = PRESETS[preset or "paper"]
  for flags in ([], ) if preset is None else (["--preset", preset], [f"--preset={preset}"]):
    assert not call("x_gans", *flags, "--help")
    screen = text(capsys.readouterr())
    for name in ("image_size", "block_size", "base_channels", "residual_blocks", "discriminators", "batch_size",
                 "iterations", "learning_rate"):
      assert float(default_of(screen, f"config.{name}")) == getattr(expected, name), name
    assert default_of(screen, "config.tile_size") == " ".join(map(str, expected.tile_size))
    assert default_of(screen, "config.perceptual_layers") == " ".join(expected.perceptual_layers)
    assert "--preset {paper,small}" in screen


def test_help_of_a_run_shows_its_values(short_run, capsys):
  assert not call("x_gans", "--resume", "--out", short_run, "--help")
  screen = text(capsys.readouterr())
  assert [default_of(screen, f"config.{name}") for name in ("image_size", "base_channels")] == ["16", "2"]


@pytest.mark.parametrize(("flags", "message"), [
    (["x_gans", "--config.image_size", 32], "config.image_size is 32, but the run in"),
    (["x_gans", "--config.corruption", "edge_points"], "config.corruption is 'edge_points', but the run in"),
    (["x_gans", "--validation_share", 0.5], "validation_share is 0.5, but the run in"),
    (["x_gans", "--config.iterations", 1], "is at step 2 already: expected --config.iterations of 2 or more, not 1"),
    (["mux_demux"], "is one of x_gans, not of mux_demux: resume it by the command that started it"),
    (["baseline"], "is one of x_gans, not of srcnn, johnson"),
    (["baseline", "--name", "on_demand"], "is one of x_gans, not of on_demand: resume it by"),
])
def test_a_run_of_x_gans_stays_what_it_is(flags, message, short_run, capsys):
  before = contents(short_run)
  assert call(*flags, "--resume", "--out", short_run) == 2
  assert message in text(capsys.readouterr())
  assert contents(short_run) == before


@pytest.mark.parametrize(("flags", "message"), [
    ([], "no data folder: give one with --data"),
    (["--preset", "smal"], "invalid choice 'smal' for argument '--preset'"),
    (["--config.corruption", "points"], "invalid choice 'points'"),
    (["--data", "nowhere"], "no data folder nowhere: give one with photographs in it or below it"),
    (["--data", ".", "--config.share", 0.5, 0.1], "share is (0.5, 0.1): expected the lower end first"),
    (["--data", ".", "--config.vgg_weights", "random"], "which is for tests of code"),
    (["--preset", "small", "--config.corruption", "white_block", "--config.block_size", 64], "less than image_size, 64"),
])
def test_a_wrong_call_says_what_is_right(flags, message, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  assert call("x_gans", "--out", "run", *flags) == 2
  published = text(capsys.readouterr())
  assert message in published and "Traceback" not in published
  assert not list(tmp_path.iterdir())


def test_colour_blocks_without_patches_start_nothing(photographs, tmp_path, capsys):
  for command in (["x_gans", *X_GANS, "--config.tile_size", 2, 8], ["baseline", "--name", "on_demand", *ON_DEMAND]):
    assert call(*command, "--data", photographs, "--out", tmp_path / "run", "--config.corruption", "color_blocks") == 2
    assert "give their folder by --config.patches" in text(capsys.readouterr())
    assert not (tmp_path / "run").exists()


# On-demand learning.

def test_a_run_of_on_demand_learning(short_baseline):
  run = json.loads((short_baseline / "run.json").read_text())
  assert (run["paper"], run["config"]["bands"], run["config"]["fill"]) == ("on_demand", "original", "mean")
  assert (run["data"]["kind"], run["data"]["training"], run["data"]["validation"]) == ("photographs", 5, 2)
  assert [line["step"] for line in lines(short_baseline, "train")] == [1, 2]
  assert all(line["squared_error"] > 0 for line in lines(short_baseline, "train"))
  logged = (short_baseline / "scalars.jsonl").read_text()
  assert "share_level1" in logged and "psnr_level5" in logged
  recipes.check_generator(keras.saving.load_model(short_baseline / "generator.keras"), [(16, 16)])


def test_a_resumed_run_of_on_demand_learning_ends_as_the_whole_one(short_baseline, photographs, tmp_path):
  """The shares of the levels, which follow from validations, go on as well."""
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  flags = ["baseline", "--name=on_demand", "--data", photographs, *ON_DEMAND]
  assert not call(*flags, "--out", whole, "--config.iterations", 4)
  assert not call(*flags, "--out", parts, "--config.iterations", 2)
  for one, other in zip(final_weights(short_baseline), final_weights(parts)):
    recipes.assert_same(one, other)
  assert not call("baseline", "--resume", "--out", parts, "--config.iterations", 4)
  for one, other in zip(final_weights(whole), final_weights(parts)):
    recipes.assert_same(one, other)
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()


@pytest.mark.parametrize(("flags", "message"), [
    (["baseline", "--name", "srcnn"], "is one of on_demand, not of srcnn: resume it by"),
    (["baseline", "--config.bands", "extreme"], "config.bands is 'extreme', but the run in"),
    (["x_gans"], "is one of on_demand, not of x_gans: resume it by the command that started it"),
])
def test_a_run_of_on_demand_learning_stays_what_it_is(flags, message, short_baseline, capsys):
  before = contents(short_baseline)
  assert call(*flags, "--resume", "--out", short_baseline) == 2
  assert message in text(capsys.readouterr())
  assert contents(short_baseline) == before


def test_on_demand_learning_needs_held_out_images(photographs, tmp_path, capsys):
  assert call("baseline", "--name", "on_demand", "--data", photographs / "train", "--out", tmp_path / "run",
              "--validation_share", 0, *ON_DEMAND) == 2
  assert "hold some out with --validation_share" in text(capsys.readouterr())
  assert not (tmp_path / "run").exists()


def test_help_of_on_demand_learning(capsys):
  assert not call("baseline", "--name", "on_demand", "--help")
  screen = text(capsys.readouterr())
  for name in ("bands", "fill", "image_size", "batch_size", "iterations"):
    assert default_of(screen, f"config.{name}") == str(getattr(OnDemandConfig(), name))
  assert "--config.weight_color" not in screen
