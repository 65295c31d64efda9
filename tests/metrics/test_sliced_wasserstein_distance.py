"""Sliced Wasserstein distance against a plain reference and the authors' program; sizes, symmetry and order."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from recipes import random_images, smooth_images

from tf_imgtrans.metrics import sliced_wasserstein
from tf_imgtrans.metrics import sliced_wasserstein_distance as module

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[:, :, None] / 256


def reference_pyramid(image, levels):
  pyramid = [np.float64(image)]
  for _ in range(1, levels):
    down = scipy.ndimage.convolve(pyramid[-1], KERNEL, mode="mirror")[::2, ::2]
    spread = np.zeros_like(pyramid[-1])
    spread[::2, ::2] = down
    pyramid[-1] = pyramid[-1] - scipy.ndimage.convolve(spread, 4 * KERNEL, mode="mirror")
    pyramid.append(down)
  return pyramid


def reference_descriptors(images, sides, seed):
  """Per level float64 [N * 128, 7, 7, 3], normalised."""
  found = [[] for _ in sides]
  for number, image in enumerate(images):
    rng = np.random.default_rng([seed, 0, 0, number])
    for level, pixels in enumerate(reference_pyramid(np.floor(np.float64(image) * 255 + 0.5), len(sides))):
      tops, lefts = (rng.integers(0, side - 6, 128) for side in pixels.shape[:2])
      found[level] += [pixels[top:top + 7, left:left + 7] for top, left in zip(tops, lefts)]
  levels = [np.array(level) for level in found]
  return [(level - level.mean(axis=(0, 1, 2))) / level.std(axis=(0, 1, 2)) for level in levels]


def reference(a, b, sides, seed):
  values = {}
  for level, (from_a, from_b) in enumerate(zip(*(reference_descriptors(images, sides, seed) for images in (a, b)))):
    repeats = []
    for repeat in range(4):
      directions = module.random_directions(seed, level, repeat)
      projected = [np.sort(found.reshape(len(found), -1) @ directions, axis=0) for found in (from_a, from_b)]
      repeats.append(np.mean(np.abs(projected[0] - projected[1])))
    values[sides[level]] = 1000 * np.mean(repeats)
  return {**values, "average": np.mean(list(values.values()))}


def textures(count, side, seed=0):
  return (0.7 * smooth_images(count, side, side, 3, seed=seed)
          + 0.3 * random_images(count, side, side, 3, seed=seed)).astype(np.float32)


def blurred(images, sigma):
  return scipy.ndimage.gaussian_filter(images, (0, sigma, sigma, 0))


@pytest.mark.parametrize("height, width, sides, seed", [(64, 64, [64, 32, 16], 0), (48, 80, [48, 24], 5)])
def test_against_a_plain_reference(height, width, sides, seed):
  a = textures(4, 80)[:, :height, :width]
  b = blurred(textures(4, 80, seed=9), 0.7)[:, :height, :width]
  found = sliced_wasserstein(a, b, seed)
  assert list(found) == [*sides, "average"] and all(type(value) is float for value in found.values())
  assert found == pytest.approx(reference(a, b, sides, seed), rel=1e-4)


def test_against_a_plain_reference_in_small_parts(monkeypatch):
  """Directions and patches in parts give the same."""
  a, b = textures(3, 32), blurred(textures(3, 32), 1)
  whole = sliced_wasserstein(a, b)
  monkeypatch.setattr(module, "PROJECTIONS", 3 * 128 * 5)
  assert sliced_wasserstein(a, b) == pytest.approx(whole, rel=1e-6)


def test_pyramid_adds_up_and_has_mirrored_edges():
  image = 255 * random_images(32, 48, 3)
  pyramid = module.laplacian_pyramid(image, 2)
  np.testing.assert_allclose(pyramid[0] + cv2.pyrUp(pyramid[1]), image, atol=1e-3)
  for found, expected in zip(pyramid, reference_pyramid(image, 2)):
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_equal_sets_have_no_distance_and_order_does_not_matter():
  a, b = textures(2, 32), textures(2, 32, seed=4)
  assert set(sliced_wasserstein(a, a).values()) == {0.0}
  assert sliced_wasserstein(a, b) == sliced_wasserstein(b, a)
  assert sliced_wasserstein(a, (image for image in b)) == sliced_wasserstein(a, b)
  assert sliced_wasserstein(a, b) != sliced_wasserstein(a, b, seed=1)
  assert sliced_wasserstein(np.float64(a), b + np.float32(0.3 / 255)) == sliced_wasserstein(
      a, np.floor(b * 255 + np.float32(0.3) + 0.5) / np.float32(255))  # 8-bit steps


def test_blur_is_seen_where_it_is():
  """The finest level sees it most, and more of it the more there is."""
  a = textures(8, 64)
  found = [sliced_wasserstein(a, blurred(a, sigma)) for sigma in (0.4, 0.8, 1.6)]
  for key in (64, "average"):
    assert 0 < found[0][key] < found[1][key] < found[2][key]
  assert found[0][64] > found[0][32] > found[0][16]


def test_against_the_authors_program():
  """Golden values: tkarras/progressive_growing_of_gans (1c5876cb), metrics/sliced_wasserstein.py: mean over np.random.seed
  0 .. 3 of the three levels of these images; NumPy 2.4.6, SciPy 1.17.1, 2026-11-21. Its single runs lie in 82.6 .. 94.2,
  27.3 .. 31.1 and 28.0 .. 35.4.
  """
  a = textures(24, 64)
  runs = [sliced_wasserstein(a, blurred(a, 0.8), seed, paired=False) for seed in range(4)]
  for side, expected, tolerance in ((64, 87.53, 0.06), (32, 29.37, 0.08), (16, 31.36, 0.12)):
    assert np.mean([run[side] for run in runs]) == pytest.approx(expected, rel=tolerance)


def test_unpaired_sets_are_cut_at_other_places():
  a = textures(8, 32)
  apart, again = (sliced_wasserstein(a, a, paired=False) for _ in range(2))
  assert apart == again and all(value > 0 for value in apart.values())


def test_contrast_is_normalised_per_set_and_flat_sets_are_finite():
  a = textures(6, 32)
  halved = sliced_wasserstein(a, a / 2 + np.float32(0.25))
  assert halved["average"] < 0.2 * sliced_wasserstein(a, blurred(a, 1))["average"]
  flat = np.full((6, 32, 32, 3), 0.5, np.float32)
  assert set(sliced_wasserstein(flat, flat).values()) == {0.0}
  assert np.isfinite(list(sliced_wasserstein(flat, a).values())).all()


def test_patches_have_mean_0_and_deviation_1_over_the_set():
  with module.PatchSet() as patches:
    patches.add(textures(1, 32)[0])
    for level in range(2):
      colors = np.concatenate(list(patches.normalised(level))).reshape(-1, 3).astype(np.float64)
      np.testing.assert_allclose(colors.mean(axis=0), 0, atol=1e-5)
      np.testing.assert_allclose(colors.std(axis=0), 1, rtol=1e-5)


@given(st.integers(16, 300), st.integers(16, 300))
def test_levels_of_legal_sizes(height, width):
  """Halving as long as 16 is left, each time of even sides."""
  expected, level, legal = [], np.array([height, width]), True
  while True:
    expected.append(level.min())
    if level.min() < 32:
      break
    legal = legal and not (level % 2).any()
    level = level // 2
  if legal:
    assert module.pyramid_sides(height, width) == expected
  else:
    with pytest.raises(ValueError, match=f"{height}x{width}.*cannot be halved"):
      module.pyramid_sides(height, width)


def test_directions_have_unit_length_and_differ():
  first, second = module.random_directions(0, 0, 0), module.random_directions(0, 0, 1)
  assert first.shape == (147, 128) and first.dtype == np.float32
  np.testing.assert_allclose(np.linalg.norm(first, axis=0), 1, rtol=1e-6)
  assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("a, b, words", [
    ((3, 32, 32, 3), (2, 32, 32, 3), "3 images of 32x32 and 2 of 32x32"),
    ((2, 32, 32, 3), (2, 64, 64, 3), "2 images of 32x32 and 2 of 64x64"),
    ((2, 15, 32, 3), (2, 15, 32, 3), "15x32: expected at least 16"),
    ((2, 66, 66, 3), (2, 66, 66, 3), "66x66, and a level of 33x33 cannot be halved"),
    ((2, 32, 32, 1), (2, 32, 32, 1), "images_a"),
    ((0, 32, 32, 3), (0, 32, 32, 3), "images_a hold no image"),
])
def test_wrong_sets_are_named(a, b, words):
  with pytest.raises(ValueError, match=words):
    sliced_wasserstein(np.zeros(a), np.zeros(b))


@pytest.mark.parametrize("seed", [-1, 1.5, None, True])
def test_wrong_seeds_are_named(seed):
  with pytest.raises(ValueError, match="seed"):
    sliced_wasserstein(np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 16, 3)), seed)


def test_two_sizes_in_a_set_are_named():
  with module.PatchSet() as patches:
    patches.add(np.zeros((16, 16, 3)))
    with pytest.raises(ValueError, match="image 1 is 16x18 and those before are 16x16"):
      patches.add(np.zeros((16, 18, 3)))


def test_temporary_files_go_away(tmp_path, monkeypatch):
  monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
  with module.PatchSet() as patches:
    patches.add(np.zeros((32, 32, 3)))
    assert sorted(path.name for path in tmp_path.rglob("*.patches")) == ["16.patches", "32.patches"]
  assert not list(tmp_path.iterdir())
  with pytest.raises(ValueError):
    sliced_wasserstein(np.zeros((1, 32, 32, 3)), np.zeros((2, 32, 32, 3)))
  assert not list(tmp_path.iterdir())
