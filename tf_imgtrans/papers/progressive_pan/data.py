"""Training images of every stage (Sec. 4.1): squares of the stage's size, and the small images that go in.

A data folder holds aligned images, in it or below it, of which the central square is taken, or what `tf-imgtrans data
pack` made of them, which is faster. FFHQ, CelebA-HQ and LSUN cat as they come:

  ffhq/images1024x1024/00000/00000.png ...      celeba_hq/*.jpg      lsun/cat/*.webp
"""

import dataclasses
import functools
import operator
import pathlib

import tensorflow as tf

from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.data.degradations import area, degraded_low_resolution, low_resolution
from tf_imgtrans.data.folders import Folder, check_run_outside, photograph_parts, read_photographs
from tf_imgtrans.data.pairs import check_sides, set_some_aside, split_by_name
from tf_imgtrans.data.pipeline import random_flip, training_batches, unit
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.data.shards import ShardStore, find_shards
from tf_imgtrans.data.store import BUDGET, ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of
from tf_imgtrans.papers.progressive_pan.config import DEGRADATION

HELD_OUT_SEED = 20200727  # of the degradation of held-out images: the same in every run and every program
REMEDY = "Remove them, or lower --config.output_size."
STAGE_BUDGET = BUDGET // 4  # bytes of decoded images kept for each size: 4 GB for the eight sizes of a whole run


@dataclasses.dataclass(frozen=True)
class Images:
  """Images of a data folder in two parts.

  Attributes:
    store: size -> what gives them as squares of that size, by number: data.store.ImageStore or data.shards.ShardStore.
    training, validation: lists of numbers.
    names: list of str, by number.
    summary: dict, for run.json.
    check: size -> None; raises ValueError where images are smaller than that.
    folder: data.folders.Folder; None of packed images.
  """

  store: callable
  training: list
  validation: list
  names: list
  summary: dict
  check: callable = lambda size: None
  folder: Folder | None = None

  def without_held_out(self, share):
    """The images of a run that never sees the held-out ones: it validates on a share of the others, Images."""
    if self.folder:
      return _of_folder(self.folder.without_held_out(share))
    training, validation = set_some_aside(self.training, share, self.names.__getitem__)
    return dataclasses.replace(self, training=training, validation=validation, summary={
        **self.summary, "training": len(training), "validation": len(validation), "held_out": len(self.validation)})


def task(config):
  """Super-resolution from input_size to output_size, of reduced or degraded images (Sec. 4.1 and 5.7): data.task.Task."""
  def images(found, numbers, whole=False):  # noqa: ARG001 - as all tasks; the images are squares of one size
    return numbered(config, found, numbers)

  return Task("progressive_super_resolution",
              settings_of(config, ("input_size", "output_size", "low_resolution", "degrade", *DEGRADATION)), read,
              operator.attrgetter("summary"), functools.partial(training_data, config), images, scale=config.scale)


def read(options):
  """The images that training options name: Images.

  Raises:
    FileNotFoundError, ValueError: no images; or the run would lie among them.
  """
  check_run_outside(options.out, photograph_parts(options.data))
  return find(options.data, options.validation_share)


def find(directory, validation_share=0.1):
  """The images of a data folder, packed or not: Images.

  Args:
    directory: str or Path.
    validation_share: float, held out by a hash of the names, where the folder has no part for it.
  Raises:
    FileNotFoundError, ValueError: no images, or packed ones that cannot be used.
  """
  shards = find_shards(directory)
  if shards:
    names = [pathlib.PurePosixPath(name) for name in shards.names]
    parts = _packed_parts(names) or split_by_name(names, validation_share)
    number = {name: index for index, name in enumerate(names)}
    summary = {"kind": "packed", "training": len(parts[0]), "validation": len(parts[1]), "digest": shards.digest}
    return Images(functools.partial(ShardStore, directory, budget=STAGE_BUDGET), *([number[name] for name in part]
                    for part in parts), [name.stem for name in names], summary)
  return _of_folder(read_photographs(directory, validation_share))


def _of_folder(folder):
  """Images of a data.folders.Folder of photographs."""
  paths = [*folder.training, *folder.validation]
  store = lambda size: ImageStore(paths, STAGE_BUDGET, lambda image: resize(central_square(image), size))  # noqa: E731
  numbers = range(len(paths))
  return Images(store, numbers[:len(folder.training)], numbers[len(folder.training):], [path.stem for path in paths],
                  folder.summary(), functools.partial(check_sides, paths, remedy=REMEDY), folder)


