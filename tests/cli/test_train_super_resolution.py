"""`tf-imgtrans train baseline --name esrgan` and its like: the defaults follow name, preset and stage."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.super_resolution import CONFIGS, GAN_CONFIGS, PRESETS
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import read_image, write_image

SHORT = ("--config.patch_size", 16, "--config.batch_size", 2, "--config.channels", 6, "--config.blocks", 1,
         "--config.iterations", 2, "--log_every", 1, "--validate_every", 2, "--checkpoint_every", 2,
         "--validation_share", 0.3)


def call(*arguments):
  """Runs the command in this process; its exit status."""
  with pytest.raises(SystemExit) as stopped:
    main(list(map(str, arguments)))
  return stopped.value.code


def train(*arguments):
  return call("train", "baseline", *arguments)


def text(published):
  """What was published, without the frames and line breaks of help screens."""
  return " ".join((published.err + published.out).replace("│", " ").split())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photographs")
  for index, image in enumerate(recipes.smooth_images(6, 41, 50, 3)):
    write_image(folder / f"{index}.png", image)
  return folder


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
  """A weights file that holds the first convolution of a VGG19, with random numbers."""
  path, rng = tmp_path_factory.mktemp("vgg") / "vgg.npz", np.random.default_rng(0)
  np.savez(path, block1_conv1__kernel=rng.normal(0, 0.02, (3, 3, 3, 64)).astype("f"),
           block1_conv1__bias=np.zeros(64, "f"))
  return path


@pytest.fixture(scope="module")
def short_run(photographs, tmp_path_factory):
  """The run folder of two steps of ESRGAN's first stage; not to be written to."""
  folder = tmp_path_factory.mktemp("short") / "run"
  assert not train("--name", "esrgan", "--data", photographs, "--out", folder, *SHORT)
  return folder


def test_a_run_folder_of_super_resolution(short_run):
  run = json.loads((short_run / "run.json").read_text())
  assert (run["paper"], run["config"]["network"], run["config"]["stage"]) == ("esrgan", "esrgan", "l1")
  assert run["data"]["kind"] == "photographs" and run["data"]["validation"] > 0 and run["provenance"] == {}
  lines = [json.loads(line) for line in (short_run / "scalars.jsonl").read_text().splitlines()]
  assert [line["step"] for line in lines if line["kind"] == "train" and line["l1"] == line["total"]] == [1, 2]
  assert [line["step"] for line in lines if line["kind"] == "validation" and line["psnr"] > 0] == [2]
  assert list((short_run / "previews").iterdir())


def test_predict_enlarges(short_run, photographs, tmp_path):
  assert not call("predict", "--model", short_run, photographs / "1.png", "--out", tmp_path)
  enlarged, = tmp_path.iterdir()
  assert read_image(enlarged).shape == (4 * 41, 4 * 50, 3)
  told = recipes.run_python("import sys, numpy, tf_imgtrans, keras\n"
                            "model = keras.saving.load_model(sys.argv[1])\n"
                            "print(type(model).__name__, model.scale, model(numpy.ones((1, 9, 11, 3), 'f')).shape)\n",
                            short_run / "generator.keras")
  assert told.split("\n")[0] == "Esrgan 4 (1, 36, 44, 3)"


def test_the_second_stage_goes_on_from_the_first(short_run, photographs, vgg, tmp_path):
  """Resumed without its flags, it ends as the whole run."""
  flags = ["--name", "esrgan", "--config.stage", "gan", "--config.initial_weights", short_run, "--data", photographs,
           "--config.discriminator_channels", 4, "--config.vgg_weights", vgg, "--config.perceptual_layer", "block1_conv1",
           *SHORT, "--config.iterations", 4]
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert not train(*flags, "--out", whole)
  run = json.loads((whole / "run.json").read_text())
  assert (run["config"]["learning_rate"], run["config"]["weight_adversarial"]) == (1e-4, 5e-3)
  assert run["provenance"].keys() == {"vgg19", "initial_weights"}
  assert not train(*flags, "--out", parts, "--config.iterations", 2)
  assert not train("--resume", "--out", parts, "--config.iterations", 4)
  one, other, start = (keras.saving.load_model(folder / "generator.keras").get_weights()
                       for folder in (whole, parts, short_run))
  for a, b, c in zip(one, other, start):
    recipes.assert_same(a, b)
    assert 0 < np.abs(a - c).max() < 1e-3  # four steps of 1e-4
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["carn", "rcan"])
def test_the_others_train(name, photographs, tmp_path):
  flags = ["--config.groups", 1, "--config.reduction", 2, "--config.scale", 2]
  assert not train("--name", name, "--preset", "small", "--data", photographs, "--out", tmp_path / "run", *SHORT,
                   "--config.image_size", 24, *flags)
  assert keras.saving.load_model(tmp_path / "run" / "generator.keras").scale == 2


@pytest.mark.parametrize(("flags", "expected"), [
    (["--name", "esrgan"], CONFIGS["esrgan"]),
    (["--name=carn"], CONFIGS["carn"]),
    (["--name", "rcan", "--preset", "small"], PRESETS["small"]["rcan"]),
    (["--name", "esrgan", "--config.stage=gan"], GAN_CONFIGS["paper"]),
    (["--name", "esrgan", "--config.stage", "gan", "--preset=small"], GAN_CONFIGS["small"]),
])
def test_help_shows_the_defaults_of_the_network(flags, expected, capsys):
  assert not train(*flags, "--help")
  screen = text(capsys.readouterr())
  for field in ("channels", "patch_size", "batch_size", "learning_rate", "iterations", "weight_adversarial"):
    shown = screen.split(f"--config.{field} ")[1].split("(default: ")[1].split(")")[0]
    assert shown == str(getattr(expected, field)), field
  assert f"(fixed to: {expected.network})" in screen


@pytest.mark.parametrize(("flags", "message"), [
    (["--name", "bicubic"], "invalid choice 'bicubic' for argument '--name'"),
    (["--name", "esrgan", "--config.stage", "gan"], "stage gan starts from a generator that was trained by L1"),
    (["--name", "carn", "--config.stage", "gan"], "stage is gan, but carn is trained by L1 alone"),
    (["--name", "carn", "--config.scale", "8"], "scale is 8: carn is made for 2, 3, 4"),
    (["--name", "rcan", "--config.patch_size", "64"], "is smaller than 64x64"),
    (["--name", "rcan", "--preset", "tiny"], "invalid choice 'tiny'"),
])
def test_a_wrong_call_of_super_resolution(flags, message, photographs, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  short = [] if "--config.patch_size" in flags else ["--config.patch_size", 16]
  assert train("--data", photographs, "--out", "run", *flags, *short) == 2
  published = text(capsys.readouterr())
  assert message in published and "Traceback" not in published
  assert not list(tmp_path.iterdir())


def test_the_script_trains_super_resolution_too():
  done = subprocess.run([sys.executable, "train_scripts/train_baseline.py", "--name", "rcan", "--help"], cwd=recipes.ROOT,
                        capture_output=True, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  assert "usage: tf-imgtrans train baseline" in done.stdout and "(fixed to: rcan)" in done.stdout
