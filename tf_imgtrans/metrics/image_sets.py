"""Sets of images: read one at a time as 8-bit images, and the running mean and covariance of their features."""

import numpy as np

from tf_imgtrans.core.images import to_uint8
from tf_imgtrans.metrics.images import as_images


def as_whole_image(image, what="image"):
  """One image as a saved file holds it: float [H, W, 3] in [0, 1] -> uint8 [H, W, 3], clipped and rounded half up.

  Published values of the metrics of sets are measured on 8-bit files.

  Raises:
    ValueError: not [H, W, 3], integers, non-finite, or far outside [0, 1].
  """
  image = np.asarray(image)
  if image.ndim != 3:
    raise ValueError(f"{what} has shape {image.shape}: expected [height, width, 3]; give a set as one array "
                     "[N, height, width, 3] or as an iterable of single images")
  return to_uint8(as_images(image[None], what)[0])


def iterate_set(images, what="images"):
  """Reads a set one image at a time: yields uint8 [H, W, 3].

  Args:
    images: float array [N, H, W, 3] in [0, 1], or any iterable of float [H, W, 3] in [0, 1], all of one size; a
      generator is never held in memory as a whole.
    what: str, the argument's name in messages.
  Raises:
    ValueError: no image, an illegal image, or two sizes; the message has the image's number, from 0.
  """
  size = None
  for number, image in enumerate(images):
    image = as_whole_image(image, f"{what}[{number}]")
    size = size or image.shape[:2]
    if image.shape[:2] != size:
      raise ValueError(f"{what}[{number}] is {image.shape[0]}x{image.shape[1]} and {what}[0] {size[0]}x{size[1]} "
                       "(height x width): expected one size for the whole set; crop or resize the images first")
    yield image
  if size is None:
    raise ValueError(f"{what} hold no image: expected at least one")


class Moments:
  """Mean and covariance of rows that come in parts, in float64; memory is one matrix whatever the number of rows.

  Parts are merged by the pairwise update of T. F. Chan, G. H. Golub, R. J. LeVeque (1979), which avoids the
  cancellation of E[x^2] - E[x]^2.

  Attributes:
    count: int, rows so far.
    mean: float64 [D].
  """

  def __init__(self):
    self.count = 0
    self.mean = None
    self._scatter = None  # sum of (x - mean)(x - mean)^T

  def add(self, rows):
    """Adds rows, float [n, D].

    Raises:
      ValueError: another shape, another D than before, or values that are not finite.
    """
    rows = np.asarray(rows, np.float64)
    dimensions = "D" if self.mean is None else len(self.mean)
    if rows.ndim != 2 or dimensions not in ("D", rows.shape[1]):
      raise ValueError(f"rows have shape {rows.shape}: expected [n, {dimensions}]")
    if not np.isfinite(rows).all():
      raise ValueError("rows hold values that are not finite: expected finite features")
    if not len(rows):
      return
    mean = rows.mean(axis=0)
    centred = rows - mean
    scatter = centred.T @ centred
    if self.mean is None:
      self.count, self.mean, self._scatter = len(rows), mean, scatter
      return
    total = self.count + len(rows)
    shift = mean - self.mean
    self._scatter += scatter + np.outer(shift, shift) * (self.count * len(rows) / total)
    self.mean = self.mean + shift * (len(rows) / total)
    self.count = total

  def covariance(self, ddof=1):
    """Covariance float64 [D, D], the sum divided by count - ddof; 1 as `np.cov`.

    Raises:
      ValueError: ddof rows or fewer.
    """
    if self.count <= ddof:
      raise ValueError(f"the set holds {self.count} image(s): a covariance needs at least {ddof + 1}")
    return self._scatter / (self.count - ddof)
