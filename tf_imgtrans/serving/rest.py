"""TensorFlow Serving's REST interface, of a server that may be slow, broken or hostile."""

import asyncio
import base64
import json
import urllib.parse
from concurrent import futures

import numpy as np

from tf_imgtrans.serving.errors import ServingError, failure, understanding

_CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED", 413: "RESOURCE_EXHAUSTED",
          429: "UNAVAILABLE", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
_OK, _REDIRECTS, _ERRORS = 200, 300, 400
_MOST_OF_AN_ERROR = 1 << 16  # bytes that are read of the text of an error


class Rest:
  """Calls of one model. No redirect is followed, and each call has a deadline for all of it.

  Args:
    address: str, such as "http://localhost:8501".
    model: str, the model's name.
    version: int, or None for the latest.
    timeout_s: float, seconds that each call may take, from the name's look-up to the last byte.
    max_answer_bytes: int, size of the largest answer that is read.
  """

  def __init__(self, address, model, version, timeout_s, max_answer_bytes):
    self.address, self.model, self.timeout_s, self.most = address, model, timeout_s, max_answer_bytes
    self.url = f"{address}/v1/models/{urllib.parse.quote(model, safe='')}" + (f"/versions/{version}" if version else "")

  def states(self):
    """{version: state} of the model, such as {1: "AVAILABLE"}."""
    with self._understanding():
      return {int(item["version"]): str(item["state"]) for item in self._call(self.url, "model_version_status")}

  def signatures(self):
    """{signature: ({input: dtype}, {output: dtype})} with dtypes such as "DT_STRING"."""
    with self._understanding():
      definitions = self._call(f"{self.url}/metadata", "metadata")["signature_def"]["signature_def"]
      return {name: tuple({key: tensor["dtype"] for key, tensor in definition.get(side, {}).items()}
                          for side in ("inputs", "outputs"))
              for name, definition in definitions.items() if not name.startswith("__")}

  def predict(self, signature, name, value):
    """Runs a signature of one input and one output.

    Args:
      signature: str.
      name: str, the input's name.
      value: list of bytes, or an array whose first axis is the batch.
    Returns:
      list of bytes, or a float64 or int64 array, as JSON has no other number types.
    """
    instances = [{name: {"b64": base64.b64encode(item).decode()} if isinstance(item, bytes) else item.tolist()}
                 for item in value]
    request = json.dumps({"signature_name": signature, "instances": instances}).encode()
    with self._understanding():
      predictions = self._call(f"{self.url}:predict", "predictions", request)
      if predictions and isinstance(predictions[0], dict):
        return [base64.b64decode(item["b64"], validate=True) for item in predictions]
      return np.asarray(predictions)

  def _call(self, url, key, data=None):
    """The value under `key` of the JSON that the server answers to a GET, or to a POST of `data`."""
    status, location, text = self._exchange(url, data)
    if _REDIRECTS <= status < _ERRORS:
      raise self._failure(f"HTTP {status}", f"it sends the call on to {location}, which is not followed; if that is your "
                                            "server, give that address")
    if status != _OK:
      raise self._failure(_CODES.get(status, f"HTTP {status}"), _message(text, status))
    try:
      answer = json.loads(text)
    except (ValueError, RecursionError):
      raise ServingError(f"{url} did not answer with JSON: is it the REST port of TensorFlow Serving?") from None
    if not isinstance(answer, dict) or key not in answer:
      raise ServingError(f"the answer of {url} has no {key!r}: is it TensorFlow Serving, of version 2?")
    return answer[key]

  def _exchange(self, url, data):
    """(status, address that the call is sent on to, bytes) of the answer."""
    import httpx

    try:
      return _run(lambda: asyncio.wait_for(_ask(url, data, self.most), self.timeout_s))
    except (TimeoutError, asyncio.TimeoutError):
      raise self._failure("DEADLINE_EXCEEDED", f"{self.timeout_s:g} s are over") from None
    except httpx.ConnectError as error:
      raise self._failure("UNAVAILABLE", str(error) or "no connection") from None
    except _TooLarge:
      raise self._failure("TOO_LARGE", f"its answer has more than {self.most:,} bytes; if that is right, give a larger "
                                       "max_answer_bytes, or use gRPC for arrays of floats") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ImportError, UnicodeError) as error:
      raise self._failure("UNAVAILABLE", f"the answer is not HTTP ({type(error).__name__}: {error})") from None

  def _understanding(self):
    return understanding(self.url)

  def _failure(self, code, reason):
    return failure(code, reason, self.address, self.model)


class _TooLarge(Exception):
  """An answer is larger than what is read."""


async def _ask(url, data, most):
  """One exchange; nothing is unpacked, so that what is counted is what is kept."""
  import httpx

  headers = {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if data else {})
  async with httpx.AsyncClient(timeout=None, headers=headers) as client:  # the caller has the deadline
    async with client.stream("POST" if data else "GET", url, content=data) as answer:
      failed, content = answer.status_code != _OK, bytearray()
      async for part in answer.aiter_raw():
        content += part
        if failed and len(content) > _MOST_OF_AN_ERROR:
          break
        if len(content) > most:
          raise _TooLarge
      return answer.status_code, answer.headers.get("location", "nowhere"), bytes(content)


def _run(make):
  """The result of an awaitable, made in a loop of its own; in a thread where a loop runs already, as in a notebook."""
  async def run():
    return await make()

  try:
    asyncio.get_running_loop()
  except RuntimeError:
    return asyncio.run(run())
  with futures.ThreadPoolExecutor(1) as aside:
    return aside.submit(lambda: asyncio.run(run())).result()


def _message(text, status):
  """The server's message in an HTTP error."""
  text = text.decode(errors="replace")
  try:
    return str(json.loads(text)["error"])
  except (ValueError, KeyError, TypeError, RecursionError):
    return text or f"HTTP {status}"
