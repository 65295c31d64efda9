"""Noise added to feature maps, with a learned strength per channel."""

import keras

from tf_imgtrans.layers.noise import NoisyLayer


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class NoiseInjection(NoisyLayer):
  """y_i + w_i * noise: [N, H, W, C] -> the same, where the noise is one N(0, 1) map for all channels of an image.

  The progressive paper's Eq. 5, which is StyleGAN's: each channel learns its strength w_i, initially 0. The mode
  determines the noise at inference: "random" a new draw at every call, "fixed" always the same pattern, "off" none, in
  training too; see `layers.noise.NoisyLayer`.

  Args:
    noise: str, one of "random", "fixed", "off".
    stream: int, distinguishes the noise layers of one network, so that they draw different numbers from one seed.
  """

  def __init__(self, noise="fixed", stream=0, **kwargs):
    super().__init__(noise, stream, **kwargs)

  def build(self, input_shape):
    self.strength = self.add_weight(name="strength", shape=(input_shape[-1],), initializer="zeros")

  def call(self, inputs, noise_seed=None, training=False):
    """Args: noise_seed: int or int pair [2], optional; with it the noise is a pure function of seed and shape."""
    if self.noise == "off":
      return inputs
    return inputs + self.strength * self.drawn(inputs, 1, noise_seed, training)

  def compute_output_shape(self, input_shape):
    return input_shape
