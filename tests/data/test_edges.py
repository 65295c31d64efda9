"""Edge maps: OpenCV's, to the pixel; whole numbers, so the same bits in every mode."""

import cv2
import numpy as np
import pytest
import recipes
import scipy.ndimage
import skimage.data
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.data.edges import CANNY_HIGH, CANNY_LOW, _connected, canny, edge_strength, grey_levels, sobel

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
THRESHOLD = tf.TensorSpec((), tf.int32)
unknown_canny = tf.function(canny, input_signature=[tf.TensorSpec((None, None), tf.int32), THRESHOLD, THRESHOLD])


def _photograph(name):
  return getattr(skimage.data, name)()


def _opencv(grey, low, high):
  return cv2.Canny(cv2.GaussianBlur(grey, (5, 5), 0), low, high, L2gradient=True) > 0


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_grey_and_gradients_are_opencvs(name):
  photograph = _photograph(name)
  grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
  np.testing.assert_array_equal(grey_levels(photograph / np.float32(255)), grey)
  for found, (across, down) in zip(sobel(tf.constant(grey, tf.int32)), ((1, 0), (0, 1))):
    np.testing.assert_array_equal(found, cv2.Sobel(grey, cv2.CV_64F, across, down,
                                                   borderType=cv2.BORDER_REPLICATE))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_canny_agrees_with_opencv_on_photographs(name):
  grey = cv2.cvtColor(_photograph(name), cv2.COLOR_RGB2GRAY)
  for low, high in ((CANNY_LOW, CANNY_HIGH), (100, 200), (20, 200)):
    ours, theirs = unknown_canny(grey, low, high).numpy(), _opencv(grey, low, high)
    assert theirs.mean() > 0.005
    assert (ours & theirs).sum() >= 0.999 * (ours | theirs).sum()


@given(height=st.integers(3, 40), width=st.integers(3, 40), seed=st.integers(0, 99), smooth=st.booleans())
def test_canny_agrees_with_opencv_on_any_size(height, width, seed, smooth):
  image = (recipes.smooth_images if smooth else recipes.random_images)(1, height, width, 3, seed=seed)
  grey = grey_levels(image[0])
  np.testing.assert_array_equal(unknown_canny(grey, 50, 100), _opencv(grey.numpy().astype(np.uint8), 50, 100))


@pytest.mark.parametrize("operator", ["sobel", "canny"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (5, 1)])
def test_tiny_images(size, operator):
  strength = edge_strength(recipes.random_images(*size, 3), operator)
  assert strength.shape == size and np.isfinite(strength).all()


def test_the_strength_of_a_step():
  image = np.zeros((8, 8, 3), np.float32)
  image[:, 4:] = 100 / 255
  strength = edge_strength(image).numpy()
  np.testing.assert_array_equal(strength, np.tile([0, 0, 0, 400, 400, 0, 0, 0], (8, 1)))
  assert edge_strength(np.ones((8, 8, 3), np.float32)).numpy().max() == 0
  checked = (np.indices((9, 9)).sum(0) // 3 % 2)[..., None] * np.ones(3, np.float32)
  assert 1020 <= edge_strength(checked.astype("f")).numpy().max() <= 1443


def test_canny_draws_one_line_along_a_step():
  image = np.zeros((16, 16, 3), np.float32)
  image[:, 8:] = 1
  edges = edge_strength(image, "canny").numpy()
  np.testing.assert_array_equal(edges.sum(axis=1), 1)
  assert edges[:, 7].all() or edges[:, 8].all()


def test_a_long_weak_chain_hangs_together():
  snake = np.zeros((41, 41), bool)
  snake[::4], snake[1:4, -1], snake[5:8, 0] = True, True, True
  for top in range(0, 40, 8):
    snake[top:top + 5, -1], snake[top + 4:top + 9, 0] = True, True
  strong = np.zeros_like(snake)
  strong[0, 0] = True
  np.testing.assert_array_equal(_connected(tf.constant(snake), tf.constant(strong)), snake)
  snake[20, 20] = False
  kept = _connected(tf.constant(snake), tf.constant(strong)).numpy()
  assert kept[:20].sum() == snake[:20].sum() and not kept[21:].any()


@given(density=st.floats(0.2, 0.7), seed=st.integers(0, 99))
def test_hysteresis_is_that_of_labelled_regions(density, seed):
  draw = np.random.default_rng(seed).random((30, 37))
  weak, strong = draw < density, draw < 0.01
  labels, _ = scipy.ndimage.label(weak, np.ones((3, 3)))
  expected = weak & np.isin(labels, labels[strong])
  np.testing.assert_array_equal(_connected(tf.constant(weak), tf.constant(strong)), expected)


@pytest.mark.parametrize("operator", ["sobel", "canny"])
def test_the_same_bits_in_every_mode(real_photograph, operator):
  for image in (real_photograph[:90, :120], recipes.random_images(64, 48, 3)):  # levels of 8 bits, and between them
    eager = edge_strength(image, operator).numpy()
    assert eager.dtype == np.float32 and eager.max() > 0
    for compiled in (False, True):
      recipes.assert_same(tf.function(edge_strength, jit_compile=compiled)(tf.constant(image), operator), eager)


def test_an_unknown_operator():
  with pytest.raises(ValueError, match="unknown operator 'canndy'.*did you mean 'canny'"):
    edge_strength(np.zeros((4, 4, 3), np.float32), "canndy")
