"""Decoded images by number, for tf.data."""

import threading

import tensorflow as tf

from tf_imgtrans.core.images import read_uint8

BUDGET = 2 << 30  # bytes of decoded images kept in memory


class ImageStore:
  """Images by number: uint8 [H, W, 3], decoded once and kept in memory up to the budget.

  The same reader serves training, evaluation and prediction, so orientation, grey and 16-bit images are handled
  equally. Images beyond the budget are decoded at every use.

  Args:
    paths: list of files.
    budget: int, bytes of decoded images to keep.
    prepare: uint8 [H, W, 3] -> uint8 [H', W', 3], applied once to every image that is kept; None for no change.
    read: path -> uint8 [H, W, channels]; for data other than single images, such as the two images of a pair concatenated.
    channels: int, number of channels of `read`.
  """

  def __init__(self, paths, budget=BUDGET, prepare=None, read=read_uint8, channels=3):
    self.paths = list(paths)
    self._prepare, self._read, self._channels = prepare, read, channels
    self._kept, self._free, self._lock = {}, budget, threading.Lock()

  def __len__(self):
    return len(self.paths)

  def read(self, number):
    """The image `number` as a uint8 array [H, W, 3]."""
    number = int(number)
    image = self._kept.get(number)
    if image is None:
      image = self._read(self.paths[number])
      image = self._prepare(image) if self._prepare else image
      with self._lock:  # tf.data reads from several threads
        if number not in self._kept and image.nbytes <= self._free:
          self._kept[number] = image
          self._free -= image.nbytes
    return image

  def tensor(self, number):
    """The image `number`, an integer tensor, as a uint8 tensor [H, W, channels] of unknown size."""
    image = tf.numpy_function(self.read, [number], tf.uint8, stateful=False)
    return tf.ensure_shape(image, [None, None, self._channels])
