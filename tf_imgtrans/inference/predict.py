"""Images in, images out: a model applied to files, folders and patterns."""

import collections
import concurrent.futures
import dataclasses
import functools
import itertools
import math
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from tf_imgtrans.core.blending import blend, check_strength
from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.files import check_regular
from tf_imgtrans.core.images import (
  WRITTEN_SUFFIXES,
  UnreadableImage,
  list_images,
  quiet,
  read_image,
  read_uint8,
  to_float32,
  write_image,
)
from tf_imgtrans.inference.receptive_field import bytes_per_pixel, largest_side, usual_limit
from tf_imgtrans.inference.tiles import OUT_OF_MEMORY, SMALLEST, Tiler

AHEAD = 2  # images decoded, and encoded, while the model works; each is held in memory
LARGE = 4_000_000  # pixels; above it, memory is estimated before the model runs, and an image is read as bytes


@dataclasses.dataclass(frozen=True)
class PredictReport:
  """The result for every input, in their order.

  Attributes:
    written: list of (input Path, output Path).
    failures: list of (input Path, str reason).
    remarks: list of (input Path, str): inputs that are unlike those that the model was trained on, and why.
  """

  written: list[tuple[pathlib.Path, pathlib.Path]]
  failures: list[tuple[pathlib.Path, str]]
  remarks: list[tuple[pathlib.Path, str]] = dataclasses.field(default_factory=list)


class AnySize:
  """Applies a model to an image of any size: as a whole if memory allows it, else in tiles.

  Without a tile and a limit, images below 4 megapixels are tried as a whole; for larger ones the process may use what it
  holds and four fifths of the free memory. If memory still runs out, smaller tiles are used.

  Args:
    model: LoadedModel or callable: float32 [1, H, W, 3] in [0, 1] -> [1, sH, sW, 3].
    tile: int, side of the tiles in pixels of the input; None chooses.
    memory_limit: float, GiB that the whole process may use; None: see above.
    ahead: int, number of images that are read ahead, and of those that wait to be written.
    overlap, statistics: as `tiles.Tiler` takes them.
    strength: float in [0, 1]: the result is that share of the model's image and the rest of the input's, of a model that
      keeps the size; None is the model's own, which an exported file may carry, else 1.
  Raises:
    ValueError: an illegal option; a strength below 1 with a model that enlarges.
  """

  def __init__(self, model: Callable, tile: int | None = None, memory_limit: float | None = None,
               overlap: int | None = None, statistics: str = "fixed", ahead: int = 0, strength: float | None = None):
    if tile is not None and tile < 1:
      raise ValueError(f"tile is {tile}: expected a number of pixels, such as 512")
    if memory_limit is not None and not memory_limit > 0:
      raise ValueError(f"memory_limit is {memory_limit}: expected GiB, such as 3")
    self.model, self.tile, self.memory_limit, self.ahead = model, tile, memory_limit, ahead
    self.options = {"overlap": overlap, "statistics": statistics}
    self.scale = int(getattr(model, "scale", 1))
    self.strength = float(getattr(model, "strength", 1.0) if strength is None else strength)
    check_strength(self.strength, self.scale)
    self._tiler = None
    # (height, width) -> side of the tiles: one graph for images of one size, and frames that agree
    self._sides: dict[tuple[int, int], int | None] = {}

  def __call__(self, image: np.ndarray) -> np.ndarray:
    """float32 [H, W, 3] in [0, 1] or uint8 -> float32 [sH, sW, 3], or uint8 if it was processed in tiles."""
    made = self._made(image)
    return made if self.strength == 1 else blend(image, made, self.strength)

  def _made(self, image):
    height, width = image.shape[:2]
    tile = self.tile
    if tile is None:
      try:
        tile = self._side(height, width)
        if tile >= max(height, width):
          return self.whole(image)
      except OUT_OF_MEMORY:
        tile = max(height, width) // 2
        if tile < SMALLEST:
          raise
    out = np.empty((height * self.scale, width * self.scale, 3), np.uint8)
    return self.tiler(image, max(tile, self.tiler.smallest_tile()) if self.tile is None else tile, out)

  def whole(self, image):
    """Processes the image as a whole."""
    return self.model(to_float32(image)[None])[0]

  @property
  def tiler(self):
    """The Tiler, made on first use, as it measures the network's receptive field."""
    if self._tiler is None:
      self._tiler = Tiler(self.model, **self.options)
    return self._tiler

  def _side(self, height, width):
    """Side of the largest square that fits, at most the image's longer side."""
    longer = max(height, width)
    if self.memory_limit is None and height * width < LARGE:
      return longer
    if (height, width) not in self._sides:
      limit = self.memory_limit * 2 ** 30 if self.memory_limit is not None else usual_limit()
      read, written = 3 if height * width > LARGE else 12, 7 * self.scale ** 2  # bytes a pixel, the encoder's included
      limit -= self.ahead * (read + written) * height * width
      self._sides[height, width] = largest_side(self._bytes, (height, width), self.scale, limit)
    return self._sides[height, width]

  @functools.cached_property
  def _bytes(self):
    return bytes_per_pixel(self.model)


