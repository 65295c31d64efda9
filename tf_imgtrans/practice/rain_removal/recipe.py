"""How the shipped model `feature_pyramid_pan` is trained: the network of the paper, narrower; all else ours."""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Count, NonNegative, PositiveCount, Share, check_ranges
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import Range, Slant
from tf_imgtrans.practice.settings import PartSettings


@dataclasses.dataclass(frozen=True)
class Config(PartSettings):
  """A generator of the feature-pyramid paper, its losses and its training on photographs that get rain."""

  task: Literal["deraining", "desnowing"] = "deraining"  # what is taken out of photographs
  # lowest and highest share of pixels where a rain streak begins, for photographs without rain
  rain_streaks: Range = (0.001, 0.008)
  rain_length: Range = (0.08, 0.6)  # shortest and longest rain streak over the height of a part
  rain_slant: tuple[Slant, Slant] = (0.0, 30.0)  # smallest and largest angle of the rain in degrees from the vertical
  snow_flakes: Range = (0.001, 0.006)  # lowest and highest share of pixels where a snow flake lies
  snow_size: Range = (0.01, 0.06)  # smallest and largest radius of a snow flake over the height of a part
  image_size: PositiveCount = 128  # height and width in pixels of the parts; a power of two, as it sets the depth

  base_channels: PositiveCount = 8  # channels of the generator's first convolution
  upsampling: Literal["transposed", "resize"] = "resize"  # how the decoder grows; resize leaves no checkerboard
  affine: bool = False  # normalizations have a factor and an offset
  dropout: Share = 0.0  # dropout rate of the first stages of the decoder
  noise: Literal["random", "fixed", "off"] = "off"  # dropout at inference

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_ssim: NonNegative = 0.2  # weight of one minus SSIM
  iterations: Count = 4000  # training steps

  def __post_init__(self):
    super().__post_init__()
    check_ranges(self, ("rain_streaks", "rain_length", "rain_slant", "snow_flakes", "snow_size"))


RECIPE = Recipe(
    name="rain_removal", summary="The shipped network of the feature-pyramid paper: rain taken out of photographs.",
    package=__package__,
    presets={"paper": Config(), "small": Config(iterations=1200),
             "tiny": Config(base_channels=4, image_size=32, batch_size=2, iterations=4)},
    trainer="trainer:Trainer", task="tf_imgtrans.data.translation:task", generators={},
    example="--data photographs --out runs/rain",
    data="The data folder holds photographs, which get rain on the fly, or two paired folders:\n  {photographs}\n  {pairs}")
