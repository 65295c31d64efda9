"""Training images of on-demand learning: clean ones, as the trainer corrupts them by the shares of the moment."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_imgtrans.baselines.on_demand.levels import LEVELS, corrupt
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.data import task as data_task
from tf_imgtrans.data.pairs import check_photographs
from tf_imgtrans.data.pipeline import random_crop, random_flip, training_batches, unit
from tf_imgtrans.data.reconstruction import HELD_OUT_SEED, data_summary, patch_store, read
from tf_imgtrans.data.resizing import resize
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, settings_of

SETTINGS = ("corruption", "bands", "fill", "patches", "image_size", "load_scale")


@dataclasses.dataclass(frozen=True)
class TrainingData(data_task.TrainingData):
  """Batches are (target,), for colour blocks (target, patch), as the trainer corrupts them.

  Attributes:
    clean: number of held-out images -> their (target,) or (target, patch) as one batch, float32.
  """

  clean: Callable


def task(config):
  """Reconstruction from five levels of corruption: data.task.Task."""
  def images(folder, paths, whole=False):  # noqa: ARG001 - as all tasks; the images are squares of one size
    return _validation(config, paths, _clean(config, paths, patch_store(config)))

  return Task("reconstruction", settings_of(config, SETTINGS), read, functools.partial(data_summary, config),
              functools.partial(training_data, config), images)


def training_data(config, folder):
  """Makes the data of a run; reads every image once, so that a bad one stops it here.

  Args:
    config: Config.
    folder: data.folders.Folder of photographs.
  Raises:
    ValueError: names the first five images that cannot be read; or colour blocks without a folder of patches.
  """
  check_photographs(folder.training)
  check_photographs(folder.validation)
  patches = patch_store(config)
  load = _loader(config, folder.training, patches)

  def batches(start_step, part):
    return training_batches(load, len(folder.training), config.batch_size, config.seed, start_step, part)

  def clean(most=None):
    return _clean(config, folder.validation[:most], patches)

  def validation(most=None):
    return _validation(config, folder.validation[:most], clean(most))

  return TrainingData(data_summary(config, folder), batches, validation, clean)


def _loader(config, paths, patches):
  """Loads one image at `load_size`, cut to a random window of `image_size`."""
  side, size = config.load_size, config.image_size
  store = ImageStore(paths, prepare=functools.partial(resize, size=side))

  def load(number, seed):
    window, mirror, draw = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    target, = random_crop([tf.ensure_shape(store.tensor(number), (side, side, 3))], size, window)
    if config.flip:
      target, = random_flip([target], mirror)
    if not patches:
      return (unit(target),)
    other = patches.tensor(tf.random.stateless_uniform((), draw, 0, len(patches), tf.int32))
    return unit(target), unit(tf.ensure_shape(other, (size, size, 3)))

  return load


def _clean(config, paths, patches):
  """The middle windows of held-out images as one batch [N, S, S, 3], with a patch for each where there are patches."""
  store = ImageStore(paths, budget=0, prepare=functools.partial(resize, size=config.load_size))
  size, start = config.image_size, (config.load_size - config.image_size) // 2
  batch = [np.zeros((len(paths), size, size, 3), np.float32) for _ in range(2 if patches else 1)]
  for number in range(len(paths)):
    batch[0][number] = unit(store.read(number)[start:start + size, start:start + size])
    if patches:
      batch[1][number] = unit(patches.read(number % len(patches)))
  return tuple(batch)


def _validation(config, paths, batch):
  """(name, source, target) of held-out images, the i-th at level i modulo 5: always corrupted alike."""
  function = tf.function(lambda level, seed, *images: corrupt(config, images[0], level, seed, *images[1:])[0])
  found = []
  for number, path in enumerate(paths):
    images = [part[number:number + 1] for part in batch]
    source = function(tf.constant([number % LEVELS]), fold_in(as_seed_pair(HELD_OUT_SEED), number), *images)
    found.append((path.stem, source[0].numpy(), images[0][0]))
  return found
