"""Data of image reconstruction: photographs, resized to a square and corrupted on the fly."""

import functools

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.images import list_images
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.data import corruptions
from tf_imgtrans.data.folders import check_run_outside, photograph_parts, read_photographs
from tf_imgtrans.data.pairs import check_photographs, digest
from tf_imgtrans.data.pipeline import random_flip, shrunken_window, training_batches, unit
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of

HELD_OUT_SEED = 20180922  # of the corruption of held-out images: the same pixels in every run and every program
PATCHES_BUDGET = 1 << 29  # bytes of decoded patch images kept in memory


POINT_SHARES = (0.01, 0.20)  # X-GANs paper, Sec. 4.1
SHARES = {"color_noise": (0.05, 0.15)}  # X-GANs paper, Fig. 5 and 6: noise of 95 to 85 %
SETTINGS = ("corruption", "share", "edge_operator", "block_size", "block_color", "tile_size", "patches", "noise_std_unit",
            "blur_px", "image_size", "smallest_scale")
WINDOWED = 256  # pixels: side of held-out images where training takes parts of photographs; ours


def task(config):
  """Reconstruction of images from what the corruption of a configuration leaves of them: data.task.Task."""
  return Task("reconstruction", settings_of(config, SETTINGS), read, functools.partial(data_summary, config),
              functools.partial(training_data, config), functools.partial(images, config),
              remark=functools.partial(remark, config))


def shares(config):
  """Smallest and largest share of pixels kept in training: `config.share`, or the paper's where that is None."""
  return config.share or SHARES.get(config.corruption, POINT_SHARES)


def remark(config, image):
  """That an image has no missing pixels, in words, or "", for the corruptions whose missing pixels are of one colour.

  Args:
    config: as of `task`.
    image: float [H, W, 3] in [0, 1].
  """
  if config.corruption not in ("random_points", "edge_points", "white_block"):
    return ""
  block = config.corruption == "white_block"
  color = config.block_color if block else corruptions.WHITE
  missing = float(np.mean(np.max(np.abs(image - np.float32(color)), axis=-1) < 0.01))
  least = 0.5 * (config.block_size / config.image_size) ** 2 if block else 1 - shares(config)[1]
  if missing >= 0.5 * least:
    return ""
  name = "white" if tuple(color) == corruptions.WHITE else f"of the colour {' '.join(f'{value:g}' for value in color)}"
  return (f"{missing:.0%} of its pixels are {name}, where the model rebuilds what is missing and {name}: it was trained on "
          f"the corruption {config.corruption} (tf-imgtrans corrupt, or compress and decompress)")


def images(config, folder, paths, whole=False):  # noqa: ARG001 - as all tasks; the images are squares of one size
  """Yields (name, source, target) of photographs: those of `held_out` without the masks."""
  return ((name, source, target) for name, source, _, target in held_out(config, paths, patch_store(config)))


def read(options):
  """The photographs that training options name: data.folders.Folder.

  Raises:
    ValueError: the run would lie among them.
  """
  check_run_outside(options.out, photograph_parts(options.data))
  return read_photographs(options.data, options.validation_share)


def training_data(config, folder):
  """Makes the data of a run; reads every image once, so that a bad one stops it here.

  Batches are (source, mask, target).

  Args:
    config: of a method of reconstruction: the fields SETTINGS, `batch_size`, `flip` and `seed` count here. With a
      `smallest_scale`, squares of photographs are taken instead of whole ones; see `pipeline.shrunken_window`.
    folder: data.folders.Folder of photographs.
  Raises:
    ValueError: names the first five images that cannot be read; or colour blocks without a folder of patches.
  """
  check_photographs(folder.training)
  check_photographs(folder.validation)
  smallest = getattr(config, "smallest_scale", None)
  store = ImageStore(folder.training, prepare=None if smallest else functools.partial(resize, size=config.image_size))
  patches = patch_store(config)

  def load(number, seed):
    draw, mirror = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    if smallest:
      target = shrunken_window(unit(store.tensor(number)), config.image_size, smallest, fold_in(seed, 1))
    else:
      target = _square(store.tensor(number), config.image_size)
    if config.flip:
      target, = random_flip([target], mirror)
    source, mask = corrupt(config, target, draw, patches)
    return source, mask, target

  def batches(start_step, part):
    return training_batches(load, len(folder.training), config.batch_size, config.seed, start_step, part)

  def validation(most=None):
    return [(name, source, target) for name, source, _, target in held_out(config, folder.validation[:most], patches)]

  return TrainingData(data_summary(config, folder), batches, validation)


