"""The five levels of difficulty: their amounts of corruption, their shares of a batch, and the corruption itself."""

import tensorflow as tf

from tf_imgtrans.core.seeds import fold_in, uniform
from tf_imgtrans.data import corruptions

LEVELS = 5
# Missing part at each level, from the easiest to the hardest; both ends of a band are included.
PERCENT = {  # of the pixels
    "original": ((0, 15), (15, 30), (30, 45), (45, 60), (60, 75)),  # the authors' code, pixel interpolation
    "extreme": ((80, 83), (84, 87), (88, 91), (92, 95), (96, 99)),  # X-GANs keeps 1 to 20 %, Sec. 4.1; the division is ours
}
SIDES = {  # pixels of a square's side, in images of REFERENCE pixels
    "original": ((1, 6), (7, 12), (13, 18), (19, 24), (25, 30)),  # the authors' code, inpainting
    "extreme": ((16, 38), (39, 61), (62, 83), (84, 106), (107, 128)),  # X-GANs, Sec. 4: 16 to 128; the division is ours
}
REFERENCE = {"original": 64, "extreme": 256}
# Amounts with the same bands for both, as X-GANs does not go beyond the authors' code.
NOISE = ((0, 20), (20, 40), (40, 60), (60, 80), (80, 100))  # 255ths; standard deviation of Gaussian noise
BLUR = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))  # pixels, at every size; standard deviations of a blur
CONTINUOUS = {"gaussian_noise": NOISE, "gaussian_blur": BLUR}
FILLS = {"mean": (117 / 255, 104 / 255, 123 / 255), "white": (1.0, 1.0, 1.0)}  # mean: the authors' code
LOWEST_PSNR, HIGHEST_PSNR = 1.0, 100.0  # dB; keeps shares finite and above 0, far outside the values of a network; ours


def bands(config):
  """The levels' bands: five pairs of integers (low, high).

  They are percent of the pixels, pixels of a square's side, 255ths of the noise's deviation, or pixels of the blur's.

  Sides grow with the image and are rounded; in images below 64 pixels some bands become a single side.
  """
  if config.corruption in ("random_points", "color_noise"):
    return PERCENT[config.bands]
  if config.corruption in CONTINUOUS:
    return CONTINUOUS[config.corruption]
  scale = config.image_size / REFERENCE[config.bands]
  scaled = [(round((low - 1) * scale) + 1, round(high * scale)) for low, high in SIDES[config.bands]]
  return tuple((low, max(low, high)) for low, high in scaled)


def adapted_shares(psnr):
  """The batch's shares of the levels, inversely proportional to the mean PSNR of each (the paper's rule).

  Args:
    psnr: float [5], dB.
  Returns:
    float32 [5], their sum is 1.
  """
  need = 1.0 / tf.clip_by_value(tf.cast(psnr, tf.float32), LOWEST_PSNR, HIGHEST_PSNR)
  return need / tf.reduce_sum(need)


def largest_remainder(shares, count):
  """Divides `count` elements by shares, rounded down; those with the largest remainders get one more.

  Args:
    shares: float [L], their sum is 1.
    count: int or integer tensor.
  Returns:
    int32 [L], their sum is `count`; for equal remainders the lower level comes first.
  """
  due = tf.cast(shares, tf.float32) * tf.cast(count, tf.float32)
  whole = tf.floor(due)
  remainder = due - whole
  number = tf.range(tf.size(due))
  larger = remainder[None, :] > remainder[:, None]
  tied = tf.logical_and(remainder[None, :] == remainder[:, None], number[None, :] < number[:, None])
  rank = tf.reduce_sum(tf.cast(tf.logical_or(larger, tied), tf.int32), axis=1)
  whole = tf.cast(whole, tf.int32)
  return whole + tf.cast(rank < tf.cast(count, tf.int32) - tf.reduce_sum(whole), tf.int32)


