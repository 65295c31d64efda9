"""Halving and doubling of images and feature maps, with gradients of every order, also in half precision and with XLA."""

import tensorflow as tf

FILL_SMOOTHINGS = 4  # means over neighbours at each level of `fill_missing`
FILL_LEVELS = 8  # halvings of `fill_missing`: an image may have one known pixel among 256x256


def halve(images):
  """Means over 2x2 pixels: float [N, H, W, C] -> [N, H / 2, W / 2, C]; H and W are even."""
  return tf.nn.avg_pool2d(images, 2, 2, "VALID")


def double(images):
  """Repeats every pixel 2x2 times: [N, H, W, C] -> [N, 2 H, 2 W, C]. A rearrangement, which mobile runtimes support."""
  return tf.nn.depth_to_space(tf.concat([images] * 4, axis=-1), 2)


def fill_missing(images, known):
  """Fills missing pixels from the known ones around them, smoothly.

  Known pixels are averaged over blocks of 2, 4, 8, ... pixels. From the coarsest level down, a block without a known pixel
  takes what lies above it, enlarged bilinearly, and then, four times, the mean over the 3x3 blocks around it: steps towards
  the solution of the heat equation between known pixels. Known pixels stay as they are.

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
  for mean, count in zip(means[-2::-1], counts[-2::-1]):
    filled = tf.where(count > 0, mean, tf.image.resize(filled, tf.shape(mean)[1:3]))
    for _ in range(FILL_SMOOTHINGS):  # "SAME" means leave out what lies beyond the border
      filled = tf.where(count > 0, mean, tf.nn.avg_pool2d(filled, 3, 1, "SAME"))
  return filled


def pool_by_slices(features):
  """Maximum over whole windows of 2x2, as `max_pool2d` computes it; nearly twice as slow on processors without XLA."""
  features = tf.maximum(features[:, :-1:2], features[:, 1::2])
  return tf.maximum(features[:, :, :-1:2], features[:, :, 1::2])
