"""95 % intervals of differences between rows, by the paired bootstrap over seeds and images."""

import math

LEVEL = 0.95
RESAMPLES = 9999
_BATCH_VALUES = 4_000_000  # of one resampled array: 32 MB


def interval(difference, samples, resamples=RESAMPLES):
  """The difference of the rows' means with its interval (percentile bootstrap of `scipy.stats`).

  Seeds and images are drawn with replacement, the same ones for all rows, so that what makes an image hard or a seed lucky
  for both sides cancels. Rows of other images are drawn apart.

  Args:
    difference: dict of part to its mean, a float or float array [R] -> a float or float array [R].
    samples: dict of part to (names of the images, float array [S, I]), a value of each seed and image. A value of a whole
      set, such as the Fréchet distance, has the one name "".
    resamples: int.
  Returns:
    (difference, low, high); low and high are None where there is one seed and one value.
  """
  import numpy as np
  from scipy.stats import bootstrap

  found = float(difference({part: values.mean() for part, (_, values) in samples.items()}))
  seeds = max(len(values) for _, values in samples.values())
  sets = list(dict.fromkeys(names for names, _ in samples.values() if len(names) > 1))
  drawn = [np.arange(seeds)] * (seeds > 1) + [np.arange(len(names)) for names in sets]
  if not drawn or not math.isfinite(found):
    return found, None, None

  def resampled(*places, axis=-1):  # noqa: ARG001 - as SciPy calls it
    places = [each.astype(int) for each in places]
    of_seeds = places.pop(0) if seeds > 1 else np.zeros((*places[0].shape[:-1], 1), int)
    of_images = dict(zip(sets, places))
    means = {}
    for part, (names, values) in samples.items():
      chosen = of_images.get(names, np.zeros((*of_seeds.shape[:-1], 1), int))
      means[part] = values[of_seeds[..., :, None], chosen[..., None, :]].mean(axis=(-2, -1))
    return difference(means)

  largest = max(values.size for _, values in samples.values())
  low, high = bootstrap(drawn, resampled, n_resamples=resamples, confidence_level=LEVEL, method="percentile",
                        vectorized=True, batch=max(_BATCH_VALUES // largest, 1), random_state=0).confidence_interval
  return found, float(low), float(high)
