"""Generator of the feature-pyramid paper: parameters, arithmetic, dropout, checkerboards, initial weights."""

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.core.seeds import fold_in, uniform
from tf_imgtrans.layers.dropout import drop_out
from tf_imgtrans.papers.feature_pyramid_pan import Config, Generator

IMAGES = recipes.smooth_images(2, 32, 64, 3, seed=3)
KINDS = [("transposed", False), ("transposed", True), ("resize", False), ("resize", True)]


def _drawn(network):
  def on_the_slope(variable, shape):
    inputs = shape[2] if "down" in variable.path or network.config.upsampling == "resize" else shape[3]
    return (0.3 if "up" in variable.path and 3 in shape[2:] else 1.4) / np.sqrt(shape[0] ** 2 * inputs)

  return recipes.draw_weights(network, on_the_slope)


def _small(**options):
  return ti.create_generator("feature_pyramid_pan", **{"image_size": 32, "base_channels": 4, **options})


@pytest.fixture(scope="module")
def drawn():
  """By upsampling and affine."""
  return {kind: _drawn(_small(upsampling=kind[0], affine=kind[1], seed=5)) for kind in KINDS}


@pytest.fixture(scope="module")
def network(drawn):
  return drawn["transposed", False]


# Parameters and cost -----------------------------------------------------------------------------------------------

ENCODER = [3, 64, 128, 256, 512, 512, 512, 512, 512]
DECODER = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64), (128, 3)]  # in, out
NORMALIZED = 128 + 256 + 4 * 512 + 4 * 512 + 256 + 128 + 64  # channels


def _kernels(decoder_kernel):
  return (sum(16 * a * b for a, b in zip(ENCODER, ENCODER[1:])) + sum(decoder_kernel ** 2 * a * b for a, b in DECODER))


@pytest.mark.parametrize("upsampling, affine, expected", [
    ("transposed", False, 54_409_603), ("transposed", True, 54_413_955),  # pix2pix's, with and without biases
    ("resize", False, 39_153_411), ("resize", True, 39_157_763)])
def test_parameters(upsampling, affine, expected):
  generator = Generator(Config(upsampling=upsampling, affine=affine))
  generator(keras.Input((None, None, 3)))
  kernels = _kernels(4 if upsampling == "transposed" else 3)
  biases = sum(ENCODER[1:]) + sum(out for _, out in DECODER)
  assert generator.count_params() == expected == kernels + (2 * NORMALIZED + 3 if affine else biases)
  assert all(variable.trainable for variable in generator.variables)


def test_cost():
  """pix2pix's U-Net at 256x256."""
  macs = sum(16 * a * b * 4 ** (7 - k) for k, (a, b) in enumerate(zip(ENCODER, ENCODER[1:])))
  macs += sum(16 * a * b * 4 ** k for k, (a, b) in enumerate(DECODER))
  assert count_macs(ti.create_generator("feature_pyramid_pan"), 256, 256) == macs == 6_048_186_368


@pytest.mark.parametrize("size, stages", [(32, 5), (64, 6), (128, 7), (256, 8)])
def test_stages_halve_the_image_to_one_pixel(size, stages):
  network = _small(image_size=size)
  assert (network.multiple, len(network.down), len(network.up)) == (size, stages, stages)
  assert [layer.filters for layer in network.down] == [4, 8, 16, 32, 32, 32, 32, 32][:stages]
  assert [layer.filters for layer in network.up] == [*[4, 8, 16, 32, 32, 32, 32, 32][:stages - 1][::-1], 3]


# Arithmetic, against the same network in plain float64 NumPy -------------------------------------------------------

def _conv(x, kernel, stride, before, after):
  x = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
  windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))[:, ::stride, ::stride]
  return np.einsum("nyxcij,ijco->nyxo", windows, kernel, optimize=True)


