"""The networks that the feature-pyramid paper is compared with: parameters, arithmetic, initial weights."""

import itertools

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import convolve, leaky, normalize, transposed

from tf_imgtrans.baselines.context_encoder.network import CentreDiscriminator, ContextEncoder, centre, context_encoder
from tf_imgtrans.baselines.crn.network import Crn, MapNormalization, crn
from tf_imgtrans.baselines.drrn.network import Drrn, drrn, luma
from tf_imgtrans.baselines.pix2pix.network import Discriminator, Unet, pix2pix
from tf_imgtrans.core.color import studio_luma
from tf_imgtrans.data.labels import LABEL_SETS
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.training.population import batch_normalizations

CLASSES = {"pix2pix": Unet, "context_encoder": ContextEncoder, "crn": Crn, "drrn": Drrn}  # cnn is pix2pix by another name
NAMES = list(CLASSES)
SIZES = {"pix2pix": (32, 64), "context_encoder": (64, 64), "crn": (16, 32), "drrn": (11, 14)}
ANY = keras.Input((None, None, 3))


def _drawn(network):
  def deviation(variable, shape):
    """Of kernels that keep tanh on its slope and activations alive."""
    inputs = shape[3] * shape[0] * shape[1] / 4 if "dec" in variable.path else np.prod(shape[:3])
    return 1 / np.sqrt(inputs)

  return recipes.draw_weights(network, deviation)


def _tiny(name, **fields):
  return find_recipe(name).preset("tiny", **fields)


def _built(network, *inputs):
  network(*(inputs or (ANY,)))
  return network


@pytest.fixture(scope="module")
def networks():
  return {name: _drawn(_built(CLASSES[name](_tiny(name, seed=5), name=name))) for name in NAMES}


def _trained_count(network):
  return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


# Parameters ----------------------------------------------------------------------------------------------------------

def _convolutions(kernel, widths, norm=2, bias=0):
  return sum(kernel * kernel * inputs * outputs + (norm + bias) * outputs for inputs, outputs in itertools.pairwise(widths))


def test_parameters_of_pix2pix():
  down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
  up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
  expected = _convolutions(4, down) - 2 * (64 + 512)  # neither the first nor the innermost is normalized
  expected += sum(_convolutions(4, pair) for pair in up) + 16 * 128 * 3 + 3
  network = _built(pix2pix())
  assert _trained_count(network) == expected == 54_413_955
  assert len(batch_normalizations(network)) == 6 + 7
  assert [stage[0].filters for stage in network.encoder] == down[1:]
  assert [stage[0].filters for stage in network.decoder] == [pair[1] for pair in up]


def test_parameters_of_the_patch_discriminator():
  images = keras.Input((256, 256, 3))
  expected = _convolutions(4, [6, 64], norm=0, bias=1) + _convolutions(4, [64, 128, 256, 512]) + 16 * 512 + 1
  network = _built(Discriminator(), images, images)
  assert _trained_count(network) == expected == 2_768_705
  assert network(images, images).shape == (None, 30, 30, 1)


def test_parameters_of_the_context_encoder():
  expected = (_convolutions(4, [3, 64], norm=0, bias=1) + _convolutions(4, [64, 64, 128, 256, 512, 4000])
              + _convolutions(4, [4000, 512, 256, 128, 64]) + 16 * 64 * 3 + 3)
  network = _built(context_encoder())
  assert _trained_count(network) == expected == 71_124_611
  assert len(batch_normalizations(network)) == 5 + 4
  images = keras.Input((128, 128, 3))
  discriminator = _built(CentreDiscriminator(), images, images)
  expected = _convolutions(4, [3, 64], norm=0, bias=1) + _convolutions(4, [64, 128, 256, 512]) + 16 * 512 + 1
  assert _trained_count(discriminator) == expected and discriminator(images, images).shape == (None, 1, 1, 1)


