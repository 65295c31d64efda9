"""Inputs that every metric rejects or accepts."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from tf_imgtrans.metrics import ms_ssim, niqe, psnr, ssim
from tf_imgtrans.metrics.images import as_images

GREY = np.full((2, 16, 16, 3), 0.5)
FULL_REFERENCE = [psnr, ssim, lambda a, b: ms_ssim(a, b, variant="dped")]


@pytest.mark.parametrize("bad, words", [
    (np.zeros((16, 16, 3)), r"\(16, 16, 3\).*images\[None\]"),
    (np.zeros((1, 16, 16, 1)), r"\(1, 16, 16, 1\).*expected \[N, height, width, 3\]"),
    (np.zeros((1, 16, 16, 4)), r"\(1, 16, 16, 4\)"),
    (np.zeros((0, 16, 16, 3)), "at least one image"),
    (np.zeros((1, 16, 0, 3)), "at least one image"),
    (np.zeros((1, 16, 16, 3), np.uint8), r"uint8.*255"),
    (np.full((1, 16, 16, 3), 128.0), r"span \[128, 128\].*255"),
    (np.full((1, 16, 16, 3), -1.0), r"span \[-1, -1\].*\(x \+ 1\) / 2"),
    (np.full((1, 16, 16, 3), np.nan), "non-finite"),
    (np.full((1, 16, 16, 3), np.inf), "non-finite"),
])
def test_refused_images(bad, words):
  for call in [lambda: psnr(bad, bad), lambda: ssim(bad, bad), lambda: ms_ssim(bad, bad), lambda: niqe(bad)]:
    with pytest.raises(ValueError, match=words):
      call()


def test_one_bad_pixel_is_found():
  image = np.full((3, 16, 16, 3), 0.5)
  image[2, 7, 7, 1] = np.nan
  with pytest.raises(ValueError, match="y_pred hold non-finite"):
    psnr(GREY[:1].repeat(3, axis=0), image)


@pytest.mark.parametrize("metric", FULL_REFERENCE)
def test_shapes_must_agree(metric):
  with pytest.raises(ValueError, match=r"\(2, 16, 16, 3\) and y_pred \(1, 16, 16, 3\)"):
    metric(GREY, GREY[:1])


def test_unknown_channel():
  with pytest.raises(ValueError, match="unknown channel 'Y'.*rgb, y"):
    psnr(GREY, GREY, channel="Y")
  for metric in (ssim, ms_ssim):
    with pytest.raises(ValueError, match="unknown channel 'gray'"):
      metric(GREY, GREY, channel="gray")
  with pytest.raises(ValueError, match="unknown channel 'grey'.*did you mean 'gray'"):
    niqe(GREY, channel="grey")


@pytest.mark.parametrize("border", [-1, 1.5, True, "4", None])
def test_illegal_border(border):
  for call in [lambda: psnr(GREY, GREY, crop_border=border), lambda: niqe(GREY, crop_border=border)]:
    with pytest.raises(ValueError, match="crop_border is"):
      call()


def test_border_too_large():
  assert psnr(GREY, GREY, crop_border=7).shape == (2,)
  with pytest.raises(ValueError, match="crop_border is 8, which leaves 0x0: expected at least 1"):
    psnr(GREY, GREY, crop_border=8)
  with pytest.raises(ValueError, match="crop_border is 3, which leaves 10x10: expected at least 11"):
    ssim(GREY, GREY, crop_border=3)


def test_slight_overshoot_is_measured_unclipped():
  over = np.full((1, 16, 16, 3), 1.1)
  np.testing.assert_allclose(psnr(np.ones_like(over), over), 20.0)


@pytest.mark.parametrize("convert", [
    lambda x: tf.constant(x, tf.float32), lambda x: x.astype(np.float16), lambda x: x.astype(ml_dtypes.bfloat16),
    lambda x: tf.cast(x, tf.bfloat16),
])
def test_tensors_and_small_floats(convert):
  a, b = convert(GREY), convert(GREY + 0.25)
  value = psnr(a, b)
  assert value.dtype == np.float64
  np.testing.assert_allclose(value, 20 * np.log10(4))
  assert np.all(ssim(a, a) == 1)


def test_inputs_are_left_alone():
  image = np.random.default_rng(0).random((1, 192, 192, 3))
  image.flags.writeable = False
  before = image.copy()
  for call in [lambda: psnr(image, image), lambda: ssim(image, image), lambda: ms_ssim(image, image),
               lambda: niqe(image)]:
    call()
  np.testing.assert_array_equal(as_images(image), before)
