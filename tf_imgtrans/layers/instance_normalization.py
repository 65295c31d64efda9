"""Instance normalization in four dimensions."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class InstanceNormalization(OwnDefaults, keras.layers.Layer):
  """Normalises each channel of each image by its own mean and variance: [N, H, W, C] -> [N, H, W, C].

  y = scale * (x - mean) / sqrt(variance + epsilon) + offset, with the biased variance over height and width. The result
  equals TensorFlow Addons' layer of the same name.

  Written with reduce_mean and squared_difference: tf.nn.moments, which the Keras layers call, stops the gradient of
  the mean inside the variance and so has a wrong second derivative; and Keras' GroupNormalization reshapes to five
  dimensions, which runs slowly on phones.

  Args:
    epsilon: float, added to the variance; 1e-3 as in TensorFlow Addons and in DPED's networks.
    center: bool, learn an offset per channel.
    scale: bool, learn a scale per channel.
  """

  def __init__(self, epsilon=1e-3, center=True, scale=True, **kwargs):
    # No autocast of inputs and weights: sums of half-precision squares overflow, so mean, variance and weights stay
    # float32, also inside another layer.
    super().__init__(**{"autocast": False, **kwargs})
    self.epsilon = epsilon
    self.center = center
    self.scale = scale

  def build(self, input_shape):
    channels = (input_shape[-1],)
    options = {"shape": channels, "autocast": False}
    self.gamma = self.add_weight(name="gamma", initializer="ones", **options) if self.scale else None
    self.beta = self.add_weight(name="beta", initializer="zeros", **options) if self.center else None

  def call(self, inputs):
    x = tf.cast(inputs, tf.float32)
    mean = tf.reduce_mean(x, axis=(1, 2), keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=(1, 2), keepdims=True)
    factor = tf.math.rsqrt(variance + self.epsilon)
    if self.scale:
      factor = factor * self.gamma
    shift = mean * factor
    if self.center:
      shift = shift - self.beta
    # One product and one difference over the feature map; subtracting the mean first would need one more pass.
    return tf.cast(x * factor - shift, self.compute_dtype)

  def compute_output_shape(self, input_shape):
    return input_shape

  def get_config(self):
    return {**super().get_config(), "epsilon": self.epsilon, "center": self.center, "scale": self.scale}
