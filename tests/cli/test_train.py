"""`tf-imgtrans train`: one recipe of checks that every network passes through, and what single networks add to it."""

import functools
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import recipes

import tf_imgtrans as ti
from tf_imgtrans.baselines.segmentation.score import load_segmenter
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.recipes import RECIPES, find_recipe

EVERY_TWO = ("--log_every", 1, "--validate_every", 2, "--checkpoint_every", 2)
DATA = {"photo_enhancement": "pairs", "segmentation": "streets", "labels_to_photo": "streets",
        "deraining": "photographs/train/class0"}  # of others photographs
CAMVID = ("--config.label_set", "camvid")
# What the tiny preset leaves open.
FLAGS = {"feature_pyramid_pan": CAMVID, "pix2pix": CAMVID, "cnn": CAMVID,
         "crn": (*CAMVID, "--config.weight_best", 0, "--config.weight_mean", 1)}
# Terms of a step that a network has, and those that it must not have.
TERMS = {"mux_demux": ({"l1", "color", "total_variation", "adversarial", "discriminator"}, {"perceptual"}),
         "x_gans": ({"adversarial", "feature_matching", "point", "discriminator"}, {"perceptual"}),
         "feature_pyramid_pan": ({"high", "low", "perceptual", "l1", "discriminator"}, set()),
         "progressive_pan": ({"discriminator"}, {"l1"}),
         "srcnn": ({"squared_error"}, {"discriminator", "l1", "color"}),
         "johnson": ({"squared_error"}, {"discriminator", "l1", "color"}),
         "dped": ({"adversarial", "color", "discriminator"}, {"l1", "contextual"}),
         "pix2pix": ({"adversarial", "l1", "discriminator"}, set()), "cnn": ({"l1"}, {"adversarial", "discriminator"}),
         "esrgan": ({"l1"}, {"adversarial"}), "fcn8s": ({"cross_entropy"}, set()), "on_demand": ({"squared_error"}, set())}

ALIASES = {"dped", "resnet_12_64"}  # resnet_8_32 with another size

call = functools.partial(recipes.call, "train")


def text(captured):
  """What was printed, without the frames and line breaks of help screens."""
  return " ".join((captured.err + captured.out).replace("│", " ").split())


def default_of(screen, flag):
  """The default that a help screen shows for a flag."""
  return screen.split(f"--{flag} ")[1].split("(default: ")[1].split(")")[0]


def described(folder):
  return json.loads((folder / "run.json").read_text())


def lines(folder, kind):
  found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
  return [line for line in found if line["kind"] == kind]


def contents(folder):
  return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights(folder):
  return keras.saving.load_model(folder / "generator.keras").get_weights()


def assert_same_run(one, other):
  """The same weights and the same logs, bit for bit."""
  for a, b in zip(weights(one), weights(other), strict=True):
    recipes.assert_same(a, b)
  assert (one / "scalars.jsonl").read_bytes() == (other / "scalars.jsonl").read_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """Folders `photographs` in two parts, `pairs` and `streets`."""
  folder = tmp_path_factory.mktemp("data")
  for index, image in enumerate(recipes.smooth_images(9, 72, 80, 3)):
    write_image(folder / "photographs" / ("test" if index > 5 else "train") / f"class{index % 2}" / f"{index}.png", image)
    write_image(folder / "pairs" / "target" / f"{index}.png", image)
    write_image(folder / "pairs" / "low" / f"{index}.png", 0.7 * image)
  (folder / "streets").mkdir()
  recipes.write_streets(folder / "streets", 8)
  return folder


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
  """A weights file that holds the first convolution of a VGG19, with random numbers."""
  path, rng = tmp_path_factory.mktemp("vgg") / "vgg.npz", np.random.default_rng(0)
  np.savez(path, block1_conv1__kernel=rng.normal(0, 0.02, (3, 3, 3, 64)).astype("f"),
           block1_conv1__bias=np.zeros(64, "f"))
  return path


