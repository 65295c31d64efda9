"""Scores of output images against targets, as training, `evaluate` and `quickstart` report them."""

import math

import numpy as np

from tf_imgtrans.metrics.natural_image_quality import BLOCK, niqe
from tf_imgtrans.metrics.registry import find_metric

DEFAULT = ("psnr", "ssim", "niqe")


class Scores:
  """Scores of images that come one at a time.

  NIQE needs two 96x96 blocks of an image. If any image is smaller, the centres of all images are joined into one
  montage, which gets one value.

  Args:
    names: metrics.
    niqe_parameters: path of another pristine model for NIQE.
  """

  def __init__(self, names=DEFAULT, niqe_parameters=None):
    self._metrics = [find_metric(name) for name in names]
    self._parameters = niqe_parameters
    self._values = {name: [] for name in names}
    self._middles = []
    self.montage = False  # whether NIQE is measured on a montage

  def add(self, target, output):
    """Scores one output, float [H, W, 3] in [0, 1], against its target; the target is None without a reference."""
    for metric in self._metrics:
      if metric.full_reference:
        self._values[metric.name].append(float(metric(target[None], output[None])[0]))
      else:
        self._add_niqe(output)

  def values(self):
    """dict of metric to list of floats: one per image; for NIQE on a montage, one in all, or none if there are too few
    images.

    Identical images have a PSNR of inf, flat ones a NIQE of nan.
    """
    if not self.montage:
      return self._values
    return {**self._values, "niqe": [self._niqe(montage(self._middles))] if len(self._middles) > 1 else []}

  def means(self):
    """dict of metric to the mean of its finite values; a metric without finite values is left out."""
    means = {name: finite_mean(values) for name, values in self.values().items()}
    return {name: mean for name, mean in means.items() if mean is not None}

  def _add_niqe(self, output):
    blocks = (output.shape[0] // BLOCK) * (output.shape[1] // BLOCK)
    self.montage = self.montage or blocks < 2
    if blocks:
      top, left = ((size - BLOCK) // 2 for size in output.shape[:2])
      self._middles.append(output[top:top + BLOCK, left:left + BLOCK].copy())
    if not self.montage:
      self._values["niqe"].append(self._niqe(output))

  def _niqe(self, image):
    try:
      return float(niqe(image[None], parameters=self._parameters)[0])
    except ValueError:  # too flat to be measured
      return math.nan


def finite_mean(values):
  """Mean of the finite values; None without any."""
  finite = [value for value in values if math.isfinite(value)]
  return math.fsum(finite) / len(finite) if finite else None


def mean_scores(targets, outputs, names=DEFAULT):
  """Means of the metrics over lists of images, as `Scores.means`."""
  scores = Scores(names)
  for target, output in zip(targets, outputs):
    scores.add(target, output)
  return scores.means()


def montage(tiles):
  """Arranges tiles of one size in a nearly square sheet; the last row may be incomplete."""
  columns = math.isqrt(len(tiles))
  rows = len(tiles) // columns
  return np.concatenate([np.concatenate(tiles[row * columns:(row + 1) * columns], axis=1) for row in range(rows)], axis=0)
