"""Every choice of the Mux/Demux paper, with its place in the paper.

"DPED" marks what this paper leaves open and its predecessor's public code decides; "ours" what neither decides, with
the reasons in the README beside this file.
"""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Count, EvenCount, NonNegative, Positive, PositiveCount, check_weights
from tf_imgtrans.data.settings import PatchSettings


@dataclasses.dataclass(frozen=True)
class Config(PatchSettings):
  """Mux/Demux photo enhancement: networks, losses (Eq. 1-10) and training."""

  network: Literal["normal", "high_performance"] = "normal"  # generator: normal (Fig. 2) or high_performance (Fig. 3)
  growth_half: PositiveCount = 16  # channels that each dense layer adds at half scale; ours
  # channels that each dense layer adds at quarter scale; even, because Mux needs a multiple of 4; ours
  growth_quarter: EvenCount = 32
  # noise at inference: a new draw, a fixed pattern, or off, in training too (Table 5, no noise)
  noise: Literal["random", "fixed", "off"] = "fixed"
  border: Count = 0  # pixels by which an image is mirrored at inference, and cropped again; 0: not at all; ours
  equal_sub_pixels: bool = False  # training keeps the pixels that Mux makes equal on flat areas: no lattice; ours

  # output of the discriminator: one logit (Sec. 4.1) or DPED's two logits
  discriminator_head: Literal["sigmoid", "softmax"] = "sigmoid"
  # channels of the discriminator's five convolutions; DPED
  discriminator_channels: tuple[int, int, int, int, int] = (48, 128, 192, 192, 128)
  discriminator_dense: PositiveCount = 1024  # units of the discriminator's fully connected layer; Sec. 4.1

  weight_adversarial: NonNegative = 1.0  # weight of the adversarial loss; 0 trains without a discriminator; Eq. 10
  weight_l1: NonNegative = 5000.0  # weight of the luma-weighted L1 loss; alpha, Table 1
  weight_perceptual: NonNegative = 10.0  # weight of the perceptual loss on VGG19 features; beta, Table 1
  weight_contextual: NonNegative = 10.0  # weight of the contextual loss on VGG19 features; gamma, Table 1
  weight_color: NonNegative = 0.5  # weight of the colour loss on blurred images; theta, Table 1
  weight_total_variation: NonNegative = 2000.0  # weight of the total variation loss; lambda, Table 1

  perceptual_layer: str = "block5_conv4"  # VGG19 layer of the perceptual loss; block5_conv4 is relu5_4; DPED
  # VGG19 layers of the contextual loss; ours, as in its authors' code
  contextual_layers: tuple[str, ...] = ("block3_conv2", "block4_conv2")
  contextual_bandwidth: Positive = 0.5  # bandwidth of the contextual loss; h of Eq. 5, its authors' code
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)


# Small enough for a test of a second; the discriminator keeps its form.
TINY = dataclasses.replace(
    Config(), growth_half=4, growth_quarter=4, discriminator_channels=(4, 8, 8, 8, 8), discriminator_dense=8,
    weight_perceptual=0.0, weight_contextual=0.0, patch_size=32, batch_size=2, iterations=4)
