"""How the cascaded refinement network is trained.

"code" marks what is in its public code, CQFIO/PhotographicImageSynthesis (demo_256p.py): whole images, Adam's own beta_1,
no mirror images.
"""

import dataclasses
from typing import ClassVar

from tf_imgtrans.core.config import AtLeast, NonNegative, Positive, PositiveCount, Share, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import FOLDERS_OF_TRANSLATION, RETIRED_OF_TRANSLATION, TranslationSettings

# Divisors of the VGG19 layers, which balance them; the last is 0.8 / 10. From one version of the code; another version of
# demo_256p.py has 1 four times, then 1 / 10.
DIVISORS = (1.6, 2.3, 1.8, 2.8, 0.08)


@dataclasses.dataclass(frozen=True)
class Config(TranslationSettings):
  """The cascaded refinement network: its network, losses and training."""

  load_size: AtLeast(16) = 256  # side in pixels that images are resized to before a random crop of image_size; code
  learning_rate: Positive = 1e-4  # learning rate of Adam; code
  flip: bool = False  # mirror half of the images left to right; the code does not
  beta_1: Share = 0.9  # Adam's decay rate of the first moment; code

  base_channels: PositiveCount = 64  # a 16th of the channels of the widest layer
  weight_best: NonNegative = 0.999  # weight of the loss of the nearest of nine images, per label
  weight_mean: NonNegative = 0.001  # weight of the mean loss over nine images
  # VGG19 layers of the losses; code
  perceptual_layers: tuple[str, ...] = tuple(f"block{block}_conv2" for block in range(1, 6))
  # weight of each of these layers; code
  perceptual_layer_weights: tuple[NonNegative, ...] = tuple(1 / divisor for divisor in DIVISORS)
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": "crn"}

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)
    if len(self.perceptual_layer_weights) != len(self.perceptual_layers):
      raise ValueError(f"perceptual_layer_weights has {len(self.perceptual_layer_weights)} entries for "
                       f"{len(self.perceptual_layers)} perceptual_layers: expected one for each")
    if self.image_size & (self.image_size - 1):
      raise ValueError(f"image_size is {self.image_size}: CRN doubles from 4 rows on and needs a power of two "
                       "(--config.image_size)")


# What two processor cores train in minutes: VGG19 up to block 3.
SMALL = Config(image_size=64, load_size=64, base_channels=6, batch_size=4, iterations=2000,
               perceptual_layers=Config.perceptual_layers[:3], perceptual_layer_weights=Config.perceptual_layer_weights[:3])
TINY = Config(image_size=16, load_size=16, base_channels=1, batch_size=2, iterations=4, perceptual_layers=("block1_conv1",),
              perceptual_layer_weights=(1.0,), vgg_weights="random")

RECIPE = Recipe(
    name="crn", summary="Cascaded refinement networks: labels to photo without a discriminator.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="trainer:Trainer", task="tf_imgtrans.data.translation:task", generators={"crn": "network:crn"},
    baseline=True, paired=True, example="--data cityscapes --out runs/crn", data=FOLDERS_OF_TRANSLATION)
