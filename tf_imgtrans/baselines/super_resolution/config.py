"""How each super-resolution baseline of the progressive paper is built and trained, following its own paper.

ESRGAN: X. Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops 2018.
CARN: N. Ahn, B. Kang, K.-A. Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network", ECCV
2018. RCAN: Y. Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks", ECCV 2018.

Sections are those of a method's own paper; "code" marks what is in its public code: XPixelGroup/BasicSR,
nmhkahn/CARN-pytorch and yulunzhang/RCAN.
"""

import dataclasses
import functools
from typing import Literal

import tyro

from tf_imgtrans.core.config import (
    AtLeast,
    Count,
    NonNegative,
    Positive,
    PositiveCount,
    Seed,
    Share,
    validate,
)
from tf_imgtrans.core.config import named as core_named

SCALES = {"esrgan": (2, 4, 8), "carn": (2, 3, 4), "rcan": (2, 4, 8)}  # scales of each network; CARN's of its paper
SMALLEST_PATCH = 16  # smallest patch of ESRGAN's discriminator in pixels: two halvings down to 4


@dataclasses.dataclass(frozen=True)
class Config:
  """A super-resolution network, its losses and training. The defaults are ESRGAN's, first stage."""

  # which baseline network is trained; fixed by the command
  network: tyro.conf.Fixed[Literal["esrgan", "carn", "rcan"]] = "esrgan"
  scale: Literal[2, 3, 4, 8] = 4  # factor of the enlargement in height and width
  # training stage of ESRGAN (its Sec. 4.1): L1 alone, then from those weights L1, VGG19 and a discriminator
  stage: Literal["l1", "gan"] = "l1"
  initial_weights: str = ""  # run folder or .keras file of stage l1 that stage gan starts from; "random" draws weights

  channels: PositiveCount = 64  # channels of the feature maps; 64 in all three papers
  groups: PositiveCount = 1  # number of residual groups (RCAN) or cascading blocks (CARN)
  # number of residual-in-residual dense blocks (ESRGAN), or of residual blocks in a group (RCAN, CARN)
  blocks: PositiveCount = 23
  growth: PositiveCount = 32  # channels that each convolution of a dense block adds (ESRGAN); code
  reduction: PositiveCount = 16  # factor by which channel attention reduces the channels (RCAN); Sec. 4.1
  multi_scale: bool = False  # train upsamplers for 2, 3 and 4, one of them per step (CARN); off: only `scale`
  discriminator_channels: PositiveCount = 64  # channels of the discriminator's first convolution (ESRGAN); code

  # how images are shrunk; area: means of scale x scale pixels, as in the progressive paper
  low_resolution: Literal["bicubic", "area"] = "bicubic"
  image_size: Count = 0  # side in pixels that the central square of an image is shrunk to; 0: images are taken as they are
  patch_size: AtLeast(16) = 128  # side in pixels of the target's random crop, rounded down to a multiple of the scale
  # augmentation of the crops: none, mirrored left to right, or all: quarter turns as well
  augment: Literal["none", "flip", "all"] = "all"

  weight_l1: NonNegative = 1.0  # weight of the L1 loss on pixels
  weight_perceptual: NonNegative = 0.0  # weight of the L1 loss on VGG19 feature maps before ReLU; stage gan only
  # weight of the relativistic adversarial loss; stage gan only; 0: no discriminator is made
  weight_adversarial: NonNegative = 0.0
  perceptual_layer: str = "block5_conv4"  # VGG19 layer of the perceptual loss; ESRGAN, Sec. 3.3: VGG54
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  batch_size: PositiveCount = 16  # crops per training step
  learning_rate: Positive = 2e-4  # learning rate of Adam for all networks
  beta_1: Share = 0.9  # Adam's decay rate of the first moment; all three papers
  beta_2: Share = 0.999  # Adam's decay rate of the second moment; all three papers
  halve_at: tuple[PositiveCount, ...] = (200000, 400000, 600000, 800000)  # steps after which the learning rate is halved
  gradient_clip: NonNegative = 0.0  # largest norm of all gradients together; 0: no clipping
  iterations: Count = 1000000  # training steps
  seed: Seed = 0  # random seed of weights, images, crops and scales

  def __post_init__(self):
    validate(self)
    if self.scale not in SCALES[self.network]:
      raise ValueError(f"scale is {self.scale}: {self.network} is made for {', '.join(map(str, SCALES[self.network]))} "
                       "(--config.scale)")
    if list(self.halve_at) != sorted(set(self.halve_at)):
      raise ValueError(f"halve_at is {self.halve_at}: expected ascending steps (--config.halve_at)")
    if self.network == "rcan" and self.reduction > self.channels:
      raise ValueError(f"reduction is {self.reduction}: expected at most channels, {self.channels} (--config.reduction)")
    if self.multi_scale and self.network != "carn":
      raise ValueError(f"multi_scale is on, but {self.network} has one upsampler: it is CARN's (--config.multi_scale)")
    if 0 < self.image_size < self.patch_size:
      raise ValueError(f"image_size is {self.image_size}: expected 0, or at least patch_size, {self.patch_size}")
    self._check_stage()

  def _check_stage(self):
    if self.stage == "gan" and self.network != "esrgan":
      raise ValueError(f"stage is gan, but {self.network} is trained by L1 alone: expected l1 (--config.stage)")
    for name in ("weight_perceptual", "weight_adversarial"):
      if self.stage == "l1" and getattr(self, name):
        raise ValueError(f"{name} is {getattr(self, name)}, but stage l1 has no such loss: expected 0, or "
                         "--config.stage gan")
    if self.stage == "l1" and self.initial_weights:
      raise ValueError(f"initial_weights is {self.initial_weights!r}, but stage l1 starts from drawn weights: leave it out")
    if not (self.weight_l1 or self.weight_perceptual or self.weight_adversarial):
      raise ValueError("every weight is 0, so that there is nothing to learn from: expected one loss of positive weight "
                       "(--config.weight_...)")
    size = self.patch_size
    if self.weight_adversarial and (size & (size - 1) or size < SMALLEST_PATCH):
      raise ValueError(f"patch_size is {size}: the discriminator needs a power of two from {SMALLEST_PATCH} "
                       "(--config.patch_size)")


