"""Needs of a network: its receptive field, measured on random images, and the memory that an image takes."""

import contextlib
import dataclasses
import math
import mmap
import pathlib
import threading

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.networks import noise_mode

# Sides of the probe's images, in pixels. A radius of more than nearly half of the last one counts as infinite. None
# is small, as the outer taps of a dilated kernel would fall outside a small image and be missed.
SIDES = (256, 512)
BLOCK = 16  # pixels in the middle of the probe that must not change
PERIODS = tuple(2 ** power for power in range(10))  # 1 .. 512, shifts that are tried
PROBE = 256  # side in pixels of the image on which memory is measured
STEP = 64  # pixels, between the sides of tiles
WORKSPACE = 2  # factor for the workspace of convolutions and for feature maps that live longer; see its test
USED = 0.8  # share of the free memory that is planned, as memory freed between maps of different sizes is not fully reused
TOLERANCE = 1e-6  # for outputs in [0, 1], a few roundings in float32: smaller changes are ignored


@dataclasses.dataclass(frozen=True)
class Field:
  """The pixels that an output pixel depends on.

  Attributes:
    radius: largest distance in input pixels, up, down, left or right, on which an output pixel depends; int, or math.inf if
      it depends on the whole image (means over the image, or weights for every position).
    period: int, pixels: shifting an image by a multiple of it shifts the output. 1 for plain convolutions, 2 after one
      space_to_depth. 1 if the radius is infinite, as it cannot be measured then.
  """

  radius: float
  period: int

  @property
  def finite(self):
    """bool, whether parts of an image can be computed one by one."""
    return math.isfinite(self.radius)


def receptive_field(model, seed=0):
  """Measures the field of a network by changing a random image outside a window, and measuring how deep the change reaches.

  Nothing is declared by the network: the measured effect of strides, dilations and rearrangements counts, and weights of
  zero have none. Noise of a "random" network is "fixed" meanwhile; it is off while the period is measured.

  Args:
    model: keras.Model, LoadedModel or callable: float32 [1, H, W, 3] in [0, 1] -> [1, sH, sW, 3].
    seed: int, of the images.
  Returns:
    Field.
  """
  network, run = keras_network(model), as_function(model)
  sizes = [(side, side) for side in SIDES]
  fixed = getattr(getattr(model, "run", None), "size", (None, None))
  if network is None and None not in fixed:
    sizes = [tuple(fixed)]
  with noise_mode(network):
    side, reach = _finite_side(run, sizes, seed)
  if side is None:
    return Field(math.inf, 1)
  with noise_mode(network, None if network is None else "off"):
    period = _period(run, side, reach, seed) if network is not None or None in fixed else None
  if period is None:
    return Field(math.inf, 1)
  with noise_mode(network):
    # With groups of pixels that move together, the reach depends on the window's start within a group.
    reaches = [reach, *(_reach(run, side, seed, start) for start in range(1, min(period, BLOCK)))]
  return Field(math.inf, 1) if None in reaches else Field(max(reaches), period)


def keras_network(model):
  """The keras.Model of a model, or None for other kinds."""
  return model if isinstance(model, keras.Model) else getattr(model, "keras_model", None)


def as_function(model):
  """float32 array [N, H, W, 3] -> float32 array [N, sH, sW, 3], eagerly, at inference."""
  network = keras_network(model)
  if network is None:
    return lambda images: np.asarray(model(images), np.float32)
  return lambda images: np.asarray(network(tf.constant(images), training=False), np.float32)


def _finite_side(run, sizes, seed):
  """(size [2] of the smallest image whose middle no change reaches, how deep it reached), or (None, None)."""
  for number, size in enumerate(sizes):
    try:
      reach = _reach(run, size, seed)
    except ValueError:
      if number == 0:
        raise
      return None, None  # the model takes no other size
    if reach is not None:
      return size, reach
  return None, None


