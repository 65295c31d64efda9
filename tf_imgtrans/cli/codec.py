"""`tf-imgtrans compress` and `tf-imgtrans decompress`: images as files of a few exact pixels, and back."""

import contextlib
import math
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.files import read_bytes
from tf_imgtrans.core.startup import program, start_tensorflow

Sampling = Literal["edge", "random"]
Image = Annotated[pathlib.Path, tyro.conf.Positional, tyro.conf.arg(metavar="INPUT")]
Packed = Annotated[pathlib.Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]


def compress(image: Image, out: pathlib.Path, points: str = "1%", sampling: Sampling = "edge", seed: int = 0):
  """Keep a few pixels of an image: their places and their exact 8-bit colours, in an .xgp file.

  Prints bytes, bits per pixel of the image, and the number of points. `decompress` makes an image again.

  Example: tf-imgtrans compress photo.png --points 2% --out photo.xgp

  Args:
    image: image of any size and kind.
    out: file to write, ending in .xgp.
    points: share of pixels kept, such as 1% or 0.01.
    sampling: whether pixels are drawn mostly from edges, or all alike.
    seed: of the drawing, 0 to 2147483647.
  """
  share = parse_share(points)
  if out.suffix != ".xgp":
    raise ValueError(f"out is {out}: expected a file name that ends in .xgp")
  if not 0 <= seed < 2 ** 31:
    raise ValueError(f"seed is {seed}: expected 0 to 2147483647")
  from tf_imgtrans.core.files import write_bytes
  from tf_imgtrans.core.images import read_uint8
  from tf_imgtrans.papers.x_gans import codec

  pixels = read_uint8(image)
  start_tensorflow()
  from tf_imgtrans.papers.x_gans.points import sample

  mask = sample(pixels, share, sampling, seed)
  height, width = mask.shape
  if not mask.any():
    raise ValueError(f"points is {points}: no pixel of {width}x{height} was drawn; keep a larger share")
  with _missing_package_as_wrong_call():
    data = codec.encode(pixels, mask)
  write_bytes(out, data)
  print(f"wrote {out}: {len(data):,} bytes, {8 * len(data) / mask.size:.4f} bits per pixel, {mask.sum():,} points of "
        f"{width}x{height} pixels")
  print(f"next: {program()} decompress {out} --model x_gans --out {out.stem}_rebuilt.png")


def decompress(file: Packed, out: pathlib.Path, model: str | None = None, interpolate: bool = False,
               keep_points: bool = False, mask: pathlib.Path | None = None):
  """Make an image of an .xgp file: rebuilt by a model, interpolated between its pixels, or the kept pixels on white.

  Example: tf-imgtrans decompress photo.xgp --model x_gans --out rebuilt.png

  Args:
    file: .xgp file, as `compress` writes it.
    out: image to write; a .png where pixels are to stay exact, otherwise .jpg and .webp too.
    model: x_gans, which comes with the package, or a run folder, .keras file, exported file or folder; it gets the kept
      pixels on white.
    interpolate: interpolate linearly between the kept pixels, without a model.
    keep_points: put the exact kept pixels into what the model gives.
    mask: image to write of where pixels were kept, white, and where not, black; a .png.
  """
  if keep_points and model is None:
    raise ValueError("keep_points puts the kept pixels into what a model gives: name the model by --model")
  for name, path in (("out", out if keep_points or model is None else None), ("mask", mask)):
    if path is not None and path.suffix.lower() != ".png":
      raise ValueError(f"{name} is {path}: expected a .png, as the other kinds change pixels")
  if interpolate and model is not None:
    raise ValueError(f"interpolate rebuilds without a model, and model is {model}: give one of the two")
  if mask is not None and mask.resolve() == out.resolve():
    raise ValueError(f"out and mask are both {out}: expected two files")
  import numpy as np

  from tf_imgtrans.core.images import to_float32, write_image

  sparse, kept = _read(file)
  image = sparse
  if model is not None:
    start_tensorflow()
    from tf_imgtrans.inference.models import load_model
    from tf_imgtrans.papers.x_gans.points import rebuild

    network = load_model(model)
    _check_task(model, network)
    image = rebuild(network, sparse, kept, keep_points)
  elif interpolate:
    from tf_imgtrans.baselines import classical

    image = classical.interpolate(to_float32(sparse), kept[..., None])
  write_image(out, image)
  if mask is not None:
    write_image(mask, np.repeat(np.uint8(255) * kept[..., None], 3, axis=-1))
  print(f"wrote {out}: {image.shape[1]}x{image.shape[0]} pixels of {kept.sum():,} points")


def _check_task(model, network):
  """Raises ValueError where a model's file says that it was trained for something else than to rebuild from points."""
  from tf_imgtrans.evaluation import own_task

  task = own_task(model, network)
  if task is None:
    return
  remedy = "take --model x_gans, or --interpolate"
  if task.name != "reconstruction":
    raise ValueError(f"model {model} was trained for {task.name.replace('_', ' ')}, not to rebuild an image from kept "
                     f"pixels: {remedy}")
  if (corruption := task.settings["corruption"]) not in ("random_points", "edge_points"):
    raise ValueError(f"model {model} was trained for the corruption {corruption}, not for scattered points: {remedy}")


def parse_share(points):
  """The share that "1%" and "0.01" stand for: float in (0, 1].

  Raises:
    ValueError: something else; also numbers from 1 on, which may have been meant as percents.
  """
  text = points.strip()
  try:
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
  except ValueError:
    share = math.nan
  if not 0 < share <= 1 or share == 1 and not text.endswith("%"):
    raise ValueError(f"points is {points!r}: expected a share of the pixels such as 1% or 0.01; 100% keeps them all")
  return share


def _read(file):
  """(sparse image, mask) of an .xgp file; errors name the file."""
  from tf_imgtrans.papers.x_gans import codec

  try:
    data = read_bytes(file)
  except FileNotFoundError:
    raise FileNotFoundError(f"{file}: no such file") from None
  with _missing_package_as_wrong_call():
    try:
      return codec.decode(data)
    except codec.UnreadableFile as error:
      raise ValueError(f"{file}: {error}") from None


@contextlib.contextmanager
def _missing_package_as_wrong_call():
  try:
    yield
  except ModuleNotFoundError as error:
    raise ValueError(str(error)) from None
