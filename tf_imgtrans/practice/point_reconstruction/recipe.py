"""How the shipped model `x_gans` is trained: the network of the paper, narrower; all else ours."""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import (
  AtLeast,
  Count,
  Factor,
  NonNegative,
  Positive,
  PositiveCount,
  Seed,
  Share,
  check_ranges,
  check_weights,
  validate,
)
from tf_imgtrans.core.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Config:
  """An X-GANs generator, its losses and its training on photographs of which a few pixels are kept."""

  # which pixels are kept: mostly those at edges, as compress keeps them, or any
  corruption: Literal["random_points", "edge_points"] = "edge_points"
  share: tuple[Factor, Factor] = (0.01, 0.20)  # smallest and largest share of pixels kept, drawn per image
  edge_operator: Literal["sobel", "canny"] = "sobel"  # edge detector of edge_points

  downsamplings: Literal[2, 3] = 2  # stride-2 convolutions of the encoder
  base_channels: PositiveCount = 24  # channels of the generator's first convolution
  residual_blocks: PositiveCount = 6  # residual blocks of the generator
  dropout: Share = 0.0  # dropout rate within the residual blocks

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_ssim: NonNegative = 0.1  # weight of one minus SSIM

  image_size: AtLeast(32) = 96  # height and width in pixels of the parts of photographs that are trained on
  smallest_scale: Factor = 0.15  # parts are shrunk by up to this factor, so that some are like whole photographs
  batch_size: PositiveCount = 8  # parts per training step
  learning_rate: Positive = 1e-3  # learning rate of Adam at the first step; falls to 0 along a cosine
  iterations: Count = 5000  # training steps
  flip: bool = True  # mirror half of the parts left to right
  average_half_life: Count = 4000  # images after which a weight counts half in the average that is saved; 0: no average
  seed: Seed = 0  # random seed of weights, parts and points

  def __post_init__(self):
    validate(self)
    check_ranges(self, ("share",))
    check_weights(self)


RECIPE = Recipe(
    name="point_reconstruction", summary="The shipped X-GANs network: photographs rebuilt from scattered pixels.",
    package=__package__,
    presets={"paper": Config(), "small": Config(iterations=1200),
             "tiny": Config(base_channels=4, residual_blocks=1, image_size=32, batch_size=2, iterations=4)},
    trainer="trainer:Trainer", task="tf_imgtrans.data.reconstruction:task", generators={},
    example="--data photographs --out runs/points",
    data="The data folder holds photographs, of which pixels are kept on the fly:\n  {photographs}")
