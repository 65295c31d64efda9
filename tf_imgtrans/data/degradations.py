"""Degradations of clean photographs, as pure functions of image and seed."""

import tensorflow as tf

from tf_imgtrans.core.seeds import as_seed_pair

GAMMA = 2.2  # display gamma, between stored values and light


def phone_camera(image, seed, exposure=(-1.1, -0.5), red_gain=(1.04, 1.16), blue_gain=(0.78, 0.90),
                 contrast=(0.75, 0.88), blur=(0.5, 1.0), noise=(0.006, 0.02), jpeg_quality=(60, 90)):
  """Makes a photograph look as if an old phone had taken it.

  In this order: light = image ** 2.2, times 2 ** exposure and the white balance gains, clipped at 1; Gaussian blur of
  the optics; sensor noise; back through the gamma; contrast lowered about mid grey; JPEG. Each amount is drawn
  uniformly from its range. The defaults are a dark, warm, flat and slightly soft picture, of the kind that DPED's
  iPhone 3GS takes beside a DSLR; they are ours.

  Args:
    image: float [H, W, 3] in [0, 1], H and W at least 4.
    seed: int or int pair [2]; the same seed gives the same picture.
    exposure: range of stops (factors of two in light).
    red_gain, blue_gain: ranges of the white balance gains, green being 1.
    contrast: range of the factor on the distance from 0.5.
    blur: range of the Gaussian's standard deviation in pixels.
    noise: range of the standard deviation of N(0, 1) sensor noise in light at full scale; it falls with the root of
      the light down to a tenth.
    jpeg_quality: range of qualities, 1 to 100.
  Returns:
    float32 [H, W, 3] in [0, 1].
  """
  seeds = tf.unstack(tf.random.experimental.stateless_split(as_seed_pair(seed), 8))
  ranges = (exposure, red_gain, blue_gain, contrast, blur, noise)
  stops, red, blue, flat, sigma, grain = (_uniform(limits, key) for limits, key in zip(ranges, seeds))
  light = tf.cast(image, tf.float32) ** GAMMA * 2.0 ** stops * tf.stack([red, 1.0, blue])
  light = _blur(tf.minimum(light, 1.0), sigma)
  strength = grain * tf.sqrt(tf.maximum(light, 0.01))
  light += strength * tf.random.stateless_normal(tf.shape(light), seeds[6])
  stored = 0.5 + flat * (tf.maximum(light, 0.0) ** (1 / GAMMA) - 0.5)
  quality = tf.cast(tf.round(_uniform(jpeg_quality, seeds[7])), tf.int32)
  # The accurate transform is Pillow's too; TensorFlow's default is a faster, coarser one.
  degraded = tf.image.adjust_jpeg_quality(tf.clip_by_value(stored, 0.0, 1.0), quality, dct_method="INTEGER_ACCURATE")
  return tf.ensure_shape(degraded, image.shape)


def low_resolution(image, scale):
  """Shrinks photographs by bicubic interpolation without aliasing, as super-resolution is measured: MATLAB's
  imresize(image, 1 / scale), in floating point.

  Keys' cubic with a = -0.5, stretched by the scale; pixels have their centres at half-integers, and are mirrored at the
  border. A side that the scale does not divide is rounded up.

  Args:
    image: float [H, W, 3] or [N, H, W, 3] in [0, 1].
    scale: int, at least 1.
  Returns:
    float32 [..., ceil(H / scale), ceil(W / scale), 3], clipped to [0, 1].
  Raises:
    ValueError: a wrong shape, dtype or scale.
  """
  image, scale = _check_scale(image, scale)
  for axis in (-3, -2):
    image = _interpolated(image, axis, -(-_length(image, axis) // scale), 1 / scale)
  return tf.clip_by_value(image, 0.0, 1.0)


def enlarge(image, scale, height=None, width=None):
  """Enlarges photographs by bicubic interpolation, the counterpart of `low_resolution`: imresize(image, scale).

  Args:
    image: float [H, W, 3] or [N, H, W, 3] in [0, 1].
    scale: int, at least 1.
    height, width: size of the picture that was shrunk, where the scale does not divide it; rows and columns beyond it are
      cut off. None keeps H * scale and W * scale.
  Returns:
    float32 [..., height, width, 3], clipped to [0, 1].
  Raises:
    ValueError: a wrong shape, dtype or scale.
  """
  image, scale = _check_scale(image, scale)
  for axis, size in ((-3, height), (-2, width)):
    image = _interpolated(image, axis, _length(image, axis) * scale if size is None else size, scale)
  return tf.clip_by_value(image, 0.0, 1.0)


def _check_scale(image, scale):
  image = tf.convert_to_tensor(image)
  if image.shape.rank not in (3, 4) or image.shape[-1] not in (3, None) or not image.dtype.is_floating:
    raise ValueError(f"image has shape {image.shape} and dtype {image.dtype.name}: expected floating point [H, W, 3] or "
                     "[N, H, W, 3] in [0, 1]")
  if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1:
    raise ValueError(f"scale is {scale!r}: expected a whole number of at least 1")
  return tf.cast(image, tf.float32), scale


def _length(image, axis):
  return image.shape[axis] or tf.shape(image)[axis]


def _interpolated(image, axis, size, factor):
  """Resamples one axis, -3 or -2, to `size` pixels that are `factor` times as many in the same space.

  A gather and a sum, which have gradients of every order and work under XLA, as resizing operations do not.
  """
  stretch = max(1.0, 1.0 / factor)
  taps = int(4 * stretch) + 2
  centers = (tf.range(size, dtype=tf.float32) + 0.5) / factor - 0.5
  places = tf.math.ceil(centers - 2 * stretch)[:, None] + tf.range(taps, dtype=tf.float32)  # [size, taps]
  weights = _keys((centers[:, None] - places) / stretch)
  weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
  length = _length(image, axis)
  mirrored = tf.cast(places, tf.int32) % (2 * length)
  picked = tf.gather(image, tf.minimum(mirrored, 2 * length - 1 - mirrored), axis=axis)
  return tf.einsum("...opwc,op->...owc" if axis == -3 else "...hopc,op->...hoc", picked, weights)


def _keys(distance):
  """R. Keys' cubic convolution with a = -0.5 ("Cubic Convolution Interpolation for Digital Image Processing", 1981)."""
  d = tf.abs(distance)
  inner, outer = (1.5 * d - 2.5) * d * d + 1.0, ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
  return tf.where(d <= 1, inner, tf.where(d < 2, outer, 0.0))


def _uniform(limits, seed):
  low, high = limits
  return tf.random.stateless_uniform([], seed, float(low), float(high))


def _blur(image, sigma):
  """Gaussian of 7 taps, separable, mirrored at the border: enough for deviations up to 1.2 pixels."""
  offsets = tf.range(-3.0, 4.0)
  taps = tf.exp(-tf.square(offsets / tf.maximum(sigma, 1e-3)) / 2)
  taps = tf.tile(tf.reshape(taps / tf.reduce_sum(taps), [7, 1, 1, 1]), [1, 1, 3, 1])
  padded = tf.pad(image[None], [[0, 0], [3, 3], [3, 3], [0, 0]], mode="REFLECT")
  for kernel in (taps, tf.transpose(taps, [1, 0, 2, 3])):
    padded = tf.nn.depthwise_conv2d(padded, kernel, strides=(1, 1, 1, 1), padding="VALID")
  return padded[0]
