"""`tf-imgtrans predict`: runs a model on images and videos."""

import pathlib
import sys
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.names import counted
from tf_imgtrans.core.startup import start_tensorflow

Inputs = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT [INPUT ...]")]


def predict(inputs: Inputs, model: str, out: pathlib.Path,
            suffix: Literal[".png", ".jpg", ".webp"] = ".png", scale: int | None = None,
            memory_limit: float | None = None, tile: int | None = None, overlap: int | None = None,
            statistics: Literal["fixed", "tile"] = "fixed", strength: float | None = None, keep_frames: bool = False):
  """Run a model on images and videos of any size: OUT/NAME.png for each image, OUT/NAME.mp4 for each video.

  Reads PNG, JPEG, WebP, TIFF, BMP and GIF, 8 or 16 bits (8 above 4 megapixels), grey or colour; turns them upright by
  their EXIF orientation and drops alpha. Of videos, the frames a second stay and sound is dropped; a run that is killed
  goes on with the frames that are done when it is called again. What cannot be read is named and the others are done; the
  exit status is then 1. Inputs are never overwritten. Photographs that the model was not made for, such as bright ones for
  an enhancer, are named.

  Large images are done in tiles when they would not fit into the memory, without visible seams: tiles overlap by as
  much as the network sees. Networks that take means over the whole image (instance normalization) take them from a
  smaller copy of it then, and the result can differ slightly from that of the whole.

  Example: tf-imgtrans predict --model runs/iphone --out enhanced photo.jpg holiday/ 'more/*.png' clip.mp4

  Args:
    inputs: images, videos, folders of images and quoted patterns.
    model: run folder, .keras file, exported file or folder, or a name in saved_models/.
    out: folder for the results.
    suffix: kind of file to write for images.
    scale: how many times as high and wide the results are, where that is less than what the model makes: blocks of its
      pixels are averaged. Of a model of progressive super-resolution, generator_x2.keras and its like in the run folder
      are trained for their scale.
    memory_limit: GiB that the whole process may hold; the largest tiles that fit are taken. Without it, what is free
      counts for images above 4 megapixels.
    tile: side of the tiles in pixels of the input, instead of the largest that fit.
    overlap: pixels that tiles share, instead of twice what the network sees and 16.
    statistics: what means over the image are in tiles: fixed, those of a smaller copy for all tiles; or tile, each its
      own, which may show.
    strength: share of the model's image in the result, from 0 to 1, the rest being the input; else what an exported file
      carries, or 1.
    keep_frames: leave the frames of videos as PNG in OUT/NAME.frames/.
  """
  if not inputs:
    raise ValueError("no images: name files, folders or quoted patterns")
  start_tensorflow()
  from tf_imgtrans.core.blending import check_strength
  from tf_imgtrans.evaluation import own_task
  from tf_imgtrans.inference.models import at_scale, load_model
  from tf_imgtrans.inference.predict import PredictReport, predict_files
  from tf_imgtrans.inference.video import is_video

  network = load_model(model)
  network = network if scale is None else at_scale(network, scale)
  sizes = {"tile": tile, "memory_limit": memory_limit, "overlap": overlap, "statistics": statistics,
           "strength": strength}
  videos = [pathlib.Path(item).expanduser() for item in inputs if is_video(item) and not pathlib.Path(item).is_dir()]
  for path in videos:
    if not path.exists():
      raise FileNotFoundError(f"{path}: no such file")
  if out.is_file():
    raise ValueError(f"{out} is a file: give a folder for the results")
  images = [item for item in inputs if pathlib.Path(item).expanduser() not in videos]
  check_strength(network.strength if strength is None else strength, network.scale)
  task = own_task(model, network)
  report = (predict_files(network, images, out, suffix, remark=task and task.remark, **sizes) if images
            else PredictReport([], []))
  done, failed = _videos(network, videos, out, keep_frames, sizes)
  failures = report.failures + failed
  for path, text in report.remarks:
    print(f"{path}: {text}", file=sys.stderr)
  for path, reason in failures:
    print(f"{path}: {reason}", file=sys.stderr)
  written = [counted(number, kind) for number, kind, asked in
             ((len(report.written), "image", images), (len(done), "video", videos)) if asked]
  print(f"wrote {' and '.join(written)} to {out}" + (f", {len(failures)} failed" if failures else ""))
  return 1 if failures else 0


def _videos(network, videos, out, keep_frames, sizes):
  """(list of Path written, list of (input Path, reason))."""
  from tf_imgtrans.inference.predict import output_paths, reason_of
  from tf_imgtrans.inference.video import predict_video

  done, failed = [], []
  for path, output in zip(videos, output_paths(videos, out, ".mp4")):
    try:
      done.append(predict_video(network, path, output, keep_frames, **sizes))
    except Exception as error:  # whatever one video does, the next ones get their turn
      failed.append((path, reason_of(error, path)))
  return done, failed
