"""Training images of the segmenter: photographs with the detail of generated ones, and their label maps."""

import dataclasses
import functools
import pathlib

import tensorflow as tf

from tf_imgtrans.baselines.segmentation.score import SegmentationValidator, enlarge
from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.data.folders import Folder, check_run_outside
from tf_imgtrans.data.labels import check_labelled, find_labelled, read_labels, resize_labels, split_labelled
from tf_imgtrans.data.pairs import Pair
from tf_imgtrans.data.pipeline import random_flip, training_batches, unit
from tf_imgtrans.data.resizing import resize
from tf_imgtrans.data.store import ImageStore
from tf_imgtrans.data.task import Task, TrainingData, settings_of


@dataclasses.dataclass(frozen=True)
class LabelledFolder:
  """Where labelled photographs lie; their layout follows from the label set, which the configuration names."""

  directory: pathlib.Path
  validation_share: float


def task(config):
  """Segmentation of photographs into the classes of `config.label_set`: data.task.Task, whose targets are label maps."""
  def found(options):
    return find(config, read(options))

  return Task("segmentation", settings_of(config, ("label_set", "image_size")), found, summary,
              functools.partial(training_data, config), lambda found, items, whole=False: held_out(config, items),
              metrics=("pixel_accuracy", "class_accuracy", "class_iou"),
              validator=functools.partial(SegmentationValidator, label_set=config.label_set))


def read(options):
  """The folder that training options name: LabelledFolder.

  Raises:
    ValueError: the run would lie in it.
  """
  directory = pathlib.Path(options.data)
  check_run_outside(options.out, [directory])
  return LabelledFolder(directory, options.validation_share)


def training_data(config, folder):
  """Makes the data of a run; reads every file once, so that a bad one stops it here.

  Batches are (photographs float32 [N, H, W, 3], classes uint8 [N, H, W]).

  Args:
    config: Config.
    folder: LabelledFolder, or Folder of `find`.
  Raises:
    FileNotFoundError: no folder, or no labelled photograph in it.
    ValueError: a file that cannot be read, or a label map without a class of the label set.
  """
  found = find(config, folder)
  check_labelled(found.training + found.validation, config.label_set)
  load = _loader(config, found.training)

  def batches(start_step, part):
    return training_batches(load, len(found.training), config.batch_size, config.seed, start_step, part)

  return TrainingData(summary(found), batches, lambda most=None: held_out(config, found.validation[:most]))


def find(config, folder):
  """Lists the labelled photographs of a LabelledFolder: Folder of LabelledImage; a Folder passes unchanged."""
  if isinstance(folder, Folder):
    return folder
  found = find_labelled(folder.directory, config.label_set)
  return Folder("labelled", *split_labelled(found, folder.validation_share))


def summary(found):
  """What run.json says of the data: numbers of photographs, digests of the names and sizes of both files."""
  parts = ([Pair(item.photo, item.labels) for item in part] for part in (found.training, found.validation))
  return Folder("labelled", *parts).summary()


def held_out(config, items):
  """Photographs with the detail of generated ones, and their label maps as they are.

  Args:
    config: Config.
    items: list of LabelledImage.
  Returns:
    list of (name, photograph float32 [image_size, image_size, 3] in [0, 1], classes uint8 [H, W], 255 where ignored).
  """
  return [(item.stem, unit(resize(read_uint8(item.photo), config.image_size)).numpy(),
           read_labels(item.labels, config.label_set)) for item in items]


def _loader(config, items):
  """Loads one photograph at `load_size`, or its label map's size, and that label map; mirrors both, or none."""
  small = ImageStore([item.photo for item in items], prepare=functools.partial(resize, size=config.image_size))
  side, known = config.load_size, config.load_size or None

  def read(path):
    classes = read_labels(path, config.label_set)
    return (resize_labels(classes, side, side) if side else classes)[..., None]

  maps = ImageStore([item.labels for item in items], read=read, channels=1)

  def load(number, seed):
    labels = tf.ensure_shape(maps.tensor(number), (known, known, 1))[..., 0]
    photograph = unit(tf.ensure_shape(small.tensor(number), (config.image_size, config.image_size, 3)))
    photograph = tf.ensure_shape(enlarge(photograph, *tf.unstack(tf.shape(labels))), (known, known, 3))
    if not config.flip:
      return photograph, labels
    photograph, labels = random_flip([photograph, labels[..., None]], seed)
    return photograph, labels[..., 0]

  return load