def _reach(run, size, seed, start=0):
  """How many pixels deep a change around a window reaches into it; None if it reaches the middle.

  The window begins BLOCK // 2 + start pixels from the image's border, on all sides.
  """
  height, width = size
  random = np.random.default_rng(seed)
  image, other = random.uniform(0, 1, (2, 1, height, width, 3)).astype(np.float32)
  first = BLOCK // 2 + start
  other[:, first:height - first, first:width - first] = image[:, first:height - first, first:width - first]
  before, after = run(image), run(other)
  scale = before.shape[1] // height
  changed = (np.abs(before - after) > TOLERANCE)[0].any(axis=-1)
  changed = changed.reshape(height, scale, width, scale).any(axis=(1, 3))
  tall, wide = (slice((side - BLOCK) // 2, (side + BLOCK) // 2) for side in size)
  if changed[tall, wide].any():
    return None
  return max(_depth(line, first) for line in (changed[:, wide].any(axis=1), changed[tall].any(axis=0)))


def _depth(changed, first):
  """Along one axis, bool [L] with an unchanged middle: the larger of the depths from both ends of the window."""
  middle = len(changed) // 2
  from_start, from_end = np.flatnonzero(changed[:middle]), np.flatnonzero(changed[middle:])
  # The nearest changed pixel of the input is first - 1, and len - first at the other end.
  depths = [from_start[-1] - (first - 1)] if len(from_start) else []
  depths += [len(changed) - first - (middle + from_end[0])] if len(from_end) else []
  return int(max(0, *depths)) if depths else 0


def _period(run, size, reach, seed):
  """The smallest shift of the input that shifts the output, or None."""
  height, width = size
  middle = slice((height - BLOCK) // 2, (height + BLOCK) // 2)
  for shift in PERIODS:
    wide = -(-(width + shift) // 64) * 64
    images = np.random.default_rng(seed).uniform(0, 1, (1, height, wide + shift, 3)).astype(np.float32)
    before, after = run(images[:, :, :wide]), run(images[:, :, shift:])
    scale = before.shape[1] // height
    rows = slice(middle.start * scale, middle.stop * scale)
    first, last = (reach + BLOCK // 2) * scale, (wide - shift - reach - BLOCK // 2) * scale
    moved = before[:, rows, first + shift * scale:last + shift * scale]
    if np.abs(moved - after[:, rows, first:last]).max() <= 10 * TOLERANCE:  # different pixels have different roundings
      return shift
  return None


class FixedStatistics:
  """Replaces the means and variances of a network's instance normalizations by values measured beforehand.

  Every part of an image is then normalized equally, and the network's field is finite. The layers are those of the class
  InstanceNormalization, y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, at any depth; they are not modified.

  Args:
    network: keras.Model.
  """

  def __init__(self, network):
    self.network = network
    self.layers = [layer for layer in network._flatten_layers(include_self=False)
                   if type(layer).__name__ == "InstanceNormalization"]
    self.values = {}  # layer's id -> variables (mean, variance), [1, 1, 1, C]: a graph sees them change

  def measure(self, images):
    """Measures over all pixels of a batch together, in one eager pass: float32 [N, H, W, 3] in [0, 1].

    For one whole image, these are the network's own statistics.
    """
    seen = set()

    def moments(layer, x):
      if id(layer) in seen:
        raise ValueError(f"the normalization {layer.name} is applied twice in one pass: its statistics cannot be fixed; "
                         'use statistics="tile"')
      seen.add(id(layer))
      mean = tf.reduce_mean(x, axis=(0, 1, 2), keepdims=True)
      variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=(0, 1, 2), keepdims=True)
      if id(layer) not in self.values:
        self.values[id(layer)] = tf.Variable(mean, trainable=False), tf.Variable(variance, trainable=False)
      for variable, value in zip(self.values[id(layer)], (mean, variance)):
        variable.assign(value)
      return mean, variance

    with self._replaced(moments):
      self.network(tf.constant(images), training=False)

  def applied(self):
    """A context in which the network, called eagerly or traced, uses the measured statistics."""
    return self._replaced(lambda layer, x: self.values[id(layer)])

  @contextlib.contextmanager
  def _replaced(self, moments):
    """Replaces the statistics of the layers by (layer, x) -> (mean, variance)."""
    def replacement(layer):
      return lambda inputs: _normalized(layer, inputs, moments)

    try:
      for layer in self.layers:
        vars(layer)["call"] = replacement(layer)  # overrides the method of the class for this layer only
      yield
    finally:
      for layer in self.layers:
        vars(layer).pop("call", None)


def _normalized(layer, inputs, moments):
  """Instance normalization with given statistics: [N, H, W, C] -> the same."""
  x = tf.cast(inputs, tf.float32)
  mean, variance = moments(layer, x)
  factor = tf.math.rsqrt(variance + layer.epsilon)
  if layer.scale:
    factor = factor * layer.gamma
  normalized = (x - mean) * factor
  return tf.cast(normalized + layer.beta if layer.center else normalized, layer.compute_dtype)


def largest_side(each, size, scale, limit):
  """The largest square tile with which the process stays below a limit.

  Counts the memory of the process, the model's feature maps, the result in bytes, its encoder, and a float32 band of it.

  Args:
    each: float, `bytes_per_pixel` of the model.
    size: (height, width) of the image.
    scale: int, of the model.
    limit: float, bytes that the process may use.
  Returns:
    int, pixels of the input: the longer side if the whole image fits, else a multiple of STEP.
  Raises:
    MemoryError: not even a tile of STEP pixels fits.
  """
  (height, width), enlarged = size, scale ** 2
  free = USED * (limit - _resident() - height * width * enlarged * 7)  # 3 bytes a pixel, and 4 in the encoder
  if height * width * (each + 4 * 12 * enlarged) <= free:  # the result in float32, and its copies while it is rounded
    return max(size)
  sides = [side for side in range(STEP, max(size), STEP)
           if side ** 2 * each + side * width * enlarged * 5 * 12 <= free]
  if not sides:
    least = limit + (STEP ** 2 * each + STEP * width * enlarged * 60 - free) / USED
    raise MemoryError(f"memory for {width} x {height} pixels is short: the limit is {limit / 2 ** 30:.2f} GiB, and the "
                      f"smallest tiles need {least / 2 ** 30:.2f}")
  return sides[-1]


def usual_limit():
  """float, bytes: memory of the process plus four fifths of the free memory; infinite if that is unknown."""
  try:
    known = dict(line.split()[:2] for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return _resident() + 0.8 * int(known["MemAvailable:"]) * 1024
  except (OSError, KeyError):
    return math.inf


def bytes_per_pixel(model):
  """float, bytes of memory that a pixel of the input takes while the model runs.

  For Keras models from the shapes of the tensors in the graph, for others from the growth of the process in a probe.
  """
  network = keras_network(model)
  if network is None:
    run, random = as_function(model), np.random.default_rng(0)
    fixed = [side or PROBE for side in getattr(getattr(model, "run", None), "size", (PROBE, PROBE))]
    image = random.uniform(0, 1, (1, *fixed, 3)).astype(np.float32)
    return max(_growth(lambda: run(image)), 2 * image.nbytes) / math.prod(fixed)  # at least input and output
  traced = tf.function(lambda images: network(images, training=False))
  graph = traced.get_concrete_function(tf.TensorSpec((1, PROBE, PROBE, 3))).graph
  return WORKSPACE * _graph_bytes(graph) / PROBE ** 2


def _graph_bytes(graph):
  """Peak bytes of the operations' outputs, if they run in order and are freed after use."""
  operations = graph.get_operations()
  last = {tensor.ref(): number for number, operation in enumerate(operations) for tensor in operation.inputs}
  alive, most, ending = 0, 0, {}
  for number, operation in enumerate(operations):
    made = sum(_bytes(tensor) for tensor in operation.outputs if operation.type not in ("Identity", "Reshape"))
    alive += made
    most = max(most, alive)
    for tensor in operation.outputs if made else ():
      ending.setdefault(last.get(tensor.ref(), number), []).append(_bytes(tensor))
    alive -= sum(ending.pop(number, ()))
  return most


def _bytes(tensor):
  """Bytes of a tensor; 0 for weights and unknown shapes."""
  elements = tensor.shape.num_elements()
  return 0 if elements is None or tensor.dtype == tf.resource else elements * tensor.dtype.size


def _growth(work):
  """Peak growth of the process in bytes while work() runs."""
  before, most, finished = _resident(), 0, threading.Event()

  def watch():
    nonlocal most
    while not finished.wait(0.001):
      most = max(most, _resident())

  watcher = threading.Thread(target=watch)
  watcher.start()
  try:
    work()
  finally:
    finished.set()
    watcher.join()
  return max(most - before, 0)


def _resident():
  """Bytes of memory that the process holds; 0 if the system does not provide it."""
  try:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
  except OSError:
    return 0
