"""Networks that a table trains itself, and files that it finds for them."""

import dataclasses
import functools
import os
import pathlib

from tf_imgtrans.core.config import differences, from_dict
from tf_imgtrans.training.options import CHANGEABLE

CHECKPOINT_EVERY = 100
VGG_FILES = ("vgg19*.npz", "vgg19*.h5")


def trained(paper, config, options, summary=None):
  """Trains a network into a run folder; a finished run is taken as it is, a stopped one goes on.

  Args:
    paper: str, a paper or a baseline.
    config: its Config.
    options: TrainingOptions with `out` and `data`.
    summary: of the data, which a finished run must have been trained on; None takes any.
  Returns:
    Path of the generator.
  Raises:
    ValueError: a run of another configuration or of other images lies there.
  """
  import keras

  from tf_imgtrans.recipes import find_recipe
  from tf_imgtrans.training.session import train

  resume = (options.out / "run.json").is_file()
  if not (resume and _finished(options, config, summary)):
    keras.utils.clear_session()  # the networks of the rows before would stay in memory
    train(find_recipe(paper), config, dataclasses.replace(
        options, resume=resume, validate_every=max(config.iterations // 20 * 20, 20), checkpoint_every=CHECKPOINT_EVERY))
  return options.out / "generator.keras"


def _finished(options, config, summary):
  """Whether a run folder holds the trained network; ValueError where it is one of something else."""
  from tf_imgtrans.core.files import read_json

  described = read_json(options.out / "run.json")
  former = from_dict(type(config), described["config"])
  changed = [name for name in differences(config, former) if name not in CHANGEABLE]
  if changed:
    name = changed[0]
    raise ValueError(f"{options.out} was trained with {name} {getattr(former, name)!r}, and now it is "
                     f"{getattr(config, name)!r}: choose another --out, or remove that folder to train anew")
  if summary is not None and described["data"] != summary:
    raise ValueError(f"{options.out} was trained on other images than those of {options.data}: choose another --out, or "
                     "remove that folder to train anew")
  return (options.out / "generator.keras").is_file() and former.iterations == config.iterations


@functools.lru_cache(maxsize=2)
def load_trained(path, size):
  """A saved generator as a graph for images of one size: float32 [S, S, 3] -> the same, NumPy."""
  import keras
  import tensorflow as tf

  model = keras.saving.load_model(path)
  graph = tf.function(lambda images: model(images, training=False),
                      input_signature=[tf.TensorSpec((1, size, size, 3), tf.float32)])
  return lambda source: graph(source[None])[0].numpy()


def weight_folders(options, data):
  """Where public weights are looked for: the folder of --weights, else "weights" in the data or beside it.

  Args:
    options: ReproduceOptions.
    data: Path of the data folder.
  Raises:
    FileNotFoundError: --weights names no folder.
  """
  if options.weights and not options.weights.is_dir():
    raise FileNotFoundError(f"no folder {options.weights}: give --weights the folder with the public checkpoints")
  beside = pathlib.Path(os.path.abspath(data)).parent / "weights"
  return [options.weights] if options.weights else [data / "weights", beside]


def find(folders, *patterns):
  """The first file of the folders, or below them, that fits a pattern; None where there is none."""
  for pattern in patterns:
    for folder in folders:
      found = sorted(folder.rglob(pattern)) if folder.is_dir() else []
      if found:
        return found[0]
  return None


def vgg_file(folders):
  """A VGG19 file of the folders, for the configuration; "" where the environment names one, or there is none."""
  from tf_imgtrans.losses.vgg19 import VARIABLE

  return "" if os.environ.get(VARIABLE) else str(find(folders, *VGG_FILES) or "")
