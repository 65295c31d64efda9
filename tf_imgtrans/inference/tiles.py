"""Images of any size, tile by tile: cut on the host, with overlap, and blended into an existing array."""

import contextlib
import dataclasses
import gc
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.images import to_float32, to_uint8
from tf_imgtrans.core.networks import noise_mode
from tf_imgtrans.inference.receptive_field import FixedStatistics, as_function, keras_network, receptive_field

SMALLEST = 64  # pixels; a smaller tile would be nearly all overlap
LARGEST = 4096  # pixels, if the limit would allow more: larger tiles have no advantage
FEATHER = 16  # pixels over which two tiles are blended, in addition to the receptive field; no effect if they agree
PERIOD = 64  # pixels, if it cannot be measured: six strides of 2
PATTERN = 128  # period of "fixed" noise in positions of a feature map, `layers.noise.TILE`
STATISTICS = ("fixed", "tile")
OUT_OF_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError)


def predict_tiled(model: Callable, image: np.ndarray, tile: int = 512, overlap: int | None = None,
                  statistics: str = "fixed", out: np.ndarray | None = None) -> np.ndarray:
  """Applies a model to one image in parts, so that its memory grows with the tile and not with the image.

  With a finite field and enough overlap (the default) the result equals that of the whole image up to rounding. See
  `Tiler`, which can be reused for several images.

  Args:
    model, overlap, statistics: arguments of Tiler.
    image, tile, out: arguments of a call of a Tiler.
  Returns:
    `out`, or a float32 array [sH, sW, 3].
  """
  return Tiler(model, overlap, statistics)(image, tile, out)


