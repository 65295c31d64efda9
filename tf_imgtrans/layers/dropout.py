"""Dropout as a pure function of a seed, or by a pattern that never changes."""

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.seeds import as_seed_pair, fold_in, uniform
from tf_imgtrans.core.shapes import sizes

TILE = 8  # side of the repeated pattern, in values of a feature map


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


def seeded_dropout(rate, seed):
  """Dropout of one pass through a network: a function (features, stream) -> features with some zeros, or None.

  Args:
    rate: float, from 0 to below 1.
    seed: int, int pair or None; streams of the same seed drop by values of their own. Nothing is dropped without one.
  """
  if seed is None or rate == 0:
    return None
  pair = as_seed_pair(seed)
  return lambda features, stream: drop_out(features, rate, fold_in(pair, stream))


def drop_pattern(features, rate, stream):
  """Drops by a pattern of 8x8 values, repeated over the feature maps [N, H, W, C]; it needs no random operation."""
  # RandomState: NumPy promises that its stream never changes, so the pattern outlives versions.
  kept = np.random.RandomState(stream).random_sample((1, TILE, TILE, features.shape[-1])) >= rate
  height, width = sizes(features, (1, 2))
  factors = tf.constant(kept / (1 - rate), features.dtype)
  return features * tf.tile(factors, [1, -(-height // TILE), -(-width // TILE), 1])[:, :height, :width]
