"""SSIM against closed forms, scikit-image and TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from tf_imgtrans.core.color import studio_luma
from tf_imgtrans.metrics import ssim

RNG = np.random.default_rng(2)
FORM = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_against_scikit_image(photograph, name):
  true = photograph(name)
  pred = np.clip(true + 0.1 * RNG.standard_normal(true.shape), 0, 1)
  expected = structural_similarity(true[0], pred[0], data_range=1.0, channel_axis=-1, **FORM)
  np.testing.assert_allclose(ssim(true, pred)[0], expected, rtol=1e-10)


def test_luma_and_border_against_scikit_image(pair):
  planes = [studio_luma(image[0])[4:-4, 4:-4] for image in pair]
  expected = structural_similarity(*planes, data_range=255.0, **FORM)
  np.testing.assert_allclose(ssim(*pair, channel="y", crop_border=4)[0], expected, rtol=1e-10)


def test_against_tensorflow(pair):
  """TensorFlow's float32 variances of dark areas leave some 1e-5."""
  true, pred = (image.astype(np.float32) for image in pair)
  np.testing.assert_allclose(ssim(true, pred), tf.image.ssim(true, pred, max_val=1.0), atol=5e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(11, 24), st.integers(11, 24), st.integers(0, 2 ** 31))
def test_range_symmetry_and_identity(count, height, width, seed):
  a, b = np.random.default_rng(seed).random((2, count, height, width, 3))
  value = ssim(a, b)
  assert value.shape == (count,) and value.dtype == np.float64
  assert np.all(np.abs(value) <= 1)
  np.testing.assert_allclose(value, ssim(b, a), rtol=1e-9)
  np.testing.assert_allclose(ssim(a, a), 1.0, rtol=1e-12)


def test_constant_images_leave_the_luminance_term():
  a, b = np.full((1, 20, 20, 3), 0.3), np.full((1, 20, 20, 3), 0.6)
  expected = (2 * 0.3 * 0.6 + 1e-4) / (0.3 ** 2 + 0.6 ** 2 + 1e-4)
  np.testing.assert_allclose(ssim(a, b), expected, rtol=1e-9)


def test_opposite_structure_is_negative():
  noise = RNG.random((1, 32, 32, 3))
  assert ssim(noise, 1 - noise)[0] < -0.5


def test_too_small():
  small = np.zeros((1, 10, 40, 3))
  with pytest.raises(ValueError, match="images are 10x40: expected at least 11"):
    ssim(small, small)
