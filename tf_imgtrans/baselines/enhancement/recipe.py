"""The recipes of the networks that the Mux/Demux paper compares its own with."""

import dataclasses

from tf_imgtrans.baselines.enhancement.config import CONFIGS
from tf_imgtrans.core.recipe import Recipe

_SMALL = {"patch_size": 64, "batch_size": 8, "flip": True, "iterations": 1200}
_TINY = {"patch_size": 32, "batch_size": 2, "iterations": 4, "discriminator_channels": (4, 8, 8, 8, 8),
         "discriminator_dense": 8}


def _recipe(name, module, summary):
  config = CONFIGS[name]
  tiny = dataclasses.replace(config, **_TINY, weight_perceptual=0.0,
                             **({} if name != "johnson" else {"weight_squared_error": 1.0}))
  return Recipe(
      name=name, summary=summary, package=__package__,
      presets={"paper": config, "small": dataclasses.replace(config, **_SMALL), "tiny": tiny},
      trainer="trainer:Trainer", task="tf_imgtrans.data.enhancement:task",
      generators={name: f"{module}:{name}"}, baseline=True, paired=True,
      example=f"--data dped --phone iphone --out runs/{name}",
      data="The data folder is one of these:\n  {pairs}\n  {clean}")


SRCNN = _recipe("srcnn", "srcnn", "SRCNN, three convolutions, trained by the squared error.")
JOHNSON = _recipe("johnson", "johnson", "Johnson's transformation network, trained by a VGG19 loss.")
DPED = _recipe("dped", "residual", "DPED's residual network, trained by DPED's losses.")
RESNET_8_32 = _recipe("resnet_8_32", "residual", "The challenge's ResNet-8-32, trained by DPED's losses.")
RESNET_12_64 = _recipe("resnet_12_64", "residual", "The challenge's ResNet-12-64, which is DPED's network.")