def _transposed(x, kernel):
  """Every pixel lays its multiple of the kernel, [4, 4, out, in], two pixels on; one pixel is cut off on every side."""
  count, height, width, _ = x.shape
  out = np.zeros((count, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
  for i in range(4):
    for j in range(4):
      out[:, i:i + 2 * height:2, j:j + 2 * width:2] += x @ kernel[i, j].T
  return out[:, 1:-1, 1:-1]


def _plain(network, images, keep=None):
  """The network; `keep(stage, shape)` tells which numbers dropout keeps."""
  w = {variable.path.split("/", 1)[1]: np.float64(value) for variable, value in zip(network.weights, network.get_weights())}
  stages, resized = len(network.down), network.config.upsampling == "resize"

  def norm(name, x):
    x = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    return w.get(f"{name}_norm/gamma", 1.0) * x + w.get(f"{name}_norm/beta", 0.0)

  x, skips = 2 * np.float64(images) - 1, []
  for k in range(1, stages + 1):
    x = np.where(x > 0, x, 0.2 * x) if k > 1 else x
    x = _conv(x, w[f"down{k}_conv/kernel"], 2, 1, 1) + w.get(f"down{k}_conv/bias", 0.0)
    x = norm(f"down{k}", x) if 1 < k < stages else x
    skips.append(x)
  for k in range(1, stages + 1):
    x, kernel = np.maximum(x, 0), w[f"up{k}_conv/kernel"]
    x = _conv(x.repeat(2, 1).repeat(2, 2), kernel, 1, 1, 1) if resized else _transposed(x, kernel)
    x = x + w.get(f"up{k}_conv/bias", 0.0)
    if k == stages:
      return (np.tanh(x) + 1) / 2
    x = norm(f"up{k}", x)
    if keep and k <= 3:
      x = 2 * x * keep(k - 1, x.shape)
    x = np.concatenate([x, skips[stages - k - 1]], axis=-1)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_plain_arithmetic(drawn, kind, training):
  def keep(stage, shape):
    return uniform(shape, fold_in([7, 9], stage)).numpy() >= 0.5

  expected = _plain(drawn[kind], IMAGES, keep if training else None)
  # The comparison means something: the output spreads over the slope of tanh.
  assert expected.std() > 0.03 and np.mean(np.abs(expected - 0.5) < 0.48) > 0.9
  np.testing.assert_allclose(drawn[kind](IMAGES, dropout_seed=(7, 9), training=training), expected, atol=2e-5)


# Dropout -----------------------------------------------------------------------------------------------------------

def test_dropout_in_training(network):
  trained = network(IMAGES, training=True, dropout_seed=3)
  recipes.assert_same(network(IMAGES, training=True, dropout_seed=3), trained)
  recipes.assert_same(network(IMAGES, training=True, dropout_seed=tf.constant([3, 0])), trained)
  assert np.mean(network(IMAGES, training=True, dropout_seed=4) != trained) > 0.9
  recipes.assert_same(network(IMAGES, training=True), network(IMAGES))  # without a seed, nothing is dropped
  # At inference the mode alone decides, and here it is "off".
  recipes.assert_same(network(IMAGES, dropout_seed=3, noise_seed=4), network(IMAGES))


def test_three_stages_drop_their_own(monkeypatch, network):
  seeds, sizes = [], []

  def watched(features, rate, seed):
    seeds.append(tuple(np.asarray(seed)))
    sizes.append(features.shape[1])
    assert rate == 0.5
    return drop_out(features, rate, seed)

  monkeypatch.setattr("tf_imgtrans.layers.dropout.drop_out", watched)
  network(IMAGES, training=True, dropout_seed=3)
  assert len(set(seeds)) == 3 and sizes == [2, 4, 8]
  network(IMAGES, dropout_seed=3)
  assert len(seeds) == 3


def _with_noise(network, mode):
  other = _small(noise=mode, seed=5)
  other.set_weights(network.get_weights())
  return other


def test_noise_at_inference(network):
  off, fixed, random = network(IMAGES), _with_noise(network, "fixed"), _with_noise(network, "random")
  always = fixed(IMAGES)
  recipes.assert_same(fixed(IMAGES), always)
  assert np.mean(always != off) > 0.9
  # One image gives one output, whatever stands beside it in the batch.
  np.testing.assert_allclose(fixed(IMAGES[::-1])[::-1], always, atol=1e-6)
  recipes.assert_same(random(IMAGES, noise_seed=1), random(IMAGES, noise_seed=1))
  recipes.assert_same(random(IMAGES, noise_seed=1), network(IMAGES, dropout_seed=1, training=True))
  assert np.mean(random(IMAGES, noise_seed=1) != random(IMAGES, noise_seed=2)) > 0.9
  assert np.mean(random(IMAGES) != random(IMAGES)) > 0.9  # anew without a seed
  run = tf.function(random)
  assert np.mean(run(IMAGES) != run(IMAGES)) > 0.9
  for one in (fixed, random):  # in training the mode says nothing
    recipes.assert_same(one(IMAGES, training=True, dropout_seed=2), network(IMAGES, training=True, dropout_seed=2))


def test_fixed_dropout_drops_its_share(monkeypatch):
  network, seen = _small(noise="fixed", dropout=0.3, base_channels=32), []
  concat = tf.concat

  def watched(values, axis):
    seen.append(np.asarray(values[0]))
    return concat(values, axis)

  monkeypatch.setattr("tensorflow.concat", watched)
  network(recipes.random_images(2, 96, 64, 3))
  assert [one.shape[1:3] for one in seen] == [(6, 4), (12, 8), (24, 16), (48, 32)]
  for stage, one in enumerate(seen):
    assert abs(np.mean(one == 0) - (0.3 if stage < 3 else 0)) < 0.02, stage
    recipes.assert_same(one[0] == 0, one[1] == 0)
  recipes.assert_same(seen[2][0, :8, :8] == 0, seen[2][0, 8:16, 8:] == 0)  # the pattern repeats


def test_noise_can_be_set(network):
  before = network.noise
  network.noise = "fixed"
  assert network.config.noise == network.noise == "fixed"
  recipes.assert_same(network(IMAGES), _with_noise(network, "fixed")(IMAGES))
  network.noise = before
  with pytest.raises(ValueError, match="unknown noise mode 'fixd'.*did you mean 'fixed'"):
    network.noise = "fixd"


def test_dropout_zero():
  network = _drawn(_small(dropout=0.0, noise="random"))
  recipes.assert_same(network(IMAGES, training=True, dropout_seed=1), network(IMAGES, training=True, dropout_seed=2))
  recipes.assert_same(network(IMAGES, noise_seed=1), network(IMAGES))


# Sizes and inputs --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [(8, 9), (17, 40), (32, 33), (64, 96)])
def test_sizes_are_mirrored_and_cropped(network, size):
  image = recipes.random_images(1, *size, 3)
  # NumPy mirrors forth and back where a side is shorter than what is added.
  padded = np.pad(image, [(0, 0), (0, -size[0] % 32), (0, -size[1] % 32), (0, 0)], mode="reflect")
  np.testing.assert_allclose(network(image), network(padded)[:, :size[0], :size[1]], atol=1e-6)


def test_outputs_reach_black_and_white_and_go_no_further():
  network = _small()
  for value, extreme in ((20.0, 1), (-20.0, 0)):
    network.up[-1].bias.assign(np.full(3, value))
    assert (network(IMAGES).numpy() == extreme).all()


# Checkerboards -----------------------------------------------------------------------------------------------------

def _checkerboard(images):
  """Share of an image's energy, its mean taken off, that turns its sign with every row, every column, or both.

  Four times half the difference of neighbours along an axis keeps what turns its sign with every pixel, and nothing that
  is slow: (1 - cos w)^2 / 4 is 1 at the highest frequency, pi, and 0.0005 at 0.3. Half their sum does the opposite.
  """
  def filtered(x, axis, alternating):
    for _ in range(4):
      first, second = np.split(x, [-1], axis)[0], np.split(x, [1], axis)[1]
      x = (first - second if alternating else first + second) / 2
    return x

  centred = images - images.mean((1, 2), keepdims=True)
  parts = [filtered(filtered(centred, 1, rows), 2, columns) for rows, columns in ((1, 0), (0, 1), (1, 1))]
  return sum(np.mean(part ** 2) for part in parts) / np.mean(centred ** 2)


def test_the_measure_of_checkerboards():
  rows, columns = np.mgrid[:32, :32][:, None, :, :, None]
  smooth = recipes.smooth_images(4, 32, 32, 3)
  assert _checkerboard(smooth) < 1e-6
  for sign in (rows, columns, rows + columns):
    board = 0.1 * (-1.0) ** sign * np.ones((1, 1, 1, 3))
    np.testing.assert_allclose(_checkerboard(board), 1, rtol=1e-6)
    np.testing.assert_allclose(_checkerboard(smooth + board), 0.01 / (np.var(smooth, (1, 2)).mean() + 0.01), rtol=0.1)


def test_resizing_makes_fewer_checkerboards_than_transposed_convolutions():
  """Of decoders as they are drawn, on smooth images: transposed kernels give each of 2x2 pixels weights of its own."""
  images = recipes.smooth_images(4, 64, 64, 3, seed=8)
  measured = {kind: [_checkerboard(np.float64(_small(upsampling=kind, base_channels=8, seed=seed)(images)))
                     for seed in range(5)] for kind in ("transposed", "resize")}
  assert max(measured["resize"]) < min(measured["transposed"])
  assert np.mean(measured["resize"]) < 0.3 * np.mean(measured["transposed"])


# Weights and files -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("affine", [False, True])
def test_initial_weights(affine):
  """Kernels N(0, 0.02): Implementation Details. Factors of the norms are 1, all else 0."""
  network = _small(base_channels=16, affine=affine)
  for variable, value in zip(network.weights, network.get_weights()):
    if value.ndim == 4:
      error = 1 / np.sqrt(value.size)
      assert abs(value.mean()) < 4 * 0.02 * error and abs(value.std() / 0.02 - 1) < 4 * error, variable.path
    else:
      assert (value == variable.path.endswith("gamma")).all(), variable.path


def test_options():
  assert Generator().config == Config() and _small().noise == "off"
  with pytest.raises(ValueError, match="image_size is 48"):
    ti.create_generator("feature_pyramid_pan", image_size=48)
