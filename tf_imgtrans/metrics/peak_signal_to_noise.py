"""PSNR: peak signal-to-noise ratio.

Definition   10 log10(peak^2 / mean squared error), the mean over every pixel and channel of one image.
Range        from about 0 dB to infinity; identical images give infinity. Higher is better.
Constants    peak 1 for "rgb" (images in [0, 1]); peak 255 for "y", the BT.601 luma in studio range 16..235 (ITU-R
             BT.601 weights, `core.color.STUDIO_LUMA`). Both are common in the super-resolution literature,
             where the peak is 255 although studio luma spans only 219.
Protocol     per image, float64, no clipping and no rounding to 8 bits; `crop_border` pixels are left out on each
             side (super-resolution by a factor s usually leaves out s).
Comparable   "rgb" with any RGB PSNR of [0, 1] or 0..255 images of the same rounding; "y" with MATLAB's rgb2ycbcr
             PSNR except that MATLAB rounds the luma (about 0.01 dB lower at 30 dB, 0.1 dB at 40 dB). "rgb" and
             "y" are not comparable with each other, nor are different borders. The mean over a set that holds an
             identical pair is infinite: state whether such pairs are left out.
"""

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.metrics.images import as_image_pair, check_channel, crop, rgb_or_luma


def psnr(y_true: ArrayLike, y_pred: ArrayLike, channel: str = "rgb", crop_border: int = 0) -> np.ndarray:
  """Peak signal-to-noise ratio of each image pair, in dB.

  Args:
    y_true: float [N, H, W, 3] in [0, 1], RGB.
    y_pred: float [N, H, W, 3], slight overshoot measured as it is.
    channel: "rgb", or "y" for BT.601 studio-range luma with peak 255.
    crop_border: int, pixels left out on each side.
  Returns:
    float64 [N]; infinity for identical images.
  """
  check_channel(channel)
  y_true, y_pred = as_image_pair(y_true, y_pred)
  pairs = zip(crop(y_true, crop_border), crop(y_pred, crop_border))
  return np.array([_psnr_of_one(true, pred, channel) for true, pred in pairs])


def _psnr_of_one(true, pred, channel):
  (true, peak), (pred, _) = rgb_or_luma(true, channel), rgb_or_luma(pred, channel)
  with np.errstate(divide="ignore"):
    return 10.0 * np.log10(peak ** 2 / np.mean((true - pred) ** 2))
