"""How much the images of a batch differ, as an extra channel."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.shapes import sizes
from tf_imgtrans.core.tensors import copies


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class MinibatchStddev(OwnDefaults, keras.layers.Layer):
  """Appends the standard deviation of the features over groups of images: [N, H, W, C] -> [N, H, W, C + 1].

  Over the images of a group, the deviation sqrt(mean((x - mean)^2) + 1e-8) of every feature at every position; its mean
  over positions and channels is one value per group, which fills the extra channel of all its images. It shows a
  discriminator whether a generator makes images that are too similar (Karras et al., "Progressive Growing of GANs", 2018,
  Sec. 3).

  Images i, i + N / group, i + 2 N / group ... form a group, as in StyleGAN. If the group does not divide the batch, the
  largest smaller divisor is used. On several devices, each compares the images that it holds.

  Args:
    group: int, images in a group; 4 as in StyleGAN.
  """

  def __init__(self, group=4, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})  # squares of half-precision features overflow
    if group < 1:
      raise ValueError(f"group is {group}: expected at least 1 image")
    self.group = group

  def call(self, inputs):
    features = tf.cast(inputs, tf.float32)
    batch, height, width = sizes(features, range(3))
    if features.shape[0] is None:
      candidates = tf.range(1, self.group + 1)
      group = tf.reduce_max(tf.where(batch % candidates == 0, candidates, 1))
    else:
      group = max(size for size in range(1, self.group + 1) if batch % size == 0)
    groups = tf.reshape(features, [group, batch // group, -1])
    each, for_mean = copies(groups, 2)  # gradients of gradients are sums of three here
    differences = tf.math.squared_difference(each, tf.reduce_mean(for_mean, axis=0, keepdims=True))
    deviation = tf.sqrt(tf.reduce_mean(differences, axis=0) + 1e-8)
    number = tf.reduce_mean(deviation, axis=1)  # one for each group
    channel = tf.reshape(tf.tile(number, [group]), [batch, 1, 1, 1])
    appended = tf.concat([features, tf.tile(channel, [1, height, width, 1])], axis=-1)
    return tf.cast(appended, self.compute_dtype)

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], input_shape[-1] + 1)

  def get_config(self):
    return {**super().get_config(), "group": self.group}
