"""Synthetic rain and snow on clean photographs, as pure functions of image and seed.

They replace the real pairs of deraining and desnowing, the same scene with and without weather, which cannot be taken.
The same seed gives the same image in eager mode, in a graph, under XLA (which needs a known size) and in a tf.data map,
up to rounding.

Streaks and flakes are blended with the photograph as K. Garg and S. Nayar, "Vision and Rain" (International Journal of
Computer Vision 75(1), 2007) describe rain: fast drops blur along their path into translucent streaks that are brighter than
the background. All numbers are ours, chosen on images of 256 rows.
"""

import math

import tensorflow as tf

from tf_imgtrans.core.seeds import as_seed_pair, fold_in, uniform

STEEPEST = 60.0  # degrees: the canvas widens with the tangent

# Layers from far to near: drops and flakes that are further away are smaller, fainter and more numerous.
# Rain: share of the streaks, share of their length, opacity, deviation of their Gaussian profile over the image's height.
_RAIN = ((0.45, 0.5, 0.5, 0.0010), (0.35, 0.8, 0.7, 0.0020), (0.20, 1.0, 0.8, 0.0030))
# Snow: share of the flakes, place of their smallest radius in its range, opacity.
_SNOW = ((0.75, 0.0, 0.75), (0.19, 0.3, 0.85), (0.06, 0.6, 0.80))
_RAIN_LIGHT, _SNOW_LIGHT = (0.93, 0.95, 0.97), (0.98, 0.98, 0.99)  # colours in [0, 1]: those of the sky, slightly blue
_SPREAD = 0.4  # part of the range of radii from which a layer's is drawn, above its smallest
_LEAN = 0.35  # largest tangent of the direction in which flakes fall
_FAINTEST = 0.3  # opacity of the faintest streak or flake of a layer over that of the strongest
_STEPS = 256  # of that opacity; whole numbers, so that sums along streaks do not depend on their order


def rain(image, seed, streaks=(0.001, 0.006), length=(0.03, 0.12), slant=(0.0, 20.0)):
  """Draws streaks of rain over a photograph.

  Each amount is drawn uniformly from its range. The streaks of an image are parallel, taper towards their ends, and lie
  in three layers, of which the more distant ones have shorter and fainter streaks. A streak of opacity a over a colour c
  gives (1 - a) c + a times nearly white.

  Args:
    image: float [H, W, 3] in [0, 1].
    seed: int or int pair [2]; the same seed gives the same image.
    streaks: range of the share of pixels where a streak begins, in [0, 1].
    length: range of the length of the longest streaks over the image's height, in [0, 1].
    slant: range of degrees from the vertical, to either side, 0 to 60.
  Returns:
    float32 [H, W, 3] in [0, 1].
  Raises:
    ValueError: a wrong shape or dtype, or an illegal range.
  """
  image = _check(image, streaks=(streaks, 1.0), length=(length, 1.0), slant=(slant, STEEPEST))
  share, extent, angle, side = _drawn(seed, streaks, length, slant, (0.0, 1.0))
  height = _height(image)
  rows = tf.cast(height, tf.float32)
  most = _pixels(length[1], height) + 1  # rows of the longest box
  columns = _pixels(math.tan(math.radians(slant[1])), height) + 1
  tangent = tf.tan(angle * (math.pi / 180))
  reaches = [3 * _pixels(width, height) for *_, width in _RAIN]
  draws = _draws(image, seed, len(_RAIN), 2 * most, columns + 2 * reaches[-1])
  layers = tf.stack([_scattered(layer, part * share) for (part, *_), layer in zip(_RAIN, draws)])
  long, short = ([1 + tf.cast(share_of * shorter * extent * rows, tf.int32) for _, shorter, _, _ in _RAIN]
                 for share_of in (0.7, 0.3))
  layers = _boxes(_boxes(layers, long, most), short, most)  # even, with a slope at either end
  clear = 1.0
  for number, (_, _, opacity, width) in enumerate(_RAIN):
    layer = tf.cast(layers[number], tf.float32) / tf.cast(short[number] * _STEPS, tf.float32)
    layer = _convolved(layer, _gaussian(width * rows, reaches[number])[None, :])
    clear *= 1 - opacity * tf.minimum(_sheared(layer, tangent, image), 1.0)
  return _over(image, clear, side, _RAIN_LIGHT)


def snow(image, seed, flakes=(0.001, 0.006), size=(0.004, 0.02)):
  """Draws falling flakes of snow over a photograph.

  Each amount is drawn uniformly from its range. Flakes are soft discs in three layers, of which the more distant ones have
  more and smaller flakes; the flakes of a layer have one size and different opacities. They are blended as rain is.

  Args:
    image: float [H, W, 3] in [0, 1].
    seed: int or int pair [2]; the same seed gives the same image.
    flakes: range of the share of pixels where a flake lies, in [0, 1].
    size: range of the radius of flakes over the image's height, 0 to 0.2; at least 0.6 pixels.
  Returns:
    float32 [H, W, 3] in [0, 1].
  Raises:
    ValueError: a wrong shape or dtype, or an illegal range.
  """
  image = _check(image, flakes=(flakes, 1.0), size=(size, 0.2))
  share, side, *drawn = _drawn(seed, flakes, (0.0, 1.0), *[(0.0, 1.0)] * (2 * len(_SNOW)))
  height = _height(image)
  spread = size[1] - size[0]
  reaches = [2 * _pixels(size[0] + (smallest + _SPREAD) * spread, height) for _, smallest, _ in _SNOW]
  draws = _draws(image, seed, len(_SNOW), 2 * reaches[-1], _pixels(_LEAN, height) + 1 + 2 * reaches[-1])
  clear = 1.0
  for number, ((part, smallest, opacity), reach, layer) in enumerate(zip(_SNOW, reaches, draws)):
    larger, lean = drawn[2 * number:2 * number + 2]
    radius = tf.maximum((size[0] + (smallest + _SPREAD * larger) * spread) * tf.cast(height, tf.float32), 0.6)
    layer = _discs(tf.cast(_scattered(layer, part * share), tf.float32) / _STEPS, radius, reach)
    clear *= 1 - opacity * tf.minimum(_sheared(layer, lean * _LEAN, image), 1.0)
  return _over(image, clear, side, _SNOW_LIGHT)


