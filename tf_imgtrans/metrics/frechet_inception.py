"""Frechet distances of two sets of images: FID with InceptionV3's features, others under their extractor's name.

Definition   M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NIPS
             2017, Eq. 6: |m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)), with mean m and covariance S of a network's
             features over each set: D. C. Dowson, B. V. Landau (1982), squared 2-Wasserstein distance of two Gaussians.
Range        0 and up. Lower is better. It measures sets, not the similarity of single images.
Constants    covariances divide by N - 1. Programs that take the square root of S_1 S_2 itself (pytorch-fid, StyleGAN)
             add 1e-6 I if that fails for singular covariances. Here the trace of the root is the sum of the singular
             values of F_1^T F_2, where F_i F_i^T = S_i; these always exist, so that nothing is added.
Protocol     images are rounded to 8 bits, as in saved files, and resized by the extractor; features and sums in float64
             after the network. fid: 2048 features after the global pooling of Keras' InceptionV3, 299x299.
Comparable   for one extractor, one resizing and as many images: few images give larger values, and with fewer than
             features the covariances are singular. Published FID values mostly use the weights of the 2015 graph
             (inception-2015-12-05) instead of those of Keras, and differ from these. A distance with another extractor is
             not a FID: it is named frechet_<extractor>.
"""

import hashlib
import pathlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.core.archives import Arrays
from tf_imgtrans.core.files import atomic_path
from tf_imgtrans.metrics.feature_extractors import Extractor, find_extractor, inception_v3
from tf_imgtrans.metrics.image_sets import Moments, as_whole_image, iterate_set

PART = 32  # images that go through the network, and into one file of the cache, together
PART_BYTES = 2 ** 26  # fewer if they are large


