"""`tf-imgtrans train PAPER`, and the scripts of train_scripts/."""

import dataclasses
import functools
import importlib
import pathlib
import sys
from typing import Literal

from tf_imgtrans.baselines.enhancement.config import CONFIGS as ENHANCEMENT
from tf_imgtrans.baselines.enhancement.config import Config as EnhancementConfig
from tf_imgtrans.cli.resume import check_resumed, flag_value, resumable, resumed_defaults
from tf_imgtrans.cli.startup import program, start_tensorflow, versions
from tf_imgtrans.papers.mux_demux.config import Config as MuxDemuxConfig
from tf_imgtrans.training.options import PairOptions


@resumable
def mux_demux(options: PairOptions, config: MuxDemuxConfig = MuxDemuxConfig()):  # noqa: B008 - frozen
  """Train Mux/Demux photo enhancement.

  The data folder holds DPED (DIR/iphone/training_data/iphone/*.jpg ...), two paired folders (DIR/low/*.jpg and
  DIR/target/*.jpg, equal names), or clean photographs (DIR/*.jpg), which are degraded on the fly.

  Example: tf-imgtrans train mux_demux --data dped --phone iphone --out runs/iphone
  """
  return run("mux_demux", config, options)


def baseline(options: PairOptions, name: Literal[tuple(ENHANCEMENT)],
             config: EnhancementConfig = ENHANCEMENT["srcnn"]):  # noqa: B008 - frozen
  """Train a network that a paper compares itself with, under that paper's protocol.

  The defaults shown are those of the baseline that --name gives. The data folder is as for the paper: see
  tf-imgtrans train mux_demux --help.

  Example: tf-imgtrans train baseline --name dped --data dped --phone iphone --out runs/dped

  Args:
    name: the baseline.
  """
  return run(name, config, options)


def _prepared_baseline(arguments):
  """The command with the defaults of the baseline that the arguments name, or of the run that they resume."""
  name = flag_value(arguments, "--name")
  resumed = resumed_defaults(arguments, baseline, [name] if name else list(ENHANCEMENT))
  if resumed:
    return functools.partial(baseline, name=resumed["config"].network, **resumed)
  return functools.partial(baseline, config=ENHANCEMENT[name]) if name in ENHANCEMENT else baseline


baseline.prepared = _prepared_baseline


def script(*path):
  """Body of train_scripts/train_*.py: parse, build, fit. `path` is what follows `tf-imgtrans train`."""
  from tf_imgtrans.cli.main import main

  main(["train", *path, *sys.argv[1:]])


def run(paper, config, options):
  """Trains a paper's model, or a baseline, and says where it lies; the command's exit status."""
  folder, result = train(paper, config, options)
  if folder.writes:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in result.items())
    print(f"{numbers}\nrun folder {folder.path}\nnext: {program()} predict --model {folder.path} PHOTO --out enhanced")
  return 0


def train(paper, config, options):
  """Trains into a run folder.

  Args:
    paper: str, a paper or a baseline.
    config: its Config.
    options: TrainingOptions.
  Returns:
    (RunFolder, dict): the run, and the result of `run_training`.
  """
  start_tensorflow()
  import keras
  import tensorflow as tf

  from tf_imgtrans.training.run_folder import RunFolder
  from tf_imgtrans.training.strategies import is_chief, make_strategy

  strategy = make_strategy(options.strategy)  # first: a worker must join before any other operation
  folder = RunFolder(options.out, writes=is_chief(options.strategy))
  if options.resume:
    check_resumed(folder, config, options)
  if options.data is None:
    raise ValueError("no data folder: give one with --data")
  if getattr(config, "vgg_weights", "") == "random":
    raise ValueError("vgg_weights is 'random', which is for tests of code: give a file, or leave --config.vgg_weights out")
  keras.utils.set_random_seed(config.seed)
  tf.config.experimental.enable_op_determinism()
  data = _data(paper, config, options)
  trainer = make_trainer(paper, config, options, strategy)
  description = describe(paper, config, options, data, trainer)
  folder.resume(description) if options.resume else folder.start(description)
  return folder, fit(trainer, config, options, data, folder, strategy)


def make_trainer(paper, config, options, strategy):
  """The trainer of a paper or a baseline, made in the strategy's scope."""
  room = "tf_imgtrans.baselines.enhancement" if paper in ENHANCEMENT else f"tf_imgtrans.papers.{paper}"
  with strategy.scope():
    trainer = importlib.import_module(f"{room}.trainer").Trainer(config, options.precision)
  if options.jit and getattr(trainer, "vgg", None):
    trainer.vgg.pool_by_slices = True
  return trainer


def fit(trainer, config, options, data, folder, strategy):
  """Trains with validation by PSNR, SSIM and NIQE; the result of `run_training`."""
  from tf_imgtrans.cli.scoring import mean_scores
  from tf_imgtrans.training.loop import run_training
  from tf_imgtrans.training.validation import Validator

  pictures = data.validation(options.validation_pictures) if folder.writes else []
  validator = Validator(pictures, mean_scores, {"psnr": True, "niqe": False}) if pictures else None
  return run_training(trainer, data.batches, folder, options, config.iterations, config.batch_size, strategy, validator)


def _data(paper, config, options):
  from tf_imgtrans.data.folders import read_folder

  folder = read_folder(options.data, options.validation_share, options.phone, options.source, options.target)
  paper = "mux_demux" if paper in ENHANCEMENT else paper  # a baseline trains on the data of its paper
  return importlib.import_module(f"tf_imgtrans.papers.{paper}.data").training_data(config, folder)


def describe(paper, config, options, data, trainer):
  """Content of run.json."""
  return {
      "paper": paper,
      "config": dataclasses.asdict(config),
      "options": {name: str(value) if isinstance(value, pathlib.Path) else value
                  for name, value in dataclasses.asdict(options).items()},
      "data": data.summary,
      "provenance": trainer.provenance(),
      "versions": versions(),
  }

