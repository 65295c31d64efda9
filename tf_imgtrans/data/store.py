"""Decoded pictures by number, for tf.data."""

import threading

import tensorflow as tf

from tf_imgtrans.core.images import read_uint8

BUDGET = 2 << 30  # bytes of decoded pictures kept in memory


class ImageStore:
  """Pictures by number: uint8 [H, W, 3], decoded once and kept while they fit the budget.

  The same reader serves training, evaluation and prediction, so orientation, grey and 16-bit pictures mean the same
  everywhere. Pictures beyond the budget are decoded at every use.

  Args:
    paths: list of files.
    budget: int, bytes of decoded pictures to keep.
    prepare: uint8 [H, W, 3] -> uint8 [H', W', 3], done once to every picture that is kept; None for nothing.
    read: path -> uint8 [H, W, channels]; of what is no single picture, such as the two of a pair behind each other.
    channels: int, that `read` gives.
  """

  def __init__(self, paths, budget=BUDGET, prepare=None, read=read_uint8, channels=3):
    self.paths = list(paths)
    self._prepare, self._read, self._channels = prepare, read, channels
    self._kept, self._free, self._lock = {}, budget, threading.Lock()

  def __len__(self):
    return len(self.paths)

  def read(self, number):
    """The picture `number` as a uint8 array [H, W, 3]."""
    number = int(number)
    picture = self._kept.get(number)
    if picture is None:
      picture = self._read(self.paths[number])
      picture = self._prepare(picture) if self._prepare else picture
      with self._lock:  # tf.data reads from several threads
        if number not in self._kept and picture.nbytes <= self._free:
          self._kept[number] = picture
          self._free -= picture.nbytes
    return picture

  def tensor(self, number):
    """The picture `number`, an integer tensor, as a uint8 tensor [H, W, channels] of unknown size."""
    picture = tf.numpy_function(self.read, [number], tf.uint8, stateful=False)
    return tf.ensure_shape(picture, [None, None, self._channels])
