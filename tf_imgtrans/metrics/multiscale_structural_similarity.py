"""MS-SSIM: multi-scale structural similarity, in the standard form and in the form of the DPED challenge.

Definition   prod_{j<5} cs_j^{w_j} * ssim_5^{w_5}: mean contrast-structure terms of the four finer scales and the
             mean SSIM of the coarsest one. A scale is made from the finer one by means of 2x2 pixels (an odd edge
             mirrored).
Range        0 to 1; identical images give 1. Higher is better. A negative mean (opposite structure) has no
             fractional power and counts as 0, as in tf.image.ssim_multiscale; DPED's script returns NaN.
Constants    weights .0448 .2856 .3001 .2363 .1333: Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multi-scale
             structural similarity for image quality assessment", Asilomar Conference on Signals, Systems and
             Computers, 2003, Sec. 3.2. They sum to 1.0001 and are used as published. Window and K1, K2 as in SSIM.
"standard"   11x11 window on every scale, so that the coarsest map needs 11 pixels: images of 161 pixels or more
             on each side. The product is taken per channel and then averaged over channels.
"dped"       The script of DPED and of the PIRM 2018 challenge on smartphones (ssim.py, from the msssim.py of the
             old TensorFlow models): on a map smaller than 11 the window is as large as the map and sigma = 1.5
             size / 11; 100-pixel patches have maps of 100, 50, 25, 13 and 7. Means run over positions and
             channels, then the product is taken. 11 pixels or more on each side.
Protocol     per image, float64, no clipping and no rounding; "y" is studio luma 16..235 with dynamic range 255.
Comparable   "standard" with tf.image.ssim_multiscale on the same RGB images; "dped" with the MS-SSIM (often
             published as "SSIM") of the DPED and PIRM 2018 tables. The two differ on RGB images of any size,
             slightly.
"""

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.metrics.filters import gaussian_taps, mean_of_2x2
from tf_imgtrans.metrics.images import as_image_pair, check_channel, rgb_or_luma
from tf_imgtrans.metrics.structural_similarity import WINDOW_SIGMA, WINDOW_SIZE, similarity_per_channel

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])

# ceil(161 / 16) = 11: the window fits the coarsest of five scales.
MINIMUM_SIDE = {"standard": 161, "dped": WINDOW_SIZE}


def ms_ssim(y_true: ArrayLike, y_pred: ArrayLike, channel: str = "rgb", variant: str = "standard") -> np.ndarray:
  """Multi-scale structural similarity of each image pair.

  Args:
    y_true: float [N, H, W, 3] in [0, 1], RGB; 161 pixels or more on each side ("dped": 11).
    y_pred: float [N, H, W, 3], slight overshoot measured as it is.
    channel: "rgb", or "y" for BT.601 studio-range luma with dynamic range 255.
    variant: "standard", or "dped" whose window shrinks on maps smaller than 11.
  Returns:
    float64 [N].
  """
  check_channel(channel)
  if variant not in MINIMUM_SIDE:
    raise unknown_name("MS-SSIM variant", variant, MINIMUM_SIDE)
  y_true, y_pred = as_image_pair(y_true, y_pred)
  _, height, width, _ = y_true.shape
  _check_size(height, width, variant)
  return np.array([_ms_ssim_of_one(true, pred, channel, variant) for true, pred in zip(y_true, y_pred)])


def _check_size(height, width, variant):
  minimum = MINIMUM_SIDE[variant]
  if min(height, width) < minimum:
    hint = '; variant="dped" (ms_ssim_dped) takes 100-pixel patches' if variant == "standard" else ""
    raise ValueError(f'images are {height}x{width}: five scales of MS-SSIM "{variant}" need at least {minimum} '
                     f"pixels on each side{hint}")


def _ms_ssim_of_one(true, pred, channel, variant):
  (true, dynamic_range), (pred, _) = rgb_or_luma(true, channel), rgb_or_luma(pred, channel)
  factors = []
  for scale in range(len(WEIGHTS)):
    if scale:
      true, pred = mean_of_2x2(true), mean_of_2x2(pred)
    size = min(WINDOW_SIZE, *true.shape[:2])
    taps = gaussian_taps(size, WINDOW_SIGMA * size / WINDOW_SIZE)
    similarity, contrast_structure = similarity_per_channel(true, pred, dynamic_range, taps)
    factors.append(similarity if scale == len(WEIGHTS) - 1 else contrast_structure)
  factors = np.stack(factors, axis=-1)  # [C, 5]
  if variant == "dped":
    factors = factors.mean(axis=0, keepdims=True)
  return np.prod(np.maximum(factors, 0.0) ** WEIGHTS, axis=-1).mean()
