"""`--resume`: flags that are not given keep the values of the run, whatever their defaults are."""

import functools
import pathlib
import typing

from tf_imgtrans.core.config import differences, from_dict
from tf_imgtrans.core.files import read_json
from tf_imgtrans.training.checkpoints import Checkpoints

CHANGEABLE = ("iterations", "vgg_weights")  # a run may go on for longer, and its weights file may have moved
FIXED = ("precision", "validation_share", "phone", "source", "target")  # options that decide what the run computes


def resumable(command):
  """Decorates a training command `(options, config)`, named as its paper: with --resume its defaults are its run's."""
  def prepared(arguments):
    return functools.partial(command, **resumed_defaults(arguments, command, [command.__name__]))

  command.prepared = prepared
  return command


def resumed_defaults(arguments, command, papers):
  """What a command's defaults are when arguments with --resume name a run.

  Args:
    arguments: list of str.
    command: function of `options` and `config`.
    papers: the papers or baselines that the command trains.
  Returns:
    dict: "options" and "config" of the run; empty where the arguments name none.
  Raises:
    ValueError: the run is of another paper.
  """
  described = described_run(arguments)
  if described is None:
    return {}
  folder = flag_value(arguments, "--out")
  if described["paper"] not in papers:
    raise ValueError(f"the run in {folder} is one of {described['paper']}, not of {', '.join(papers)}: resume it by the "
                     "command that started it")
  options_class, config_class = (typing.get_type_hints(command)[name] for name in ("options", "config"))
  options = from_dict(options_class, {**described["options"], "resume": False, "out": pathlib.Path(folder),
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
              if name in described["options"] and getattr(options, name) != described["options"][name]]
  for name, given, before in changed:
    raise ValueError(f"{name} is {given!r}, but the run in {folder.path} was started with {before!r}: a resumed run keeps "
                     f"it; leave --{name} out")
  step = max(Checkpoints(folder.checkpoints).steps(), default=0)
  if step > config.iterations:  # here too, before run.json is written anew
    raise ValueError(f"{folder.path} is at step {step} already: expected --config.iterations of {step} or more, not "
                     f"{config.iterations}")


def flag_value(arguments, flag):
  """The value of a flag in a list of arguments, as `--flag value` or `--flag=value`; None when it is not there."""
  for position, argument in enumerate(arguments):
    if argument == flag and position + 1 < len(arguments):
      return arguments[position + 1]
    if argument.startswith(f"{flag}="):
      return argument.split("=", 1)[1]
  return None
