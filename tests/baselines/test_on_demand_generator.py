"""The network of on-demand learning: parameters, arithmetic, its one size, weights, files."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

import tf_imgtrans as ti
from tf_imgtrans.baselines.on_demand.config import TINY, Config
from tf_imgtrans.baselines.on_demand.generator import ChannelwiseDense, Generator
from tf_imgtrans.benchmark import count_macs

SMALL = dataclasses.replace(TINY, image_size=32)


def _named(network):
  """The network's weights by their path without the network's name, float64."""
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


def _built(config, **options):
  network = Generator(config, **options)
  network(keras.Input((None, None, 3)))
  return network


@pytest.fixture(scope="module")
def drawn():
  """A small network with weights that keep tanh on its slope and every ReLU half open."""
  network, rng = _built(SMALL), np.random.default_rng(0)

  def value(path, shape):
    kind = path.rsplit("/", 1)[-1]
    if kind == "kernel":
      # of a transposed convolution, a quarter of the taps meets each pixel
      fan_in = shape[1] if len(shape) == 3 else 16 * shape[2] if path.startswith("enc") else 4 * shape[3]
      return rng.normal(0, (0.5 if path.startswith("last") else 1.4) / np.sqrt(fan_in), shape)
    return rng.uniform(0.5, 1.5, shape) if kind in ("gamma", "moving_variance") else rng.normal(0, 0.2, shape)

  network.set_weights([value(path, weight.shape) for path, weight in _named(network).items()])
  return network


# Parameters and cost -------------------------------------------------------------------------------------------------

def _convolution(channels, filters):
  return 4 * 4 * channels * filters + filters


def _stages(widths):
  """Convolutions from one width to the next, each with the two trained numbers per channel of its normalization."""
  return sum(_convolution(channels, filters) + 2 * filters for channels, filters in zip(widths, widths[1:]))


MIDDLE = 512 * (16 * 16 + 16)  # 512 separate linear maps of 4x4 places
PARAMETERS = {
    64: _stages([3, 64, 128, 256, 512]) + MIDDLE + _stages([512, 256, 128, 64]) + _convolution(64, 3),
    256: (_stages([3, 64, 128, 256, 512, 512, 512]) + MIDDLE + _stages([512, 512, 512, 256, 128, 64])
          + _convolution(64, 3)),
}


@pytest.mark.parametrize("size", [64, 256])
def test_parameters(size):
  network = ti.create_generator("on_demand", image_size=size)
  trained = sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
  assert trained == PARAMETERS[size] == {64: 5_654_659, 256: 22_438_019}[size]
  running = 2 * sum({64: [64, 128, 256, 512, 256, 128, 64],
                     256: [64, 128, 256, 512, 512, 512, 512, 512, 256, 128, 64]}[size])
  assert network.count_params() == trained + running


def test_macs():
  """Maps of 32, 16, 8 and 4 pixels down, of 4, 8, 16 and 32 up: a transposed convolution multiplies at its input."""
  down = 16 * (32 ** 2 * 3 * 64 + 16 ** 2 * 64 * 128 + 8 ** 2 * 128 * 256 + 4 ** 2 * 256 * 512)
  up = 16 * (4 ** 2 * 512 * 256 + 8 ** 2 * 256 * 128 + 16 ** 2 * 128 * 64 + 32 ** 2 * 64 * 3)
  assert count_macs(ti.create_generator("on_demand"), 64, 64) == down + up + 512 * 16 * 16


@pytest.mark.parametrize("size, widths", [
    (16, [4, 8]), (32, [4, 8, 16]), (64, [4, 8, 16, 32]), (128, [4, 8, 16, 32, 32]), (256, [4, 8, 16, 32, 32, 32])])
def test_stages(size, widths):
  """Halved down to 4x4, twice the channels each time up to eight times the first ones; mirrored on the way back."""
  network = Generator(dataclasses.replace(TINY, image_size=size))
  assert [convolution.filters for convolution, _ in network.encoder] == widths
  assert [convolution.filters for convolution, _ in network.decoder] == widths[-2::-1]
  assert size // 2 ** len(widths) == 4


# Arithmetic, against the same network in plain float64 NumPy ---------------------------------------------------------

def _conv(x, kernel):
  """4x4, stride 2, one pixel of zeros around, as in Torch."""
  x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
  windows = np.lib.stride_tricks.sliding_window_view(x, (4, 4), (1, 2))[:, ::2, ::2]
  return np.einsum("nyxcij,ijco->nyxo", windows, kernel, optimize=True)


def _transposed(x, kernel):
  """Every pixel lays its multiple of the kernel, [4, 4, out, in], two pixels on from its neighbour's; 1 pixel is cut."""
  count, height, width, _ = x.shape
  out = np.zeros((count, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
  for i in range(4):
    for j in range(4):
      out[:, i:i + 2 * height:2, j:j + 2 * width:2] += x @ kernel[i, j].T
  return out[:, 1:-1, 1:-1]


def _plain(weights, images, training):
  def normalized(name, x):
    x = x + weights[f"{name}_conv/bias"]
    mean, variance = weights[f"{name}_norm/moving_mean"], weights[f"{name}_norm/moving_variance"]
    if training:
      mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return weights[f"{name}_norm/gamma"] * (x - mean) / np.sqrt(variance + 1e-5) + weights[f"{name}_norm/beta"]

  x = 2 * np.float64(images) - 1
  for name in ("enc1", "enc2", "enc3"):
    x = normalized(name, _conv(x, weights[f"{name}_conv/kernel"]))
    x = np.where(x > 0, x, 0.2 * x)
  x = _plain_channelwise(x, weights["channelwise/kernel"], weights["channelwise/bias"])
  for name in ("dec2", "dec1"):
    x = np.maximum(normalized(name, _transposed(x, weights[f"{name}_conv/kernel"])), 0)
  x = _transposed(x, weights["last/kernel"]) + weights["last/bias"]
  return (np.tanh(x) + 1) / 2


def _plain_channelwise(x, kernel, bias):
  """Channel by channel, as in the authors' code: a linear map of its places, row by row."""
  out = np.zeros_like(x)
  for image in range(len(x)):
    for channel in range(x.shape[-1]):
      places = x[image, :, :, channel].ravel()
      out[image, :, :, channel] = (places @ kernel[channel] + bias[:, channel]).reshape(x.shape[1:3])
  return out


@pytest.mark.parametrize("training", [False, True])
def test_equals_plain_arithmetic(drawn, training):
  images = recipes.random_images(3, 32, 32, 3, seed=3)
  expected = _plain(_named(drawn), images, training)
  # The comparison means something: the output spreads over the slope of tanh.
  assert expected.std() > 0.05 and np.mean(np.abs(expected - 0.5) < 0.45) > 0.7
  before = drawn.get_weights()
  out = drawn(images, training=training)
  drawn.set_weights(before)  # training moves the running means
  np.testing.assert_allclose(out, expected, atol=1e-5)


def test_channelwise_equals_plain_arithmetic():
  """Height and width differ, so that exchanging them would show."""
  layer = ChannelwiseDense(seed=3)
  inputs = np.random.default_rng(1).standard_normal((2, 3, 5, 4)).astype("f")
  out = layer(inputs)
  kernel, bias = (np.float64(weight) for weight in layer.get_weights())
  assert kernel.shape == (4, 15, 15) and bias.shape == (15, 4)
  np.testing.assert_allclose(out, _plain_channelwise(np.float64(inputs), kernel, bias), atol=1e-5)


def test_channels_of_the_channelwise_layer_do_not_mix():
  layer = ChannelwiseDense()
  inputs = np.random.default_rng(2).standard_normal((1, 4, 4, 3)).astype("f")
  moved = inputs.copy()
  moved[0, 3, 1, 1] += 1
  changed = (layer(moved) != layer(inputs)).numpy()
  assert changed[..., 1].all() and not changed[..., [0, 2]].any()


def test_channelwise_gradient():
  layer = ChannelwiseDense()
  inputs = np.random.default_rng(3).standard_normal((2, 2, 2, 3)).astype("f")
  layer(inputs)
  recipes.check_gradient(lambda x: tf.reduce_sum(tf.square(layer(x))), inputs)


# Its one size --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [16, 64])
def test_sizes(size):
  network = _built(dataclasses.replace(TINY, image_size=size))
  recipes.check_generator(network, [(size, size)])


# Weights and files ---------------------------------------------------------------------------------------------------

def test_initial_weights_are_those_of_the_code():
  """Normal of deviation 0.02, around 1 for the normalizations' factors; Torch's uniform in the linear maps: 1/sqrt(16)."""
  for path, value in _named(ti.create_generator("on_demand")).items():
    kind = path.rsplit("/", 1)[-1]
    error = 1 / np.sqrt(value.size)
    if path.startswith("channelwise"):
      assert 0.24 < np.abs(value).max() <= 0.25 and abs(value.mean()) < 4 * 0.15 * error
    elif kind == "kernel":
      assert abs(value.mean()) < 4 * 0.02 * error and abs(value.std() / 0.02 - 1) < 4 * error
    elif kind == "gamma":
      assert abs(value.mean() - 1) < 4 * 0.02 * error and abs(value.std() / 0.02 - 1) < 4 * error
    else:
      assert (value == {"bias": 0, "beta": 0, "moving_mean": 0, "moving_variance": 1}[kind]).all()


def test_layer_configuration():
  recipes.check_layer_config(ChannelwiseDense(seed=5), recipes.random_images(2, 4, 4, 3), seed=5)


def test_options():
  network = ti.create_generator("on_demand", seed=4, image_size=32, base_channels=4)
  assert network.config == dataclasses.replace(Config(), seed=4, image_size=32, base_channels=4)
  with pytest.raises(ValueError, match="image_size is 100: expected a power of two"):
    ti.create_generator("on_demand", image_size=100)