def test_parameters_of_crn():
  """At 256 rows: modules of 4, 8, 16, 32, 64, 128 and 256 rows; 20 channels of labels."""
  expected = _convolutions(3, [20, 1024, 1024]) + 4 * _convolutions(3, [1044, 1024, 1024])
  expected += _convolutions(3, [1044, 512, 512]) + _convolutions(3, [532, 512, 512]) + 512 * 27 + 27
  network = crn()
  assert tuple(network(keras.Input((256, 512, 3))).shape) == (None, 256, 512, 3)
  assert sum(int(np.prod(variable.shape)) for variable in network.trainable_variables) == expected == 97_875_483
  assert network.count_params() == expected + 1  # which of the nine is returned


def test_parameters_of_drrn():
  """The paper's 297K are the kernels of four convolutions, of which two serve all 25 residual units."""
  network = _built(drrn())
  counts = {name: sum(int(np.prod(variable.shape)) for variable in network.trainable_variables if variable.name == name)
            for name in ("kernel", "bias", "gamma", "beta")}
  norms = 1 + 2 * 25 * 128 + 128
  assert counts == {"kernel": 9 * 128 + 2 * 9 * 128 * 128 + 9 * 128, "bias": 3 * 128 + 1, "gamma": norms, "beta": norms}
  assert counts["kernel"] == 297_216 and _trained_count(network) == 310_659
  assert len(batch_normalizations(network)) == 52


# Arithmetic, against the same networks in plain float64 NumPy ----------------------------------------------------------

def _weights(network):
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


def _norm(w, name, x, training):
  if f"{name}/moving_mean" not in w or training:
    x = normalize(x, (0, 1, 2) if f"{name}/moving_mean" in w else (1, 2), 1e-5)
  else:
    x = (x - w[f"{name}/moving_mean"]) / np.sqrt(w[f"{name}/moving_variance"] + 1e-5)
  return w[f"{name}/gamma"] * x + w[f"{name}/beta"]


def _plain_pix2pix(w, x, training):
  x, skips = 2 * x - 1, []
  for index in range(1, 6):
    x = convolve(leaky(x) if index > 1 else x, w[f"enc{index}_conv/kernel"], 2, 1)
    x = _norm(w, f"enc{index}_norm", x, training) if 1 < index < 5 else x
    skips.append(x)
  for index in range(1, 5):
    x = _norm(w, f"dec{index}_norm", transposed(leaky(x, 0), w[f"dec{index}_conv/kernel"]), training)
    x = np.concatenate([x, skips[4 - index]], axis=-1)
  return 0.5 + 0.5 * np.tanh(transposed(leaky(x, 0), w["last_conv/kernel"]) + w["last_conv/bias"])


def _plain_context_encoder(w, images, training):
  x = leaky(convolve(2 * images - 1, w["enc1_conv/kernel"], 2, 1) + w["enc1_conv/bias"])
  for index in range(2, 5):
    x = leaky(_norm(w, f"enc{index}_norm", convolve(x, w[f"enc{index}_conv/kernel"], 2, 1), training))
  x = leaky(_norm(w, "bottleneck_norm", convolve(x, w["bottleneck_conv/kernel"], 1, 0), training))
  assert x.shape[1:] == (1, 1, 8)
  x = leaky(_norm(w, "dec1_norm", transposed(x, w["dec1_conv/kernel"], 1, 0), training), 0)
  for index in range(2, 4):
    x = leaky(_norm(w, f"dec{index}_norm", transposed(x, w[f"dec{index}_conv/kernel"]), training), 0)
  out = images.copy()
  out[:, 16:48, 16:48] = 0.5 + 0.5 * np.tanh(transposed(x, w["last_conv/kernel"]) + w["last_conv/bias"])
  return out


def _plain_labels(images):
  colors = np.array([*LABEL_SETS["cityscapes"].colors, (0, 0, 0)]) / 255
  nearest = np.argmin(np.square(images[..., None, :] - colors).sum(-1), axis=-1)
  return np.eye(20)[nearest]


