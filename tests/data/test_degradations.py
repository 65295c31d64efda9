"""The phone camera: seeded, bounded, clearly degraded, and neutral with neutral settings. Low resolution: MATLAB's."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tf_imgtrans.data.degradations import enlarge, low_resolution, phone_camera
from tf_imgtrans.metrics.filters import halve_bicubic

NEUTRAL = {"exposure": (0, 0), "red_gain": (1, 1), "blue_gain": (1, 1), "contrast": (1, 1), "blur": (1e-3, 1e-3),
           "noise": (0, 0), "jpeg_quality": (100, 100)}


def _psnr(a, b):
  return 10 * np.log10(1 / np.mean((np.float64(a) - b) ** 2))


@pytest.fixture(scope="module")
def crop(real_photograph):
  return real_photograph[90:154, 140:220]


@given(height=st.integers(4, 40), width=st.integers(4, 40), seed=st.integers(0, 2 ** 31 - 1))
def test_size_range_and_type(height, width, seed):
  image = recipes.random_images(height, width, 3, seed=seed)
  degraded = phone_camera(image, seed).numpy()
  assert degraded.shape == image.shape and degraded.dtype == np.float32
  assert np.isfinite(degraded).all() and degraded.min() >= 0 and degraded.max() <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white(value):
  degraded = phone_camera(np.full((16, 16, 3), value, "f"), 0).numpy()
  assert np.isfinite(degraded).all() and 0 <= degraded.min() and degraded.max() <= 1


def test_the_same_seed_gives_the_same_image_everywhere(crop):
  eager = [phone_camera(crop, seed).numpy() for seed in range(6)]
  run = tf.function(lambda seed: phone_camera(crop, seed))
  unknown = tf.function(phone_camera, input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int32)])
  mapped = tf.data.Dataset.range(6).map(lambda seed: phone_camera(crop, seed), num_parallel_calls=4)
  for seed, image, from_data in zip(range(6), eager, mapped):
    for other in (run(tf.constant(seed)), unknown(crop, seed), phone_camera(crop, (seed, 0)), from_data):
      # JPEG makes steps of a whole level out of roundings in the last bit; nothing else may differ.
      assert np.mean(np.abs(other - image) > 1e-6) < 1e-3
      assert np.abs(other - image).max() < 0.05
  for index, image in enumerate(eager):
    for other in eager[index + 1:]:
      assert np.abs(image - other).mean() > 1e-3


def test_it_is_plainly_worse(real_photograph):
  scores = [_psnr(phone_camera(real_photograph, seed), real_photograph) for seed in range(5)]
  assert max(scores) < 22
  assert min(scores) > 8  # and still shows the same


def test_it_is_darker_and_warmer(real_photograph):
  for seed in range(5):  # the loss of contrast, about mid grey, would hide it: it lifts the dark channels
    degraded = phone_camera(real_photograph, seed, contrast=(1, 1)).numpy()
    assert degraded[..., 1].mean() < real_photograph[..., 1].mean()
    red, green, blue = degraded.mean((0, 1)) / real_photograph.mean((0, 1))
    assert red > green > blue


def test_neutral_ranges_change_little(real_photograph):
  assert _psnr(phone_camera(real_photograph, 0, **NEUTRAL), real_photograph) > 35


@pytest.mark.parametrize("amount, limits, expected", [
    ("exposure", (-1, -1), lambda x: (x ** 2.2 / 2) ** (1 / 2.2)),
    ("exposure", (1, 1), lambda x: np.minimum(x ** 2.2 * 2, 1) ** (1 / 2.2)),
    ("red_gain", (0.5, 0.5), lambda x: x * np.array([0.5, 1, 1]) ** (1 / 2.2)),
    ("blue_gain", (0.5, 0.5), lambda x: x * np.array([1, 1, 0.5]) ** (1 / 2.2)),
    ("contrast", (0.6, 0.6), lambda x: 0.5 + 0.6 * (x - 0.5)),
])
def test_each_amount_alone(amount, limits, expected):
  rows, columns = np.mgrid[:40, :48] / 48
  image = np.stack([0.3 + 0.5 * rows, 0.2 + 0.6 * columns, 0.8 - 0.4 * rows], axis=-1).astype(np.float32)
  degraded = phone_camera(image, 0, **{**NEUTRAL, amount: limits}).numpy()
  # JPEG at quality 100 still halves the colour's resolution and rounds: a few levels of 255.
  assert np.abs(degraded - expected(np.float64(image))).mean() < 2 / 255
  assert np.abs(degraded - image).mean() > 8 / 255


def test_blur_is_a_gaussian():
  # A low-contrast line in grey, so that the gamma is nearly straight.
  image = np.full((33, 33, 3), 0.5, np.float32)
  image[:, 16] = 0.6
  degraded = phone_camera(image, 0, **{**NEUTRAL, "blur": (1, 1)}).numpy()
  profile = degraded[16, :, 1] - 0.5
  taps = np.exp(-np.arange(-3, 4) ** 2 / 2)
  np.testing.assert_allclose(profile[13:20], 0.1 * taps / taps.sum(), atol=1.5 / 255)


@pytest.mark.parametrize("value, share", [(0.5, 0.5 ** 1.1), (0.09, 0.1)])
def test_noise_has_the_asked_strength(value, share):
  """It falls with the root of the light, but never below a tenth."""
  degraded = phone_camera(np.full((128, 128, 3), value, np.float32), 0, **{**NEUTRAL, "noise": (0.02, 0.02)}).numpy()
  light = value ** 2.2 + 0.02 * share * np.random.default_rng(0).standard_normal((128, 128, 3))
  # In luma, as JPEG averages colour over 2x2: three independent channels with the weights of BT.601.
  weights = np.array([0.299, 0.587, 0.114])
  np.testing.assert_allclose((degraded @ weights).std(), (np.maximum(light, 0) ** (1 / 2.2) @ weights).std(), rtol=0.1)


# Low resolution

def _pillow(image, height, width):
  """Bicubic interpolation of each channel by Pillow, in floating point; it leaves out pixels beyond the border."""
  channels = [Image.fromarray(image[..., channel]) for channel in range(3)]
  return np.stack([channel.resize((width, height), Image.Resampling.BICUBIC) for channel in channels], axis=-1)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_shrinking_and_enlarging_agree_with_pillow(scale):
  image = recipes.smooth_images(1, 12 * scale, 15 * scale, 3)[0]
  small = low_resolution(image, scale).numpy()
  assert small.shape == (12, 15, 3) and small.dtype == np.float32
  inside = (slice(2, -2),) * 2  # at the border Pillow does not mirror
  np.testing.assert_allclose(small[inside], _pillow(image, 12, 15)[inside], atol=2e-6)
  large = enlarge(small, scale).numpy()
  assert large.shape == image.shape and large.dtype == np.float32
  inside = (slice(2 * scale, -2 * scale),) * 2
  np.testing.assert_allclose(large[inside], _pillow(small, *image.shape[:2])[inside], atol=2e-6)


def test_halving_agrees_with_the_metrics_filter_up_to_the_border():
  image = recipes.random_images(20, 14, 3) * 0.5 + 0.25  # nothing is clipped
  expected = np.stack([halve_bicubic(image[..., channel]) for channel in range(3)], axis=-1)
  np.testing.assert_allclose(low_resolution(image, 2), expected, atol=1e-6)


def test_enlarging_by_hand():
  # The cubic at the distances 1.25, 0.25, 0.75, 1.75 of the first of the two pixels between 1 and 2.
  image = np.zeros((6, 6, 3), np.float32) + np.float32([0.1, 0.4, 0.2, 0.7, 0.5, 0.3])[:, None, None]
  taps = np.array([-9, 111, 29, -3]) / 128
  found = enlarge(image, 2).numpy()[:, 5, 1]
  np.testing.assert_allclose(found[5], taps @ [0.4, 0.2, 0.7, 0.5], atol=1e-6)
  np.testing.assert_allclose(found[0], taps[::-1] @ [0.4, 0.1, 0.1, 0.4], atol=1e-6)  # mirrored


@given(height=st.integers(1, 33), width=st.integers(1, 33), scale=st.integers(1, 8), seed=st.integers(0, 99))
def test_sizes_that_the_scale_does_not_divide(height, width, scale, seed):
  image = recipes.random_images(height, width, 3, seed=seed)
  small = low_resolution(image, scale).numpy()
  assert small.shape == (-(-height // scale), -(-width // scale), 3)
  back = enlarge(small, scale, height, width).numpy()
  assert back.shape == image.shape and small.min() >= 0 <= back.min() and small.max() <= 1 >= back.max()
  flat = np.full_like(image, 0.3)
  np.testing.assert_allclose(enlarge(low_resolution(flat, scale), scale, height, width), flat, atol=1e-6)
  if scale == 1:
    recipes.assert_same(small, image)


def test_a_ramp_stays_where_it_is():
  ramp = np.zeros((37, 50, 3), np.float32) + np.linspace(0.1, 0.9, 50, dtype=np.float32)[None, :, None]
  back = enlarge(low_resolution(ramp, 4), 4, 37, 50).numpy()
  assert np.abs(back - ramp)[:, 14:36].max() < 1e-5


def test_low_resolution_in_every_mode(crop):
  expected = low_resolution(crop, 3).numpy()
  known = tf.function(lambda image: low_resolution(image, 3))
  compiled = tf.function(lambda image: low_resolution(image, 3), jit_compile=True)
  unknown = tf.function(lambda image: enlarge(low_resolution(image, 3), 3, 64, 80),
                        input_signature=[tf.TensorSpec((None, None, 3))])
  for other in (known(crop), compiled(crop), low_resolution(np.stack([crop, crop]), 3)[1]):
    np.testing.assert_allclose(other, expected, atol=1e-6)
  np.testing.assert_allclose(unknown(crop), enlarge(expected, 3, 64, 80), atol=1e-6)
  assert 20 < _psnr(unknown(crop), crop) < 40


def test_low_resolution_has_a_gradient():
  weights = recipes.random_images(1, 3, 3, 3, seed=1)
  recipes.check_gradient(lambda image: tf.reduce_sum(low_resolution(image, 3) * weights),
                         0.25 + 0.5 * recipes.random_images(1, 8, 9, 3))


@pytest.mark.parametrize("function", [low_resolution, enlarge])
def test_what_is_no_image_or_scale(function):
  good = np.zeros((4, 4, 3), np.float32)
  for image, scale, message in ((good[..., :1], 2, "image has shape"), (good.astype(np.uint8), 2, "dtype uint8"),
                                (good, 0, "scale is 0"), (good, 1.5, "scale is 1.5")):
    with pytest.raises(ValueError, match=message):
      function(image, scale)
