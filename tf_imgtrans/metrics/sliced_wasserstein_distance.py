"""SWD: sliced Wasserstein distance of two sets of images, on patches of each level of a Laplacian pyramid.

Definition   T. Karras, T. Aila, S. Laine, J. Lehtinen, "Progressive growing of GANs for improved quality, stability, and
             variation", ICLR 2018, Sec. 5. Take random patches of each image and level of its Laplacian pyramid;
             normalise each colour of a set's patches to mean 0 and deviation 1; project the patches of both sets on
             random unit directions, sort, and take the mean of |difference| over ranks and directions: the mean of
             1-D Wasserstein distances. One value per level, and their average. Values are times 1000.
Range        0 and up. Lower is better. Fine levels compare texture, coarse ones layout and colour.
Constants    kernel [1, 4, 6, 4, 1]^2 / 256, edges mirrored about the edge pixel, times 4 for enlarging; levels are halved
             while the smaller side is 16 or more; 128 patches of 7x7x3 per image and level; 4 times 128 directions;
             pixels 0..255: the authors' program (tkarras/progressive_growing_of_gans, metrics/sliced_wasserstein).
Protocol     images are rounded to 8 bits, as in saved files. Mean and deviation are taken for each set separately, so
             that a change of contrast of a whole level has no effect. A colour without deviation is left at 0.
Comparable   with the authors' values for the same number of images only: fewer images give larger values, also for two
             halves of one set. Their program draws positions of patches for each set anew; here the n-th images of both
             sets are cut at the same positions by default, so that equal sets have distance 0. That gives lower values
             if the sets are pairs (results and their targets); paired=False draws as they do.
Memory       one image, and projections of 640,000 patches on about 50 directions. Patches are kept in a temporary folder:
             75 kB per image and level, 5 GB for two sets of 5000 images of 1024 pixels. TMPDIR moves it to another
             disk.
"""

import contextlib
import numbers
import pathlib
import tempfile
from collections.abc import Iterable

import cv2
import numpy as np

from tf_imgtrans.metrics.image_sets import Moments, as_whole_image, iterate_set

PATCH = 7
PATCHES = 128  # per image and level
SMALLEST = 16  # side of the coarsest level
REPEATS, DIRECTIONS = 4, 128
COMPONENTS = PATCH * PATCH * 3
PROJECTIONS = 2 ** 25  # held at once for each set: 134 MB of float32
POSITION_STREAM, DIRECTION_STREAM = 0, 1


def sliced_wasserstein(images_a: Iterable, images_b: Iterable, seed: int = 0,
                       paired: bool = True) -> dict[int | str, float]:
  """Sliced Wasserstein distances of two sets of images, times 1000; lower is better.

  Args:
    images_a: float array [N, H, W, 3] in [0, 1], RGB, or an iterable of N images [H, W, 3], of which one is held at a
      time. All of one size; a side must be even whenever it is halved: powers of two from 16, and others such as
      48 or 200.
    images_b: the same, with the same number and size of images.
    seed: int of 0 or more.
    paired: bool, whether the n-th images of both sets are cut at the same positions.
  Returns:
    dict: the smaller side of each level (int), finest first -> float; "average" -> the mean of all levels.
  Raises:
    ValueError: an illegal image or size, or sets of different sizes or numbers of images.
  """
  with contextlib.ExitStack() as stack:
    sets = [stack.enter_context(PatchSet(seed, stream)) for stream in (0, 0 if paired else 1)]
    for patches, images, what in zip(sets, (images_a, images_b), ("images_a", "images_b")):
      for image in iterate_set(images, what):
        patches.add_whole(image)
    return distances(sets[0], sets[1], seed)


class PatchSet:
  """Random patches of all levels of the images of a set, kept in temporary files: a context manager.

  Args:
    seed: int of 0 or more.
    stream: int; sets with the same stream are cut at the same positions.
  """

  def __init__(self, seed=0, stream=0):
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool) or seed < 0:
      raise ValueError(f"seed is {seed!r}: expected an integer of 0 or more")
    self.seed, self.stream = int(seed), stream
    self.count = 0
    self.size = None  # (height, width)
    self.levels = []  # smaller sides, finest first
    self._moments = []
    self._files = []
    self._open = contextlib.ExitStack()
    self._folder = None

  def __enter__(self):
    self._folder = pathlib.Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="sliced-wasserstein-")))
    return self

  def __exit__(self, *_):
    self._open.close()

  def add(self, image):
    """Adds one image, float [H, W, 3] in [0, 1]."""
    self.add_whole(as_whole_image(image))

  def add_whole(self, image):
    """Adds one image, uint8 [H, W, 3].

    Raises:
      ValueError: an illegal size for the pyramid, or another size than before.
    """
    if self.size is None:
      self.levels = pyramid_sides(*image.shape[:2])
      self.size = image.shape[:2]
      self._moments = [Moments() for _ in self.levels]
      self._files = [self._open.enter_context(open(self._folder / f"{side}.patches", "w+b")) for side in self.levels]
    if image.shape[:2] != self.size:
      raise ValueError(f"image {self.count} is {image.shape[0]}x{image.shape[1]} and those before are "
                       f"{self.size[0]}x{self.size[1]} (height x width): expected one size")
    rng = np.random.default_rng([self.seed, POSITION_STREAM, self.stream, self.count])
    for level, moments, file in zip(laplacian_pyramid(image, len(self.levels)), self._moments, self._files):
      patches = random_patches(level, rng)
      moments.add(patches.reshape(-1, 3))
      file.write(np.ascontiguousarray(patches, np.float32).tobytes())
    self.count += 1

  def normalised(self, level):
    """Patches of a level, each colour with mean 0 and deviation 1 over the set: yields float32 [n, 147] in parts.

    Args:
      level: int, 0 for the finest.
    """
    mean = np.tile(self._moments[level].mean, PATCH * PATCH).astype(np.float32)
    deviation = np.sqrt(np.diag(self._moments[level].covariance(ddof=0)))
    factor = np.tile(1.0 / np.where(deviation > 0, deviation, 1.0), PATCH * PATCH).astype(np.float32)
    file, part = self._files[level], 256 * PATCHES  # 19 MB
    file.flush()
    for first in range(0, self.count * PATCHES, part):
      file.seek(first * COMPONENTS * 4)
      patches = np.frombuffer(file.read(part * COMPONENTS * 4), np.float32).reshape(-1, COMPONENTS)
      yield (patches - mean) * factor

  def sorted_projections(self, level, directions):
    """Projections of all patches of a level, sorted for each direction.

    Args:
      level: int, 0 for the finest.
      directions: float32 [147, d].
    Returns:
      float32 [d, 128 N].
    """
    projections = np.empty((directions.shape[1], self.count * PATCHES), np.float32)
    first = 0
    for patches in self.normalised(level):
      projections[:, first:first + len(patches)] = directions.T @ patches.T
      first += len(patches)
    for row in projections:
      row.sort()
    return projections


