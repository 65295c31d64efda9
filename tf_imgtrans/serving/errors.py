"""Errors between a client and a server, with the remedy in the message."""

import contextlib
import re

MOST_SHOWN = 1000  # characters of what a server says


def printable(text):
  """Text as it may go to a screen: no control characters, which could steer a terminal, and no more than is read.

  >>> printable("red: \\x1b[31m")
  'red: \\\\x1b[31m'
  """
  shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text[:MOST_SHOWN])
  return shown if len(text) <= MOST_SHOWN >= len(shown) else f"{shown[:MOST_SHOWN]} ..."


class ServingError(OSError):
  """A request that got no result; `code` is the server's name for the kind, such as "INVALID_ARGUMENT"."""

  def __init__(self, message: str, code: str = "UNKNOWN"):
    super().__init__(printable(message))
    self.code = code


@contextlib.contextmanager
def understanding(address):
  """Turns what goes wrong with reading an answer into a ServingError."""
  try:
    yield
  except ServingError:
    raise
  except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
    raise ServingError(f"{address} does not answer as TensorFlow Serving does ({type(error).__name__}: {error}); is it "
                       "another program, or one behind a proxy?") from None


def plain_reason(text):
  """The readable part of a graph's error message.

  >>> plain_reason("assertion failed: [image is] [1] [x] [2] [pixels]\\n\\t [[{{node Assert}}]]")
  'image is 1 x 2 pixels'
  """
  asserted = re.search(r"assertion failed:((?:\s*\[[^\[\]]*\])+)", text)
  if asserted:
    return " ".join(re.findall(r"\[([^\[\]]*)\]", asserted.group(1)))
  lines = [re.sub(r"^\{\{.*?\}\}\s*", "", line.strip()) for line in text.splitlines()]
  lines = [line for line in lines if line and not line.startswith(("[[", "Detected at", "Graph execution", "<stack"))]
  return lines[0] if lines else "no reason was given"


def failure(code, reason, address, model):
  """The ServingError for a status code of gRPC, to which REST errors are mapped.

  Args:
    code: str, such as "NOT_FOUND".
    reason: str, the server's message.
    address: str, of the server.
    model: str, the model's name.
  """
  reason = plain_reason(reason)
  remedies = {
      "INVALID_ARGUMENT": f"{model} refused the request: {reason}",
      "NOT_FOUND": f"{address} has no such model or version: {reason}; compare {model!r} with the names in models.config",
      "UNAVAILABLE": f"{address} does not answer, or is still loading {model!r}: {reason}; is the server running (docker "
                     "compose up -d), and is this its port: 8501 for http://, 8500 for grpc://?",
      "TOO_LARGE": f"{address} is not read to the end: {reason}",
      "RESOURCE_EXHAUSTED": f"{address} lacks memory for the request: {reason}; make the image smaller",
      "DEADLINE_EXCEEDED": f"{address} did not answer in time: {reason}; give a longer timeout_s, or a smaller image",
  }
  return ServingError(remedies.get(code, f"{address} failed with {code}: {reason}"), code)
