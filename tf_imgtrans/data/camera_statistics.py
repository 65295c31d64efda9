"""How one camera's photographs differ from another's of the same scenes: what `data.degradations.phone_camera` imitates."""

from collections.abc import Iterable

import numpy as np

from tf_imgtrans.core.color import LUMA_BT601, fine_detail
from tf_imgtrans.data.degradations import GAMMA

BLOCK = 10  # pixels: side of the means that contrast and saturation are measured on, as pairs are not aligned to a pixel
ENDS = (0.02, 0.98)  # values beyond are near black or clipped, and tell nothing of exposure
FLAT = 0.02  # standard deviation below which an image tells nothing
GREY = 0.01  # mean distance from luma below which an image tells nothing of saturation


def camera_statistics(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
  """What separates the two images of each pair, in the units of `phone_camera`.

  Exposure and gains are ratios of mean light (value ** 2.2) of the pixels that neither image clips. The target with these
  applied is compared with the source for the rest: contrast and saturation on means of 10x10 pixels, and "sharpness", the
  ratio of the standard deviations of what a pixel differs from the mean of its four neighbours by: blur lowers it, noise
  raises it.

  Args:
    pairs: (source, target), float [H, W, 3] in [0, 1] of one scene; flat pairs are left out.
  Returns:
    dict of "exposure" (stops), "red_gain", "blue_gain" (green being 1), "contrast", "saturation" and "sharpness"
    (factors) to float64 [P], one value for each pair; nan where a pair has none.
  """
  names = ("exposure", "red_gain", "blue_gain", "contrast", "saturation", "sharpness")
  rows = [row for source, target in pairs if (row := _differences(np.float64(source), np.float64(target)))]
  return dict(zip(names, np.array(rows, np.float64).reshape(-1, len(names)).T))


def _differences(source, target):
  if min(source.std(), target.std()) < FLAT:
    return None
  clear = np.all([(image > ENDS[0]) & (image < ENDS[1]) for image in (source, target)], axis=(0, -1))
  if clear.mean() < 0.3:
    return None
  ratio = (source[clear] ** GAMMA).mean(axis=0) / (target[clear] ** GAMMA).mean(axis=0)
  exposed = np.clip(target ** GAMMA * ratio, 0, 1) ** (1 / GAMMA)
  (grey, color), (expected_grey, expected_color) = (_coarse(image) for image in (source, exposed))
  saturation = color / expected_color if expected_color > GREY else np.nan
  return (np.log2(ratio[1]), ratio[0] / ratio[1], ratio[2] / ratio[1], grey / expected_grey, saturation,
          fine_detail(source @ LUMA_BT601).std() / fine_detail(exposed @ LUMA_BT601).std())


def _coarse(image):
  """Standard deviation of the luma, and mean distance from luma, of means over blocks."""
  height, width = (side // BLOCK for side in image.shape[:2])
  blocks = image[:height * BLOCK, :width * BLOCK].reshape(height, BLOCK, width, BLOCK, 3).mean(axis=(1, 3))
  luma = blocks @ LUMA_BT601
  return luma.std(), np.abs(blocks - luma[..., None]).mean()
