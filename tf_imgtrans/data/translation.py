"""Data of image translation: label maps and photographs, or photographs and what a degradation leaves of them.

task               source                                       what the data folder holds
labels_to_photo    the label map in its colours, or an image   labelled photographs of data.labels, or with label_set
                                                                none pairs of images, in two folders or side by side
super_resolution   a small photograph, enlarged by bicubics     photographs
inpainting         a photograph without its middle              photographs
deraining          a photograph in the rain                     pairs in two folders, or photographs, rained on
desnowing          a photograph in the snow                     pairs in two folders, or photographs, snowed on

Images side by side have the photograph on the left and its labels on the right, as pix2pix's facades and Cityscapes do
(its direction BtoA): the right half is the source, and the left half the target.
"""

import dataclasses
import functools
import pathlib

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.images import read_uint8, to_float32
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.data.degradations import enlarge, low_resolution
from tf_imgtrans.data.folders import Folder, check_run_outside, photograph_parts, read_folder, read_photographs
from tf_imgtrans.data.labels import (
    LabelledImage,
    check_labelled,
    colorize,
    find_labelled,
    read_labels,
    resize_labels,
    split_labelled,
)
from tf_imgtrans.data.pairs import SHOWN, Pair, check_pairs, check_photographs
from tf_imgtrans.data.pipeline import random_crop, random_flip, shrunken_window, training_batches, unit
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of
from tf_imgtrans.data.weather import rain, snow

HELD_OUT_SEED = 20190416  # of the degradation of held-out images: the same in every run and every program
HOLE_COLOR = (117, 104, 123)  # RGB of 255, what the context encoder's public code fills its hole with
LAYOUTS = """expected one of
  paired folders   DIR/<any>/*.jpg and DIR/<other>/*.jpg, images of one pair having one name; or these in DIR/train and
                   DIR/test (or DIR/val)
  photographs      DIR/*.jpg, or DIR/train and DIR/test (or DIR/val); degraded on the fly, or for label_set none pairs in
                   one image, the photograph on the left and its labels on the right"""


@dataclasses.dataclass(frozen=True)
class DataFolder:
  """A data folder that is not looked into yet, since what it holds depends on the task."""

  directory: pathlib.Path
  validation_share: float = 0.1  # held out by a hash of the names, where the folder has no part for it
  source: str | None = None  # names of two paired folders, where they cannot be inferred
  target: str | None = None


SETTINGS = ("task", "label_set", "scale", "hole", "rain_streaks", "rain_length", "rain_slant", "snow_flakes", "snow_size",
            "image_size", "validation_size", "smallest_scale")
WINDOWED = 256  # pixels: side of held-out photographs where training takes parts of photographs; ours


def task(config):
  """The translation that `config.task` names: data.task.Task.

  Args:
    config: data.settings.TranslationSettings.
  """
  def found(options):
    return find(config, read(options))

  return Task(config.task, settings_of(config, SETTINGS), found, Folder.summary, functools.partial(training_data, config),
              functools.partial(images, config))


def read(options):
  """The folder that training options name: DataFolder.

  Raises:
    ValueError: the run would lie among the images.
  """
  check_run_outside(options.out, photograph_parts(options.data))
  return DataFolder(pathlib.Path(options.data), options.validation_share, getattr(options, "source", None),
                    getattr(options, "target", None))


def find(config, folder):
  """Lists the images of a data folder as the task takes them.

  Args:
    config: Config; `task` and `label_set` count here.
    folder: DataFolder; a Folder passes unchanged.
  Returns:
    data.folders.Folder of kind "labels" (Pair of label map and photograph), "pairs" (Pair), "side_by_side" or
    "photographs" (Path).
  Raises:
    FileNotFoundError: another layout than expected; the message draws those.
    ValueError: missing partners, or an ambiguous folder.
  """
  if isinstance(folder, Folder):
    return folder
  if config.task in ("super_resolution", "inpainting"):
    return read_photographs(folder.directory, folder.validation_share)
  if config.task == "labels_to_photo" and config.label_set != "none":
    parts = split_labelled(find_labelled(folder.directory, config.label_set), folder.validation_share)
    return Folder("labels", *([Pair(image.labels, image.photo) for image in part] for part in parts))
  found = _paired(folder) or read_photographs(folder.directory, folder.validation_share)
  if config.task == "labels_to_photo" and found.kind == "photographs":
    return dataclasses.replace(found, kind="side_by_side")
  return found


