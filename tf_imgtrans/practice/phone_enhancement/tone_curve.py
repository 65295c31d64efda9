"""The naive enhancer: one tone curve for each colour, the same for every photograph."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from scipy.optimize import isotonic_regression

LEVELS = 256  # of 8-bit images


@dataclasses.dataclass(frozen=True)
class ToneCurve:
  """A curve for each colour: float [N, H, W, 3] in [0, 1] -> float32 of the same shape, [0, 1].

  Attributes:
    values: float64 [256, 3], what becomes of each 8-bit level of red, green and blue.
  """

  values: np.ndarray

  def __call__(self, images):
    levels = np.linspace(0, 1, LEVELS)
    return np.stack([np.interp(images[..., channel], levels, self.values[:, channel]) for channel in range(3)],
                    axis=-1).astype(np.float32)


def fit_tone_curve(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> ToneCurve:
  """The curve with the least squared error on pairs among those that never fall.

  For each level it is the mean target of the pixels at that level, made monotone by isotonic regression.

  Args:
    pairs: (source, target), float [H, W, 3] in [0, 1].
  Raises:
    ValueError: no pairs.
  """
  counts, sums = np.zeros((LEVELS, 3)), np.zeros((LEVELS, 3))
  for source, target in pairs:
    levels = np.rint(np.asarray(source) * (LEVELS - 1)).astype(np.int64)
    for channel in range(3):
      flat = levels[..., channel].ravel()
      counts[:, channel] += np.bincount(flat, minlength=LEVELS)
      sums[:, channel] += np.bincount(flat, np.ravel(target[..., channel]), minlength=LEVELS)
  if not counts.any():
    raise ValueError("no pairs: a tone curve needs at least one source with its target")
  curves = []
  for channel in range(3):
    seen = np.flatnonzero(counts[:, channel])
    means = sums[seen, channel] / counts[seen, channel]
    fitted = isotonic_regression(means, weights=counts[seen, channel]).x
    curves.append(np.interp(np.arange(LEVELS), seen, fitted))  # levels between those that were seen
  return ToneCurve(np.stack(curves, axis=-1))
