"""`tf-imgtrans train NAME`, made from the recipes, and the scripts of train_scripts/."""

import functools
import pathlib
import sys
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.config import from_stored
from tf_imgtrans.core.recipe import PRESETS
from tf_imgtrans.core.runs import read_run, stored_options
from tf_imgtrans.core.startup import program, start_tensorflow
from tf_imgtrans.recipes import BASELINES, RECIPES, find_recipe
from tf_imgtrans.training.options import Options, PairOptions

HELP = """Train: {summary}

Example: tf-imgtrans train {name} {example}
{notes}
{data}

Args:
  preset: defaults of a new run: the paper's, small ones for two processor cores, or tiny ones for a test of a second."""


def __getattr__(name):
  """The command of a recipe, by its name."""
  if name in RECIPES:
    return command_of(name)
  raise AttributeError(name)


@functools.cache
def command_of(name):
  """The function behind `train NAME`: its signature and its help screen are those of the recipe."""
  recipe = find_recipe(name)

  def command(options, preset="paper", config=None):
    return run(recipe, config, options)

  _describe(command, recipe, {"options": PairOptions if recipe.paired else Options, "preset": Literal[PRESETS],
                              "config": recipe.config})
  command.__defaults__ = ("paper", recipe.presets["paper"])
  command.prepared = functools.partial(_prepared, recipe, command)
  return command


def _describe(command, recipe, types):
  command.__name__, command.summary = recipe.name, recipe.summary
  command.__annotations__ = types
  command.__doc__ = HELP.format(name=recipe.name, summary=recipe.summary, example=recipe.example, data=recipe.data,
                                notes=f"\n{recipe.notes}\n" if recipe.notes else "")


def _prepared(recipe, command, arguments):
  """The command with the defaults of the preset that the arguments name, or of the run that they resume."""
  described = _described(arguments)
  if described is None:
    fields = {field: flag_value(arguments, f"--config.{field}") for field in recipe.variants}
    preset = flag_value(arguments, "--preset")
    return functools.partial(command, config=recipe.preset(preset if preset in PRESETS else "paper", **_given(fields)))
  folder = flag_value(arguments, "--out")
  if described["recipe"] != recipe.name:
    raise ValueError(f"the run in {folder} is one of {described['recipe']}, not of {recipe.name}: resume it by the command "
                     "that started it")
  kind = command.__annotations__["options"].__origin__
  options = stored_options(kind, described, resume=False, out=folder)
  return functools.partial(command, options=options, config=from_stored(recipe.config, described["config"]))


def baseline():
  """Train a network that a paper compares its own with: the command of its name.

  With --help and --name together: the flags, defaults and data folder of that network.

  Example: tf-imgtrans train baseline --name dped --data dped --phone iphone --out runs/dped

  The data folder of this example:
    {pairs}
  """


def _prepared_baseline(arguments):
  """The command of the baseline that the arguments name, or whose run they resume; --name stays a flag of it."""
  described = _described(arguments)
  name = flag_value(arguments, "--name") or (described and described["recipe"])
  if described and described["recipe"] not in BASELINES:
    raise ValueError(f"the run in {flag_value(arguments, '--out')} is one of {described['recipe']}, not of "
                     f"{', '.join(BASELINES)}: resume it by the command that started it")
  if name not in BASELINES:
    return _unnamed_baseline
  inner = command_of(name).prepared(arguments)

  def command(options, name, preset="paper", config=None):  # noqa: ARG001 - the name has chosen the command
    return run(find_recipe(inner.func.__name__), config, options)

  types = inner.func.__annotations__
  _describe(command, find_recipe(name), {"options": types["options"], "name": Literal[tuple(BASELINES)],
                                         "preset": types["preset"], "config": types["config"]})
  resumed = {"name": name} if described else {}
  return functools.partial(command, **inner.keywords, **resumed)


def _unnamed_baseline(name: Annotated[Literal[tuple(BASELINES)], tyro.conf.arg(help="the baseline")]):
  """Train a network that a paper compares its own with: the command of its name.

  With --help and --name together: the flags, defaults and data folder of that network.

  Example: tf-imgtrans train baseline --name dped --data dped --phone iphone --out runs/dped

  The data folder of this example:
    {pairs}
  """


baseline.prepared = _prepared_baseline
baseline.summary = "A network that a paper compares its own with, by --name."


def flag_value(arguments, flag):
  """The value of a flag in a list of arguments, as `--flag value` or `--flag=value`; None when it is not there."""
  for position, argument in enumerate(arguments):
    if argument == flag and position + 1 < len(arguments):
      return arguments[position + 1]
    if argument.startswith(f"{flag}="):
      return argument.split("=", 1)[1]
  return None


def _described(arguments):
  """The content of run.json of the run that arguments with --resume name; None where they name none."""
  folder = flag_value(arguments, "--out")
  if "--resume" not in arguments or folder is None or not (pathlib.Path(folder) / "run.json").exists():
    return None
  return read_run(folder)


def _given(fields):
  return {name: value for name, value in fields.items() if value is not None}


def script(*path):
  """Body of train_scripts/train_*.py: parse, build, fit. `path` is what follows `tf-imgtrans train`."""
  from tf_imgtrans.cli.main import main

  main(["train", *path, *sys.argv[1:]])


def run(recipe, config, options):
  """Trains and prints where the run lies; the command's exit status."""
  start_tensorflow()
  from tf_imgtrans.training.session import train

  folder, result = train(recipe, config, options, started=_show_plan)
  if folder.writes:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in result.items())
    print(f"{numbers}\nrun folder {folder.path}")
    if recipe.generators:
      print(f"next: {program()} predict --model {folder.path} PHOTO --out enhanced")
  return 0


def _show_plan(trainer, folder):  # noqa: ARG001 - as training.session.train calls it
  for line in trainer.plan():
    print(line, flush=True)
