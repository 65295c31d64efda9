"""Small helpers on tensors."""

import tensorflow as tf


def as_float32(*tensors):
  """Casts every tensor to float32; returns one tensor for one argument, else a list.

  Losses call it first: half-precision network outputs are summed in float32.
  """
  cast = [tf.cast(tensor, tf.float32) for tensor in tensors]
  return cast[0] if len(cast) == 1 else cast
