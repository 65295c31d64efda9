"""TensorFlow Serving's REST interface, with only the standard library."""

import base64
import http.client
import json
import urllib.error
import urllib.request

import numpy as np

from tf_imgtrans.serving.errors import ServingError, failure

_CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED", 413: "RESOURCE_EXHAUSTED",
          429: "UNAVAILABLE", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class Rest:
  """Calls of one model.

  Args:
    address: str, such as "http://localhost:8501".
    model: str, the model's name.
    version: int, or None for the latest.
    timeout_s: float, seconds that each call may take.
  """

  def __init__(self, address, model, version=None, timeout_s=60.0):
    self.address, self.model, self.timeout_s = address, model, timeout_s
    self.url = f"{address}/v1/models/{model}" + (f"/versions/{version}" if version else "")

  def states(self):
    """{version: state} of the model, such as {1: "AVAILABLE"}."""
    states = _part(self._call(self.url), "model_version_status", self.url)
    return {int(item["version"]): item["state"] for item in states}

  def signatures(self):
    """{signature: ({input: dtype}, {output: dtype})} with dtypes such as "DT_STRING"."""
    metadata = _part(self._call(f"{self.url}/metadata"), "metadata", self.url)
    definitions = metadata["signature_def"]["signature_def"]
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
    predictions = _part(self._call(f"{self.url}:predict", request), "predictions", self.url)
    if predictions and isinstance(predictions[0], dict):
      return [base64.b64decode(item["b64"]) for item in predictions]
    return np.asarray(predictions)

  def _call(self, url, data=None):
    """The JSON that the server answers to a GET, or to a POST of `data`."""
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
    try:
      with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
        text = answer.read()
    except urllib.error.HTTPError as error:
      raise self._failure(_CODES.get(error.code, f"HTTP {error.code}"), _message(error)) from None
    except (urllib.error.URLError, TimeoutError) as error:
      reason = getattr(error, "reason", error)
      code = "DEADLINE_EXCEEDED" if isinstance(reason, TimeoutError) else "UNAVAILABLE"
      raise self._failure(code, str(reason)) from None
    except (http.client.HTTPException, ConnectionError) as error:
      raise self._failure("UNAVAILABLE", f"the answer is not HTTP ({type(error).__name__})") from None
    try:
      return json.loads(text)
    except ValueError:
      raise ServingError(f"{url} did not answer with JSON: is it the REST port of TensorFlow Serving?") from None

  def _failure(self, code, reason):
    return failure(code, reason, self.address, self.model)


def _message(error):
  """The server's message in an HTTP error."""
  text = error.read().decode(errors="replace")
  try:
    return str(json.loads(text)["error"])
  except (ValueError, KeyError, TypeError):
    return text or str(error.reason)


def _part(answer, key, url):
  """The value under `key` of a JSON answer."""
  if not isinstance(answer, dict) or key not in answer:
    raise ServingError(f"the answer of {url} has no {key!r}: is it TensorFlow Serving, of version 2?")
  return answer[key]