def tiny_flags(name, data):
  """The call that trains a network of the tiny preset."""
  recipe = find_recipe(name)
  fields = {"label_set": "camvid"} if CAMVID[1] in FLAGS.get(name, ()) else {}
  folder = data / DATA.get(recipe.make_task(recipe.preset("tiny", **fields)).name, "photographs")
  return [name, "--preset", "tiny", "--data", folder, "--validation_share", 0.3, *FLAGS.get(name, ()), *EVERY_TWO]


@pytest.fixture(scope="module")
def whole_runs(data, tmp_path_factory):
  """name -> run folder of a tiny run of four steps or, of a growing network, of its stages; not to be written to."""
  @functools.cache
  def train(name):
    folder = tmp_path_factory.mktemp(name) / "run"
    steps = ["--config.iterations", 4] if hasattr(find_recipe(name).presets["tiny"], "batch_size") else []
    assert not call(*tiny_flags(name, data), "--out", folder, *steps)
    return folder

  return train


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ALIASES])
def test_a_network_trains_and_is_measured(name, whole_runs):
  run = whole_runs(name)
  terms, absent = TERMS.get(name, (set(), set()))
  found = described(run)
  assert found["recipe"] == name and found["task"]["name"]
  assert found["data"]["training"] > 0 and found["data"]["validation"] > 0
  steps = lines(run, "train")
  assert all({"total", *terms} <= line.keys() and not absent & line.keys() for line in steps)
  assert all(np.isfinite(value) for line in steps for value in line.values() if isinstance(value, float))
  last = lines(run, "validation")[-1]
  assert last["step"] == steps[-1]["step"] and list((run / "previews").iterdir())

  report = ti.evaluate(run)
  assert report["task"]["own"] and report["split"] == "validation"
  for metric, row in report["metrics"].items():
    expected = last.get(metric)  # None of images that are too small for it
    assert row["output"]["mean"] == (expected and pytest.approx(expected, rel=1e-5)), metric
  if name in ("mux_demux", "x_gans", "feature_pyramid_pan", "carn", "fcn8s"):  # of each kind of task one
    of_file = ti.evaluate(run / "generator.keras", data=found["options"]["data"])
    assert of_file["task"] == report["task"]  # the file itself carries the task


# Those whose state is more than networks and their optimizers; tests/training looks that the state of all is whole.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mux_demux", "x_gans", "feature_pyramid_pan", "progressive_pan", "phone_enhancement",
                                  "on_demand", "fcn8s", "carn"])
def test_a_run_goes_on(name, whole_runs, tmp_path):
  """From a checkpoint in the middle, without the flags of the run: all come from its folder."""
  run, parts = whole_runs(name), tmp_path / "parts"
  shutil.copytree(run, parts)
  newest = max((parts / "checkpoints").iterdir())
  newest.unlink()
  (parts / "generator.keras").unlink()
  assert not call(name, "--resume", "--out", parts)
  assert_same_run(run, parts)


def test_python_trains_as_the_command_does(data, whole_runs, tmp_path):
  run = whole_runs("x_gans")
  folder = ti.train("x_gans", "tiny", data / "photographs", tmp_path / "run", iterations=2, validation_share=0.3,
                    log_every=1, validate_every=2, checkpoint_every=2)
  assert folder == tmp_path / "run" and len(lines(folder, "train")) == 2
  assert ti.train("x_gans", out=folder, resume=True, iterations=4) == folder
  assert_same_run(run, folder)
  with pytest.raises(ValueError, match="config.base_channels is 8, but the run in"):
    ti.train("x_gans", out=folder, resume=True, base_channels=8)
  for fields, message in (({"iteration": 3}, "did you mean 'iterations'"), ({"preset": "smal"}, "did you mean 'small'"),
                          ({"out": None}, "out is missing")):
    with pytest.raises(ValueError, match=message):
      ti.train("x_gans", **{"data": data, "out": tmp_path / "other", **fields})
  with pytest.raises(ValueError, match="unknown recipe 'x_gan'.*did you mean 'x_gans'"):
    ti.train("x_gan", data=data, out=tmp_path / "other")
  assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", RECIPES)
