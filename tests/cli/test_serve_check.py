"""`serve-check` against a stand-in over loopback."""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from serving import standin

from tf_imgtrans.cli.main import main
from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  folder = to_saved_model(create_generator("bicubic", scale=2), tmp_path_factory.mktemp("m") / "large")
  return standin.Served(folder, "large")


@pytest.fixture
def server(served, monkeypatch):
  monkeypatch.setenv("no_proxy", "127.0.0.1")
  with standin.rest(served) as (address, server):
    server.address = address
    yield server


@pytest.fixture
def check(capsys):
  """Runs the command: (status, what it published, what it complained of)."""
  def call(*arguments):
    with pytest.raises(SystemExit) as stopped:
      main(["serve-check", *map(str, arguments)])
    return stopped.value.code, *capsys.readouterr()

  return call


def test_a_model_that_works(server, check, tmp_path):
  exif = Image.Exif()
  exif[274] = 6
  Image.fromarray(np.zeros((12, 30, 3), np.uint8)).save(tmp_path / "in.jpg", exif=exif)
  status, shown, _ = check(server.address, tmp_path / "in.jpg", "--name", "large", "--out", tmp_path / "out.png",
                           "--requests", 2)
  lines = shown.splitlines()
  assert status == 0 and len(lines) == 3, shown
  assert "version 1 AVAILABLE" in lines[0] and "image_uint8" in lines[1]
  assert "12x30" in lines[2] and "to 24x60" in lines[2] and "ms of 2" in lines[2]
  assert Image.open(tmp_path / "out.png").size == (24, 60)


def test_without_a_image_a_ramp_is_sent(server, check):
  status, shown, _ = check(f"{server.address}/v1/models/large")
  assert status == 0 and "256x256" in shown and "512x512" in shown


def test_what_is_amiss_is_named(server, served, check, monkeypatch, tmp_path):
  status, shown, _ = check(server.address, "--name", "lorge")
  assert status == 1 and "models.config" in shown and len(shown.splitlines()) == 1
  (tmp_path / "text.png").write_text("no image")
  status, shown, _ = check(server.address, tmp_path / "text.png", "--name", "large")
  assert status == 1 and "FAILED" in shown and "not an image of a known kind" in shown
  monkeypatch.setattr(served, "state", "LOADING")
  status, shown, _ = check(server.address, "--name", "large")
  assert status == 1 and "version 1 LOADING" in shown and "wait" in shown


def test_other_signatures_and_images_of_another_shape_are_refused(server, served, check, monkeypatch):
  reply = io.BytesIO()
  Image.new("RGB", (256, 300)).save(reply, format="PNG")
  monkeypatch.setattr(served, "predict", lambda signature, inputs: {"image_bytes": np.array([reply.getvalue()], object)})
  kept = {name: served.definitions[name] for name in ("serving_default", "image_float")}
  monkeypatch.setattr(served, "definitions", kept)
  status, shown, _ = check(server.address, "--name", "large")
  assert status == 1 and "image_uint8 missing" in shown and "256x256 pixels came back as 256x300" in shown


def test_wrong_calls(check, monkeypatch, tmp_path):
  for arguments, message in ((["localhost:8501", "--name", "m"], "http://HOST:8501"), (["http://h", ], "names no model"),
                             (["http://h", tmp_path / "none.png", "--name", "m"], "none.png"),
                             (["http://h", "--name", "m", "--requests", 0], "at least 1")):
    status, _, complaint = check(*arguments)
    assert status == 2 and message in complaint
  for name in ("tensorflow_serving", "tensorflow_serving.apis"):
    monkeypatch.setitem(sys.modules, name, None)
  status, _, complaint = check("grpc://h:8500", "--name", "m")
  assert status == 2 and "tf_imgtrans[serving]" in complaint


def test_export_with_the_files_of_a_server(tmp_path, capsys):
  from tf_imgtrans.recipes import create_generator

  create_generator("srcnn").save(tmp_path / "srcnn.keras")
  with pytest.raises(SystemExit) as stopped:
    main(["export", "saved-model", "--model", str(tmp_path / "srcnn.keras"), "--out", str(tmp_path / "models" / "srcnn"),
          "--serving_files"])
  assert not stopped.value.code
  assert {path.name for path in (tmp_path / "models").iterdir()} == {"srcnn", "models.config", "batching.config",
                                                                     "compose.yaml"}
  assert 'name: "srcnn"' in (tmp_path / "models" / "models.config").read_text()
  assert "compose.yaml" in capsys.readouterr().out
