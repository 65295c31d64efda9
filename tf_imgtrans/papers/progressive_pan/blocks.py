"""What generator and discriminator share."""

import tensorflow as tf

LEAK = 0.2  # of every LeakyReLU; StyleGAN


def lerp(old, new, alpha):
  """old + alpha * (new - old): the fade-in of Fig. 3."""
  return old + tf.cast(alpha, old.dtype) * (new - old)


def leaky(features):
  """LeakyReLU 0.2."""
  return tf.nn.leaky_relu(features, LEAK)
