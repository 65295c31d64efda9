"""`--resume`: flags that are not given keep the values of the run, whatever their defaults are."""

import functools
import inspect
import pathlib

from tf_imgtrans.core.config import differences, from_dict
from tf_imgtrans.core.files import read_json
from tf_imgtrans.training.options import TrainingOptions

CHANGEABLE = ("iterations", "vgg_weights")  # a run may go on for longer, and its weights file may have moved
FIXED = ("precision", "validation_share", "phone", "source", "target")  # options that decide what the run computes


def resumable(command):
  """Decorates a training command `(options, config)`: with --resume its defaults come from run.json."""
  config_class = type(inspect.signature(command).parameters["config"].default)
  command.prepared = lambda arguments: functools.partial(command, **resumed_defaults(arguments, config_class))
  return command


def resumed_defaults(arguments, config_class):
  """{"options": TrainingOptions, "config": ...} of the run that arguments with --resume name; {} where they name none."""
  described = described_run(arguments)
  if described is None:
    return {}
  options = from_dict(TrainingOptions, {
      **described["options"], "resume": False, "out": pathlib.Path(flag_value(arguments, "--out")),
      "data": pathlib.Path(described["options"]["data"])})
  return {"options": options, "config": from_dict(config_class, described["config"])}


def described_run(arguments):
  """The content of run.json of the run that arguments with --resume name; None where they name none."""
  folder = flag_value(arguments, "--out")
  if "--resume" not in arguments or folder is None or not (pathlib.Path(folder) / "run.json").exists():
    return None
  return read_json(pathlib.Path(folder) / "run.json")


def check_resumed(folder, config, options):
  """Raises ValueError where a resumed run is asked for something else than it was started with.

  Args:
    folder: RunFolder.
    config: the paper's Config.
    options: TrainingOptions.
  """
  described = folder.description()
  former = from_dict(type(config), described["config"])
  changed = [(f"config.{name}", getattr(config, name), getattr(former, name)) for name in differences(config, former)
             if name not in CHANGEABLE]
  changed += [(name, getattr(options, name), described["options"][name]) for name in FIXED
              if getattr(options, name) != described["options"][name]]
  for name, given, before in changed:
    raise ValueError(f"{name} is {given!r}, but the run in {folder.path} was started with {before!r}: a resumed run keeps "
                     f"it; leave --{name} out")


def flag_value(arguments, flag):
  """The value of a flag in a list of arguments, as `--flag value` or `--flag=value`; None when it is not there."""
  for position, argument in enumerate(arguments):
    if argument == flag and position + 1 < len(arguments):
      return arguments[position + 1]
    if argument.startswith(f"{flag}="):
      return argument.split("=", 1)[1]
  return None
