"""Checks of the arguments of metrics: images in unit range, borders and channels.

Networks overshoot [0, 1] a little (a tanh head of 0.58 and 0.5 reaches -0.08 and 1.08, a bicubic filter more). Such
values are measured as they are: nothing is clipped here; callers may clip outputs beforehand. Values far outside
(below -0.5 or above 1.5) and integer images indicate another range and raise ValueError.
"""

import numbers

import numpy as np

from tf_imgtrans.core.color import studio_luma
from tf_imgtrans.core.names import unknown_name

LOWEST, HIGHEST = -0.5, 1.5


def as_images(images, what="images"):
  """Checks one batch of images.

  Args:
    images: NumPy array or eager tensor, float [N, H, W, 3] in [0, 1].
    what: str, the argument's name in messages.
  Returns:
    NumPy array [N, H, W, 3], dtype as given; `rgb_or_luma` makes it float64, image by image.
  Raises:
    ValueError: not [N, H, W, 3], no pixel, integers, non-finite, or far outside [0, 1].
  """
  images = np.asarray(images)
  if images.ndim != 4 or images.shape[-1] != 3:
    hint = "; add the batch axis with images[None]" if images.ndim == 3 and images.shape[-1] == 3 else ""
    raise ValueError(f"{what} have shape {images.shape}: expected [N, height, width, 3], RGB{hint}")
  if images.size == 0:
    raise ValueError(f"{what} have shape {images.shape}: expected at least one image and one pixel")
  if images.dtype.kind in "iub":
    raise ValueError(f"{what} are {images.dtype}: expected floats in [0, 1]; divide 8-bit images by 255.0")
  low, high = float(images.min()), float(images.max())  # both are non-finite if any value is
  if not np.isfinite([low, high]).all():
    raise ValueError(f"{what} hold non-finite values (minimum {low}, maximum {high}): expected numbers in [0, 1]")
  if low < LOWEST or high > HIGHEST:
    hint = "map [-1, 1] by (x + 1) / 2" if low >= -1.5 and high <= HIGHEST else "divide 8-bit images by 255.0"
    raise ValueError(f"{what} span [{low:g}, {high:g}]: expected [0, 1]; {hint}")
  return images


def as_image_pair(y_true, y_pred):
  """Checks two batches that are compared image by image: as_images for both, and equal shapes."""
  y_true, y_pred = as_images(y_true, "y_true"), as_images(y_pred, "y_pred")
  if y_true.shape != y_pred.shape:
    raise ValueError(f"y_true has shape {y_true.shape} and y_pred {y_pred.shape}: expected equal shapes")
  return y_true, y_pred


def crop(images, border, minimum=1):
  """Removes `border` pixels from each of the four sides: [N, H, W, 3] -> [N, H - 2 border, W - 2 border, 3].

  Args:
    images: array [N, H, W, 3].
    border: int >= 0.
    minimum: int, the smallest height and width that must be left.
  Raises:
    ValueError: an illegal border, or less than `minimum` pixels left on a side.
  """
  if not isinstance(border, numbers.Integral) or isinstance(border, bool) or border < 0:
    raise ValueError(f"crop_border is {border!r}: expected an integer of 0 or more")
  height, width = images.shape[1:3]
  if min(height, width) - 2 * border < minimum:
    cut = f" and crop_border is {border}, which leaves {height - 2 * border}x{width - 2 * border}" if border else ""
    raise ValueError(f"images are {height}x{width}{cut}: expected at least {minimum} pixels on each side")
  return images[:, border:height - border, border:width - border]


def check_channel(channel, legal=("rgb", "y")):
  """Raises ValueError unless `channel` is one of `legal`."""
  if channel not in legal:
    raise unknown_name("channel", channel, legal)


def rgb_or_luma(image, channel):
  """The planes to compare and their dynamic range: [H, W, 3] -> (float64 [H, W, C], float).

  Args:
    image: float [H, W, 3] in [0, 1].
    channel: "rgb" for three planes with range 1; "y" for the BT.601 studio luma 16..235, one plane with range 255.
  """
  if channel == "y":
    return studio_luma(image)[..., None], 255.0
  return np.asarray(image, np.float64), 1.0
