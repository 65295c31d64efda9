"""R. Gao, K. Grauman: "On-Demand Learning for Deep Image Restoration", ICCV 2017, and its public code.

"Code" marks what the authors' code says (inpainting/train.lua, pixelInterpolation/train.lua and the sample scripts beside
them), "ours" what neither the paper nor the code decides.
"""

import dataclasses
from typing import Annotated, Literal

import annotated_types

from tf_imgtrans.core.config import AtLeast, Count, Positive, PositiveCount, Seed, Share, validate


@dataclasses.dataclass(frozen=True)
class Config:
  """On-demand learning: corruption and its five levels of difficulty, network and training.

  The defaults are the authors'; COMPARISON is the form that X-GANs is compared with.
  """

  # What X-GANs compares. The authors have points (their pixel interpolation) and a block of one colour (their inpainting).
  corruption: Literal["random_points", "color_noise", "white_block", "color_blocks"] = "random_points"
  bands: Literal["original", "extreme"] = "original"  # of the levels, see levels.py; extreme: what X-GANs asks for
  fill: Literal["mean", "white"] = "mean"  # of missing points and blocks; code: the mean colour; white: X-GANs, Sec. 4
  patches: str = ""  # folder of the images that colour blocks are cut from; X-GANs, Sec. 4: SUN397
  image_size: AtLeast(16) = 64  # a power of two; code. 256, that of X-GANs, has two more stages of strides
  load_scale: Annotated[float, annotated_types.Ge(1)] = 1.5  # images are loaded at it, then cropped; code: 96 for 64
  flip: bool = True  # mirror half of the images; code

  base_channels: PositiveCount = 64  # code

  batch_size: PositiveCount = 100  # code; its levels share it out
  learning_rate: Positive = 2e-4  # Adam, code
  beta_1: Share = 0.5  # code
  iterations: Count = 250000  # code: 250 epochs of batches of 100; ours: of 100,000 images, as many as X-GANs has
  adapt_every: Count = 0  # steps between two adaptations of the shares; 0: one pass over the images, code
  adaptation_images: PositiveCount = 100  # held-out images on which each level is validated; ours
  seed: Seed = 0  # of weights, images and corruptions

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
