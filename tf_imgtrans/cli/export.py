"""`tf-imgtrans export FORMAT`: export, then compare with the source model."""

import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.inspect_file import gpu_lines
from tf_imgtrans.core.formats import FORMATS
from tf_imgtrans.core.startup import start_tensorflow

Noise = Literal["fixed", "random", "off"]
Precision = Literal["float32", "float16", "dynamic_int8", "int8", "int16x8"]


def saved_model(model: str, out: pathlib.Path, version: int = 1, noise: Noise | None = None,
                max_pixels: int = 1 << 24, strength: float = 1.0,
                serving_files: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False):
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
    strength: share of the model's image that clients are to show, the rest being the input; a note for them, the graph is
      the same.
    serving_files: write models.config, batching.config and compose.yaml for TensorFlow Serving beside OUT, too.
  """
  source = _keras_source(model)
  from tf_imgtrans.export.serving_assets import write_serving_files

  exported = _export(source, "saved-model", out, _at_hand(), noise=noise, version=version, max_pixels=max_pixels,
                     strength=strength)
  if serving_files:
    print(*(f"wrote {out.parent / path.name}" for path in write_serving_files(out)), sep="\n")
  return _status(exported)


def tflite(model: str, out: pathlib.Path, precision: Precision = "float32", height: int | None = None,
           width: int | None = None, sizes: tuple[str, ...] = (), noise: Noise | None = None,
           representative: pathlib.Path | None = None, integer_io: bool = False, convolutions_only: bool = False,
           upsample: Literal["depth_to_space", "conv"] = "depth_to_space", photographs: pathlib.Path | None = None,
           targets: pathlib.Path | None = None, strength: float = 1.0):
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
      the model will see; else embedded photographs.
    integer_io: int8 only: images in and out are uint8.
    convolutions_only: int8 only: convolutions of 3x3 and more in integers; what is between them stays float32, where 8
      bits cost some decibels.
    upsample: conv moves pixels by convolutions, for phones that refuse DEPTH_TO_SPACE; fixed sizes only.
    photographs: folder of images to measure on; else three embedded ones.
    targets: folder of what should come of --photographs, of the same names.
    strength: share of the model's image that clients are to show, the rest being the input; a note for them, the graph is
      the same.
  """
  wanted = _sizes(height, width, sizes)
  if targets is not None and photographs is None:
    raise ValueError("--targets without --photographs: give the folder of the images that they belong to")
  source = _keras_source(model)
  from tf_imgtrans.core.images import list_images
  from tf_imgtrans.data.embedded import training_photographs
  from tf_imgtrans.export.photographs import photographs_of, targets_of
  from tf_imgtrans.export.photographs import representative as calibration
  from tf_imgtrans.export.quantization import CALIBRATED
  from tf_imgtrans.export.report import settle

  status = 0
  for height, width in wanted:
    path = out.with_name(f"{out.stem}_{height}x{width}{out.suffix}") if sizes else out
    options = {"precision": precision, "height": height, "width": width, "integer_io": integer_io,
               "convolutions_only": convolutions_only, "upsample": upsample, "strength": strength}
    if precision in CALIBRATED:
      paths = training_photographs() if representative is None else list_images(representative)
      options["representative"] = calibration(paths, height, width)
    seen = _at_hand(height, width) if photographs is None else photographs_of(photographs, height, width)
    beside = targets and targets_of(targets, photographs, seen, source.scale)
    exported = _export(source, "tflite", path, seen, beside, noise, **options)
    place, entry = settle(path, exported.parity)
    print("\n".join(gpu_lines(entry["gpu"])))
    if place != path:
      print(f"renamed to {place}")
    status = max(status, _status(exported))
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


def _at_hand(height=None, width=None):
  """Images to measure on where no folder is given: the embedded held-out one and two others."""
  from tf_imgtrans.data.embedded import held_out_photograph, training_photographs
  from tf_imgtrans.export.photographs import photographs_at

  return photographs_at([held_out_photograph(), *training_photographs()[:2]], height, width)


def _export(source, kind, path, photographs, targets=None, noise=None, **options):
  """Exports, and prints what was written and how far it is from its source; export.verified.Exported."""
  from tf_imgtrans.export.verified import export_model

  exported = export_model(source, kind, path, photographs, targets, noise, **options)
  print(f"wrote {exported.path} ({exported.bytes / 1e6:.2f} MB)")
  if exported.parity is None:
    print("noise is random: two runs differ, so the difference to the source model is not measured")
  else:
    print(f"{exported.parity.photographs} photographs: {exported.parity}")
  return exported


def _status(exported):
  """Exit status: 1 outside the tolerance."""
  return 0 if exported.parity is None or exported.parity.within_tolerance else 1


def _plain(entry):
  """The command of a format that has no options of its own here."""
  def command(model: str, out: pathlib.Path, noise: Noise | None = None):
    return _status(_export(_keras_source(model), entry.name, out, _at_hand(), noise=noise))

  command.__doc__ = f"""{entry.summary}

  Prints the difference to the source model on photographs; exit status 1 when it is above the tolerance.

  Example: tf-imgtrans export {entry.name} --model runs/iphone --out enhancer{entry.suffix}

  Args:
    model: .keras file, run folder or a name in saved_models/.
    out: {"file to write, ending in " + entry.suffix if entry.suffix else "folder to write"}.
    noise: what noise there is; else the model's own.
  """
  return command


def commands():
  """The commands of `tf-imgtrans export`, as `main.COMMANDS` has them: one for each format with a summary."""
  return {entry.name: (f"export:{_function(entry)}", entry.summary) for entry in FORMATS.values() if entry.summary}


def _function(entry):
  """Name of the function of this module that is a format's command."""
  name = entry.name.replace("-", "_")
  globals().setdefault(name, _plain(entry))
  return name
