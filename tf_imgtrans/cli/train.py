"""`tf-imgtrans train PAPER`, and the scripts of train_scripts/."""

import dataclasses
import functools
import importlib
import pathlib
import sys
from typing import Literal

from tf_imgtrans.baselines.enhancement.config import CONFIGS as ENHANCEMENT
from tf_imgtrans.baselines.segmentation.config import PRESETS as FCN8S
from tf_imgtrans.baselines.segmentation.config import Config as Fcn8sConfig
from tf_imgtrans.baselines.super_resolution.config import PRESETS as SUPER_RESOLUTION
from tf_imgtrans.baselines.translation.config import PRESETS as TRANSLATION
from tf_imgtrans.cli.resume import check_resumed, flag_value, resumable, resumed_defaults
from tf_imgtrans.cli.startup import program, start_tensorflow, versions
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS as FEATURE_PYRAMID_PAN
from tf_imgtrans.papers.feature_pyramid_pan.config import Config as FeaturePyramidPanConfig
from tf_imgtrans.papers.mux_demux.config import Config as MuxDemuxConfig
from tf_imgtrans.papers.progressive_pan.config import PRESETS as PROGRESSIVE_PAN
from tf_imgtrans.papers.progressive_pan.config import Config as ProgressivePanConfig
from tf_imgtrans.papers.x_gans.config import PRESETS as X_GANS
from tf_imgtrans.papers.x_gans.config import Config as XGansConfig
from tf_imgtrans.training.options import Options, PairOptions

# paper or baseline -> (module with its Trainer, module with its data)
METHODS = {
    "mux_demux": ("tf_imgtrans.papers.mux_demux.trainer", "tf_imgtrans.papers.mux_demux.data"),
    **dict.fromkeys(ENHANCEMENT, ("tf_imgtrans.baselines.enhancement.trainer", "tf_imgtrans.papers.mux_demux.data")),
    "x_gans": ("tf_imgtrans.papers.x_gans.trainer", "tf_imgtrans.papers.x_gans.data"),
    "on_demand": ("tf_imgtrans.baselines.on_demand.trainer", "tf_imgtrans.baselines.on_demand.data"),
    "feature_pyramid_pan": ("tf_imgtrans.papers.feature_pyramid_pan.trainer",
                            "tf_imgtrans.papers.feature_pyramid_pan.data"),
    **dict.fromkeys(TRANSLATION["paper"], ("tf_imgtrans.baselines.translation.trainer",
                                           "tf_imgtrans.papers.feature_pyramid_pan.data")),
    **dict.fromkeys(SUPER_RESOLUTION["paper"], ("tf_imgtrans.baselines.super_resolution.trainer",
                                                "tf_imgtrans.baselines.super_resolution.data")),
    "progressive_pan": ("tf_imgtrans.papers.progressive_pan.trainer", "tf_imgtrans.papers.progressive_pan.data"),
    "fcn8s": ("tf_imgtrans.baselines.segmentation.trainer", "tf_imgtrans.baselines.segmentation.data"),
}


@resumable
def mux_demux(options: PairOptions, config: MuxDemuxConfig = MuxDemuxConfig()):  # noqa: B008 - frozen
  """Train Mux/Demux photo enhancement.

  Example: tf-imgtrans train mux_demux --data dped --phone iphone --out runs/iphone

  The data folder is one of these:
    {pairs}
    {clean}
  """
  return run("mux_demux", config, options)


def with_presets(presets):
  """Decorates a training command: its defaults are those of the preset that the arguments name, or of a resumed run."""
  def decorate(command):
    def prepared(arguments):
      defaults = {"config": presets.get(flag_value(arguments, "--preset"), presets["paper"])}
      return functools.partial(command, **defaults | resumed_defaults(arguments, command, [command.__name__]))

    command.prepared = prepared
    return command

  return decorate


@with_presets(X_GANS)
def x_gans(options: Options, preset: Literal[tuple(X_GANS)] = "paper", config: XGansConfig = X_GANS["paper"]):
  """Train X-GANs, which reconstruct images from few pixels, colour noise or behind blocks.

  Example: tf-imgtrans train x_gans --preset small --data celeba --out runs/points

  The data folder holds photographs, such as CelebA or SUN397, which are corrupted on the fly, as --config.corruption says:
    {photographs}

  Args:
    preset: what the defaults of a new run are: the paper's, at 256x256, or small ones at 64x64.
  """
  return run("x_gans", config, options)


