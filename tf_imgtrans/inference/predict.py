"""Pictures in, pictures out: a model applied to files, folders and patterns."""

import collections
import concurrent.futures
import dataclasses
import itertools
import pathlib
import re
import sys

import tensorflow as tf
from tqdm import tqdm

from tf_imgtrans.core.images import WRITTEN_SUFFIXES, UnreadableImage, list_images, read_image, write_image

_AHEAD = 2  # pictures decoded, and encoded, while the model works; each is held in memory


@dataclasses.dataclass(frozen=True)
class PredictReport:
  """What became of every input, in their order.

  Attributes:
    written: list of (input Path, output Path).
    failures: list of (input Path, str reason).
  """

  written: list
  failures: list


def predict_files(model, inputs, out, suffix=".png", progress=True):
  """Applies a model to pictures of any size; one that fails does not stop the others.

  Args:
    model: callable on float32 [1, H, W, 3] in [0, 1], such as `load_model(...)`.
    inputs: files, folders and patterns, as `core.images.list_images` takes them.
    out: str or Path of the output folder, which is made; `output_paths` tells the names in it.
    suffix: str, one of WRITTEN_SUFFIXES.
    progress: bool, whether a bar is drawn on the error stream.
  Returns:
    PredictReport.
  Raises:
    FileNotFoundError: an input that stands for no picture; nothing is written then.
    ValueError: an unknown suffix, or a file in place of the output folder.
  """
  if suffix not in WRITTEN_SUFFIXES:
    raise ValueError(f"suffix is {suffix!r}: expected one of {', '.join(WRITTEN_SUFFIXES)}")
  if pathlib.Path(out).is_file():
    raise ValueError(f"{out} is a file: give a folder for the pictures")
  paths = list_images(inputs)
  outputs = output_paths(paths, out, suffix)

  def enhance(index, image):
    enhanced = model(image[None])[0]
    return lambda: write_image(outputs[index], enhanced)

  reasons = each_picture(enhance, paths, progress)
  jobs = list(zip(paths, outputs, reasons))
  return PredictReport(written=[(path, output) for path, output, reason in jobs if reason is None],
                       failures=[(path, reason) for path, _, reason in jobs if reason is not None])


def each_picture(work, paths, progress=True):
  """Reads pictures ahead, works on them one by one, and writes behind; one that fails does not stop the others.

  Args:
    work: (index, float32 [H, W, 3] in [0, 1]) -> callable without arguments that writes what became of the picture; it
      runs in another thread.
    paths: list of Path.
    progress: bool, whether a bar is drawn on the error stream.
  Returns:
    list of str or None: why each picture failed.
  """
  reasons = [None] * len(paths)
  writing = collections.deque()

  def finish_oldest():
    index, future = writing.popleft()
    if future.exception():
      reasons[index] = _reason(future.exception(), paths[index])

  with concurrent.futures.ThreadPoolExecutor(_AHEAD) as pool, \
       tqdm(total=len(paths), unit="image", disable=not progress, file=sys.stderr) as bar:
    for index, reading in enumerate(_read_ahead(pool, paths)):
      image = None
      try:
        image = reading.result()
        writing.append((index, pool.submit(work(index, image))))
      except Exception as error:  # whatever one picture does to a model, the next ones get their turn
        reasons[index] = _reason(error, paths[index], image)
      if len(writing) > _AHEAD:
        finish_oldest()
      bar.update()
    while writing:
      finish_oldest()
  return reasons


def output_paths(inputs, out, suffix=".png", beside=()):
  """Where the pictures go: out/<stem><suffix>, each name once, and never a file that is itself an input.

  Where a name is taken, the second becomes <stem>_<its own suffix> (a.jpg and a.png give a.png and a_png.png), and
  the next ones <stem>_2, <stem>_3. Where it would overwrite an input, <stem>_out stands for <stem>.

  Args:
    inputs: list of Path.
    out: str or Path of the output folder.
    suffix: str, such as ".png".
    beside: str of each file that is written beside a picture: "_mask" for out/<stem>_mask<suffix>. Their names are kept
      free as well.
  Returns:
    list of Path, one per input.
  """
  out = pathlib.Path(out)
  # Compared as files, not as names: links and file systems that ignore case give one file several names.
  originals = {_identity(path) for path in inputs if path.exists()}
  taken, outputs = set(), []

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


def _read_ahead(pool, paths):
  """Yields the future picture of every path in order, with the next ones under way."""
  waiting = collections.deque()
  for path in paths:
    waiting.append(pool.submit(read_image, path))
    if len(waiting) > _AHEAD:
      yield waiting.popleft()
  while waiting:
    yield waiting.popleft()


def _reason(error, path, image=None):
  """Says in plain words why a picture failed."""
  if isinstance(error, UnreadableImage):
    return error.reason
  if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
    size = "this picture" if image is None else f"{image.shape[1]} x {image.shape[0]} pixels"
    return f"not enough memory for {size}: make the picture smaller, or cut it into parts"
  message = str(error).removeprefix(f"{path}: ")
  own_words = re.search(r"\x1b\[1m(.+?)\x1b\[0m", message, re.DOTALL)  # Keras wraps them in its account of the call
  message = own_words.group(1) if own_words else message
  message = re.sub(r"^\{\{.*?\}\} ", "", message.strip())  # the graph's name for the operation
  first_line = message.splitlines()[0] if message else ""
  return first_line if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {first_line}"
