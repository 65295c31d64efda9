"""Sharpness: fine detail over that of the target."""

import numpy as np
import pytest
import recipes
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.color import LUMA_BT601
from tf_imgtrans.metrics import sharpness
from tf_imgtrans.metrics.registry import find_metric

IMAGES = recipes.random_images(3, 20, 24, 3)


def test_it_is_the_ratio_of_discrete_laplacians():
  """Computed another way: SciPy's Laplacian is four times the difference from the mean of the neighbours."""
  outputs = recipes.random_images(3, 20, 24, 3, seed=1) * np.float32(0.6)
  expected = [scipy.ndimage.laplace(pred @ np.array(LUMA_BT601))[1:-1, 1:-1].std()
              / scipy.ndimage.laplace(true @ np.array(LUMA_BT601))[1:-1, 1:-1].std()
              for true, pred in zip(np.float64(IMAGES), np.float64(outputs))]
  np.testing.assert_allclose(sharpness(IMAGES, outputs), expected, rtol=1e-9)


@given(factor=st.floats(0.05, 1.0))
def test_contrast_scales_it(factor):
  np.testing.assert_allclose(sharpness(IMAGES, np.float64(IMAGES) * factor), factor, rtol=1e-6)


def test_blur_lowers_and_noise_raises_it(real_photograph):
  image = real_photograph[:128, :128]
  soft = scipy.ndimage.gaussian_filter(image, (1, 1, 0))
  rough = image + np.random.default_rng(0).normal(0, 0.1, image.shape)
  found = [sharpness(image[None], np.float32(other)[None])[0] for other in (image, soft, rough)]
  assert found[0] == 1 and found[1] < 0.5 and found[2] > 1.5


def test_flat_images():
  flat = np.full((1, 8, 8, 3), 0.5, np.float32)
  assert sharpness(IMAGES[:1, :8, :8], flat)[0] < 1e-9
  assert np.isnan(sharpness(flat, IMAGES[:1, :8, :8])[0])
  with pytest.raises(ValueError, match="2x8: expected at least 3 pixels a side for sharpness"):
    sharpness(flat[:, :2], flat[:, :2])


def test_the_command_line_knows_it():
  metric = find_metric("sharpness")
  assert metric.full_reference and metric(IMAGES, IMAGES).tolist() == [1.0] * 3
