"""The networks that Mux/Demux is compared with: parameters, cost, arithmetic, initial weights."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import convolve, leaky, normalize, transposed

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.core.images import read_image
from tf_imgtrans.recipes import find_recipe

BLOCKS = {"dped": 4, "resnet_12_64": 4, "resnet_8_32": 2}
NAMES = sorted(["srcnn", "johnson", *BLOCKS])


@pytest.fixture(scope="module")
def fresh():
  return {name: ti.create_generator(name) for name in NAMES}


@pytest.fixture(scope="module")
def drawn():
  return {name: recipes.draw_weights(ti.create_generator(name, seed=5), recipes.on_the_slope) for name in NAMES}


# Parameters and cost -----------------------------------------------------------------------------------------------

def _convolution(kernel, channels, filters):
  return kernel * kernel * channels * filters + filters


def _normalized(kernel, channels, filters, numbers):
  return _convolution(kernel, channels, filters) + numbers * filters


# Instance normalization has 2 numbers per channel, batch normalization 4: two trained, two running means.
PARAMETERS = {
    "srcnn": _convolution(9, 3, 64) + _convolution(5, 64, 32) + 5 * 5 * 32 * 3 + 1,  # one bias for three channels
    "resnet_8_32": (_convolution(9, 3, 32) + 4 * _normalized(3, 32, 32, 2) + 2 * _convolution(3, 32, 32)
                    + _convolution(9, 32, 3)),
    "resnet_12_64": (_convolution(9, 3, 64) + 8 * _normalized(3, 64, 64, 2) + 2 * _convolution(3, 64, 64)
                     + _convolution(9, 64, 3)),
    "johnson": (_normalized(9, 3, 32, 4) + _normalized(3, 32, 64, 4) + _normalized(3, 64, 128, 4)
                + 10 * _normalized(3, 128, 128, 4) + _normalized(3, 128, 64, 4) + _normalized(3, 64, 32, 4)
                + _convolution(9, 32, 3)),
}
PARAMETERS["dped"] = PARAMETERS["resnet_12_64"]

# Multiply-accumulates per pixel: kernel, channels and filters of every convolution, by the scale that it works at.
MACS = {
    "srcnn": 9 * 9 * 3 * 64 + 5 * 5 * 64 * 32 + 5 * 5 * 32 * 3,
    "resnet_8_32": 9 * 9 * 3 * 32 + 6 * 3 * 3 * 32 * 32 + 9 * 9 * 32 * 3,
    "resnet_12_64": 9 * 9 * 3 * 64 + 10 * 3 * 3 * 64 * 64 + 9 * 9 * 64 * 3,
    # A transposed convolution multiplies at the scale of its input.
    "johnson": (9 * 9 * 3 * 32 + 3 * 3 * 32 * 64 // 4 + 3 * 3 * 64 * 128 // 16 + 10 * 3 * 3 * 128 * 128 // 16
                + 3 * 3 * 128 * 64 // 16 + 3 * 3 * 64 * 32 // 4 + 9 * 9 * 32 * 3),
}
MACS["dped"] = MACS["resnet_12_64"]


def test_parameters(fresh):
  assert {name: network.count_params() for name, network in fresh.items()} == PARAMETERS
  assert PARAMETERS == {"srcnn": 69_249, "resnet_8_32": 71_331, "resnet_12_64": 401_475, "dped": 401_475,
                        "johnson": 1_682_435}


def test_macs_at_720p(fresh):
  assert {name: count_macs(network, 720, 1280) / (720 * 1280) for name, network in fresh.items()} == MACS
  assert MACS == {"srcnn": 69_152, "resnet_8_32": 70_848, "resnet_12_64": 399_744, "dped": 399_744, "johnson": 126_144}


# Arithmetic, against the same networks in plain float64 NumPy ------------------------------------------------------

def _weights(network):
  """The network's weights by their path without the network's name."""
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


def _halved(x, kernel):
  """3x3 convolution of stride 2 and even sizes: what cannot be padded evenly is padded at the bottom and on the right."""
  return convolve(x, kernel, 2, (0, 1))


def _doubled(x, kernel):
  return transposed(x, kernel, cut=(0, 1))


def _relu(x):
  return leaky(x, 0)


def _output(x):
  return 0.58 * np.tanh(x) + 0.5


def _plain_srcnn(w, x):
  x = _relu(convolve(x, w["conv1/kernel"]) + w["conv1/bias"])
  x = _relu(convolve(x, w["conv2/kernel"]) + w["conv2/bias"])
  return _output(convolve(x, w["conv3/kernel"]) + w["bias"])


def _plain_resnet(w, x, blocks):
  def conv(index, x):
    return convolve(x, w[f"conv{index}/kernel"]) + w[f"conv{index}/bias"]

  def normalized(index, x):
    return _relu(w[f"norm{index}/gamma"] * normalize(conv(index, x)) + w[f"norm{index}/beta"])

  x = _relu(conv(1, x))
  for block in range(blocks):
    x = x + normalized(2 * block + 3, normalized(2 * block + 2, x))
  after = 2 * blocks + 2
  return _output(conv(after + 2, _relu(conv(after + 1, _relu(conv(after, x))))))


def _plain_johnson(w, x, training):
  def normalized(index, x, conv=convolve):
    x = conv(x, w[f"conv{index}/kernel"]) + w[f"conv{index}/bias"]
    if training:
      x = normalize(x, (0, 1, 2), 1e-5)
    else:
      x = (x - w[f"norm{index}/moving_mean"]) / np.sqrt(w[f"norm{index}/moving_variance"] + 1e-5)
    return w[f"norm{index}/gamma"] * x + w[f"norm{index}/beta"]

  height, width = x.shape[1:3]
  x = np.pad(x, [(0, 0), (0, -height % 4), (0, -width % 4), (0, 0)], mode="reflect")
  x = _relu(normalized(1, x))
  x = _relu(normalized(2, x, _halved))
  x = _relu(normalized(3, x, _halved))
  for index in range(4, 14, 2):
    x = x + normalized(index + 1, _relu(normalized(index, x)))
  x = _relu(normalized(14, x, _doubled))
  x = _relu(normalized(15, x, _doubled))
  return _output(convolve(x, w["conv16/kernel"]) + w["conv16/bias"])[:, :height, :width]


def _plain(name, network, images, training):
  weights, images = _weights(network), np.float64(images)
  if name == "srcnn":
    return _plain_srcnn(weights, images)
  if name == "johnson":
    return _plain_johnson(weights, images, training)
  return _plain_resnet(weights, images, BLOCKS[name])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["srcnn", "resnet_8_32", "dped", "johnson"])
def test_equals_plain_arithmetic(drawn, name, training):
  images = recipes.random_images(2, 13, 18, 3, seed=3)
  expected = _plain(name, drawn[name], images, training)
  # The comparison means something: the output spreads over the slope of tanh.
  assert expected.std() > 0.05 and np.mean(np.abs(expected - 0.5) < 0.55) > 0.9
  before = drawn[name].get_weights()
  out = drawn[name](images, training=training, clip=False)
  drawn[name].set_weights(before)  # training moves the running means of johnson
  np.testing.assert_allclose(out, expected, atol=1e-5)


def test_srcnn_equals_the_frozen_graph_of_the_challenge(data_folder):
  """dped_srcnn.pb of the challenge's repository, with the weights that lie in it, on one of its patches."""
  graph = tf.compat.v1.GraphDef()
  graph.ParseFromString((data_folder / "weights" / "pirm2018_models_pretrained" / "dped_srcnn.pb").read_bytes())
  constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
  network = ti.create_generator("srcnn")
  for index, convolution in enumerate(network.convolutions, 1):
    convolution.kernel.assign(constants[f"generator/w{index}"])
    if index < 3:
      convolution.bias.assign(constants[f"generator/b{index}"])
  network.bias.assign(constants["generator/b3"])
  run = tf.compat.v1.wrap_function(
      lambda images: tf.graph_util.import_graph_def(graph, {"input": images}, ["output:0"]), [tf.TensorSpec(None)])
  image = read_image(sorted((data_folder / "dped" / "patches" / "iphone").iterdir())[0])[None]
  assert image.std() > 0.05
  np.testing.assert_allclose(network(image, clip=False), run(tf.constant(image))[0], atol=1e-6)


