"""Separable Gaussian filters and halving, in float64."""

import numpy as np
from scipy.ndimage import correlate1d


def gaussian_taps(size, sigma):
  """`size` samples of a Gaussian centred on the window, summing to 1: float64 [size].

  The outer product of the taps with themselves is the normalised 2-D window. An even size has its centre between
  the two middle taps.
  """
  offsets = np.arange(size) - (size - 1) / 2
  taps = np.exp(-0.5 * (offsets / sigma) ** 2)
  return taps / taps.sum()


def filter_valid(image, taps):
  """Filters height and width where the window lies inside: [H, W, ...] -> [H - size + 1, W - size + 1, ...]."""
  before = len(taps) // 2
  for axis in (0, 1):
    length = image.shape[axis] - len(taps) + 1
    inside = (slice(None),) * axis + (slice(before, before + length),)
    image = correlate1d(image, taps, axis=axis, mode="nearest")[inside]
  return image


def filter_same(image, taps):
  """Filters height and width with edge pixels repeated outside: shape kept."""
  for axis in (0, 1):
    image = correlate1d(image, taps, axis=axis, mode="nearest")
  return image


def mean_of_2x2(image):
  """Means of 2x2 pixels, the edge mirrored if a side is odd: [H, W, ...] -> [ceil(H / 2), ceil(W / 2), ...]."""
  height, width = image.shape[:2]
  image = np.pad(image, [(0, height % 2), (0, width % 2)] + [(0, 0)] * (image.ndim - 2), mode="symmetric")
  return (image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]) / 4


# Keys' cubic with a = -0.5, stretched twofold against aliasing, at the distances 0.25, 0.75, 1.25 and 1.75 (in
# pixels of the half-size image) from an output pixel: (111, 29, -9, -3) / 256 on either side. They sum to 1.
HALVING_TAPS = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256


def halve_bicubic(image):
  """Half-size image by antialiased bicubic interpolation, edges mirrored, as MATLAB's imresize(image, 0.5).

  Args:
    image: float [H, W], H and W even.
  Returns:
    float64 [H / 2, W / 2].
  """
  image = np.asarray(image, np.float64)
  for axis in (0, 1):
    # origin -1: output 2j reads pixels 2j - 3 .. 2j + 4, around 2j + 0.5, the centre of half-size pixel j.
    image = correlate1d(image, HALVING_TAPS, axis=axis, mode="reflect", origin=-1)
    image = image[(slice(None),) * axis + (slice(None, None, 2),)]
  return image
