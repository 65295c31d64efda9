"""Convolution with an equalized learning rate: at one resolution, halving or doubling the feature map."""

import math

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.shapes import sizes

RESAMPLING = ("none", "down", "up")
BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16  # StyleGAN's low-pass filter


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class EqualizedConv2D(OwnDefaults, keras.layers.Layer):
  """Convolution whose kernel is stored with N(0, 1) values and scaled at every use by gain / sqrt(fan_in).

  [N, H, W, C] -> [N, H', W', filters]. The scale is He's, applied at run time instead of at initialization, so that an
  optimizer with a fixed step per weight trains all layers at the same speed (Karras et al., "Progressive Growing of GANs",
  2018).

  Resampling by two is part of the convolution, as in StyleGAN's fused layers. "down": a 4x4 kernel with stride 2, "up": its
  transpose; the 4x4 kernel is the sum of the 3x3 one at the four positions of a 2x2 square. So "down" is the mean over 2x2
  pixels of the plain convolution, and "up" the plain convolution of the map enlarged by nearest neighbour, without the
  checkerboard that an unconstrained transposed convolution can learn. With `blur`, the map is smoothed by [1, 2, 1]^2 / 16
  before it is halved, and after it was doubled; the border is padded with zeros.

  Args:
    filters: int.
    kernel_size: int; with resampling, the size before the sum.
    gain: float; sqrt(2) before a LeakyReLU, 1 without an activation.
    resampling: str, one of "none", "down", "up". A side that is halved must be even.
    blur: bool; used only with resampling.
    padding: str, "same" or "valid"; "same" with resampling.
    use_bias: bool, learn an offset per filter, initially 0.
    seed: int, of the kernel.
  """

  def __init__(self, filters, kernel_size=3, gain=2 ** 0.5, resampling="none", blur=True, padding="same", use_bias=True,
               seed=0, **kwargs):
    super().__init__(**kwargs)
    if resampling not in RESAMPLING:
      raise unknown_name("resampling", resampling, RESAMPLING)
    if resampling != "none" and padding != "same":
      raise ValueError(f"padding is {padding!r} with resampling {resampling!r}: expected 'same'")
    self.filters = filters
    self.kernel_size = kernel_size
    self.gain = gain
    self.resampling = resampling
    self.blur = blur
    self.padding = padding
    self.use_bias = use_bias
    self.seed = seed

  def build(self, input_shape):
    channels = input_shape[-1]
    self.kernel = self.add_weight(name="kernel", shape=(self.kernel_size, self.kernel_size, channels, self.filters),
                                  initializer=keras.initializers.RandomNormal(0.0, 1.0, self.seed))
    self.scale = self.gain / math.sqrt(self.kernel_size ** 2 * channels)
    self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros") if self.use_bias else None

  def call(self, inputs):
    kernel = self.kernel * self.scale
    if self.resampling == "down":
      inputs = _blurred(inputs) if self.blur else inputs
      outputs = tf.nn.conv2d(inputs, _at_four_places(kernel) / 4, 2, "SAME")
    elif self.resampling == "up":
      outputs = self._doubled(inputs, kernel)
      outputs = _blurred(outputs) if self.blur else outputs
    else:
      outputs = tf.nn.conv2d(inputs, kernel, 1, self.padding.upper())
    return outputs if self.bias is None else outputs + self.bias

  def _doubled(self, inputs, kernel):
    batch, height, width = sizes(inputs, range(3))
    transposed = tf.transpose(_at_four_places(kernel)[::-1, ::-1], [0, 1, 3, 2])
    return tf.nn.conv2d_transpose(inputs, transposed, [batch, 2 * height, 2 * width, self.filters], 2, "SAME")

  def compute_output_shape(self, input_shape):
    batch, *sides, _ = input_shape
    lost = self.kernel_size - 1 if self.padding == "valid" else 0
    resampled = {"none": lambda side: side - lost, "down": lambda side: -(-side // 2), "up": lambda side: 2 * side}
    sides = (None if side is None else resampled[self.resampling](side) for side in sides)
    return (batch, *sides, self.filters)

  def get_config(self):
    names = ("filters", "kernel_size", "gain", "resampling", "blur", "padding", "use_bias", "seed")
    return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _at_four_places(kernel):
  """The sum of a kernel [k, k, ...] at the four positions of a square of side 2: [k + 1, k + 1, ...]."""
  padded = tf.pad(kernel, [[1, 1], [1, 1], [0, 0], [0, 0]])
  return padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]


def _blurred(features):
  kernel = tf.constant(np.tile(BINOMIAL[:, :, None, None], [1, 1, features.shape[-1], 1]), features.dtype)
  return tf.nn.depthwise_conv2d(features, kernel, (1, 1, 1, 1), "SAME")
