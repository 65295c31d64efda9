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
