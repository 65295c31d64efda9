"""Scores of output pictures against targets, as training, `evaluate` and `quickstart` report them."""

import math

import numpy as np

from tf_imgtrans.metrics.natural_image_quality import BLOCK, niqe
from tf_imgtrans.metrics.registry import find_metric

DEFAULT = ("psnr", "ssim", "niqe")


def scores(targets, outputs, names=DEFAULT, niqe_parameters=None):
  """Scores every picture.

  NIQE needs two 96x96 blocks of a picture. Where any picture is smaller, the middles of all of them are laid into one
  montage, which gets one value.

  Args:
    targets, outputs: lists of float [H, W, 3] in [0, 1]; `targets` is None without references.
    names: metrics.
    niqe_parameters: path of another pristine model for NIQE.
  Returns:
    dict of name to list of floats, one per picture (one in all for a montage, none for too little); identical pictures
    have a PSNR of inf.
  """
  found = {}
  for name in names:
    metric = find_metric(name)
    if metric.full_reference:
      found[name] = [float(metric(target[None], output[None])[0]) for target, output in zip(targets, outputs)]
    else:
      found[name] = [_niqe(sheet, niqe_parameters) for sheet in niqe_sheets(outputs)]
  return found


def niqe_sheets(pictures):
  """What NIQE is measured on: the pictures where each holds two blocks, else one montage of all, else nothing."""
  if all(_blocks(picture) >= 2 for picture in pictures):
    return pictures
  return [montage(pictures)] if sum(_blocks(picture) >= 1 for picture in pictures) >= 2 else []


def _niqe(picture, parameters):
  """NIQE of one picture; nan where it is too flat to be measured."""
  try:
    return float(niqe(picture[None], parameters=parameters)[0])
  except ValueError:
    return math.nan


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