def _paired(folder):
  """Folder of paired folders, in one or in two parts; None for photographs."""
  parts = photograph_parts(folder.directory)
  share = folder.validation_share if len(parts) == 1 else 0
  try:
    found = [read_folder(part, share, source=folder.source, target=folder.target) for part in parts]
  except FileNotFoundError as error:
    if folder.source:
      raise
    raise FileNotFoundError(f"{folder.directory} holds nothing to train on: {LAYOUTS}") from error
  kinds = {part.kind == "photographs" for part in found}
  if len(kinds) == 2:
    raise ValueError(f"{' and '.join(map(str, parts))} are of two layouts: {LAYOUTS}")
  if kinds == {True}:
    return None
  return Folder("pairs", found[0].training, found[0].validation if len(parts) == 1 else found[1].training)


def training_data(config, folder):
  """Makes the data of a run; reads every image once, so that a bad one stops it here.

  Element i of the training is a function of i and the seed alone: the images are resized to `load_size`, whatever their
  aspect, photographs by area and label maps to the nearest; the same random window of `image_size` is cut out of both, and
  both are mirrored or neither. Degradations come after that.

  Args:
    config: Config.
    folder: DataFolder, or Folder of `find`.
  Raises:
    FileNotFoundError, ValueError: as `find`; or the first five images that cannot be trained on, and why.
  """
  found = find(config, folder)
  for part in (found.training, found.validation):
    _check(config, found.kind, part)
  load = _loader(config, found)

  def batches(start_step, part):
    return training_batches(load, len(found.training), config.batch_size, config.seed, start_step, part)

  def validation(most=None):
    return list(held_out(config, found, most))

  return TrainingData(found.summary(), batches, validation)


def _check(config, kind, items):
  if kind == "labels":
    check_labelled([LabelledImage(pair.target, pair.source) for pair in items], config.label_set)
  elif kind == "pairs":
    check_pairs(items)
  else:
    check_photographs(items)
  if kind == "side_by_side":
    sizes = ((path, *read_uint8(path).shape[1::-1]) for path in items)
    bad = [f"  {path}: {width}x{height}" for path, width, height in sizes if width != 2 * height]
    if bad:
      raise ValueError(f"{len(bad)} of {len(items)} images are not twice as wide as high, with the photograph on the "
                       "left and its labels on the right:\n" + "\n".join(bad[:SHOWN])
                       + f"\nFor label maps with photographs give --config.label_set; else {LAYOUTS}")


def _loader(config, found):
  """(number, seed pair) -> (source, target) of one training element."""
  smallest, size = _smallest(config), config.image_size
  side = None if smallest else config.load_size
  photographs = found.kind == "photographs"
  if photographs:
    store = ImageStore(found.training, prepare=None if smallest else lambda image: resize(image, side))
  else:
    both = lambda item: np.concatenate(read_pair(config, found.kind, item, side), axis=-1)  # noqa: E731 - of one use
    store = ImageStore(found.training, read=both, channels=6)

  def load(number, seed):
    window, mirror, draw = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    images = store.tensor(number)
    if smallest:
      images = shrunken_window(unit(images), size, smallest, window)
    else:
      images, = random_crop([tf.ensure_shape(images, (side, side, 3 if photographs else 6))], size, window)
      images = unit(images)
    if config.flip:
      images, = random_flip([images], mirror)
    return (degrade(config, images, draw), images) if photographs else (images[..., :3], images[..., 3:])

  return load


def _smallest(config):
  """The smallest factor by which parts of photographs are shrunk; None of a method that takes whole ones."""
  return getattr(config, "smallest_scale", None)


