"""What an exported file says about itself, in JSON: a metadata entry of a .tflite file, a file inside a SavedModel folder.

Interpreters and servers pass over both.
"""

import json
import pathlib

import tf_imgtrans
from tf_imgtrans.core.files import read_bytes, write_json
from tf_imgtrans.core.networks import checked_task, digest, task_of
from tf_imgtrans.export.flatbuffer import LiteFile, read_lite, with_metadata

NAME = "tf_imgtrans"
_INSIDE = pathlib.Path("assets.extra", f"{NAME}.json")  # of a SavedModel: beside the warm-up; loaders leave it alone
FORMAT = 1  # of the JSON; raised when a field changes its meaning


def describe(generator, precision, height=None, width=None, noise=None, strength=1.0, **more):
  """The description of an export.

  Args:
    generator: keras.Model from images to images.
    precision: str.
    height, width: ints of a fixed size, or None for any.
    noise: the mode that was asked for, as `to_tflite` takes it.
    strength: float in [0, 1]: the share of the model's image that a client is to show, the rest being the input; the
      graph itself does not depend on it.
    **more: further fields of JSON values.
  Returns:
    dict of JSON values: format, package, version, precision, value_range, layout, channel_order, scale, height, width
    (null is any), noise ("none" of a network that draws none), weights_sha256 of the source, task (null where it is
    unknown).
  """
  return {
      "format": FORMAT, "package": NAME, "version": tf_imgtrans.__version__, "precision": precision,
      "value_range": [0.0, 1.0], "layout": "NHWC", "channel_order": "RGB", "scale": int(getattr(generator, "scale", 1)),
      "height": height, "width": width, "noise": effective_noise(generator, noise), "weights_sha256": digest(generator),
      "task": task_of(generator), "strength": float(strength), **more,
  }


def effective_noise(generator, noise=None):
  """The noise of an exported graph: "fixed", "random", "off", or "none" of a network that draws none.

  Without a mode it is the generator's own, but "fixed" in the place of "random" (core.networks.noise_mode).
  """
  if not hasattr(generator, "noise"):
    return "none"
  return noise or ("off" if generator.noise == "off" else "fixed")


def add_description(content, description):
  """The bytes of a .tflite file with the description and its names of signatures and tensors inside."""
  lite = read_lite(content)
  whole = {**description, "signatures": list(lite.signatures),
           "input": lite.inputs[0].described(), "output": lite.outputs[0].described()}
  return with_metadata(content, NAME, json.dumps(whole).encode())


def write_description(folder, description):
  """Writes the description into a SavedModel folder."""
  write_json(pathlib.Path(folder) / _INSIDE, description)


def read_description(source: bytes | str | pathlib.Path | LiteFile) -> dict | None:
  """The description inside a .tflite file or a SavedModel folder.

  Args:
    source: bytes or path of a .tflite file, flatbuffer.LiteFile, or path of a SavedModel folder.
  Returns:
    dict, or None where there is none.
  Raises:
    ValueError: no .tflite file, or a description that is no JSON.
  """
  if isinstance(source, (str, pathlib.Path)) and pathlib.Path(source).is_dir():
    inside = pathlib.Path(source) / _INSIDE
    return parse_description(read_bytes(inside), inside) if inside.is_file() else None
  lite = source if hasattr(source, "metadata") else read_lite(source)
  return parse_description(lite.metadata[NAME], f"the metadata entry {NAME}") if NAME in lite.metadata else None


def parse_description(text, place):
  """A description, whose fields that count here are what they should be.

  Args:
    text: str or bytes of JSON.
    place: where it stands, for messages.
  Raises:
    ValueError: something else, as in a damaged file.
  """
  try:
    found = json.loads(text)
    if not isinstance(found, dict):
      raise ValueError(f"a {type(found).__name__}, no JSON object")
    checked_task(found.get("task"))
    strength = found.get("strength", 1.0)
    if not isinstance(strength, (int, float)) or not 0 <= strength <= 1:
      raise ValueError(f"strength is {strength!r}: expected 0 to 1")
  except (ValueError, RecursionError) as error:
    raise ValueError(f"{place} is no description of tf_imgtrans, or damaged: {error}") from error
  return found