def test_help_shows_the_defaults_of_the_preset(name, capsys):
  recipe = find_recipe(name)
  fields = [field for field in ("image_size", "patch_size", "batch_size", "iterations", "learning_rate", "base_channels",
                                "weight_perceptual", "weight_l1", "stable") if field in recipe.config.__dataclass_fields__]
  assert len(fields) > 1
  for preset, expected in recipe.presets.items():
    assert not call(name, *(["--preset", preset] if preset == "small" else [f"--preset={preset}"]), "--help")
    screen = text(capsys.readouterr())
    for field in fields:
      value = getattr(expected, field)
      shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
      assert default_of(screen, f"config.{field}") == shown, field
  assert "--preset {paper,small,tiny}" in screen and recipe.summary in screen


@pytest.mark.parametrize("name, own, others", [
    ("pix2pix", ["weight_l1", "dropout"], ["bottleneck", "residual_units", "weight_luma", "weight_best"]),
    ("cnn", ["dropout"], ["discriminator_channels", "weight_adversarial"]),
    ("drrn", ["residual_units"], ["dropout", "weight_best", "beta_1"]),
    ("srcnn", ["patch_size"], ["weight_color", "vgg_weights"]),
    ("dped", ["weight_color"], ["contextual_layers", "weight_l1", "growth_half"]),
    ("on_demand", ["bands"], ["weight_color"]),
    ("carn", ["multi_scale"], ["growth", "reduction", "stage"]), ("esrgan", ["growth"], ["multi_scale", "reduction"])])
def test_help_shows_no_flag_of_another_network(name, own, others, capsys):
  assert not call(name, "--help")
  screen = text(capsys.readouterr())
  assert all(f"--config.{field}" in screen for field in own)
  assert not [field for field in others if f"--config.{field}" in screen]


@pytest.mark.parametrize("stage, preset", [("gan", "paper"), ("gan", "small"), ("l1", "small")])
def test_help_shows_the_defaults_of_the_stage(stage, preset, capsys):
  expected = find_recipe("esrgan").preset(preset, stage=stage)
  assert not call("baseline", "--name", "esrgan", f"--config.stage={stage}", "--preset", preset, "--help")
  screen = text(capsys.readouterr())
  for field in ("learning_rate", "iterations", "weight_adversarial"):
    assert default_of(screen, f"config.{field}") == str(getattr(expected, field)), field


def test_help_of_a_run_shows_its_values(whole_runs, capsys):
  assert not call("x_gans", "--resume", "--out", whole_runs("x_gans"), "--help")
  assert default_of(text(capsys.readouterr()), "config.image_size") == "32"
  assert not call("baseline", "--resume", "--out", whole_runs("srcnn"), "--help")
  screen = text(capsys.readouterr())
  assert default_of(screen, "config.patch_size") == "32" and default_of(screen, "name") == "srcnn"


@pytest.mark.parametrize("run, flags, message", [
    ("x_gans", ["x_gans", "--config.image_size", 64], "config.image_size is 64, but the run in"),
    ("x_gans", ["x_gans", "--config.corruption", "edge_points"], "config.corruption is 'edge_points', but the run in"),
    ("x_gans", ["x_gans", "--validation_share", 0.5], "validation_share is 0.5, but the run in"),
    ("x_gans", ["x_gans", "--config.iterations", 1], "is at step 4 already: expected --config.iterations of 4 or more"),
    ("x_gans", ["mux_demux"], "is one of x_gans, not of mux_demux: resume it by the command that started it"),
    ("x_gans", ["baseline"], "is one of x_gans, not of srcnn, johnson"),
    ("x_gans", ["baseline", "--name", "on_demand"], "is one of x_gans, not of srcnn, johnson"),
    ("mux_demux", ["mux_demux", "--config.degradation.exposure", -2, -1], "config.degradation is PhoneCamera(exposure=(-2"),
    ("srcnn", ["baseline", "--name", "dped"], "is one of srcnn, not of dped: resume it by the command that started it"),
    ("srcnn", ["baseline", "--config.flip"], "config.flip is True, but the run in"),
])
def test_a_resumed_run_stays_what_it_is(run, flags, message, whole_runs, capsys):
  folder = whole_runs(run)
  before = contents(folder)
  assert call(*flags, "--resume", "--out", folder) == 2
  assert message in text(capsys.readouterr())
  assert contents(folder) == before


