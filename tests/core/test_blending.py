"""The blend of a model's image with its input."""

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.blending import BAND, blend, check_strength


@pytest.mark.parametrize("kinds", [(np.float32, np.float32), (np.uint8, np.uint8), (np.uint8, np.float32)])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_every_kind_of_values(kinds, strength):
  image, made = (recipes.random_images(BAND + 7, 9, 3, seed=seed) for seed in (1, 2))
  image, made = ((np.uint8(np.round(each * 255)) if kind == np.uint8 else each) for each, kind in zip((image, made), kinds))
  scale = [255 if kind == np.uint8 else 1 for kind in kinds]
  expected = strength * np.float64(made) / scale[1] + (1 - strength) * np.float64(image) / scale[0]
  found = blend(image, made.copy(), strength)
  assert found.dtype == made.dtype
  np.testing.assert_allclose(np.float64(found) / scale[1], expected, atol=0.51 / 255 if kinds[1] == np.uint8 else 1e-6)


def test_an_image_that_cannot_be_written_to_is_copied():
  image, made = recipes.random_images(2, 8, 8, 3)
  made.setflags(write=False)
  np.testing.assert_allclose(blend(image, made, 0.5), (image + made) / 2, atol=1e-6)


@pytest.mark.parametrize("strength, scale, message", [
    (1.5, 1, "strength is 1.5: expected 0"), (-0.1, 1, "expected 0"), (float("nan"), 1, "expected 0"),
    (0.5, 4, "enlarges 4 times")])
def test_illegal_strengths(strength, scale, message):
  with pytest.raises(ValueError, match=message):
    check_strength(strength, scale)


def test_legal_strengths():
  assert check_strength(0) is check_strength(0.4) is check_strength(1, 4) is None
