"""How ESRGAN is trained: by L1, and in a second stage against a discriminator.

X. Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops 2018. "code" marks what
is in its public code, XPixelGroup/BasicSR.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_imgtrans.core.config import NonNegative, PositiveCount, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_SUPER_RESOLUTION, SuperResolutionSettings

SMALLEST_PATCH = 16  # smallest patch of the discriminator in pixels: two halvings down to 4


@dataclasses.dataclass(frozen=True)
class Config(SuperResolutionSettings):
  """ESRGAN: its networks, losses and training. The defaults are those of the first stage.

  Sec. 4.1: patches of 128, batches of 16, 2e-4 halved every 200,000 steps; a million steps: code.
  """

  scale: Literal[2, 4, 8] = 4  # factor of the enlargement in height and width
  # training stage (Sec. 4.1): L1 alone, then from those weights L1, VGG19 and a discriminator
  stage: Literal["l1", "gan"] = "l1"
  initial_weights: str = ""  # run folder or .keras file of stage l1 that stage gan starts from; "random" draws weights

  channels: PositiveCount = 64  # channels of the feature maps
  blocks: PositiveCount = 23  # number of residual-in-residual dense blocks
  growth: PositiveCount = 32  # channels that each convolution of a dense block adds; code
  discriminator_channels: PositiveCount = 64  # channels of the discriminator's first convolution; code

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_perceptual: NonNegative = 0.0  # weight of the L1 loss on VGG19 feature maps before ReLU; stage gan only
  # weight of the relativistic adversarial loss; stage gan only; 0: no discriminator is made
  weight_adversarial: NonNegative = 0.0
  perceptual_layer: str = "block5_conv4"  # VGG19 layer of the perceptual loss; Sec. 3.3: VGG54
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  retired: ClassVar = RETIRED_OF_SUPER_RESOLUTION | {"network": "esrgan"}

  def __post_init__(self):
    super().__post_init__()
    for name in ("weight_perceptual", "weight_adversarial"):
      if self.stage == "l1" and getattr(self, name):
        raise ValueError(f"{name} is {getattr(self, name)}, but stage l1 has no such loss: expected 0, or "
                         "--config.stage gan")
    if self.stage == "l1" and self.initial_weights:
      raise ValueError(f"initial_weights is {self.initial_weights!r}, but stage l1 starts from drawn weights: leave it out")
    check_weights(self)
    size = self.patch_size
    if self.weight_adversarial and (size & (size - 1) or size < SMALLEST_PATCH):
      raise ValueError(f"patch_size is {size}: the discriminator needs a power of two from {SMALLEST_PATCH} "
                       "(--config.patch_size)")


# Stage gan: Sec. 3.3 and 4.1; 400,000 steps: code.
GAN = Config(stage="gan", weight_l1=1e-2, weight_perceptual=1.0, weight_adversarial=5e-3, learning_rate=1e-4,
             halve_at=(50000, 100000, 200000, 300000), iterations=400000)
# What two processor cores train in minutes: faces of 64 pixels from 16, whole and upright, and a narrower network.
SMALL = Config(image_size=64, patch_size=64, augment="flip", channels=24, blocks=4, growth=12, discriminator_channels=16,
               learning_rate=5e-4, halve_at=(1000, 1500), iterations=2000)
# VGG19 up to block 3, whose weights are often the only ones available; its features are larger than those of block 5, hence
# the smaller weight.
SMALL_GAN = dataclasses.replace(SMALL, stage="gan", weight_l1=1e-2, weight_perceptual=0.06, weight_adversarial=5e-3,
                                perceptual_layer="block3_conv4", learning_rate=1e-4, halve_at=(1000,), iterations=2000)
TINY = Config(patch_size=16, batch_size=2, channels=6, blocks=2, growth=3, discriminator_channels=4, halve_at=(2,),
              iterations=4)
TINY_GAN = dataclasses.replace(TINY, stage="gan", weight_l1=1e-2, weight_adversarial=5e-3, initial_weights="random")

RECIPE = Recipe(
    name="esrgan", summary="ESRGAN: residual-in-residual dense blocks; trained by L1, then against a discriminator.",
    package=__package__, presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    variants={"stage": {"gan": {"paper": GAN, "small": SMALL_GAN, "tiny": TINY_GAN}}},
    trainer="trainer:Trainer", task="tf_imgtrans.data.super_resolution:task", generators={"esrgan": "network:esrgan"},
    baseline=True, example="--preset small --data faces --out runs/esrgan",
    data="The data folder holds photographs:\n  {photographs}")
