"""Every choice of the progressive adversarial network, with its place in the paper.

"StyleGAN" marks what this paper leaves open and the public code of the framework that it builds on decides; "ours" what
neither decides, with the reasons in the README beside this file.
"""

import dataclasses
import functools
import math
from typing import Annotated, Literal

import annotated_types

from tf_imgtrans.core.config import Count, NonNegative, Positive, PositiveCount, Seed, Share, check_ranges, validate
from tf_imgtrans.papers.progressive_pan.schedule import doublings, images_at, make_stages

Size = Literal[8, 16, 32, 64, 128, 256, 512, 1024]
Range = tuple[NonNegative, NonNegative]
Quality = Annotated[int, annotated_types.Interval(ge=1, le=100)]
Length = Annotated[float, annotated_types.Ge(1)]
Probability = Annotated[float, annotated_types.Interval(ge=0, le=1)]
# Fields that `data.degradations.degraded_low_resolution` takes.
DEGRADATION = ("gaussian_sigma_px", "gaussian_angle_deg", "motion_length_px", "motion_angle_deg", "noise_std_unit",
               "peak_photons", "jpeg_quality", "gaussian_probability", "isotropic_probability", "motion_probability",
               "noise_probability", "jpeg_probability")
BOTTLENECK = 4  # pixels that the encoder goes down to; StyleGAN's first size


