"""DPED's discriminator."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.papers.mux_demux import TINY, Config, Discriminator


def _built(config, **options):
  network = Discriminator(config, **options)
  network(keras.Input((config.patch_size, config.patch_size, 3)))
  return network


# DPED: 100 -> 25 -> 13 -> 13 -> 13 -> 7; 48@11x11, 128@5x5, 192@3x3 twice, 128@3x3, a dense layer of 1024 and the head.
SIDES = (25, 13, 13, 13, 7)
KERNELS = (121 * 1 * 48, 25 * 48 * 128, 9 * 128 * 192, 9 * 192 * 192, 9 * 192 * 128)
CONVOLUTIONS = sum(KERNELS) + 48 + 128 + 192 + 192 + 128 + 2 * (128 + 192 + 192 + 128)  # with biases and norms
DENSE = 7 * 7 * 128 * 1024 + 1024


@pytest.mark.parametrize("head, units, parameters", [("softmax", 2, 7_361_122), ("sigmoid", 1, 7_360_097)])
def test_parameters_and_macs(head, units, parameters):
  network = _built(Config(discriminator_head=head))
  assert network.count_params() == parameters == CONVOLUTIONS + DENSE + 1025 * units
  macs = sum(side ** 2 * kernel for side, kernel in zip(SIDES, KERNELS)) + 7 * 7 * 128 * 1024 + 1024 * units
  assert count_macs(network, 100, 100) == macs


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_logits(head):
  network = _built(dataclasses.replace(TINY, discriminator_head=head))
  logits = network(recipes.random_images(3, 32, 32, 3))
  assert logits.shape == (3, 1) and logits.dtype == tf.float32


def test_softmax_logit_is_the_log_odds_of_unit_zero():
  network = _built(dataclasses.replace(TINY, discriminator_head="softmax"))
  network.head.set_weights([recipes.random_images(8, 2), np.float32([1.5, -0.5])])
  images = recipes.random_images(2, 32, 32, 3)
  units = []
  network.head.call = lambda features, call=network.head.call, **_: units.append(call(features)) or units[-1]
  logits = network(images)
  real = tf.nn.softmax(units[0])[:, :1]
  np.testing.assert_allclose(tf.sigmoid(logits), real, rtol=1e-5)


def test_it_sees_grey_alone():
  network = _built(TINY)
  images = recipes.random_images(2, 32, 32, 3)
  grey = np.repeat((images @ np.float32([0.2989, 0.5870, 0.1140]))[..., None], 3, axis=-1) / np.float32(0.9999)
  np.testing.assert_allclose(network(images), network(grey), atol=1e-5)
  assert np.abs(network(images) - network(images[::-1])).max() > 0


def test_norms_come_after_the_activation():
  """What follows a norm takes feature maps of mean 0, which LeakyReLU after it would lift."""
  network = _built(TINY)
  taken = []
  for layer in (*network.convolutions[2:], network.flatten):
    layer.call = lambda features, call=layer.call: taken.append(features.numpy()) or call(features)
  network(recipes.random_images(2, 32, 32, 3))
  assert len(taken) == 4
  for features in taken:
    assert np.abs(features.mean(axis=(1, 2))).max() < 0.001 * features.std()


def test_initial_weights():
  network = _built(Config())
  for layer in [*network.convolutions, network.dense]:
    kernel, bias = layer.get_weights()
    # Keras' truncated normal of deviation 0.01 before truncation at two deviations.
    assert np.abs(kernel).max() <= 0.02 + 1e-6
    np.testing.assert_allclose(kernel.std(), 0.0088, rtol=0.03)
    np.testing.assert_allclose(bias, 0.01)
