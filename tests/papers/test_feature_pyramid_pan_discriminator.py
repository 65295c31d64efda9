"""Discriminators of the feature-pyramid paper: parameters, what each sees, arithmetic, strides."""

import dataclasses

import cv2
import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.feature_pyramid_pan import TINY, Config, Discriminators
from tf_imgtrans.papers.feature_pyramid_pan.config import VARIANTS
from tf_imgtrans.papers.feature_pyramid_pan.discriminator import PatchDiscriminator, plan, strides, views

SMALL = dataclasses.replace(TINY, image_size=64, load_size=64, levels=2, low_levels=(1, 2))
SOURCE, IMAGES = recipes.random_images(2, 64, 64, 3, seed=1), recipes.random_images(2, 64, 64, 3, seed=2)


def _spread(variable, shape):
  """Deviation of kernels under which logits spread over several units."""
  return 1.4 / np.sqrt(np.prod(shape[:3]))


def _config(**options):
  return dataclasses.replace(SMALL, **options)


def _built(config, **options):
  network = Discriminators(config, **options)
  network(*[keras.Input((config.image_size, config.image_size, 3))] * 2)
  return network


@pytest.fixture(scope="module")
def drawn():
  return recipes.draw_weights(_built(SMALL), _spread)


def _flat(judged):
  """Every logit and map, one after the other."""
  return [one for levels in judged.values() for logits, maps in levels for one in (logits, *maps)]


# Architecture ------------------------------------------------------------------------------------------------------

# pix2pix: 4x4 kernels of 64, 128, 256, 512 and 1 channels with biases.
KERNELS = {channels: (16 * channels * 64, 16 * 64 * 128, 16 * 128 * 256, 16 * 256 * 512, 16 * 512 * 1)
           for channels in (3, 6)}
SIDES = {256: (128, 64, 32, 31, 30), 128: (64, 32, 16, 15, 14), 64: (32, 16, 8, 7, 6), 32: (16, 8, 4, 3, 2)}


def test_parameters_and_maps():
  network = Discriminators(Config())
  judged = network(keras.Input((256, 256, 3)), keras.Input((256, 256, 3)))
  assert 2_767_809 == sum(KERNELS[6]) + 64 + 128 + 256 + 512 + 1
  assert 2_764_737 == sum(KERNELS[3]) + 64 + 128 + 256 + 512 + 1
  assert {track: [one.count_params() for one in patches] for track, patches in network.patches.items()} == {
      "high": [2_767_809] * 3, "low": [2_764_737] * 3}
  assert network.count_params() == 3 * 2_767_809 + 3 * 2_764_737
  for track, sizes in (("high", (256, 128, 64)), ("low", (128, 64, 32))):
    for (logits, maps), size in zip(judged[track], sizes, strict=True):
      assert [tuple(one.shape[1:]) for one in maps] == [(side, side, channels) for side, channels
                                                        in zip(SIDES[size], (64, 128, 256, 512))]
      assert tuple(logits.shape[1:]) == (SIDES[size][-1], SIDES[size][-1], 1)


def _plain(patch, x, chosen):
  """Logits and maps of one discriminator for images in [-1, 1]."""
  w = {variable.path.split("/", 2)[-1]: np.float64(value) for variable, value in zip(patch.weights, patch.get_weights())}
  x, maps = np.float64(x), []
  for index, stride in enumerate(chosen, 1):
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (4, 4), (1, 2))[:, ::stride, ::stride]
    x = np.einsum("nyxcij,ijco->nyxo", windows, w[f"conv{index}/kernel"], optimize=True) + w[f"conv{index}/bias"]
    if index == 5:
      return [x, *maps]
    if index > 1:
      x = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    x = np.where(x > 0, x, 0.2 * x)
    maps.append(x)


def _doubled(images):
  """OpenCV's bicubic doubling, another program's a = -0.75."""
  size = (2 * images.shape[2], 2 * images.shape[1])
  return np.stack([cv2.resize(np.float64(image), size, interpolation=cv2.INTER_CUBIC) for image in images])


