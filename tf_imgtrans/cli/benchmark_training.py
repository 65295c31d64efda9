"""`tf-imgtrans benchmark-training`: images a second of a paper's training step, and what reading the data takes of it."""

import dataclasses
import importlib
import os
import pathlib
import tempfile
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.startup import start_tensorflow, versions

Paper = Literal["mux_demux", "x_gans", "feature_pyramid_pan", "progressive_pan"]


def benchmark_training(paper: tyro.conf.Positional[Paper], data: pathlib.Path, preset: Literal["paper", "small"] = "paper",
                       batch_size: int | None = None, steps: int = 4, rounds: int = 4,
                       xla: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, json: pathlib.Path | None = None):
  """Measure images a second of a paper's training step.

  Steps on new batches and steps on one batch that is kept take turns; what the first take longer is the share of the
  input pipeline. With --xla the same steps compiled by XLA join in. The step is the last of the run, at full size where a
  network grows. VGG19 has random weights, which are as fast as others. Nothing is written.

  Example: tf-imgtrans benchmark-training x_gans --preset small --data celeba --xla

  The data folder is that of tf-imgtrans train PAPER. mux_demux:
    {pairs}
    {clean}
  x_gans:
    {photographs}
  feature_pyramid_pan:
    {labels}
  progressive_pan:
    {aligned}

  Args:
    data: data folder.
    preset: whose configuration is measured; mux_demux has the paper's alone.
    batch_size: images of a step; else the preset's.
    steps: of a round.
    rounds: measured, after one that warms up.
    xla: measure the step with XLA, too.
    json: file for the numbers.
  """
  start_tensorflow()
  from tf_imgtrans.benchmark.latency import paired_latency

  config, images = _config(paper, preset, batch_size)
  with tempfile.TemporaryDirectory() as folder:
    found = paired_latency(_candidates(paper, config, data, pathlib.Path(folder), steps, rounds, xla), rounds)
  values = {name: _values(found, name, steps * images) for name in (("graph", "xla") if xla else ("graph",))}
  print(f"{paper}, {images} images a step, {rounds} rounds of {steps} steps, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}")
  for name, row in values.items():
    print(f"{name:6}{row['images_per_second']:9.2f} images/s   time / graph {row['ratio'][0]:.2f} "
          f"({row['ratio'][1]:.2f}-{row['ratio'][2]:.2f})   input {row['input_share']:.1%}")
  if json:
    from tf_imgtrans.core.files import write_json

    write_json(json, {"paper": paper, "preset": preset, "batch": images, "steps": steps, "rounds": rounds,
                      "cores": os.cpu_count(), "versions": versions(), "steps_as": values})


def _config(paper, preset, batch_size):
  """The configuration, and how many images its last step takes."""
  module = importlib.import_module(f"tf_imgtrans.papers.{paper}.config")
  presets = getattr(module, "PRESETS", None) or {"paper": module.Config()}
  if preset not in presets:
    raise ValueError(f"preset is {preset!r}: {paper} has {', '.join(presets)}")
  config = presets[preset]
  if batch_size is not None and not hasattr(config, "batch_size"):
    raise ValueError(f"batch_size is {batch_size}, but that of {paper} grows with the network: leave --batch_size out")
  changed = {"batch_size": batch_size} if batch_size is not None else {}
  changed |= {"vgg_weights": "random"} if hasattr(config, "vgg_weights") else {}
  config = dataclasses.replace(config, **changed)
  if hasattr(config, "images_at"):
    return config, config.images_at(config.iterations) - config.images_at(config.iterations - 1)
  return config, config.batch_size


def _candidates(paper, config, data, folder, steps, rounds, xla):
  """For each way to compile: `steps` steps on new batches, and on one that is kept."""
  import tensorflow as tf

  from tf_imgtrans.cli.train import METHODS, make_trainer
  from tf_imgtrans.core.replicas import Part
  from tf_imgtrans.training.loop import compile_step
  from tf_imgtrans.training.options import PairedOptions

  strategy, candidates = tf.distribute.get_strategy(), {}
  for name in ("graph", "xla") if xla else ("graph",):
    options = PairedOptions(out=folder, data=data, jit=name == "xla")
    module = importlib.import_module(METHODS[paper][1])
    images = module.training_data(config, module.read(options))
    trainer = make_trainer(paper, config, options, strategy)
    trainer.prepare(images)
    start = max(0, config.iterations - 2 * steps * (rounds + 1))
    trainer.step.assign(start)
    batches = iter(images.batches(start, Part()))
    kept, step = next(batches), compile_step(trainer, strategy, options.jit)
    candidates |= {name: _runner(step, lambda batches=batches: next(batches), steps),
                   f"{name} kept": _runner(step, lambda kept=kept: kept, steps)}
  return candidates


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
