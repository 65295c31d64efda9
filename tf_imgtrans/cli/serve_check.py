"""`tf-imgtrans serve-check`: is a model served, has it the right signatures, and does an image come back?"""

import io
import pathlib
import statistics
import time
from typing import Annotated

import tyro

from tf_imgtrans.core.files import read_bytes
from tf_imgtrans.core.startup import start_tensorflow

Url = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="URL")]
Image = Annotated[pathlib.Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[IMAGE]")]

# signature -> (input, its dtype), the same for the output
EXPECTED = {"serving_default": {"image_bytes": "DT_STRING"}, "image_uint8": {"image": "DT_UINT8"},
            "image_float": {"image": "DT_FLOAT"}}


def serve_check(url: Url, image: Image = None, /, name: str | None = None, version: int | None = None,
                requests: int = 5, timeout_s: float = 60.0, out: pathlib.Path | None = None):
  """Check a model on TensorFlow Serving: readiness, signatures, and an image there and back.

  Exit status 1 when something is amiss, with the remedy.

  Example: tf-imgtrans serve-check http://localhost:8501 --name enhancer photo.jpg

  Args:
    url: http://HOST:8501 for REST, grpc://HOST:8500 for gRPC (needs the extra `serving`).
    image: JPEG, PNG, WebP or BMP file; else a ramp of 256x256 pixels.
    name: the model's name, as in models.config; else from an address that ends in /v1/models/NAME.
    version: number of the model; else the latest that is ready.
    requests: how often the image is sent, for the latency.
    timeout_s: seconds that each call may take, to the last byte of the answer.
    out: file for the enhanced image, a PNG.
  """
  from tf_imgtrans.serving.client import Client
  from tf_imgtrans.serving.errors import ServingError

  if requests < 1:
    raise ValueError(f"requests is {requests}: expected at least 1")
  if url.startswith("grpc"):  # its messages are those of TensorFlow; REST does without
    start_tensorflow()
  content = _ramp() if image is None else read_bytes(image)
  try:
    client = Client(url, name, version, timeout_s)
  except ModuleNotFoundError as error:
    raise ValueError(str(error)) from None
  checks = {"ready": lambda: _check_states(client), "signatures": lambda: _check_signatures(client),
            "image": lambda: _check_image(client, content, requests, out)}
  failures = 0
  for title, check in checks.items():
    try:
      print(f"{title:<11}{check()}", flush=True)
    except ServingError as error:
      failures += 1
      print(f"{title:<11}FAILED: {error}", flush=True)
      if title == "ready":  # the rest would fail for the same reason
        break
  return 1 if failures else 0


def _check_states(client):
  """Says which versions there are."""
  from tf_imgtrans.serving.errors import ServingError, printable

  states = client.states()
  text = ", ".join(f"version {version} {printable(state)}" for version, state in sorted(states.items())) or "no version"
  if "AVAILABLE" not in states.values():
    raise ServingError(f"{text}: wait until it is loaded, or read the server's log (docker compose logs)")
  return text


def _check_signatures(client):
  """Says which of the expected signatures there are."""
  from tf_imgtrans.serving.errors import ServingError

  found = client.signatures()
  wrong = [name for name, tensors in EXPECTED.items() if found.get(name) != (tensors, tensors)]
  if wrong:
    raise ServingError(f"{', '.join(wrong)} missing or of other tensors: export the model again with tf-imgtrans export "
                       "saved-model")
  return ", ".join(EXPECTED)


def _check_image(client, content, requests, out):
  """Sends the image several times; says its sizes and the latency."""
  from PIL import Image, ImageOps

  from tf_imgtrans.core.files import write_bytes
  from tf_imgtrans.serving.errors import ServingError

  times_ms = []
  for _ in range(requests):
    start = time.perf_counter()
    reply = client.enhance(content)
    times_ms.append(1000 * (time.perf_counter() - start))
  enhanced = Image.open(io.BytesIO(reply), formats=["PNG"])
  given = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
  factors = {enhanced.width / given.width, enhanced.height / given.height}
  if len(factors) > 1 or factors.pop() % 1:
    raise ServingError(f"{given.width}x{given.height} pixels came back as {enhanced.width}x{enhanced.height}: the model on "
                       "the server is none of images to images, or another program answers")
  if out is not None:
    write_bytes(out, reply)
  return (f"{given.width}x{given.height} ({len(content) / 1e3:.0f} kB) to {enhanced.width}x{enhanced.height} "
          f"({len(reply) / 1e3:.0f} kB); latency {times_ms[0]:.0f} ms at first, "
          f"median {statistics.median(times_ms):.0f} ms of {requests}")


def _ramp():
  """A PNG whose red rises to the right and whose green rises downwards."""
  from PIL import Image

  ramp = Image.linear_gradient("L")  # 256x256, black at the top
  buffer = io.BytesIO()
  Image.merge("RGB", (ramp.rotate(90), ramp, ramp.point(lambda value: 255 - value))).save(buffer, format="PNG")
  return buffer.getvalue()
