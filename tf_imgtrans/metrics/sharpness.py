"""Sharpness: how much fine detail an image has, relative to its target.

Definition   standard deviation over the pixels of the luma less the mean of its four neighbours (`core.color.fine_detail`),
             of the output over that of the target.
Range        0 for a flat output, 1 for as much detail as the target has; above it for more, noise and artefacts included.
Comparable   with itself alone: a ratio for sentences such as "blurrier than bicubic interpolation", not a quality.
"""

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.core.color import fine_detail, full_range_luma
from tf_imgtrans.metrics.images import as_image_pair

MINIMUM_SIDE = 3  # pixels


def sharpness(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
  """Fine detail of each image over that of its target.

  Args:
    y_true: float [N, H, W, 3] in [0, 1], RGB, H and W at least 3.
    y_pred: float [N, H, W, 3].
  Returns:
    float64 [N]; nan where the target is flat.
  Raises:
    ValueError: smaller images, or others than `psnr` takes.
  """
  y_true, y_pred = as_image_pair(y_true, y_pred)
  if min(y_true.shape[1:3]) < MINIMUM_SIDE:
    raise ValueError(f"images are {y_true.shape[1]}x{y_true.shape[2]}: expected at least {MINIMUM_SIDE} pixels a side for "
                     "sharpness")
  true, pred = (np.array([fine_detail(full_range_luma(image)).std() for image in images]) for images in (y_true, y_pred))
  with np.errstate(divide="ignore", invalid="ignore"):
    return np.where(true > 0, pred / true, np.nan)
