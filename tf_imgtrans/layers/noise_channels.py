"""Noise as extra input channels."""

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.seeds import as_seed_pair, fold_in, normal

NOISE_MODES = ("random", "fixed", "off")
TILE = 128  # side of the repeated pattern of "fixed" noise, in pixels of the map that it joins


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class NoiseChannels(keras.layers.Layer):
  """Appends channels of N(0, 1) noise: [N, H, W, C] -> [N, H, W, C + channels].

  The mode says what is appended at inference:
    "random": a new draw at every call.
    "fixed": always the same pattern (a 128x128 tile, repeated), the same for every image of a batch, so that one input
      gives one output on every machine and in every exported file.
    "off": zeros, in training too.
  In training the noise is drawn. A `noise_seed` makes the draw repeatable in either case, in every mode but "off".

  Args:
    channels: int, how many noise channels, at least 1.
    noise: str, one of "random", "fixed", "off".
    stream: int, tells the noise layers of one network apart: the same seed gives each its own numbers.
  """

  def __init__(self, channels=1, noise="fixed", stream=0, **kwargs):
    super().__init__(**kwargs)
    if channels < 1:
      raise ValueError(f"channels is {channels}: expected at least 1 noise channel")
    self.channels = channels
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

  def call(self, inputs, noise_seed=None, training=False):
    """Args: noise_seed: int or int pair [2], optional; with it the noise is a pure function of seed and shape."""
    if self.noise == "off":
      drawn = tf.zeros(self._shape(inputs), inputs.dtype)
    elif noise_seed is not None:
      seed = fold_in(as_seed_pair(noise_seed), self.stream)
      drawn = normal(self._shape(inputs), seed)
    elif training or self.noise == "random":
      drawn = tf.random.normal(self._shape(inputs))
    else:
      drawn = self._fixed(inputs)
    return tf.concat([inputs, tf.cast(drawn, inputs.dtype)], axis=-1)

  def _shape(self, inputs):
    known, size = inputs.shape, tf.shape(inputs)
    return [*(size[axis] if known[axis] is None else known[axis] for axis in range(3)), self.channels]

  def _fixed(self, inputs):
    # RandomState: NumPy promises that its stream never changes, so the pattern outlives versions.
    tile = np.random.RandomState(self.stream).standard_normal((1, TILE, TILE, self.channels)).astype(np.float32)
    batch, height, width, _ = self._shape(inputs)
    repeated = tf.tile(tile, [batch, -(-height // TILE), -(-width // TILE), 1])
    return repeated[:, :height, :width]

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], input_shape[-1] + self.channels)

  def get_config(self):
    return {**super().get_config(), "channels": self.channels, "noise": self.noise, "stream": self.stream}
