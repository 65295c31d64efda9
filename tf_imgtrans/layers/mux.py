"""Demux and Mux: lossless down- and up-sampling by moving pixels (Mux/Demux paper, Sec. 4.1, Fig. 1)."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults

FACTOR = 2  # Fig. 1: groups of 2x2 pixels, four feature maps


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Demux(OwnDefaults, keras.layers.Layer):
  """Splits every 2x2 group of pixels into four channels: [N, H, W, C] -> [N, H/2, W/2, 4C].

  No value is changed or lost: `Mux()(Demux()(x))` is x, bit for bit, for every dtype.
  Output channel `c + C * (2 * row + column)` holds channel c of the pixel at (row, column) of the group.

  H and W are even and may be unknown when the layer is built; a known odd size raises ValueError.
  """

  def __init__(self, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})  # pixels of any dtype pass as they are

  def call(self, inputs):
    self.compute_output_shape(inputs.shape)  # for its checks
    return tf.nn.space_to_depth(inputs, FACTOR)

  def compute_output_shape(self, input_shape):
    batch, height, width, channels = input_shape
    for name, size in (("height", height), ("width", width)):
      if size is not None and size % FACTOR:
        raise ValueError(f"{name} is {size}: Demux needs an even {name}; call shapes.pad_to_multiple(images, {FACTOR})")
    return (batch, _scaled(height, 1, FACTOR), _scaled(width, 1, FACTOR), channels * FACTOR ** 2)

  def compute_output_spec(self, inputs):
    return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Mux(OwnDefaults, keras.layers.Layer):
  """Interleaves groups of four channels into 2x2 pixels, the inverse of Demux: [N, H, W, 4C] -> [N, 2H, 2W, C].

  A number of channels that is not a multiple of 4 raises ValueError.
  """

  def __init__(self, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})

  def call(self, inputs):
    self.compute_output_shape(inputs.shape)  # for its checks
    return tf.nn.depth_to_space(inputs, FACTOR)

  def compute_output_shape(self, input_shape):
    batch, height, width, channels = input_shape
    if channels % FACTOR ** 2:
      raise ValueError(f"{channels} channels: Mux needs a multiple of {FACTOR ** 2}, which become 2x2 pixels")
    return (batch, _scaled(height, FACTOR, 1), _scaled(width, FACTOR, 1), channels // FACTOR ** 2)

  def compute_output_spec(self, inputs):
    return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)


def _scaled(size, multiplier, divisor):
  return None if size is None else size * multiplier // divisor
