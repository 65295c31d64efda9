"""The client against substitutes over loopback, which run a real SavedModel, and against a real server if one is named."""

import io
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from serving import standin

from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.recipes import create_generator
from tf_imgtrans.serving.client import Client
from tf_imgtrans.serving.errors import ServingError, failure, plain_reason

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 28, 3), dtype=np.uint8)
SIGNATURES = {"serving_default": ({"image_bytes": "DT_STRING"}, {"image_bytes": "DT_STRING"}),
              "image_uint8": ({"image": "DT_UINT8"}, {"image": "DT_UINT8"}),
              "image_float": ({"image": "DT_FLOAT"}, {"image": "DT_FLOAT"})}


@pytest.fixture(scope="module")
def generator():
  return create_generator("mux_demux_hp", seed=1, growth_half=4, growth_quarter=4)


@pytest.fixture(scope="module")
def served(generator, tmp_path_factory):
  return standin.Served(to_saved_model(generator, tmp_path_factory.mktemp("served") / "tiny", version=7), "tiny")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
  monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(params=["rest", "grpc"])
def address(request, served):
  if request.param == "grpc":
    pytest.importorskip("tensorflow_serving.apis.predict_pb2", reason="gRPC needs the extra serving")
    with standin.grpc_server(served) as address:
      yield address
  else:
    with standin.rest(served) as (address, _):
      yield address


def png(image):
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, format="PNG")
  return buffer.getvalue()


@pytest.mark.export
def test_images_go_and_come_in_every_form(address, generator, tmp_path):
  client = Client(address, "tiny")
  image = IMAGE.astype(np.float32) / np.float32(255)
  expected = generator(image[None], training=False)[0].numpy()
  floats = client.enhance(image)
  assert floats.dtype == np.float32
  np.testing.assert_allclose(floats, expected, atol=1e-6)
  np.testing.assert_allclose(client.enhance(np.stack([image, image[::-1]]))[0], expected, atol=1e-6)
  (tmp_path / "in.png").write_bytes(png(IMAGE))
  reply = client.enhance(tmp_path / "in.png")
  assert reply == client.enhance(png(IMAGE)) == client.enhance(str(tmp_path / "in.png"))
  whole = np.asarray(Image.open(io.BytesIO(reply)))
  assert np.abs(whole - expected * 255).max() < 0.51
  np.testing.assert_array_equal(client.enhance(IMAGE), whole)
  assert client.enhance(IMAGE[None].repeat(2, axis=0)).shape == (2, 20, 28, 3)


@pytest.mark.export
def test_readiness_versions_and_signatures(address, served, monkeypatch):
  client = Client(address, "tiny")
  assert client.ready() and client.states() == {7: "AVAILABLE"} and client.signatures() == SIGNATURES
  monkeypatch.setattr(served, "state", "LOADING")
  assert not client.ready() and client.states() == {7: "LOADING"}


@pytest.mark.export
def test_errors_say_what_to_do(address):
  client = Client(address, "tiny")
  with pytest.raises(ServingError, match="not an image of a known kind: expected JPEG") as caught:
    client.enhance(b"hello")
  assert caught.value.code == "INVALID_ARGUMENT" and "\n" not in str(caught.value)
  with pytest.raises(ServingError, match="image is 1 x 1 pixels: the model needs at least 8 x 8"):
    client.enhance(png(IMAGE[:1, :1]))
  other = Client(address, "timid")
  assert not other.ready()
  with pytest.raises(ServingError, match="models.config") as caught:
    other.enhance(IMAGE)
  assert caught.value.code == "NOT_FOUND"
  for wrong in (IMAGE[..., :1], IMAGE.astype(np.int32), np.zeros((0, 4, 4, 3), np.uint8)):
    with pytest.raises(ValueError, match="expected"):
      client.enhance(wrong)
  with pytest.raises(FileNotFoundError):
    client.enhance("no such file.png")