def frechet_distance(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> float:
  """Frechet distance of two Gaussians: |m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)); singular covariances are legal.

  Args:
    mu1: float [D], a mean.
    sigma1: float [D, D], symmetric, without negative eigenvalues.
    mu2, sigma2: of the other.
  Returns:
    float, 0 or more.
  Raises:
    ValueError: other shapes, values that are not finite, or a matrix that is not a covariance.
  """
  mu1, mu2 = (np.asarray(mean, np.float64) for mean in (mu1, mu2))
  for mean, name in ((mu1, "mu1"), (mu2, "mu2")):
    if mean.ndim != 1 or not mean.size or mean.shape != mu1.shape or not np.isfinite(mean).all():
      raise ValueError(f"{name} has shape {mean.shape}: expected [D], finite and as long as mu1, which has {mu1.shape}")
  sigma1, sigma2 = _covariance(sigma1, "sigma1", len(mu1)), _covariance(sigma2, "sigma2", len(mu1))
  # tr (S_1 S_2)^(1/2) = tr (S_1^(1/2) S_2 S_1^(1/2))^(1/2), the sum of the singular values of S_1^(1/2) S_2^(1/2), which
  # are those of F_1^T F_2.
  shared = np.linalg.svd(_factor(sigma1, "sigma1").T @ _factor(sigma2, "sigma2"), compute_uv=False).sum()
  distance = np.sum((mu1 - mu2) ** 2) + np.trace(sigma1) + np.trace(sigma2) - 2.0 * shared
  return max(float(distance), 0.0)  # rounding leaves some -1e-13 for equal ones


def fid(images_a: Iterable, images_b: Iterable, weights: str | pathlib.Path | Extractor = "imagenet",
        cache: str | pathlib.Path | None = None) -> dict:
  """Frechet Inception distance of two sets of images, by Keras' InceptionV3; lower is better.

  Args:
    images_a: float array [N, H, W, 3] in [0, 1], RGB, or an iterable of images [H, W, 3] of one size; at least two,
      some thousands for meaningful values. A generator is never held in memory as a whole.
    images_b: the same; the number of images may differ.
    weights: "imagenet" for Keras' own download, the path of InceptionV3 weights (.h5, .weights.h5, .keras), or an
      Extractor of `inception_v3`.
    cache: folder where features are kept, or None.
  Returns:
    dict: "fid" float; "weights" and "resize" str; "images" [N_a, N_b]; "note" str if a set has no more images than
    features.
  Raises:
    FileNotFoundError: no weights; the message names the ways to provide them.
    ValueError: an illegal image, fewer than two images, or weights of another network.
  """
  extractor = weights if isinstance(weights, Extractor) else inception_v3(weights)
  if extractor.name != "inception_v3":
    raise ValueError(f"{extractor.weights} is {extractor.name}: FID takes InceptionV3; use feature_distance, whose result "
                     f"is called frechet_{extractor.name}")
  result = feature_distance(images_a, images_b, extractor, cache)
  return {"fid": result.pop("frechet_inception_v3"), **result}


def feature_distance(images_a: Iterable, images_b: Iterable, extractor: str | pathlib.Path | Extractor,
                     cache: str | pathlib.Path | None = None) -> dict:
  """Frechet distance of two sets of images in the features of any extractor.

  Args:
    images_a, images_b, cache: as `fid`.
    extractor: an Extractor of `metrics.feature_extractors`, or the path of its weights.
  Returns:
    dict as `fid`, with "frechet_<extractor>" instead of "fid".
  Raises:
    FileNotFoundError, ValueError: as `fid`.
  """
  if not isinstance(extractor, Extractor):
    extractor = find_extractor(extractor)
  sets = [FeatureSet(extractor, cache) for _ in range(2)]
  for features, images, what in zip(sets, (images_a, images_b), ("images_a", "images_b")):
    for image in iterate_set(images, what):
      features.add_whole(image)
    features.moments()  # computes the last part before the next set begins
  return set_distance(*sets)


class FeatureSet:
  """Mean and covariance of the features of a set whose images come one at a time.

  Images are processed in parts of 32 (fewer if they are large). With a cache, the features of each part are stored in one
  .npz named by a digest of the extractor and of the images, so that a stopped measurement continues where it was, and a
  set of targets is computed once.

  Args:
    extractor: Extractor.
    cache: folder, or None.
  """

  def __init__(self, extractor, cache=None):
    self.extractor = extractor
    self.cache = None if cache is None else pathlib.Path(cache)
    self._moments = Moments()
    self._start_part()

  def add(self, image):
    """Adds one image, float [H, W, 3] in [0, 1]."""
    self.add_whole(as_whole_image(image))

  def add_whole(self, image):
    """Adds one image, uint8 [H, W, 3]."""
    self._seen.update(repr(image.shape).encode())
    self._seen.update(np.ascontiguousarray(image))
    self._part.append(self.extractor.prepare(image))
    if len(self._part) * self._part[-1].nbytes >= PART_BYTES or len(self._part) == PART:
      self._finish_part()

  def moments(self):
    """Moments of the features of all images so far."""
    if self._part:
      self._finish_part()
    return self._moments

  def _start_part(self):
    self._part = []
    identity = (self.extractor.name, self.extractor.digest, self.extractor.resize)
    self._seen = hashlib.sha256(repr(identity).encode())

  def _finish_part(self):
    features = self._cached()
    if features is None:
      features = self.extractor(np.stack(self._part))
      if self.cache is not None:
        with atomic_path(self._path()) as path:
          np.savez(path, features=features, extractor=self.extractor.name, weights=self.extractor.weights)
    self._moments.add(features)
    self._start_part()

  def _path(self):
    return self.cache / f"{self.extractor.name}-{self._seen.hexdigest()}.npz"

  def _cached(self):
    """Features of the current part from the cache; None if they are missing."""
    if self.cache is None or not self._path().is_file():
      return None
    try:
      features = Arrays(self._path())["features"]
    except (KeyError, ValueError, OSError) as error:
      raise ValueError(f"{self._path()} holds no features ({error}): remove it") from None
    if features.ndim != 2 or len(features) != len(self._part):
      raise ValueError(f"{self._path()} holds features {features.shape} for {len(self._part)} images: remove it")
    return features


def set_distance(set_a, set_b):
  """The distance of two FeatureSets of one extractor, as `feature_distance` returns it."""
  extractor, moments = set_a.extractor, [set_a.moments(), set_b.moments()]
  value = frechet_distance(moments[0].mean, moments[0].covariance(), moments[1].mean, moments[1].covariance())
  result = {f"frechet_{extractor.name}": value, "weights": extractor.weights, "resize": extractor.resize,
            "images": [part.count for part in moments]}
  dimensions = len(moments[0].mean)
  if min(result["images"]) <= dimensions:
    result["note"] = (f"{' and '.join(map(str, result['images']))} images for {dimensions} features: the covariances "
                      "are singular and the value is too large; compare it only with values of as many images")
  return result


def _covariance(matrix, name, dimensions):
  matrix = np.asarray(matrix, np.float64)
  if matrix.shape != (dimensions, dimensions):
    raise ValueError(f"{name} has shape {matrix.shape}: expected [{dimensions}, {dimensions}], a covariance for means of "
                     f"{dimensions}")
  if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-9 * np.abs(matrix).max()):
    raise ValueError(f"{name} holds values that are not finite or is not symmetric: expected a covariance")
  return (matrix + matrix.T) / 2


def _factor(matrix, name):
  """F with F F^T = S, float64 [D, rank]: eigenvectors times the roots of their eigenvalues, without those of rounding."""
  values, vectors = np.linalg.eigh(matrix)
  if values[0] < -1e-6 * max(values[-1], 0.0):
    raise ValueError(f"{name} has the eigenvalue {values[0]:g} beside {values[-1]:g}: a covariance has no negative ones")
  kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)  # as numpy.linalg.matrix_rank
  return vectors[:, kept] * np.sqrt(values[kept])
