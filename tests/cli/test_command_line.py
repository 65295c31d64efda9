"""The command line: help screens, wrong calls, and the commands on small real inputs."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from recipes import ROOT, call

from tf_imgtrans.cli.main import COMMANDS, _status
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.recipes import RECIPES
from tf_imgtrans.version import __version__

PATHS = [[], ["quickstart"], ["train"], ["train", "mux_demux"], ["train", "baseline"],
         *(["train", name] for name in RECIPES if name != "mux_demux"),
         ["evaluate"], ["predict"], ["corrupt"],
         *(["corrupt", kind] for kind in ("random_points", "edge_points", "color_noise", "white_block", "color_blocks",
                                          "gaussian_noise", "gaussian_blur")),
         ["data"], ["data", "camera"], ["data", "pack"], ["models"], ["benchmark"],
         ["benchmark-training"], ["benchmark-corruptions"],
         ["compress"], ["decompress"],
         ["export"], *(["export", kind] for kind in ("saved-model", "tflite", "frozen-graph")), ["inspect"],
         ["serve-check"], ["import-checkpoint"], ["reproduce"],
         ["reproduce", "mux_demux"], *(["reproduce", "mux_demux", table] for table in
                                       ("table2", "table3", "table4", "table5", "score")),
         ["reproduce", "feature_pyramid_pan"],
         *(["reproduce", "feature_pyramid_pan", table] for table in ("table1", "table2", "figure2", "figure4", "figure5",
                                                                     "figure7", "figure9")),
         ["reproduce", "progressive_pan"],
         *(["reproduce", "progressive_pan", table] for table in ("table1", "table2", "figure1", "figure5", "figure9",
                                                                 "figure10", "figure11")),
         ["reproduce", "x_gans"], *(["reproduce", "x_gans", table] for table in
                                    ("table1", "figure10", "figure11", "figure12", "compression"))]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  from tf_imgtrans.recipes import create_generator

  path = tmp_path_factory.mktemp("model") / "tiny.keras"
  create_generator("mux_demux_hp", growth_half=4, growth_quarter=4).save(path)
  return path


@pytest.fixture
def photographs(tmp_path):
  """Two crops of a real photograph, and the same two darkened: folders `high` and `low` below one folder."""
  whole = read_image(held_out_photograph())
  for index, crop in enumerate((whole[:200, :200], whole[100:296, 100:300])):
    write_image(tmp_path / "pairs" / "high" / f"{index}.png", crop)
    write_image(tmp_path / "pairs" / "low" / f"{index}.png", crop * 0.7)
  return tmp_path / "pairs"


def test_help_screens_come_without_tensorflow():
  script = ("import contextlib, io, sys\nfrom tf_imgtrans.cli.main import main\n"
            f"for path in {PATHS!r}:\n"
            "  screen = io.StringIO()\n"
            "  with contextlib.redirect_stdout(screen):\n"
            "    try: main([*path, '--help'])\n"
            "    except SystemExit as stopped: assert not stopped.code, path\n"
            "  assert 'usage: tf-imgtrans' in screen.getvalue(), path\n"
            "heavy = {'tensorflow', 'keras', 'cv2', 'scipy', 'skimage'} & set(sys.modules)\nassert not heavy, heavy\n")
  subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_every_command_is_on_a_help_screen():
  def paths(commands):
    for name, (target, _) in commands.items():
      yield [name]
      if isinstance(target, dict):
        yield from ([name, *below] for below in paths(target))

  assert sorted(paths(COMMANDS)) == sorted(PATHS[1:])


def test_flags_carry_the_names_and_defaults_of_the_configuration(capsys):
  assert not call("train", "mux_demux", "--help")
  screen = capsys.readouterr().out
  assert "--config.weight_l1 FLOAT" in screen and "alpha, Table 1 (default: 5000.0)" in screen


def test_the_version_is_the_packages(capsys):
  assert not call("--version")
  assert capsys.readouterr().out.strip() == f"tf-imgtrans {__version__}"


@pytest.mark.parametrize(("arguments", "message"), [
    (["trian"], "did you mean 'train'"),
    (["train", "mux_demx"], "did you mean 'mux_demux'"),
    (["train", "mux_demux", "--out", "x", "--config.weigth_l1", "3"], "--config.weight_l1"),
    (["train", "mux_demux", "--out", "x", "--config.weight_l1", "-3"], "greater than or"),
    (["train", "mux_demux", "--out", "x", "--config.batch_size", "many"], "batch_size"),
    (["train", "mux_demux", "--out", "x", "--config.patch_size", "4"], "patch_size is 4"),
    (["train", "mux_demux", "--out", "x", "--validate_every", "30"], "multiple of log_every"),
    (["predict", "--model", "m.keras", "--out", "x"], "no images"),
    (["predict", "a.png", "--out", "x"], "--model"),
    (["evaluate", "--model", "no_such.keras", "--data", "."], "no_such.keras"),
    (["export", "tflite", "--model", "m.keras", "--out", "m.tflite", "--precision", "float15"], "float16"),
])
def test_a_wrong_call_says_what_is_right(arguments, message, capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert call(*arguments) == 2
  published = capsys.readouterr()
  text = " ".join((published.err + published.out).replace("│", " ").split())
  assert message in text and "Traceback" not in text
  assert not list(tmp_path.iterdir())


def test_training_without_data_is_a_wrong_call(tmp_path, capsys):
  (tmp_path / "empty").mkdir()
  assert call("train", "mux_demux", "--data", tmp_path / "empty", "--out", tmp_path / "run") == 2
  assert "DIR/<phone>/training_data" in capsys.readouterr().err
  assert not (tmp_path / "run").exists()


def test_evaluate_measures_input_and_output(model, photographs, tmp_path, capsys):
  assert call("evaluate", "--model", model, "--data", photographs, "--source", "low", "--target", "high", "--metrics",
              "psnr", "ms_ssim_dped", "niqe", "--json", tmp_path / "found.json") == 0
  report = json.loads((tmp_path / "found.json").read_text())
  assert report["images"] == ["0", "1"] and set(report["metrics"]) == {"psnr", "ms_ssim_dped", "niqe"}
  expected = [-10 * np.log10(np.mean(np.square(np.float64(read_image(photographs / "high" / f"{i}.png"))
                                               - read_image(photographs / "low" / f"{i}.png")))) for i in range(2)]
  assert report["metrics"]["psnr"]["input"]["values"] == pytest.approx(expected)
  assert report["metrics"]["psnr"]["input"]["mean"] == pytest.approx(np.mean(expected))
  assert report["metrics"]["psnr"]["output"]["measured"] == 2
  assert f"{np.mean(expected):.4f}" in capsys.readouterr().out


def test_evaluate_counts_identical_pairs_apart(model, photographs, tmp_path, capsys):
  shutil.copy(photographs / "high" / "0.png", photographs / "low" / "0.png")
  assert call("evaluate", "--model", model, "--data", photographs, "--source", "low", "--target", "high", "--metrics",
              "psnr", "--json", tmp_path / "found.json") == 0
  found = json.loads((tmp_path / "found.json").read_text())["metrics"]["psnr"]["input"]
  assert (found["measured"], found["infinite"], found["values"][0]) == (1, 1, None)
  assert "psnr: 1 input images equal to their targets are left out" in capsys.readouterr().out


def test_photographs_alone_have_no_reference(model, photographs, tmp_path, capsys):
  high = photographs / "high"
  assert call("evaluate", "--model", model, "--data", high, "--metrics", "psnr") == 2
  assert "the model's task is unknown" in (said := capsys.readouterr().err) and "--task" in said
  assert call("evaluate", "--model", model, "--data", high, "--task", "pairs") == 2
  assert "photographs without targets" in capsys.readouterr().err
  assert call("evaluate", "--model", model, "--data", high, "--metrics", "niqe", "--json", tmp_path / "a.json") == 0
  assert call("evaluate", "--model", model, "--data", high, "--metrics", "psnr", "--task", "mux_demux",
              "--json", tmp_path / "b.json") == 0
  assert "task: photo_enhancement (named by the call)" in capsys.readouterr().out
  assert json.loads((tmp_path / "b.json").read_text())["metrics"]["psnr"]["input"]["mean"] < 25


def test_a_run_folder_is_measured_on_what_it_held_out(model, photographs, tmp_path, capsys):
  from tf_imgtrans.data.folders import read_folder

  folder = read_folder(photographs, 0.4, source="low", target="high")
  assert len(folder.validation) == 1
  run = tmp_path / "run"
  run.mkdir()
  shutil.copy(model, run / "generator.keras")
  options = {"out": "run", "data": str(photographs), "validation_share": 0.4, "phone": None, "source": "low",
             "target": "high"}
  (run / "run.json").write_text(json.dumps({"paper": "mux_demux", "config": {}, "options": options,
                                            "data": folder.summary()}))  # as version 0.1.0 wrote it
  assert call("evaluate", "--model", run, "--metrics", "psnr", "--json", tmp_path / "a.json", "--per_image",
              tmp_path / "a.csv") == 0
  report = json.loads((tmp_path / "a.json").read_text())
  assert (report["split"], report["images"]) == ("validation", [folder.validation[0].stem])
  said = capsys.readouterr().out
  assert "the held-out part" in said and "task: photo_enhancement (the model's own)" in said
  assert (tmp_path / "a.csv").read_text().splitlines()[0] == "image,psnr_input,psnr_output"
  assert len((tmp_path / "a.csv").read_text().splitlines()) == 2
  assert call("evaluate", "--model", run, "--task", "x_gans", "--settings", "image_size=64", "share=[0.1,0.1]", "--metrics",
              "psnr") == 0
  assert "not the model's own, which was trained as mux_demux" in capsys.readouterr().out
  for flags, message in ((["--task", "x_gans", "--settings", "image_siz=64"], "did you mean 'image_size'"),
                         (["--task", "x_gans", "--settings", "image_size"], "expected NAME=VALUE"),
                         (["--task", "pairs", "--settings", "image_size=64"], "has no settings")):
    assert call("evaluate", "--model", run, *flags) == 2
    assert message in capsys.readouterr().err
  assert call("evaluate", "--model", run, "--data", photographs, "--split", "all", "--source", "low", "--target", "high",
              "--metrics", "psnr", "--json", tmp_path / "b.json") == 0
  assert json.loads((tmp_path / "b.json").read_text())["images"] == ["0", "1"]


def test_a_image_too_small_for_a_metric_is_named(model, photographs, capsys):
  for name in ("high", "low"):
    write_image(photographs / name / "1.png", read_image(photographs / name / "1.png")[:120, :120])
  assert call("evaluate", "--model", model, "--data", photographs, "--source", "low", "--target", "high", "--metrics",
              "ms_ssim") == 2
  assert "1 is 120x120: ms_ssim needs at least 161" in capsys.readouterr().err


def test_quickstart_leaves_files_of_others_alone(tmp_path, capsys):
  (tmp_path / "model.tflite").write_text("mine")
  assert call("quickstart", "--out", tmp_path) == 2
  assert "no quickstart wrote it" in capsys.readouterr().err
  assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def test_statuses_tell_a_wrong_call_from_what_went_wrong_on_the_way():
  import tensorflow as tf

  from tf_imgtrans.training.loop import NonFiniteTerm

  with pytest.raises(tf.errors.OpError) as failed:
    tf.io.read_file("no such file")
  assert _status(failed.value) == 1
  assert [_status(error) for error in (ValueError(), FileNotFoundError(), OSError(28, "full"), NonFiniteTerm(),
                                       MemoryError(), TypeError())] == [2, 2, 1, 1, 1, None]


def test_niqe_takes_other_parameters(model, photographs, tmp_path, capsys):
  np.savez(tmp_path / "other.npz", mean=np.zeros(36), covariance=np.eye(36))
  (tmp_path / "torn.npz").write_bytes(b"PK")
  values = []
  for extra in ([], ["--niqe-params", tmp_path / "other.npz"]):
    call("evaluate", "--model", model, "--data", photographs / "high", "--metrics", "niqe", "--json", tmp_path / "n.json",
         *extra)
    values.append(json.loads((tmp_path / "n.json").read_text())["metrics"]["niqe"]["input"]["mean"])
  assert values[0] != values[1]
  assert call("evaluate", "--model", model, "--data", photographs / "high", "--metrics", "niqe", "--niqe-params",
              tmp_path / "torn.npz") == 2
  assert "torn.npz" in capsys.readouterr().err


def test_predict_does_what_it_can_of_a_bad_folder(model, tmp_path, capfd):
  folder, out = tmp_path / "photos", tmp_path / "enhanced"
  folder.mkdir()
  good = Image.open(held_out_photograph()).crop((0, 0, 64, 48))
  good.save(folder / "good.png")
  good.convert("CMYK").save(folder / "cmyk.jpg")
  good.save(folder / "whole.jpg")
  (folder / "torn.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:500])
  (folder / "empty.png").touch()
  (folder / "text.png").write_text("no image")
  good.crop((0, 0, 1, 1)).save(folder / "dot.png")
  assert call("predict", folder, "--model", model, "--out", out) == 1
  assert sorted(path.name for path in out.iterdir()) == ["cmyk.png", "good.png", "whole.png"]
  errors = capfd.readouterr().err
  lines = [line for line in errors.splitlines() if line.startswith(str(folder))]
  named = {line.split(":")[0].rsplit("/", 1)[1] for line in lines}
  assert named == {"torn.jpg", "empty.png", "text.png", "dot.png"} and len(lines) == 4
  assert "Traceback" not in errors
  assert call("predict", folder / "good.png", "--model", model, "--out", folder) == 0
  assert np.array_equal(read_image(folder / "good.png"), np.float32(good) / np.float32(255))  # the input is left alone
  assert (folder / "good_out.png").is_file()


@pytest.mark.export
def test_export_commands_print_the_parity(model, tmp_path, capsys, monkeypatch):
  assert call("export", "saved-model", "--model", model, "--out", tmp_path / "served") == 0
  assert "within the tolerance" in capsys.readouterr().out
  assert call("export", "tflite", "--model", model, "--out", tmp_path / "m.tflite", "--height", 64, "--width", 80) == 0
  assert "within the tolerance" in capsys.readouterr().out
  assert call("export", "tflite", "--model", tmp_path / "m.tflite", "--out", tmp_path / "n.tflite") == 2
  assert "exported already" in capsys.readouterr().err
  monkeypatch.setattr("tf_imgtrans.export.parity.TOLERANCES", {"float32": (0.0, 0.0)})
  assert call("export", "tflite", "--model", model, "--out", tmp_path / "m.tflite", "--height", 64, "--width", 80) == 1
  assert "OUTSIDE" in capsys.readouterr().out


def test_overwrite_replaces_a_file_of_another_kind_and_no_input(tmp_path, capsys):
  for name in ("a.txt", "b.json"):
    (tmp_path / name).write_text("mine")
  (tmp_path / "input.json").symlink_to("b.json")
  assert call("models", "--json", tmp_path / "a.txt") == 2
  assert "--overwrite" in capsys.readouterr().err
  assert call("models", "--json", tmp_path / "a.txt", "--overwrite") == 0
  assert (tmp_path / "a.txt").read_text().startswith(("{", "["))
  assert call("inspect", tmp_path / "b.json", "--json", tmp_path / "input.json", "--overwrite") == 2
  assert (tmp_path / "b.json").read_text() == "mine"


@pytest.mark.parametrize("arguments, message", [
    (["inspect", "m.json", "--json", "m.json"], "m.json is what this call reads: choose another file"),
    (["inspect", "m.json", "--json=link.json"], "link.json is what this call reads"),
    (["compress", "x.xgp", "--out", "x.xgp"], "x.xgp is what this call reads"),
    (["compress", "a.png", "--out", "hard.xgp"], "hard.xgp is what this call reads"),
    (["decompress", "a.png", "--out", "./a.png"], "a.png is what this call reads"),
    (["decompress", "x.xgp", "--out", "b.png", "--mask", "x.xgp"], "x.xgp is what this call reads"),
    (["decompress", "x.xgp", "--out", "b.png", "--mask", "m.json"], "m.json exists and is no .png file"),
    (["import-checkpoint", "--name", "dped", "--from", "m.keras", "--out", "m.keras"], "m.keras is what this call reads"),
    (["evaluate", "--model", "m.keras", "--data", ".", "--json", "a.png"], "a.png exists and is no .json file"),
    (["evaluate", "--model", "m.keras", "--data", ".", "--per_image", "a.png"], "a.png exists and is no .csv file"),
    (["benchmark", "srcnn", "--json", "a.png"], "a.png exists and is no .json file"),
    (["models", "--json", "a.png"], "a.png exists and is no .json file"),
    (["data", "camera", "--data", ".", "--json", "a.png"], "a.png exists and is no .json file")])
def test_nothing_that_is_read_and_nothing_of_another_kind_is_overwritten(arguments, message, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  for name in ("m.json", "x.xgp", "a.png", "m.keras"):
    (tmp_path / name).write_text("mine")
  (tmp_path / "link.json").symlink_to("m.json")
  os.link("a.png", "hard.xgp")
  assert call(*arguments) == 2
  printed = capsys.readouterr()
  assert message in " ".join((printed.err + printed.out).replace("│", " ").split())
  assert {path.read_text() for path in tmp_path.iterdir()} == {"mine"}


@pytest.mark.slow
@pytest.mark.multiprocess
def test_damaged_files_are_read_or_refused():
  """Two minutes of every format; tests/fuzz.py runs for hours by hand."""
  done = subprocess.run([sys.executable, ROOT / "tests" / "fuzz.py", "--seconds", "120"], capture_output=True,
                        text=True, timeout=600)
  table = done.stdout[done.stdout.find("| format"):]
  assert done.returncode == 0, table or done.stderr[-3000:]
  rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
  assert all(int(row[1]) > 1 for row in rows) and sum(int(row[2]) for row in rows) > 20, table