def distances(set_a, set_b, seed=0):
  """Distances of two PatchSets, as `sliced_wasserstein` returns them.

  Raises:
    ValueError: sets without images, or of different sizes or numbers of images.
  """
  if set_a.size != set_b.size or set_a.count != set_b.count or not set_a.count:
    raise ValueError(f"the sets hold {set_a.count} images of {_text(set_a.size)} and {set_b.count} of "
                     f"{_text(set_b.size)}: expected equal numbers and one size; cut the larger set")
  found = {side: 1000.0 * _level_distance(set_a, set_b, level, seed) for level, side in enumerate(set_a.levels)}
  return {**found, "average": float(np.mean(list(found.values())))}


def pyramid_sides(height, width):
  """Smaller sides of the levels of the pyramid, finest first: list of int.

  Raises:
    ValueError: an image below 16 pixels, or a side that is odd before it is halved.
  """
  sides = []
  level = (height, width)
  while min(level) >= SMALLEST:
    sides.append(min(level))
    if min(level) // 2 >= SMALLEST and (level[0] % 2 or level[1] % 2):
      raise ValueError(f"images are {height}x{width}, and a level of {level[0]}x{level[1]} cannot be halved: expected "
                       "sides that stay even down to a level below 32, such as powers of two; crop the images, or "
                       "resize both sets alike")
    level = (level[0] // 2, level[1] // 2)
  if not sides:
    raise ValueError(f"images are {height}x{width}: expected at least {SMALLEST} pixels on each side")
  return sides


def laplacian_pyramid(image, levels):
  """Differences of each level to the enlarged next one, and the coarsest level itself.

  cv2.pyrDown and cv2.pyrUp have the 5x5 kernel and the mirrored edges of the definition.

  Args:
    image: [H, W, 3], values 0..255.
    levels: int.
  Returns:
    list of float32 [H / 2^i, W / 2^i, 3], i = 0 .. levels - 1.
  """
  pyramid = [np.asarray(image, np.float32)]
  for _ in range(1, levels):
    below = cv2.pyrDown(pyramid[-1])
    pyramid[-1] = pyramid[-1] - cv2.pyrUp(below)
    pyramid.append(below)
  return pyramid


def random_patches(level, rng):
  """128 patches at random positions inside the level: [H, W, 3] -> [128, 7, 7, 3]."""
  rows = rng.integers(0, level.shape[0] - PATCH + 1, PATCHES)
  columns = rng.integers(0, level.shape[1] - PATCH + 1, PATCHES)
  windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH), axis=(0, 1))  # [H - 6, W - 6, 3, 7, 7]
  return windows[rows, columns].transpose(0, 2, 3, 1)


def random_directions(seed, level, repeat):
  """128 unit vectors, normal numbers divided by their length: float32 [147, 128]."""
  rng = np.random.default_rng([seed, DIRECTION_STREAM, level, repeat])
  directions = rng.standard_normal((COMPONENTS, DIRECTIONS))
  return (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)


def _level_distance(set_a, set_b, level, seed):
  """Mean over directions and ranks of |difference of sorted projections| of one level."""
  directions = np.concatenate([random_directions(seed, level, repeat) for repeat in range(REPEATS)], axis=1)
  at_once = max(1, PROJECTIONS // (set_a.count * PATCHES))
  total = 0.0
  for first in range(0, directions.shape[1], at_once):
    some = directions[:, first:first + at_once]
    difference = set_a.sorted_projections(level, some)
    difference -= set_b.sorted_projections(level, some)
    total += float(np.abs(difference, out=difference).mean(axis=1, dtype=np.float64).sum())
  return total / directions.shape[1]


def _text(size):
  return "any size" if size is None else f"{size[0]}x{size[1]}"