def _check(image, **ranges):
  """Float32 tensor of the image, after checks of it and of the (range, largest legal value) of each amount."""
  image = tf.convert_to_tensor(image)
  if image.shape.rank != 3 or image.shape[-1] not in (3, None):
    raise ValueError(f"image has shape {image.shape}: expected [height, width, 3], RGB in [0, 1]; a batch goes image by "
                     "image, each with a seed of its own")
  if not image.dtype.is_floating:
    raise ValueError(f"image has dtype {image.dtype.name}: expected floating point in [0, 1]; divide 0..255 by 255")
  for name, (limits, largest) in ranges.items():
    if len(limits) != 2 or not 0 <= limits[0] <= limits[1] <= largest:
      raise ValueError(f"{name} is {limits}: expected the lower and the upper end, from 0 to {largest:g}")
  return tf.cast(image, tf.float32)


def _drawn(seed, *ranges):
  """One amount from each range."""
  low, high = (tf.constant([float(limits[end]) for limits in ranges]) for end in (0, 1))
  return tf.unstack(low + (high - low) * uniform([len(ranges)], as_seed_pair(seed)))


def _draws(image, seed, layers, rows, columns):
  """Random numbers in (0, 1) for each pixel of each layer: list of float32 [H + rows, W + columns].

  All in one call, as XLA takes a second to compile each call.
  """
  width = image.shape[1] or tf.shape(image)[1]
  return tf.unstack(uniform([layers, _height(image) + rows, width + columns], fold_in(as_seed_pair(seed), 1)))


def _height(image):
  """Number of rows: an int if it is known, as XLA needs, else a tensor."""
  return image.shape[0] or tf.shape(image)[0]


def _pixels(share, height):
  """ceil(share * height), equal for an int and for a tensor, as the random numbers depend on the size."""
  if isinstance(height, int):
    return math.ceil(share * height)
  return tf.cast(tf.math.ceil(share * tf.cast(height, tf.float64)), tf.int32)


def _scattered(draws, share):
  """Opacities of streaks or flakes in 1 .. _STEPS, 0 elsewhere: int32 [H, W]."""
  opacity = _FAINTEST + (1 - _FAINTEST) * tf.math.divide_no_nan(draws, share)  # below the share, draws are uniform too
  return tf.where(draws < share, tf.cast(tf.minimum(opacity, 1.0) * _STEPS, tf.int32), 0)


def _boxes(layers, rows, most):
  """Sums over `rows` rows, a tensor of at most `most` for each layer: int32 [L, H, W] -> [L, H - most, W].

  All layers at once, as XLA takes seconds to compile each running sum.
  """
  sums = tf.pad(tf.cumsum(layers, axis=1), [[0, 0], [1, 0], [0, 0]])
  size = [(layers.shape[1] or tf.shape(layers)[1]) - most, layers.shape[2] or tf.shape(layers)[2]]
  return tf.stack([tf.slice(layer, [each, 0], size) - tf.slice(layer, [0, 0], size)
                   for layer, each in zip(tf.unstack(sums), rows)])


def _discs(layer, radius, reach):
  """Draws a soft disc of the radius around each point: float [H, W] -> [H - 2 reach, W - 2 reach].

  A Gaussian, which is separable, at twice its height: cut at 1 it has a flat top, and half of that at the radius.
  """
  taps = _gaussian(radius / math.sqrt(math.log(16.0)), reach)
  return _convolved(_convolved(2 * layer, taps[:, None]), taps[None, :])


def _gaussian(deviation, reach):
  """A Gaussian of height 1 at -reach .. reach: float32 [2 reach + 1]."""
  return tf.exp(-tf.square(tf.cast(tf.range(-reach, reach + 1), tf.float32) / deviation) / 2)


def _convolved(layer, kernel):
  """[H, W] with a kernel [h, w] -> [H - h + 1, W - w + 1]."""
  return tf.nn.conv2d(layer[None, :, :, None], kernel[:, :, None, None], strides=1, padding="VALID")[0, :, :, 0]


def _sheared(layer, tangent, image):
  """Moves row r of a layer to the left by r * tangent, linear between pixels, and cuts it to the image's [H, W]."""
  height, width = _height(image), image.shape[1] or tf.shape(image)[1]
  shift = tf.cast(tf.range(height), tf.float32) * tangent
  whole = tf.floor(shift)
  between = (shift - whole)[:, None]
  places = tf.cast(whole, tf.int32)[:, None] + tf.range(width + 1)
  picked = tf.gather(layer[:height], tf.minimum(places, tf.shape(layer)[1] - 1), batch_dims=1)
  return (1 - between) * picked[:, :-1] + between * picked[:, 1:]


def _over(image, clear, side, light):
  """Blends the transmitted image and the light of the layers; mirrored if `side` is below a half."""
  clear = tf.where(side < 0.5, clear[:, ::-1], clear)[..., None]
  return tf.ensure_shape(tf.clip_by_value(image * clear + (1 - clear) * tf.constant(light), 0.0, 1.0), image.shape)
