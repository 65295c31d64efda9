"""Data of photo enhancement: DPED's patches, any two paired folders, or photographs that are degraded on the fly."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.color import fine_detail, full_range_luma
from tf_imgtrans.core.seeds import fold_in, uniform
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.folders import Folder, iterate_images, read_folder
from tf_imgtrans.data.pairs import check_pairs, check_photographs
from tf_imgtrans.data.pipeline import random_crop, random_flip, shrunken_window, training_batches, unit
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of

VALIDATION_SIDE = 512  # in training, held-out images are measured on their middle 512x512 pixels; ours
# 19 of 20 photographs that are degraded by measured ranges have a mean luma below BRIGHT, and 3 of 4 good ones. SHARP is
# the ninth decile of what a pixel's luma differs from its four neighbours by: 19 of 20 of DPED's patches and of degraded
# photographs lie below 0.033, and a fifth of good photographs above SHARP.
BRIGHT, SHARP = 0.56, 0.045
JPEG_BLOCK = 16  # pixels: period of JPEG's blocks with colour at half resolution
SMALLEST = 8  # pixels of a held-out image's side: the least that every network of photo enhancement takes


def task(config):
  """Photo enhancement: data.task.Task. The source of a clean photograph is what `config.degradation` makes of it.

  Args:
    config: data.settings.PatchSettings.
  """
  return Task("photo_enhancement", settings_of(config, ["degradation"]), read, Folder.summary,
              functools.partial(training_data, config), functools.partial(images, config), remark=remark)


def remark(image):
  """Why a photograph hardly needs enhancement, in words, or "".

  Args:
    image: float [H, W, 3] in [0, 1].
  """
  luma = full_range_luma(np.asarray(image, np.float32))
  mean = float(luma.mean())
  details = fine_detail(luma)
  detail = float(np.percentile(np.abs(details), 90)) if details.size else 0.0
  found = [f"bright already (mean {mean:.2f}, where the model learned to brighten photographs of less than {BRIGHT})"
           ] * (mean > BRIGHT) + ["sharp already"] * (detail > SHARP)
  return f"{' and '.join(found)}: it may be overdone; --strength 0.5 does half" if found else ""


def images(config, folder, items, whole=False):
  """Yields (name, source, target) of items of a Folder, NumPy float32 [H, W, 3]; a photograph is always degraded alike.

  Args:
    config: data.settings.PatchSettings.
    folder: data.folders.Folder.
    items: list of Pair, or of Path for photographs.
    whole: bool; off, the middle VALIDATION_SIDE pixels of larger images are taken, of a photograph before it is degraded.
  """
  return iterate_images(folder.kind, items, None if whole else VALIDATION_SIDE, _camera(config))


def read(options):
  """The images that training options name: data.folders.Folder."""
  return read_folder(options.data, options.validation_share, options.phone, options.source, options.target)


def training_data(config, folder):
  """Makes the data of a run; reads every pair once, so that a bad one stops it here.

  Args:
    config: data.settings.PatchSettings.
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

  def batches(start_step, part):
    return training_batches(load, len(folder.training), config.batch_size, config.seed, start_step, part)

  def validation(most=None):
    return list(images(config, folder, folder.validation[:most]))

  return TrainingData(folder.summary(), batches, validation)


def _camera(config):
  """(image, seed) -> the image as the configured phone camera takes it."""
  return functools.partial(phone_camera, **dataclasses.asdict(config.degradation))


def _pair_loader(config, pairs):
  sources, targets = ImageStore([pair.source for pair in pairs]), ImageStore([pair.target for pair in pairs])

  def load(number, seed):
    pair = [unit(sources.tensor(number)), unit(targets.tensor(number))]
    return tuple(_patch(config, pair, seed))

  return load


def _photograph_loader(config, store):
  camera = _camera(config)

  def load(number, seed):
    image = unit(store.tensor(number))
    if config.smallest_scale < 1:
      image = shrunken_window(image, config.patch_size, config.smallest_scale, fold_in(seed, 4))
    patch, = _patch(config, [image], seed)
    degraded = _anywhere(camera, patch, seed)
    if config.undegraded_share:
      degraded = tf.where(uniform([], fold_in(seed, 3)) < config.undegraded_share, patch, degraded)
    return degraded, patch

  return load


def _anywhere(camera, patch, seed):
  """The patch as the camera takes it, with the blocks of its JPEG at a random place.

  A network that moves pixels in groups, as Demux and Mux do, would otherwise learn where in a group the blocks begin, and
  draw them as a lattice into images that have none.
  """
  size = patch.shape
  rows, columns = tf.unstack(tf.cast(uniform([2], fold_in(seed, 5)) * JPEG_BLOCK, tf.int32))
  padded = tf.pad(patch, [[rows, 0], [columns, 0], [0, 0]], "REFLECT")
  return tf.ensure_shape(camera(padded, fold_in(seed, 2))[rows:, columns:], size)


def _patch(config, images, seed):
  crop, flip = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
  images = random_crop(images, config.patch_size, crop)
  return random_flip(images, flip) if config.flip else images
