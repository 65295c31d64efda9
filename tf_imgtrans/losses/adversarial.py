"""Adversarial losses, in pairs, on logits."""

import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32


def discriminator_log_loss(real_logits, fake_logits):
  """Log loss of the discriminator: real images towards 1, fakes towards 0.

  -mean(log D(real)) - mean(log(1 - D(fake))) with D = sigmoid(logits). Written on logits, so that confident scores
  keep a finite gradient.

  Args:
    real_logits: float [N, ...], any patch shape.
    fake_logits: float [N, ...], same shape as real_logits.
  Returns:
    float32 scalar, mean over scores.
  """
  real_logits, fake_logits = as_float32(real_logits, fake_logits)
  return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def generator_log_loss(fake_logits):
  """Log loss of the generator, non-saturating: -mean(log D(fake)) with D = sigmoid(logits).

  The Mux/Demux paper's Eq. 1 is its sum over the samples of a batch.

  Args:
    fake_logits: float [N, ...], any patch shape.
  Returns:
    float32 scalar, mean over scores.
  """
  return tf.reduce_mean(tf.nn.softplus(-as_float32(fake_logits)))
