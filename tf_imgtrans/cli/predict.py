"""`tf-imgtrans predict`: runs a model on pictures."""

import pathlib
import sys
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.startup import start_tensorflow

Inputs = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT [INPUT ...]")]


def predict(inputs: Inputs, model: str, out: pathlib.Path,
            suffix: Literal[".png", ".jpg", ".webp"] = ".png", scale: int | None = None):
  """Run a model on pictures of any size: OUT/NAME.png for each.

  Reads PNG, JPEG, WebP, TIFF, BMP and GIF, 8 or 16 bits, grey or colour; turns them upright by their EXIF orientation
  and drops alpha. A picture that cannot be read is named and the others are done; the exit status is then 1. Inputs are
  never overwritten.

  Example: tf-imgtrans predict --model runs/iphone --out enhanced photo.jpg holiday/ 'more/*.png'

  Args:
    inputs: pictures, folders and quoted patterns.
    model: .keras file, run folder, SavedModel folder, .tflite file or a name in saved_models/.
    out: folder for the results.
    suffix: kind of file to write.
    scale: how many times as high and wide the results are, where that is less than what the model makes: blocks of its
      pixels are averaged. Of a model of progressive super-resolution, generator_x2.keras and its like in the run folder
      are trained for their scale.
  """
  if not inputs:
    raise ValueError("no pictures: name files, folders or quoted patterns")
  start_tensorflow()
  from tf_imgtrans.inference.models import at_scale, load_model
  from tf_imgtrans.inference.predict import predict_files

  network = load_model(model)
  report = predict_files(network if scale is None else at_scale(network, scale), list(inputs), out, suffix)
  for path, reason in report.failures:
    print(f"{path}: {reason}", file=sys.stderr)
  print(f"wrote {len(report.written)} pictures to {out}" + (f", {len(report.failures)} failed" if report.failures else ""))
  return 1 if report.failures else 0