def levels_of_batch(shares, count):
  """The level of each element of a batch, int32 [count] of 0 .. 4, ascending: the images come in random order."""
  ends = tf.cumsum(largest_remainder(shares, count))
  # Without the last end, every element has a level even if rounding makes the sum too small.
  return tf.reduce_sum(tf.cast(tf.range(count)[:, None] >= ends[None, :-1], tf.int32), axis=1)


def corrupt(config, images, level, seed, patches=None):
  """Corrupts every image at its level.

  Points and colour noise: an integer percentage of the level's band is drawn, then every pixel is lost with this
  probability. Blocks: a side of the band, at a random place. Lost pixels become the fill colour, uniform RGB noise (colour
  noise), or those of another image at the same place (colour blocks). Gaussian noise and blur: see `_everywhere`.

  Args:
    config: Config.
    images: float [N, S, S, 3] in [0, 1].
    level: int32 [N] of 0 .. 4.
    seed: int pair [2].
    patches: float [N, S, S, 3] in [0, 1], the other images of colour blocks.
  Returns:
    (corrupted [N, S, S, 3], mask [N, S, S, 1]), float32; mask 1 where the pixel was kept.
  """
  if config.corruption in CONTINUOUS:
    return _everywhere(config, images, level, seed)
  count, size = tf.shape(images)[0], images.shape[1]
  degree, place, filler = (fold_in(seed, number) for number in range(3))
  low, high = tf.unstack(tf.gather(tf.constant(bands(config)), level), axis=1)
  amount = low + tf.cast(uniform((count,), degree) * tf.cast(high - low + 1, tf.float32), tf.int32)
  if config.corruption in ("random_points", "color_noise"):
    missing = uniform((count, size, size, 1), place) * 100.0 < tf.cast(amount, tf.float32)[:, None, None, None]
  else:
    missing = _square(amount, size, uniform((count, 2), place))
  if config.corruption == "color_noise":
    instead = tf.floor(uniform((count, size, size, 3), filler) * 256.0) / 255.0  # levels of 8 bits, as for X-GANs
  elif config.corruption == "color_blocks":
    instead = patches
  else:
    instead = tf.constant(FILLS[config.fill])
  return tf.where(missing, instead, images), 1.0 - tf.cast(missing, tf.float32)


def _everywhere(config, images, level, seed):
  """`corrupt` by what changes every pixel, as the authors' code draws it for one image after the other.

  Noise: one standard deviation of the level's band. Blur: one for each axis, and a kernel of 3x3 to 19x19. Theirs cleans
  grey images of noise, this one RGB.
  """
  limits = tf.cast(tf.gather(tf.constant(CONTINUOUS[config.corruption]), level), tf.float32)
  number = tf.range(tf.shape(images)[0])

  def one(inputs):
    image, (low, high), index = inputs[0], tf.unstack(inputs[1]), inputs[2]
    key, reach = fold_in(fold_in(seed, 0), index), uniform((), fold_in(fold_in(seed, 1), index))
    amounts = low + uniform((2,), key) * (high - low)
    if config.corruption == "gaussian_noise":
      return corruptions.gaussian_noise(image, amounts[0] / 255.0, fold_in(fold_in(seed, 2), index))
    return corruptions.gaussian_blur(image, amounts, 1 + tf.cast(reach * corruptions.BLUR_REACH, tf.int32))

  spec = tf.TensorSpec(images.shape[1:], tf.float32), tf.TensorSpec((*images.shape[1:3], 1), tf.float32)
  return tf.map_fn(one, (images, limits, number), fn_output_signature=spec)


def _square(side, size, place):
  """bool [N, S, S, 1], True in a square of `side` [N] pixels; place [N, 2] in (0, 1) covers all its positions."""
  start = tf.cast(place * tf.cast(size - side + 1, tf.float32)[:, None], tf.int32)
  position = tf.range(size)[None, None, :]
  inside = tf.logical_and(position >= start[:, :, None], position < start[:, :, None] + side[:, None, None])  # [N, 2, S]
  return tf.logical_and(inside[:, 0, :, None], inside[:, 1, None, :])[..., None]
