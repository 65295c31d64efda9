"""Blur of lenses and of moving cameras: point spread functions, and the convolution of a photograph with one.

Kernels are float32 [2 r + 1, 2 r + 1], sum to 1, and are symmetric under a turn of 180 degrees, so that a photograph is
not shifted, and convolution and correlation are the same. Angles are in degrees, anticlockwise from the row's direction.
"""

import math

import tensorflow as tf

_FAST = 32  # the transform's sides are multiples of this: a side with a large prime factor takes 2.5 times as long


def gaussian_kernel(sigma_along_px, sigma_across_px, angle_deg, reach):
  """The spread k of a camera's aperture: a Gaussian whose axes are turned by an angle.

  k(u, v) ~ exp(-(u^2 / sigma_along^2 + v^2 / sigma_across^2) / 2), sampled at the pixels, u along the angle and v across
  it. Its variances along and across are the squares of the two deviations, from 0.6 pixels up; below that the sampled
  kernel gets too narrow, and at 0.2 pixels it is the identity.

  Args:
    sigma_along_px, sigma_across_px: float scalars, standard deviations in pixels, 0 and more.
    angle_deg: float scalar.
    reach: int r, pixels from the centre to the edge; at four deviations, less than 0.01 % of the light is cut off.
  Returns:
    float32 [2 r + 1, 2 r + 1].
  """
  angle = tf.cast(angle_deg, tf.float32) * (math.pi / 180)
  offsets = tf.range(-reach, reach + 1, dtype=tf.float32)
  right, up = offsets[None, :], -offsets[:, None]
  along = right * tf.cos(angle) + up * tf.sin(angle)
  across = up * tf.cos(angle) - right * tf.sin(angle)
  # At least the deviation at which the neighbours get exp(-50): zero would give 0 / 0 in the centre.
  along, across = (place / tf.maximum(tf.cast(sigma, tf.float32), 0.1)
                   for place, sigma in ((along, sigma_along_px), (across, sigma_across_px)))
  kernel = tf.exp(-(tf.square(along) + tf.square(across)) / 2)
  return kernel / tf.reduce_sum(kernel)


def motion_kernel(length_px, angle_deg, reach):
  """The blur b of a moving camera: a straight line of even light.

  Points one pixel apart lie on the line around its centre, each distributed bilinearly over its four neighbouring pixels.
  Length 1 is the identity; an odd length L at 0 degrees is a row of L values 1 / L. For any other length, the two outer
  points share the rest, half a point each for an even length, so that the centre stays a pixel.

  Args:
    length_px: float scalar, 1 to 2 r + 1; values outside are clipped.
    angle_deg: float scalar.
    reach: int r, pixels from the centre to the edge.
  Returns:
    float32 [2 r + 1, 2 r + 1].
  """
  angle = tf.cast(angle_deg, tf.float32) * (math.pi / 180)
  length = tf.clip_by_value(tf.cast(length_px, tf.float32), 1.0, 2.0 * reach + 1)
  points = tf.range(-reach, reach + 1, dtype=tf.float32)
  light = tf.clip_by_value((length + 1) / 2 - tf.abs(points), 0.0, 1.0)
  rows, columns = (tf.maximum(1 - tf.abs(points[:, None] - middle[None, :]), 0.0)
                   for middle in (-points * tf.sin(angle), points * tf.cos(angle)))
  kernel = tf.einsum("yi,xi,i->yx", rows, columns, light)
  return kernel / tf.reduce_sum(kernel)


def combined_kernel(first, second):
  """The kernel of two successive blurs, k * b: [2 r + 1, 2 r + 1] and [2 q + 1, 2 q + 1] -> 2 (r + q) + 1 wide."""
  reach = second.shape[0] - 1
  first = tf.pad(first, [[reach, reach], [reach, reach]])
  return tf.nn.conv2d(first[None, :, :, None], second[:, :, None, None], strides=1, padding="VALID")[0, :, :, 0]


def convolved(image, kernel):
  """Convolves a photograph with a kernel, x * k: same size, mirrored at the border.

  Uses the Fourier transform, whose time does not depend on the kernel: 1024x1024 pixels take about 0.04 s on two cores. The
  image is continued as ... b a | a b c ... y z | z y ..., for any size, and repeatedly for large kernels.

  Args:
    image: float32 [H, W, C], H and W known or not.
    kernel: float32 [2 r + 1, 2 r + 1] of known size, symmetric under a turn of 180 degrees.
  Returns:
    float32 [H, W, C]; values may leave the image's range by the rounding of the transform, 1e-6.
  """
  reach = kernel.shape[0] // 2
  padded, sides = image, []
  for axis in (0, 1):
    length = image.shape[axis] or tf.shape(image)[axis]
    places = tf.range(-reach, length + reach) % (2 * length)
    padded = tf.gather(padded, tf.minimum(places, 2 * length - 1 - places), axis=axis)
    sides.append(-(-(length + 2 * reach) // _FAST) * _FAST)
  spectrum = tf.signal.rfft2d(tf.transpose(padded, [2, 0, 1]), sides) * tf.signal.rfft2d(kernel[None], sides)
  full = tf.transpose(tf.signal.irfft2d(spectrum, sides), [1, 2, 0])
  # The first 2 r rows and columns hold values that wrapped around the transform's border.
  height, width = (image.shape[axis] or tf.shape(image)[axis] for axis in (0, 1))
  return tf.ensure_shape(full[2 * reach:2 * reach + height, 2 * reach:2 * reach + width], image.shape)
