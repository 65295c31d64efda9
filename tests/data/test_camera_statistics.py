"""Statistics of pairs, on pairs that the imitated camera made with known amounts."""

import numpy as np
import pytest
import recipes

from tf_imgtrans.data.camera_statistics import camera_statistics
from tf_imgtrans.data.degradations import phone_camera

STILL = {"exposure": (0.0, 0.0), "red_gain": (1.0, 1.0), "blue_gain": (1.0, 1.0), "contrast": (1.0, 1.0),
         "saturation": (1.0, 1.0), "blur": (1e-3, 1e-3), "noise": (0.0, 0.0), "jpeg_quality": (100, 100)}


def measured(count=3, **amounts):
  targets = 0.2 + 0.6 * recipes.smooth_images(count, 120, 120, 3)
  sources = [phone_camera(target, 1, **{**STILL, **amounts}).numpy() for target in targets]
  return camera_statistics(zip(sources, targets))


@pytest.mark.parametrize("name, amount", [("exposure", -0.8), ("red_gain", 0.9), ("blue_gain", 0.8), ("contrast", 0.85),
                                          ("saturation", 0.6)])
def test_the_amount_comes_back(name, amount):
  found = measured(**{name: (amount, amount)})
  np.testing.assert_allclose(found[name], amount, atol=0.06)


def test_equal_images_differ_by_nothing():
  found = measured()
  np.testing.assert_allclose(found["exposure"], 0, atol=0.02)
  for name in ("red_gain", "blue_gain", "contrast", "saturation"):
    np.testing.assert_allclose(found[name], 1, atol=0.03, err_msg=name)


def test_noise_sharpens_and_blur_softens():
  rng = np.random.default_rng(0)
  targets = np.clip(recipes.smooth_images(2, 120, 120, 3) * 0.6 + 0.2 + rng.normal(0, 0.02, (2, 120, 120, 1)), 0, 1)
  soft, noisy = (camera_statistics((phone_camera(target, 1, **{**STILL, **amounts}).numpy(), target) for target in targets)
                 for amounts in ({"blur": (1.0, 1.0)}, {"noise": (0.1, 0.1)}))
  assert (soft["sharpness"] < 0.5).all() and (noisy["sharpness"] > 1.2).all()


def test_pairs_that_tell_nothing_are_left_out():
  flat = np.full((40, 40, 3), 0.5)
  found = camera_statistics([(flat, flat), (np.ones((40, 40, 3)), recipes.smooth_images(1, 40, 40, 3)[0])])
  assert all(len(values) == 0 for values in found.values())


def test_grey_tells_nothing_of_saturation():
  grey = np.repeat(recipes.smooth_images(1, 60, 60, 1)[0], 3, axis=-1)
  found = camera_statistics([(0.8 * grey, grey)])
  assert np.isnan(found["saturation"]).all() and np.isfinite(found["contrast"]).all()
