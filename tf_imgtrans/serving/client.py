"""A client of TensorFlow Serving for models that `to_saved_model` wrote."""

import io
import math
import os
import re
import urllib.parse
from typing import Any

import numpy as np
from PIL import Image

from tf_imgtrans.core.files import read_bytes
from tf_imgtrans.serving.errors import ServingError, understanding

_PATH = re.compile(r"(.*?)(?:/v1/models/([^/:]+)(?:/versions/(\d+))?)?/?")
_REST, _GRPC = ("http", "https"), ("grpc", "grpcs")


class Client:
  """Enhances images on a server.

  Over http:// it needs only this package, without TensorFlow; over grpc:// the extra `serving`. Arrays of floats are large
  as JSON: use gRPC for them, or send files.

  Args:
    url: str, "http://HOST:8501", "grpc://HOST:8500" (the ports of TensorFlow Serving), or with s for TLS; REST addresses
      may end in /v1/models/NAME or /v1/models/NAME/versions/VERSION.
    name: str, the model's name on the server, if the address does not contain it.
    version: int, or None for the latest available one.
    timeout_s: float, seconds that each call may take, to the last byte of the answer.
    max_answer_bytes: int, size of the largest answer that is read; the default holds 40 million pixels as PNG, or a
      photograph of 1280x720 as JSON.
  Raises:
    ValueError: an address of another kind, no name, or a limit that is not positive.
    ModuleNotFoundError: gRPC without the extra.
  """

  def __init__(self, url: str, name: str | None = None, version: int | None = None, timeout_s: float = 60.0,
               max_answer_bytes: int = 1 << 28):
    for limit, value in (("timeout_s", timeout_s), ("max_answer_bytes", max_answer_bytes)):
      if not 0 < value < math.inf:
        raise ValueError(f"{limit} is {value}: expected a positive number")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in (*_REST, *_GRPC) or not parts.netloc:
      raise ValueError(f"{url} is no address of a server: expected http://HOST:8501 or grpc://HOST:8500")
    found = _PATH.fullmatch(parts.path)
    assert found, "every path matches"
    prefix, found_name, found_version = found.groups()
    name, version = name or found_name, version or (int(found_version) if found_version else None)
    if not name:
      raise ValueError(f"{url} names no model: give name=..., or {parts.scheme}://{parts.netloc}/v1/models/NAME")
    address = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme in _REST:
      from tf_imgtrans.serving.rest import Rest

      self.transport: Any = Rest(address + prefix, name, version, timeout_s, max_answer_bytes)
    else:
      from tf_imgtrans.serving.rpc import Grpc

      self.transport = Grpc(address, name, version, timeout_s, max_answer_bytes)

  def ready(self) -> bool:
    """Whether a version of the model is loaded: bool; False also if no server answers yet.

    Raises:
      ServingError: the server answers, but is not TensorFlow Serving.
    """
    try:
      return "AVAILABLE" in self.states().values()
    except ServingError as error:
      if error.code in ("UNAVAILABLE", "NOT_FOUND", "DEADLINE_EXCEEDED"):
        return False
      raise

  def states(self) -> dict[int, str]:
    """{version: state} of the model: dict of int to str, such as {1: "AVAILABLE", 2: "LOADING"}."""
    return self.transport.states()

  def signatures(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """{signature: ({input: dtype}, {output: dtype})}: dict, with dtypes such as "DT_STRING"."""
    return self.transport.signatures()

  def enhance(self, image: bytes | str | os.PathLike | np.ndarray) -> bytes | np.ndarray:
    """Runs the model on an image.

    Args:
      image: bytes of a JPEG, PNG, WebP or BMP file, or a str or Path of one: the server decodes it, upright, and the
        result is PNG; uint8 [H, W, 3] or [N, H, W, 3], sent as PNG; or float [H, W, 3] or [N, H, W, 3] in [0, 1].
    Returns:
      bytes of a PNG file; or uint8, or float32, of the input's rank.
    Raises:
      ValueError: an array of another shape or dtype.
      FileNotFoundError: no such file.
      ServingError: no result; the message holds the reason and the remedy.
    """
    if isinstance(image, (str, os.PathLike)):
      image = read_bytes(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
      return self._enhance_bytes([bytes(image)])[0][0]
    array = np.asarray(image)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
      raise ValueError(f"image has shape {array.shape}: expected [height, width, 3] or [N, height, width, 3]")
    batch = array if array.ndim == 4 else array[None]
    if array.dtype == np.uint8:
      result = _stacked([decoded for _, decoded in self._enhance_bytes([_encoded(each) for each in batch])])
    elif np.issubdtype(array.dtype, np.floating):
      result = _floats(self.transport.predict("image_float", "image", batch.astype(np.float32)), batch)
    else:
      raise ValueError(f"image has dtype {array.dtype}: expected uint8, or floating point in [0, 1]")
    return result if array.ndim == 4 else result[0]

  def _enhance_bytes(self, images):
    """List of (bytes, uint8 [H, W, 3]): each answer is decoded to its end before it counts as one."""
    replies = self.transport.predict("serving_default", "image_bytes", images)
    if not isinstance(replies, list) or [type(reply) for reply in replies] != [bytes] * len(images):
      raise ServingError("the server's serving_default does not return encoded images: export the model again with "
                         "tf-imgtrans export saved-model")
    return [(reply, _decoded(reply)) for reply in replies]


def _stacked(images):
  if len({image.shape for image in images}) != 1:
    raise ServingError("images of one size came back in several: the model on the server is none of images to images")
  return np.stack(images)


def _floats(answer, batch):
  with understanding("the server"):
    result = np.asarray(answer, np.float32)
  if result.ndim != 4 or result.shape[0] != len(batch) or result.shape[-1] != 3:
    raise ServingError(f"an array of shape {list(batch.shape)} came back as {list(result.shape)}: the model on the "
                       "server is none of images to images, or another program answers")
  return result


def _encoded(image):
  """uint8 [H, W, 3] as the bytes of a PNG file, with the fastest compression, as it is sent only once."""
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
  return buffer.getvalue()


def _decoded(data):
  try:
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
      return np.asarray(image.convert("RGB"))
  except Exception as error:  # Pillow has many types for damaged files
    raise ServingError(f"what came back is no whole PNG file ({type(error).__name__}: {error}): compare the server's "
                       "log") from None
