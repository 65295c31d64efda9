"""`tf-imgtrans train baseline --name NAME`: the networks that the papers compare theirs with."""

import functools
from typing import Literal

from tf_imgtrans.baselines.enhancement.config import CONFIGS as ENHANCEMENT
from tf_imgtrans.baselines.enhancement.config import Config as EnhancementConfig
from tf_imgtrans.baselines.on_demand.config import Config as OnDemandConfig
from tf_imgtrans.baselines.super_resolution.config import PRESETS as SUPER_RESOLUTION
from tf_imgtrans.baselines.super_resolution.config import Config as SuperResolutionConfig
from tf_imgtrans.baselines.super_resolution.config import preset_config
from tf_imgtrans.baselines.translation.config import PRESETS as TRANSLATION
from tf_imgtrans.baselines.translation.config import Config as TranslationConfig
from tf_imgtrans.cli.resume import described_run, flag_value, resumed_defaults
from tf_imgtrans.cli.train import run
from tf_imgtrans.training.options import Options, PairOptions

BASELINES = (*ENHANCEMENT, "on_demand", *TRANSLATION["paper"], *SUPER_RESOLUTION["paper"])


def enhancement_baseline(options: PairOptions, name: Literal[BASELINES],
                         config: EnhancementConfig = ENHANCEMENT["srcnn"]):  # noqa: B008 - frozen
  """Train a network that a paper compares itself with, under that paper's protocol.

  With --help and --name together: the flags, defaults and data folder of that baseline. Shown are those of srcnn, johnson,
  dped, resnet_8_32 and resnet_12_64.

  Example: tf-imgtrans train baseline --name dped --data dped --phone iphone --out runs/dped

  The data folder is one of these:
    {pairs}
    {clean}

  Args:
    name: the baseline.
  """
  return run(name, config, options)


def on_demand(options: Options, name: Literal[BASELINES], config: OnDemandConfig = OnDemandConfig()):  # noqa: B008 - frozen
  """Train on-demand learning, the method that X-GANs are compared with.

  Example: tf-imgtrans train baseline --name on_demand --data celeba --out runs/on_demand

  The data folder holds photographs:
    {photographs}

  Args:
    name: the baseline.
  """
  return run(name, config, options)


def translation_baseline(options: PairOptions, name: Literal[BASELINES], preset: Literal[tuple(TRANSLATION)] = "paper",
                         config: TranslationConfig = TRANSLATION["paper"]["pix2pix"]):
  """Train a method that the feature-pyramid paper compares itself with, on its own network.

  The defaults shown are those of the method that --name gives.

  Example: tf-imgtrans train baseline --name pix2pix --data facades --config.label_set none --out runs/pix2pix

  The data folder, by --config.task and --config.label_set. labels_to_photo:
    {labels}
    {translated}
  super_resolution and inpainting:
    {photographs}

  Args:
    name: the baseline.
    preset: what the defaults of a new run are: the system's own, or small ones at 64x64.
  """
  return run(name, config, options)


def super_resolution_baseline(options: Options, name: Literal[BASELINES],
                              preset: Literal[tuple(SUPER_RESOLUTION)] = "paper",
                              config: SuperResolutionConfig = SUPER_RESOLUTION["paper"]["esrgan"]):
  """Train a super-resolution network that the progressive paper compares itself with.

  The defaults shown are those of the network that --name gives, and of ESRGAN's stage that --config.stage gives.

  Example: tf-imgtrans train baseline --name esrgan --preset small --data faces --out runs/esrgan

  The data folder holds photographs:
    {photographs}

  Args:
    name: the baseline.
    preset: what the defaults of a new run are: the network's own paper's, or small ones for faces of 64x64.
  """
  return run(name, config, options)


def _prepared_baseline(arguments):
  """The command with the defaults of the baseline that the arguments name, or of the run that they resume."""
  described = described_run(arguments)
  name = flag_value(arguments, "--name") or (described and described["paper"])
  command = {"on_demand": on_demand, **dict.fromkeys(TRANSLATION["paper"], translation_baseline),
             **dict.fromkeys(SUPER_RESOLUTION["paper"], super_resolution_baseline)}.get(name, enhancement_baseline)
  resumed = resumed_defaults(arguments, command, [name] if name in BASELINES else list(BASELINES))
  if resumed:
    return functools.partial(command, name=name, **resumed)
  preset = flag_value(arguments, "--preset")
  if name in TRANSLATION["paper"]:
    return functools.partial(command, config=TRANSLATION.get(preset, TRANSLATION["paper"])[name])
  if name in SUPER_RESOLUTION["paper"]:
    return functools.partial(command, config=preset_config(name, preset, flag_value(arguments, "--config.stage")))
  return functools.partial(command, config=ENHANCEMENT[name]) if name in ENHANCEMENT else command


def baseline():
  """Stands for the command of the baseline that the arguments name.

  Example: tf-imgtrans train baseline --name dped --data dped --phone iphone --out runs/dped
  """


baseline.prepared = _prepared_baseline