def _corners_on_corners(x, axis):
  size = x.shape[axis]
  where = np.arange(2 * size) * (size - 1) / (2 * size - 1)
  low = np.minimum(np.floor(where).astype(int), max(size - 2, 0))
  share = (where - low).reshape([-1 if each == axis else 1 for each in range(4)])
  return np.take(x, low, axis) * (1 - share) + np.take(x, np.minimum(low + 1, size - 1), axis) * share


def _by_area(x, factor):
  count, height, width, channels = x.shape
  return x.reshape(count, height // factor, factor, width // factor, factor, channels).mean((2, 4))


def _plain_crn(w, images):
  """All nine images, before they are clipped."""
  labels, x = _plain_labels(images), None
  for rows, factor in ((4, 4), (8, 2), (16, 1)):
    condition = _by_area(labels, factor)
    if x is not None:
      condition = np.concatenate([_corners_on_corners(_corners_on_corners(x, 1), 2), condition], axis=-1)
    x = condition
    for half in (1, 2):
      name = f"rows{rows}_norm{half}"
      x = convolve(x, w[f"rows{rows}_conv{half}/kernel"])
      x = normalize(x, (1, 2, 3), 1e-12)
      x = leaky(w[f"{name}/gamma"] * x + w[f"{name}/beta"])
  x = (x @ w["last/kernel"][0, 0] + w["last/bias"] + 1) / 2
  return np.moveaxis(x.reshape(*x.shape[:3], 3, 9), -1, 1)


def _plain_drrn(w, images, training):
  """Y of MATLAB's YCbCr is refined; back to RGB with the Cb and Cr of the source."""
  to_ycc = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
  ycc = images @ to_ycc.T + np.array([16, 128, 128]) / 255

  def run(norm, convolution, x):
    return convolve(leaky(_norm(w, norm, x, training), 0), w[f"{convolution}/kernel"]) + w[f"{convolution}/bias"]

  start = x = run("first_norm", "first_conv", ycc[..., :1])
  for unit in (1, 2):
    x = start + run(f"unit{unit}_norm2", "unit_conv2", run(f"unit{unit}_norm1", "unit_conv1", x))
  ycc[..., :1] += run("last_norm", "last_conv", x)
  return (ycc - np.array([16, 128, 128]) / 255) @ np.linalg.inv(to_ycc).T


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_arithmetic(networks, name, training):
  network, before = networks[name], networks[name].get_weights()
  images = recipes.random_images(3, *SIZES[name], 3, seed=3)
  w, x = _weights(network), np.float64(images)
  if name == "crn":
    expected = _plain_crn(w, x)[:, 0]
  else:
    expected = {"pix2pix": _plain_pix2pix, "context_encoder": _plain_context_encoder,
                "drrn": _plain_drrn}[name](w, x, training)
  out = network(images, training=training).numpy()
  network.set_weights(before)
  assert expected.std() > 0.05
  if not training:
    expected = np.clip(expected, 0, 1)
  np.testing.assert_allclose(out, expected, atol=2e-5 if name == "drrn" else 1e-5)


def test_instance_normalization_of_pix2pix():
  """By the means of each image, whatever the rest of the batch, and alike in training."""
  config = _tiny("pix2pix", normalization="instance")
  network = _drawn(_built(Unet(config)))
  assert not batch_normalizations(network) and _trained_count(network) == _trained_count(_built(Unet(_tiny("pix2pix"))))
  images = recipes.random_images(2, 32, 64, 3)
  expected = _plain_pix2pix(_weights(network), np.float64(images), False)
  for training in (False, True):
    np.testing.assert_allclose(network(images, training=training), expected, atol=1e-5)


def test_the_patch_discriminator(networks):
  discriminator = _drawn(_built(Discriminator(_tiny("pix2pix")), *[keras.Input((32, 32, 3))] * 2))
  source, images = recipes.random_images(2, 2, 32, 32, 3)
  w, x = _weights(discriminator), 2 * np.float64(np.concatenate([source, images], axis=-1)) - 1
  x = leaky(convolve(x, w["conv1_conv/kernel"], 2, 1) + w["conv1_conv/bias"])
  for index, stride in ((2, 2), (3, 2), (4, 1)):
    x = leaky(_norm(w, f"conv{index}_norm", convolve(x, w[f"conv{index}_conv/kernel"], stride, 1), True))
  expected = convolve(x, w["head_conv/kernel"], 1, 1) + w["head_conv/bias"]
  np.testing.assert_allclose(discriminator(source, images, training=True), expected, atol=1e-4)


def test_the_centre_discriminator_sees_the_middle_alone():
  discriminator = _drawn(_built(CentreDiscriminator(_tiny("context_encoder")), *[keras.Input((64, 64, 3))] * 2))
  source, images = recipes.random_images(2, 3, 64, 64, 3)
  w, x = _weights(discriminator), 2 * np.float64(images[:, 16:48, 16:48]) - 1
  x = leaky(convolve(x, w["conv1_conv/kernel"], 2, 1) + w["conv1_conv/bias"])
  for index in (2, 3):
    x = leaky(_norm(w, f"conv{index}_norm", convolve(x, w[f"conv{index}_conv/kernel"], 2, 1), True))
  expected = convolve(x, w["head_conv/kernel"], 1, 0) + w["head_conv/bias"]
  np.testing.assert_allclose(discriminator(source, images, training=True), expected, atol=1e-4)
  around = images.copy()
  around[:, :16], around[:, :, 48:] = 0, 1
  recipes.assert_same(discriminator(source, images), discriminator(source, around))


def test_the_map_normalization():
  layer = MapNormalization(epsilon=0.1)
  inputs = recipes.random_images(2, 3, 4, 5) * 7
  layer(inputs)
  layer.set_weights([recipes.random_images(5, seed=1), recipes.random_images(5, seed=2)])
  mean, variance = (function(inputs, axis=(1, 2, 3), keepdims=True) for function in (np.mean, np.var))
  expected = layer.gamma.numpy() * (inputs - mean) / np.sqrt(variance + 0.1) + layer.beta.numpy()
  np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)
  recipes.check_layer_config(layer, inputs, epsilon=0.1)
  half = MapNormalization(dtype="mixed_float16")
  out = half(1000 * inputs.astype(np.float16))  # whose squares have no half-precision number
  assert out.dtype == "float16" and np.isfinite(out).all() and half.gamma.dtype == "float32"


