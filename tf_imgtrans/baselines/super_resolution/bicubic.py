"""Enlargement by bicubic interpolation, as a generator."""

import dataclasses

import keras

from tf_imgtrans.baselines.super_resolution.parts import check_sides
from tf_imgtrans.core.config import PositiveCount, Seed, from_dict, validate
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.data.degradations import enlarge


@dataclasses.dataclass(frozen=True)
class BicubicConfig:
  """What bicubic enlargement is made from."""

  scale: PositiveCount = 4
  seed: Seed = 0  # changes nothing; every generator has one

  def __post_init__(self):
    validate(self)


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Bicubic(ConfiguredModel):
  """Enlarges by data.degradations.enlarge: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3], clipped. No weights.

  Args:
    config: BicubicConfig.
  """

  config_class = BicubicConfig
  architecture = ("scale",)

  def __init__(self, config=BicubicConfig(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = config.scale

  def build(self, input_shape):
    pass

  def call(self, images, training=False):
    check_sides(images)
    return enlarge(images, self.scale)

  def compute_output_shape(self, input_shape):
    count, height, width, channels = input_shape
    return (count, *(side and side * self.scale for side in (height, width)), channels)


def bicubic(**options):
  """Bicubic enlargement; options are fields of BicubicConfig."""
  return Bicubic(from_dict(BicubicConfig, options), name="bicubic")