class Tiler:
  """Applies a model to images in parts.

  Tiles begin at multiples of the network's period, so that groups of pixels and padding are the same as in the whole
  image; at the right and bottom the image is mirrored to a multiple, as the networks do. All tiles have one size and
  are evenly spaced, the last at the border. Noise of mode "random" is "fixed" here. The fixed pattern follows the image,
  not the tile, for Keras models with noise layers; in others with a noise mode it is off. For exported files the measured
  period includes that of the pattern.

  A network with image-wide statistics has an infinite field, and each tile would be normalized differently. With
  statistics="fixed", the means and variances of its instance normalizations are taken from one pass over the image,
  shrunk (means over areas) to the pixels of one tile if it is larger. Tiles then agree; the remaining error is the
  difference between the statistics of the shrunk image and its own: for mux_demux_hp with its first weights, on six
  photographs shrunk to half their sides, 0.04 to 0.09 of 255 in the mean and at most 0.8; shrunk to a quarter, 0.17 to
  0.24, at most 1.9. Networks that amplify small changes differ more: with weights drawn at random (He) or
  with growth 8, up to 3 of 255 in the mean at half, and single pixels by 136. An image with no more pixels than a tile
  has its own statistics.

  Args:
    model: keras.Model, LoadedModel or callable: float32 [1, H, W, 3] in [0, 1] -> [1, sH, sW, 3].
    overlap: int, pixels of the input that neighbouring tiles share; None: twice the radius of the field, plus FEATHER.
    statistics: "fixed", or "tile": each tile uses its own, and neighbours may differ.
  Raises:
    ValueError: another value of `statistics`, or a network of infinite field with `overlap` None, if its statistics are not
      fixed.
  """

  def __init__(self, model: Callable, overlap: int | None = None, statistics: str = "fixed"):
    if statistics not in STATISTICS:
      raise ValueError(f"statistics is {statistics!r}: expected one of {', '.join(STATISTICS)}")
    if overlap is not None and overlap < 0:
      raise ValueError(f"overlap is {overlap}: expected 0 or more pixels, or None for the receptive field")
    self.network, self.eager = keras_network(model), as_function(model)
    self.scale = int(getattr(model, "scale", 1))
    self.noisy = [] if self.network is None else [
        layer for layer in self.network._flatten_layers(include_self=False) if hasattr(layer, "_fixed")]
    self.field, self.statistics = receptive_field(model), None
    if not self.field.finite and self.network is not None:
      self._fix(statistics)
    if not self.field.finite:
      self.field = dataclasses.replace(self.field, period=getattr(self.network, "multiple", PERIOD))
    if not self.field.finite and overlap is None:
      raise ValueError("every output pixel depends on the whole image, or on more of it than tiles can overlap, so that "
                       "tiles would differ: give more memory, or an overlap, such as 64, to accept such differences")
    self.overlap = 2 * self.field.radius + FEATHER if overlap is None else overlap
    # Pixels nearer to a tile's border are discarded; if the overlap is too short for that, half of it is blended.
    self.margin = self.field.radius if 2 * self.field.radius <= self.overlap else self.overlap // 4
    self.graph = self._graph()

  def _fix(self, mode):
    """Measures the field of the network with fixed statistics; in mode "fixed" they stay fixed."""
    fixed = FixedStatistics(self.network)
    if not fixed.layers:
      return
    try:
      fixed.measure(np.random.default_rng(0).uniform(0, 1, (1, SMALLEST, SMALLEST, 3)).astype(np.float32))
    except ValueError:
      return  # a network of one size only, or a layer that is applied twice
    with fixed.applied():
      self.field = receptive_field(self.network)
    self.statistics = fixed if mode == "fixed" else None

  def smallest_tile(self):
    """int, side in pixels of the smallest useful tile: twice the overlap, in whole periods."""
    return _up(max(SMALLEST, 2 * self.overlap, self.overlap + self.field.period), self.field.period)

  def __call__(self, image: np.ndarray, tile: int = 512, out: np.ndarray | None = None) -> np.ndarray:
    """Applies the model to one image; if memory runs out, continues with tiles of half the side.

    Finished rows of the result are kept; the others are computed again.

    Args:
      image: float32 [H, W, 3] in [0, 1] or uint8, an array or numpy.memmap.
      tile: int, side of a tile in pixels of the input, rounded up to whole periods.
      out: float32 or uint8 [sH, sW, 3] to write into, such as a numpy.memmap; None makes a float32 array.
    Returns:
      `out`.
    Raises:
      ValueError: a wrong shape or dtype, or a tile that is no larger than the overlap.
      MemoryError: the smallest useful tile is too large.
    """
    height, width = _check_image(image)
    shape = (height * self.scale, width * self.scale, 3)
    out = np.empty(shape, np.float32) if out is None else out
    if out.shape != shape or out.dtype not in (np.float32, np.uint8):
      raise ValueError(f"out is {out.dtype} {out.shape}: expected float32 or uint8 {shape}")
    tile = _up(tile, self.field.period)
    least = _up(self.overlap + self.field.period, self.field.period)
    if tile < min(least, max(height, width)):
      raise ValueError(f"tile is {tile}: expected at least {least} pixels, as tiles overlap by {self.overlap}; "
                       f"tiles from {self.smallest_tile()} pixels are useful")
    tile, _ = self._or_smaller(lambda side: self._measure(image, side), tile)
    done = 0

    def go_on(side):
      nonlocal done  # the finished rows, if memory runs out
      for reached in self._bands(image, side, out, done):
        done = reached

    self._or_smaller(go_on, tile)
    return out

  def _or_smaller(self, work, tile):
    """(the tile that fitted, result of work(tile)), halving the tile while memory runs out."""
    while True:
      try:
        return tile, work(tile)
      except OUT_OF_MEMORY as error:
        smaller = _up(tile // 2, self.field.period)
        if smaller < self.smallest_tile() or smaller >= tile:
          raise MemoryError(f"tiles of {tile} x {tile} pixels do not fit, and smaller ones are of no use") from error
        tile = smaller
        self.graph = self._graph()  # the old one may hold memory
      gc.collect()

  def _measure(self, image, tile):
    """Fixes the statistics by one pass over the image, which is shrunk to the pixels of one tile."""
    if self.statistics is None:
      return
    height, width = image.shape[:2]
    if height * width > tile ** 2:
      import cv2  # only images in tiles need it

      factor, period = tile / math.sqrt(height * width), self.field.period
      size = [_up(max(int(side * factor) - period, SMALLEST), period) for side in (width, height)]
      image = cv2.resize(np.asarray(image), size, interpolation=cv2.INTER_AREA)
    with noise_mode(self.network):
      self.statistics.measure(to_float32(image)[None])

  def _bands(self, image, tile, out, done):
    """Writes rows of tiles into `out`, from row `done` of the input on; yields the number of finished rows of the input."""
    (height, width), scale, period = image.shape[:2], self.scale, self.field.period
    top = max(0, done - self.margin) // period * period
    rows = [(top + start, weights) for start, weights in parts(height - top, tile, self.overlap, self.margin, period)]
    columns = parts(width, tile, self.overlap, self.margin, period)
    size = (len(rows[0][1]), len(columns[0][1]))
    kept = np.zeros((0, width * scale, 3), np.float32)  # rows that the next tiles contribute to
    for (row, weights), (following, _) in zip(rows, [*rows[1:], (height, None)]):
      band = np.zeros((size[0] * scale, width * scale, 3), np.float32)
      for column, across in columns:
        made = self._run(_cut(image, row, column, size), (row, column))
        part = band[:, column * scale:(column + size[1]) * scale]
        part += made[:, :part.shape[1]] * np.repeat(across, scale)[:part.shape[1], None]
      band *= np.repeat(weights, scale)[:, None, None]
      band[:len(kept)] += kept
      ready = min(following, height)
      first = max(row, done)
      if ready > first:
        rounded = band[(first - row) * scale:(ready - row) * scale]
        out[first * scale:ready * scale] = to_uint8(rounded) if out.dtype == np.uint8 else rounded
      kept = band[(ready - row) * scale:].copy()
      yield max(ready, done)

  def _run(self, images, origin):
    """One tile: float32 [h, w, 3] -> float32 [sh, sw, 3]."""
    if self.network is None:
      return self.eager(images[None])[0]
    mode = "off" if not self.noisy and hasattr(self.network, "noise") else None
    with noise_mode(self.network, mode), self.statistics.applied() if self.statistics else contextlib.nullcontext():
      return self.graph(tf.constant(images[None]), tf.constant(origin)).numpy()[0].astype(np.float32, copy=False)

  def _graph(self):
    """(images [1, h, w, 3], origin int32 [2] of the tile in the image) -> outputs; one graph for each size."""
    @tf.function
    def run(images, origin):
      with _pattern_at(self.noisy, origin, images.shape[1:3]):
        return self.network(images, training=False)

    return run


@contextlib.contextmanager
def _pattern_at(layers, origin, size):
  """Shifts the fixed pattern of noise layers to the position of the tile in the image."""
  def pattern(layer):
    def shifted(shape):
      batch, height, width, channels = shape
      # A feature map of h rows for a tile of H begins at row `origin * h / H` of the image's own map.
      offset = [origin[0] * height // size[0] % PATTERN, origin[1] * width // size[1] % PATTERN]
      whole = type(layer)._fixed(layer, [batch, height + PATTERN, width + PATTERN, channels])
      return tf.slice(whole, [0, *offset, 0], [batch, height, width, channels])
    return shifted

  try:
    for layer in layers:
      vars(layer)["_fixed"] = pattern(layer)
    yield
  finally:
    for layer in layers:
      vars(layer).pop("_fixed", None)


def parts(length, tile, overlap, margin, period):
  """Cuts one axis into parts of one size at multiples of the period, as few as the overlap allows.

  Args:
    length: int, pixels of the axis; the last part may reach beyond it by less than a period.
    tile: int, pixels of a part, a multiple of `period`; one part holds the whole axis if that is no larger.
    overlap: int, less than `tile`, pixels that neighbours share at least.
    margin: int, at most half of `overlap`: pixels at a part's inner borders with weight 0.
    period: int.
  Returns:
    list of (start, weights): float32 [size]; over all parts, the weights of a pixel add up to 1. They rise and fall
    linearly over overlap - 2 * margin pixels.
  """
  padded = _up(length, period)
  if padded <= tile:
    return [(0, np.ones(padded, np.float32))]
  step = max((tile - overlap) // period * period, period)
  count = -(-(padded - tile) // step) + 1
  groups = (padded - tile) // period
  starts = [number * groups // (count - 1) * period for number in range(count)]
  ramp = max(overlap - 2 * margin, 0) + 1
  place = np.arange(tile)
  total, raw = np.zeros(padded, np.float32), []
  for start in starts:
    rise = np.ones(tile) if start == 0 else (place + 1 - margin) / ramp
    fall = np.ones(tile) if start == starts[-1] else (tile - place - margin) / ramp
    raw.append(np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32))
    total[start:start + tile] += raw[-1]
  return [(start, weights / total[start:start + tile]) for start, weights in zip(starts, raw)]


def _cut(image, row, column, size):
  """A tile as float32 in [0, 1], mirrored beyond the right and the bottom of the image."""
  tile = image[row:row + size[0], column:column + size[1]]
  for axis, first in enumerate((row, column)):
    if tile.shape[axis] < size[axis]:
      last = image.shape[axis] - 1
      beyond = last - np.abs(last - np.arange(first, first + size[axis]) % max(2 * last, 1))
      tile = np.take(tile, beyond - first, axis=axis)
  return to_float32(tile)


def _check_image(image):
  """(height, width) of an image; ValueError for anything else."""
  if image.ndim != 3 or image.shape[-1] != 3 or not (image.dtype == np.uint8 or np.issubdtype(image.dtype, np.floating)):
    raise ValueError(f"image is {image.dtype} {image.shape}: expected float32 [height, width, 3] in [0, 1], or uint8")
  return image.shape[:2]


def _up(size, multiple):
  return -(-size // multiple) * multiple
