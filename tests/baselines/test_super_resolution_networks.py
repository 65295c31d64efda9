"""The super-resolution networks: parameters, arithmetic, scales, initial weights."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
from numpy_operations import convolve, double, leaky, normalize

from tf_imgtrans.baselines.bicubic import bicubic
from tf_imgtrans.baselines.carn.network import Carn, carn
from tf_imgtrans.baselines.esrgan.network import Discriminator, Esrgan, esrgan
from tf_imgtrans.baselines.rcan.network import Rcan, rcan
from tf_imgtrans.data.degradations import enlarge
from tf_imgtrans.networks.super_resolution import shuffled_up
from tf_imgtrans.recipes import find_recipe

CLASSES = {"esrgan": Esrgan, "carn": Carn, "rcan": Rcan}
NAMES = list(CLASSES)
TINY = {name: find_recipe(name).preset("tiny") for name in NAMES}
MEAN = np.array([0.4488, 0.4371, 0.4040])


def _built(network):
  network(keras.Input((None, None, 3)))
  return network


@pytest.fixture(scope="module")
def networks():
  return {name: recipes.draw_weights(_built(CLASSES[name](dataclasses.replace(TINY[name], seed=5), name=name)))
          for name in NAMES}


def _weights(network):
  """Values by the layer's name and the weight's: "up1/kernel"."""
  return {"/".join(variable.path.split("/")[-2:]): np.float64(variable.numpy()) for variable in network.weights}


# Parameters ----------------------------------------------------------------------------------------------------------

def _conv_count(inputs, outputs, kernel=3):
  return kernel * kernel * inputs * outputs + outputs


HEAD, BODY, TAIL = _conv_count(3, 64), _conv_count(64, 64), _conv_count(64, 3)


@pytest.mark.parametrize("scale, doublings, told", [
    (4, 2, 16_697_987), pytest.param(8, 3, 16_734_915, marks=pytest.mark.slow)])
def test_parameters_of_esrgan(scale, doublings, told):
  """At scale 4 the count of BasicSR's RRDBNet."""
  dense = sum(_conv_count(64 + 32 * index, 32) for index in range(4)) + _conv_count(64 + 32 * 4, 64)
  expected = HEAD + 23 * 3 * dense + BODY + doublings * BODY + BODY + TAIL
  assert _built(esrgan(scale=scale)).count_params() == expected == told


def test_parameters_of_carn():
  """The mean shifts of the code hold 24 more, which are fixed."""
  fusions = sum(_conv_count(64 * (1 + index), 64, kernel=1) for index in (1, 2, 3))
  shared = HEAD + 3 * (3 * 2 * BODY + fusions) + fusions + TAIL
  ups = {2: _conv_count(64, 4 * 64), 3: _conv_count(64, 9 * 64), 4: 2 * _conv_count(64, 4 * 64)}
  assert _built(carn()).count_params() == shared + sum(ups.values()) == 1_591_939
  for scale, up in ups.items():
    assert _built(carn(scale=scale, multi_scale=False)).count_params() == shared + up
  assert shared + ups[4] == 1_111_875


@pytest.mark.parametrize("scale, doublings, told", [
    (4, 2, 15_592_355), pytest.param(2, 1, 15_444_643, marks=pytest.mark.slow),
    pytest.param(8, 3, 15_740_067, marks=pytest.mark.slow)])
def test_parameters_of_rcan(scale, doublings, told):
  attention = _conv_count(64, 4, kernel=1) + _conv_count(4, 64, kernel=1)
  groups = 10 * (20 * (2 * BODY + attention) + BODY)
  expected = HEAD + groups + BODY + doublings * _conv_count(64, 256) + TAIL
  assert _built(rcan(scale=scale)).count_params() == expected == told


def test_parameters_of_the_discriminator():
  """The first convolution alone has a bias; factor and offset for each normalized channel."""
  discriminator = Discriminator()
  discriminator(keras.Input((128, 128, 3)))
  widths = [64, 128, 256, 512, 512]
  expected = _conv_count(3, 64) + 16 * 64 * 64 + 2 * 64
  for inputs, width in zip(widths, widths[1:]):
    expected += 9 * inputs * width + 16 * width * width + 4 * width
  expected += 4 * 4 * 512 * 100 + 100 + 101
  assert sum(int(np.prod(variable.shape)) for variable in discriminator.trainable_variables) == expected == 14_499_401


