"""Frechet distances against closed forms and SciPy's matrix root; running statistics against np.cov; the cache."""

import gc
import weakref

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from recipes import random_images, smooth_images

from tf_imgtrans.metrics import feature_distance, fid, frechet_distance
from tf_imgtrans.metrics.feature_extractors import Extractor
from tf_imgtrans.metrics.frechet_inception import PART, FeatureSet, set_distance
from tf_imgtrans.metrics.image_sets import Moments, iterate_set


def covariance(rng, size, rank=None):
  rows = rng.standard_normal((rank or 3 * size, size)) * rng.uniform(0.3, 2.0, size)
  return rows.T @ rows / len(rows)


def colours(name="colours", calls=None, digest="d"):
  """An extractor of 6 features, means and deviations of the colours, which counts what it is given."""
  def run(images):
    if calls is not None:
      calls.append(len(images))
    return np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)

  return Extractor(name, f"none (sha256 {digest})", digest, (8, 8), run)


@pytest.mark.parametrize("m1, v1, m2, v2, expected", [
    (0, 1, 3, 4, 9 + 1), (1, 9, 1, 1, 4), (0, 0, 2, 25, 4 + 25), (5, 0, 7, 0, 4), (2, 1e-8, 2, 1e-8, 0)])
def test_one_dimension_by_hand(m1, v1, m2, v2, expected):
  """(m1 - m2)^2 + (s1 - s2)^2."""
  assert frechet_distance([m1], [[v1]], [m2], [[v2]]) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 12), st.integers(0, 10 ** 6))
def test_diagonal_covariances(size, seed):
  rng = np.random.default_rng(seed)
  m1, m2 = rng.normal(size=(2, size))
  s1, s2 = rng.uniform(0, 3, (2, size)) * (rng.random((2, size)) > 0.3)
  expected = np.sum((m1 - m2) ** 2 + (s1 - s2) ** 2)
  assert frechet_distance(m1, np.diag(s1 ** 2), m2, np.diag(s2 ** 2)) == pytest.approx(expected, abs=1e-9)


def test_rotated_gaussians_by_hand():
  """Variances 9 and 1 along axes that are turned by 90 degrees: 2 (9 + 1) - 2 * 2 * 3 = 8."""
  assert frechet_distance([0, 0], np.diag([9, 1]), [0, 0], np.diag([1, 9])) == pytest.approx(8)


@given(st.integers(2, 20), st.integers(0, 10 ** 6))
def test_against_the_matrix_root_of_scipy(size, seed):
  rng = np.random.default_rng(seed)
  m1, m2, s1, s2 = rng.normal(size=size), rng.normal(size=size), covariance(rng, size), covariance(rng, size)
  expected = np.sum((m1 - m2) ** 2) + np.trace(s1 + s2 - 2 * scipy.linalg.sqrtm(s1 @ s2).real)
  assert frechet_distance(m1, s1, m2, s2) == pytest.approx(expected, rel=1e-7)
  assert frechet_distance(m2, s2, m1, s1) == pytest.approx(expected, rel=1e-7)
  assert frechet_distance(m1, s1, m1, s1) == pytest.approx(0, abs=1e-10)


def test_singular_covariances():
  """Ranks 5 and 9 of 30: near the value that others get by adding 1e-6 I, and exact where they are not."""
  rng = np.random.default_rng(3)
  s1, s2, zero, offset = covariance(rng, 30, 5), covariance(rng, 30, 9), np.zeros(30), 1e-6 * np.eye(30)
  with_offset = np.trace(s1 + s2) - 2 * np.trace(scipy.linalg.sqrtm((s1 + offset) @ (s2 + offset)).real)
  assert frechet_distance(zero, s1, zero, s2) == pytest.approx(with_offset, rel=2e-3)
  assert frechet_distance(zero, s1, zero, s1) == pytest.approx(0, abs=1e-10)
  assert frechet_distance(zero, s1, zero, 4 * s1) == pytest.approx(np.trace(s1), rel=1e-7)  # (2 - 1)^2 of each spread
  assert frechet_distance(zero, s1, zero, 0 * s1) == pytest.approx(np.trace(s1))


