"""tf.data pipelines whose every element is a pure function of its number.

There is no iterator state: element i of a run is the same in an uninterrupted and in a resumed run, with any number
of workers.
"""

import math

import tensorflow as tf

from tf_imgtrans.core.replicas import Part
from tf_imgtrans.core.seeds import seed_at, stream_number, uniform


def shuffled(position, count, seed):
  """The image shown at `position` of an endless run: every epoch is its own permutation of 0 .. count - 1.

  Args:
    position: int64 tensor, 0, 1, 2, ...
    count: int, images.
    seed: int.
  Returns:
    int64 tensor.
  """
  epoch = position // count
  pair = tf.cast(tf.stack([seed + stream_number("shuffle"), epoch]), tf.int64)
  return tf.random.experimental.index_shuffle(position % count, seed=pair, max_index=count - 1)


def training_batches(load, count, batch_size, seed, start_step=0, part=Part(), first=0):  # noqa: B008 - frozen
  """An endless dataset of training batches from step `start_step` on.

  Args:
    load: (number, seed pair) -> tensors of one element; random only through the seed.
    count: int, number of images of `load`.
    batch_size: int, of the whole step; divided evenly over the replicas of all workers.
    seed: int, of the run.
    start_step: int.
    part: Part, the part of each batch that this pipeline makes. Batches are divided per replica.
    first: int, elements of the run before step 0 of this dataset.
  Returns:
    tf.data.Dataset.
  Raises:
    ValueError: the batch does not divide evenly.
  """
  replicas = part.workers * part.replicas_per_worker
  if batch_size % replicas:
    raise ValueError(f"batch_size is {batch_size}: expected a multiple of {replicas}, the number of replicas")
  if count < 1:
    raise ValueError("no image to train on")
  per_worker = batch_size // part.workers

  def element(number):
    step, within = number // per_worker, number % per_worker
    position = first + step * batch_size + part.worker * per_worker + within
    return load(shuffled(position, count, seed), seed_at(seed, "element", position))

  return (tf.data.Dataset.counter(start_step * per_worker)
          .map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
          .batch(batch_size // replicas, drop_remainder=True)
          .prefetch(tf.data.AUTOTUNE))


def unit(image):
  """uint8 0..255 -> float32 [0, 1]."""
  return tf.cast(image, tf.float32) / 255.0


def random_crop(images, size, seed):
  """Cuts the same random size x size window out of images [H, W, C] of one height and width."""
  height, width = tf.shape(images[0])[0], tf.shape(images[0])[1]
  with tf.control_dependencies([tf.debugging.assert_greater_equal(tf.minimum(height, width), size)]):
    places = tf.stack([height - size + 1, width - size + 1])
  top, left = tf.unstack(tf.cast(tf.random.stateless_uniform([2], seed) * tf.cast(places, tf.float32), tf.int32))
  return [tf.ensure_shape(image[top:top + size, left:left + size], [size, size, image.shape[-1]])
          for image in images]


def shrunken_window(image, size, smallest, seed):
  """Cuts a random square out of an image and shrinks it to size x size pixels: some are small parts, some nearly all of it.

  Args:
    image: float32 [H, W, C] in [0, 1]; a side below `size` is enlarged.
    size: int, pixels.
    smallest: float in (0, 1], the smallest factor by which a square is shrunk; its logarithm is uniform.
    seed: int pair.
  Returns:
    float32 [size, size, C] in [0, 1].
  """
  place = uniform([3], seed)
  side = tf.minimum(tf.reduce_min(tf.shape(image)[:2]), tf.cast(size * tf.exp(-place[0] * math.log(smallest)), tf.int32))
  free = tf.cast(tf.shape(image)[:2] - side + 1, tf.float32)
  top, left = tf.unstack(tf.cast(place[1:] * free, tf.int32))
  window = tf.image.resize(image[top:top + side, left:left + side], [size, size], "bicubic", antialias=True)
  return tf.clip_by_value(window, 0.0, 1.0)


def random_flip(images, seed):
  """Mirrors all images [H, W, C] left to right, or none of them."""
  mirror = tf.random.stateless_uniform([], seed) < 0.5
  return [tf.cond(mirror, lambda p=image: p[:, ::-1], lambda p=image: p) for image in images]
