"""Progressive discriminator: parameters, arithmetic at every stage, growth, batches, files."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.papers.progressive_pan import TINY, Config, Discriminator

SMALL = dataclasses.replace(TINY, input_size=16, output_size=32)
STAGES = [(8, None), (16, None), (16, 0.0), (16, 0.3), (16, 1.0), (32, None), (32, 0.0), (32, 0.3), (32, 1.0)]


def _drawn(config=SMALL, seed=0, **options):
  """A built discriminator whose biases are not zero."""
  network = Discriminator(config, **options)
  network(keras.Input((config.output_size, config.output_size, 3)))
  rng = np.random.default_rng(seed)
  for variable in network.variables:
    if variable.path.endswith("bias"):
      variable.assign(rng.normal(0, 0.3, variable.shape))
  return network


@pytest.fixture(scope="module")
def drawn():
  return _drawn()


def _images(size, count=4, seed=3):
  return recipes.random_images(count, size, size, 3, seed=seed)


# Parameters --------------------------------------------------------------------------------------------------------

def _convolution(kernel, channels, filters):
  return kernel * kernel * channels * filters + filters


def test_parameters():
  """At full depth, layer by layer; StyleGAN's discriminator has 23.1 million too."""
  width = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
  sizes = (8, 16, 32, 64, 128, 256, 512, 1024)
  from_rgb = sum(_convolution(1, 3, width[size]) for size in sizes)
  same = sum(_convolution(3, width[size], width[size]) for size in sizes)
  halving = sum(_convolution(3, width[size], width[size // 2]) for size in sizes)
  bottom = _convolution(3, 512 + 1, 512)  # the deviation over the batch is a channel
  dense = 4 * 4 * 512 * 512 + 512
  logit = 512 + 1
  network = Discriminator(Config())
  network(keras.Input((1024, 1024, 3)))
  assert network.count_params() == from_rgb + same + halving + bottom + dense + logit == 23_085_201
  assert round(network.count_params() / 1e6, 1) == 23.1


# Arithmetic, against the same network in plain float64 NumPy -------------------------------------------------------

def _conv(x, kernel, gain=2 ** 0.5, pad=True):
  """The kernel is scaled by gain / sqrt(fan_in)."""
  side = kernel.shape[0]
  if pad:
    x = np.pad(x, [(0, 0), (side // 2, side // 2), (side // 2, side // 2), (0, 0)])
  windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))
  return np.einsum("nyxcij,ijco->nyxo", windows, kernel, optimize=True) * gain / np.sqrt(np.prod(kernel.shape[:3]))


def _blurred(x):
  padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
  height, width = x.shape[1:3]
  return sum(taps_y * taps_x / 16 * padded[:, row:row + height, column:column + width]
             for row, taps_y in enumerate((1, 2, 1)) for column, taps_x in enumerate((1, 2, 1)))


def _halved(x):
  return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def _leaky(x):
  return np.where(x > 0, x, 0.2 * x)


def _plain(network, images, alpha=None, group=4):
  """Logits [N, 1]; `group` must divide the number of images."""
  w = {variable.path.split("/", 1)[1]: np.float64(value) for variable, value in zip(network.weights, network.get_weights())}

  def conv(name, x, **options):
    return _conv(x, w[f"{name}/kernel"], **options) + w[f"{name}/bias"]

  x, first = 2 * np.float64(images) - 1, images.shape[1]
  small, size = _halved(x), first
  x = _leaky(conv(f"from_rgb_{size}", x))
  while size > 4:
    x = _leaky(conv(f"down{size}_conv", x))
    x = _leaky(_halved(_conv(_blurred(x), w[f"down{size}_halve/kernel"])) + w[f"down{size}_halve/bias"])
    size //= 2
    if alpha is not None and 2 * size == first:
      x = (1 - alpha) * _leaky(conv(f"from_rgb_{size}", small)) + alpha * x
  count = len(x)
  deviation = [np.sqrt(x[image % (count // group)::count // group].var(axis=0) + 1e-8).mean() for image in range(count)]
  x = np.concatenate([x, np.ones((count, 4, 4, 1)) * np.reshape(deviation, (count, 1, 1, 1))], axis=-1)
  x = _leaky(conv("bottom_conv", x))
  x = _leaky(conv("bottom_dense", x, pad=False))
  return conv("logit", x, gain=1)[:, 0, 0]


@pytest.mark.parametrize("size, alpha", STAGES)
def test_equals_plain_arithmetic(drawn, size, alpha):
  images = recipes.smooth_images(8, size, size, 3)
  expected = _plain(drawn, images, alpha)
  assert expected.shape == (8, 1) and expected.std() > 0.02
  logits = drawn(images, alpha=alpha)
  assert logits.dtype == tf.float32
  np.testing.assert_allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize("count, group", [(1, 1), (2, 2), (3, 3), (6, 3), (5, 1)])
def test_groups_of_the_batch(drawn, count, group):
  np.testing.assert_allclose(drawn(_images(16, count)), _plain(drawn, _images(16, count), group=group), atol=2e-5)


# Growth ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [16, 32])
def test_alpha_zero_judges_the_halved_image(drawn, size):
  images = _images(size)
  halved = drawn(_halved(images)).numpy()
  np.testing.assert_allclose(drawn(images, alpha=0.0), halved, atol=1e-5)
  np.testing.assert_allclose(drawn(images, alpha=1.0), drawn(images), atol=1e-5)
  assert np.abs(drawn(images, alpha=0.1) - halved).max() > 1e-4 and np.abs(drawn(images) - halved).max() > 1e-3


def test_the_first_size_has_nothing_to_fade_from(drawn):
  recipes.assert_same(drawn(_images(8), alpha=0.3), drawn(_images(8)))


def test_gradients_flow_through_both_sides_of_a_fade(drawn):
  recipes.check_gradient(lambda images: tf.reduce_sum(tf.sin(3 * drawn(images, alpha=0.3))),
                         recipes.smooth_images(4, 16, 16, 3), step=1e-3, tolerance=2e-2)


def test_alpha_may_be_a_tensor(drawn):
  run = tf.function(lambda alpha: drawn(_images(16), alpha=alpha))
  for alpha in (0.0, 0.3, 1.0):
    np.testing.assert_allclose(run(tf.constant(alpha)), drawn(_images(16), alpha=alpha), atol=1e-5)


def test_unknown_batches_change_nothing(drawn):
  run = tf.function(lambda images: drawn(images, alpha=0.3), input_signature=[tf.TensorSpec((None, 16, 16, 3))])
  for count in (1, 4, 6):
    np.testing.assert_allclose(run(_images(16, count)), drawn(_images(16, count), alpha=0.3), atol=1e-5)


@pytest.mark.parametrize("start_size", [8, 16])
@pytest.mark.parametrize("size", [8, 16, 32])
def test_stage_variables_are_those_with_a_gradient(size, start_size):
  if size < start_size:
    return
  network = _drawn(dataclasses.replace(SMALL, start_size=start_size))
  with tf.GradientTape() as tape:
    total = tf.reduce_sum(tf.sin(3 * network(_images(size), alpha=0.3)))
  gradients = tape.gradient(total, network.trainable_variables)
  reached = [variable.path for variable, gradient in zip(network.trainable_variables, gradients) if gradient is not None]
  used = [variable.path for variable, gradient in zip(network.trainable_variables, gradients)
          if gradient is not None and np.any(gradient)]
  stage = [variable.path for variable in network.stage_variables(size)]
  assert stage == used == reached
  # A kernel and a bias each: fromRGB of this size and of the one before, two convolutions of each size, three at the end.
  before = 1 if size > start_size else 0
  assert len(stage) == 2 * (1 + before + 2 * (int(np.log2(size)) - 2) + 3)


def test_without_progress_there_is_one_way_in():
  network = _drawn(dataclasses.replace(SMALL, progressive=False))
  assert {variable.path.split("/")[1] for variable in network.variables if "rgb" in variable.path} == {"from_rgb_32"}
  np.testing.assert_allclose(network(_images(32)), _plain(network, _images(32)), atol=2e-5)
  assert len(network.stage_variables(32)) == len(network.trainable_variables)
  with pytest.raises(ValueError, match="images are 16 high and 16 wide: expected squares of 32 pixels"):
    network(_images(16))


# Batches and inputs ------------------------------------------------------------------------------------------------

def test_images_of_a_batch_matter_for_each_other(drawn):
  image = _images(16, 1)
  alone, alike = drawn(image).numpy(), drawn(np.repeat(image, 4, axis=0)).numpy()
  np.testing.assert_allclose(alike, np.repeat(alone, 4, axis=0), atol=1e-5)  # no deviation either way
  various = drawn(_images(16)).numpy()
  assert np.abs(various[0] - alone).max() > 1e-3
  single = _drawn(dataclasses.replace(SMALL, group=1))  # the same seed, the same weights
  np.testing.assert_allclose(single(_images(16))[:1], single(image), atol=1e-5)
  np.testing.assert_allclose(single(image), alone, atol=1e-5)


def test_other_sizes_are_refused(drawn):
  for height, width in ((4, 4), (64, 64), (24, 24), (16, 32)):
    with pytest.raises(ValueError, match=f"are {height} high and {width} wide: expected squares of 8, 16, 32 pixels"):
      drawn(np.zeros((1, height, width, 3), "f"))


# Weights and files -------------------------------------------------------------------------------------------------

def test_initial_weights():
  """Kernels N(0, 1), offsets 0."""
  network = Discriminator(dataclasses.replace(SMALL, channel_base=1024, channels_max=32))
  network(keras.Input((32, 32, 3)))
  kernels = [weight for weight in network.get_weights() if weight.ndim == 4]
  for kernel in kernels:
    error = 1 / np.sqrt(kernel.size)
    assert abs(kernel.mean()) < 4 * error and abs(kernel.std() - 1) < 4 * error
  assert not any(weight.any() for weight in network.get_weights() if weight.ndim == 1)


def test_saved_and_loaded_bit_for_bit(drawn):
  loaded = recipes.check_serialization(drawn, _images(16))
  assert loaded.config.output_size == 32 and loaded.config.group == 4
  recipes.assert_same(loaded(_images(32), alpha=0.3), drawn(_images(32), alpha=0.3))
