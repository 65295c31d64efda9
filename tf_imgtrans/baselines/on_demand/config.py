"""R. Gao, K. Grauman: "On-Demand Learning for Deep Image Restoration", ICCV 2017, and its public code.

"Code" marks what is in the authors' code (inpainting/train.lua, pixelInterpolation/train.lua and its sample
scripts), "ours" what neither the paper nor the code decides.
"""

import dataclasses
from typing import Annotated, Literal

import annotated_types

from tf_imgtrans.core.config import AtLeast, Count, Positive, PositiveCount, Seed, Share, validate


@dataclasses.dataclass(frozen=True)
class Config:
  """On-demand learning: corruption and its five levels of difficulty, network and training.

  The defaults are the authors'; COMPARISON is the setting of the comparison with X-GANs.
  """

  # how the inputs are corrupted; the paper has points (pixel interpolation), one-colour blocks (inpainting), Gaussian noise
  # (denoising) and blur (deblurring)
  corruption: Literal["random_points", "color_noise", "white_block", "color_blocks", "gaussian_noise",
                      "gaussian_blur"] = "random_points"
  # corruption bands of the five levels, see levels.py; extreme: as strong as X-GANs' corruptions
  bands: Literal["original", "extreme"] = "original"
  # colour of missing points and blocks: the mean colour (code), or white (X-GANs, Sec. 4)
  fill: Literal["mean", "white"] = "mean"
  patches: str = ""  # folder of the images that colour blocks are cut from; X-GANs, Sec. 4: SUN397
  # height and width of the images in pixels, a power of two; 64: code; 256, as X-GANs, adds two stages
  image_size: AtLeast(16) = 64
  # images are loaded at this multiple of image_size, then cropped; code: 96 for 64
  load_scale: Annotated[float, annotated_types.Ge(1)] = 1.5
  flip: bool = True  # mirror half of the images left to right; code

  base_channels: PositiveCount = 64  # channels of the generator's first convolution; code

  batch_size: PositiveCount = 100  # images per training step, divided among the levels; code
  learning_rate: Positive = 2e-4  # learning rate of Adam; code
  beta_1: Share = 0.5  # Adam's decay rate of the first moment; code
  iterations: Count = 250000  # training steps; 250 epochs (code) of 100,000 images (ours, as many as X-GANs has)
  adapt_every: Count = 0  # steps between two updates of the levels' shares; 0: one pass over the images (code)
  adaptation_images: PositiveCount = 100  # held-out images on which each level is validated; ours
  seed: Seed = 0  # random seed of weights, images and corruptions

  def __post_init__(self):
    validate(self)
    if self.image_size & (self.image_size - 1):
      raise ValueError(f"image_size is {self.image_size}: expected a power of two from 16 (--config.image_size)")

  @property
  def load_size(self):
    """Side of the images before they are cropped."""
    return round(self.load_scale * self.image_size)


# X-GANs' size, range of corruptions, white pixels and whole images, so that both see the same images.
COMPARISON = dataclasses.replace(Config(), image_size=256, bands="extreme", fill="white", load_scale=1.0)

# Small enough for a test of a second.
TINY = dataclasses.replace(Config(), image_size=16, base_channels=4, batch_size=10, iterations=4, adaptation_images=3)