def _seen():
  """What the discriminators of SMALL see, step by step."""
  x, y = 2 * np.float64(SOURCE) - 1, 2 * np.float64(IMAGES) - 1
  return {"high": [np.concatenate([x, y - _doubled(y[:, ::2, ::2])], -1),
                   np.concatenate([x[:, ::2, ::2], y[:, ::2, ::2] - _doubled(y[:, ::4, ::4])], -1)],
          "low": [y[:, ::2, ::2], y[:, ::4, ::4]]}


STRIDES = {"high": [(2, 2, 2, 1, 1), (2, 2, 2, 1, 1)], "low": [(2, 2, 2, 1, 1), (2, 2, 1, 1, 1)]}  # 64, 32; 32, 16 pixels


def test_equals_plain_arithmetic(drawn):
  judged = drawn(SOURCE, IMAGES)
  assert judged.keys() == STRIDES.keys()
  for track, seen in _seen().items():
    for patch, one, chosen, (logits, maps) in zip(drawn.patches[track], seen, STRIDES[track], judged[track], strict=True):
      expected = _plain(patch, one, chosen)
      assert len(maps) == 4 and logits.dtype == tf.float32 and expected[0].std() > 0.1
      for values, other in zip([logits, *maps], expected, strict=True):
        np.testing.assert_allclose(values, other, atol=5e-5)


@pytest.mark.parametrize("size, chosen, logits", [
    (256, (2, 2, 2, 1, 1), 30), (64, (2, 2, 2, 1, 1), 6), (32, (2, 2, 2, 1, 1), 2), (24, (2, 2, 2, 1, 1), 1),
    (23, (2, 2, 1, 1, 1), 2), (16, (2, 2, 1, 1, 1), 1), (8, (1, 1, 1, 1, 1), 3), (6, (1, 1, 1, 1, 1), 1)])
def test_small_images_have_fewer_strides(size, chosen, logits):
  assert strides(size) == chosen
  patch = PatchDiscriminator(size, 3, 4, 0)
  out, maps = patch(recipes.random_images(2, size, size, 3))
  assert out.shape[1:] == (logits, logits, 1) and len(maps) == 4
  assert patch.count_params() == 16 * (3 * 4 + 4 * 8 + 8 * 16 + 16 * 32 + 32) + 4 + 8 + 16 + 32 + 1


def test_no_logit_is_left_of_five_pixels():
  with pytest.raises(ValueError, match="size is 5: expected at least 6 pixels"):
    strides(5)


def test_the_smallest_images_of_a_configuration():
  config = dataclasses.replace(TINY, levels=2, low_levels=(2,))  # 16 and 8 pixels
  network = recipes.draw_weights(_built(config), _spread)
  judged = network(SOURCE[:, :32, :32], IMAGES[:, :32, :32])
  assert [tuple(logits.shape[1:3]) for levels in judged.values() for logits, _ in levels] == [(2, 2), (1, 1), (3, 3)]
  assert all(np.isfinite(one).all() and np.std(one) > 0 for one in _flat(judged))


def test_a_logit_sees_70_pixels():
  """Without the norms, through which it sees the means of the whole map."""
  patch = PatchDiscriminator(160, 3, 4, 0)
  patch(keras.Input((None, None, 3)))
  recipes.draw_weights(patch, _spread)
  for norm in patch.norms:
    norm.call = lambda inputs: inputs
  images = tf.constant(recipes.random_images(1, 160, 160, 3))
  with tf.GradientTape() as tape:
    tape.watch(images)
    one = patch(images)[0][0, 9, 9, 0]
  seen = np.argwhere(np.any(tape.gradient(one, images)[0], axis=-1))
  np.testing.assert_array_equal(seen.max(0) - seen.min(0) + 1, [70, 70])
  assert len(seen) == 70 * 70


