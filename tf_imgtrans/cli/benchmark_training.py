"""`tf-imgtrans benchmark-training`: images a second of a paper's training step, and what reading the data takes of it."""

import dataclasses
import os
import pathlib
import tempfile
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.recipe import PRESETS
from tf_imgtrans.core.startup import start_tensorflow, versions
from tf_imgtrans.recipes import RECIPES, find_recipe

Name = Literal[tuple(RECIPES)]


def benchmark_training(name: tyro.conf.Positional[Name], data: pathlib.Path, preset: Literal[PRESETS] = "paper",
                       batch_size: int | None = None, steps: int = 4, rounds: int = 4,
                       xla: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, json: pathlib.Path | None = None):
  """Measure images a second of a paper's training step.

  Steps on new batches and steps on one batch that is kept take turns; what the first take longer is the share of the
  input pipeline. With --xla the same steps compiled by XLA join in. The step is the last of the run, at full size where a
  network grows. VGG19 has random weights, which are as fast as others. Nothing is written.

  Example: tf-imgtrans benchmark-training x_gans --preset small --data celeba --xla

  The data folder is that of tf-imgtrans train NAME. mux_demux:
    {pairs}
    {clean}
  x_gans:
    {photographs}
  feature_pyramid_pan:
    {labels}
  progressive_pan:
    {aligned}

  Args:
    name: of the paper or baseline.
    data: data folder.
    preset: whose configuration is measured.
    batch_size: images of a step; else the preset's.
    steps: of a round.
    rounds: measured, after one that warms up.
    xla: measure the step with XLA, too.
    json: file for the numbers.
  """
  start_tensorflow()
  from tf_imgtrans.benchmark.latency import paired_latency

  recipe = find_recipe(name)
  config = _config(recipe, preset, batch_size)
  with tempfile.TemporaryDirectory() as folder:
    candidates, images = _candidates(recipe, config, data, pathlib.Path(folder), steps, rounds, xla)
    found = paired_latency(candidates, rounds)
  values = {way: _values(found, way, steps * images) for way in (("graph", "xla") if xla else ("graph",))}
  print(f"{name}, {images} images a step, {rounds} rounds of {steps} steps, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}")
  for way, row in values.items():
    print(f"{way:6}{row['images_per_second']:9.2f} images/s   time / graph {row['ratio'][0]:.2f} "
          f"({row['ratio'][1]:.2f}-{row['ratio'][2]:.2f})   input {row['input_share']:.1%}")
  if json:
    from tf_imgtrans.core.files import write_json

    write_json(json, {"recipe": name, "preset": preset, "batch": images, "steps": steps, "rounds": rounds,
                      "cores": os.cpu_count(), "versions": versions(), "steps_as": values})


def _config(recipe, preset, batch_size):
  """The configuration that is measured."""
  config = recipe.preset(preset)
  if batch_size is not None and not hasattr(config, "batch_size"):
    raise ValueError(f"batch_size is {batch_size}, but that of {recipe.name} grows with the network: leave --batch_size "
                     "out")
  changed = {"batch_size": batch_size} if batch_size is not None else {}
  changed |= {"vgg_weights": "random"} if hasattr(config, "vgg_weights") else {}
  return dataclasses.replace(config, **changed)


def _candidates(recipe, config, data, folder, steps, rounds, xla):
  """(For each way to compile, `steps` steps on new batches and on one that is kept; the images of the last step.)"""
  import tensorflow as tf

  from tf_imgtrans.core.replicas import Part
  from tf_imgtrans.training.loop import compile_step
  from tf_imgtrans.training.session import make_trainer, options_class

  strategy, candidates = tf.distribute.get_strategy(), {}
  for way in ("graph", "xla") if xla else ("graph",):
    options = options_class(recipe)(out=folder, data=data, jit=way == "xla")
    task = recipe.make_task(config)
    training = task.training_data(task.read(options))
    trainer = make_trainer(recipe, config, options, strategy)
    trainer.prepare(training)
    start = max(0, config.iterations - 2 * steps * (rounds + 1))
    trainer.step.assign(start)
    batches = iter(training.batches(start, Part()))
    kept, step = next(batches), compile_step(trainer, strategy, options.jit)
    candidates |= {way: _runner(step, lambda batches=batches: next(batches), steps),
                   f"{way} kept": _runner(step, lambda kept=kept: kept, steps)}
  return candidates, trainer.images_at(config.iterations) - trainer.images_at(config.iterations - 1)


def _runner(step, batch, steps):
  def run():
    for _ in range(steps):
      terms = step(batch())
    float(terms["total"])  # waits for an accelerator

  return run


def _values(found, name, images):
  ratio, low, high = found.ratio(name, "graph")
  return {"images_per_second": 1000 * images / found.median_ms(name), "ratio": (ratio, low, high),
          "input_share": 1 - 1 / found.ratio(name, f"{name} kept")[0], "round_seconds": found.seconds[name],
          "kept_seconds": found.seconds[f"{name} kept"]}
