"""One training run: from a recipe, a configuration and options to a run folder. A stopped run goes on where it was."""

import dataclasses
import pathlib
import warnings

import keras
import tensorflow as tf

from tf_imgtrans.core.config import differences, from_stored
from tf_imgtrans.core.runs import stored_options
from tf_imgtrans.core.startup import versions
from tf_imgtrans.data.folders import as_trained
from tf_imgtrans.metrics.scoring import mean_scores
from tf_imgtrans.training.checkpoints import Checkpoints
from tf_imgtrans.training.loop import run_training
from tf_imgtrans.training.options import CHANGEABLE, FIXED, PairedOptions, TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import is_chief, make_strategy


def train(recipe, config, options, started=None, images=None):
  """Trains into a run folder. Sets the random seed of this process and makes TensorFlow's operations deterministic.

  Args:
    recipe: core.recipe.Recipe.
    config: one of its configurations.
    options: TrainingOptions.
    started: (trainer, RunFolder) -> None, called before the first step; None for nothing.
    images: what the task's `read` would give, for images that are not in a data folder; None reads `options.data`.
  Returns:
    (RunFolder, dict): the run, and the result of `training.loop.run_training`.
  Raises:
    ValueError: the folder holds another run; a resumed run has other data or settings; or there is nothing to train on.
  """
  strategy = make_strategy(options.strategy)  # first: a worker must join before any other operation
  folder = RunFolder(options.out, writes=is_chief(options.strategy))
  if options.resume:
    check_resumed(folder, config, options)
  if getattr(config, "vgg_weights", "") == "random":
    warnings.warn("vgg_weights is 'random': the perceptual loss compares features of random weights, which is for tests of "
                  "code; give a file, or leave --config.vgg_weights out", stacklevel=2)
  keras.utils.set_random_seed(config.seed)
  tf.config.experimental.enable_op_determinism()
  task = recipe.make_task(config)
  images = as_trained(read_images(task, options) if images is None else images, vars(options))
  data = task.training_data(images)
  trainer = make_trainer(recipe, config, options, strategy)
  trainer.prepare(data)  # before the folder is made: the data may be too few
  description = describe(recipe, config, task, options, data, trainer)
  with folder.claimed():
    folder.resume(description) if options.resume else folder.start(description)
    if started and folder.writes:
      started(trainer, folder)
    held_out = data.validation(options.validation_images) if folder.writes else []
    validator = trainer.validator(held_out, mean_scores) if held_out else None
    return folder, run_training(trainer, data.batches, folder, options, config.iterations, strategy, validator)


def read_images(task, options):
  """What the data folder of the options holds, as the task reads it."""
  if options.data is None:
    raise ValueError("no data folder: give one with --data")
  return task.read(options)


def make_trainer(recipe, config, options, strategy):
  """The trainer of a recipe, made in the strategy's scope."""
  with strategy.scope():
    return recipe.make_trainer(config, options.precision)


def describe(recipe, config, task, options, data, trainer):
  """Content of run.json."""
  return {
      "recipe": recipe.name,
      "config": dataclasses.asdict(config),
      "task": {"name": task.name, **task.settings},
      "options": {name: str(value.absolute()) if isinstance(value, pathlib.Path) else value
                  for name, value in dataclasses.asdict(options).items()},  # to go on from another working folder
      "data": data.summary,
      "provenance": trainer.provenance(),
      "versions": versions(),
  }


def options_class(recipe):
  """The dataclass of a recipe's training options."""
  return PairedOptions if recipe.paired else TrainingOptions


def resumed(recipe, path):
  """(configuration, options) with which the run in a folder goes on.

  Args:
    recipe: core.recipe.Recipe of the run.
    path: str or Path.
  Raises:
    FileNotFoundError: no run there.
    ValueError: a run of another recipe.
  """
  described = RunFolder(path).description()
  if described["recipe"] != recipe.name:
    raise ValueError(f"the run in {path} is one of {described['recipe']}, not of {recipe.name}: resume it by the command "
                     "that started it")
  return from_stored(recipe.config, described["config"]), described_options(recipe, described, out=path, resume=True)


def described_options(recipe, described, **changes):
  """The options of run.json, with some of them changed."""
  return stored_options(options_class(recipe), described, **changes)


def check_resumed(folder, config, options):
  """Raises ValueError where a resumed run is asked for something else than it was started with.

  Args:
    folder: RunFolder.
    config: the configuration that the run is to go on with.
    options: TrainingOptions.
  """
  described = folder.description()
  former = from_stored(type(config), described["config"])
  changed = [(f"config.{name}", getattr(config, name), getattr(former, name)) for name in differences(config, former)
             if name not in CHANGEABLE]
  changed += [(name, getattr(options, name), described["options"][name]) for name in FIXED
              if name in described["options"] and getattr(options, name) != described["options"][name]]
  for name, given, before in changed:
    raise ValueError(f"{name} is {given!r}, but the run in {folder.path} was started with {before!r}: a resumed run keeps "
                     f"it; leave --{name} out")
  step = max(Checkpoints(folder.checkpoints).steps(), default=0)
  if step > config.iterations:  # here too, before run.json is written anew
    raise ValueError(f"{folder.path} is at step {step} already: expected --config.iterations of {step} or more, not "
                     f"{config.iterations}")
