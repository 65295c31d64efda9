"""The curse of dimensionality (Sec. 3, Eq. 1 and Figure 1): distances to near points become equal."""

import math

import numpy as np
from scipy.spatial.distance import pdist, squareform


def distance_ratios(points, neighbours=None):
  """(dist_max - dist_min) / dist_min of the nearest neighbours of every point: Eq. 1 before its mean, as in Figure 1.

  Args:
    points: float [n, d].
    neighbours: int k from 2 to n - 1; dist_max is the distance to the k-th nearest. Figure 1 has log(n) without
      its base: by default the natural logarithm, rounded, 6 for 500 points.
  Returns:
    float64 [n]; nan or inf for a point with a duplicate.
  Raises:
    ValueError: an illegal number of neighbours.
  """
  points = np.asarray(points)
  neighbours = round(math.log(len(points))) if neighbours is None else neighbours
  if not 2 <= neighbours < len(points):
    raise ValueError(f"neighbours is {neighbours}: expected 2 to {len(points) - 1}, one less than the points")
  distances = squareform(pdist(points))
  np.fill_diagonal(distances, np.inf)  # a point is not its own neighbour
  nearest = np.partition(distances, neighbours - 1, axis=1)[:, :neighbours]
  smallest = nearest.min(axis=1)
  with np.errstate(divide="ignore", invalid="ignore"):
    return (nearest.max(axis=1) - smallest) / smallest


def experiment(dimensions, count, seed=0):
  """The experiment of Figure 1: `count` points uniform in the unit cube of each number of dimensions.

  Args:
    dimensions: iterable of int.
    count: int, points.
    seed: int.
  Yields:
    (dimensions, mean, standard deviation) of the finite ratios.
  """
  for number in dimensions:
    ratios = distance_ratios(np.random.default_rng([seed, number]).random((count, number)))
    finite = ratios[np.isfinite(ratios)]
    yield number, float(finite.mean()), float(finite.std())
