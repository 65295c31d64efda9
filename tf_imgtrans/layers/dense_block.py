"""Densely connected block with instance normalization."""

import keras
import tensorflow as tf

from tf_imgtrans.layers.instance_normalization import InstanceNormalization

LEAK = 0.2  # slope of LeakyReLU below zero; not given by the Mux/Demux paper, DPED's discriminator has the same


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class DenseBlock(keras.layers.Layer):
  """Dense layers and a 1x1 transition: [N, H, W, C] -> [N, H, W, channels].

  Each dense layer is 3x3 convolution -> instance normalization -> LeakyReLU 0.2, and its output joins its input
  (DenseNet). The 1x1 convolution then maps all of it to `channels`. The paper puts instance normalization "after
  every 3x3 convolutional layer"; the convolution before it needs no bias.

  Args:
    layers: int, number of dense layers.
    growth: int, channels that each of them adds.
    channels: int, output channels.
    activate: bool, LeakyReLU after the transition; off before the last Mux of a generator.
    seed: int, of the initial weights (He normal).
  """

  def __init__(self, layers, growth, channels, activate=True, seed=0, **kwargs):
    super().__init__(**kwargs)
    self.layers = layers
    self.growth = growth
    self.channels = channels
    self.activate = activate
    self.seed = seed
    self.convolutions = [self._convolution(3, growth, seed + index, use_bias=False, name=f"conv{index + 1}")
                         for index in range(layers)]
    self.norms = [InstanceNormalization(dtype=self.dtype_policy, name=f"norm{index + 1}") for index in range(layers)]
    self.transition = self._convolution(1, channels, seed + layers, use_bias=True, name="transition")

  def _convolution(self, kernel, filters, seed, **kwargs):
    return keras.layers.Conv2D(filters, kernel, padding="same", dtype=self.dtype_policy,
                               kernel_initializer=keras.initializers.HeNormal(seed), **kwargs)

  def build(self, input_shape):
    *space, channels = input_shape
    for convolution, norm in zip(self.convolutions, self.norms):
      convolution.build((*space, channels))
      norm.build((*space, self.growth))
      channels += self.growth
    self.transition.build((*space, channels))

  def call(self, inputs):
    features = inputs
    for convolution, norm in zip(self.convolutions, self.norms):
      new = tf.nn.leaky_relu(norm(convolution(features)), LEAK)
      features = tf.concat([features, new], axis=-1)
    mapped = self.transition(features)
    return tf.nn.leaky_relu(mapped, LEAK) if self.activate else mapped

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.channels)

  def get_config(self):
    return {**super().get_config(), "layers": self.layers, "growth": self.growth, "channels": self.channels,
            "activate": self.activate, "seed": self.seed}
