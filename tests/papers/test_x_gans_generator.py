"""X-GANs generator: parameters, cost, arithmetic, dropout, initial weights."""

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.core.pyramid import fill_missing
from tf_imgtrans.core.seeds import fold_in, uniform
from tf_imgtrans.layers.dropout import drop_out
from tf_imgtrans.papers.x_gans import Config, Generator

SMALL = {"base_channels": 4, "residual_blocks": 2}
IMAGES = recipes.random_images(2, 13, 18, 3, seed=3)


def _small(**options):
  return ti.create_generator("x_gans", **{**SMALL, **options})


def _weights(network):
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


@pytest.fixture(scope="module")
def drawn():
  """By the number of downsamplings; 2 normalizes each image alone, 3 by the batch."""
  return {count: recipes.draw_weights(_small(downsamplings=count, normalization=kind, seed=5), recipes.on_the_slope)
          for count, kind in ((2, "instance"), (3, "batch"))}


# Parameters and cost -----------------------------------------------------------------------------------------------

def _convolution(kernel, channels, filters):
  return kernel * kernel * channels * filters + filters


BLOCKS = 9
# With biases, as pix2pixHD has them under its norms too.
CONVOLUTIONS = {
    2: (_convolution(7, 3, 64) + _convolution(3, 64, 128) + _convolution(3, 128, 256)
        + 2 * BLOCKS * _convolution(3, 256, 256) + _convolution(3, 256, 128) + _convolution(3, 128, 64)
        + _convolution(7, 64, 3)),
    3: (_convolution(7, 3, 64) + _convolution(3, 64, 128) + _convolution(3, 128, 256) + _convolution(3, 256, 512)
        + 2 * BLOCKS * _convolution(3, 512, 512) + _convolution(3, 512, 256) + _convolution(3, 256, 128)
        + _convolution(3, 128, 64) + _convolution(7, 64, 3)),
}
NORMALIZED = {2: 64 + 128 + 256 + 2 * BLOCKS * 256 + 128 + 64,
              3: 64 + 128 + 256 + 512 + 2 * BLOCKS * 512 + 256 + 128 + 64}  # channels
MACS = {  # per pixel of the image
    2: (49 * 3 * 64 + 9 * 64 * 128 // 4 + 9 * 128 * 256 // 16 + 2 * BLOCKS * 9 * 256 * 256 // 16 + 9 * 256 * 128 // 16
        + 9 * 128 * 64 // 4 + 49 * 64 * 3),
    3: (49 * 3 * 64 + 9 * 64 * 128 // 4 + 9 * 128 * 256 // 16 + 9 * 256 * 512 // 64 + 2 * BLOCKS * 9 * 512 * 512 // 64
        + 9 * 512 * 256 // 64 + 9 * 256 * 128 // 16 + 9 * 128 * 64 // 4 + 49 * 64 * 3),
}


@pytest.mark.parametrize("downsamplings, trained, kept", [(2, 11_388_675, 11_399_171), (3, 45_614_595, 45_635_843)])
def test_parameters_and_macs(downsamplings, trained, kept):
  plain = Generator(Config(downsamplings=downsamplings))
  plain(keras.Input((None, None, 3)))
  assert plain.count_params() == trained and not plain.non_trainable_variables
  generator = Generator(Config(downsamplings=downsamplings, normalization="batch"))
  generator(keras.Input((None, None, 3)))
  counted = sum(int(np.prod(variable.shape)) for variable in generator.trainable_variables)
  assert counted == trained == CONVOLUTIONS[downsamplings] + 2 * NORMALIZED[downsamplings]
  assert generator.count_params() == kept == trained + 2 * NORMALIZED[downsamplings]  # with the running means
  assert count_macs(generator, 256, 256) == MACS[downsamplings] * 256 * 256
  assert MACS == {2: 756_096, 3: 792_960}


# Arithmetic, against the same network in plain float64 NumPy -------------------------------------------------------

def _conv(x, kernel, stride=1):
  side = kernel.shape[0]
  windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))[:, ::stride, ::stride]
  return np.einsum("nyxcij,ijco->nyxo", windows, kernel, optimize=True)


def _transposed_conv(x, kernel):
  """Stride 2: every pixel lays its multiple of the kernel, [3, 3, out, in], two pixels on from its neighbour's."""
  count, height, width, _ = x.shape
  out = np.zeros((count, 2 * height + 1, 2 * width + 1, kernel.shape[2]))
  for i in range(3):
    for j in range(3):
      out[:, i:i + 2 * height:2, j:j + 2 * width:2] += x @ kernel[i, j].T
  return out[:, :-1, :-1]


