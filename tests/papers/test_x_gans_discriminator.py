"""X-GANs discriminators: parameters, patches, scales, arithmetic."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.papers.x_gans import TINY, Config, Discriminators

SOURCE, IMAGES = recipes.random_images(2, 32, 40, 3, seed=1), recipes.random_images(2, 32, 40, 3, seed=2)


def _spread(variable, shape):
  """Deviation of kernels under which logits spread over several units."""
  return 1.4 / np.sqrt(np.prod(shape[:3]))


def _built(config, size=(32, 40), **options):
  network = Discriminators(config, **options)
  network(keras.Input((*size, 3)), keras.Input((*size, 3)))
  return network


def _config(**options):
  return dataclasses.replace(TINY, **options)


@pytest.fixture(scope="module")
def drawn():
  return recipes.draw_weights(_built(TINY), _spread)


# pix2pixHD: 4x4 kernels of 64, 128, 256, 512 and 1 channels with biases, over image and condition.
KERNELS = (16 * 6 * 64, 16 * 64 * 128, 16 * 128 * 256, 16 * 256 * 512, 16 * 512 * 1)
SIDES = {256: (129, 65, 33, 34, 35), 128: (65, 33, 17, 18, 19), 64: (33, 17, 9, 10, 11)}  # half + 1, and + 1 at stride 1


def test_parameters_and_maps():
  network = Discriminators(Config())
  judged = network(keras.Input((256, 256, 3)), keras.Input((256, 256, 3)))
  assert network.count_params() == 3 * 2_767_809
  assert 2_767_809 == sum(KERNELS) + 64 + 128 + 256 + 512 + 1
  assert len(judged) == len(SIDES) == 3
  for (logits, maps), sides in zip(judged, SIDES.values()):
    assert [tuple(one.shape[1:]) for one in maps] == [(side, side, channels)
                                                      for side, channels in zip(sides, (64, 128, 256, 512))]
    assert tuple(logits.shape[1:]) == (sides[-1], sides[-1], 1)


def test_cost():
  network = Discriminators(Config())
  both = keras.Sequential([keras.Input((256, 256, 3)), keras.layers.Lambda(lambda x: network(x, x)[-1][0])])
  macs = sum(side ** 2 * kernel for sides in SIDES.values() for side, kernel in zip(sides, KERNELS))
  assert count_macs(both, 256, 256) == macs


# Arithmetic, against the same networks in plain float64 NumPy ------------------------------------------------------

def _pooled(x):
  """The mean over the pixels of a 3x3 window that lie within the image, window by window.

  On sides of odd length windows stand around every second pixel from the first one on, on those of even length from the
  second one on, so that the last window lacks a row or column there.
  """
  starts = [range(-1 if size % 2 else 0, size - 1 if size > 1 else 0, 2) for size in x.shape[1:3]]
  rows = [[x[:, max(row, 0):row + 3, max(column, 0):column + 3].mean((1, 2)) for column in starts[1]] for row in starts[0]]
  return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _plain(network, scale, x):
  """Logits and maps of one discriminator for images of six channels in [-1, 1]."""
  w = {variable.path.split("/", 1)[1]: np.float64(value) for variable, value in zip(network.weights, network.get_weights())}
  maps = []
  for index, stride in enumerate((2, 2, 2, 1, 1), 1):
    x = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (4, 4), (1, 2))[:, ::stride, ::stride]
    x = np.einsum("nyxcij,ijco->nyxo", windows, w[f"scale{scale}_conv{index}/kernel"], optimize=True)
    x = x + w[f"scale{scale}_conv{index}/bias"]
    if index == 5:
      return x, maps
    if index > 1:
      x = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    x = np.where(x > 0, x, 0.2 * x)
    maps.append(x)


@pytest.mark.parametrize("size", [(32, 40), (33, 27)])
def test_equals_plain_arithmetic(drawn, size):
  source, images = recipes.random_images(2, *size, 3, seed=3), recipes.random_images(2, *size, 3, seed=4)
  judged = drawn(source, images)
  x = np.concatenate([2 * np.float64(source) - 1, 2 * np.float64(images) - 1], axis=-1)
  assert len(judged) == 3
  for scale, (logits, maps) in enumerate(judged, 1):
    if scale > 1:
      x = _pooled(x)
    expected, expected_maps = _plain(drawn, scale, x)
    assert len(maps) == 4 and logits.dtype == tf.float32 and expected.std() > 0.3
    for one, other in zip([logits, *maps], [expected, *expected_maps]):
      np.testing.assert_allclose(one, other, atol=2e-5)


def test_pooling_counts_pixels_of_the_image_alone():
  """A white image stays white up to its border, where zeros counted along would darken it."""
  network = recipes.draw_weights(_built(_config(discriminators=2)), _spread)
  alone = _built(_config(discriminators=1))
  alone.set_weights(network.get_weights()[8:16] + network.get_weights()[18:])  # four convolutions, and the head
  for size in ((32, 32), (27, 40)):
    white = np.ones((1, *size, 3), "f")
    halved = np.ones((1, *(-(-side // 2) for side in size), 3), "f")
    np.testing.assert_allclose(network(white, white)[1][0], alone(halved, halved)[0][0], atol=1e-5)


def test_a_logit_sees_70_pixels():
  """Without the norms, through which it sees the means of the whole map."""
  network = recipes.draw_weights(_built(_config(discriminators=1), (160, 160)), _spread)
  for norms in network.norms:
    for norm in norms:
      norm.call = lambda inputs: inputs
  images = tf.constant(recipes.random_images(1, 160, 160, 3))
  with tf.GradientTape() as tape:
    tape.watch(images)
    (logits, _), = network(tf.constant(recipes.random_images(1, 160, 160, 3, seed=1)), images)
    one = logits[0, 11, 11, 0]
  seen = np.argwhere(np.any(tape.gradient(one, images)[0], axis=-1))
  np.testing.assert_array_equal(seen.max(0) - seen.min(0) + 1, [70, 70])
  assert len(seen) == 70 * 70


# Behaviour ---------------------------------------------------------------------------------------------------------

def _logits(judged):
  return np.concatenate([np.ravel(logits) for logits, _ in judged])


def test_the_source_counts(drawn):
  assert np.abs(_logits(drawn(SOURCE, IMAGES)) - _logits(drawn(SOURCE[::-1], IMAGES))).mean() > 1e-3
  assert np.abs(_logits(drawn(SOURCE, IMAGES)) - _logits(drawn(IMAGES, SOURCE))).mean() > 1e-3


def test_initial_weights():
  """pix2pixHD: kernels N(0, 0.02)."""
  network = _built(_config(discriminator_channels=16))
  kernels = [weight for weight in network.get_weights() if weight.ndim == 4]
  for kernel in kernels:
    assert abs(kernel.std() / 0.02 - 1) < 4 / np.sqrt(kernel.size) and abs(kernel.mean()) < 4 * 0.02 / np.sqrt(kernel.size)
  assert not any(weight.any() for weight in network.get_weights() if weight.ndim == 1)
