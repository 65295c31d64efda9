"""How each baseline of the feature-pyramid paper is built and trained: its own network, losses and schedule.

"code" marks what is in the public code of a method: phillipi/pix2pix, pathak22/context-encoder,
CQFIO/PhotographicImageSynthesis (demo_256p.py) and tyshiwo/DRRN_CVPR17; "ours" what neither it nor its paper decides.
"""

import dataclasses
import functools
from typing import Literal

import tyro

from tf_imgtrans.core.config import Count, NonNegative, Positive, PositiveCount, Share
from tf_imgtrans.core.config import named as core_named
from tf_imgtrans.data.settings import TranslationSettings

# Divisors of CRN's VGG19 layers, which balance them; the last is 0.8 / 10. From one version of its code; another version of
# demo_256p.py has 1 four times, then 1 / 10.
DIVISORS = (1.6, 2.3, 1.8, 2.8, 0.08)
# The losses of each network, with the weights in the fields weight_<name>.
TERMS = {"pix2pix": ("adversarial", "l1"), "cnn": ("l1",), "context_encoder": ("adversarial", "l2"),
         "crn": ("best", "mean"), "drrn": ("luma",)}


@dataclasses.dataclass(frozen=True)
class Config(TranslationSettings):
  """A method of image translation: its network, losses and training. The defaults are pix2pix's."""

  # which baseline network is trained; fixed by the command
  network: tyro.conf.Fixed[Literal["pix2pix", "cnn", "context_encoder", "crn", "drrn"]] = "pix2pix"
  base_channels: PositiveCount = 64  # channels of the first convolution; for CRN a 16th of its widest layer
  # channels of the discriminator's first convolution; code of pix2pix and the context encoder
  discriminator_channels: PositiveCount = 64
  # normalization of pix2pix and cnn: instance (each image by its own statistics, in training too), or batch (by all
  # training images at inference); the code's batches of one image, in its test too, equal instance
  normalization: Literal["batch", "instance"] = "batch"
  dropout: Share = 0.5  # dropout rate of the decoder's three innermost stages (pix2pix, cnn); code
  bottleneck: PositiveCount = 4000  # channels between the encoder and the decoder (context encoder); its README
  # width in pixels of the centre's border band that the L2 loss weighs ten times (context encoder); its README
  overlap: Count = 4
  residual_units: PositiveCount = 25  # residual units of the recursive block (DRRN): B1U25

  weight_adversarial: NonNegative = 1.0  # weight of the adversarial loss (pix2pix, context encoder)
  weight_l1: NonNegative = 100.0  # weight of the L1 loss on pixels (pix2pix, cnn); code
  weight_l2: NonNegative = 0.0  # weight of the L2 loss on the missing centre (context encoder)
  weight_best: NonNegative = 0.0  # weight of the loss of the nearest of nine images, per label (CRN)
  weight_mean: NonNegative = 0.0  # weight of the mean loss over nine images (CRN)
  weight_luma: NonNegative = 0.0  # weight of the squared error of luma (DRRN)
  # VGG19 layers of the losses (CRN); code
  perceptual_layers: tuple[str, ...] = tuple(f"block{block}_conv2" for block in range(1, 6))
  # weight of each of these layers (CRN); code
  perceptual_layer_weights: tuple[NonNegative, ...] = tuple(1 / divisor for divisor in DIVISORS)
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  # learning rate of the discriminator's Adam; code of pix2pix and the context encoder
  discriminator_learning_rate: Positive = 2e-4
  momentum: Share = 0.9  # momentum of stochastic gradient descent (DRRN); code
  weight_decay: NonNegative = 1e-4  # weight decay (DRRN); code
  # largest norm of a step's gradients times the learning rate (DRRN); theta of its paper; its code bounds the norm by this
  # at any rate
  gradient_bound: Positive = 0.01
  halve_every: PositiveCount = 65360  # steps after which the learning rate is halved (DRRN): ten epochs, code

  def __post_init__(self):
    super().__post_init__()
    terms = TERMS[self.network]
    weights = [field.name for field in dataclasses.fields(self) if field.name.startswith("weight_")]
    for name in weights:
      if getattr(self, name) and name != "weight_decay" and name.removeprefix("weight_") not in terms:
        raise ValueError(f"{name} is {getattr(self, name)}, but {self.network} has no such loss: expected 0, and a weight "
                         f"of {' or '.join(terms)} (--config.{name})")
    if not any(getattr(self, f"weight_{name}") for name in terms):
      raise ValueError("every weight is 0, so that there is nothing to learn from: expected one loss of positive weight "
                       "(--config.weight_...)")
    if len(self.perceptual_layer_weights) != len(self.perceptual_layers):
      raise ValueError(f"perceptual_layer_weights has {len(self.perceptual_layer_weights)} entries for "
                       f"{len(self.perceptual_layers)} perceptual_layers: expected one for each")
    self._check_size()

  def _check_size(self):
    size, power = self.image_size, not self.image_size & (self.image_size - 1)
    if self.network == "context_encoder" and size not in (64, 128):
      raise ValueError(f"image_size is {size}: the context encoder is made for 64 or 128 pixels (--config.image_size)")
    if self.network == "context_encoder" and 2 * self.overlap > size // 2:
      raise ValueError(f"overlap is {self.overlap}: expected at most half of the centre's side, {size // 4}")
    if self.network in ("pix2pix", "cnn") and not (power and size >= 32):
      raise ValueError(f"image_size is {size}: {self.network} needs a power of two from 32 (--config.image_size)")
    if self.network == "crn" and not power:
      raise ValueError(f"image_size is {size}: CRN doubles from 4 rows on and needs a power of two (--config.image_size)")


