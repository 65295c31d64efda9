"""Every choice of the X-GANs paper, with its place in the paper.

"pix2pixHD" marks what this paper leaves open and the public code of the network that it builds on decides; "ours" what
neither decides, with the reasons in the README beside this file.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_imgtrans.core.config import (
  AtLeast,
  Count,
  Factor,
  Level,
  NonNegative,
  Positive,
  PositiveCount,
  Seed,
  Share,
  check_ranges,
  validate,
)


@dataclasses.dataclass(frozen=True)
class Config:
  """X-GANs image reconstruction: corruption, networks, losses (Eq. 1-6) and training."""

  # how the inputs are corrupted, which sets the task; Sec. 4
  corruption: Literal["random_points", "edge_points", "color_noise", "white_block", "color_blocks", "gaussian_noise",
                      "gaussian_blur"] = "random_points"
  # smallest and largest share of pixels kept, drawn per image; None: 0.01 to 0.20 of points (Sec. 4.1), 0.05 to 0.15 of
  # colour noise (Fig. 5)
  share: tuple[Factor, Factor] | None = None
  edge_operator: Literal["sobel", "canny"] = "sobel"  # edge detector that selects the pixels of edge_points; Sec. 4
  block_size: PositiveCount = 128  # side in pixels of the white block in the middle; Sec. 4
  # red, green and blue of that block, in [0, 1]; another is the constant colour block of Sec. 4.3
  block_color: tuple[Level, Level, Level] = (1.0, 1.0, 1.0)
  # smallest and largest side in pixels of a colour block, drawn per image; Sec. 4
  tile_size: tuple[PositiveCount, PositiveCount] = (16, 128)
  patches: str = ""  # folder of the images that colour blocks are cut from; Sec. 4: SUN397
  # smallest and largest standard deviation of Gaussian noise, white being 1, drawn per image; Gao and Grauman's code
  noise_std_unit: tuple[NonNegative, NonNegative] = (0.0, 100 / 255)
  # smallest and largest standard deviation of a blur in pixels, drawn per image and axis; Gao and Grauman's code
  blur_px: tuple[NonNegative, NonNegative] = (0.0, 5.0)
  image_size: AtLeast(16) = 256  # height and width of the training images in pixels; Sec. 4

  # stride-2 convolutions of the encoder; 2 as in Sec. 3.3, 3 as pix2pixHD's global generator
  downsamplings: Literal[2, 3] = 2
  base_channels: PositiveCount = 64  # channels of the generator's first convolution; pix2pixHD
  residual_blocks: PositiveCount = 9  # residual blocks of the generator; Sec. 3.3
  dropout: Share = 0.5  # dropout rate between the convolutions of a residual block; Sec. 4, the place is pix2pixHD's
  # what batch normalization takes its means of. instance: each image alone, in training and at test time, as with the
  # paper's batch of 1; batch: the batch, and training images at test time; Sec. 3.3. none: there is none; ours
  normalization: Literal["instance", "batch", "none"] = "instance"
  # what the generator sees in the place of missing, white pixels; white: the pixels as they are, as in the paper; pyramid:
  # means of known pixels around them, and a map of where they were, and its output is added to these; ours
  fill: Literal["white", "pyramid"] = "white"
  discriminators: PositiveCount = 3  # number of discriminators, each at half the resolution of the one before; Sec. 3.4
  discriminator_channels: PositiveCount = 64  # channels of a discriminator's first convolution; pix2pixHD

  aggregate: Literal["max", "sum"] = "max"  # how the discriminators' losses are combined for the generator; F of Sec. 3.4
  # weight of the adversarial loss; no discriminator is made if this and the next are 0; Eq. 4
  weight_adversarial: NonNegative = 1.0
  weight_feature_matching: NonNegative = 10.0  # weight of the feature matching loss; lambda of Eq. 4, pix2pixHD
  weight_perceptual: NonNegative = 10.0  # weight of the perceptual loss on VGG19 features; lambda of Eq. 5, pix2pixHD
  # weight of the corresponding point loss, for points and the white block only; Eq. 6, ours
  weight_point: NonNegative = 200.0
  point_norm: Literal["l2", "l1"] = "l2"  # norm of the corresponding point loss; l2: Eq. 6, l1: Fig. 12
  # VGG19 layers of the perceptual loss; pix2pixHD
  perceptual_layers: tuple[str, ...] = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1",
                                        "block5_conv1")
  # weight of each of these layers; pix2pixHD
  perceptual_layer_weights: tuple[NonNegative, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  batch_size: PositiveCount = 1  # images per training step; Sec. 4
  learning_rate: Positive = 2e-4  # learning rate of Adam for all networks; Sec. 4
  beta_1: Share = 0.5  # Adam's decay rate of the first moment; pix2pixHD
  iterations: Count = 100000  # training steps; one pass over the paper's 100,000 images, not its 50 epochs (Sec. 4)
  flip: bool = False  # mirror half of the images left to right; not given in the paper
  seed: Seed = 0  # random seed of weights, images, corruptions and dropout

  former: ClassVar = {"normalization": "batch"}

  def __post_init__(self):
    validate(self)
    check_ranges(self, ("share", "tile_size", "noise_std_unit", "blur_px"))
    if len(self.perceptual_layer_weights) != len(self.perceptual_layers):
      raise ValueError(f"perceptual_layer_weights has {len(self.perceptual_layer_weights)} entries for "
                       f"{len(self.perceptual_layers)} perceptual_layers: expected one for each")
    if self.weight_perceptual and not any(self.perceptual_layer_weights):
      raise ValueError(f"perceptual_layer_weights is {self.perceptual_layer_weights}: expected one positive weight, or "
                       "--config.weight_perceptual 0")
    if not (self.weight_adversarial or self.weight_feature_matching or self.weight_perceptual or self.point_loss):
      raise ValueError("every weight is 0, so that there is nothing to learn from: expected one loss of positive weight "
                       "(--config.weight_...); the point loss is on for points and the white block alone")
    if self.corruption == "white_block" and self.block_size >= self.image_size:
      raise ValueError(f"block_size is {self.block_size}: expected less than image_size, {self.image_size}")
    if self.corruption == "color_blocks" and self.tile_size[1] > self.image_size:
      raise ValueError(f"tile_size is {self.tile_size}: expected at most image_size, {self.image_size}")

  @property
  def point_loss(self):
    """Whether the corresponding point loss is on: for discrete points and the white block alone (Sec. 4)."""
    return self.weight_point > 0 and self.corruption in ("random_points", "edge_points", "white_block")


# "small" is what two processor cores train in half an hour: 64x64 pixels, blocks and tiles scaled with them, narrower
# networks, two scales of discriminators, VGG19 up to block 3, whose weights are often the only ones available. Its batches
# of several images are normalized together.
PRESETS = {
    "paper": Config(),
    "small": Config(
        image_size=64, block_size=32, tile_size=(4, 32), base_channels=32, residual_blocks=6, normalization="batch",
        discriminators=2, discriminator_channels=32, perceptual_layers=("block1_conv1", "block2_conv1", "block3_conv1"),
        perceptual_layer_weights=(1 / 8, 1 / 4, 1.0), batch_size=16, iterations=3000, flip=True),
}

# Small enough for a test of a second.
TINY = dataclasses.replace(
    Config(), image_size=32, block_size=16, tile_size=(4, 16), base_channels=4, residual_blocks=1,
    discriminator_channels=4, weight_perceptual=0.0, batch_size=2, iterations=4)
