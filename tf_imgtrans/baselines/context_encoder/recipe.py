"""How the context encoder is trained.

"code" marks what is in its public code, pathak22/context-encoder. The code's hole is 56 pixels wide, so that the prediction
overlaps what is known by 4 pixels: --config.hole 0.4375. Here it is that of the feature-pyramid paper's comparison, all of
the prediction.
"""

import dataclasses
from typing import ClassVar

from tf_imgtrans.core.config import AtLeast, Count, NonNegative, Positive, PositiveCount, Share, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import FOLDERS_OF_TRANSLATION, RETIRED_OF_TRANSLATION, TranslationSettings, TranslationTask


@dataclasses.dataclass(frozen=True)
class Config(TranslationSettings):
  """The context encoder: its networks, losses and training."""

  task: TranslationTask = "inpainting"  # which task is trained, which sets the kind of data; Sec. 3
  image_size: AtLeast(16) = 128  # height and width of the training images in pixels, 64 or 128; code
  load_size: AtLeast(16) = 350  # side in pixels that images are resized to before a random crop of image_size; code
  batch_size: PositiveCount = 64  # images per training step; code
  learning_rate: Positive = 2e-3  # learning rate of the generator's Adam; code
  # training steps; 500 epochs of the 14,900 images of Paris StreetView that its README names
  iterations: Count = 116406
  beta_1: Share = 0.5  # Adam's decay rate of the first moment; Implementation Details

  base_channels: PositiveCount = 64  # channels of the first convolution
  discriminator_channels: PositiveCount = 64  # channels of the discriminator's first convolution; code
  bottleneck: PositiveCount = 4000  # channels between the encoder and the decoder; its README
  overlap: Count = 4  # width in pixels of the centre's border band that the L2 loss weighs ten times; its README
  weight_adversarial: NonNegative = 0.001  # weight of the adversarial loss
  weight_l2: NonNegative = 0.999  # weight of the L2 loss on the missing centre
  discriminator_learning_rate: Positive = 2e-4  # learning rate of the discriminator's Adam; code

  retired: ClassVar = RETIRED_OF_TRANSLATION | {"network": "context_encoder"}

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)
    if self.image_size not in (64, 128):
      raise ValueError(f"image_size is {self.image_size}: the context encoder is made for 64 or 128 pixels "
                       "(--config.image_size)")
    if 2 * self.overlap > self.image_size // 2:
      raise ValueError(f"overlap is {self.overlap}: expected at most half of the centre's side, {self.image_size // 4}")


# What two processor cores train in minutes.
SMALL = Config(image_size=64, load_size=72, base_channels=24, discriminator_channels=24, bottleneck=512, batch_size=16,
               overlap=2, iterations=2000)
TINY = Config(image_size=64, load_size=64, base_channels=2, discriminator_channels=2, bottleneck=8, batch_size=4,
              iterations=4)

RECIPE = Recipe(
    name="context_encoder", summary="The context encoder, which fills the middle of an image.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.translation:task",
    generators={"context_encoder": "network:context_encoder"}, baseline=True, paired=True,
    example="--data photos --out runs/context_encoder", data=FOLDERS_OF_TRANSLATION)