@pytest.mark.parametrize("arguments, words", [
    (([0, 0], np.eye(2), [0], np.eye(1)), r"mu2 has shape \(1,\)"),
    (([[0]], np.eye(1), [0], np.eye(1)), r"mu1 has shape \(1, 1\)"),
    (([], np.eye(0), [], np.eye(0)), r"mu1 has shape \(0,\)"),
    (([np.nan], np.eye(1), [0], np.eye(1)), "mu1"),
    (([0, 0], np.eye(2), [0, 0], np.eye(3)), r"sigma2 has shape \(3, 3\): expected \[2, 2\]"),
    (([0, 0], [1, 1], [0, 0], np.eye(2)), r"sigma1 has shape \(2,\)"),
    (([0, 0], [[1, 2], [0, 1]], [0, 0], np.eye(2)), "sigma1.*symmetric"),
    (([0, 0], np.eye(2), [0, 0], np.diag([1, np.inf])), "sigma2.*finite"),
    (([0, 0], np.eye(2), [0, 0], np.diag([1, -1])), "sigma2 has the eigenvalue -1"),
])
def test_wrong_gaussians_are_named(arguments, words):
  with pytest.raises(ValueError, match=words):
    frechet_distance(*arguments)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 7), st.sampled_from([0.0, 1e6]))
def test_running_moments_are_those_of_all_rows(parts, size, offset):
  rng = np.random.default_rng(sum(parts))
  rows = [rng.standard_normal((part, size)) + offset for part in (2, *parts)]
  moments = Moments()
  for part in rows:
    moments.add(part)
  everything = np.concatenate(rows)
  assert moments.count == len(everything)
  np.testing.assert_allclose(moments.mean, everything.mean(axis=0), rtol=1e-12, atol=1e-12)
  np.testing.assert_allclose(moments.covariance(), np.cov(everything, rowvar=False).reshape(size, size), rtol=1e-8,
                             atol=1e-9)
  np.testing.assert_allclose(np.diag(moments.covariance(ddof=0)), everything.var(axis=0), rtol=1e-8, atol=1e-9)


def test_wrong_rows_are_named():
  moments = Moments()
  with pytest.raises(ValueError, match=r"0 image\(s\).*at least 2"):
    moments.covariance()
  moments.add(np.ones((1, 3)))
  with pytest.raises(ValueError, match=r"1 image\(s\).*at least 2"):
    moments.covariance()
  with pytest.raises(ValueError, match=r"\(2, 4\): expected \[n, 3\]"):
    moments.add(np.ones((2, 4)))
  with pytest.raises(ValueError, match="not finite"):
    moments.add(np.full((2, 3), np.nan))


def test_features_of_sets_by_hand():
  a, b = smooth_images(70, 8, 8, 3), 0.5 * smooth_images(40, 8, 8, 3, seed=1)
  result = feature_distance(a, (image for image in b), colours())
  rows = []
  for images in (a, b):
    whole = np.floor(np.float64(images) * 255 + 0.5) / 255
    rows.append(np.concatenate([whole.mean(axis=(1, 2)), whole.std(axis=(1, 2))], axis=1))
  (m1, s1), (m2, s2) = ((part.mean(axis=0), np.cov(part, rowvar=False)) for part in rows)
  expected = np.sum((m1 - m2) ** 2) + np.trace(s1 + s2 - 2 * scipy.linalg.sqrtm(s1 @ s2).real)
  assert result == {"frechet_colours": pytest.approx(expected, rel=1e-4), "weights": "none (sha256 d)",
                    "resize": "8x8 bilinear without antialiasing", "images": [70, 40]}
  assert feature_distance(a, a, colours())["frechet_colours"] == pytest.approx(0, abs=1e-9)