def _padded(x, before, after, mode):
  return np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)], mode=mode)


def _plain(w, images, downsamplings, training=False, keep=None):
  """The network; `keep(block, shape)` tells which numbers dropout keeps."""
  def normalized(name, x):
    axes = (0, 1, 2) if f"{name}_norm/moving_mean" in w else (1, 2)  # of the batch, or of each image
    if axes == (1, 2) or training:
      mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    else:
      mean, variance = w[f"{name}_norm/moving_mean"], w[f"{name}_norm/moving_variance"]
    return w[f"{name}_norm/gamma"] * (x - mean) / np.sqrt(variance + 1e-5) + w[f"{name}_norm/beta"]

  def conv(name, x, stride=1):
    return _conv(x, w[f"{name}_conv/kernel"], stride) + w[f"{name}_conv/bias"]

  def leaky(x):
    return np.where(x > 0, x, 0.2 * x)

  height, width = images.shape[1:3]
  multiple = 2 ** downsamplings
  x = 2 * np.float64(images) - 1
  x = np.pad(x, [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)], mode="reflect")
  x = leaky(normalized("stem", conv("stem", _padded(x, 3, 3, "reflect"))))
  for index in range(1, downsamplings + 1):
    x = leaky(normalized(f"down{index}", conv(f"down{index}", _padded(x, 0, 1, "constant"), 2)))
  for index in range(1, SMALL["residual_blocks"] + 1):
    branch = leaky(normalized(f"block{index}_1", conv(f"block{index}_1", _padded(x, 1, 1, "reflect"))))
    if keep:
      branch = 2 * branch * keep(index - 1, branch.shape)
    x = x + normalized(f"block{index}_2", conv(f"block{index}_2", _padded(branch, 1, 1, "reflect")))
  for index in range(1, downsamplings + 1):
    x = _transposed_conv(x, w[f"up{index}_conv/kernel"]) + w[f"up{index}_conv/bias"]
    x = leaky(normalized(f"up{index}", x))
  return (np.tanh(conv("last", _padded(x, 3, 3, "reflect")))[:, :height, :width] + 1) / 2


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("downsamplings", [2, 3])
def test_equals_plain_arithmetic(drawn, downsamplings, training):
  images = recipes.random_images(2, 17, 22, 3, seed=3)

  def keep(block, shape):
    return uniform(shape, fold_in([7, 9], block)).numpy() >= 0.5

  expected = _plain(_weights(drawn[downsamplings]), images, downsamplings, training, keep if training else None)
  # The comparison means something: the output spreads over the slope of tanh.
  assert expected.std() > 0.03 and np.mean(np.abs(expected - 0.5) < 0.48) > 0.9
  before = drawn[downsamplings].get_weights()
  out = drawn[downsamplings](images, dropout_seed=(7, 9), training=training)
  drawn[downsamplings].set_weights(before)  # training moves the running means
  np.testing.assert_allclose(out, expected, atol=1e-5)


# Dropout -----------------------------------------------------------------------------------------------------------

def _run(generator, **options):
  """A pass that leaves the running means as they are."""
  before = generator.get_weights()
  out = generator(IMAGES, **options).numpy()
  generator.set_weights(before)
  return out


def test_dropout_of_the_generator(drawn):
  network = drawn[2]
  trained = _run(network, training=True, dropout_seed=3)
  recipes.assert_same(_run(network, training=True, dropout_seed=3), trained)
  recipes.assert_same(_run(network, training=True, dropout_seed=tf.constant([3, 0])), trained)
  assert (_run(network, training=True, dropout_seed=4) != trained).mean() > 0.9
  undropped = _small(dropout=0.0)
  undropped.set_weights(network.get_weights())
  recipes.assert_same(_run(network, training=True), _run(undropped, training=True))  # without a seed, nothing is dropped
  recipes.assert_same(_run(network, dropout_seed=3), _run(network, dropout_seed=4))  # off at inference
  recipes.assert_same(_run(network, dropout_seed=3), _run(network))


def test_each_block_drops_its_own(monkeypatch, drawn):
  seeds, rates = [], []

  def watched(features, rate, seed):
    seeds.append(tuple(np.asarray(seed)))
    rates.append(rate)
    return drop_out(features, rate, seed)

  monkeypatch.setattr("tf_imgtrans.layers.dropout.drop_out", watched)
  _run(drawn[2], training=True, dropout_seed=3)
  assert len(seeds) == len(set(seeds)) == SMALL["residual_blocks"] and rates == [0.5, 0.5]
  _run(drawn[2], training=False, dropout_seed=3)
  assert len(seeds) == SMALL["residual_blocks"]


