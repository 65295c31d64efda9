"""Settings of data and degradations that the configurations of several methods share; importing them is light."""

import dataclasses
from typing import Annotated, Literal

import annotated_types

from tf_imgtrans.core.config import (
  ANY,
  AtLeast,
  Count,
  Factor,
  NonNegative,
  Positive,
  PositiveCount,
  Seed,
  Share,
  check_ranges,
  validate,
)

# Fields that every network of photo enhancement had in version 0.1.0, for `core.config.from_stored`; a network's own count.
RETIRED_OF_ENHANCEMENT = {
    **dict.fromkeys(("weight_adversarial", "weight_l1", "weight_perceptual", "weight_contextual", "weight_color",
                     "weight_total_variation"), 0.0),
    **dict.fromkeys(("discriminator_head", "discriminator_channels", "discriminator_dense", "perceptual_layer",
                     "contextual_layers", "contextual_bandwidth", "vgg_weights"), ANY)}

Real = tuple[float, float]
Range = tuple[NonNegative, NonNegative]
Slant = Annotated[float, annotated_types.Interval(ge=0, le=60)]
Quality = Annotated[int, annotated_types.Interval(ge=1, le=100)]


@dataclasses.dataclass(frozen=True)
class PhoneCamera:
  """Ranges of `data.degradations.phone_camera`: what clean photographs become where the data have no source images."""

  exposure: Real = (-1.1, -0.5)  # range of the exposure in stops, factors of two in light; ours, as all below
  red_gain: tuple[Positive, Positive] = (1.04, 1.16)  # range of the white balance gain of red, green being 1
  blue_gain: tuple[Positive, Positive] = (0.78, 0.90)  # range of the white balance gain of blue, green being 1
  contrast: Range = (0.75, 0.88)  # range of the factor on the distance from mid grey
  saturation: Range = (1.0, 1.0)  # range of the factor on the distance from luma, 1 leaving colours as they are
  blur: Range = (0.5, 1.0)  # range of the standard deviation of the optics' Gaussian blur, in pixels
  noise: Range = (0.006, 0.02)  # range of the standard deviation of sensor noise in light at full scale, white being 1
  jpeg_quality: tuple[Quality, Quality] = (60, 90)  # range of the quality of the JPEG file

  def __post_init__(self):
    validate(self, "--config.degradation.")
    check_ranges(self, [field.name for field in dataclasses.fields(self)], "--config.degradation.")


@dataclasses.dataclass(frozen=True)
class PatchSettings:
  """Training on patches of photographs or pairs: data and schedule of photo enhancement.

  One for all networks: rows of a table then differ by networks and losses alone.
  """

  patch_size: AtLeast(16) = 100  # height and width of a training patch in pixels; DPED
  batch_size: PositiveCount = 50  # patches per training step; DPED
  learning_rate: Positive = 5e-4  # learning rate of Adam for every network; DPED
  iterations: Count = 20000  # training steps; DPED
  flip: bool = False  # mirror half of the patches left to right; DPED does not
  degradation: PhoneCamera = PhoneCamera()  # how clean photographs are degraded, if the data have no source images; ours
  undegraded_share: Share = 0.0  # share of the patches of clean photographs that are left as they are; ours
  # patches of clean photographs are shrunk by up to this factor: content as of a whole photograph; 1: never; ours
  smallest_scale: Factor = 1.0
  seed: Seed = 0  # random seed of weights, patches, degradations and noise

  def __post_init__(self):
    validate(self)


TranslationTask = Literal["labels_to_photo", "super_resolution", "inpainting", "deraining", "desnowing"]
# The paragraph of the help screens on the data folder.
FOLDERS_OF_TRANSLATION = """\
What the data folder holds depends on --config.task and --config.label_set. labels_to_photo:
  {labels}
  {translated}
super_resolution and inpainting:
  {photographs}
deraining and desnowing: two paired folders as above, or photographs, which get rain or snow."""
# Fields that the baselines of image translation had in version 0.1.0, for `core.config.from_stored`; a network's own count.
RETIRED_OF_TRANSLATION = {
    **dict.fromkeys(("weight_adversarial", "weight_l1", "weight_l2", "weight_best", "weight_mean", "weight_luma"), 0.0),
    **dict.fromkeys(("discriminator_channels", "discriminator_learning_rate", "normalization", "dropout", "bottleneck",
                     "overlap", "residual_units", "perceptual_layers", "perceptual_layer_weights", "vgg_weights",
                     "momentum", "weight_decay", "gradient_bound", "halve_every"), ANY)}


