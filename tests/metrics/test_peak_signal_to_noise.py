"""PSNR against closed forms and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from tf_imgtrans.metrics import psnr

RNG = np.random.default_rng(1)


@settings(deadline=None)
@given(st.floats(0, 0.6), st.floats(0.001, 0.4), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_constant_shift(value, shift, count, height, width):
  true = np.full((count, height, width, 3), value)
  got = psnr(true, true + shift)
  assert got.shape == (count,) and got.dtype == np.float64
  np.testing.assert_allclose(got, -20 * np.log10(shift), rtol=1e-9)
  # A grey shift moves studio luma by 219 per unit, under a peak of 255.
  np.testing.assert_allclose(psnr(true, true + shift, "y"), 20 * np.log10(255 / (219 * shift)), rtol=1e-9)


def test_identical_images_are_infinite():
  image = RNG.random((2, 5, 5, 3))
  other = image.copy()
  other[1] += 0.1
  np.testing.assert_array_equal(np.isinf(psnr(image, other)), [True, False])
  np.testing.assert_array_equal(psnr(image[:1], image[:1], channel="y"), [np.inf])


def test_symmetric_and_per_image():
  a, b = RNG.random((3, 8, 9, 3)), RNG.random((3, 8, 9, 3))
  together = psnr(a, b)
  np.testing.assert_allclose(together, psnr(b, a), rtol=1e-12)
  np.testing.assert_array_equal(together, [psnr(a[i:i + 1], b[i:i + 1])[0] for i in range(3)])


def test_border_is_left_out():
  a, b = RNG.random((1, 12, 12, 3)), RNG.random((1, 12, 12, 3))
  np.testing.assert_array_equal(psnr(a, b, crop_border=3), psnr(a[:, 3:-3, 3:-3], b[:, 3:-3, 3:-3]))


def test_against_scikit_image(pair):
  true, pred = pair
  expected = peak_signal_noise_ratio(true[0], pred[0], data_range=1.0)
  np.testing.assert_allclose(psnr(true, pred)[0], expected, rtol=1e-12)


def test_luma_against_pillow(pair):
  """Pillow's luma is full-range and rounded; in studio range it is 16 + 219 / 255 of it, to half a step."""
  eight_bit = [Image.fromarray((255 * image[0]).astype(np.uint8)) for image in pair]
  true, pred = (219 / 255 * np.asarray(image.convert("L"), np.float64) for image in eight_bit)
  expected = 20 * np.log10(255 / np.sqrt(np.mean((true - pred) ** 2)))
  assert psnr(*pair, channel="y")[0] == pytest.approx(expected, abs=0.02)