def test_dropout_zero():
  network = recipes.draw_weights(_small(dropout=0.0), recipes.on_the_slope)
  recipes.assert_same(_run(network, training=True, dropout_seed=1), _run(network, training=True, dropout_seed=2))


# Sizes and inputs --------------------------------------------------------------------------------------------------

def test_outputs_reach_black_and_white_and_go_no_further():
  network = _small()
  for value, extreme in ((20.0, 1), (-20.0, 0)):
    network.last.bias.assign(np.full(3, value))
    for training in (False, True):
      assert (network(IMAGES, training=training).numpy() == extreme).all()


# Weights and files -------------------------------------------------------------------------------------------------

def test_initial_weights():
  """pix2pixHD: kernels N(0, 0.02), scales of the batch norms N(1, 0.02)."""
  alone = _weights(ti.create_generator("x_gans", residual_blocks=2))
  assert all((value == 1).all() for path, value in alone.items() if path.endswith("gamma"))
  scales = []
  for path, value in _weights(ti.create_generator("x_gans", residual_blocks=2, normalization="batch")).items():
    kind = path.rsplit("/", 1)[-1]
    if kind == "kernel":
      error = 1 / np.sqrt(value.size)
      assert abs(value.mean()) < 4 * 0.02 * error and abs(value.std() / 0.02 - 1) < 4 * error, path
    elif kind == "gamma":
      scales.append(value)
    else:
      assert (value == (kind == "moving_variance")).all(), path
  scales = np.concatenate(scales)
  assert abs(scales.mean() - 1) < 4 * 0.02 / np.sqrt(scales.size)
  assert abs(scales.std() / 0.02 - 1) < 4 / np.sqrt(scales.size)


def test_small_images_are_mirrored_forth_and_back(drawn):
  """Up to two innermost pixels, which is what a reflection there needs."""
  images = recipes.random_images(2, 9, 12, 3)
  padded = np.pad(images, [(0, 0), (0, 7), (0, 4), (0, 0)], mode="reflect")
  np.testing.assert_allclose(drawn[3](images), drawn[3](padded)[:, :9, :12], atol=1e-6)


def test_normalization_of_each_image_is_that_of_a_batch_of_one(drawn):
  """In training, batch normalization at batch 1 and instance normalization are the same function."""
  alone, batch = drawn[2], _small(normalization="batch")
  trained = {variable.path.split("/", 1)[1]: variable for variable in batch.trainable_variables}
  for path, value in _weights(alone).items():
    trained[path].assign(value)
  for image in IMAGES:
    np.testing.assert_allclose(alone(image[None], training=True), batch(image[None], training=True), atol=1e-5)
  np.testing.assert_allclose(alone(IMAGES), alone(IMAGES, training=True), atol=1e-6)  # the same at test time


def test_missing_pixels_are_filled_first():
  """With last weights of 0 the filled image comes out; known pixels are those that are not white."""
  images = np.ones((2, 21, 30, 3), np.float32)
  images[:, ::4, ::3] = 0.9 * recipes.random_images(2, 6, 10, 3)
  images[0, 0, 0] = (0.9, 0.9, 0.5)
  generator = Generator(Config(**SMALL, fill="pyramid"))
  assert np.abs(generator(images) - images)[:, ::4, ::3].max() > 1e-4  # the network adds something everywhere
  assert generator.stem[0].kernel.shape[2] == 4
  generator.last.kernel.assign(tf.zeros_like(generator.last.kernel))
  known = np.float32((images < 1).any(-1, keepdims=True))
  np.testing.assert_allclose(generator(images), fill_missing(images, known), atol=1e-6)
  assert generator(images).numpy().max() < 0.95  # of the missing pixels none is white any more


def test_without_normalization():
  """No layer normalizes; the untrained network changes little of what was filled, yet learns at once."""
  generator = Generator(Config(**SMALL, fill="pyramid", normalization="none"))
  images = np.where(np.arange(24)[:, None] % 3, 1.0, recipes.random_images(1, 24, 24, 3)).astype(np.float32)
  with tf.GradientTape() as tape:
    fake = generator(images, training=True)
    loss = tf.reduce_mean(tf.square(fake - 0.5))
  assert all(gradient is not None and np.abs(gradient).max() > 0
             for gradient in tape.gradient(loss, generator.trainable_variables))
  assert not any("norm" in weight.path for weight in generator.weights)
  known = np.float32((images < 1).any(-1, keepdims=True))
  np.testing.assert_allclose(fake, fill_missing(images, known), atol=0.05)


def test_options():
  assert Generator().config == Config()
  with pytest.raises(ValueError, match="downsamplings is 4"):
    ti.create_generator("x_gans", downsamplings=4)