def _packed_parts(names):
  """The parts of packed images that lay in DIR/train and DIR/test (or DIR/val); None for others."""
  first = {name.parts[0] for name in names if len(name.parts) > 1}
  for held_out in ("test", "val", "validation"):
    if {"train", held_out} <= first:
      return [[name for name in names if name.parts[0] == part] for part in ("train", held_out)]
  return None


def training_data(config, images):
  """Makes the data of a run: TrainingData.

  Element i of a stage is a function of i and the seed alone; i goes on from stage to stage. Images are shrunk by area to
  the size of the stage, in one go from their own size, so that early stages are fast; with `degrade` or bicubic inputs, to
  output_size first.

  Args:
    config: Config.
    images: Images of `find`.
  Raises:
    ValueError: images that are smaller than output_size, or a packed folder that lacks a size.
  """
  images.check(config.output_size)
  for size in {config.output_size} if whole(config) else config.sizes:
    images.store(size)  # a packed folder says here what it lacks, before the first step

  def stage_batches(stage, start_step, part):
    size = config.output_size if whole(config) else stage.resolution
    store = images.store(size)
    chosen = tf.constant(images.training, tf.int64)

    def load(number, seed):
      mirror, draw = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
      image = unit(tf.ensure_shape(store.tensor(chosen[number]), (size, size, 3)))
      if config.flip:
        image, = random_flip([image], mirror)
      return pair(config, image, stage.resolution, draw)

    return training_batches(load, len(images.training), stage.minibatch, config.seed, start_step, part,
                            first=stage.first_image)

  def batches(start_step, part):
    """Of one stage after the other; the last has no end."""
    made = None
    for stage in config.stages:
      if stage is not config.stages[-1] and stage.last_step <= start_step:
        continue
      first = max(start_step - stage.first_step, 0)
      here = stage_batches(stage, first, part)
      if stage is not config.stages[-1]:
        replicas = part.replicas_per_worker
        here = here.take((stage.last_step - stage.first_step - first) * replicas)
      made = here if made is None else made.concatenate(here)
    return made

  def validation(most=None):
    return list(held_out(config, images, most))

  return TrainingData(images.summary, batches, validation)


def held_out(config, images, most=None):
  """Yields (name, source, target) of held-out images, NumPy float32 [s, s, 3] and [S, S, 3], of input_size and
  output_size; image i is always degraded alike.

  Args:
    config: Config.
    images: Images of `find`.
    most: int, how many; None for all.
  """
  return numbered(config, images, images.validation[:most])


def numbered(config, images, numbers):
  """As `held_out`, of the images of the given numbers; the i-th of them is always degraded alike."""
  store = images.store(config.output_size)
  function = tf.function(lambda target, seed: pair(config, target, config.output_size, seed), autograph=False)
  for place, number in enumerate(numbers):
    target = unit(store.read(number))
    source, target = function(target, fold_in(as_seed_pair(HELD_OUT_SEED), place))
    yield images.names[number], source.numpy(), target.numpy()


def whole(config):
  """Whether inputs are made of images of the output's size at every stage: by area, that would change nothing."""
  return config.degrade or config.low_resolution != "area"


def pair(config, image, resolution, seed):
  """The input and the target of a stage, of one image.

  Args:
    config: Config.
    image: float32 [S, S, 3] in [0, 1], of the stage's size, or where `whole` says so, of output_size.
    resolution: int, size of the stage.
    seed: int pair [2], of the degradation.
  Returns:
    (source, target): float32 [s, s, 3], s being the resolution or, above it, input_size; and [resolution, resolution, 3].
  """
  target = area(image, image.shape[0] // resolution)
  entry = min(resolution, config.input_size)
  if not whole(config):
    return area(target, resolution // entry), target
  if config.degrade:
    drawn = {name: getattr(config, name) for name in DEGRADATION}
    source = degraded_low_resolution(image, config.scale, seed, down=config.low_resolution, **drawn)
  else:
    source = low_resolution(image, config.scale)
  return area(source, config.input_size // entry), target
