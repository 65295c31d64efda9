"""Spatial shapes: padding to a multiple and cropping back, for sizes known or unknown at build time."""

import tensorflow as tf


def pad_to_multiple(images, multiple):
  """Reflect-pads [N, H, W, C] at the bottom and on the right to multiples of `multiple`.

  Sizes that are known and already multiples add no operation to the graph.

  Args:
    images: tensor [N, H, W, C], H and W at least `multiple`.
    multiple: int.
  Returns:
    tensor [N, H', W', C], H' and W' the next multiples.
  """
  static = images.shape[1:3]
  if all(size is not None and size % multiple == 0 for size in static):
    return images
  size = tf.shape(images)[1:3]
  extra = [(-(known if known is not None else size[axis])) % multiple for axis, known in enumerate(static)]
  padded = tf.pad(images, [[0, 0], [0, extra[0]], [0, extra[1]], [0, 0]], mode="REFLECT")
  rounded = [None if known is None else known + -known % multiple for known in static]
  return tf.ensure_shape(padded, [images.shape[0], *rounded, images.shape[3]])


def crop_like(images, reference, scale=1):
  """Crops [N, H', W', C] to `scale` times the height and width of `reference`, from the top left corner."""
  height, width = reference.shape[1:3]
  if height is not None and width is not None:
    if tuple(images.shape[1:3]) == (height * scale, width * scale):
      return images
    return images[:, :height * scale, :width * scale]
  size = tf.shape(reference)
  return images[:, :size[1] * scale, :size[2] * scale]


def check_images(images, what="images"):
  """Raises ValueError unless `images` is a batch [N, H, W, 3]."""
  shape = tuple(images.shape)
  if len(shape) != 4 or shape[-1] not in (3, None):
    raise ValueError(f"{what} have shape {shape}: expected [N, height, width, 3], RGB in [0, 1]; "
                     "add the batch axis with images[None]")
