"""The client against servers that are broken or hostile: an error within the deadline, bounded memory, nothing followed."""

import base64
import contextlib
import json
import socket
import threading
import time
import tracemalloc

import numpy as np
import pytest
from serving.standin import running
from serving.test_client import IMAGE, png

from tf_imgtrans.cli.main import main
from tf_imgtrans.serving.client import Client
from tf_imgtrans.serving.errors import ServingError

TIMEOUT_S = 1.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def scripted(behave):
  """A server that reads a request's head and calls behave(connection); yields (address, list of the paths asked for)."""
  with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    asked, stop = [], threading.Event()

    def serve():
      while not stop.is_set():
        with contextlib.suppress(OSError):
          connection, _ = listener.accept()
          with connection:
            head = b""
            while b"\r\n\r\n" not in head:
              head += connection.recv(1 << 16)
            asked.append(head.split()[1].decode())
            if not stop.is_set():
              behave(connection)
              connection.shutdown(socket.SHUT_WR)
              connection.settimeout(2)
              while connection.recv(1 << 16):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
      yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
      stop.set()
      with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), 1) as last:
        last.sendall(b"GET / HTTP/1.1\r\n\r\n")
      thread.join(5)


def body(content, status=b"200 OK", headers=b""):
  """Sends a whole answer."""
  content = content if isinstance(content, bytes) else json.dumps(content).encode()
  return lambda connection: connection.sendall(
      b"HTTP/1.1 " + status + b"\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(content) + content)


def drip(connection, start=b""):
  """Sends a byte now and then, each in less than the deadline."""
  connection.sendall(start)
  for _ in range(100):
    connection.sendall(b"x")
    time.sleep(TIMEOUT_S / 5)


def flood(connection, start=b""):
  """Sends without end."""
  connection.sendall(start)
  while True:
    connection.sendall(bytes(1 << 20))


def predictions(*values):
  return body({"predictions": list(values)})


def encoded(data):
  return {"b64": base64.b64encode(data).decode()}


WHOLE = png(IMAGE)
BEHAVIOURS = {
    "closes_at_once": lambda connection: None,
    "no_http": lambda connection: connection.sendall(b"220 mail.example.org ESMTP\r\n"),
    "binary": lambda connection: connection.sendall(bytes(range(256)) * 10),
    "status_line_without_end": lambda connection: connection.sendall(b"HTTP/1.1 200 OK"),
    "drips_the_status_line": drip,
    "drips_a_header": lambda connection: drip(connection, HEAD + b"X-Header: "),
    "drips_the_body": lambda connection: drip(connection, HEAD + b"Content-Length: 1000000\r\n\r\n{"),
    "drips_an_error": lambda connection: drip(connection, b"HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n"),
    "silent": lambda connection: time.sleep(TIMEOUT_S + 1),
    "headers_without_end": lambda connection: flood(connection, HEAD + b"X-Header: "),
    "body_without_end": lambda connection: flood(connection, HEAD + b"\r\n"),
    "error_without_end": lambda connection: flood(connection, b"HTTP/1.1 500 Oops\r\n\r\n"),
    "chunks_without_end": lambda connection: flood(
        connection, HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n"),
    "bad_chunk": lambda connection: connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "bad_length": lambda connection: connection.sendall(HEAD + b"Content-Length: many\r\n\r\n{}"),
    "negative_length": lambda connection: connection.sendall(HEAD + b"Content-Length: -5\r\n\r\n{}"),
    "less_than_it_says": lambda connection: connection.sendall(HEAD + b"Content-Length: 500\r\n\r\n{"),
    "packed_though_not_asked": body(b"\x1f\x8b\x08" + bytes(50), headers=b"Content-Encoding: gzip\r\n"),
    "not_utf8": body(b'{"predictions": "\xff"}'), "deep": body(b"[" * 100_000), "digits": body(b"9" * 10_000),
    "list": body([1]), "null": body(b"null"), "empty": body(b""), "nothing_predicted": predictions(),
    "null_predicted": body({"predictions": None}), "number_predicted": body({"predictions": 5}),
    "text_predicted": body({"predictions": "text"}), "no_b64": predictions({"a": 1}), "b64_number": predictions({"b64": 5}),
    "b64_damaged": predictions({"b64": "%%%"}), "two_for_one": predictions(encoded(WHOLE), encoded(WHOLE)),
    "no_png": predictions(encoded(b"text")), "torn_png": predictions(encoded(WHOLE[:len(WHOLE) // 2])),
    "png_without_pixels": predictions(encoded(WHOLE[:33] + WHOLE[-12:])),
    "huge_png": predictions(encoded(WHOLE[:16] + b"\x00\x01\x00\x00" * 2 + WHOLE[24:])),
    "error_as_list": body([1], b"400 Bad"), "error_without_text": body(b"", b"418 Teapot"),
    "status_999": body(b"{}", b"999 Odd"), "no_content": body(b"", b"204 No Content"),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
  monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_an_error_within_the_deadline(name):
  with scripted(BEHAVIOURS[name]) as (address, _):
    client = Client(address, "tiny", timeout_s=TIMEOUT_S, max_answer_bytes=1 << 24)
    start = time.monotonic()
    tracemalloc.start()
    with pytest.raises(ServingError) as caught:
      client.enhance(WHOLE)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - start < TIMEOUT_S + 1
    assert used < 100e6 and str(caught.value).isprintable() and len(str(caught.value)) < 1500


@pytest.mark.parametrize("answer", [[1], 5, None, ["a"], [{"version": "one", "state": "AVAILABLE"}],
                                    [{"state": "AVAILABLE"}]])
def test_odd_states_and_signatures(answer):
  with scripted(body({"model_version_status": answer, "metadata": answer})) as (address, _):
    client = Client(address, "tiny", timeout_s=TIMEOUT_S)
    for ask in (client.states, client.signatures):
      with pytest.raises(ServingError, match="does not answer as TensorFlow Serving does"):
        ask()


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/elsewhere", "ftp://example.org/file", "file:///etc/passwd"])
def test_nothing_is_followed(status, place):
  with scripted(lambda connection: None) as (other, asked_there):
    place = place.format(port=other.rpartition(":")[2])
    with scripted(body(b"", status, f"Location: {place}\r\n".encode())) as (address, asked):
      with pytest.raises(ServingError, match="is not followed") as caught:
        Client(address, "tiny", timeout_s=TIMEOUT_S).enhance(WHOLE)
      assert place in str(caught.value) and len(asked) == 1
    assert not asked_there


def test_what_a_server_says_cannot_steer_the_terminal(capsys):
  for said in ({"error": "\x1b]0;owned\x07\x1b[2J red"},
               {"model_version_status": [{"version": 1, "state": "\x1b[31m\u202e"}]}):
    with scripted(body(said, b"400 Bad" if "error" in said else b"200 OK")) as (address, _):
      with pytest.raises(SystemExit, match="1"):
        main(["serve-check", address, "--name", "tiny", "--timeout_s", "1"])
    shown = capsys.readouterr()
    assert (shown.out + shown.err).replace("\n", "").isprintable() and "\\x1b" in shown.out


def test_serve_check_ends_in_time_and_without_a_traceback(capsys):
  with scripted(BEHAVIOURS["drips_the_body"]) as (address, _):
    start = time.monotonic()
    with pytest.raises(SystemExit, match="1"):
      main(["serve-check", address, "--name", "tiny", "--timeout_s", "1"])
    assert time.monotonic() - start < 3
  assert "did not answer in time" in capsys.readouterr().out


def test_a_name_stays_a_name():
  with scripted(body({"model_version_status": []})) as (address, asked):
    Client(address, "a b/../c?d#e", timeout_s=TIMEOUT_S).states()
  assert asked[0] == "/v1/models/a%20b%2F..%2Fc%3Fd%23e"


def test_within_a_running_loop():
  """As in a notebook."""
  import asyncio

  async def cell(address):
    return Client(address, "tiny", timeout_s=TIMEOUT_S).states()

  with scripted(body({"model_version_status": [{"version": "3", "state": "AVAILABLE"}]})) as (address, _):
    assert asyncio.run(cell(address)) == {3: "AVAILABLE"}


@pytest.mark.parametrize("limit, value", [("timeout_s", 0), ("timeout_s", float("nan")), ("timeout_s", -1),
                                          ("max_answer_bytes", 0)])
def test_limits(limit, value):
  with pytest.raises(ValueError, match=f"{limit} is .*: expected a positive number"):
    Client("http://localhost:8501", "tiny", **{limit: value})


# gRPC, whose own deadline is for the whole call.

@contextlib.contextmanager
def odd_grpc(predict):
  """A gRPC server whose Predict gives what predict(PredictResponse) fills in; yields the address."""
  grpc = pytest.importorskip("grpc")
  apis = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc", reason="gRPC needs the extra serving")
  from concurrent import futures

  from tensorflow_serving.apis import predict_pb2

  class Predictions(apis.PredictionServiceServicer):
    def Predict(self, request, context):
      answer = predict_pb2.PredictResponse()
      predict(answer)
      return answer

  server = grpc.server(futures.ThreadPoolExecutor(2))
  apis.add_PredictionServiceServicer_to_server(Predictions(), server)
  with running(server) as address:
    yield address


def _claims_much(answer):
  answer.outputs["image_bytes"].dtype = 1
  for side in (1 << 20, 1 << 20):
    answer.outputs["image_bytes"].tensor_shape.dim.add(size=side)
  answer.outputs["image_bytes"].float_val.append(1.0)


def _text(*values):
  def fill(answer):
    import tensorflow as tf

    answer.outputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(values)))

  return fill


def _odd_type(answer):
  answer.outputs["image_bytes"].dtype = 21


@pytest.mark.parametrize("predict, message", [
    (lambda answer: None, "does not answer as"), (_claims_much, "are said to hold"), (_odd_type, "does not answer as"),
    (_text(b"text"), "no whole PNG"), (_text(WHOLE[:60]), "no whole PNG"), (_text(WHOLE, WHOLE), "export the model again"),
    (_text(bytes(5 << 20)), "has more than 4,194,304 bytes"), (lambda answer: time.sleep(TIMEOUT_S + 1), "in time"),
], ids=["nothing", "claims_much", "odd_type", "no_png", "torn_png", "two", "too_large", "late"])
def test_odd_answers_over_grpc(predict, message):
  with odd_grpc(predict) as address:
    with pytest.raises(ServingError, match=message):
      Client(address, "tiny", timeout_s=TIMEOUT_S, max_answer_bytes=4 << 20).enhance(WHOLE)


def test_images_of_two_sizes():
  replies = [encoded(png(IMAGE)), encoded(png(IMAGE[:10]))]
  with scripted(predictions(*replies)) as (address, _):
    with pytest.raises(ServingError, match="images of one size came back in several"):
      Client(address, "tiny", timeout_s=TIMEOUT_S).enhance(np.stack([IMAGE, IMAGE]))
