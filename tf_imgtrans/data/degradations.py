"""Degradations of clean photographs, as pure functions of image and seed."""

import math

import tensorflow as tf

from tf_imgtrans.core.color import LUMA_BT601
from tf_imgtrans.core.seeds import as_seed_pair, fold_in, normal, uniform
from tf_imgtrans.data.blur import combined_kernel, convolved, gaussian_kernel, motion_kernel
from tf_imgtrans.data.settings import PhoneCamera

DOWN = ("area", "bicubic")
GAMMA = 2.2  # display gamma, between stored values and light
SATURATION = 8  # stream of the draw of the saturation, after the eight of the other amounts


def phone_camera(image, seed, exposure=PhoneCamera.exposure, red_gain=PhoneCamera.red_gain,
                 blue_gain=PhoneCamera.blue_gain, contrast=PhoneCamera.contrast, saturation=PhoneCamera.saturation,
                 blur=PhoneCamera.blur, noise=PhoneCamera.noise, jpeg_quality=PhoneCamera.jpeg_quality):
  """Makes a photograph look like one of an old phone camera.

  In this order: light = image ** 2.2, times 2 ** exposure and the white balance gains, clipped at 1; Gaussian blur of
  the optics; sensor noise; inverse gamma; lower contrast around mid grey; saturation; JPEG. Each amount is drawn
  uniformly from its range. The defaults are a dark, warm, flat and slightly soft image, of the kind that DPED's
  iPhone 3GS takes beside a DSLR; they are ours.

  Args:
    image: float [H, W, 3] in [0, 1], H and W at least 4.
    seed: int or int pair [2]; the same seed gives the same image.
    exposure: range of stops (factors of two in light).
    red_gain, blue_gain: ranges of the white balance gains, green being 1.
    contrast: range of the factor on the distance from 0.5.
    saturation: range of the factor on the distance from luma (BT.601).
    blur: range of the Gaussian's standard deviation in pixels.
    noise: range of the standard deviation of N(0, 1) sensor noise in light at full scale; it decreases with the square root
      of the light, down to a tenth.
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
  if tuple(saturation) != (1.0, 1.0):
    luma = tf.tensordot(stored, tf.constant(LUMA_BT601), 1)[..., None]
    stored = luma + _uniform(saturation, fold_in(as_seed_pair(seed), SATURATION)) * (stored - luma)
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
    height, width: size of the image that was shrunk, where the scale does not divide it; rows and columns beyond it are
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


def area(images, factor):
  """Shrinks photographs by means over blocks of factor x factor pixels, equal to repeated 2x2 means.

  A reshape and a mean, which have gradients of every order, unlike resizing operations.

  Args:
    images: float [H, W, 3] or [N, H, W, 3], H and W multiples of the factor, known or not.
    factor: int, at least 1.
  Returns:
    float32 [..., H / factor, W / factor, 3].
  Raises:
    ValueError: a wrong shape, dtype or factor; a size that the factor does not divide, where it is known.
    tf.errors.InvalidArgumentError: such a size that is known only when a graph runs.
  """
  images, factor = _check_scale(images, factor, "factor")
  given = images.shape
  for axis in (-3, -2):  # one axis after the other, which is five times as fast as both at once
    length = _length(images, axis)
    what = f"the {'height' if axis == -3 else 'width'} is no multiple of {factor}: crop the image to one"
    if isinstance(length, int):
      if length % factor:
        raise ValueError(f"image has shape {given}: {what}")
    else:
      with tf.control_dependencies([tf.debugging.assert_equal(length % factor, 0, what)]):
        images = tf.identity(images)
    shape = [_length(images, each) for each in range(images.shape.rank)]
    shape[axis:axis + 1 or None] = [length // factor, factor]
    images = tf.reduce_mean(tf.reshape(images, shape), axis=axis)
  return images


def degraded_low_resolution(image, scale, seed, down="area", gaussian_sigma_px=(0.2, 3.0), gaussian_angle_deg=(0.0, 180.0),
                            motion_length_px=(1.0, 15.0), motion_angle_deg=(0.0, 180.0), noise_std_unit=(0.0, 15 / 255),
                            peak_photons=None, jpeg_quality=(40, 95), gaussian_probability=0.5,
                            isotropic_probability=0.5, motion_probability=0.5, noise_probability=0.5,
                            jpeg_probability=0.5):
  """Shrinks a photograph with the degradations of a poor camera and archive: x~ = J((x * k * b) down_s + n).

  k is the blur of the aperture, b motion blur, n noise and J JPEG. Each of the four is applied with its own probability,
  and each amount is drawn uniformly from its range. Without any of them, only down_s is applied.
  Paper: progressive adversarial networks for domain-specific super-resolution, Sec. 5.7, which gives the formula and no
  ranges: the defaults are ours.

  Args:
    image: float [H, W, 3] in [0, 1], H and W known or not.
    scale: int s, at least 1.
    seed: int or int pair [2]; the same seed gives the same image.
    down: down_s, "area" (`area`: the 2x2 means of the progressive pyramid) or "bicubic" (`low_resolution`).
    gaussian_sigma_px: range of k's standard deviations, in pixels of `image` at s = 2: they are multiplied by s / 2.
    gaussian_angle_deg: range of the angle of k's first axis.
    motion_length_px: range of b's length in pixels of `image`, at least 1.
    motion_angle_deg: range of b's angle.
    noise_std_unit: range of the standard deviation of the Gaussian noise, white being 1.
    peak_photons: range of the photons that a white pixel counts, for Poisson noise before the Gaussian; None for none.
    jpeg_quality: range of whole numbers, 1 to 100.
    gaussian_probability, motion_probability, noise_probability, jpeg_probability: of k, b, n and J, in [0, 1].
    isotropic_probability: that k, if applied, has the same deviation along both axes.
  Returns:
    float32 [H / s, W / s, 3] in [0, 1]; rounded up for "bicubic".
  Raises:
    ValueError: a wrong shape, dtype or scale, an illegal range, or a probability outside [0, 1].
  """
  image, scale = _check_scale(image, scale, ranks=(3,))
  if down not in DOWN:
    raise ValueError(f"down is {down!r}: expected one of {', '.join(DOWN)}")
  probabilities = _check_probabilities(
      gaussian_probability=gaussian_probability, motion_probability=motion_probability,
      noise_probability=noise_probability, jpeg_probability=jpeg_probability, isotropic_probability=isotropic_probability)
  sigmas, lengths = _range("gaussian_sigma_px", gaussian_sigma_px, 0), _range("motion_length_px", motion_length_px, 1)
  lowest, highest = _range("jpeg_quality", jpeg_quality, 1, 100)
  ranges = (sigmas, sigmas, _range("gaussian_angle_deg", gaussian_angle_deg), lengths,
            _range("motion_angle_deg", motion_angle_deg), _range("noise_std_unit", noise_std_unit, 0),
            _range("peak_photons", peak_photons or (1, 1), 1e-3), (lowest, highest + 1))
  key = as_seed_pair(seed)
  chances = tf.unstack(uniform([5], fold_in(key, 0)) < tf.constant(probabilities, tf.float32))
  places = tf.unstack(uniform([len(ranges)], fold_in(key, 1)))
  along, across, turn, length, angle, strength, photons, quality = (low + (high - low) * place
                                                                    for (low, high), place in zip(ranges, places))
  across = tf.where(chances[4], along, across)

  def kernel():
    k = gaussian_kernel(along * scale / 2, across * scale / 2, turn, max(1, math.ceil(2 * sigmas[1] * scale)))
    b = motion_kernel(length, angle, math.ceil((lengths[1] - 1) / 2))
    return combined_kernel(tf.where(chances[0], k, _identity(k)), tf.where(chances[1], b, _identity(b)))

  # Branches that are not needed are skipped, not only undone: the transforms take most of the time.
  image = tf.cond(chances[0] | chances[1], lambda: convolved(image, kernel()), lambda: image)
  small = area(image, scale) if down == "area" else low_resolution(image, scale)
  small = tf.cond(chances[2], lambda: noisy(small, strength, fold_in(key, 2), photons if peak_photons else None),
                  lambda: small)
  small = tf.clip_by_value(small, 0.0, 1.0)
  return tf.cond(chances[3], lambda: jpeg(small, tf.cast(quality, tf.int32)), lambda: small)  # rounded down


def noisy(image, std_unit, seed, peak_photons=None):
  """Adds the noise n of a sensor: x + std N(0, 1), after x = Poisson(peak x) / peak where a peak is given.

  The noise of each value is independent.

  Args:
    image: float32 [..., 3] in [0, 1].
    std_unit: float scalar, standard deviation of the Gaussian, white being 1.
    seed: int or int pair [2].
    peak_photons: float scalar, photons that a white pixel counts; None for no Poisson noise.
  Returns:
    float32, of the image's shape, not clipped.
  """
  key = as_seed_pair(seed)
  if peak_photons is not None:
    counts = tf.random.stateless_poisson(tf.shape(image), fold_in(key, 1), tf.clip_by_value(image, 0.0, 1.0) * peak_photons,
                                         dtype=tf.float32)
    image = tf.ensure_shape(counts / peak_photons, image.shape)
  return image + std_unit * tf.ensure_shape(normal(tf.shape(image), fold_in(key, 0)), image.shape)


def jpeg(image, quality):
  """Encodes a photograph as JPEG and decodes it, J: 8 bits, colour at half resolution, the accurate transform (Pillow's).

  Args:
    image: float [H, W, 3] in [0, 1].
    quality: int scalar, 1 to 100.
  Returns:
    float32 [H, W, 3], whole multiples of 1 / 255.
  """
  stored = tf.cast(tf.floor(image * 255 + 0.5), tf.uint8)
  # The accurate transform is Pillow's too; TensorFlow's default is a faster, coarser one.
  stored = tf.image.adjust_jpeg_quality(stored, quality, dct_method="INTEGER_ACCURATE")
  return tf.ensure_shape(tf.cast(stored, tf.float32) / 255, image.shape)


def _identity(kernel):
  """The identity kernel of the same size."""
  side = kernel.shape[0]
  return tf.reshape(tf.one_hot(side * side // 2, side * side), [side, side])


def _range(name, limits, least=-math.inf, most=math.inf):
  """The two ends of a range as floats; ValueError if it is illegal."""
  if len(limits) != 2 or not least <= limits[0] <= limits[1] <= most:
    bounds = f", within {least:g} and {most:g}" if least > -math.inf else ""
    raise ValueError(f"{name} is {limits}: expected the lower and the upper end of a range{bounds}")
  return float(limits[0]), float(limits[1])


def _check_probabilities(**probabilities):
  """The probabilities as a list of floats."""
  for name, probability in probabilities.items():
    if not 0 <= probability <= 1:
      raise ValueError(f"{name} is {probability}: expected 0 to 1")
  return [float(probability) for probability in probabilities.values()]


def _check_scale(image, scale, name="scale", ranks=(3, 4)):
  image = tf.convert_to_tensor(image)
  if image.shape.rank not in ranks or image.shape[-1] not in (3, None) or not image.dtype.is_floating:
    raise ValueError(f"image has shape {image.shape} and dtype {image.dtype.name}: expected floating point "
                     f"{' or '.join(('[H, W, 3]', '[N, H, W, 3]')[rank - 3] for rank in ranks)} in [0, 1]")
  if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1:
    raise ValueError(f"{name} is {scale!r}: expected a whole number of at least 1")
  return tf.cast(image, tf.float32), scale


def _length(image, axis):
  return image.shape[axis] or tf.shape(image)[axis]


def _interpolated(image, axis, size, factor):
  """Resamples one axis, -3 or -2, to `size` pixels, `factor` times as many for the same extent.

  A gather and a sum, which have gradients of every order and work with XLA, unlike resizing operations.
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
  """Gaussian of 7 taps, separable, mirrored at the border; sufficient for deviations up to 1.2 pixels."""
  offsets = tf.range(-3.0, 4.0)
  taps = tf.exp(-tf.square(offsets / tf.maximum(sigma, 1e-3)) / 2)
  taps = tf.tile(tf.reshape(taps / tf.reduce_sum(taps), [7, 1, 1, 1]), [1, 1, 3, 1])
  padded = tf.pad(image[None], [[0, 0], [3, 3], [3, 3], [0, 0]], mode="REFLECT")
  for kernel in (taps, tf.transpose(taps, [1, 0, 2, 3])):
    padded = tf.nn.depthwise_conv2d(padded, kernel, strides=(1, 1, 1, 1), padding="VALID")
  return padded[0]
