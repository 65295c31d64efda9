"""Enlargement by bicubic interpolation, as a generator."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.config import PositiveCount, Seed, from_dict, validate
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.data import degradations

REACH = 2  # pixels to either side that a new pixel is made of


@dataclasses.dataclass(frozen=True)
class BicubicConfig:
  """What bicubic enlargement is made from."""

  scale: PositiveCount = 4
  seed: Seed = 0  # changes nothing; every generator has one

  def __post_init__(self):
    validate(self)


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Bicubic(ConfiguredModel):
  """Enlarges as data.degradations.enlarge: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3], clipped. No weights.

  Written as a convolution that gives the s x s new pixels of each, laid out by depth_to_space: phones know both.

  Args:
    config: BicubicConfig.
  """

  config_class = BicubicConfig
  architecture = ("scale",)

  def __init__(self, config=BicubicConfig(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = config.scale

  def call(self, images, training=False):
    check_images(images)
    if any(side is not None and side < REACH for side in images.shape[1:3]):
      return degradations.enlarge(images, self.scale)  # a single pixel cannot be mirrored twice
    border = [REACH, REACH]
    padded = tf.pad(tf.cast(images, tf.float32), [[0, 0], border, border, [0, 0]], mode="SYMMETRIC")
    pixels = tf.nn.conv2d(padded, _kernel(self.scale), 1, "VALID")
    pixels = tf.nn.depth_to_space(pixels, self.scale) if self.scale > 1 else pixels
    return tf.clip_by_value(pixels, 0.0, 1.0)


def _kernel(scale):
  """Weights of the new pixels of each: float32 [5, 5, 3, s * s * 3]; Keys' cubic with a = -0.5."""
  distance = np.abs(((np.arange(scale) + 0.5) / scale - 0.5)[:, None] - np.arange(-REACH, REACH + 1))
  inner, outer = (1.5 * distance - 2.5) * distance ** 2 + 1, ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
  weights = np.where(distance <= 1, inner, np.where(distance < 2, outer, 0.0))  # [s, 5]
  both = np.einsum("ak,bl->klab", weights, weights)
  return np.einsum("klab,cd->klcabd", both, np.eye(3)).reshape(2 * REACH + 1, 2 * REACH + 1, 3, -1).astype(np.float32)


def bicubic(**options):
  """Bicubic enlargement; options are fields of BicubicConfig."""
  return Bicubic(from_dict(BicubicConfig, options), name="bicubic")
