"""Dropout as a pure function of a seed."""

import tensorflow as tf

from tf_imgtrans.core.seeds import uniform


def drop_out(features, rate, seed):
  """Sets each value to zero with probability `rate` and scales the others by 1 / (1 - rate), so that the mean is kept.

  A pure function of the seed, with and without XLA, so that a resumed step drops the same values as the uninterrupted one.

  Args:
    features: float tensor of any shape.
    rate: float, from 0 to below 1.
    seed: int pair [2].
  Returns:
    tensor like `features`.
  """
  kept = uniform(tf.shape(features), seed) >= rate
  return tf.where(kept, features / (1 - rate), tf.zeros_like(features))
