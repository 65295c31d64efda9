"""How strongly an image carries a periodic lattice, as layers that write 2x2 or 4x4 pixels at once can draw it."""

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.core.color import full_range_luma

PERIOD = 4  # pixels; its harmonics have periods of 4 and 2
NEAR = 7  # frequencies to either side that the median of the neighbourhood is taken over
CORE = 1  # frequencies to either side of a peak that do not belong to its neighbourhood


def lattice(images: ArrayLike) -> np.ndarray:
  """Power at frequencies of period 4 and 2 over the median power of their neighbourhood, the largest of them.

  1 where these frequencies are as strong as those beside them; photographs as cameras take them lie between 0.2 and a
  few. The spectrum is that of the luma (BT.601) under a Hann window, whose sides are cut to multiples of 4.

  Args:
    images: float [N, H, W, 3] in [0, 1], H and W at least 64.
  Returns:
    float64 [N].
  Raises:
    ValueError: a smaller image.
  """
  images = np.asarray(images, np.float64)
  height, width = (side // PERIOD * PERIOD for side in images.shape[1:3])
  if min(height, width) < 64:
    raise ValueError(f"images are {images.shape[1]}x{images.shape[2]}: expected at least 64 pixels a side for lattice")
  window = np.hanning(height)[:, None] * np.hanning(width)
  peaks = [(row * height // PERIOD, column * width // PERIOD) for row in range(PERIOD) for column in range(PERIOD)]
  found = []
  for image in images:
    grey = full_range_luma(image[:height, :width])
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    found.append(max(_over_neighbourhood(power, *peak) for peak in peaks[1:]))
  return np.array(found)


def _over_neighbourhood(power, row, column):
  height, width = power.shape
  reach = np.arange(-NEAR, NEAR + 1)
  around = power[np.ix_((row + reach) % height, (column + reach) % width)]
  inner = slice(NEAR - CORE, NEAR + CORE + 1)
  kept = np.ones(around.shape, bool)
  kept[inner, inner] = False
  return around[NEAR, NEAR] / np.median(around[kept])
