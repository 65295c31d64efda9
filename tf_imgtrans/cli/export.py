"""`tf-imgtrans export saved-model` and `tf-imgtrans export tflite`: export, then prove the parity."""

import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.inspect_file import gpu_lines
from tf_imgtrans.core.startup import start_tensorflow

Noise = Literal["fixed", "random", "off"]
Precision = Literal["float32", "float16", "dynamic_int8", "int8", "int16x8"]
_ANY_SIZES = ((None, None), (301, 403), (200, 304))  # that a file of any size is measured at; two of them odd or small
_CALIBRATION_SIZE = (256, 256)  # of a file of any size
_MOST_REPRESENTATIVE = 100  # images; more change the ranges little


def saved_model(model: str, out: pathlib.Path, version: int = 1, noise: Noise | None = None,
                max_pixels: int = 1 << 24, serving_files: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False):
  """Export a SavedModel for TensorFlow Serving: OUT/VERSION/.

  Its signatures take encoded images (serving_default: JPEG, PNG, WebP or BMP in, PNG out), uint8 and float32 images.
  Prints the difference to the source model on photographs; exit status 1 when it is above the tolerance.

  Example: tf-imgtrans export saved-model --model runs/iphone --out serving/enhancer

  Args:
    model: .keras file, run folder or a name in saved_models/.
    out: the model's folder on the server.
    version: its number; a server takes the highest.
    noise: what noise there is; else the model's own, but a fixed one in the place of a random one, which would give a
      image of its own at every call.
    max_pixels: encoded images with more are refused by their header, before they are decoded.
    serving_files: write models.config, batching.config and compose.yaml for TensorFlow Serving beside OUT, too.
  """
  source = _keras_source(model)
  from tf_imgtrans.export.saved_model import to_saved_model
  from tf_imgtrans.export.serving_assets import write_serving_files

  folder = to_saved_model(source.keras_model, out, version, noise, max_pixels)
  print(f"wrote {folder} ({size_of(folder) / 1e6:.2f} MB)")
  if serving_files:
    print(*(f"wrote {out.parent / path.name}" for path in write_serving_files(out)), sep="\n")
  parity = _measure(source, folder, "float32", noise, _photographs(None, None), None)
  return 0 if parity is None or parity.within_tolerance else 1


def tflite(model: str, out: pathlib.Path, precision: Precision = "float32", height: int | None = None,
           width: int | None = None, sizes: tuple[str, ...] = (), noise: Noise | None = None,
           representative: pathlib.Path | None = None, integer_io: bool = False, convolutions_only: bool = False,
           upsample: Literal["depth_to_space", "conv"] = "depth_to_space", photographs: pathlib.Path | None = None,
           targets: pathlib.Path | None = None):
  """Export a .tflite file for phones, with built-in operations only.

  Prints the difference to the source model on photographs, and what a phone's GPU would leave to the CPU. Outside the
  tolerance the file is renamed to NAME.outside_tolerance.tflite and the exit status is 1: float32 differs by 0.001 at
  most, float16 by 2/255, the others cost 0.5 dB of the PSNR against --targets, or reach 32 dB to the source model.
  Everything is in export_report.json beside the file.

  Example: tf-imgtrans export tflite --model runs/iphone --out enhancer.tflite --sizes 720x1280 1080x1920

  Args:
    model: .keras file, run folder or a name in saved_models/.
    out: file to write, ending in .tflite; with --sizes NAME_720x1280.tflite and so on.
    precision: float16 halves the file, dynamic_int8 quarters it; int8 and int16x8 compute in integers.
    height: fixed height in pixels; without it the file takes any size.
    width: fixed width in pixels.
    sizes: several fixed sizes, each a height and width such as 720x1280, a file for each.
    noise: what noise there is; else the model's own, but a fixed one in the place of a random one, which would give a
      image of its own at every call.
    representative: folder of images that int8 and int16x8 take the ranges of activations from, best of the kind that
      the model will see; else photographs that are at hand.
    integer_io: int8 only: images in and out are uint8.
    convolutions_only: int8 only: convolutions of 3x3 and more in integers; what is between them stays float32, where 8
      bits cost some decibels.
    upsample: conv moves pixels by convolutions, for phones that refuse DEPTH_TO_SPACE; fixed sizes only.
    photographs: folder of images to measure on; else three that are at hand.
    targets: folder of what should come of --photographs, of the same names.
  """
  wanted = _sizes(height, width, sizes)
  if targets is not None and photographs is None:
    raise ValueError("--targets without --photographs: give the folder of the images that they belong to")
  source = _keras_source(model)
  from tf_imgtrans.export.quantization import CALIBRATED
  from tf_imgtrans.export.report import settle
  from tf_imgtrans.export.tflite import to_tflite

  status = 0
  for height, width in wanted:
    path = out.with_name(f"{out.stem}_{height}x{width}{out.suffix}") if sizes else out
    images = _representative(representative, height, width) if precision in CALIBRATED else None
    to_tflite(source.keras_model, path, precision, height, width, noise, images, integer_io, convolutions_only, upsample)
    print(f"wrote {path} ({size_of(path) / 1e6:.2f} MB)")
    seen = _photographs(height, width, photographs)
    parity = _measure(source, path, precision, noise, seen, targets and _targets(targets, photographs, seen, source.scale))
    place, entry = settle(path, parity)
    print("\n".join(gpu_lines(entry["gpu"])))
    if place != path:
      print(f"renamed to {place}")
      status = 1
  return status