def predict_files(model: Callable, inputs: Iterable[str | pathlib.Path], out: str | pathlib.Path, suffix: str = ".png",
                  progress: bool = True, remark: Callable | None = None, **sizes: Any) -> PredictReport:
  """Applies a model to images of any size; one that fails does not stop the others.

  Args:
    model: callable on float32 [1, H, W, 3] in [0, 1], such as `load_model(...)`.
    inputs: files, folders and patterns, as `core.images.list_images` takes them.
    out: str or Path of the output folder, which is made; `output_paths` defines the names in it.
    suffix: str, one of WRITTEN_SUFFIXES.
    progress: bool, whether a bar is drawn on the error stream.
    remark: float32 [H, W, 3] in [0, 1], the middle of an input -> str: why it is unlike the model's task, or "", as of
      data.task.Task.
    **sizes: `tile`, `memory_limit`, `overlap`, `statistics` and `strength` of AnySize.
  Returns:
    PredictReport.
  Raises:
    FileNotFoundError: an input without images; nothing is written then.
    ValueError: an unknown suffix, a file in place of the output folder, or another process writes the same files there.
  """
  if suffix not in WRITTEN_SUFFIXES:
    raise ValueError(f"suffix is {suffix!r}: expected one of {', '.join(WRITTEN_SUFFIXES)}")
  if pathlib.Path(out).is_file():
    raise ValueError(f"{out} is a file: give a folder for the images")
  paths = list_images(inputs)
  outputs = output_paths(paths, out, suffix)
  at_any_size, remarks = AnySize(model, ahead=min(AHEAD, len(paths) - 1), **sizes), []

  def enhance(index, image):
    if remark is not None and (text := remark(to_float32(_middle(image)))):
      remarks.append((paths[index], text))
    enhanced = at_any_size(image)
    return lambda: write_image(outputs[index], enhanced)

  with claimed(out, [path.name for path in outputs], "predict"):
    reasons = list(each_image(enhance, paths, progress, read=_read_by_size))
  jobs = list(zip(paths, outputs, reasons))
  return PredictReport(written=[(path, output) for path, output, reason in jobs if reason is None],
                       failures=[(path, reason) for path, _, reason in jobs if reason is not None], remarks=remarks)


