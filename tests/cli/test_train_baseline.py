"""`tf-imgtrans train baseline`: the defaults follow --name, and a resumed run goes on as what it was."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.enhancement import CONFIGS
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.images import write_image

SHORT = ("--config.patch_size", 16, "--config.batch_size", 2, "--log_every", 1, "--validate_every", 2,
         "--checkpoint_every", 2, "--validation_share", 0.3)


def call(*arguments):
  """Runs the command in this process; its exit status."""
  with pytest.raises(SystemExit) as stopped:
    main(["train", "baseline", *map(str, arguments)])
  return stopped.value.code


def text(published):
  """What was published, without the frames and line breaks of help screens."""
  return " ".join((published.err + published.out).replace("│", " ").split())


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
  """Two paired folders of small images: waves, and the same ones darkened."""
  folder = tmp_path_factory.mktemp("pairs")
  for index, image in enumerate(recipes.smooth_images(6, 40, 48, 3)):
    write_image(folder / "target" / f"{index}.png", image)
    write_image(folder / "low" / f"{index}.png", 0.7 * image)
  return folder


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
  """A weights file that holds the first convolution of a VGG19, with random numbers."""
  path, rng = tmp_path_factory.mktemp("vgg") / "vgg.npz", np.random.default_rng(0)
  np.savez(path, block1_conv1__kernel=rng.normal(0, 0.02, (3, 3, 3, 64)).astype("f"),
           block1_conv1__bias=np.zeros(64, "f"))
  return path


@pytest.fixture(scope="module")
def short_run(pairs, tmp_path_factory):
  """The run folder of two steps of SRCNN; not to be written to."""
  folder = tmp_path_factory.mktemp("short") / "run"
  assert not call("--name", "srcnn", "--data", pairs, "--out", folder, "--config.iterations", 2, *SHORT)
  return folder


def test_a_run_folder(short_run):
  run = json.loads((short_run / "run.json").read_text())
  assert (run["paper"], run["config"]["network"], run["config"]["weight_squared_error"]) == ("srcnn", "srcnn", 1.0)
  assert run["config"]["weight_l1"] == run["config"]["weight_adversarial"] == 0.0
  assert run["data"]["kind"] == "pairs" and run["data"]["validation"] > 0 and run["provenance"] == {}
  lines = [json.loads(line) for line in (short_run / "scalars.jsonl").read_text().splitlines()]
  training = [line for line in lines if line["kind"] == "train"]
  assert [line["step"] for line in training] == [1, 2]
  assert all("squared_error" in line and "discriminator" not in line for line in training)
  assert [line["step"] for line in lines if line["kind"] == "validation" and line["psnr"] > 0] == [2]


def test_the_saved_generator_needs_no_custom_objects(short_run):
  told = recipes.run_python("import sys, numpy, tf_imgtrans, keras\n"
                            "model = keras.saving.load_model(sys.argv[1])\n"
                            "print(type(model).__name__, model.scale, model(numpy.ones((1, 9, 11, 3), 'f')).shape)\n",
                            short_run / "generator.keras")
  assert told.split("\n")[0] == "Srcnn 1 (1, 9, 11, 3)"


def _final_weights(folder):
  return keras.saving.load_model(folder / "generator.keras").get_weights()


@pytest.mark.parametrize("name", ["srcnn", pytest.param("johnson", marks=pytest.mark.slow)])
def test_a_resumed_run_ends_as_the_whole_one(name, pairs, vgg, tmp_path):
  """Without --name and without the flags of the run: all come from its folder. Johnson's running means go on as well."""
  flags = [*SHORT, "--data", pairs, "--config.flip"]
  if name == "johnson":
    flags += ["--config.vgg_weights", vgg, "--config.perceptual_layer", "block1_conv1"]
  whole, parts = tmp_path / "whole", tmp_path / "parts"
  assert not call("--name", name, "--out", whole, "--config.iterations", 4, *flags)
  assert not call(f"--name={name}", "--out", parts, "--config.iterations", 2, *flags)
  halfway = _final_weights(parts)
  assert not call("--resume", "--out", parts, "--config.iterations", 4)
  assert any((before != after).any() for before, after in zip(halfway, _final_weights(parts)))
  for one, other in zip(_final_weights(whole), _final_weights(parts)):
    recipes.assert_same(one, other)
  assert (whole / "scalars.jsonl").read_bytes() == (parts / "scalars.jsonl").read_bytes()


def _contents(folder):
  return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("flags", "message"), [
    (["--name", "dped"], "is one of srcnn, not of dped: resume it by the command that started it"),
    (["--name=johnson"], "is one of srcnn, not of johnson: resume it by"),
    (["--config.weight_l1", 1], "config.weight_l1 is 1.0, but the run in"),
    (["--config.network", "dped"], "fixed to 'srcnn'"),
])
def test_a_resumed_run_stays_what_it_is(flags, message, short_run, capsys):
  before = _contents(short_run)
  assert call("--resume", "--out", short_run, *flags) == 2
  assert message in text(capsys.readouterr())
  assert _contents(short_run) == before


def test_a_run_of_another_command_is_not_resumed(short_run, tmp_path, capsys):
  config = {"growth_half": 4, "network": "normal"}
  (tmp_path / "run.json").write_text(json.dumps({"paper": "mux_demux", "config": config,
                                                 "options": {"out": str(tmp_path), "data": "."}}))
  assert call("--resume", "--out", tmp_path) == 2
  assert "is one of mux_demux, not of srcnn, johnson, dped" in text(capsys.readouterr())


@pytest.mark.parametrize(("flags", "message"), [
    ([], "--name"),
    (["--resume"], "--name"),  # there is no run, whose name could be taken
    (["--name", "sccnn"], "invalid choice 'sccnn' for argument '--name'"),
    (["--name", "srcnn", "--config.network", "dped"], "fixed to 'srcnn'"),
    (["--name", "dped", "--config.weigth_color", 1], "--config.weight_color"),
    (["--name", "johnson", "--config.weight_perceptual", 0], "every weight is 0, so that there is nothing to learn"),
    (["--name", "srcnn"], "no data folder: give one with --data"),
    (["--name", "johnson", "--data", ".", "--config.vgg_weights", "random"], "which is for tests of code"),
])
def test_a_wrong_call_says_what_is_right(flags, message, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  assert call("--out", "run", *flags) == 2
  published = text(capsys.readouterr())
  assert message in published and "Traceback" not in published
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CONFIGS)
def test_help_shows_the_defaults_of_the_baseline(name, capsys):
  for flags in (["--name", name], [f"--name={name}"]):
    assert not call(*flags, "--help")
    screen = text(capsys.readouterr())
    for field in ("weight_squared_error", "weight_perceptual", "weight_adversarial", "perceptual_layer"):
      shown = screen.split(f"--config.{field} ")[1].split("(default: ")[1].split(")")[0]
      assert shown == str(getattr(CONFIGS[name], field)), field
    assert f"(fixed to: {name})" in screen


def test_help_of_a_run_shows_its_values(short_run, capsys):
  assert not call("--resume", "--out", short_run, "--help")
  screen = text(capsys.readouterr())
  assert screen.split("--config.patch_size ")[1].split("(default: ")[1].startswith("16)")
  assert "(fixed to: srcnn)" in screen


def test_the_script_is_the_command():
  done = subprocess.run([sys.executable, "train_scripts/train_baseline.py", "--name", "dped", "--help"], cwd=recipes.ROOT,
                        capture_output=True, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  assert "usage: tf-imgtrans train baseline" in done.stdout and "(fixed to: dped)" in done.stdout
