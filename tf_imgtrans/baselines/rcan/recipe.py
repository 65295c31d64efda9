"""How RCAN is trained: by L1.

Y. Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks", ECCV 2018. "code" marks what
is in its public code, yulunzhang/RCAN.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_imgtrans.core.config import AtLeast, Positive, PositiveCount
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_SUPER_RESOLUTION, SuperResolutionSettings


@dataclasses.dataclass(frozen=True)
class Config(SuperResolutionSettings):
  """RCAN: its network and training.

  Sec. 4.1: source patches of 48, batches of 16, 1e-4 halved every 200,000 steps. A thousand times 1000 steps: code.
  """

  scale: Literal[2, 4, 8] = 4  # factor of the enlargement in height and width
  patch_size: AtLeast(16) = 192  # side in pixels of the target's random crop, rounded down to a multiple of the scale
  learning_rate: Positive = 1e-4  # learning rate of Adam; Sec. 4.1

  channels: PositiveCount = 64  # channels of the feature maps
  groups: PositiveCount = 10  # number of residual groups
  blocks: PositiveCount = 20  # number of residual blocks in a group
  reduction: PositiveCount = 16  # factor by which channel attention reduces the channels; Sec. 4.1

  retired: ClassVar = RETIRED_OF_SUPER_RESOLUTION | {"network": "rcan"}

  def __post_init__(self):
    super().__post_init__()
    if self.reduction > self.channels:
      raise ValueError(f"reduction is {self.reduction}: expected at most channels, {self.channels} (--config.reduction)")


# What two processor cores train in minutes: faces of 64 pixels from 16, whole and upright, and a narrower network.
SMALL = Config(image_size=64, patch_size=64, augment="flip", channels=24, groups=2, blocks=4, reduction=8,
               learning_rate=1e-3, halve_at=(1000, 1500), iterations=2000)
TINY = Config(patch_size=16, batch_size=2, channels=8, groups=2, blocks=2, reduction=4, halve_at=(2,), iterations=4)

RECIPE = Recipe(
    name="rcan", summary="RCAN: residual groups with channel attention.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.super_resolution:task", generators={"rcan": "network:rcan"},
    baseline=True, example="--preset small --data faces --out runs/rcan",
    data="The data folder holds photographs:\n  {photographs}")