def _middle(image):
  """The middle of an image, of at most LARGE pixels."""
  side = math.isqrt(LARGE)
  top, left = (max(length - side, 0) // 2 for length in image.shape[:2])
  return image[top:top + side, left:left + side]


def _read_by_size(path):
  """An image as float32 at its full depth, or as uint8 if float32 would fill the memory."""
  try:
    check_regular(path)
    with quiet(), Image.open(path) as image:
      large = image.width * image.height > LARGE
  except Exception:  # any failure: reading the image reports it more clearly
    large = False
  return read_uint8(path) if large else read_image(path)


def each_image(work, paths, progress=True, read=None):
  """Reads images ahead, processes them one by one, and writes in the background; one that fails does not stop the others.

  Args:
    work: (index, float32 [H, W, 3] in [0, 1]) -> callable without arguments that writes the result; it runs in
      another thread.
    paths: list of Path.
    progress: bool, whether a bar is drawn on the error stream.
    read: Path -> image; None is `core.images.read_image`.
  Returns:
    list of str or None: why each image failed.
  """
  reasons = [None] * len(paths)
  writing = collections.deque()

  def finish_oldest():
    index, future = writing.popleft()
    if future.exception():
      reasons[index] = reason_of(future.exception(), paths[index])

  with concurrent.futures.ThreadPoolExecutor(AHEAD) as pool, \
       tqdm(total=len(paths), unit="image", disable=not progress, file=sys.stderr) as bar:
    for index, reading in enumerate(_read_ahead(pool, paths, read or read_image)):
      image = None
      try:
        image = reading.result()
        writing.append((index, pool.submit(work(index, image))))
      except Exception as error:  # a failure with one image does not stop the next ones
        reasons[index] = reason_of(error, paths[index], image)
      if len(writing) > AHEAD:
        finish_oldest()
      bar.update()
    while writing:
      finish_oldest()
  return reasons


def output_paths(inputs: Sequence[pathlib.Path], out: str | pathlib.Path, suffix: str = ".png",
                 beside: Iterable[str] = ()) -> list[pathlib.Path]:
  """Paths of the outputs: out/<stem><suffix>, all different, and none of them an input.

  If a name is taken, the second becomes <stem>_<its own suffix> (a.jpg and a.png give a.png and a_png.png), and
  the next ones <stem>_2, <stem>_3. If it would overwrite an input, <stem>_out replaces <stem>.

  Args:
    inputs: list of Path.
    out: str or Path of the output folder.
    suffix: str, such as ".png".
    beside: endings of further files written for each image: "_mask" for out/<stem>_mask<suffix>. Their names are also
      kept free.
  Returns:
    list of Path, one per input.
  """
  out = pathlib.Path(out)
  # Compared as files, not as names: links and file systems that ignore case give one file several names.
  originals = {_identity(path) for path in inputs if path.exists()}
  taken: set[str] = set()
  outputs: list[pathlib.Path] = []

  def overwrites(name):
    files = [out / (name + end + suffix) for end in ("", *beside)]
    return any(file.exists() and _identity(file) in originals for file in files)

  def free(name):
    return not overwrites(name) and all((name + end).lower() not in taken for end in ("", *beside))

  for path in inputs:
    base = f"{path.stem}_out" if overwrites(path.stem) else path.stem
    numbered = (f"{base}_{number}" for number in itertools.count(2))
    names = itertools.chain([base, f"{base}_{path.suffix.lower()[1:]}"], numbered)
    name = next(name for name in names if free(name))
    taken.update((name + end).lower() for end in ("", *beside))
    outputs.append(out / (name + suffix))
  return outputs


def _identity(path):
  status = path.stat()
  return status.st_dev, status.st_ino


def _read_ahead(pool, paths, read):
  """Yields the future image of every path in order, while the next ones are being read."""
  waiting = collections.deque()
  for path in paths:
    waiting.append(pool.submit(read, path))
    if len(waiting) > AHEAD:
      yield waiting.popleft()
  while waiting:
    yield waiting.popleft()


def reason_of(error, path, image=None):
  """A readable reason why an image failed."""
  if isinstance(error, UnreadableImage):
    return error.reason
  if isinstance(error, OUT_OF_MEMORY):
    if isinstance(error, MemoryError) and str(error).startswith("memory for"):  # our own message
      return str(error)
    size = "this image" if image is None else f"{image.shape[1]} x {image.shape[0]} pixels"
    return f"not enough memory for {size}: make the image smaller, or cut it into parts"
  message = str(error).removeprefix(f"{path}: ")
  own_words = re.search(r"\x1b\[1m(.+?)\x1b\[0m", message, re.DOTALL)  # Keras adds a description of the call
  message = own_words.group(1) if own_words else message
  message = re.sub(r"^\{\{.*?\}\} ", "", message.strip())  # the graph's name for the operation
  first_line = message.splitlines()[0] if message else ""
  return first_line if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {first_line}"
