"""Edge maps of photographs, in whole numbers.

Edges are found on the grey levels 0..255 of an 8-bit image. Every step is exact in integers, so that a map has the same
bits in eager mode, in a graph and under XLA.
"""

import tensorflow as tf

from tf_imgtrans.core.names import unknown_name

OPERATORS = ("sobel", "canny")

# Thresholds of Canny's operator on the length of the Sobel gradient, in grey levels: it is 4 times the step of a sharp
# edge, so that a step of 25 levels starts an edge. X-GANs names the operator (Sec. 4) but no thresholds; these are ours.
CANNY_LOW, CANNY_HIGH = 50, 100

_LUMA = (9798, 19235, 3735)  # 0.299, 0.587 and 0.114 of BT.601 in 2 ** -15
_TAN_22_5 = 13573  # tan(22.5 degrees) in 2 ** -15


def edge_strength(image, operator="sobel"):
  """Strength of the edge at every pixel.

  Args:
    image: float [H, W, 3] in [0, 1], any size; rounded to 8 bits first.
    operator: "sobel" for the length of the gradient, or "canny" for 1 on edges and 0 elsewhere.
  Returns:
    float32 [H, W]: 0 to 1443 for Sobel, in grey levels times the operator's sum of weights, 4.
  Raises:
    ValueError: an unknown operator, with the closest one.
  """
  if operator not in OPERATORS:
    raise unknown_name("operator", operator, OPERATORS)
  grey = grey_levels(image)
  if operator == "canny":
    return tf.cast(canny(grey), tf.float32)
  across, down = sobel(grey)
  return tf.sqrt(tf.cast(across * across + down * down, tf.float32))


def grey_levels(image):
  """Luma of BT.601, rounded: float [H, W, 3] in [0, 1] -> int32 [H, W], 0 to 255."""
  red, green, blue = tf.unstack(tf.cast(tf.round(tf.cast(image, tf.float32) * 255.0), tf.int32), axis=-1)
  return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue + (1 << 14)) // (1 << 15)


def sobel(grey):
  """Sobel's 3x3 gradients, the border repeated: int32 [H, W] -> (across, down), int32 [H, W]."""
  padded = tf.pad(grey, [[1, 1], [1, 1]], mode="SYMMETRIC")
  smooth = padded[:-2] + 2 * padded[1:-1] + padded[2:]
  step = padded[2:] - padded[:-2]
  return smooth[:, 2:] - smooth[:, :-2], step[:, :-2] + 2 * step[:, 1:-1] + step[:, 2:]


def canny(grey, low=CANNY_LOW, high=CANNY_HIGH):
  """Canny's edges, one pixel wide.

  The steps, and the pixels on real photographs, are those of OpenCV: `Canny(GaussianBlur(grey, (5, 5), 0), low, high,
  L2gradient=True)`. A Gaussian of variance 1 (the binomial 1 4 6 4 1 in both directions), rounded; Sobel's gradient;
  a pixel stays where its gradient is the longest of three along the nearest of four directions; what exceeds `high`
  is an edge, and so is what exceeds `low` and is 8-connected to such a pixel.

  Args:
    grey: int32 [H, W], levels 0 to 255.
    low, high: int, thresholds on the length of the gradient (0 to 1443).
  Returns:
    bool [H, W].
  """
  across, down = sobel(_blur(grey))
  squared = across * across + down * down
  weak = _ridge(across, down, squared) & (squared > low * low)
  return _connected(weak, weak & (squared > high * high))


def _blur(grey):
  """Binomial Gaussian of 5x5, rounded to whole levels; the border is mirrored without repeating its last pixel."""
  for axis in (0, 1):
    last = tf.shape(grey)[axis] - 1
    places = last - tf.abs(last - tf.abs(tf.range(-2, last + 3)))
    grey = tf.gather(grey, tf.clip_by_value(places, 0, last), axis=axis)  # clipped for sides below 3
  grey = grey[:-4] + grey[4:] + 4 * (grey[1:-3] + grey[3:-1]) + 6 * grey[2:-2]
  grey = grey[:, :-4] + grey[:, 4:] + 4 * (grey[:, 1:-3] + grey[:, 3:-1]) + 6 * grey[:, 2:-2]
  return (grey + 128) // 256


def _ridge(across, down, squared):
  """Where the gradient is longest along its own direction, rounded to 45 degrees: bool [H, W]."""
  padded = tf.pad(squared, [[1, 1], [1, 1]])
  height, width = tf.unstack(tf.shape(squared))

  def near(row, column):
    return padded[1 + row:1 + row + height, 1 + column:1 + column + width]

  # Of two equal neighbours one is kept: > on one side, >= on the other, as in OpenCV.
  horizontal = (squared > near(0, -1)) & (squared >= near(0, 1))
  vertical = (squared > near(-1, 0)) & (squared >= near(1, 0))
  falling = (squared > near(-1, -1)) & (squared > near(1, 1))
  rising = (squared > near(-1, 1)) & (squared > near(1, -1))
  width_of, height_of = tf.abs(across), tf.abs(down)
  flat = height_of * (1 << 15) < width_of * _TAN_22_5
  steep = height_of * (1 << 15) > width_of * (_TAN_22_5 + (1 << 16))  # tan 67.5 = tan 22.5 + 2
  opposite = tf.bitwise.bitwise_xor(across, down) < 0
  return tf.where(flat, horizontal, tf.where(steep, vertical, tf.where(opposite, rising, falling)))


def _connected(weak, strong):
  """Strong pixels, and weak pixels that are connected to one through weak pixels."""
  def grow(edges, _):
    grown = edges
    for _ in range(4):  # several steps between two checks for changes
      grown = _dilate(grown) & weak
    return grown, tf.reduce_any(grown != edges)

  edges, _ = tf.while_loop(lambda edges, growing: growing, grow, (strong, tf.constant(True)))
  return edges


def _dilate(edges):
  """Sets the 8 neighbours of every set pixel: bool [H, W]."""
  rows = tf.pad(edges, [[1, 1], [0, 0]])
  edges = rows[:-2] | rows[1:-1] | rows[2:]
  columns = tf.pad(edges, [[0, 0], [1, 1]])
  return columns[:, :-2] | columns[:, 1:-1] | columns[:, 2:]
