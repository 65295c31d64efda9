"""`tf-imgtrans export saved-model` and `tf-imgtrans export tflite`: export, then prove the parity."""

import pathlib
from typing import Literal

from tf_imgtrans.cli.startup import start_tensorflow


def saved_model(model: str, out: pathlib.Path, version: int = 1, noise: Literal["fixed", "random", "off"] | None = None):
  """Export a SavedModel for TensorFlow Serving: OUT/VERSION/.

  Prints the difference to the source model on a photograph; exit status 1 when it is above the tolerance.

  Example: tf-imgtrans export saved-model --model runs/iphone --out serving/enhancer

  Args:
    model: .keras file, run folder or a name in saved_models/.
    out: the model's folder on the server.
    version: its number; a server takes the highest.
    noise: what noise there is; else the model's own, but a fixed one in the place of a random one, which would give a
      picture of its own at every call.
  """
  source = _keras_source(model)
  from tf_imgtrans.export.saved_model import to_saved_model

  folder = to_saved_model(source.keras_model, out, version, noise)
  return _report(source, folder, "float32", noise, [_photograph(), _photograph(301, 403)])


def tflite(model: str, out: pathlib.Path, precision: Literal["float32", "float16"] = "float32",
           height: int | None = None, width: int | None = None, noise: Literal["fixed", "random", "off"] | None = None):
  """Export a .tflite file for phones, with built-in operations only.

  Prints the difference to the source model on a photograph; exit status 1 when it is above the tolerance.

  Example: tf-imgtrans export tflite --model runs/iphone --out enhancer.tflite --height 720 --width 1280

  Args:
    model: .keras file, run folder or a name in saved_models/.
    out: file to write, ending in .tflite.
    precision: float16 halves the file.
    height: fixed height in pixels; without it the file takes any size.
    width: fixed width in pixels.
    noise: what noise there is; else the model's own, but a fixed one in the place of a random one, which would give a
      picture of its own at every call.
  """
  source = _keras_source(model)
  from tf_imgtrans.export.tflite import to_tflite

  to_tflite(source.keras_model, out, precision, height, width, noise)
  photographs = [_photograph(height, width)] if height else [_photograph(), _photograph(301, 403)]
  return _report(source, out, precision, noise, photographs)


def _keras_source(model):
  start_tensorflow()
  from tf_imgtrans.inference.models import load_model

  source = load_model(model)
  if source.keras_model is None:
    raise ValueError(f"{source.path} is exported already ({source.kind}): export from the .keras file or the run folder")
  return source


def _photograph(height=None, width=None):
  """The embedded held-out photograph, scaled to a size when one is given."""
  import cv2

  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.data.embedded import held_out_photograph

  image = read_image(held_out_photograph())
  return image if height is None else cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _report(source, path, precision, noise, photographs):
  """Prints where the export lies and how far it is from its source; the exit status."""
  from tf_imgtrans.core.networks import noise_mode
  from tf_imgtrans.export.parity import measure_parity
  from tf_imgtrans.inference.models import load_model

  print(f"wrote {path} ({size_of(path) / 1e6:.2f} MB)")
  if noise == "random":
    print("noise is random: two runs differ, so the difference to the source model is not measured")
    return 0
  with noise_mode(source.keras_model, noise):
    parity = measure_parity(source, load_model(path), photographs, precision)
  print(parity)
  return 0 if parity.within_tolerance else 1


def size_of(path):
  """Bytes of a file, or of all files in a folder."""
  path = pathlib.Path(path)
  return path.stat().st_size if path.is_file() else sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
