"""A format is one entry: a made-up one is loaded, inspected, exported and benchmarked through the registry alone."""

import functools
import json
import pathlib

import keras
import numpy as np
import pytest
import recipes
import tyro

from tf_imgtrans.benchmark import benchmark_networks, convolution_runner
from tf_imgtrans.benchmark.memory import probe
from tf_imgtrans.cli import export as cli_export
from tf_imgtrans.cli.inspect_file import inspect_file
from tf_imgtrans.core.formats import FORMATS, Format, find_model, get_format
from tf_imgtrans.export import export_model, inspect_model
from tf_imgtrans.export.report import settle
from tf_imgtrans.inference import load_model
from tf_imgtrans.recipes import create_generator

BOXED = Format(
    name="boxed", suffix=".boxed", summary="A .boxed file for nobody.", write="boxed_format:write", options=("noise",),
    load="boxed_format:Runner", inspect="boxed_format:inspect", measure="boxed_format:measure",
    convolution="boxed_format:numpy")
IMAGES = recipes.random_images(1, 16, 24, 3)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
  monkeypatch.setitem(FORMATS, "boxed", BOXED)
  monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parent), prepend=":")


@pytest.fixture(scope="module")
def network():
  network = create_generator("srcnn")
  network.task = {"recipe": "srcnn", "task": None}
  return network


def test_it_is_exported_loaded_and_inspected(network, tmp_path, capsys):
  exported = export_model(network, "boxed", tmp_path / "m.boxed", [IMAGES[0]])
  assert exported.path == tmp_path / "m.boxed" and exported.parity.max_difference == 0
  assert exported.bytes == exported.path.stat().st_size
  loaded = load_model(exported.path)
  assert (loaded.kind, loaded.scale, loaded.task, loaded.keras_model) == ("boxed", 1, network.task, None)
  np.testing.assert_array_equal(loaded(IMAGES), network(IMAGES))
  found = inspect_model(exported.path)
  assert (found["kind"], found["task"], found["contents"]) == ("boxed", network.task, ["model.keras", "about.json"])
  inspect_file(exported.path)
  shown = capsys.readouterr().out
  assert "m.boxed: boxed, " in shown and "'recipe': 'srcnn'" in shown and "contents ['model.keras', 'about.json']" in shown
  assert settle(exported.path, exported.parity)[1]["contents"] == found["contents"]


def test_it_is_benchmarked(network, tmp_path):
  report = benchmark_networks({"srcnn": network}, 16, 24, ["keras", "boxed"], ["float16"], rounds=2)
  assert [(row["runtime"], row["precision"]) for row in report["rows"]] == [("keras", "float32"), ("boxed", "float32")]
  assert set(report["convolution_gflops"]) == {"tensorflow", "numpy"}
  assert all(row["ms"] > 0 and row["share"] > 0 for row in report["rows"])
  assert 0.9 * 2 ** 26 < report["rows"][1]["peak_bytes"] < 2 ** 27
  assert convolution_runner("boxed")().shape == (512, 512)
  (tmp_path / "m.boxed").write_bytes(b"")
  measured = probe("boxed", tmp_path / "m.boxed", 8, 8, threads=1)
  assert measured["bytes"] > 0.9 * 2 ** 26 and not {"tensorflow", "tf_imgtrans"} & set(measured["packages"])


def test_it_has_a_command(network, tmp_path, capsys):
  network.save(tmp_path / "m.keras")
  target, summary = cli_export.commands()["boxed"]
  assert (target, summary) == ("export:boxed", "A .boxed file for nobody.") and "keras" not in cli_export.commands()
  command = functools.partial(tyro.cli, cli_export.boxed)
  assert command(args=["--model", str(tmp_path / "m.keras"), "--out", str(tmp_path / "out.boxed")]) == 0
  assert "3 photographs: max difference 0.00e+00" in capsys.readouterr().out
  assert find_model(tmp_path / "out.boxed") == (BOXED, tmp_path / "out.boxed")


def test_errors_name_it(tmp_path):
  (tmp_path / "m.boxed").write_bytes(b"nothing")
  with pytest.raises(ValueError, match="cannot be loaded as a boxed model"):
    load_model(tmp_path / "m.boxed")
  for look in (load_model, inspect_model):
    with pytest.raises(ValueError, match=r"is no model: expected a \.keras file, .*a \.boxed file"):
      look(tmp_path)
  with pytest.raises(ValueError, match="did you mean 'boxed'"):
    get_format("boxes")


def test_an_export_keeps_what_its_format_knows(network, tmp_path):
  noisy = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4, noise="random")
  exported = export_model(noisy, "boxed", tmp_path / "m.boxed", [IMAGES[0]], noise="random")
  assert exported.parity is None and inspect_model(exported.path)["noise"] == "random"
  with pytest.raises(ValueError, match="noise is off, but keras keeps the network's own"):
    export_model(noisy, "keras", tmp_path / "m.keras", [IMAGES[0]], noise="off")
  loaded = load_model(export_model(network, "keras", tmp_path / "m.keras", [IMAGES[0]]).path)
  assert isinstance(loaded.keras_model, keras.Model) and loaded.task == network.task


def test_a_format_is_a_file_or_a_folder(tmp_path):
  functions = {name: "module:function" for name in ("write", "load", "inspect", "measure", "convolution")}
  for names in ({}, {"suffix": ".x", "marker": "x.bin"}):
    with pytest.raises(ValueError, match="expected one of them"):
      Format(name="x", **names, **functions)
  folder = Format(name="x", marker="x.bin", **functions)
  for version in ("2", "10", "new"):
    (tmp_path / version).mkdir()
    (tmp_path / version / "x.bin").touch()
  assert folder.find(tmp_path) == tmp_path / "10" and folder.find(tmp_path / "new") == tmp_path / "new"
  assert folder.find(tmp_path / "3") is None and folder.engine == "function"


def test_the_registry_is_light_and_its_functions_are_there():
  code = ("import json, sys\nfrom tf_imgtrans.core import formats\n"
          "print(json.dumps([name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]))\n")
  assert json.loads(recipes.run_python(code)) == []
  for entry in list(FORMATS.values()):
    for field in ("write", "load", "inspect", "measure", "convolution", "operations"):
      if reference := getattr(entry, field):
        assert callable(reference.resolve()) and pathlib.Path(reference.source).is_file()
