"""What a wheel holds: the package with its data and the trained models, and nothing else of the repository."""

import email
import importlib.metadata
import shutil
import subprocess
import sys
import zipfile

import pytest
import recipes

import tf_imgtrans as ti

pytestmark = pytest.mark.slow
_SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "tf_imgtrans", "saved_models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  """A wheel of a copy of the sources, as building leaves folders behind: zipfile.ZipFile."""
  setuptools = tuple(map(int, importlib.metadata.version("setuptools").split(".")[:2]))
  if setuptools < (70, 1):
    pytest.importorskip("wheel", reason="setuptools before 70.1 builds wheels with the package `wheel` alone")
  copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
  for name in _SOURCES:
    source = recipes.ROOT / name
    if source.is_dir():
      shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
      shutil.copy(source, copy / name)
  done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out),
                         str(copy)], capture_output=True, text=True, timeout=300)
  assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
  path, = out.glob("*.whl")
  assert path.name == f"tf_imgtrans-{ti.__version__}-py3-none-any.whl"
  with zipfile.ZipFile(path) as archive:
    yield archive


def _files(folder):
  return {path.relative_to(folder).as_posix() for path in folder.rglob("*")
          if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")}


def test_every_module_stub_and_data_file_is_in(wheel):
  package = recipes.ROOT / "tf_imgtrans"
  expected = {f"tf_imgtrans/{name}" for name in _files(package)
              if not name.endswith(".jpg") or name.startswith("data/")}  # but images of the pages
  expected = {name for name in expected if "/results/" not in name}  # of which the pages are made
  expected |= {f"tf_imgtrans/saved_models/{name}" for name in _files(recipes.ROOT / "saved_models")}
  seen = {name for name in wheel.namelist() if ".dist-info/" not in name}
  assert seen == expected
  assert {"tf_imgtrans/py.typed", "tf_imgtrans/metrics/__init__.pyi",
          "tf_imgtrans/saved_models/mux_demux_hp/1/variables/variables.index"} <= seen


def test_the_models_are_those_of_the_repository(wheel):
  for name in ("mux_demux/mux_demux.keras", "mux_demux_hp/1/saved_model.pb"):
    assert wheel.read(f"tf_imgtrans/saved_models/{name}") == (recipes.ROOT / "saved_models" / name).read_bytes()


def test_the_command_the_licence_and_the_extras(wheel):
  info = f"tf_imgtrans-{ti.__version__}.dist-info"
  assert "tf-imgtrans = tf_imgtrans.cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()
  assert any(name.startswith(info) and name.endswith("LICENSE") for name in wheel.namelist())
  metadata = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
  assert {"gpu", "serving", "notebooks", "plots", "codec", "test"} <= set(metadata.get_all("Provides-Extra"))


def test_a_model_is_found_by_name_beside_the_installed_modules(wheel, tmp_path):
  """Run from an empty folder on what the wheel unpacks to."""
  wheel.extractall(tmp_path / "site")
  (tmp_path / "empty").mkdir()
  code = ("import os, sys; os.chdir(sys.argv[1])\nimport tf_imgtrans as ti\n"
          "print(ti.inference.load_model('mux_demux_hp').path)")
  path = recipes.run_python(code, tmp_path / "empty", PYTHONPATH=str(tmp_path / "site"))
  assert path.strip() == str(tmp_path / "site" / "tf_imgtrans" / "saved_models" / "mux_demux_hp" / "mux_demux_hp.keras")