# The output --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_only_clipping_differs_at_inference(drawn, name):
  network, images = drawn[name], recipes.random_images(1, 12, 16, 3)
  before = network.get_weights()
  bias = network.bias if name == "srcnn" else network.last.bias
  for value, extreme in ((9.0, 0.5 + 0.58), (-9.0, 0.5 - 0.58)):
    bias.assign(np.full(bias.shape, value))
    unclipped, clipped = network(images, clip=False).numpy(), network(images).numpy()
    np.testing.assert_allclose(unclipped, np.full_like(unclipped, extreme), atol=1e-3)
    recipes.assert_same(clipped, np.clip(unclipped, 0, 1))
    np.testing.assert_allclose(network(images, training=True), unclipped, atol=1e-3)  # never clipped in training
  network.set_weights(before)


# Initial weights ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["srcnn", "dped", "resnet_8_32", "resnet_12_64"])
def test_initial_weights_are_dpeds(fresh, name):
  """DPED's models.py: truncated normal of deviation 0.01 before it is cut at two deviations, biases 0.01."""
  for path, value in _weights(fresh[name]).items():
    kind = path.rsplit("/", 1)[-1]
    if kind != "kernel":
      np.testing.assert_allclose(value, {"bias": 0.01, "gamma": 1.0, "beta": 0.0}[kind], rtol=1e-6)
      continue
    assert 0.019 < np.abs(value).max() <= 0.02
    # A normal cut at two deviations has 0.8796 of the deviation; TensorFlow 1 and Keras both leave it so.
    error = 1 / np.sqrt(value.size)
    assert abs(value.mean()) < 4 * 0.01 * error
    assert abs(value.std() / 0.01 / 0.8796 - 1) < 4 * error


def test_initial_weights_of_johnson(fresh):
  for path, value in _weights(fresh["johnson"]).items():
    kind = path.rsplit("/", 1)[-1]
    if kind == "kernel":
      limit = np.sqrt(6 / (value.shape[0] * value.shape[1] * sum(value.shape[2:])))  # Glorot
      assert 0.99 * limit < np.abs(value).max() <= limit * (1 + 1e-6)
    else:
      assert (value == {"bias": 0, "beta": 0, "moving_mean": 0, "gamma": 1, "moving_variance": 1}[kind]).all()


# Names -------------------------------------------------------------------------------------------------------------

def test_the_name_makes_the_network(fresh):
  assert {name: network.config for name, network in fresh.items()} == {name: find_recipe(name).preset() for name in NAMES}


def test_the_name_decides_the_network():
  with pytest.raises(ValueError, match="network is 'dped', but the name 'resnet_12_64' decides it: leave network out"):
    ti.create_generator("resnet_12_64", network="dped")
  assert ti.create_generator("resnet_8_32", network="resnet_8_32").count_params() == PARAMETERS["resnet_8_32"]
