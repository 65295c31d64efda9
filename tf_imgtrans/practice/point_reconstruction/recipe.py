"""How the shipped model `x_gans` is trained: the network of the paper, narrower; all else ours."""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Factor, NonNegative, PositiveCount, Share, check_ranges
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.practice.settings import PartSettings


@dataclasses.dataclass(frozen=True)
class Config(PartSettings):
  """An X-GANs generator, its losses and its training on photographs of which a few pixels are kept."""

  # which pixels are kept: mostly those at edges, as compress keeps them, or any
  corruption: Literal["random_points", "edge_points"] = "edge_points"
  share: tuple[Factor, Factor] = (0.01, 0.20)  # smallest and largest share of pixels kept, drawn per image
  edge_operator: Literal["sobel", "canny"] = "sobel"  # edge detector of edge_points

  downsamplings: Literal[2, 3] = 2  # stride-2 convolutions of the encoder
  base_channels: PositiveCount = 16  # channels of the generator's first convolution
  residual_blocks: PositiveCount = 6  # residual blocks of the generator
  dropout: Share = 0.0  # dropout rate within the residual blocks
  normalization: Literal["instance", "batch", "none"] = "none"  # what batch normalization takes its means of
  fill: Literal["white", "pyramid"] = "pyramid"  # what the generator sees in the place of missing pixels

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_ssim: NonNegative = 0.1  # weight of one minus SSIM

  def __post_init__(self):
    super().__post_init__()
    check_ranges(self, ("share",))


RECIPE = Recipe(
    name="point_reconstruction", summary="The shipped X-GANs network: photographs rebuilt from scattered pixels.",
    package=__package__,
    presets={"paper": Config(), "small": Config(iterations=1200),
             "tiny": Config(base_channels=4, residual_blocks=1, image_size=32, batch_size=2, iterations=4)},
    trainer="trainer:Trainer", task="tf_imgtrans.data.reconstruction:task", generators={},
    example="--data photographs --out runs/points",
    data="The data folder holds photographs, of which pixels are kept on the fly:\n  {photographs}")
