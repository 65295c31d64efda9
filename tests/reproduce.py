"""What tests of the tables share: calls of `tf-imgtrans reproduce`, their results, and trainings that end at once."""

import dataclasses
import json
import typing

import keras
import numpy as np
import recipes

from tf_imgtrans.core.images import write_image
from tf_imgtrans.losses.vgg19 import BLOCKS
from tf_imgtrans.tables.table import Result, Row


def call(paper, table, *arguments):
  """Runs a table in this process; its exit status."""
  return recipes.call("reproduce", paper, table, *arguments)


def report(out, table):
  """Content of table.json."""
  return json.loads((out / table / "table.json").read_text())


def rows(out, table):
  """dict of row name to its part of table.json."""
  return {row["row"]: row for row in report(out, table)["rows"]}


def verdicts(out, table):
  """Verdicts of the statements, in their order."""
  return [item["verdict"] for item in report(out, table)["statements"]]


def seeds_of_claims(out, table):
  """Numbers of seeds that the claims of the statements are decided by, where they are measured: set of ints."""
  return {claim["seeds"] for item in report(out, table)["statements"] for claim in item["claims"] if claim["seeds"]}


def text(captured):
  """What was printed, without frames and line breaks."""
  return " ".join((captured.err + captured.out).replace("│", " ").split())


def contents(folder):
  """dict of every file below a folder to its bytes."""
  return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(folder, count, height=20, width=24, seed=0, name="image"):
  """Writes smooth images; returns the folder."""
  for index, image in enumerate(recipes.smooth_images(count, height, width, 3, seed=seed)):
    write_image(folder / f"{name}{index}.png", image)
  return folder


def write_vgg(path):
  """Writes the first three blocks of a VGG19, of random numbers."""
  rng, arrays, inputs = np.random.default_rng(0), {}, 3
  for block, (convolutions, outputs) in enumerate(BLOCKS[:3], 1):
    for name in (f"block{block}_conv{number}" for number in range(1, convolutions + 1)):
      arrays[f"{name}__kernel"] = rng.normal(0, np.sqrt(2 / 9 / inputs), (3, 3, inputs, outputs)).astype("f")
      arrays[f"{name}__bias"], inputs = np.zeros(outputs, "f"), outputs
  path.parent.mkdir(parents=True, exist_ok=True)
  np.savez(path, **arrays)


class Call(typing.NamedTuple):
  """A training that a table started."""

  recipe: str
  run: str
  config: typing.Any
  options: typing.Any


def stub_training(monkeypatch, summary, networks):
  """Puts a training in the place of the real one that ends at once; the list of its calls.

  Args:
    monkeypatch: pytest's.
    summary: Call -> the data's part of run.json.
    networks: Call -> dict of the name of a file in the run folder to a keras.Model, or one keras.Model.
  """
  calls = []

  def train(recipe, config, options):
    made = Call(recipe, options.out.name, config, options)
    calls.append(made)
    options.out.mkdir(parents=True, exist_ok=True)
    described = {"config": dataclasses.asdict(config), "data": summary(made)}
    (options.out / "run.json").write_text(json.dumps(described))
    found = networks(made)
    for name, network in (found if isinstance(found, dict) else {"generator": found}).items():
      network.save(options.out / f"{name}.keras")

  monkeypatch.setattr("tf_imgtrans.tables.runs.train", train)
  return calls


def rescaling(factor, scale=1):
  """A network that multiplies by a factor and repeats pixels."""
  return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Rescaling(factor),
                           *([keras.layers.UpSampling2D(scale)] if scale > 1 else [])])


# What the images of a made-up result add to its mean: the same for all rows, as an image is as hard for all.
IMAGES = {f"image{place}": offset for place, offset in enumerate((-0.03, -0.01, 0.01, 0.03))}


def results(values, seeds=(0,), details=None):
  """Results of rows: from a dict of key to a dict of column to a value, or to a list with one for each seed."""
  found = []
  for key, columns in values.items():
    each = {column: value if isinstance(value, list) else [value] * len(seeds) for column, value in columns.items()}
    records = []
    for place, seed in enumerate(seeds):
      means = {column: numbers[place] for column, numbers in each.items()}
      records.append({"seed": seed, "values": means, "each": {
          column: {name: mean + offset for name, offset in IMAGES.items()} for column, mean in means.items()
          if mean is not None}})
    found.append(Result(Row(key, str(key), seeds=tuple(seeds), details=details or {}), records))
  return found
