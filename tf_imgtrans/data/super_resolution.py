"""Data of super-resolution: random windows of photographs, and the same reduced."""

import functools

import tensorflow as tf

from tf_imgtrans.data.degradations import area, low_resolution
from tf_imgtrans.data.folders import Folder
from tf_imgtrans.data.pairs import check_photographs
from tf_imgtrans.data.pipeline import random_crop, random_flip, training_batches, unit
from tf_imgtrans.data.reconstruction import read
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of


def task(config):
  """Super-resolution of photographs that `config.low_resolution` reduces: data.task.Task."""
  return Task("super_resolution", settings_of(config, ("scale", "low_resolution", "image_size")), read, Folder.summary,
              functools.partial(training_data, config), functools.partial(images, config), scale=config.scale)


def images(config, folder, paths, whole=False):  # noqa: ARG001 - as all tasks; photographs are always taken whole
  """Yields (name, source, target) of photographs: `held_out`."""
  return held_out(config, paths)


def training_data(config, folder):
  """Makes the data of a run; reads every image once, so that a bad one stops it here.

  A window is shrunk by itself, mirrored at its border, where the methods' codes cut it from an image that was shrunk.

  Args:
    config: Config.
    folder: data.folders.Folder of photographs.
  Raises:
    ValueError: names the first five images that cannot be read, or are smaller than a patch or than `image_size`.
  """
  smallest = config.image_size or config.patch_size
  check_photographs(folder.training, smallest)
  check_photographs(folder.validation, smallest)
  store = ImageStore(folder.training, prepare=functools.partial(squared, size=config.image_size))
  side = config.patch_size // config.scale * config.scale

  def load(number, seed):
    window, left, top, turn = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    target, = random_crop([store.tensor(number)], side, window)
    if config.augment != "none":
      target, = random_flip([target], left)
    if config.augment == "all":  # with these two, all eight ways to lay a square
      target, = random_flip([tf.transpose(target, [1, 0, 2])], top)
      target = tf.cond(tf.random.stateless_uniform([], turn) < 0.5, lambda: tf.transpose(target, [1, 0, 2]), lambda: target)
    target = unit(target)
    return shrink(target, config.scale, config.low_resolution), target

  def batches(start_step, part):
    return training_batches(load, len(folder.training), config.batch_size, config.seed, start_step, part)

  def validation(most=None):
    return list(held_out(config, folder.validation[:most]))

  return TrainingData(folder.summary(), batches, validation)


def held_out(config, paths):
  """Yields (name, source, target) of whole images, NumPy float32; the target's sides are brought down to multiples of the
  scale, rows below and columns on the right being cut off.

  Args:
    config: Config; `scale`, `low_resolution` and `image_size` count here.
    paths: list of Path.
  """
  store = ImageStore(paths, budget=0, prepare=functools.partial(squared, size=config.image_size))
  for number, path in enumerate(store.paths):
    image = store.read(number)
    height, width = (side // config.scale * config.scale for side in image.shape[:2])
    target = unit(image[:height, :width])
    yield path.stem, shrink(target, config.scale, config.low_resolution).numpy(), target.numpy()


def shrink(images, scale, kind="bicubic"):
  """The low resolution of images whose sides the scale divides.

  Args:
    images: float [H, W, 3] or [N, H, W, 3] in [0, 1].
    scale: int.
    kind: str, "bicubic" as data.degradations.low_resolution, or "area": means of scale x scale pixels, which for 2, 4 and 8
      are 2x2 means once, twice and thrice.
  Returns:
    float32 [..., H / scale, W / scale, 3].
  """
  return low_resolution(images, scale) if kind == "bicubic" else area(images, scale)


def squared(image, size):
  """uint8 [H, W, 3] -> the middle square of it, shrunk by area to [size, size, 3]; 0 leaves it as it is."""
  if not size:
    return image
  return resize(central_square(image), size)
