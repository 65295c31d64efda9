"""Base class of the layers that draw noise."""

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.seeds import as_seed_pair, fold_in, normal
from tf_imgtrans.core.shapes import sizes

NOISE_MODES = ("random", "fixed", "off")
TILE = 128  # side of the repeated pattern of "fixed" noise, in pixels of the feature map


class NoisyLayer(OwnDefaults, keras.layers.Layer):
  """Base of layers that draw N(0, 1) noise as large as their input.

  The mode determines the noise at inference:
    "random": a new draw at every call.
    "fixed": always the same pattern (a 128x128 tile, repeated), the same for every image of a batch, so that one input
      gives one output on every machine and in every exported file.
    "off": zeros, in training too.
  In training the noise is always drawn anew, except in mode "off". A `noise_seed` makes the draw repeatable in both cases.

  Args:
    noise: str, one of "random", "fixed", "off".
    stream: int, distinguishes the noise layers of one network, so that they draw different numbers from one seed.
  """

  def __init__(self, noise, stream, **kwargs):
    super().__init__(**kwargs)
    self.stream = stream
    self.noise = noise

  @property
  def noise(self):
    return self._noise

  @noise.setter
  def noise(self, mode):
    if mode not in NOISE_MODES:
      raise unknown_name("noise mode", mode, NOISE_MODES)
    self._noise = mode

  def drawn(self, inputs, channels, noise_seed=None, training=False):
    """Noise for feature maps [N, H, W, C]: tensor [N, H, W, channels] of their dtype.

    Args:
      inputs: the feature maps.
      channels: int.
      noise_seed: int or int pair [2], optional; with it the noise is a pure function of seed and shape.
      training: bool.
    """
    shape = [*sizes(inputs, range(3)), channels]
    if self.noise == "off":
      return tf.zeros(shape, inputs.dtype)
    if noise_seed is not None:
      noise = normal(shape, fold_in(as_seed_pair(noise_seed), self.stream))
    elif training or self.noise == "random":
      noise = tf.random.normal(shape)
    else:
      noise = self._fixed(shape)
    return tf.cast(noise, inputs.dtype)

  def _fixed(self, shape):
    # RandomState: NumPy promises that its stream never changes, so the pattern is the same in every version.
    batch, height, width, channels = shape
    tile = np.random.RandomState(self.stream).standard_normal((1, TILE, TILE, channels)).astype(np.float32)
    repeated = tf.tile(tile, [batch, -(-height // TILE), -(-width // TILE), 1])
    return repeated[:, :height, :width]

  def get_config(self):
    return {**super().get_config(), "noise": self.noise, "stream": self.stream}
