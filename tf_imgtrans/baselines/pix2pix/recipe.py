"""How pix2pix and cnn, which is pix2pix without its discriminator, are trained.

"code" marks what is in pix2pix's public code, phillipi/pix2pix.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_imgtrans.core.config import ANY, NonNegative, Positive, PositiveCount, Share, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import FOLDERS_OF_TRANSLATION, RETIRED_OF_TRANSLATION, TranslationSettings

WEIGHT_L1 = 100.0  # of the L1 loss on pixels; code


@dataclasses.dataclass(frozen=True)
class UnetSettings(TranslationSettings):
  """The generator of both, and its training."""

  base_channels: PositiveCount = 64  # channels of the first convolution
  # normalization: instance (each image by its own statistics, in training too), or batch (by all training images at
  # inference); the code's batches of one image, in its test too, equal instance
  normalization: Literal["batch", "instance"] = "batch"
  dropout: Share = 0.5  # dropout rate of the decoder's three innermost stages; code
  beta_1: Share = 0.5  # Adam's decay rate of the first moment; Implementation Details

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": ANY}

  def __post_init__(self):
    super().__post_init__()
    if self.image_size < 32 or self.image_size & (self.image_size - 1):
      raise ValueError(f"image_size is {self.image_size}: expected a power of two from 32 (--config.image_size)")


@dataclasses.dataclass(frozen=True)
class Config(UnetSettings):
  """pix2pix: its networks, losses and training."""

  discriminator_channels: PositiveCount = 64  # channels of the discriminator's first convolution; code
  weight_adversarial: NonNegative = 1.0  # weight of the adversarial loss
  weight_l1: NonNegative = WEIGHT_L1  # weight of the L1 loss on pixels; code
  discriminator_learning_rate: Positive = 2e-4  # learning rate of the discriminator's Adam; code

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": "pix2pix"}

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)


@dataclasses.dataclass(frozen=True)
class CnnConfig(UnetSettings):
  """pix2pix without its discriminator (Sec. 3): the generator and its training by L1."""

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": "cnn", "weight_l1": WEIGHT_L1}


# What two processor cores train in minutes: 64x64 pixels, narrower networks.
_SMALL = {"image_size": 64, "load_size": 72, "base_channels": 24, "batch_size": 8, "iterations": 2000}
_TINY = {"image_size": 32, "load_size": 36, "base_channels": 4, "batch_size": 2, "iterations": 4}
SMALL = Config(discriminator_channels=24, **_SMALL)
TINY = Config(discriminator_channels=4, **_TINY)

_SHARED = {"package": __package__, "task": "tf_imgtrans.data.translation:task", "baseline": True, "paired": True,
           "data": FOLDERS_OF_TRANSLATION}
RECIPE = Recipe(
    name="pix2pix", summary="pix2pix: a U-Net against a patch discriminator.",
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", generators={"pix2pix": "network:pix2pix"},
    example="--data facades --config.label_set none --out runs/pix2pix", **_SHARED)
CNN = Recipe(
    name="cnn", summary="pix2pix without its discriminator: the U-Net, trained by L1.",
    presets={"paper": CnnConfig(), "small": CnnConfig(**_SMALL), "tiny": CnnConfig(**_TINY)},
    trainer="network:CnnTrainer", generators={"cnn": "network:cnn"},
    example="--data facades --config.label_set none --out runs/cnn", **_SHARED)
