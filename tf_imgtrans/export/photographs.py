"""Images that an export is measured on and calibrated on, at its size."""

import pathlib
from collections.abc import Sequence

import cv2
import numpy as np

from tf_imgtrans.core.images import list_images, read_image

_ANY_SIZES = ((None, None), (301, 403), (200, 304))  # that a file of any size is measured at; two of them odd or small
_CALIBRATION_SIZE = (256, 256)  # of a file of any size
_MOST_REPRESENTATIVE = 100  # images; more change the ranges little


def fit(image: np.ndarray, height: int | None, width: int | None) -> np.ndarray:
  """An image scaled to cover a size and cropped to it from its middle; as it is where the size is None.

  Args:
    image: float32 [H, W, 3] in [0, 1].
    height, width: int, or both None.
  Returns:
    float32 [height, width, 3] in [0, 1].
  """
  if height is None or width is None:
    return image
  factor = max(height / image.shape[0], width / image.shape[1])
  rows, columns = max(height, round(image.shape[0] * factor)), max(width, round(image.shape[1] * factor))
  scaled = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
  top, left = (rows - height) // 2, (columns - width) // 2
  return scaled[top:top + height, left:left + width].clip(0, 1)


def photographs_of(folder: str | pathlib.Path, height: int | None = None, width: int | None = None) -> list[np.ndarray]:
  """The images of a folder, at the size of an export; as they are for one of any size."""
  return [fit(read_image(path), height, width) for path in list_images(folder)]


def photographs_at(paths: Sequence[pathlib.Path], height: int | None = None, width: int | None = None) -> list[np.ndarray]:
  """A few images at the size of an export; for one of any size the second and third at odd and small sizes of their own."""
  sizes = [(height, width)] * len(paths) if height else _ANY_SIZES
  return [fit(read_image(path), *size) for path, size in zip(paths, sizes)]


def targets_of(folder: str | pathlib.Path, photographs: str | pathlib.Path, seen: Sequence[np.ndarray],
               scale: int) -> list[np.ndarray]:
  """What should come of photographs, to measure an export against.

  Args:
    folder: of the targets.
    photographs: folder of images of the same names.
    seen: those images as `photographs_of` gives them.
    scale: int, of the network.
  Returns:
    list of float32 [scale H, scale W, 3], one for each photograph.
  Raises:
    ValueError: a photograph without a target.
  """
  targets, paths = {path.stem: path for path in list_images(folder)}, list_images(photographs)
  missing = [path.stem for path in paths if path.stem not in targets]
  if missing:
    raise ValueError(f"{folder} has no target for {', '.join(missing[:5])}: expected images of the same names")
  return [fit(read_image(targets[path.stem]), image.shape[0] * scale, image.shape[1] * scale)
          for path, image in zip(paths, seen)]


def representative(paths: Sequence[pathlib.Path], height: int | None = None, width: int | None = None) -> list[np.ndarray]:
  """Images to calibrate on, as `to_tflite` takes them: at most 100, spread over the paths, whose names often go by kind."""
  height, width = (height, width) if height else _CALIBRATION_SIZE
  return [fit(read_image(path), height, width) for path in paths[::-(-len(paths) // _MOST_REPRESENTATIVE)]]