_NO_TERMS = {"weight_adversarial": 0.0, "weight_l1": 0.0}
_NETWORKS = {
    "pix2pix": {},
    "cnn": {"weight_adversarial": 0.0},  # pix2pix without its discriminator (Sec. 3)
    # 500 epochs of the 14,900 images of Paris StreetView that its README names. hole: the code's is 56 pixels wide, so
    # that the prediction overlaps what is known by 4 pixels; here that of the paper's comparison, all of the prediction.
    # --config.hole 0.4375 is the code's.
    "context_encoder": {"task": "inpainting", "image_size": 128, "load_size": 350, "weight_adversarial": 0.001,
                        "weight_l1": 0.0, "weight_l2": 0.999, "batch_size": 64, "learning_rate": 2e-3,
                        "iterations": 116406},
    # Whole images, Adam's own beta_1, no mirror images: code.
    "crn": {**_NO_TERMS, "weight_best": 0.999, "weight_mean": 0.001, "load_size": 256, "learning_rate": 1e-4, "beta_1": 0.9,
            "flip": False},
    # iterations: 50 epochs, ours. The windows of 31 pixels are the code's, which does not specify evaluation images.
    "drrn": {**_NO_TERMS, "task": "super_resolution", "weight_luma": 1.0, "image_size": 31, "validation_size": 256,
             "base_channels": 128, "batch_size": 128, "learning_rate": 0.1, "iterations": 326800},
}
# What two processor cores train in minutes: 64x64 pixels, narrower networks, VGG19 up to block 3.
_SMALL = {
    "pix2pix": {"image_size": 64, "load_size": 72, "base_channels": 24, "discriminator_channels": 24, "batch_size": 8,
                "iterations": 2000},
    "context_encoder": {"image_size": 64, "load_size": 72, "base_channels": 24, "discriminator_channels": 24,
                        "bottleneck": 512, "batch_size": 16, "overlap": 2, "iterations": 2000},
    "crn": {"image_size": 64, "load_size": 64, "base_channels": 6, "batch_size": 4, "iterations": 2000,
            "perceptual_layers": ("block1_conv2", "block2_conv2", "block3_conv2"),
            "perceptual_layer_weights": tuple(1 / divisor for divisor in DIVISORS[:3])},
    "drrn": {"load_size": 72, "validation_size": 64, "base_channels": 32, "residual_units": 9, "batch_size": 16,
             "iterations": 2000, "halve_every": 400},
}
_SMALL["cnn"] = _SMALL["pix2pix"]
# Small enough for a test of a second.
_TINY = {
    "pix2pix": {"image_size": 32, "load_size": 36, "base_channels": 4, "discriminator_channels": 4, "batch_size": 2},
    "context_encoder": {"image_size": 64, "load_size": 64, "base_channels": 2, "discriminator_channels": 2,
                        "bottleneck": 8, "batch_size": 4},
    "crn": {"image_size": 16, "load_size": 16, "base_channels": 1, "batch_size": 2, "perceptual_layers": ("block1_conv1",),
            "perceptual_layer_weights": (1.0,), "vgg_weights": "random"},
    "drrn": {"image_size": 16, "load_size": 16, "base_channels": 4, "residual_units": 2, "batch_size": 2},
}
_TINY["cnn"] = _TINY["pix2pix"]

CONFIGS = {name: Config(network=name, **fields) for name, fields in _NETWORKS.items()}
PRESETS = {"paper": CONFIGS,
           "small": {name: dataclasses.replace(config, **_SMALL[name]) for name, config in CONFIGS.items()}}
TINY = {name: dataclasses.replace(config, iterations=4, **_TINY[name]) for name, config in CONFIGS.items()}

named = functools.partial(core_named, CONFIGS)  # name, options -> Config