# What they see -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("changes, expected", [
    ({}, {"high": [(64, 6), (32, 6)], "low": [(32, 3), (16, 3)]}),
    ({"conditional": False}, {"high": [(64, 3), (32, 3)], "low": [(32, 3), (16, 3)]}),
    ({"weight_low": 0.0}, {"high": [(64, 6), (32, 6)]}),
    (VARIANTS["without_high"], {"high": [(64, 6), (32, 6)], "low": [(32, 3), (16, 3)]}),  # for the features of Eq. 8
    (VARIANTS["without_high_pyramid"], {"low": [(32, 3), (16, 3)]}),
    ({"low_levels": (0, 1, 2)}, {"high": [(64, 6), (32, 6)], "low": [(64, 3), (32, 3), (16, 3)]}),
    ({"low_levels": (0, 2, 3), "low_images": "upsampled"},
     {"high": [(64, 6), (32, 6)], "low": [(64, 3), (32, 3), (16, 3)]}),
    ({"levels": 1, "low_levels": (3,)}, {"high": [(64, 6)], "low": [(8, 3)]}),
    ({"low_levels": (), "weight_low": 0.0}, {"high": [(64, 6), (32, 6)]}),
    ({"objective": "pix2pix"}, {"whole": [(64, 6)]}),
    ({"objective": "pix2pix", "weight_high": 0.0}, {}),
    ({"objective": "context_encoder"}, {"whole": [(64, 3)]}),
    ({"objective": "context_encoder", "weight_adversarial": 0.0}, {}),
    (VARIANTS["cnn_objective"], {}),
])
def test_plan_and_views(changes, expected):
  config = _config(**changes)
  assert plan(config) == expected
  seen = views(config, SOURCE, IMAGES) if expected else {}
  assert {track: [(one.shape[1], one.shape[3]) for one in levels] for track, levels in seen.items()} == expected
  assert all(one.dtype == tf.float32 and one.shape[0] == 2 for levels in seen.values() for one in levels)


def test_views_are_the_levels_of_the_pyramid():
  expected = _seen()
  seen = views(SMALL, SOURCE, IMAGES)
  for track in expected:
    for one, other in zip(seen[track], expected[track], strict=True):
      np.testing.assert_allclose(one, other, atol=1e-5)
  alone = views(_config(conditional=False), SOURCE, IMAGES)["high"]
  for one, other in zip(alone, seen["high"]):
    recipes.assert_same(one, other[..., 3:])
  low = views(_config(low_levels=(0, 1, 2), low_images="upsampled"), SOURCE, IMAGES)["low"]
  recipes.assert_same(low[0], 2 * IMAGES - 1)
  for one, other in zip(low[1:], expected["low"], strict=True):
    np.testing.assert_allclose(one, _doubled(other), atol=1e-5)


def test_views_of_the_other_objectives():
  both = np.concatenate([2 * SOURCE - 1, 2 * IMAGES - 1], axis=-1)
  recipes.assert_same(views(_config(objective="pix2pix"), SOURCE, IMAGES)["whole"][0], both)
  recipes.assert_same(views(_config(objective="context_encoder"), SOURCE, IMAGES)["whole"][0], both[..., 3:])


def test_the_source_counts_where_it_should(drawn):
  judged, other = drawn(SOURCE, IMAGES), drawn(SOURCE[::-1], IMAGES)
  for (logits, _), (others, _) in zip(judged["high"], other["high"]):
    assert np.abs(logits - others).mean() > 1e-3
  for (logits, _), (others, _) in zip(judged["low"], other["low"]):
    recipes.assert_same(logits, others)


def test_the_high_track_does_not_see_the_colour(drawn):
  """Details have no mean: a lighter image has the same."""
  lighter = drawn(SOURCE, 0.5 * IMAGES + 0.5)
  for (logits, _), (others, _) in zip(drawn(SOURCE, 0.5 * IMAGES)["high"], lighter["high"]):
    np.testing.assert_allclose(logits, others, atol=1e-4)


# Initial weights ---------------------------------------------------------------------------------------------------

def test_initial_weights():
  """N(0, 0.02): Implementation Details."""
  network = _built(_config(discriminator_channels=16))
  kernels = [weight for weight in network.get_weights() if weight.ndim == 4]
  for kernel in kernels:
    assert abs(kernel.std() / 0.02 - 1) < 4 / np.sqrt(kernel.size) and abs(kernel.mean()) < 4 * 0.02 / np.sqrt(kernel.size)
  assert not any(weight.any() for weight in network.get_weights() if weight.ndim == 1)


def test_a_track_starts_the_same_without_the_other():
  whole, alone = _built(SMALL), _built(_config(weight_high=0.0, weight_perceptual=0.0))
  for one, other in zip(whole.patches["low"], alone.patches["low"], strict=True):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
      recipes.assert_same(a, b)
