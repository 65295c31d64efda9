"""Halving and doubling of images and feature maps, with gradients of every order, also in half precision and with XLA."""

import tensorflow as tf

FILL_LEVELS = 8  # halvings of `fill_missing`: an image may have one known pixel among 256x256


def halve(images):
  """Means over 2x2 pixels: float [N, H, W, C] -> [N, H / 2, W / 2, C]; H and W are even."""
  return tf.nn.avg_pool2d(images, 2, 2, "VALID")


def double(images):
  """Repeats every pixel 2x2 times: [N, H, W, C] -> [N, 2 H, 2 W, C]. A rearrangement, which mobile runtimes support."""
  return tf.nn.depth_to_space(tf.concat([images] * 4, axis=-1), 2)


def fill_missing(images, known):
  """Gives missing pixels the mean of the known ones in the smallest block around them that has any, smoothly.

  Known pixels are averaged over blocks of 2, 4, 8, ... pixels; from the coarsest level down, a block without a known pixel
  takes what lies above it, enlarged bilinearly. Known pixels stay as they are.

  Args:
    images: float32 [N, H, W, C].
    known: float32 [N, H, W, 1], 1 where the pixel is known, else 0.
  Returns:
    float32 [N, H, W, C]; 0 where no pixel is known in 256x256.
  """
  sums, counts = [images * known], [known]
  for _ in range(FILL_LEVELS):
    sums.append(tf.nn.avg_pool2d(sums[-1], 2, 2, "SAME"))
    counts.append(tf.nn.avg_pool2d(counts[-1], 2, 2, "SAME"))
  means = [each / tf.maximum(count, 1e-12) for each, count in zip(sums, counts)]
  filled = means[-1]
  for level in reversed(range(FILL_LEVELS)):
    above = tf.image.resize(filled, tf.shape(means[level])[1:3])
    filled = tf.where(counts[level] > 0, means[level], above)
  return filled


def pool_by_slices(features):
  """Maximum over whole windows of 2x2, as `max_pool2d` computes it; nearly twice as slow on processors without XLA."""
  features = tf.maximum(features[:, :-1:2], features[:, 1::2])
  return tf.maximum(features[:, :, :-1:2], features[:, :, 1::2])