_NETWORKS = {
    # Stage l1: Sec. 4.1, patches of 128, batches of 16, 2e-4 halved every 200,000 steps; a million steps: code.
    "esrgan": {},
    # Sec. 4.1 and the code's README: source patches of 64, batches of 64, 600,000 steps, halved at 400,000; norm of the
    # gradients at most 10 and one of the three scales for each step: code. Here all scales share `patch_size`.
    "carn": {"groups": 3, "blocks": 3, "multi_scale": True, "patch_size": 256, "batch_size": 64, "learning_rate": 1e-4,
             "halve_at": (400000,), "gradient_clip": 10.0, "iterations": 600000},
    # Sec. 4.1: source patches of 48, batches of 16, 1e-4 halved every 200,000 steps. A thousand times 1000 steps: code.
    "rcan": {"groups": 10, "blocks": 20, "patch_size": 192, "learning_rate": 1e-4},
}
# Stage gan: Sec. 3.3 and 4.1; 400,000 steps: code.
_GAN = {"stage": "gan", "weight_l1": 1e-2, "weight_perceptual": 1.0, "weight_adversarial": 5e-3, "learning_rate": 1e-4,
        "halve_at": (50000, 100000, 200000, 300000), "iterations": 400000}
# What two processor cores train in minutes: faces of 64 pixels from 16, whole and upright, and narrower networks.
_FACES = {"image_size": 64, "patch_size": 64, "augment": "flip", "channels": 24, "halve_at": (1000, 1500),
          "iterations": 2000}
_SMALL = {
    "esrgan": {**_FACES, "blocks": 4, "growth": 12, "discriminator_channels": 16, "learning_rate": 5e-4},
    "carn": {**_FACES, "multi_scale": False, "batch_size": 16, "learning_rate": 1e-3},
    "rcan": {**_FACES, "groups": 2, "blocks": 4, "reduction": 8, "learning_rate": 1e-3},
}
# VGG19 up to block 3, whose weights are often the only ones available; its features are larger than those of block 5, hence
# the smaller weight.
_SMALL_GAN = {**_SMALL["esrgan"], "perceptual_layer": "block3_conv4", "weight_perceptual": 1e-3, "learning_rate": 1e-4,
              "halve_at": (250,), "iterations": 500}
# Small enough for a test of a second.
_TINY = {
    "esrgan": {"channels": 6, "blocks": 2, "growth": 3, "discriminator_channels": 4},
    "carn": {"channels": 6, "groups": 2, "blocks": 2},
    "rcan": {"channels": 8, "groups": 2, "blocks": 2, "reduction": 4},
}
_TINY_ALL = {"patch_size": 16, "batch_size": 2, "iterations": 4, "halve_at": (2,)}

CONFIGS = {name: Config(network=name, **fields) for name, fields in _NETWORKS.items()}
PRESETS = {"paper": CONFIGS,
           "small": {name: dataclasses.replace(config, **_SMALL[name]) for name, config in CONFIGS.items()}}
GAN_CONFIGS = {"paper": dataclasses.replace(CONFIGS["esrgan"], **_GAN),  # ESRGAN's second stage, by preset
               "small": dataclasses.replace(CONFIGS["esrgan"], **{**_GAN, **_SMALL_GAN})}
TINY = {name: dataclasses.replace(config, **_TINY_ALL, **_TINY[name]) for name, config in CONFIGS.items()}


def preset_config(name, preset="paper", stage="l1"):
  """The configuration of a method by preset and stage of training; of an unknown preset or stage the first.

  Args:
    name: str, one of CONFIGS.
    preset: str, one of PRESETS.
    stage: str, "l1" or "gan"; only ESRGAN has the second, for others it is passed on to be refused.
  """
  if stage == "gan" and name == "esrgan":
    return GAN_CONFIGS.get(preset, GAN_CONFIGS["paper"])
  return PRESETS.get(preset, CONFIGS)[name]

named = functools.partial(core_named, CONFIGS)  # name, options -> Config