def test_bicubic_has_none():
  assert _built(bicubic()).count_params() == 0


# Arithmetic, against NumPy in float64 ----------------------------------------------------------------------------------

def _conv(w, name, x, stride=1, pad="same"):
  return convolve(x, w[f"{name}/kernel"], stride, pad) + w.get(f"{name}/bias", 0)


def _relu(x):
  return leaky(x, 0.0)


def _shuffle(x, factor):
  count, height, width, channels = x.shape
  x = x.reshape(count, height, width, factor, factor, channels // factor ** 2)
  return x.transpose(0, 1, 3, 2, 4, 5).reshape(count, height * factor, width * factor, -1)


def _plain_esrgan(w, x, scale=4):
  start = y = _conv(w, "first", x)
  for block in (1, 2):
    before = y
    for dense in (1, 2, 3):
      seen = [y]
      for index in (1, 2, 3, 4):
        seen.append(leaky(_conv(w, f"rrdb{block}_dense{dense}_conv{index}", np.concatenate(seen, -1))))
      y = y + 0.2 * _conv(w, f"rrdb{block}_dense{dense}_conv5", np.concatenate(seen, -1))
    y = before + 0.2 * y  # of all that comes out of the three dense blocks, as in the code
  y = start + _conv(w, "trunk_last", y)
  for index in range(1, scale.bit_length()):
    y = leaky(_conv(w, f"up{index}", double(y)))
  return _conv(w, "last", leaky(_conv(w, "fine", y)))


def _plain_carn(w, x, scale=4):
  def cascade(y, unit, name):
    seen = [y]
    for index in (1, 2):
      seen.append(unit(y, index))
      y = _relu(_conv(w, f"{name}{index}", np.concatenate(seen, -1)))
    return y

  def block(group):
    return lambda y, index: _relu(y + _conv(w, f"group{group}_block{index}_conv2",
                                            _relu(_conv(w, f"group{group}_block{index}_conv1", y))))

  y = cascade(_conv(w, "first", x - MEAN), lambda y, group: cascade(y, block(group), f"group{group}_fusion"), "fusion")
  for index, factor in enumerate({2: [2], 3: [3], 4: [2, 2]}[scale], 1):
    y = _shuffle(_relu(_conv(w, f"scale{scale}_up{index}", y)), factor)
  return _conv(w, "last", y) + MEAN


def _plain_rcan(w, x, scale=4):
  start = y = _conv(w, "first", 255 * (x - MEAN))
  for group in (1, 2):
    before = y
    for block in (1, 2):
      name = f"group{group}_block{block}"
      branch = _conv(w, f"{name}_conv2", _relu(_conv(w, f"{name}_conv1", y)))
      squeezed = _relu(_conv(w, f"{name}_squeeze", branch.mean((1, 2), keepdims=True)))
      y = y + branch / (1 + np.exp(-_conv(w, f"{name}_excite", squeezed)))
    y = before + _conv(w, f"group{group}_last", y)
  y = start + _conv(w, "body_last", y)
  for index in range(1, scale.bit_length()):
    y = _shuffle(_conv(w, f"up{index}", y), 2)
  return _conv(w, "last", y) / 255 + MEAN


PLAIN = {"esrgan": _plain_esrgan, "carn": _plain_carn, "rcan": _plain_rcan}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_arithmetic(networks, name, training):
  images = recipes.random_images(2, 7, 5, 3)
  expected = PLAIN[name](_weights(networks[name]), np.float64(images))
  assert expected.min() < 0 or expected.max() > 1  # so that clipping shows
  expected = expected if training else np.clip(expected, 0, 1)
  assert expected.std() > 0.05
  np.testing.assert_allclose(networks[name](images, training=training), expected, atol=2e-5)


@pytest.mark.parametrize("name, scale", [("esrgan", 2), ("esrgan", 8), ("carn", 2), ("carn", 3), ("rcan", 2), ("rcan", 8)])
def test_other_scales(name, scale):
  single = {"multi_scale": False} if name == "carn" else {}
  config = dataclasses.replace(TINY[name], scale=scale, **single)
  network = recipes.draw_weights(_built(CLASSES[name](config)))
  images = recipes.random_images(1, 4, 6, 3)
  expected = PLAIN[name](_weights(network), np.float64(images), scale)
  assert expected.shape == (1, 4 * scale, 6 * scale, 3) and network.scale == scale
  np.testing.assert_allclose(network(images, training=True), expected, atol=2e-5)


def test_scales_of_one_carn(networks):
  network, images = networks["carn"], recipes.random_images(1, 4, 5, 3)
  for scale in (2, 3, 4):
    expected = _plain_carn(_weights(network), np.float64(images), scale)
    np.testing.assert_allclose(network(images, training=True, scale=scale), expected, atol=2e-5)
  recipes.assert_same(network(images), network(images, scale=4))
  single = _built(Carn(dataclasses.replace(TINY["carn"], multi_scale=False)))
  with pytest.raises(ValueError, match="scale is 2: this network has upsamplers for 4 alone"):
    single(images, scale=2)


def test_bicubic_is_the_counterpart_of_the_degradation():
  images = recipes.random_images(2, 5, 6, 3)
  for scale in (1, 3, 4):
    network = _built(bicubic(scale=scale))
    assert network.scale == scale
    np.testing.assert_allclose(network(images), enlarge(images, scale), atol=1e-6)
  row = images[:, :1]  # which cannot be mirrored by two pixels
  recipes.assert_same(network(row), enlarge(row, 4))


def test_enlargement_of_maps():
  features = recipes.random_images(2, 3, 4, 18)
  recipes.assert_same(shuffled_up(features, 3), _shuffle(features, 3))


def test_the_discriminator():
  config = find_recipe("esrgan").preset(patch_size=16, discriminator_channels=3)
  discriminator = Discriminator(config)
  discriminator(keras.Input((16, 16, 3)))
  recipes.draw_weights(discriminator)
  images = recipes.random_images(3, 16, 16, 3)
  w, x = _weights(discriminator), np.float64(images)
  for name, kernel in (("stage1_keep", 3), ("stage1_halve", 4), ("stage2_keep", 3), ("stage2_halve", 4)):
    x = _conv(w, f"{name}_conv", x, stride=2 if kernel == 4 else 1, pad=1)
    if name != "stage1_keep":
      x = w[f"{name}_norm/gamma"] * normalize(x, (0, 1, 2), 1e-5) + w[f"{name}_norm/beta"]
    x = leaky(x)
  x = leaky(x.reshape(3, -1) @ w["hidden/kernel"] + w["hidden/bias"])
  expected = x @ w["head/kernel"] + w["head/bias"]
  assert expected.shape == (3, 1) and expected.std() > 0.01
  np.testing.assert_allclose(discriminator(images, training=True), expected, atol=1e-4)


# Initial weights --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_initial_weights(name):
  """PyTorch's uniform ones; in dense blocks a tenth of He's, and biases of 0."""
  groups = {} if name == "esrgan" else {"groups": 1}
  network = _built(CLASSES[name](find_recipe(name).preset(blocks=1, channels=32, seed=3, **groups)))
  w = _weights(network)
  for path, value in w.items():
    summed = np.prod(w[path.rsplit("/", 1)[0] + "/kernel"].shape[:3])
    if "rrdb" in path:
      if path.endswith("bias"):
        assert (value == 0).all()
      else:
        assert abs(value.std() / (0.1 * np.sqrt(2 / summed)) - 1) < 4 / np.sqrt(value.size)
    else:
      limit = 1 / np.sqrt(summed)
      assert np.abs(value).max() <= limit * (1 + 1e-6)
      assert value.size < 100 or abs(value.std() / (limit / np.sqrt(3)) - 1) < 4 / np.sqrt(value.size)


def test_scales_by_name():
  for name in NAMES:
    assert (CLASSES[name](find_recipe(name).preset(scale=2)).scale, CLASSES[name]().scale) == (2, 4)
  assert bicubic(scale=8).scale == 8
  with pytest.raises(ValueError, match="scale is 0"):
    bicubic(scale=0)
  assert Carn().scales == (2, 3, 4)  # the defaults are the papers'
