"""NIQE: naturalness image quality evaluator, without a reference.

Definition   A. Mittal, R. Soundararajan, A. C. Bovik, "Making a completely blind image quality analyzer", IEEE
             Signal Processing Letters 20(3), 2013. Distance sqrt(d^T pinv((S_1 + S_2) / 2) d), d = m_1 - m_2,
             between two Gaussian models (mean m, covariance S) of 36 features: of pristine photographs, and of
             the blocks of the image.
Range        0 and up, natural photographs about 2 to 5. Lower is better. It measures statistics of natural
             scenes, not similarity to a target.
Constants    96x96 blocks without overlap, 7x7 Gaussian with sigma 7/6, stabiliser 1 on the scale 0..255, two
             scales, shape grid 0.2 .. 10 in steps of 0.001: the paper and its release. Pristine mean and
             covariance: the published figures of the LIVE release, in niqe_pristine.npz (its `origin` names
             them).
Features     per block and scale: normalise (I - mean) / (deviation + 1); fit an asymmetric generalised Gaussian
             to it (shape, mean of the two scales) and to its products with the neighbours right, below and on
             both diagonals (shape, mean, left and right scale). The second scale is the half-size image, MATLAB's
             bicubic.
Protocol     per image, float64. The release reads 8-bit files, so the image is rounded to whole steps of 0..255
             as in a saved file (not clipped), then its luma is rounded again, halves up: "y" the BT.601 studio
             luma 16..235 (habit of super-resolution papers), "gray" full-range luma. The image is cut at the
             bottom and on the right to whole blocks. A block without texture cannot be fitted: it is left out
             of the covariance and of the means of its missing values.
Minimum      two 96x96 blocks inside the border, as a covariance needs two.
Comparable   with BasicSR 1.4.2 for the same channel and border, which states agreement with the MATLAB release;
             to 1e-5 on photographs without flat areas, and to some 1e-3 with them, where the rounding noise of a
             filter can look like texture (BasicSR's own float32 and float64 runs differ by 1e-2 there; here flat
             areas are exactly zero). "y" and "gray" are not comparable with each other. Depends on the number of
             blocks: a mean over montages of patches is not a mean over photographs, so state which was measured.
"""

import functools
import pathlib

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gamma

from tf_imgtrans.core.archives import Arrays
from tf_imgtrans.core.color import full_range_luma, studio_luma
from tf_imgtrans.metrics.filters import filter_same, gaussian_taps, halve_bicubic
from tf_imgtrans.metrics.images import as_images, check_channel, crop

BLOCK = 96
FEATURES = 36
PRISTINE = pathlib.Path(__file__).with_name("niqe_pristine.npz")

# Moment ratio of the generalised Gaussian for each shape of the grid: increasing, so a search finds the nearest.
SHAPES = 0.2 + 0.001 * np.arange(9801)
SHAPE_RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))

# Shifts of the block (down, right) to its neighbours in the product features.
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(images: ArrayLike, channel: str = "y", crop_border: int = 0,
         parameters: str | pathlib.Path | None = None) -> np.ndarray:
  """Naturalness image quality evaluator of each image; lower is better.

  Args:
    images: float [N, H, W, 3] in [0, 1], RGB; at least two whole 96x96 blocks inside the border.
    channel: "y" for BT.601 studio-range luma, "gray" for full-range luma.
    crop_border: int, pixels left out on each side.
    parameters: path of an .npz with another pristine model (`mean` [36] and `covariance` [36, 36], or the release's
      names `mu_pris_param` and `cov_pris_param`); None for the package's own.
  Returns:
    float64 [N].
  """
  check_channel(channel, ("y", "gray"))
  model = read_pristine(PRISTINE if parameters is None else parameters)
  images = crop(as_images(images), crop_border)
  _, height, width, _ = images.shape
  _check_blocks(height, width, crop_border)
  return np.array([_niqe_of_one(image, channel, *model) for image in images])


