"""Stateless seeds: the same seed and position give the same random numbers, independent of what ran before.

A training step draws from (seed, stream, step), a data element from (seed, stream, index), so that a run that
is resumed at step n draws what the uninterrupted run drew there.
"""

import zlib

import tensorflow as tf

ALGORITHM = "philox"  # explicit, as the automatic choice differs with and without XLA


def stream_number(name):
  """A number for a named random stream, the same on every machine and in every version: crc32 of the name."""
  return zlib.crc32(name.encode()) & 0x7FFFFFFF


def seed_at(seed, stream, position):
  """Seed pair for stateless random operations.

  Args:
    seed: int, the run's seed, or an integer tensor.
    stream: str, what is drawn ("noise", "crop", ...): streams do not share numbers.
    position: int or integer tensor, the step or the element.
  Returns:
    int32 tensor [2].
  """
  pair = tf.stack([tf.cast(seed, tf.int32), tf.constant(stream_number(stream), tf.int32)])
  return fold_in(pair, position)


def fold_in(seed, number):
  """A new seed pair from a seed pair [2] and a number, by the same algorithm with and without XLA."""
  return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32), alg=ALGORITHM)


def uniform(shape, seed):
  """Uniform random numbers in (0, 1), float32, from a seed pair [2].

  Computed from random integers, which are the same with and without XLA, unlike the numbers of `stateless_uniform` and
  `stateless_normal`.
  """
  bits = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg=ALGORITHM)
  return (tf.cast(tf.bitwise.right_shift(bits, tf.constant(9, tf.uint32)), tf.float32) + 0.5) * 2.0 ** -23


def normal(shape, seed):
  """N(0, 1) random numbers, float32, from a seed pair [2]; the same with and without XLA up to rounding."""
  return tf.math.ndtri(uniform(shape, seed))


def as_seed_pair(seed):
  """An int, or an integer pair, as the int32 pair [2] that stateless operations take."""
  seed = tf.cast(tf.convert_to_tensor(seed), tf.int32)
  if seed.shape.rank == 0:
    return tf.stack([seed, 0])
  if seed.shape != (2,):
    raise ValueError(f"seed has shape {tuple(seed.shape)}: expected an integer or a pair of integers")
  return seed