def test_only_inception_is_called_fid():
  a, b = smooth_images(8, 8, 8, 3), random_images(8, 8, 8, 3)
  as_inception = fid(a, b, colours("inception_v3"))
  assert as_inception["fid"] == feature_distance(a, b, colours())["frechet_colours"]
  assert set(as_inception) == {"fid", "weights", "resize", "images"}
  with pytest.raises(ValueError, match="FID takes InceptionV3.*frechet_colours"):
    fid(a, b, colours())


def test_too_few_images_are_said():
  a, b = smooth_images(7, 8, 8, 3), smooth_images(6, 8, 8, 3, seed=1)
  assert "7 and 6 images for 6 features" in feature_distance(a, b, colours())["note"]
  assert "note" not in feature_distance(a, a, colours())
  with pytest.raises(ValueError, match=r"1 image\(s\).*at least 2"):
    feature_distance(a, b[:1], colours())


def test_images_are_never_held_together():
  alive, most = weakref.WeakSet(), 0

  class Image(np.ndarray):
    __hash__ = object.__hash__

  def generate():
    nonlocal most
    for seed in range(3 * PART):
      image = smooth_images(1, 8, 8, 3, seed=seed)[0].view(Image)
      alive.add(image)
      gc.collect(0)
      most = max(most, len(alive))
      yield image

  assert feature_distance(generate(), generate(), colours())["images"] == [3 * PART] * 2
  assert most <= 3


def test_the_cache_saves_the_network_and_changes_nothing(tmp_path):
  calls, a, b = [], smooth_images(PART + 5, 8, 8, 3), random_images(PART, 8, 8, 3)
  plain = feature_distance(a, b, colours())
  assert feature_distance(a, b, colours(calls=calls), tmp_path / "kept") == plain
  assert calls == [PART, 5, PART] and len(list((tmp_path / "kept").glob("*.npz"))) == 3
  assert feature_distance(a, b, colours(calls=calls), tmp_path / "kept") == plain
  assert calls == [PART, 5, PART]
  feature_distance(a[::-1], b, colours(calls=calls), tmp_path / "kept")  # other images in each part
  assert calls == [PART, 5, PART, PART, 5]
  feature_distance(a, b, colours(calls=calls, digest="e"), tmp_path / "kept")  # other weights
  assert calls == [PART, 5, PART] + [PART, 5] + [PART, 5, PART]
  assert len(list((tmp_path / "kept").glob("*.npz"))) == len(list((tmp_path / "kept").iterdir())) == 8


def test_a_damaged_cache_is_named(tmp_path):
  a = smooth_images(5, 8, 8, 3)
  feature_distance(a, a, colours(), tmp_path)
  path, = tmp_path.glob("*.npz")
  path.write_bytes(path.read_bytes()[:100])
  with pytest.raises(ValueError, match=f"{path.name} holds no features.*remove it"):
    feature_distance(a, a, colours(), tmp_path)
  np.savez(path, features=np.zeros((4, 6)))
  with pytest.raises(ValueError, match="for 5 images: remove it"):
    feature_distance(a, a, colours(), tmp_path)


def test_a_set_grows_image_by_image():
  a = smooth_images(9, 8, 8, 3)
  grown = FeatureSet(colours())
  for image in a:
    grown.add(image)
  whole = FeatureSet(colours())
  for image in iterate_set(a):
    whole.add_whole(image)
  assert set_distance(grown, whole)["frechet_colours"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("images, words", [
    ([np.zeros((8, 8, 3)), np.zeros((8, 9, 3))], r"images_b\[1\] is 8x9 and images_b\[0\] 8x8"),
    ([np.zeros((8, 8, 3)), np.full((8, 8, 3), 200.0)], r"images_b\[1\] span \[200, 200\]"),
    ([np.zeros((8, 8, 3), np.uint8)], r"images_b\[0\] are uint8"),
    ([np.zeros((1, 8, 8, 3))], r"images_b\[0\] has shape \(1, 8, 8, 3\)"),
    ([], "images_b hold no image"),
])
def test_wrong_images_are_named(images, words):
  with pytest.raises(ValueError, match=words):
    feature_distance(smooth_images(9, 8, 8, 3), images, colours())
