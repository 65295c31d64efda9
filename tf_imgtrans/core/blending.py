"""How strongly a model changes an image: its result blended with the input."""

import numpy as np

from tf_imgtrans.core.images import to_float32, to_uint8

BAND = 256  # rows that are blended at once, which bounds the memory


def check_strength(strength: float, scale: int = 1):
  """Raises ValueError unless a strength is in [0, 1], and 1 with a model that enlarges `scale` times."""
  if not 0 <= strength <= 1:
    raise ValueError(f"strength is {strength}: expected 0, the input as it is, to 1, the model's image")
  if strength < 1 and scale != 1:
    raise ValueError(f"strength is {strength}, but the model enlarges {scale} times: its images cannot be blended with "
                     "the input; leave the strength out")


def blend(image: np.ndarray, made: np.ndarray, strength: float) -> np.ndarray:
  """strength * made + (1 - strength) * image, in the dtype of `made` and, band by band, in its memory.

  Args:
    image: float32 [H, W, 3] in [0, 1] or uint8.
    made: the same shape, float32 in [0, 1] or uint8; it is overwritten where its memory allows.
    strength: float in [0, 1].
  """
  made = made if made.flags.writeable else made.copy()
  for top in range(0, len(made), BAND):
    band = slice(top, top + BAND)
    mixed = strength * to_float32(made[band]) + (1 - strength) * to_float32(image[band])
    made[band] = to_uint8(mixed) if made.dtype == np.uint8 else mixed
  return made
