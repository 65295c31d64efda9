"""Rain and snow: seeded, bounded, brighter, as many and as long as is asked, and the same in every mode."""

import functools

import numpy as np
import pytest
import recipes
import scipy.ndimage
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.data.weather import rain, snow

KINDS = {"rain": rain, "snow": snow}
BLACK = np.zeros((128, 128, 3), np.float32)
AMOUNT = {"rain": "streaks", "snow": "flakes"}


@functools.cache
def _function(kind, amounts):
  return tf.function(lambda seed: KINDS[kind](BLACK, seed, **{name: (value, value) for name, value in amounts}))


def _layer(kind, seed, **amounts):
  """How much of the light of the falling things reaches each pixel of a black image: [H, W] in [0, 1]."""
  return _function(kind, tuple(amounts.items()))(tf.constant([seed, 0])).numpy()[..., 1]


@pytest.mark.parametrize("kind", KINDS)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 2 ** 31 - 1))
def test_size_range_and_type(kind, height, width, seed):
  image = recipes.random_images(height, width, 3, seed=seed)
  found = KINDS[kind](image, seed).numpy()
  assert found.shape == image.shape and found.dtype == np.float32
  assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_image_everywhere(kind, real_photograph):
  image, function = real_photograph[100:148, 130:170], KINDS[kind]
  known = tf.function(lambda seed: function(image, seed))
  compiled = tf.function(lambda seed: function(image, seed), jit_compile=True)
  unknown = tf.function(function, input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((2,), tf.int32)])
  mapped = tf.data.Dataset.range(4).map(lambda seed: function(image, seed), num_parallel_calls=4)
  eager = [function(image, seed).numpy() for seed in range(4)]
  for seed, expected, from_data in zip(range(4), eager, mapped):
    pair = tf.constant([seed, 0])
    for other in (known(pair), compiled(pair), unknown(image, pair), function(image, (seed, 0)), from_data):
      np.testing.assert_allclose(other, expected, atol=1e-5)
  assert all(np.abs(one - other).max() > 0.1 for k, one in enumerate(eager) for other in eager[k + 1:])


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_is_blended_alike(kind, real_photograph):
  image = real_photograph[20:148, 100:228]
  over, alone = KINDS[kind](image, 3).numpy(), KINDS[kind](np.zeros_like(image), 3).numpy()
  light = np.float32({"rain": (0.93, 0.95, 0.97), "snow": (0.98, 0.98, 0.99)}[kind])
  opacity = alone / light
  np.testing.assert_allclose(opacity.std(axis=-1), 0, atol=1e-6)
  np.testing.assert_allclose(over, image * (1 - opacity) + alone, atol=1e-6)  # the background shines through
  assert 0.5 < opacity.max() < 1 and np.median(opacity) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_amounts(kind):
  means = {share: np.mean([_layer(kind, seed, **{AMOUNT[kind]: share}) for seed in range(8)])
           for share in (0.0, 0.001, 0.002, 0.004)}
  assert means[0.0] == 0
  assert 1.6 < means[0.002] / means[0.001] < 2.4 and 1.6 < means[0.004] / means[0.002] < 2.2
  drawn = [np.mean(KINDS[kind](BLACK, seed, (0.0, 0.004))) for seed in range(40)]
  assert min(drawn) < 0.2 * means[0.004] < 0.8 * means[0.004] < max(drawn)


@pytest.mark.parametrize("slant", [0.0, 30.0])
def test_streaks_are_as_long_as_asked(slant):
  """Of 128 rows 0.3 are 38; the streaks of the layers behind have 0.8 and 0.5 of that."""
  found = []
  for seed in range(150):
    layer = _layer("rain", seed, streaks=1e-4, length=0.3, slant=slant)
    pieces, _ = scipy.ndimage.label(layer > 0.02, np.ones((3, 3)))
    for rows, columns in scipy.ndimage.find_objects(pieces):
      if rows.start > 0 and rows.stop < 128 and columns.start > 0 and columns.stop < 128:  # whole ones
        found.append((rows.stop - rows.start, columns.stop - columns.start))
  heights, widths = np.array(found).T
  for share in (1.0, 0.8, 0.5):
    assert np.mean(np.abs(heights - share * 0.3 * 128) <= 1.5) > 0.1
  assert np.mean([np.abs(heights - share * 0.3 * 128) <= 1.5 for share in (1.0, 0.8, 0.5)], axis=1).sum() > 0.85
  assert np.median(widths - np.tan(np.radians(slant)) * heights) == pytest.approx(1, abs=1.5)


def _direction(layer):
  """Columns to the right per row down, along which a layer changes least."""
  down, right = np.gradient(scipy.ndimage.gaussian_filter(layer, 1.5))  # thin lines are steps to a difference
  _, vectors = np.linalg.eigh([[np.sum(right ** 2), np.sum(right * down)], [np.sum(right * down), np.sum(down ** 2)]])
  return vectors[0, 0] / vectors[1, 0]


def test_rain_falls_to_either_side_by_the_slant():
  found = np.array([_direction(_layer("rain", seed, streaks=0.003, length=0.2, slant=25.0)) for seed in range(24)])
  assert 5 < (found > 0).sum() < 19
  np.testing.assert_allclose(np.abs(found), np.tan(np.radians(25)), rtol=0.15)
  upright = [_direction(_layer("rain", seed, streaks=0.003, length=0.2, slant=0.0)) for seed in range(4)]
  np.testing.assert_allclose(upright, 0, atol=0.02)


def test_flakes_grow_with_their_size():
  def covered(size):
    return np.mean([np.mean(_layer("snow", seed, flakes=0.0005, size=size) > 0.3) for seed in range(10)])

  small, middle, large = covered(0.01), covered(0.02), covered(0.04)
  assert 2.5 < middle / small < 6 and 2.5 < large / middle < 6  # as the square, less what overlaps
  # A disc of that radius; the faintest flakes, of 0.3 to 0.5 of the opacity, fall below the threshold in their outer parts.
  assert 0.4 < large / (0.0005 * np.pi * (0.04 * 128) ** 2) < 1.2


@pytest.mark.parametrize("kind", KINDS)
def test_they_fall_everywhere(kind):
  mean = np.mean([_layer(kind, seed, **{AMOUNT[kind]: 0.004}) for seed in range(80)], axis=0)
  blocks = mean.reshape(2, 64, 2, 64).mean((1, 3))
  assert blocks.min() > 0.85 * blocks.max()
  border = np.concatenate([mean[:4].ravel(), mean[-4:].ravel(), mean[:, :4].ravel(), mean[:, -4:].ravel()]).mean()
  assert 0.85 < border / mean.mean() < 1.15


def test_what_is_no_image_or_range():
  for function, name in ((rain, "streaks"), (snow, "flakes")):
    with pytest.raises(ValueError, match="image has shape .*expected .height, width, 3."):
      function(np.zeros((2, 8, 8, 3), "f"), 0)
    with pytest.raises(ValueError, match="image has dtype uint8"):
      function(np.zeros((8, 8, 3), np.uint8), 0)
    for limits in ((0.2, 0.1), (-0.1, 0.1), (0.1, 2.0)):
      with pytest.raises(ValueError, match=f"{name} is .*expected the lower and the upper end"):
        function(np.zeros((8, 8, 3), "f"), 0, **{name: limits})
  with pytest.raises(ValueError, match="slant is .*from 0 to 60"):
    rain(BLACK, 0, slant=(0, 89))
