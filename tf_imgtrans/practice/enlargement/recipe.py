"""How the shipped model `progressive_pan` is trained: the network of the paper, narrower, at once; all else ours."""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Count, NonNegative, PositiveCount
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.practice.settings import Schedule

ENCODED = 32  # pixels: height and width of the input that the network is laid out for; it takes any other


@dataclasses.dataclass(frozen=True)
class Config(Schedule):
  """A generator of the progressive paper, its losses and its training on photographs that are shrunk."""

  scale: Literal[2, 4, 8] = 4  # factor of the enlargement in height and width
  low_resolution: Literal["bicubic", "area"] = "bicubic"  # how photographs are shrunk
  # side in pixels that the central square of a photograph is shrunk to, which makes it sharp; 0: taken as it is
  image_size: Count = 480
  patch_size: PositiveCount = 128  # height and width in pixels of the parts of photographs that are trained on
  augment: Literal["none", "flip", "all"] = "all"  # parts as they are, mirrored left to right, or quarter turns as well

  channel_base: PositiveCount = 1024  # feature maps of SxS pixels have channel_base / S channels, at most channels_max
  channels_max: PositiveCount = 48  # largest number of channels

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_ssim: NonNegative = 0.1  # weight of one minus SSIM

  def __post_init__(self):
    super().__post_init__()
    if self.patch_size % self.scale:
      raise ValueError(f"patch_size is {self.patch_size}: expected a multiple of the scale, {self.scale} "
                       "(--config.patch_size)")
    if 0 < self.image_size < self.patch_size:
      raise ValueError(f"image_size is {self.image_size}: expected 0, or at least patch_size, {self.patch_size} "
                       "(--config.image_size)")


RECIPE = Recipe(
    name="enlargement", summary="The shipped network of the progressive paper: photographs enlarged.", package=__package__,
    presets={"paper": Config(), "small": Config(iterations=1200),
             "tiny": Config(image_size=0, patch_size=32, channel_base=256, channels_max=8, batch_size=2, iterations=4)},
    trainer="trainer:Trainer", task="tf_imgtrans.data.super_resolution:task", generators={},
    example="--data photographs --out runs/larger",
    data="The data folder holds photographs, which are shrunk on the fly:\n  {photographs}")
