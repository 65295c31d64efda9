"""Every choice of the perceptual adversarial network with a feature pyramid, with its place in the paper.

"pix2pix" marks what this paper takes from it or leaves open and its public code decides; "ours" what neither decides, with
the reasons in the README beside this file.
"""

import dataclasses
from typing import Annotated, Literal

import annotated_types

from tf_imgtrans.core.config import NonNegative, PositiveCount, Share, check_weights
from tf_imgtrans.data.settings import TranslationSettings

Level = Annotated[int, annotated_types.Interval(ge=0, le=7)]


@dataclasses.dataclass(frozen=True)
class Config(TranslationSettings):
  """Image translation with losses on a Laplacian pyramid (Eq. 1-10): task, networks, losses and training."""

  # height and width of the training images in pixels, a power of two, as the generator halves down to 1; pix2pix
  image_size: Literal[32, 64, 128, 256] = 256
  base_channels: PositiveCount = 64  # channels of the generator's first convolution; pix2pix
  # how the decoder enlarges: transposed convolution (pix2pix), or nearest resize and convolution (Conclusion)
  upsampling: Literal["transposed", "resize"] = "transposed"
  # learn a scale and an offset in instance normalization instead of the convolution's bias; pix2pix's other published form
  affine: bool = False
  dropout: Share = 0.5  # dropout rate of the decoder's three innermost stages, which is the noise z; pix2pix
  noise: Literal["fixed", "random", "off"] = "off"  # dropout at inference: off, a fixed pattern, or drawn anew (pix2pix)
  discriminator_channels: PositiveCount = 64  # channels of a discriminator's first convolution; pix2pix

  # high-frequency levels of the Laplacian pyramid; Implementation Details
  levels: Annotated[int, annotated_types.Interval(ge=1, le=5)] = 3
  # pyramid levels k whose smooth images p_k the low-frequency discriminators receive; ours
  low_levels: tuple[Level, ...] = (1, 2, 3)
  # form of these smooth images: p_k, or u(p_k) at the size of the level above; ours
  low_images: Literal["decimated", "upsampled"] = "decimated"
  conditional: bool = True  # give the discriminators of Eq. 6 the source pyramid P_k(x) as well; Table 1

  # training objective; the last two train the same networks with another method's losses (Sec. 3.3)
  objective: Literal["pyramid", "pix2pix", "context_encoder"] = "pyramid"
  # weight of the adversarial loss on high frequencies; pix2pix: of its adversarial loss; alpha_1, Eq. 6
  weight_high: NonNegative = 1.0
  weight_low: NonNegative = 5.0  # weight of the adversarial loss on low frequencies; alpha_2, Eq. 7
  # weight of the perceptual adversarial loss on discriminator features; alpha_3, Eq. 8
  weight_perceptual: NonNegative = 1.0
  weight_l1: NonNegative = 100.0  # weight of the L1 loss on pixels; alpha_4, Eq. 9
  weight_l2: NonNegative = 0.999  # weight of the L2 loss, for objective context_encoder only; its paper
  weight_adversarial: NonNegative = 0.001  # weight of the adversarial loss, for objective context_encoder only; its paper
  beta_1: Share = 0.5  # Adam's decay rate of the first moment; Implementation Details
  # optimizer of the discriminators; sgd: the literal reading of Implementation Details
  discriminator_optimizer: Literal["adam", "sgd"] = "adam"

  def __post_init__(self):
    super().__post_init__()
    deepest = max((self.levels, *self.low_levels))
    if self.image_size >> deepest < 8:
      raise ValueError(f"levels go down to 1/{2 ** deepest} of image_size {self.image_size}: a discriminator needs 8 "
                       "pixels; lower --config.levels and --config.low_levels, or raise --config.image_size")
    if self.objective == "pyramid" and self.weight_low and not self.low_levels:
      raise ValueError("low_levels is empty, but weight_low is not 0: give levels, or --config.weight_low 0")
    check_weights(self, self.weights)

  @property
  def weights(self):
    """Names of the weights that the objective has."""
    return {"pyramid": ("high", "low", "perceptual", "l1"), "pix2pix": ("high", "l1"),
            "context_encoder": ("l2", "adversarial")}[self.objective]


# The rows of Tables 1 and 2, and the objectives that the paper compares with on its own networks (Sec. 3.3), as changes of
# a Config. Table 1 leaves out "adversarial loss on high-frequency feature maps": the generator's term of Eq. 6 alone, while
# its discriminators go on being trained for the features of Eq. 8. Table 2 and Figures 3 and 4 leave out the high-frequency
# pyramid, and with it the networks of Eq. 8.
VARIANTS = {
    "full": {},
    "without_conditional": {"conditional": False},
    "without_low": {"weight_low": 0.0},
    "without_high": {"weight_high": 0.0},
    "without_high_pyramid": {"weight_high": 0.0, "weight_perceptual": 0.0},
    "full_upsampled": {"low_images": "upsampled"},
    "pix2pix_objective": {"objective": "pix2pix"},
    "context_encoder_objective": {"objective": "context_encoder"},
    "cnn_objective": {"weight_high": 0.0, "weight_low": 0.0, "weight_perceptual": 0.0},
}
# "small" is what two processor cores train in minutes: 64x64 pixels, weather that is visible at this size, narrower
# networks.
PRESETS = {
    "paper": Config(),
    "small": Config(
        image_size=64, load_size=72, base_channels=24, discriminator_channels=24, levels=2, low_levels=(1, 2),
        rain_streaks=(0.005, 0.03), rain_length=(0.08, 0.25), snow_flakes=(0.004, 0.02), snow_size=(0.012, 0.04),
        batch_size=8, iterations=2000),
}

# Small enough for a test of a second.
TINY = dataclasses.replace(Config(), image_size=32, load_size=36, base_channels=4, discriminator_channels=4, levels=1,
                           low_levels=(1,), batch_size=2, iterations=4)
