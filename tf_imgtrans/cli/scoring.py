"""Scores of output pictures against targets, as training, `evaluate` and `quickstart` report them."""

import math

import numpy as np

from tf_imgtrans.metrics.natural_image_quality import BLOCK, niqe
from tf_imgtrans.metrics.registry import find_metric

DEFAULT = ("psnr", "ssim", "niqe")


def scores(targets, outputs, names=DEFAULT):
  """Scores every picture.

  NIQE needs two 96x96 blocks of a picture. Where any picture is smaller, the middles of all of them are laid into one
  montage, which gets one value.

  Args:
    targets, outputs: lists of float [H, W, 3] in [0, 1]; `targets` is None without references.
    names: metrics.
  Returns:
    dict of name to list of floats, one per picture (one in all for a montage); identical pictures have a PSNR of inf.
  """
  found = {}
  for name in names:
    metric = find_metric(name)
    if metric.full_reference:
      found[name] = [float(metric(target[None], output[None])[0]) for target, output in zip(targets, outputs)]
    elif all(_blocks(output) >= 2 for output in outputs):
      found[name] = [float(metric(None, output[None])[0]) for output in outputs]
    elif sum(_blocks(output) >= 1 for output in outputs) >= 2:
      found[name] = [float(niqe(montage(outputs)[None])[0])]
    else:
      found[name] = [math.nan]
  return found


def mean_scores(targets, outputs, names=DEFAULT):
  """Mean of every metric over its finite values; a metric without any is left out."""
  means = {}
  for name, values in scores(targets, outputs, names).items():
    finite = [value for value in values if math.isfinite(value)]
    if finite:
      means[name] = math.fsum(finite) / len(finite)
  return means


def montage(pictures):
  """Lays the middle 96x96 pixels of each picture, NIQE's block, into a nearly square sheet; the last row may be cut."""
  tiles = []
  for picture in pictures:
    top, left = ((size - BLOCK) // 2 for size in picture.shape[:2])
    if min(top, left) >= 0:
      tiles.append(picture[top:top + BLOCK, left:left + BLOCK])
  columns = max(1, math.isqrt(len(tiles)))
  rows = len(tiles) // columns
  return np.concatenate([np.concatenate(tiles[row * columns:(row + 1) * columns], axis=1) for row in range(rows)], axis=0)


def _blocks(picture):
  return (picture.shape[0] // BLOCK) * (picture.shape[1] // BLOCK)
