"""How CARN is trained: by L1, at a scale of its own in each step.

N. Ahn, B. Kang, K.-A. Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network", ECCV 2018.
"code" marks what is in its public code, nmhkahn/CARN-pytorch.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_imgtrans.core.config import AtLeast, Count, NonNegative, Positive, PositiveCount
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_SUPER_RESOLUTION, SuperResolutionSettings


@dataclasses.dataclass(frozen=True)
class Config(SuperResolutionSettings):
  """CARN: its network and training.

  Sec. 4.1 and the code's README: source patches of 64, batches of 64, 600,000 steps, halved at 400,000; norm of the
  gradients at most 10 and one of the three scales for each step: code. Here all scales share `patch_size`.
  """

  scale: Literal[2, 3, 4] = 4  # factor of the enlargement in height and width
  patch_size: AtLeast(16) = 256  # side in pixels of the target's random crop, rounded down to a multiple of the scale
  batch_size: PositiveCount = 64  # crops per training step
  learning_rate: Positive = 1e-4  # learning rate of Adam
  halve_at: tuple[PositiveCount, ...] = (400000,)  # steps after which the learning rate is halved
  iterations: Count = 600000  # training steps

  channels: PositiveCount = 64  # channels of the feature maps
  groups: PositiveCount = 3  # number of cascading blocks
  blocks: PositiveCount = 3  # number of residual blocks in a cascading block
  multi_scale: bool = True  # train upsamplers for 2, 3 and 4, one of them per step; off: only `scale`
  gradient_clip: NonNegative = 10.0  # largest norm of all gradients together; 0: no clipping; code

  retired: ClassVar = RETIRED_OF_SUPER_RESOLUTION | {"network": "carn"}


# What two processor cores train in minutes: faces of 64 pixels from 16, whole and upright, and a narrower network.
SMALL = Config(image_size=64, patch_size=64, augment="flip", channels=24, multi_scale=False, batch_size=16,
               learning_rate=1e-3, halve_at=(1000, 1500), iterations=2000)
TINY = Config(patch_size=16, batch_size=2, channels=6, groups=2, blocks=2, halve_at=(2,), iterations=4)

RECIPE = Recipe(
    name="carn", summary="CARN: cascading residual blocks.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.super_resolution:task", generators={"carn": "network:carn"},
    baseline=True, example="--preset small --data faces --out runs/carn",
    data="The data folder holds photographs:\n  {photographs}")
