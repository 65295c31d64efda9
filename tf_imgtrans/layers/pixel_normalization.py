"""Normalization of every pixel over its channels."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class PixelNormalization(OwnDefaults, keras.layers.Layer):
  """x / sqrt(mean of x^2 over the channels + epsilon), for each pixel: [N, H, W, C] -> the same.

  Karras et al., "Progressive Growing of GANs", 2018, Sec. 4.2.

  Args:
    epsilon: float; 1e-8 as there.
  """

  def __init__(self, epsilon=1e-8, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})  # squares of half-precision features overflow
    self.epsilon = epsilon

  def call(self, inputs):
    x = tf.cast(inputs, tf.float32)
    normalized = x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + self.epsilon)
    return tf.cast(normalized, self.compute_dtype)

  def compute_output_shape(self, input_shape):
    return input_shape

  def get_config(self):
    return {**super().get_config(), "epsilon": self.epsilon}