def held_out(config, folder, most=None):
  """Yields (name, source, target) of held-out images, NumPy float32 [S, S, 3]; image i is always degraded alike.

  They are resized to `validation_size`, or to `image_size` where that is 0; nothing is cut off.

  Args:
    config: Config.
    folder: DataFolder, or Folder of `find`.
    most: int, how many; None for all.
  """
  found = find(config, folder)
  return images(config, found, found.validation[:most])


def images(config, found, items, whole=False):  # noqa: ARG001 - as all tasks; the images are squares of one size
  """As `held_out`, of the given items of a Folder; the i-th is always degraded alike."""
  parts = _smallest(config)
  side = WINDOWED if parts else config.validation_size or config.image_size
  function = tf.function(lambda target, seed: degrade(config, target, seed), autograph=False)
  for number, item in enumerate(items):
    if found.kind == "photographs":
      image = read_uint8(item)
      target = to_float32(resize(central_square(image) if parts else image, side))
      source = function(target, fold_in(as_seed_pair(HELD_OUT_SEED), number)).numpy()
    else:
      source, target = map(to_float32, read_pair(config, found.kind, item, side))
    yield _name(found.kind, item), source, target


def held_out_labels(config, folder, most=None):
  """Class ids of the images of `held_out`, in their order: list of uint8 [S, S], data.labels.IGNORED for no class.

  Raises:
    ValueError: the images have no label maps.
  """
  found = find(config, folder)
  if found.kind != "labels":
    raise ValueError(f"task is {config.task} and label_set {config.label_set}: expected labels_to_photo with label maps, "
                     "which class ids are read from")
  side = config.validation_size or config.image_size
  return [_classes(config, pair, side) for pair in found.validation[:most]]


def read_pair(config, kind, item, side):
  """Reads one pair of images as a square.

  Args:
    config: Config.
    kind: "labels", "pairs" or "side_by_side".
    item: Pair; Path for pairs side by side.
    side: int, pixels; None leaves pairs at their size.
  Returns:
    (source, target), uint8 [side, side, 3].
  """
  if kind == "labels":
    return colorize(_classes(config, item, side), config.label_set), resize(read_uint8(item.target), side)
  if kind == "pairs":
    source, target = read_uint8(item.source), read_uint8(item.target)
  else:
    both = read_uint8(item)
    target, source = np.split(both, 2, axis=1)  # the photograph lies on the left
  return (source, target) if side is None else (resize(source, side), resize(target, side))


def degrade(config, image, seed):
  """Makes the source of a photograph as the task says.

  Args:
    config: Config.
    image: float [S, S, 3] in [0, 1].
    seed: int pair [2], for rain and snow.
  Returns:
    float32 [S, S, 3] in [0, 1].
  """
  if config.task == "super_resolution":
    return enlarge(low_resolution(image, config.scale), config.scale, *image.shape[:2])
  if config.task == "inpainting":
    return fill_hole(image, config.hole)
  if config.task == "deraining":
    return rain(image, seed, config.rain_streaks, config.rain_length, config.rain_slant)
  return snow(image, seed, config.snow_flakes, config.snow_size)


def fill_hole(image, share):
  """Fills the square in the middle with HOLE_COLOR, as the context encoder does.

  Args:
    image: float [S, S, 3] in [0, 1], S known.
    share: float in [0, 1), side of the square over that of the image, rounded to whole pixels; 0.5 leaves the rows and
      columns S / 4 .. 3 S / 4 - 1 out, a quarter of the image.
  Returns:
    float32 [S, S, 3].
  """
  size = image.shape[0]
  side = round(share * size)
  first = (size - side) // 2
  inside = (np.arange(size) >= first) & (np.arange(size) < first + side)
  return tf.where((inside[:, None] & inside)[..., None], np.float32(HOLE_COLOR) / np.float32(255), image)


def _classes(config, pair, side):
  return resize_labels(read_labels(pair.source, config.label_set), side, side)


def _name(kind, item):
  return LabelledImage(item.target, item.source).stem if kind == "labels" else item.stem
