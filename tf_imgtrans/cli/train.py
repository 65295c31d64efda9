"""`tf-imgtrans train PAPER`, and the scripts of train_scripts/."""

import dataclasses
import importlib
import pathlib
import platform
import sys

from tf_imgtrans.cli.resume import check_resumed, resumable
from tf_imgtrans.cli.startup import start_tensorflow
from tf_imgtrans.papers.mux_demux.config import Config as MuxDemuxConfig
from tf_imgtrans.training.options import Options


@resumable
def mux_demux(options: Options, config: MuxDemuxConfig = MuxDemuxConfig()):  # noqa: B008 - frozen
  """Train Mux/Demux photo enhancement.

  The data folder holds DPED (DIR/iphone/training_data/iphone/*.jpg ...), two paired folders (DIR/low/*.jpg and
  DIR/target/*.jpg, equal names), or clean photographs (DIR/*.jpg), which are degraded on the fly.

  Example: tf-imgtrans train mux_demux --data dped --phone iphone --out runs/iphone
  """
  return run("mux_demux", config, options)


def script(paper):
  """Body of train_scripts/train_PAPER.py: parse, build, fit."""
  from tf_imgtrans.cli.main import main

  main(["train", paper, *sys.argv[1:]])


def run(paper, config, options):
  """Trains a paper's model into a run folder; the command's exit status.

  Args:
    paper: str, a room of tf_imgtrans.papers.
    config: the paper's Config.
    options: TrainingOptions.
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
  result = fit(trainer, config, options, data, folder, strategy)
  if folder.writes:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in result.items())
    print(f"{numbers}\nrun folder {folder.path}\nnext: tf-imgtrans predict --model {folder.path} PHOTO --out enhanced")
  return 0


def make_trainer(paper, config, options, strategy):
  """The paper's trainer, made in the strategy's scope."""
  with strategy.scope():
    return _room(paper, "trainer").Trainer(config, options.precision)


def fit(trainer, config, options, data, folder, strategy):
  """Trains with validation by PSNR, SSIM and NIQE; the result of `run_training`."""
  from tf_imgtrans.cli.scoring import mean_scores
  from tf_imgtrans.training.loop import run_training
  from tf_imgtrans.training.validation import Validator

  pictures = data.validation(options.validation_pictures) if folder.writes else []
  validator = Validator(pictures, mean_scores, {"psnr": True, "niqe": False}) if pictures else None
  return run_training(trainer, data.batches, folder, options, config.iterations, config.batch_size, strategy, validator)


def _room(paper, name):
  return importlib.import_module(f"tf_imgtrans.papers.{paper}.{name}")


def _data(paper, config, options):
  from tf_imgtrans.data.folders import read_folder

  folder = read_folder(options.data, options.validation_share, options.phone, options.source, options.target)
  return _room(paper, "data").training_data(config, folder)


def describe(paper, config, options, data, trainer):
  """Content of run.json."""
  import keras
  import tensorflow as tf

  from tf_imgtrans.version import __version__

  return {
      "paper": paper,
      "config": dataclasses.asdict(config),
      "options": {name: str(value) if isinstance(value, pathlib.Path) else value
                  for name, value in dataclasses.asdict(options).items()},
      "data": data.summary,
      "provenance": trainer.provenance(),
      "versions": {"tf_imgtrans": __version__, "tensorflow": tf.__version__, "keras": keras.__version__,
                   "python": platform.python_version()},
  }

