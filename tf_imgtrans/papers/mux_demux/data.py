"""Training pairs: DPED's patches, any two paired folders, or photographs degraded on the fly (Sec. 4.3)."""

import dataclasses
import functools

import tensorflow as tf

from tf_imgtrans.core.seeds import fold_in
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.folders import load_images, read_folder
from tf_imgtrans.data.pairs import check_pairs, check_photographs
from tf_imgtrans.data.pipeline import random_crop, random_flip, training_batches, unit
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.papers.mux_demux.generator import SMALLEST

VALIDATION_SIDE = 512  # in training, held-out images are measured on their middle 512x512 pixels; ours


@dataclasses.dataclass(frozen=True)
class TrainingData:
  """Training batches by step, and the held-out images."""

  summary: dict  # for run.json: kind, numbers of images, digests of their names and sizes
  batches: callable  # (start_step, part) -> tf.data.Dataset of (source, target) batches
  validation: callable  # number of images -> list of (name, source, target), float32, at most VALIDATION_SIDE


def read(options):
  """The images that training options name: data.folders.Folder."""
  return read_folder(options.data, options.validation_share, options.phone, options.source, options.target)


def training_data(config, folder):
  """Makes the data of a run; reads every pair once, so that a bad one stops it here.

  Args:
    config: Config; `patch_size`, `batch_size`, `flip` and `seed` count here.
    folder: data.folders.Folder.
  Raises:
    ValueError: names the first five pairs that cannot be trained on.
  """
  if folder.kind == "photographs":
    check_photographs(folder.training, smallest=config.patch_size)
    check_photographs(folder.validation, smallest=SMALLEST)
    load = _photograph_loader(config, ImageStore(folder.training))
  else:
    check_pairs(folder.training, smallest=config.patch_size)
    check_pairs(folder.validation, smallest=SMALLEST)
    load = _pair_loader(config, folder.training)
  batches = functools.partial(_batches, load, len(folder.training), config)
  validation = functools.partial(load_images, folder.kind, folder.validation, largest=VALIDATION_SIDE)
  return TrainingData(folder.summary(), batches, validation)


def _batches(load, count, config, start_step, part):
  return training_batches(load, count, config.batch_size, config.seed, start_step, part)


def _pair_loader(config, pairs):
  sources, targets = ImageStore([pair.source for pair in pairs]), ImageStore([pair.target for pair in pairs])

  def load(number, seed):
    pair = [unit(sources.tensor(number)), unit(targets.tensor(number))]
    return tuple(_patch(config, pair, seed))

  return load


def _photograph_loader(config, store):
  def load(number, seed):
    patch, = _patch(config, [unit(store.tensor(number))], seed)
    return phone_camera(patch, fold_in(seed, 2)), patch

  return load


def _patch(config, images, seed):
  crop, flip = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
  images = random_crop(images, config.patch_size, crop)
  return random_flip(images, flip) if config.flip else images
