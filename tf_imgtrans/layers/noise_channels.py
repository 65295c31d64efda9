"""Noise as extra input channels."""

import keras
import tensorflow as tf

from tf_imgtrans.layers.noise import NoisyLayer


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class NoiseChannels(NoisyLayer):
  """Appends channels of N(0, 1) noise: [N, H, W, C] -> [N, H, W, C + channels].

  The mode sets what is appended at inference: "random" a new draw at every call, "fixed" always the same pattern, "off"
  zeros; see `layers.noise.NoisyLayer`.

  Args:
    channels: int, number of noise channels, at least 1.
    noise: str, one of "random", "fixed", "off".
    stream: int, distinguishes the noise layers of one network, so that they draw different numbers from one seed.
  """

  def __init__(self, channels=1, noise="fixed", stream=0, **kwargs):
    super().__init__(noise, stream, **kwargs)
    if channels < 1:
      raise ValueError(f"channels is {channels}: expected at least 1 noise channel")
    self.channels = channels

  def call(self, inputs, noise_seed=None, training=False):
    """Args: noise_seed: int or int pair [2], optional; with it the noise is a pure function of seed and shape."""
    return tf.concat([inputs, self.drawn(inputs, self.channels, noise_seed, training)], axis=-1)

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], input_shape[-1] + self.channels)

  def get_config(self):
    return {**super().get_config(), "channels": self.channels}
