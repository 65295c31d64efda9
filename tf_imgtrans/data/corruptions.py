"""Corruptions of photographs, as pure functions of image and seed: points, colour noise, blocks, Gaussian noise and blur.

Each returns the corrupted image and its mask, float32 [H, W, 1]: 1 where the source pixel was kept, bit for bit, and 0
where it was replaced; after Gaussian noise and blur, which change every pixel, it is 0 throughout. The same seed gives the
same bits in eager mode, in a graph, under XLA and in a tf.data map; Gaussian noise the same up to rounding.

Papers: X-GANs: Image Reconstruction Made Easy for Extreme Cases, Sec. 4, which works on images of 256x256; Gaussian noise
and blur are those of its rival, On-Demand Learning for Deep Image Restoration (Gao and Grauman), and of its public code.
"""

import numbers

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.seeds import ALGORITHM, as_seed_pair, fold_in
from tf_imgtrans.data.blur import convolved, gaussian_kernel
from tf_imgtrans.data.degradations import noisy
from tf_imgtrans.data.edges import edge_strength

WHITE = (1.0, 1.0, 1.0)  # colour of a missing pixel, Sec. 4
BLUR_REACH = 9  # pixels from the centre to the edge of the largest blur kernel, 19x19: Gao and Grauman's code
_MILLION = 1_000_000
_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)  # as an 8-bit image is read


def random_points(image, share, seed):
  """Keeps scattered pixels and sets the rest white.

  Sec. 4: a matrix of integers, uniform in 0..99, is compared with a threshold, so that the mean share is `share`. Here
  they are uniform in 0..999999: the same rule at whole percents, and exact between them. With one seed, the pixels
  of a smaller share are a subset of those of a larger one.

  Args:
    image: float [H, W, 3] in [0, 1].
    share: number or scalar tensor in (0, 1], of pixels kept, rounded to millionths; the paper's range is 0.01 to 0.2.
    seed: int or int pair [2].
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1]).
  Raises:
    ValueError: a wrong shape, dtype or share; tf.errors.InvalidArgumentError where only the running graph sees it.
  """
  image = _check_image(image)
  return _replace(image, _random_kept(image, check_share(share), as_seed_pair(seed)), WHITE)


def edge_points(image, share, seed, operator="sobel"):
  """Keeps an exact number of pixels, drawn mostly from the edges, and sets the rest white.

  Sec. 4: the edge map becomes a probability map, from which the requested number of points is drawn without repetition.
  The probability of a pixel is its share of the map's sum, plus a thousandth of the mean, so that flat regions are drawn
  when there are too few edges; the paper does not specify this case. In an image without edges all pixels are equally
  likely.

  Args:
    image: float [H, W, 3] in [0, 1].
    share: number or scalar tensor in (0, 1]; round(share * H * W) pixels are kept, halves are rounded to even.
    seed: int or int pair [2].
    operator: "sobel" or "canny", as of `data.edges.edge_strength`.
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1]).
  Raises:
    ValueError: a wrong shape, dtype, share or operator; tf.errors.InvalidArgumentError where only the running graph
      sees it.
  """
  image, share = _check_image(image), check_share(share)
  strength = tf.cast(edge_strength(image, operator), tf.float64)
  pixels = tf.cast(tf.size(strength), tf.float64)
  weights = tf.math.divide_no_nan(strength, tf.reduce_sum(strength)) + 1e-3 / pixels
  kept = _sample(weights, tf.cast(tf.round(share * pixels), tf.int32), as_seed_pair(seed))
  return _replace(image, kept, WHITE)


def color_noise(image, valid_share, seed):
  """Keeps the pixels that `random_points` keeps for the same seed, and gives the others random colours.

  Sec. 4. Red, green and blue are drawn independently, uniformly from the 256 levels of an 8-bit image. A replaced pixel may
  get its own colour by chance; its mask is still 0.

  Args:
    image: float [H, W, 3] in [0, 1].
    valid_share: number or scalar tensor in (0, 1], of pixels kept; the paper's are 0.05, 0.1 and 0.15.
    seed: int or int pair [2].
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1]).
  Raises:
    ValueError: a wrong shape, dtype or share; tf.errors.InvalidArgumentError where only the running graph sees it.
  """
  image, seed = _check_image(image), as_seed_pair(seed)
  kept = _random_kept(image, check_share(valid_share, "valid_share"), seed)
  bits = tf.random.stateless_uniform(tf.shape(image)[:2], fold_in(seed, 1), None, None, tf.int32, alg=ALGORITHM)
  levels = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits[..., None], [0, 8, 16]), 255)  # one byte a channel
  # From a table: graphs turn a division by a constant into a product, which differs in the last bit.
  return _replace(image, kept, tf.gather(tf.constant(_LEVELS), levels))


