"""How DRRN is trained.

"code" marks what is in its public code, tyshiwo/DRRN_CVPR17; "ours" what neither it nor the paper decides. The code does
not specify evaluation images.
"""

import dataclasses
from typing import ClassVar

from tf_imgtrans.core.config import ANY, AtLeast, Count, NonNegative, Positive, PositiveCount, Share
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import FOLDERS_OF_TRANSLATION, RETIRED_OF_TRANSLATION, TranslationSettings, TranslationTask


@dataclasses.dataclass(frozen=True)
class Config(TranslationSettings):
  """DRRN: its network and training."""

  task: TranslationTask = "super_resolution"  # which task is trained, which sets the kind of data; Sec. 3
  image_size: AtLeast(16) = 31  # height and width of the training images in pixels; code
  validation_size: Count = 256  # side in pixels that held-out images are resized to; 0: image_size; ours
  batch_size: PositiveCount = 128  # images per training step; code
  learning_rate: Positive = 0.1  # learning rate of stochastic gradient descent; code
  iterations: Count = 326800  # training steps; 50 epochs, ours

  base_channels: PositiveCount = 128  # channels of the first convolution
  residual_units: PositiveCount = 25  # residual units of the recursive block: B1U25
  momentum: Share = 0.9  # momentum of stochastic gradient descent; code
  weight_decay: NonNegative = 1e-4  # weight decay; code
  # largest norm of a step's gradients times the learning rate; theta of its paper; its code bounds the norm by this at any
  # rate
  gradient_bound: Positive = 0.01
  halve_every: PositiveCount = 65360  # steps after which the learning rate is halved: ten epochs, code

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": "drrn", "weight_luma": 1.0, "beta_1": ANY}


# What two processor cores train in minutes.
SMALL = Config(load_size=72, validation_size=64, base_channels=32, residual_units=9, batch_size=16, iterations=2000,
               halve_every=400)
TINY = Config(image_size=16, load_size=16, base_channels=4, residual_units=2, batch_size=2, iterations=4)

RECIPE = Recipe(
    name="drrn", summary="DRRN: recursive residual super-resolution of luma.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.translation:task", generators={"drrn": "network:drrn"},
    baseline=True, paired=True, example="--data photos --out runs/drrn", data=FOLDERS_OF_TRANSLATION)