# What is particular to each ---------------------------------------------------------------------------------------------

def test_dropout_follows_the_seed(networks):
  network, images = networks["pix2pix"], recipes.random_images(2, 32, 32, 3)
  plain = network(images).numpy()
  once, again, other = (network(images, dropout_seed=seed).numpy() for seed in (3, 3, 4))
  recipes.assert_same(once, again)
  assert np.abs(once - plain).max() > 1e-3 and np.abs(once - other).max() > 1e-3
  recipes.assert_same(once, network(images, dropout_seed=[3, 0]))
  sure = Unet(_tiny("pix2pix", dropout=0.0))
  recipes.assert_same(sure(images, dropout_seed=3), sure(images))


def test_half_of_the_innermost_numbers_are_dropped(networks, monkeypatch):
  seen = []

  def spy(features, rate, seed):
    seen.append((tuple(features.shape), rate))
    return features

  monkeypatch.setattr("tf_imgtrans.layers.dropout.drop_out", spy)
  networks["pix2pix"](recipes.random_images(2, 32, 32, 3), dropout_seed=1)
  assert seen == [((2, 2, 2, 32), 0.5), ((2, 4, 4, 16), 0.5), ((2, 8, 8, 8), 0.5)]


def test_the_context_encoder_keeps_what_is_known(networks):
  images = recipes.random_images(2, 64, 64, 3)
  out = networks["context_encoder"](images).numpy()
  inside = np.zeros((64, 64), bool)
  inside[16:48, 16:48] = True
  recipes.assert_same(out[:, ~inside], images[:, ~inside])
  assert (out[:, inside] != images[:, inside]).mean() > 0.99
  recipes.assert_same(centre(tf.constant(out)), out[:, 16:48, 16:48])