def data_summary(config, folder):
  """What run.json says of the data: of the photographs, and of the images that colour blocks are cut from."""
  summary = folder.summary()
  if config.corruption == "color_blocks":
    summary["patches_digest"] = digest(_patch_paths(config))
  return summary


def held_out(config, paths, patches=None, share=None, centered=False):
  """Yields (name, source, mask, target) of held-out images, NumPy float32; image i is always corrupted alike.

  Args:
    config: Config.
    paths: list of Path.
    patches: ImageStore of `patch_store`, for colour blocks.
    share: float, of pixels kept in every image; None draws it as in training.
    centered: bool, whether colour blocks lie in the middle (Table 1) instead of anywhere.
  """
  prepare = functools.partial(resize, size=config.image_size)
  if getattr(config, "smallest_scale", None):
    def prepare(image):
      return resize(central_square(image), WINDOWED)
  store = ImageStore(paths, budget=0, prepare=prepare)
  function = tf.function(lambda target, seed: corrupt(config, target, seed, patches, share, centered))
  for number, path in enumerate(store.paths):
    target = unit(store.read(number))
    source, mask = function(target, fold_in(as_seed_pair(HELD_OUT_SEED), number))
    yield path.stem, source.numpy(), mask.numpy(), target.numpy()


def corrupt(config, image, seed, patches=None, share=None, centered=False):
  """Corrupts one image as the configuration says.

  Args:
    config: Config.
    image: float [S, S, 3] in [0, 1].
    seed: int pair [2].
    patches: ImageStore, for colour blocks.
    share: float, of pixels kept; None draws it uniformly from `shares`.
    centered: bool, whether a colour block lies in the middle.
  Returns:
    (corrupted [S, S, 3], mask [S, S, 1]), float32; mask 1 where the pixel was kept.
  """
  draw, where = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
  if share is None:
    share = tf.random.stateless_uniform([], draw, *shares(config))
  if config.corruption == "random_points":
    return corruptions.random_points(image, share, where)
  if config.corruption == "edge_points":
    return corruptions.edge_points(image, share, where, operator=config.edge_operator)
  if config.corruption == "color_noise":
    return corruptions.color_noise(image, share, where)
  if config.corruption == "white_block":
    return corruptions.white_block(image, config.block_size, config.block_color)
  if config.corruption == "gaussian_noise":
    return corruptions.gaussian_noise(image, tf.random.stateless_uniform([], draw, *config.noise_std_unit), where)
  if config.corruption == "gaussian_blur":
    reach = tf.random.stateless_uniform([], where, 1, corruptions.BLUR_REACH + 1, tf.int32)
    return corruptions.gaussian_blur(image, tf.random.stateless_uniform([2], draw, *config.blur_px), reach)
  number = tf.random.stateless_uniform([], draw, 0, len(patches), tf.int32)
  patch = _square(patches.tensor(number), config.image_size)
  return corruptions.color_blocks(image, patch, where, size=config.tile_size, centered=centered)


def patch_store(config):
  """The images that colour blocks are cut from; None for another corruption.

  Raises:
    ValueError: no folder is given.
  """
  if config.corruption != "color_blocks":
    return None
  if not config.patches:
    raise ValueError("corruption is color_blocks, which are cut from other images: give their folder by --config.patches")
  paths = _patch_paths(config)
  check_photographs(paths)
  return ImageStore(paths, PATCHES_BUDGET, functools.partial(resize, size=config.image_size))


def _patch_paths(config):
  return list_images([config.patches], recursive=True)


def _square(image, size):
  return unit(tf.ensure_shape(image, [size, size, 3]))