def _check_blocks(height, width, crop_border):
  blocks = (height // BLOCK) * (width // BLOCK)
  if blocks < 2:
    border = f" inside crop_border {crop_border}" if crop_border else ""
    raise ValueError(f"images are {height}x{width}{border}, which holds {blocks} whole {BLOCK}x{BLOCK} block(s): "
                     f"NIQE needs at least two ({BLOCK}x{2 * BLOCK}); measure the full photograph or a montage of "
                     "patches")


def read_pristine(path):
  """Reads a pristine model: (mean float64 [36], covariance float64 [36, 36]).

  Args:
    path: str or Path of an .npz, as `parameters` of `niqe`.
  Raises:
    FileNotFoundError: no such file.
    ValueError: not such a file, or figures of another shape, non-finite, or a covariance that is not symmetric.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"no NIQE parameters at {path}: expected an .npz of mean [36] and covariance [36, 36]")
  return _read_pristine(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read_pristine(path, _modified):
  try:
    file = Arrays(path)
    names = ("mean", "covariance") if "mean" in file.names else ("mu_pris_param", "cov_pris_param")
    mean, covariance = (np.asarray(file[name], np.float64) for name in names)
  except (KeyError, ValueError, TypeError, OSError) as error:
    raise ValueError(f"{path} holds no NIQE parameters ({error}): expected an .npz with arrays mean [{FEATURES}] "
                     f"and covariance [{FEATURES}, {FEATURES}]") from None
  if mean.size != FEATURES or covariance.shape != (FEATURES, FEATURES):
    raise ValueError(f"{path} holds a mean of shape {mean.shape} and a covariance of shape {covariance.shape}: "
                     f"expected [{FEATURES}] and [{FEATURES}, {FEATURES}]")
  if not (np.isfinite(mean).all() and np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
    raise ValueError(f"{path} holds non-finite figures or a covariance that is not symmetric")
  mean.flags.writeable = covariance.flags.writeable = False  # shared by all later calls
  return mean.reshape(FEATURES), covariance


def _niqe_of_one(image, channel, mean, covariance):
  features = block_features(whole_luma(image, channel))
  complete = features[~np.isnan(features).any(axis=1)]
  if len(complete) < 2:
    raise ValueError(f"{len(complete)} of {len(features)} blocks of the image have texture: NIQE needs at least "
                     "two; flat and synthetic images have no natural statistics")
  return gaussian_distance(mean, covariance, np.nanmean(features, axis=0), np.cov(complete, rowvar=False))


def whole_luma(image, channel):
  """Luma in whole steps of 0..255 of an image in whole steps of 1/255: float [H, W, 3] -> float64 [H, W]."""
  image = np.round(np.asarray(image, np.float64) * 255.0) / 255.0
  luma = studio_luma(image) if channel == "y" else 255.0 * full_range_luma(image)
  # Luma of 8-bit colours has steps of 4e-6 or more, so that 1e-9 rounds exactly the halves up, as MATLAB does.
  return np.floor(luma + 0.5 + 1e-9)


def gaussian_distance(mean_a, covariance_a, mean_b, covariance_b):
  """Distance of two Gaussian models, Eq. 10: sqrt(d^T pinv((S_a + S_b) / 2) d), d = mean_a - mean_b."""
  difference = mean_a - mean_b
  return np.sqrt(difference @ np.linalg.pinv((covariance_a + covariance_b) / 2) @ difference)


def block_features(luma):
  """The 36 features of each block: float [H, W] in 0..255 -> float64 [blocks, 36], NaN if a fit has no data."""
  height, width = (side // BLOCK * BLOCK for side in luma.shape)
  luma = luma[:height, :width]
  scales = []
  for image, block in ((luma, BLOCK), (halve_bicubic(luma), BLOCK // 2)):
    scales.append(_scale_features(split_blocks(normalised_contrast(image), block)))
  return np.concatenate(scales, axis=1)


def normalised_contrast(luma):
  """Mean-subtracted contrast-normalised coefficients, Eq. 1: float [H, W] -> float64 [H, W]."""
  taps = gaussian_taps(7, 7 / 6)
  mean = filter_same(luma, taps)
  deviation = np.sqrt(np.abs(filter_same(luma ** 2, taps) - mean ** 2))
  difference = luma - mean
  # Flat areas are set to exactly zero: the filter leaves about 1e-14 there, whose sign would count as texture.
  difference[np.abs(difference) < 1e-9] = 0.0
  return difference / (deviation + 1.0)


def split_blocks(image, block):
  """Cuts [H, W] into its blocks: [H / block * W / block, block, block]."""
  rows, columns = image.shape[0] // block, image.shape[1] // block
  return image.reshape(rows, block, columns, block).swapaxes(1, 2).reshape(-1, block, block)


def _scale_features(blocks):
  """The 18 features of one scale: float [B, h, w] -> float64 [B, 18]."""
  shape, left, right = fit_asymmetric_gaussian(blocks)
  features = [shape, (left + right) / 2]
  for shift in SHIFTS:
    # The neighbour is taken within the block, around its edge, as the release does with circshift.
    shape, left, right = fit_asymmetric_gaussian(blocks * np.roll(blocks, shift, axis=(1, 2)))
    features += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
  return np.stack(features, axis=1)


def fit_asymmetric_gaussian(blocks):
  """Fits an asymmetric generalised Gaussian to each block by moments (Eq. 7).

  Args:
    blocks: float [B, h, w].
  Returns:
    (shape, left scale, right scale), float64 [B] each. A scale is NaN if no value lies on its side; the shape is
    then the grid's first, 0.2, as in the release.
  """
  values = blocks.reshape(len(blocks), -1)
  squares = values ** 2
  left, right = (_side_deviation(squares, side) for side in (values < 0, values > 0))
  with np.errstate(divide="ignore", invalid="ignore"):
    ratio = left / right
    moments = np.abs(values).mean(axis=1) ** 2 / squares.mean(axis=1)
    target = moments * (ratio ** 3 + 1) * (ratio + 1) / (ratio ** 2 + 1) ** 2
  above = np.clip(np.searchsorted(SHAPE_RATIOS, target), 1, len(SHAPES) - 1)
  nearer_below = target - SHAPE_RATIOS[above - 1] <= SHAPE_RATIOS[above] - target
  nearest = np.where(np.isnan(target), 0, above - nearer_below)
  shape = SHAPES[nearest]
  to_scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
  return shape, left * to_scale, right * to_scale


def _side_deviation(squares, side):
  """Root mean square of the values on one side of zero, per row; NaN for none."""
  with np.errstate(invalid="ignore"):
    return np.sqrt(np.sum(squares, axis=1, where=side) / side.sum(axis=1))
