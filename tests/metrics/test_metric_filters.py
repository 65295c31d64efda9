"""Windows and halving against their definitions and against Pillow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import convolve
from scipy.signal import fftconvolve

from tf_imgtrans.metrics.filters import filter_same, filter_valid, gaussian_taps, halve_bicubic, mean_of_2x2

RNG = np.random.default_rng(3)


@settings(deadline=None)
@given(st.integers(1, 11), st.floats(0.2, 5))
def test_taps_sum_to_one_and_are_symmetric(size, sigma):
  taps = gaussian_taps(size, sigma)
  assert abs(taps.sum() - 1) < 1e-12
  np.testing.assert_allclose(taps, taps[::-1], rtol=1e-12)


def test_taps_are_the_normalised_2d_window():
  y, x = np.mgrid[-5:6, -5:6]
  window = np.exp(-(x ** 2 + y ** 2) / (2 * 1.5 ** 2))
  taps = gaussian_taps(11, 1.5)
  np.testing.assert_allclose(np.outer(taps, taps), window / window.sum(), rtol=1e-12)


@settings(deadline=None)
@given(st.integers(1, 11), st.integers(11, 20), st.integers(11, 20))
def test_valid_filter(size, height, width):
  image = RNG.random((height, width, 2))
  taps = gaussian_taps(size, 1.5)
  expected = fftconvolve(image, np.outer(taps, taps)[..., None], mode="valid")
  np.testing.assert_allclose(filter_valid(image, taps), expected, atol=1e-12)


def test_same_filter_repeats_edges():
  image = RNG.random((9, 12))
  taps = gaussian_taps(7, 7 / 6)
  expected = convolve(image, np.outer(taps, taps), mode="nearest")
  np.testing.assert_allclose(filter_same(image, taps), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(8, 6, 3), (7, 6, 3), (8, 5, 3), (7, 5, 1), (1, 1, 3)])
def test_mean_of_2x2_is_the_decimated_filter(shape):
  image = RNG.random(shape)
  expected = convolve(image, np.full((2, 2, 1), 0.25), mode="reflect")[::2, ::2]
  np.testing.assert_allclose(mean_of_2x2(image), expected, atol=1e-15)


def test_halving_agrees_with_pillow_inside():
  """Pillow's bicubic has the same kernel; at the edges it shortens the kernel where MATLAB mirrors the image."""
  image = (255 * RNG.random((40, 64))).astype(np.float32)
  pillow = np.asarray(Image.fromarray(image).resize((32, 20), Image.Resampling.BICUBIC))
  np.testing.assert_allclose(halve_bicubic(image)[2:-2, 2:-2], pillow[2:-2, 2:-2], atol=1e-4)


def test_halving_mirrors_edges():
  image = RNG.random((8, 8))
  mirrored = np.pad(image, 8, mode="symmetric")
  np.testing.assert_allclose(halve_bicubic(image), halve_bicubic(mirrored)[4:-4, 4:-4], atol=1e-15)


def test_halving_keeps_flat_areas_exactly():
  np.testing.assert_array_equal(halve_bicubic(np.full((12, 16), 37.0)), np.full((6, 8), 37.0))
