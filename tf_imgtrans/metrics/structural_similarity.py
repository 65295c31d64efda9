"""SSIM: structural similarity.

Definition   mean over positions of (2 m_x m_y + C1)(2 s_xy + C2) / ((m_x^2 + m_y^2 + C1)(s_x^2 + s_y^2 + C2)),
             with means m, variances s^2 and covariance s_xy under a Gaussian window; C1 = (K1 L)^2, C2 = (K2
             L)^2.
Range        -1 to 1; identical images give 1. Higher is better.
Constants    11x11 window, sigma 1.5, K1 0.01, K2 0.03: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli,
             "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on
             Image Processing 13(4), 2004, Sec. III-B and III-C. L is 1 for "rgb" and 255 for "y" (studio luma
             16..235).
Protocol     per image, float64; population moments of the normalised window (no N / (N - 1) factor); only
             positions where the whole window lies inside count; "rgb" is the mean over the three channels. No
             clipping, no rounding, no downsampling of large images beforehand.
Comparable   with scikit-image (gaussian_weights=True, sigma=1.5, use_sample_covariance=False) and with
             tf.image.ssim, which use the same window and borders. Not with a 7x7 uniform window, grey images, or
             the authors' script, which first shrinks images to about 256 pixels. Values of MS-SSIM are higher:
             papers that publish an "SSIM" above 0.9 for phone photographs often mean MS-SSIM.
"""

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.metrics.filters import filter_valid, gaussian_taps
from tf_imgtrans.metrics.images import as_image_pair, check_channel, crop, rgb_or_luma

WINDOW_SIZE = 11
WINDOW_SIGMA = 1.5
K1 = 0.01
K2 = 0.03


def ssim(y_true: ArrayLike, y_pred: ArrayLike, channel: str = "rgb", crop_border: int = 0) -> np.ndarray:
  """Structural similarity of each image pair.

  Args:
    y_true: float [N, H, W, 3] in [0, 1], RGB; 11 pixels or more on each side inside the border.
    y_pred: float [N, H, W, 3], slight overshoot measured as it is.
    channel: "rgb" (mean over channels), or "y" for BT.601 studio-range luma with dynamic range 255.
    crop_border: int, pixels left out on each side.
  Returns:
    float64 [N].
  """
  check_channel(channel)
  y_true, y_pred = as_image_pair(y_true, y_pred)
  pairs = zip(crop(y_true, crop_border, WINDOW_SIZE), crop(y_pred, crop_border, WINDOW_SIZE))
  taps = gaussian_taps(WINDOW_SIZE, WINDOW_SIGMA)
  return np.array([_ssim_of_one(true, pred, channel, taps) for true, pred in pairs])


def _ssim_of_one(true, pred, channel, taps):
  (true, dynamic_range), (pred, _) = rgb_or_luma(true, channel), rgb_or_luma(pred, channel)
  similarity, _ = similarity_per_channel(true, pred, dynamic_range, taps)
  return similarity.mean()


def similarity_per_channel(true, pred, dynamic_range, taps):
  """Mean SSIM and mean contrast-structure term of one scale, per channel.

  Args:
    true: float64 [H, W, C].
    pred: float64 [H, W, C].
    dynamic_range: float, L of C1 and C2.
    taps: float64 [size], the window's taps; size at most H and W.
  Returns:
    (float64 [C], float64 [C]): means over positions of luminance * contrast-structure, and of contrast-structure.
  """
  c1, c2 = (K1 * dynamic_range) ** 2, (K2 * dynamic_range) ** 2
  mean_true, mean_pred = filter_valid(true, taps), filter_valid(pred, taps)
  product = mean_true * mean_pred
  squares = mean_true ** 2 + mean_pred ** 2
  # Only the sum of the two variances enters, so that one filter serves both.
  covariance = filter_valid(true * pred, taps) - product
  variances = filter_valid(true ** 2 + pred ** 2, taps) - squares
  contrast_structure = (2 * covariance + c2) / (variances + c2)
  similarity = (2 * product + c1) / (squares + c1) * contrast_structure
  return similarity.mean(axis=(0, 1)), contrast_structure.mean(axis=(0, 1))