def _sizes(height, width, sizes):
  """List of (height, width) to export for; (None, None) is any size."""
  if not sizes:
    return [(height, width)]
  if height is not None or width is not None:
    raise ValueError("--sizes beside --height or --width: give one or the other")
  found = []
  for size in sizes:
    sides = size.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
      raise ValueError(f"size {size!r}: expected a height and width in pixels such as 720x1280")
    found.append(tuple(map(int, sides)))
  return found


def _keras_source(model):
  start_tensorflow()
  from tf_imgtrans.inference.models import load_model

  source = load_model(model)
  if source.keras_model is None:
    raise ValueError(f"{source.path} is exported already ({source.kind}): export from the .keras file or the run folder")
  return source


def _fitted(image, height, width):
  """An image scaled to cover a size and cropped to it from its middle; as it is where the size is None."""
  import cv2

  if height is None:
    return image
  factor = max(height / image.shape[0], width / image.shape[1])
  rows, columns = max(height, round(image.shape[0] * factor)), max(width, round(image.shape[1] * factor))
  scaled = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
  top, left = (rows - height) // 2, (columns - width) // 2
  return scaled[top:top + height, left:left + width].clip(0, 1)


def _representative(folder, height, width):
  """Images to calibrate on."""
  from tf_imgtrans.core.images import list_images, read_image
  from tf_imgtrans.data.embedded import training_photographs

  paths = training_photographs() if folder is None else list_images(folder)
  height, width = (height, width) if height else _CALIBRATION_SIZE
  step = -(-len(paths) // _MOST_REPRESENTATIVE)  # spread over the folder, whose names often go by kind
  return [_fitted(read_image(path), height, width) for path in paths[::step]]


def _photographs(height, width, folder=None):
  """Images to measure on: those of a folder, else the embedded held-out one and two others."""
  from tf_imgtrans.core.images import list_images, read_image
  from tf_imgtrans.data.embedded import held_out_photograph, training_photographs

  if folder is not None:
    return [_fitted(read_image(path), height, width) for path in list_images(folder)]
  paths = [held_out_photograph(), *training_photographs()[:2]]
  sizes = [(height, width)] * len(paths) if height else _ANY_SIZES
  return [_fitted(read_image(path), *size) for path, size in zip(paths, sizes)]


def _targets(folder, photographs, seen, scale):
  """The targets of the photographs, at `scale` times the size at which each photograph is measured."""
  from tf_imgtrans.core.images import list_images, read_image

  targets = {path.stem: path for path in list_images(folder)}
  missing = [path.stem for path in list_images(photographs) if path.stem not in targets]
  if missing:
    raise ValueError(f"{folder} has no target for {', '.join(missing[:5])}: expected images of the same names")
  return [_fitted(read_image(targets[path.stem]), image.shape[0] * scale, image.shape[1] * scale)
          for path, image in zip(list_images(photographs), seen)]


def _measure(source, path, precision, noise, photographs, targets):
  """Prints how far an export is from its source; Parity, or None of random noise."""
  from tf_imgtrans.core.networks import noise_mode
  from tf_imgtrans.export.parity import measure_parity
  from tf_imgtrans.inference.models import load_model

  if noise == "random":
    print("noise is random: two runs differ, so the difference to the source model is not measured")
    return None
  with noise_mode(source.keras_model, noise):
    parity = measure_parity(source, load_model(path), photographs, precision, targets)
  print(f"{parity.photographs} photographs: {parity}")
  return parity


def size_of(path):
  """Bytes of a file, or of all files in a folder."""
  path = pathlib.Path(path)
  return path.stat().st_size if path.is_file() else sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