@pytest.mark.parametrize("flags, message", [
    (["x_gans"], "no data folder: give one with --data"),
    (["x_gans", "--preset", "smal"], "invalid choice 'smal' for argument '--preset'"),
    (["x_gans", "--config.corruption", "points"], "invalid choice 'points'"),
    (["x_gans", "--data", "nowhere"], "no data folder nowhere: give one with photographs in it or below it"),
    (["x_gans", "--data", ".", "--config.share", 0.5, 0.1], "share is (0.5, 0.1): expected the lower end first"),
    (["x_gans", "--preset", "small", "--config.corruption", "white_block", "--config.block_size", 64],
     "less than image_size"),
    (["mux_demux", "--data", ".", "--config.degradation.blur", 2, 1], "blur is (2.0, 1.0): expected the lower end first"),
    (["baseline"], "--name"),
    (["baseline", "--resume"], "--name"),  # there is no run, whose name could be taken
    (["baseline", "--name", "sccnn"], "invalid choice 'sccnn' for argument '--name'"),
    (["baseline", "--name", "bicubic"], "invalid choice 'bicubic' for argument '--name'"),
    (["baseline", "--name", "dped", "--config.weigth_color", 1], "--config.weight_color"),
    (["baseline", "--name", "johnson", "--config.weight_perceptual", 0], "every weight is 0, so that there is nothing"),
    (["srcnn"], "no data folder: give one with --data"),
    (["esrgan", "--data", ".", "--config.stage", "gan"], "stage gan starts from a generator that was trained by L1"),
    (["carn", "--config.scale", 8], "invalid choice '8' for argument '--config.scale'"),
])
def test_a_wrong_call_says_what_is_right(flags, message, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  if message.startswith("stage gan"):
    write_image(tmp_path / "a.png", recipes.random_images(160, 160, 3))
    write_image(tmp_path / "b.png", recipes.random_images(160, 160, 3))
  before = sorted(tmp_path.iterdir())
  assert call(*flags, "--out", "../run") == 2
  printed = text(capsys.readouterr())
  assert message in printed and "Traceback" not in printed
  assert sorted(tmp_path.iterdir()) == before and not (tmp_path.parent / "run").exists()


def test_images_that_cannot_be_trained_on_start_nothing(data, tmp_path, capsys):
  photographs, run = data / "photographs", tmp_path / "run"
  for flags, message in (
      ([*tiny_flags("x_gans", data), "--config.corruption", "color_blocks"], "give their folder by --config.patches"),
      ([*tiny_flags("on_demand", data), "--config.corruption", "color_blocks"], "give their folder by --config.patches"),
      ([*tiny_flags("on_demand", data), "--data", photographs / "train", "--validation_share", 0], "hold some out with"),
      (["rcan", "--data", photographs, "--config.patch_size", 96], "is smaller than 96x96")):
    assert call(*flags, "--out", run) == 2
    assert message in text(capsys.readouterr())
    assert not run.exists()


# What single networks add.

def test_a_saved_generator_needs_no_custom_objects(whole_runs):
  said = recipes.run_python("import sys, numpy, tf_imgtrans, keras\n"
                            "model = keras.saving.load_model(sys.argv[1])\n"
                            "print(type(model).__name__, model.scale, model(numpy.ones((1, 9, 11, 3), 'f')).shape)\n",
                            whole_runs("esrgan") / "generator.keras")
  assert said.split("\n")[0] == "Esrgan 4 (1, 36, 44, 3)"


def test_levels_of_on_demand_learning_are_logged(whole_runs):
  logged = (whole_runs("on_demand") / "scalars.jsonl").read_text()
  assert "share_level1" in logged and "psnr_level5" in logged


def test_a_segmenter_has_classes_and_no_image(whole_runs):
  run = whole_runs("fcn8s")
  validation = lines(run, "validation")[-1]
  assert 0 <= validation["class_iou"] <= validation["pixel_accuracy"] <= 1
  assert load_segmenter(run)(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, 32, 32, 11)
  assert (run / "best_class_iou.keras").is_file()


@pytest.mark.slow
def test_a_run_of_every_kind_of_data(data, tmp_path):
  flags = tiny_flags("feature_pyramid_pan", data)
  for task, folder in (("super_resolution", "photographs"), ("deraining", "pairs/target"), ("desnowing", "pairs")):
    out = tmp_path / task
    assert not call(*flags, "--data", data / folder, "--config.task", task, "--config.iterations", 2, "--out", out)
    assert described(out)["task"]["name"] == task and np.isfinite(lines(out, "train")[0]["high"])


@pytest.mark.slow
@pytest.mark.parametrize("name, changes", [
    ("x_gans", ["--config.corruption", "color_blocks", "--config.tile_size", 2, 8, "--config.aggregate", "sum",
                "--config.downsamplings", 3]),
    ("esrgan", ["--config.stage", "gan", "--config.perceptual_layer", "block1_conv1", "--config.weight_perceptual", 1])])
def test_more_than_the_tiny_preset_goes_on_too(name, changes, data, vgg, whole_runs, tmp_path):
  """Patches, VGG19 features, running means, and a stage that starts from another run."""
  flags = [*tiny_flags(name, data), *changes]
  flags += ["--config.patches", data / "photographs" / "test"] if name == "x_gans" else ["--config.vgg_weights", vgg]
  flags += ["--config.initial_weights", whole_runs(name)] if name == "esrgan" else []
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert not call(*flags, "--out", whole, "--config.iterations", 4)
  halfway, last = (np.load(path) for path in sorted((whole / "checkpoints").iterdir()))
  assert any((halfway[name] != last[name]).any() for name in halfway.files if name.startswith("generator/"))
  shutil.copytree(whole, parts)
  max((parts / "checkpoints").iterdir()).unlink()
  (parts / "generator.keras").unlink()
  assert not call(name, "--resume", "--out", parts, "--config.iterations", 4)
  assert_same_run(whole, parts)
  expected = {"x_gans": set(), "esrgan": {"vgg19", "initial_weights"}}[name]
  assert described(whole)["provenance"].keys() == expected
  if name == "esrgan":
    moved = [np.abs(a - b).max() for a, b in zip(weights(whole), weights(whole_runs(name)))]
    assert 0 < max(moved) < 1e-3  # four steps of 1e-4, from the weights of the first stage
  if name != "x_gans":  # paths of this machine do not travel with a model
    task = keras.saving.load_model(whole / "generator.keras").task
    assert task["recipe"] == name and not {"vgg_weights", "initial_weights"} & task["config"].keys()


def test_predict_enlarges(whole_runs, data, tmp_path):
  with pytest.raises(SystemExit):
    main(["predict", "--model", str(whole_runs("esrgan")), str(next((data / "pairs" / "low").iterdir())), "--out",
          str(tmp_path)])
  enlarged, = tmp_path.iterdir()
  assert read_image(enlarged).shape == (4 * 72, 4 * 80, 3)


@pytest.mark.parametrize("script, arguments, usage", [
    ("train_baseline.py", ["--name", "rcan"], "train baseline"), ("train_x_gans.py", [], "train x_gans")])
def test_a_script_is_the_command(script, arguments, usage):
  done = subprocess.run([sys.executable, f"train_scripts/{script}", *arguments, "--help"], cwd=recipes.ROOT,
                        capture_output=True, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  assert f"usage: tf-imgtrans {usage}" in done.stdout