@with_presets(FEATURE_PYRAMID_PAN)
def feature_pyramid_pan(options: PairOptions, preset: Literal[tuple(FEATURE_PYRAMID_PAN)] = "paper",
                        config: FeaturePyramidPanConfig = FEATURE_PYRAMID_PAN["paper"]):
  """Train the perceptual adversarial network with a feature pyramid, which translates images.

  Example: tf-imgtrans train feature_pyramid_pan --preset small --data camvid --config.label_set camvid --out runs/streets

  What the data folder holds depends on --config.task and --config.label_set. labels_to_photo:
    {labels}
    {translated}
  super_resolution and inpainting:
    {photographs}
  deraining and desnowing: two paired folders as above, or photographs, which get rain or snow.

  Args:
    preset: what the defaults of a new run are: the paper's, at 256x256, or small ones at 64x64.
  """
  return run("feature_pyramid_pan", config, options)


@with_presets(PROGRESSIVE_PAN)
def progressive_pan(options: Options, preset: Literal[tuple(PROGRESSIVE_PAN)] = "paper",
                    config: ProgressivePanConfig = PROGRESSIVE_PAN["paper"]):
  """Train progressive super-resolution, which grows from 8 pixels to those of its output and knows no distance.

  A step takes minibatch x replicas images, on however many devices (--strategy). The generators of all sizes between the
  input's and the last are kept in the run folder, as generator_x2.keras ...

  Example: tf-imgtrans train progressive_pan --preset small --data faces --out runs/faces

  The data folder holds aligned images (parts train/ and test/ are taken as they are, where both are there), or, which is
  read faster, what data pack made of them:
    {aligned}

  Args:
    preset: what the defaults of a new run are: the paper's, 128 to 1024 pixels, or small ones, 8 to 32.
  """
  return run("progressive_pan", config, options)


@with_presets(FCN8S)
def fcn8s(options: Options, preset: Literal[tuple(FCN8S)] = "paper", config: Fcn8sConfig = FCN8S["paper"]):
  """Train FCN-8s, the segmenter of the FCN score, on labelled photographs.

  Example: tf-imgtrans train fcn8s --preset small --data camvid --config.label_set camvid --out runs/fcn8s

  The data folder, of the kind that --config.label_set says:
    {labels}

  Args:
    preset: what the defaults of a new run are: the paper's, on whole images, or small ones at 64x64.
  """
  return run("fcn8s", config, options)


def script(*path):
  """Body of train_scripts/train_*.py: parse, build, fit. `path` is what follows `tf-imgtrans train`."""
  from tf_imgtrans.cli.main import main

  main(["train", *path, *sys.argv[1:]])


def run(paper, config, options):
  """Trains a paper's model, or a baseline, and says where it lies; the command's exit status."""
  folder, result = train(paper, config, options)
  if folder.writes:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in result.items())
    print(f"{numbers}\nrun folder {folder.path}")
    if paper != "fcn8s":  # which gives classes, and no image
      print(f"next: {program()} predict --model {folder.path} PHOTO --out enhanced")
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
  trainer.prepare(data)  # before the folder is made: the data may not do
  description = describe(paper, config, options, data, trainer)
  folder.resume(description) if options.resume else folder.start(description)
  if folder.writes:
    print(*trainer.plan(), sep="\n", end="\n" * bool(trainer.plan()), flush=True)
  return folder, fit(trainer, config, options, data, folder, strategy)


def make_trainer(paper, config, options, strategy):
  """The trainer of a paper or a baseline, made in the strategy's scope."""
  with strategy.scope():
    trainer = importlib.import_module(METHODS[paper][0]).Trainer(config, options.precision)
  for network in (trainer.generator, getattr(trainer, "vgg", None)):
    if options.jit and hasattr(network, "pool_by_slices"):
      network.pool_by_slices = True
  return trainer


def fit(trainer, config, options, data, folder, strategy):
  """Trains with validation by PSNR, SSIM and NIQE; the result of `run_training`."""
  from tf_imgtrans.metrics.scoring import mean_scores
  from tf_imgtrans.training.loop import run_training
  from tf_imgtrans.training.validation import Validator

  images = data.validation(options.validation_images) if folder.writes else []
  judge = getattr(trainer, "validator", functools.partial(Validator, best={"psnr": True, "niqe": False}))
  validator = judge(images, mean_scores) if images else None
  seen = getattr(config, "images_at", None) or config.batch_size
  return run_training(trainer, data.batches, folder, options, config.iterations, seen, strategy, validator)


def _data(paper, config, options):
  module = importlib.import_module(METHODS[paper][1])
  return module.training_data(config, module.read(options))


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

