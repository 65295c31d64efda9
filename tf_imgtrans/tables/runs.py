"""Networks of the rows: trained, given by the caller, or found as files."""

import functools
import hashlib
import inspect
import os
import pathlib

from tf_imgtrans.core.config import differences, from_stored
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.training.options import CHANGEABLE

CHECKPOINT_EVERY = 100
VALIDATION_IMAGES = 20
VALIDATIONS = 10  # of a training, of which its best network is chosen where the paper does so
VGG_FILES = ("vgg19*.npz", "vgg19*.h5", "imagenet-vgg-verydeep-19.mat")


def train(recipe, config, options):
  """Trains into a run folder: the one place where a table starts a training."""
  from tf_imgtrans.training import session

  session.train(find_recipe(recipe), config, options)


def trained(recipe, config, folder, summary=None, **options):
  """Trains a network into a run folder; a finished run is taken as it is, a stopped one is resumed.

  Args:
    recipe: str, a paper or a baseline.
    config: its Config.
    folder: Path of the run.
    summary: of the data, which a finished run must have been trained on; None takes any.
    **options: fields of TrainingOptions, or of PairedOptions where the recipe is paired.
  Raises:
    ValueError: a run of another configuration or of other images is in the folder.
  """
  import keras

  from tf_imgtrans.training.session import options_class

  resume = (folder / "run.json").is_file()
  if resume and _finished(folder, config, summary, options["data"]):
    return
  keras.utils.clear_session()  # frees the networks of the rows before
  train(recipe, config, options_class(find_recipe(recipe))(
      out=folder, resume=resume, validation_images=VALIDATION_IMAGES, checkpoint_every=CHECKPOINT_EVERY,
      validate_every=max(config.iterations // VALIDATIONS // 20 * 20, 20), record_terms=True, **options))


def _finished(folder, config, summary, data):
  """Whether a run folder holds the trained network; ValueError where it is one of something else."""
  from tf_imgtrans.core.files import read_json

  described = read_json(folder / "run.json")
  former = from_stored(type(config), described["config"])
  changed = [name for name in differences(config, former) if name not in CHANGEABLE]
  if changed:
    name = changed[0]
    raise ValueError(f"{folder} was trained with {name} {getattr(former, name)!r}, and now it is "
                     f"{getattr(config, name)!r}: choose another --out, or remove that folder to train anew")
  if summary is not None and described["data"] != summary:
    raise ValueError(f"{folder} was trained on other images than those of {data}: choose another --out, or remove that "
                     "folder to train anew")
  return (folder / "generator.keras").is_file() and former.iterations == config.iterations


def load(path, size=None):
  """A network from a file of any format: images float32 [N, H, W, 3] -> outputs, NumPy; `clip=False` leaves them unclipped.

  Args:
    path: str or Path.
    size: int, height and width of the images, where all are squares of one size; None for any.
  """
  path = pathlib.Path(path)
  file = path / "generator.keras" if (path / "generator.keras").is_file() else path
  return _load(path, size, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _load(path, size, _changed):
  from tf_imgtrans.inference.models import load_model

  model = load_model(path)
  return run_keras(model.keras_model, size) if model.keras_model else lambda images, clip=True: model(images)


def run_keras(model, size=None):
  """A Keras model as `load` gives it."""
  import tensorflow as tf

  takes_clip = "clip" in inspect.signature(model.call).parameters

  @functools.cache
  def graph(clip):
    options = {"clip": clip} if takes_clip else {}
    return tf.function(lambda images: model(images, training=False, **options),
                       input_signature=[tf.TensorSpec((1 if size else None, size, size, 3), tf.float32)])

  return lambda images, clip=True: graph(clip)(images).numpy()


def weight_folders(options):
  """Where public weights are looked for: the folder of --weights, else "weights" in the data or beside them.

  Raises:
    FileNotFoundError: --weights names no folder.
  """
  if options.weights and not options.weights.is_dir():
    raise FileNotFoundError(f"no folder {options.weights}: give --weights the folder with the public checkpoints")
  beside = pathlib.Path(os.path.abspath(options.data)).parent / "weights"
  return [options.weights] if options.weights else [options.data / "weights", beside]


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


def parse_models(models, names, example):
  """The networks of --models: dict of name to path.

  Args:
    models: strings NAME=MODEL.
    names: those that are known.
    example: str, of such a string.
  Raises:
    ValueError: another form, or an unknown name.
    FileNotFoundError: no such file or folder.
  """
  found = {}
  for item in models:
    name, separator, path = item.partition("=")
    if not (separator and path):
      raise ValueError(f"--models {item!r}: expected NAME=MODEL, such as {example}")
    if name not in names:
      raise unknown_name("row", name, names)
    if not pathlib.Path(path).exists():
      raise FileNotFoundError(f"--models {item!r}: no file or folder {path}")
    found[name] = path
  return found


def model_digest(path):
  """sha256 of a model's files: of the network's weights and graph, not of a run's logs."""
  path = pathlib.Path(path)
  if path.is_dir():
    files = [path / "generator.keras"] if (path / "generator.keras").is_file() else sorted(path.rglob("*"))
  elif path.suffix == ".index":
    files = sorted(path.parent.glob(f"{path.stem}.*"))
  else:
    files = [path]
  summed = hashlib.sha256()
  for file in files:
    summed.update(file.read_bytes() if file.is_file() else b"")
  return summed.hexdigest()