def white_block(image, size=128, color=WHITE):
  """Sets a square in the middle white: rows (H - size) // 2 and the size - 1 below it, and columns alike (Sec. 4).

  Args:
    image: float [H, W, 3] in [0, 1], H and W at least `size`.
    size: int, side in pixels; the paper's is 128.
    color: three floats in [0, 1], red, green and blue of the square: Sec. 4.3 has a "constant color block" too.
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1]).
  Raises:
    ValueError: a wrong shape, dtype or size; tf.errors.InvalidArgumentError where only the running graph sees it.
  """
  check_sides(size)
  image = _check_room(_check_image(image), size, "image")
  height, width = tf.unstack(tf.shape(image)[:2])
  return _replace(image, ~_square((height - size) // 2, (width - size) // 2, size, height, width), tf.constant(color))


def color_blocks(image, patches, seed, size=(16, 128), centered=False):
  """Covers a square with a tile of another image.

  Sec. 4: blocks of 16x16 to 128x128, cut at random from images of another set. The paper does not give their number
  or position: here it is one block, whose side, position and source are drawn uniformly.

  Args:
    image: float [H, W, 3] in [0, 1], H and W at least the largest side.
    patches: float [K, h, w, 3] in [0, 1], or one image [h, w, 3]; h and w at least the largest side.
    seed: int or int pair [2].
    size: (smallest, largest) side in pixels, both included, or int for one side.
    centered: bool, whether the block lies in the middle, as that of `white_block`: for Table 1, with size=128.
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1]).
  Raises:
    ValueError: a wrong shape, dtype or size; tf.errors.InvalidArgumentError where only the running graph sees it.
  """
  smallest, largest = check_sides(size)
  image = _check_room(_check_image(image), largest, "image")
  patches = _check_room(_check_image(patches, "patches", ranks=(3, 4)), largest, "patches")
  # All numbers in one draw: separate draws would cost more than the rest. A remainder of 2 ** 32 by some hundred pixels is
  # uniform to one part in ten million.
  bits = tf.random.stateless_uniform([6], as_seed_pair(seed), None, None, tf.uint32, alg=ALGORITHM)
  which, longer, patch_top, patch_left, top, left = tf.unstack(tf.cast(bits, tf.int64))
  side = smallest + _below(largest - smallest + 1, longer)
  height, width = tf.unstack(tf.shape(image)[:2])
  if centered:
    top, left = (height - side) // 2, (width - side) // 2
  else:
    top, left = _below(height - side + 1, top), _below(width - side + 1, left)
  patch = patches if patches.shape.rank == 3 else tf.gather(patches, _below(tf.shape(patches)[0], which))
  tile = patch
  for axis, count, start, patch_start in ((0, height, top, patch_top), (1, width, left, patch_left)):
    available = tf.shape(patch)[axis]
    places = tf.range(count) - start + _below(available - side + 1, patch_start)
    tile = tf.gather(tile, tf.clip_by_value(places, 0, available - 1), axis=axis)  # clipped only outside the tile
  return _replace(image, ~_square(top, left, side, height, width), tile)


def gaussian_noise(image, std_unit, seed):
  """Adds independent Gaussian noise to every value and clips the sum to [0, 1].

  Gao and Grauman's denoising, standard deviations of 0 to 100 / 255; theirs is of grey images.

  Args:
    image: float [H, W, 3] in [0, 1].
    std_unit: float scalar, standard deviation, white being 1.
    seed: int or int pair [2].
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1] of zeros).
  Raises:
    ValueError: a wrong shape or dtype.
  """
  image = _check_image(image)
  return tf.clip_by_value(noisy(image, std_unit, seed), 0.0, 1.0), tf.zeros_like(image[..., :1])


def gaussian_blur(image, sigma_px, reach=BLUR_REACH):
  """Blurs with an upright Gaussian, cut off at the edge of a square.

  Gao and Grauman's deblurring: deviations along rows and columns of 0 to 5 pixels, squares of 3x3 to 19x19. Nothing is
  random.

  Args:
    image: float [H, W, 3] in [0, 1].
    sigma_px: two float scalars, standard deviations in pixels from left to right and from top to bottom.
    reach: int scalar, pixels from the centre to the edge of the square, 1 to 9.
  Returns:
    (corrupted float32 [H, W, 3], mask float32 [H, W, 1] of zeros).
  Raises:
    ValueError: a wrong shape or dtype.
  """
  image = _check_image(image)
  near = tf.abs(tf.range(-BLUR_REACH, BLUR_REACH + 1)) <= reach
  kernel = gaussian_kernel(*tf.unstack(sigma_px, 2), 0.0, BLUR_REACH) * tf.cast(near[:, None] & near, tf.float32)
  blurred = convolved(image, kernel / tf.reduce_sum(kernel))
  return tf.clip_by_value(blurred, 0.0, 1.0), tf.zeros_like(image[..., :1])


def check_share(share, name="share"):
  """The share as a float64 scalar tensor.

  Raises:
    ValueError: not a number in (0, 1]. A tensor whose value is not yet known is checked when the graph runs.
  """
  value = share
  if tf.is_tensor(share):
    value = tf.get_static_value(share)
    value = f"of shape {share.shape}" if share.shape.rank != 0 else value if value is None else value.item()
  expected = "expected a number above 0 and at most 1; divide percents by 100"
  if value is None:
    share = tf.cast(share, tf.float64)
    with tf.control_dependencies([tf.debugging.Assert((share > 0) & (share <= 1), [f"{name} is", share, expected])]):
      return tf.identity(share)
  if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value <= 1:
    raise ValueError(f"{name} is {value!r}: {expected}")
  return tf.constant(float(value), tf.float64)


def check_sides(size):
  """The smallest and largest side from `size`, an int or a pair; ValueError if it is illegal."""
  sides = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
  legal = len(sides) == 2 and all(isinstance(side, numbers.Integral) and not isinstance(side, bool) for side in sides)
  if not legal or not 1 <= sides[0] <= sides[1]:
    raise ValueError(f"size is {size!r}: expected pixels, at least 1; for colour blocks the smallest and the largest side, "
                     "in this order")
  return sides


def _check_image(image, name="image", ranks=(3,)):
  """Float32 tensor of one or several images; ValueError for another shape or type."""
  image = tf.convert_to_tensor(image)
  if image.shape.rank not in ranks or image.shape[-1] not in (3, None) or 0 in image.shape:
    expected = ("[height, width, 3], RGB in [0, 1]; a batch goes image by image, each with a seed of its own"
                if ranks == (3,) else "[height, width, 3] or [count, height, width, 3], RGB in [0, 1]")
    raise ValueError(f"{name} has shape {image.shape}: expected {expected}")
  if not image.dtype.is_floating:
    raise ValueError(f"{name} has dtype {image.dtype.name}: expected floating point in [0, 1]; divide by 255 if "
                     "values are 0..255")
  return tf.ensure_shape(tf.cast(image, tf.float32), [*image.shape[:-1], 3])


def _check_room(image, side, name):
  """The image [..., H, W, 3]; ValueError if H or W is below `side`, or an assertion in the graph if they are unknown."""
  sizes = image.shape[-3:-1]
  remedy = "take larger images, or a smaller size"
  if any(size is not None and size < side for size in sizes):
    raise ValueError(f"{name} of {sizes[0]}x{sizes[1]} pixels: expected {side}x{side} or more, the largest block; {remedy}")
  if None not in sizes:
    return image
  seen = tf.shape(image)[-3:-1]
  message = f"{name} smaller than {side}x{side}, the largest block: {remedy}"
  with tf.control_dependencies([tf.debugging.assert_greater_equal(tf.reduce_min(seen), side, message)]):
    return tf.identity(image)


def _random_kept(image, share, seed):
  """Where random points are kept: bool [H, W]."""
  draws = tf.random.stateless_uniform(tf.shape(image)[:2], seed, 0, _MILLION, tf.int32, alg=ALGORITHM)
  return draws < tf.cast(tf.round(share * _MILLION), tf.int32)


def _sample(weights, count, seed):
  """Draws `count` places without replacement, the probability of each draw in proportion to the weights that are left.

  Draws an exponential time per place and takes the `count` smallest (Efraimidis and Spirakis, 2006). Computed in float64,
  where the logarithms of different programs differ too little to change the order, from 32-bit integers, which are exact.

  Args:
    weights: float64 [H, W], positive.
    count: int32 scalar.
    seed: int pair [2].
  Returns:
    bool [H, W] with `count` places set.
  """
  bits = tf.random.stateless_uniform(tf.shape(weights), seed, None, None, tf.uint32, alg=ALGORITHM)
  rings = -tf.math.log((tf.cast(bits, tf.float64) + 0.5) * 2.0 ** -32) / weights
  return _smallest(tf.cast(rings, tf.float32), count)


def _smallest(keys, count):
  """Marks the `count` smallest of positive float32 keys [H, W]; among equal keys the first by rows.

  Finds the largest selected key bit by bit, as positive floats have the order of their bits: `count` may be a tensor, also
  with XLA, and it takes a quarter of the time of sorting.
  """
  order = tf.bitcast(tf.reshape(keys, [-1]), tf.int32)
  last = tf.constant(0)
  for bit in reversed(range(31)):
    higher = last + (1 << bit)
    last = tf.where(tf.reduce_sum(tf.cast(order < higher, tf.int32)) < count, higher, last)
  before, ties = order < last, tf.cast(tf.equal(order, last), tf.int32)
  missing = count - tf.reduce_sum(tf.cast(before, tf.int32))
  return tf.reshape(before | ((ties > 0) & (tf.cumsum(ties) <= missing)), tf.shape(keys))


def _below(limit, number):
  """An int32 in 0 .. limit - 1 from a random int64 number of 32 bits."""
  return tf.cast(number % tf.cast(limit, tf.int64), tf.int32)


def _square(top, left, side, height, width):
  """Bool [height, width], True inside a square."""
  rows, columns = tf.range(height) - top, tf.range(width) - left
  return ((rows >= 0) & (rows < side))[:, None] & ((columns >= 0) & (columns < side))[None]


def _replace(image, kept, replacement):
  """Replaces the pixels where `kept` [H, W] is False: (corrupted, mask)."""
  mask = tf.ensure_shape(kept[..., None], [*image.shape[:2], 1])
  corrupted = tf.where(mask, image, replacement)
  return tf.ensure_shape(corrupted, image.shape), tf.cast(mask, tf.float32)
