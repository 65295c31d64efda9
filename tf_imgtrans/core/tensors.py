"""Small helpers on tensors."""

import tensorflow as tf


def as_float32(*tensors):
  """Casts every tensor to float32; returns one tensor for one argument, else a list.

  Losses call it first: half-precision network outputs are summed in float32.
  """
  cast = [tf.cast(tensor, tf.float32) for tensor in tensors]
  return cast[0] if len(cast) == 1 else cast


def check_same_shape(y_true, y_pred):
  """Raises ValueError when two tensors cannot have the same shape: subtraction would broadcast them silently.

  Unknown sizes are assumed to be equal.
  """
  if not y_true.shape.is_compatible_with(y_pred.shape):
    raise ValueError(f"shapes differ: {y_true.shape} and {y_pred.shape}; expected equal shapes, so that each value has a "
                     "partner")


def unit_tanh(features, clip):
  """The output of DPED's networks: 0.58 * tanh + 0.5 in float32, from -0.08 to 1.08; `clip` cuts it to [0, 1]."""
  images = 0.58 * tf.tanh(tf.cast(features, tf.float32)) + 0.5
  return tf.clip_by_value(images, 0.0, 1.0) if clip else images


def to_signed(images, dtype):
  """Images in [0, 1] as values in [-1, 1] of a network's dtype."""
  return tf.cast(2 * images - 1, dtype)


def signed_tanh(features):
  """The last layer of networks that work in [-1, 1]: (tanh + 1) / 2 in float32, in [0, 1]."""
  return (tf.tanh(tf.cast(features, tf.float32)) + 1) / 2


def copies(features, count, training=True):
  """`count` copies of a feature map, whose gradients are summed in a fixed order.

  TensorFlow's own sum of three or more gradients adds them in the order in which their memory becomes free, so that two
  runs would differ in the last digit. At inference the feature map itself is returned, so that exported graphs hold no
  extra operation.
  """
  if not training:
    return [features] * count

  @tf.custom_gradient
  def split(values):
    return [tf.identity(values) for _ in range(count)], lambda *gradients: tf.reduce_sum(tf.stack(gradients), axis=0)

  return split(features)
