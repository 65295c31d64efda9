"""Reconstruction without learning: interpolation between scattered pixels, and inpainting of a region."""

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

RADIUS = 3  # pixels around a missing one that Telea's method looks at


def interpolate(image, mask):
  """Fills missing pixels from scattered known ones: linear on their Delaunay triangles, nearest outside of them.

  Args:
    image: float [H, W, 3] in [0, 1].
    mask: float or bool [H, W, 1], 1 where the pixel is known.
  Returns:
    float32 [H, W, 3]; known pixels stay as they are.
  Raises:
    ValueError: no known pixel.
  """
  known = _known(mask)[..., 0]
  filled = np.array(image, np.float32)
  points, values = np.argwhere(known), filled[known]
  missing = np.argwhere(~known)
  if not len(missing):
    return filled
  found = NearestNDInterpolator(points, values)(missing)
  if np.linalg.matrix_rank(points - points[0]) == 2:  # triangles need points that are not on one line
    linear = LinearNDInterpolator(points, values)(missing)
    inside = np.isfinite(linear).all(axis=-1)
    found[inside] = linear[inside]
  filled[~known] = found
  return filled


def inpaint(image, mask):
  """Fills a missing region from its border: A. Telea, "An Image Inpainting Technique Based on the Fast Marching Method",
  Journal of Graphics Tools 9(1), 2004, as OpenCV has it.

  Args:
    image: float [H, W, 3] in [0, 1].
    mask: float or bool [H, W, 1], 1 where the pixel is known.
  Returns:
    float32 [H, W, 3]; known pixels stay as they are.
  Raises:
    ValueError: no known pixel.
  """
  known = _known(mask)
  pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
  filled = cv2.inpaint(pixels, (~known).astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)
  return np.where(known, np.asarray(image, np.float32), filled.astype(np.float32) / 255)


def _known(mask):
  """Bool [H, W, 1]."""
  known = np.asarray(mask)[..., :1] > 0.5
  if not known.any():
    raise ValueError("mask knows no pixel: expected at least one")
  return known
