"""Spatial shapes: padding to a multiple and cropping back, for sizes known or unknown at build time."""

import tensorflow as tf


def sizes(tensor, axes):
  """Sizes of some axes: list of int where they are known when a graph is built, else of integer tensors."""
  known, seen = tensor.shape, tf.shape(tensor)
  return [seen[axis] if known[axis] is None else known[axis] for axis in axes]


def pad_to_multiple(images, multiple, least=0):
  """Reflect-pads [N, H, W, C] at the bottom and on the right to multiples of `multiple`.

  If a side is shorter than the padding, the reflection is repeated. Sizes that are known and already multiples add no
  operation to the graph.

  Args:
    images: tensor [N, H, W, C].
    multiple: int.
    least: int, a multiple of `multiple`; no side becomes shorter.
  Returns:
    tensor [N, H', W', C], H' and W' the next multiples from `least` on.
  """
  for axis in (1, 2):
    size = images.shape[axis]
    lacking = None if size is None else max(size + -size % multiple, least) - size
    if lacking is None or lacking >= size:
      images = _folded(images, axis, multiple, least)
    elif lacking:
      paddings = [[0, 0] for _ in range(4)]
      paddings[axis][1] = lacking
      images = tf.pad(images, paddings, mode="REFLECT")
  return images


def _folded(images, axis, multiple, least):
  """Pads one axis by gathering mirrored positions: a converter loses the number of channels after a tf.pad of unknown
  paddings, and tf.pad cannot reflect as many pixels as the side has.
  """
  size = images.shape[axis]
  last = (tf.shape(images)[axis] if size is None else size) - 1
  padded = -(-(last + 1) // multiple) * multiple
  if least > multiple:  # else it is one already
    padded = tf.maximum(padded, least)
  period = tf.maximum(2 * last, 1)  # a single pixel is repeated
  return tf.gather(images, last - tf.abs(last - tf.range(padded) % period), axis=axis)


def mirror_border(images, border):
  """Reflects [N, H, W, C] beyond all four sides; where a side is shorter, the reflection is repeated.

  Args:
    images: tensor [N, H, W, C].
    border: int, pixels on each side.
  Returns:
    tensor [N, H + 2 border, W + 2 border, C].
  """
  paddings = [[0, 0] for _ in range(4)]
  for axis in (1, 2):
    size = images.shape[axis]
    if size is None or size <= border:
      last = (tf.shape(images)[axis] if size is None else size) - 1
      places = tf.range(-border, last + 1 + border) % tf.maximum(2 * last, 1)
      images = tf.gather(images, last - tf.abs(last - places), axis=axis)
    else:
      paddings[axis] = [border, border]
  return tf.pad(images, paddings, mode="REFLECT") if any(map(any, paddings)) else images


def crop_like(images, reference, scale=1):
  """Crops [N, H', W', C] to `scale` times the height and width of `reference`, from the top left corner."""
  height, width = reference.shape[1:3]
  if height is not None and width is not None:
    if tuple(images.shape[1:3]) == (height * scale, width * scale):
      return images
    return images[:, :height * scale, :width * scale]
  size = tf.shape(reference)
  return images[:, :size[1] * scale, :size[2] * scale]


def fixed_size(images, size, reason):
  """Images [N, size, size, 3] whose sides are known, for a network that takes no others.

  Raises:
    ValueError: a side that is known, and another one; `reason` ends the message.
  """
  sides = tuple(images.shape[1:3])
  if any(side not in (None, size) for side in sides):
    height, width = ("any" if side is None else side for side in sides)
    raise ValueError(f"images are {height} high and {width} wide: expected {size} and {size}, {reason}")
  # Where the size is known, nothing is added to the graph.
  return tf.ensure_shape(images, (None, size, size, 3)) if None in sides else images


def check_images(images, what="images", smallest=1, network="generator", advice="enlarge the image"):
  """Raises ValueError unless `images` is a floating-point batch [N, H, W, 3] of sides that a network takes.

  Args:
    images: tensor or array; sides that are unknown when a graph is built are taken for legal.
    what: str, names the images.
    smallest: int, pixels of the shortest legal side.
    network: str, names what takes the images.
    advice: str, what to do about images that are too small.
  """
  shape = tuple(images.shape)
  if len(shape) != 4 or shape[-1] not in (3, None):
    raise ValueError(f"{what} have shape {shape}: expected [N, height, width, 3], RGB in [0, 1]; "
                     "add the batch axis with images[None]")
  dtype = tf.as_dtype(images.dtype)
  if not dtype.is_floating:
    raise ValueError(f"{what} have dtype {dtype.name}: expected floating point in [0, 1]; divide by 255 if 0..255")
  for name, size in zip(("height", "width"), shape[1:3]):
    if size is not None and size < smallest:
      raise ValueError(f"{name} is {size}: the {network} needs at least {smallest} pixel{'s' * (smallest > 1)}; {advice}")