@dataclasses.dataclass(frozen=True)
class TranslationSettings:
  """Task, images and schedule of image translation."""

  # which task is trained, which sets the kind of data; Sec. 3
  task: TranslationTask = "labels_to_photo"
  # classes of the label maps; none: images are taken as they are
  label_set: Literal["cityscapes", "camvid", "none"] = "cityscapes"
  scale: Literal[2, 4, 8] = 4  # factor of super_resolution in height and width
  # side of the missing square over the image's side, for inpainting; 0.5: the central quarter (Fig. 4), as pix2pix
  hole: Share = 0.5
  # lowest and highest share of pixels where a rain streak begins, for photographs without rain; ours
  rain_streaks: Range = (0.001, 0.006)
  rain_length: Range = (0.03, 0.12)  # shortest and longest rain streak over the image's height; ours
  rain_slant: tuple[Slant, Slant] = (0.0, 20.0)  # smallest and largest angle of the rain in degrees from the vertical; ours
  snow_flakes: Range = (0.001, 0.006)  # lowest and highest share of pixels where a snow flake lies; ours
  snow_size: Range = (0.004, 0.02)  # smallest and largest radius of a snow flake over the image's height; ours
  image_size: AtLeast(16) = 256  # height and width of the training images in pixels; pix2pix
  load_size: AtLeast(16) = 286  # side in pixels that images are resized to before a random crop of image_size; pix2pix
  validation_size: Count = 0  # side in pixels that held-out images are resized to; 0: image_size

  batch_size: PositiveCount = 1  # images per training step; pix2pix
  learning_rate: Positive = 2e-4  # learning rate of the optimizer; Implementation Details
  iterations: Count = 595000  # training steps; 200 epochs of Cityscapes' 2975 images, as pix2pix
  flip: bool = True  # mirror half of the images left to right; pix2pix
  seed: Seed = 0  # random seed of weights, images, degradations and dropout

  def __post_init__(self):
    validate(self)
    if self.load_size < self.image_size:
      raise ValueError(f"load_size is {self.load_size}: expected at least image_size, {self.image_size}")
    check_ranges(self, ("rain_streaks", "rain_length", "rain_slant", "snow_flakes", "snow_size"))


# Fields that the baselines of super-resolution had in version 0.1.0, for `core.config.from_stored`; a network's own count.
RETIRED_OF_SUPER_RESOLUTION = {
    "stage": "l1", "initial_weights": "", "multi_scale": False, "weight_l1": 1.0, "weight_perceptual": 0.0,
    "weight_adversarial": 0.0, "gradient_clip": 0.0,
    **dict.fromkeys(("groups", "growth", "reduction", "discriminator_channels", "perceptual_layer", "vgg_weights"), ANY)}


@dataclasses.dataclass(frozen=True)
class SuperResolutionSettings:
  """Images and schedule of super-resolution; the defaults are those of ESRGAN's first stage."""

  scale: Literal[2, 3, 4, 8] = 4  # factor of the enlargement in height and width
  # how images are shrunk; area: means of scale x scale pixels, as in the progressive paper
  low_resolution: Literal["bicubic", "area"] = "bicubic"
  image_size: Count = 0  # side in pixels that the central square of an image is shrunk to; 0: images are taken as they are
  patch_size: AtLeast(16) = 128  # side in pixels of the target's random crop, rounded down to a multiple of the scale
  # augmentation of the crops: none, mirrored left to right, or all: quarter turns as well
  augment: Literal["none", "flip", "all"] = "all"

  batch_size: PositiveCount = 16  # crops per training step
  learning_rate: Positive = 2e-4  # learning rate of Adam for all networks
  beta_1: Share = 0.9  # Adam's decay rate of the first moment; ESRGAN, CARN and RCAN
  beta_2: Share = 0.999  # Adam's decay rate of the second moment; ESRGAN, CARN and RCAN
  halve_at: tuple[PositiveCount, ...] = (200000, 400000, 600000, 800000)  # steps after which the learning rate is halved
  iterations: Count = 1000000  # training steps
  seed: Seed = 0  # random seed of weights, images, crops and scales

  def __post_init__(self):
    validate(self)
    if list(self.halve_at) != sorted(set(self.halve_at)):
      raise ValueError(f"halve_at is {self.halve_at}: expected ascending steps (--config.halve_at)")
    if 0 < self.image_size < self.patch_size:
      raise ValueError(f"image_size is {self.image_size}: expected 0, or at least patch_size, {self.patch_size}")
