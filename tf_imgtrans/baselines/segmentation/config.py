"""J. Long, E. Shelhamer, T. Darrell: "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015; FCN-8s.

"Code" marks what is in the authors' code (voc-fcn8s/net.py and solver.prototxt), "pix2pix" what is in pix2pix's
scripts/eval_cityscapes and its README about the FCN score, "ours" what none of them decides.
"""

import dataclasses
from typing import Literal

from tf_imgtrans.core.config import Count, NonNegative, Positive, PositiveCount, Seed, Share, validate


@dataclasses.dataclass(frozen=True)
class Config:
  """FCN-8s: classes, sizes of images, network and training."""

  # classes of the label maps; Cityscapes' 19 evaluation classes: pix2pix
  label_set: Literal["cityscapes", "camvid"] = "cityscapes"
  # side in pixels that photographs are shrunk to first, to have the detail of generated ones; pix2pix
  image_size: PositiveCount = 256
  # side in pixels that they are then enlarged to and segmented at; 0: the size of their label map; pix2pix
  load_size: Count = 0
  base_channels: PositiveCount = 64  # channels of the first convolution, conv1; VGG16
  fc_channels: PositiveCount = 4096  # channels of fc6 and fc7; VGG16
  batch_normalization: bool = False  # normalize batches instead of adding the convolutions' biases; not in VGG16
  dropout: Share = 0.5  # dropout rate after fc6 and fc7; code

  optimizer: Literal["sgd", "adam"] = "sgd"  # optimizer: stochastic gradient descent (code) or Adam
  # learning rate, for the mean loss over pixels; the code's 1e-10 (FCN-32s) for the sum, times Cityscapes' 1024 x 2048
  # pixels
  learning_rate: Positive = 2e-4
  momentum: Share = 0.99  # momentum of sgd; code, which calls it "heavy learning" with batches of 1
  weight_decay: NonNegative = 5e-4  # weight of the L2 penalty on kernels, half the sum of squares; code
  batch_size: PositiveCount = 1  # images per training step; code
  iterations: Count = 100000  # training steps; code
  flip: bool = True  # mirror half of the images left to right; Sec. 4.3
  seed: Seed = 0  # random seed of weights, images and dropout

  def __post_init__(self):
    validate(self)
    if not self.load_size and self.batch_size > 1:
      raise ValueError(f"load_size is 0, where every image keeps its own size, and batch_size is {self.batch_size}: "
                       "expected a side for all images (--config.load_size), or batches of 1")
    if not self.load_size and self.batch_normalization:
      raise ValueError("load_size is 0 and batch_normalization is on, whose statistics are estimated from images of one "
                       "size: expected a side for all images (--config.load_size)")


# "small" is what two processor cores train in minutes, for images of 64x64 pixels. It starts from random weights, where
# VGG16's layers need normalization, and has its own optimizer. In three minutes on 49 photographs of CamVid, 11 held
# out (share 0.2, seed 0), it reaches a pixel accuracy of 0.83, a class accuracy of 0.51 and a class IoU of 0.41.
PRESETS = {
    "paper": Config(),
    "small": Config(image_size=64, load_size=128, base_channels=16, fc_channels=128, batch_normalization=True,
                    optimizer="adam", learning_rate=1e-3, weight_decay=0.0, batch_size=8, iterations=800),
}

# Small enough for a test of a second.
TINY = dataclasses.replace(PRESETS["small"], label_set="camvid", image_size=16, load_size=32, base_channels=4,
                           fc_channels=8, batch_size=2, iterations=4)
