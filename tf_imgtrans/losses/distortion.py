"""Losses on pixels."""

import functools

import numpy as np
import tensorflow as tf
from scipy import stats

from tf_imgtrans.core.color import LUMA_BT601
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.tensors import as_float32, check_same_shape

NORMS = {"l2": tf.square, "l1": tf.abs}


def l1(y_true, y_pred):
  """Mean absolute difference.

  Args:
    y_true, y_pred: float [N, H, W, C], one shape.
  Returns:
    float32 scalar.
  """
  y_true, y_pred = as_float32(y_true, y_pred)
  check_same_shape(y_true, y_pred)
  return tf.reduce_mean(tf.abs(y_true - y_pred))


def weighted_l1(y_true, y_pred):
  """L1 distance per colour channel, weighted as luma: 0.299 |R| + 0.587 |G| + 0.114 |B|.

  Mux/Demux paper, Eq. 2, with each norm taken as a mean over pixels and images: as a sum, its weight of 5000 would
  dominate all other terms.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar, 0 for equal images, 1 for black against white.
  """
  y_true, y_pred = as_float32(y_true, y_pred)
  check_same_shape(y_true, y_pred)
  return tf.tensordot(tf.reduce_mean(tf.abs(y_true - y_pred), axis=(0, 1, 2)), tf.constant(LUMA_BT601), 1)


def squared_error(y_true, y_pred):
  """Mean squared difference.

  Args:
    y_true, y_pred: float [N, H, W, C] in [0, 1].
  Returns:
    float32 scalar, 0 for equal images, 1 for black against white.
  """
  y_true, y_pred = as_float32(y_true, y_pred)
  check_same_shape(y_true, y_pred)
  return tf.reduce_mean(tf.math.squared_difference(y_true, y_pred))


def color(y_true, y_pred):
  """Squared distance of blurred images: it measures colour, not texture.

  Mux/Demux paper, Eq. 8. The sum over pixels and channels is halved and averaged over images, and the blur is a 21x21
  kernel, both as in DPED's code.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar: a sum over pixels, so it grows with the image.
  """
  y_true, y_pred = as_float32(y_true, y_pred)
  check_same_shape(y_true, y_pred)
  blurred = gaussian_blur(y_true - y_pred)  # the blur is linear: one pass instead of two
  return tf.reduce_mean(tf.reduce_sum(tf.square(blurred), axis=(1, 2, 3))) / 2


def total_variation(y_pred):
  """Mean squared difference of vertical neighbours plus that of horizontal ones.

  Mux/Demux paper, Eq. 9, which adds both gradients inside one norm; here they are two squared terms, each divided by
  its own count, as in DPED's code.

  Args:
    y_pred: float [N, H, W, C] in [0, 1], H and W at least 2.
  Returns:
    float32 scalar.
  """
  y_pred = as_float32(y_pred)
  if any(size is not None and size < 2 for size in y_pred.shape[1:3]):
    raise ValueError(f"y_pred has shape {y_pred.shape}: total variation needs a height and a width of at least 2")
  vertical = y_pred[:, 1:] - y_pred[:, :-1]
  horizontal = y_pred[:, :, 1:] - y_pred[:, :, :-1]
  return tf.reduce_mean(tf.square(vertical)) + tf.reduce_mean(tf.square(horizontal))


def corresponding_point(source, y_pred, mask, norm="l2"):
  """Distance to the source at its known pixels alone: mean over them of (s - G(s))^2, or of |s - G(s)|.

  X-GANs paper, Eq. 6, |s - Mask(G(s), s)|_2^2, with the norm taken as a mean over the known pixels of an image and their
  channels: so the loss does not depend on the number of points. Averaged over images; an image without known pixels adds 0.

  Args:
    source: float [N, H, W, 3] in [0, 1], the corrupted images; any finite values where the mask is 0.
    y_pred: float [N, H, W, 3] in [0, 1].
    mask: float [N, H, W, 1], 1 where the source pixel was kept, 0 where it is missing.
    norm: str, "l2" for squares, "l1" for absolute values (Fig. 12).
  Returns:
    float32 scalar.
  """
  if norm not in NORMS:
    raise unknown_name("norm", norm, NORMS)
  source, y_pred, mask = as_float32(source, y_pred, mask)
  check_same_shape(source, y_pred)
  if not mask.shape.is_compatible_with([*source.shape[:3], 1]):
    raise ValueError(f"mask has shape {mask.shape}: expected {(*source.shape[:3], 1)}, one value per pixel")
  differences = tf.reduce_mean(NORMS[norm](source - y_pred), axis=-1, keepdims=True)
  known = tf.reduce_sum(mask, axis=(1, 2, 3))
  return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(mask * differences, axis=(1, 2, 3)), known))


@functools.cache
def blur_taps():
  """The 21 taps of DPED's blur along one axis, float64, summing to 1.

  DPED cuts a standard normal between -(3 + 1/6) and 3 + 1/6 into 21 equal bins, takes the square root of the product
  of two bin probabilities as the 21x21 kernel and divides by its sum. That kernel is the product of these taps, whose
  standard deviation is 4.337 pixels (the root widens it).
  """
  edges = np.linspace(-(3 + 1 / 6), 3 + 1 / 6, 22)
  roots = np.sqrt(np.diff(stats.norm.cdf(edges)))
  return roots / roots.sum()


def gaussian_blur(images):
  """DPED's blur, zero beyond the border: float [N, H, W, C] -> float32 of the same shape."""
  taps = blur_taps().astype(np.float32)
  channels = images.shape[-1]
  for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):  # columns, then rows: 42 products a pixel instead of 441
    kernel = np.tile(taps.reshape(shape), (1, 1, channels, 1))
    images = tf.nn.depthwise_conv2d(images, kernel, strides=(1, 1, 1, 1), padding="SAME")
  return images
