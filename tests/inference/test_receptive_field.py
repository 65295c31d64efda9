"""Fields of small networks that are known by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_imgtrans.inference.receptive_field import Field, FixedStatistics, receptive_field
from tf_imgtrans.layers import InstanceNormalization
from tf_imgtrans.recipes import create_generator


def stack(*layers):
  """A network of layers; its weights are drawn from seeds."""
  inputs = keras.Input((None, None, 3))
  features = inputs
  for layer in layers:
    features = layer(features)
  return keras.Model(inputs, features)


def convolution(kernel, dilation=1, filters=3, seed=0, stride=1):
  return keras.layers.Conv2D(filters, kernel, stride, padding="same", dilation_rate=dilation,
                             kernel_initializer=keras.initializers.RandomUniform(0.1, 0.4, seed))


def to_depth(images):
  return tf.nn.space_to_depth(images, 2)


def from_depth(features):
  return tf.nn.depth_to_space(features, 2)


@pytest.mark.parametrize("layers, expected", [
    (lambda: [convolution(1)], Field(0, 1)),
    (lambda: [convolution(3)], Field(1, 1)),
    (lambda: [convolution(3), convolution(3), convolution(5)], Field(1 + 1 + 2, 1)),
    (lambda: [convolution(3, dilation=5)], Field(5, 1)),
    # Two groups of 2x2 beside a group: the pixel on its far side sees 1 + 2 pixels.
    (lambda: [keras.layers.Lambda(to_depth), convolution(3, filters=12), keras.layers.Lambda(from_depth)], Field(3, 2)),
    # Groups of 4x4, and 3x3 groups: 3 + 4 pixels.
    (lambda: [*[keras.layers.Lambda(to_depth)] * 2, convolution(3, filters=48), *[keras.layers.Lambda(from_depth)] * 2],
     Field(7, 4)),
    (lambda: [keras.layers.UpSampling2D(2), convolution(3)], Field(1, 1)),
    (lambda: [convolution(3, dilation=30), convolution(3, dilation=30)], Field(60, 1)),
])
def test_fields_known_by_hand(layers, expected):
  assert receptive_field(stack(*layers())) == expected


def test_a_plain_function():
  def shifted(images):
    return np.roll(images, 3, axis=2)

  assert receptive_field(shifted) == Field(3, 1)


@pytest.mark.parametrize("model", [
    lambda: stack(convolution(3), InstanceNormalization()),
    lambda: stack(convolution(3, dilation=120), convolution(3, dilation=160)),
    lambda: (lambda images: images - images.mean((1, 2), keepdims=True)),
    lambda: (lambda images: images * np.linspace(0, 1, images.shape[2], dtype=np.float32)[:, None]),
])
def test_what_depends_on_the_whole_image(model):
  field = receptive_field(model())
  assert not field.finite and field.radius == np.inf


def test_a_real_generator_is_finite_once_its_statistics_are_fixed():
  """mux_demux_hp: 6 layers of 3x3 on groups of 4, 2 on groups of 2, and the far side of a group: 24 + 4 + 3."""
  network = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4)
  for number, variable in enumerate(network.weights):  # the first weights hand on much and filter little
    if "kernel" in variable.path:
      variable.assign(keras.initializers.HeNormal(number)(variable.shape))
  assert not receptive_field(network).finite
  fixed = FixedStatistics(network)
  fixed.measure(np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32))
  with fixed.applied():
    assert receptive_field(network) == Field(31, 4)
  assert len(fixed.layers) == 8 and not receptive_field(network).finite  # the layers are as they were
  assert network.noise == "fixed"


def test_measured_statistics_are_the_networks_own():
  network = stack(convolution(3), InstanceNormalization(), convolution(3), InstanceNormalization(center=False, scale=False))
  network.layers[2].gamma.assign([0.5, 1.0, 2.0])
  network.layers[2].beta.assign([0.5, 1.0, -2.0])
  images = np.random.default_rng(0).uniform(0, 1, (1, 20, 24, 3)).astype(np.float32)
  fixed = FixedStatistics(network)
  fixed.measure(images)
  own = network(images).numpy()
  with fixed.applied():
    np.testing.assert_allclose(network(images), own, atol=1e-5)
    assert np.abs(network(images ** 2) - own).max() > 0.1
    inside = network((images ** 2)[:, :10]).numpy()
  assert np.abs(inside - network((images ** 2)[:, :10])).max() > 0.01
  np.testing.assert_array_equal(network(images), own)


def test_a_normalization_that_is_applied_twice():
  norm = InstanceNormalization()
  with pytest.raises(ValueError, match="applied twice in one pass"):
    FixedStatistics(stack(norm, norm)).measure(np.zeros((1, 8, 8, 3), np.float32))