@pytest.mark.parametrize("name", ["cityscapes", "camvid"])
def test_labels_are_those_of_the_nearest_colours(name):
  network = Crn(_tiny("crn", label_set=name))
  colors = np.array([*LABEL_SETS[name].colors, (0, 0, 0)], np.float32) / 255
  rng = np.random.default_rng(0)
  number = rng.integers(0, len(colors), (2, 5, 7))
  labels = network.labels(colors[number] + rng.uniform(-0.003, 0.003, (2, 5, 7, 3)).astype(np.float32)).numpy()
  recipes.assert_same(labels, np.eye(len(colors), dtype=np.float32)[number])


def test_crn_without_classes_sees_the_image():
  network = _drawn(_built(Crn(_tiny("crn", label_set="none"))))
  assert network.cascade[0][0][0].kernel.shape == (3, 3, 3, 16)
  images = recipes.smooth_images(2, 16, 16, 3)
  recipes.assert_same(network.labels(images), np.ones((2, 16, 16, 1), np.float32))
  assert np.abs(network(images).numpy() - network(images * 0.9)).max() > 1e-3


def test_nine_images(networks):
  network, images = networks["crn"], recipes.random_images(2, 19, 16, 3)
  nine = network(images, training=True, diverse=True).numpy()
  assert nine.shape == (2, 9, 19, 16, 3)
  padded = np.pad(images, [(0, 0), (0, 1), (0, 0), (0, 0)], mode="reflect")
  np.testing.assert_allclose(nine, _plain_crn(_weights(network), np.float64(padded))[:, :, :19], atol=1e-5)
  np.testing.assert_allclose(network(images), np.clip(nine[:, 0], 0, 1), atol=1e-6)
  assert nine.min() < 0 or nine.max() > 1


def test_the_chosen_image():
  """The nearest of the nine over all pairs, which a saved file keeps."""
  network, images = _drawn(_built(Crn(_tiny("crn")))), recipes.random_images(4, 16, 16, 3)
  nine = network(images, diverse=True).numpy()
  target = nine[:, 5] + 0.01
  target[0] = nine[0, 2]  # which is nearer for one image alone
  network.choose([(images[:1], target[:1]), (images[1:2], target[1:2]), (images[2:], target[2:])])
  assert int(network.chosen) == 5
  np.testing.assert_allclose(network(images), nine[:, 5], atol=1e-6)


def test_luma():
  images = recipes.random_images(2, 3, 4, 3)
  np.testing.assert_allclose(luma(images)[..., 0], studio_luma(images) / 255, atol=1e-6)


# Initial weights ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_initial_weights(name):
  network = _built(CLASSES[name](_tiny(name, base_channels=8)))
  for path, value in _weights(network).items():
    kind, error = path.rsplit("/", 1)[-1], 4 / np.sqrt(value.size)
    if kind == "gamma" and name in ("pix2pix", "context_encoder"):
      assert abs(value.mean() - 1) < 0.02 * error and value.std() < 0.04
    elif kind != "kernel":
      assert (value == {"bias": 0, "beta": 0, "gamma": 1, "moving_mean": 0, "moving_variance": 1, "chosen": 0}[kind]).all()
    elif name == "crn":
      limit = np.sqrt(6 / (value.shape[0] * value.shape[1] * sum(value.shape[2:])))  # Glorot
      assert 0.9 * limit < np.abs(value).max() <= limit * (1 + 1e-6)
    else:
      # He's deviation of a layer's inputs; Keras' cuts at two deviations and makes up for it.
      expected = np.sqrt(2 / np.prod(value.shape[:3])) if name == "drrn" else 0.02
      assert abs(value.std() / expected - 1) < error