@pytest.mark.export
@pytest.mark.parametrize(("answer", "message", "code"), [
    ((503, b'{"error": "queue is full"}'), "queue is full", "UNAVAILABLE"),
    ((500, b"oops"), "failed with HTTP 500: oops", "HTTP 500"), ((200, b"<html>"), "did not answer with JSON", "UNKNOWN"),
    ((200, b'{"outputs": 1}'), "has no 'predictions'", "UNKNOWN"),
    ((200, b'{"predictions": [[1]]}'), "export the model again", "UNKNOWN")])
def test_odd_answers_of_a_server(served, answer, message, code):
  with standin.rest(served) as (address, server):
    server.broken = answer
    with pytest.raises(ServingError, match=message) as caught:
      Client(f"{address}/v1/models/tiny").enhance(IMAGE)
    assert caught.value.code == code


def free_port():
  with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    return probe.getsockname()[1]


def test_no_server_and_one_that_is_silent():
  client = Client(f"http://127.0.0.1:{free_port()}", "tiny")
  assert not client.ready()
  with pytest.raises(ServingError, match="docker compose up"):
    client.enhance(IMAGE)
  with socket.socket() as silent:
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    with pytest.raises(ServingError, match="timeout_s"):
      Client(f"http://127.0.0.1:{silent.getsockname()[1]}", "tiny", timeout_s=0.2).enhance(IMAGE)


@pytest.mark.parametrize(("url", "name", "expected"), [
    ("http://host:8501", "tiny", "http://host:8501/v1/models/tiny"),
    ("https://host/v1/models/tiny/", None, "https://host/v1/models/tiny"),
    ("http://host/prefix/v1/models/tiny/versions/3", None, "http://host/prefix/v1/models/tiny/versions/3")])
def test_addresses(url, name, expected):
  assert Client(url, name).transport.url == expected


@pytest.mark.parametrize(("url", "message"), [("localhost:8501", "http://HOST:8501"), ("ftp://host", "grpc://HOST:8500"),
                                              ("http://host:8501", "names no model")])
def test_wrong_addresses(url, message):
  with pytest.raises(ValueError, match=message):
    Client(url)


def test_grpc_without_the_extra_names_it(monkeypatch):
  for name in ("tensorflow_serving", "tensorflow_serving.apis"):
    monkeypatch.setitem(sys.modules, name, None)
  with pytest.raises(ModuleNotFoundError, match=r"pip install 'tf_imgtrans\[serving\]'"):
    Client("grpc://localhost:8500", "tiny")


@pytest.mark.parametrize(("text", "expected"), [
    ("Graph execution error:\n\nassertion failed: [image is] [9] [x] [8] [pixels]\n\t [[{{node Assert}}]]",
     "image is 9 x 8 pixels"),
    ("{{function_node __inf}} Invalid PNG data, size 3\n\t [[{{node DecodePng}}]]", "Invalid PNG data, size 3"),
    ("", "no reason was given")])
def test_reasons_in_plain_words(text, expected):
  assert plain_reason(text) == expected
  assert expected in str(failure("INVALID_ARGUMENT", text, "http://host", "tiny"))


def test_the_rest_client_runs_without_tensorflow():
  script = ("import sys\nfrom tf_imgtrans.serving import Client\n"
            "assert not Client('http://127.0.0.1:9', 'm', timeout_s=1).ready()\n"
            "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)")
  subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env={**os.environ, "no_proxy": "127.0.0.1"})


@pytest.mark.serving
def test_a_real_server(monkeypatch):
  """TF_IMGTRANS_SERVING_URL names a model of `export saved-model`: http://HOST:8501/v1/models/NAME."""
  url = os.environ.get("TF_IMGTRANS_SERVING_URL")
  if not url:
    pytest.skip("TF_IMGTRANS_SERVING_URL is not set: it names a model on a real TensorFlow Serving")
  monkeypatch.undo()  # a server may stand behind a proxy
  client = Client(url)
  image = np.tile(IMAGE, (4, 4, 1))
  assert client.ready() and client.signatures() == SIGNATURES
  floats = client.enhance(image.astype(np.float32) / 255)
  assert np.abs(client.enhance(image) - floats.clip(0, 1) * 255).max() < 0.6
  with pytest.raises(ServingError) as caught:
    client.enhance(b"hello")
  assert caught.value.code == "INVALID_ARGUMENT"
  assert client.ready()  # the server outlived it
