"""How the shipped enhancers `mux_demux` and `mux_demux_hp` are trained: networks of the paper, all else ours."""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Count, EvenCount, Factor, NonNegative, Positive, PositiveCount, Share, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import PatchSettings, PhoneCamera

BLOCK = 16  # pixels: side of the means that exposure and colour are compared by

# Quartiles of what separates the two sides of DPED's public pairs, an iPhone 3GS and a Canon 70D, as `tf-imgtrans data
# camera` measures them on 261 pairs of the PIRM 2018 challenge: darker, yellow, less saturated. The exposure goes on to the
# 90 % decile, as a photograph that is nearly right must not be made too bright. Blur, noise and JPEG cannot be separated
# there; these are ours, and the sharpness lies between the measured quartiles.
PHONE = PhoneCamera(exposure=(-2.0, -0.1), red_gain=(0.86, 1.01), blue_gain=(0.80, 0.97), contrast=(0.97, 1.24),
                    saturation=(0.92, 1.02), blur=(0.3, 0.8), noise=(0.003, 0.012), jpeg_quality=(70, 95))


@dataclasses.dataclass(frozen=True)
class Config(PatchSettings):
  """A Mux/Demux generator, its losses and its training on clean photographs."""

  network: Literal["normal", "high_performance"] = "high_performance"  # generator: Figure 2 or Figure 3 of the paper
  growth_half: PositiveCount = 16  # channels that each dense layer adds at half scale
  growth_quarter: EvenCount = 32  # channels that each dense layer adds at quarter scale
  # noise at inference: a new draw, a fixed pattern, or off, in training too
  noise: Literal["random", "fixed", "off"] = "off"
  border: Count = 16  # pixels by which an image is mirrored at inference, and cropped again: no rim is left
  equal_sub_pixels: bool = True  # training keeps the pixels that Mux makes equal on flat areas: no lattice

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_ssim: NonNegative = 0.2  # weight of one minus SSIM
  weight_low_frequency: NonNegative = 1.0  # weight of the L1 loss on means of 16x16 pixels: exposure and colour

  patch_size: PositiveCount = 96  # height and width of a training patch in pixels, a multiple of 16
  batch_size: PositiveCount = 8  # patches per training step
  learning_rate: Positive = 1e-3  # learning rate of Adam at the first step; falls to 0 along a cosine
  iterations: Count = 1200  # training steps
  flip: bool = True  # mirror half of the patches left to right
  degradation: PhoneCamera = PHONE  # how clean photographs are degraded, if the data have no source images
  undegraded_share: Share = 0.4  # share of the patches that are left as they are, so that good photographs stay good
  smallest_scale: Factor = 0.15  # patches are shrunk by up to this factor, so that some are like whole photographs
  average_half_life: Count = 4000  # images after which a weight counts half in the average that is saved; 0: no average

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)
    if self.patch_size % BLOCK:
      raise ValueError(f"patch_size is {self.patch_size}: expected a multiple of {BLOCK}, as the means of exposure and "
                       "colour cover it (--config.patch_size)")


RECIPE = Recipe(
    name="phone_enhancement", summary="The shipped enhancers: Mux/Demux networks for real photographs of phones.",
    package=__package__,
    presets={"paper": Config(), "small": Config(iterations=600),
             "tiny": Config(growth_half=4, growth_quarter=4, patch_size=48, batch_size=2, iterations=4)},
    trainer="trainer:Trainer", task="tf_imgtrans.data.enhancement:task", generators={}, paired=True,
    example="--data photographs --out runs/enhancer",
    data="The data folder is one of these:\n  {pairs}\n  {clean}")