@dataclasses.dataclass(frozen=True)
class Config:
  """Progressive super-resolution without distances (Eq. 2-5): sizes, networks, loss, schedule and degradation."""

  input_size: Size = 128  # height and width of the low-resolution inputs in pixels; Sec. 5.1
  output_size: Size = 1024  # height and width of the outputs in pixels; Sec. 5.1
  start_size: Size = 8  # height and width of the first stage's outputs in pixels; Sec. 4.1
  progressive: bool = True  # grow from start_size to output_size; off: all stages at output_size (Table 2, non-progressive)
  # number of skip connections, the coarsest first; None: one at every size up to input_size; Sec. 5.6
  skips: Count | None = None
  # feature maps of SxS pixels have channel_base / S channels, at most channels_max; StyleGAN
  channel_base: PositiveCount = 16384
  channels_max: PositiveCount = 512  # largest number of channels; StyleGAN
  blur: bool = True  # smooth feature maps where they are halved or doubled; StyleGAN
  # noise of Eq. 5 at inference; off: in training too (Table 2, non-noise)
  noise: Literal["fixed", "random", "off"] = "fixed"
  # decoder sizes that get noise: all (Sec. 5.5), or those above input_size (Fig. 2)
  noise_sizes: Literal["all", "above_input"] = "all"
  group: PositiveCount = 4  # images that the discriminator's minibatch standard deviation compares; StyleGAN

  # loss of the generator: adversarial (Eq. 3 and 4), or a pixel distance instead (Table 2)
  objective: Literal["gan", "l1", "l2"] = "gan"
  gamma: NonNegative = 5.0  # weight of the R1 gradient penalty, for images in [-1, 1]; Eq. 3, Sec. 5.1

  stable: PositiveCount = 600000  # length of the stable phase of each size, in the unit below; Sec. 5.1
  fade: Count = 600000  # length of the fade-in before it, for each size but the first; Sec. 5.1
  unit: Literal["images", "iterations"] = "images"  # unit of stable and fade; iterations in Sec. 5.1, images in StyleGAN
  # images per step and replica, for 8, 16, ... pixels; the last one serves all larger sizes; Sec. 5.1
  minibatch: tuple[PositiveCount, ...] = (64, 32, 16, 8, 4)
  replicas: PositiveCount = 4  # minibatches per step, on any number of devices; four GPUs in Sec. 5.1
  # learning rate of Adam for 8, 16, ... pixels, as minibatch; Sec. 5.1
  learning_rate: tuple[Positive, ...] = (0.001, 0.001, 0.001, 0.001, 0.0015, 0.002, 0.003)
  beta_1: Share = 0.0  # Adam's decay rate of the first moment; Sec. 5.1
  beta_2: Share = 0.99  # Adam's decay rate of the second moment; Sec. 5.1
  epsilon: Positive = 1e-8  # Adam's epsilon; Sec. 5.1
  reset_optimizers: bool = True  # reset Adam when a size begins, which avoids long first steps of new layers; StyleGAN
  average_half_life: Count = 10000  # half-life in images of the generator's moving average of weights; StyleGAN

  flip: bool = True  # mirror half of the images left to right; StyleGAN
  low_resolution: Literal["area", "bicubic"] = "area"  # how images are shrunk to input_size; ours
  degrade: bool = False  # degrade the inputs at random: x~ = J((x * k * b) down_s + n), Sec. 5.7
  # range of the standard deviations of the Gaussian blur k, in pixels of output_size at scale 2 and proportional to the
  # scale; ours, as are all ranges and probabilities below
  gaussian_sigma_px: Range = (0.2, 3.0)
  gaussian_angle_deg: Range = (0.0, 180.0)  # range of the angle of k's first axis in degrees
  motion_length_px: tuple[Length, Length] = (1.0, 15.0)  # range of the motion blur b's length in pixels of output_size
  motion_angle_deg: Range = (0.0, 180.0)  # range of b's angle in degrees
  noise_std_unit: Range = (0.0, 15 / 255)  # range of the Gaussian noise n's standard deviation, for images in [0, 1]
  # range of the photons at full brightness, for Poisson noise besides n; None: no Poisson noise
  peak_photons: tuple[Positive, Positive] | None = None
  jpeg_quality: tuple[Quality, Quality] = (40, 95)  # range of the JPEG quality of J
  gaussian_probability: Probability = 0.5  # probability of the Gaussian blur k
  isotropic_probability: Probability = 0.5  # probability that k is isotropic, where it is applied
  motion_probability: Probability = 0.5  # probability of the motion blur b
  noise_probability: Probability = 0.5  # probability of the noise n
  jpeg_probability: Probability = 0.5  # probability of the JPEG compression J
  seed: Seed = 0  # random seed of weights, images, degradations and noise

  def __post_init__(self):
    validate(self)
    if not self.start_size <= self.input_size <= self.output_size:
      raise ValueError(f"start_size, input_size and output_size are {self.start_size}, {self.input_size} and "
                       f"{self.output_size}: expected none below the one before it (--config.input_size, ...)")
    if self.skips is not None and self.skips > self.connections:
      raise ValueError(f"skips is {self.skips}: there are {self.connections} sizes from 8 up to input_size "
                       f"{self.input_size} (--config.skips)")
    check_ranges(self, [name for name in DEGRADATION if isinstance(getattr(self, name), tuple)])
    for name in ("minibatch", "learning_rate"):
      if not getattr(self, name):
        raise ValueError(f"{name} is empty: expected a value for 8 pixels, and for 16, 32, ... (--config.{name})")

  @property
  def scale(self):
    """Factor of the output's height and width over the input's."""
    return self.output_size // self.input_size

  @property
  def connections(self):
    """Number of sizes that encoder and decoder share."""
    return int(math.log2(self.input_size // BOTTLENECK))

  @property
  def sizes(self):
    """Sizes of the stages, ascending."""
    if not self.progressive:
      return (self.output_size,)
    return doublings(self.start_size, self.output_size)

  def channels(self, size):
    """Channels of feature maps of size x size pixels."""
    return max(min(self.channel_base // size, self.channels_max), 1)

  @functools.cached_property
  def stages(self):
    """Stages of the training, in their order: tuple of schedule.Stage."""
    return make_stages(self)

  @property
  def iterations(self):
    """Steps of the whole training."""
    return self.stages[-1].last_step

  def images_at(self, step):
    """Images seen in the first `step` steps."""
    return images_at(self, step)


# The rows of Table 2, and of the study of skip connections (Sec. 5.6), as changes of a Config.
VARIANTS = {
    "full": {},
    "l1": {"objective": "l1"},
    "l2": {"objective": "l2"},
    "non_progressive": {"progressive": False},
    "non_noise": {"noise": "off"},
}
# "small" is what two processor cores train in minutes: 8 to 32 pixels, narrow maps, 12,000 images of each size. So few
# images need smaller batches and a higher learning rate, and small images a lower weight of R1, which grows with the number
# of pixels.
PRESETS = {
    "paper": Config(),
    "small": Config(input_size=8, output_size=32, channel_base=1024, channels_max=64, gamma=0.1, stable=6000, fade=6000,
                    minibatch=(16, 8), replicas=1, learning_rate=(0.005,), average_half_life=1000),
}

# Small enough for a test of a second.
TINY = dataclasses.replace(Config(), input_size=8, output_size=16, channel_base=64, channels_max=8, stable=4, fade=4,
                           minibatch=(4, 2), replicas=1, average_half_life=8)
