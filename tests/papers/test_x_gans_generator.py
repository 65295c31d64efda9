"""X-GANs generator: parameters, cost, arithmetic, dropout, sizes, weights, files."""

import collections
import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.core.seeds import fold_in, uniform
from tf_imgtrans.layers.dropout import drop_out
from tf_imgtrans.papers.x_gans import TINY, Config, Generator

SMALL = {"base_channels": 4, "residual_blocks": 2}
IMAGES = recipes.random_images(2, 13, 18, 3, seed=3)


def _small(**options):
  return ti.create_generator("x_gans", **{**SMALL, **options})


def _random_weights(network, seed=0):
  """Gives every weight a random value, of a size that keeps tanh on its slope."""
  rng = np.random.default_rng(seed)

  def drawn(variable):
    name, shape = variable.path.rsplit("/", 1)[1], tuple(variable.shape)
    if name == "kernel":
      return rng.normal(0, (0.3 if shape[-1] == 3 else 1.4) / np.sqrt(np.prod(shape[:3])), shape)
    return rng.uniform(0.5, 1.5, shape) if name in ("gamma", "moving_variance") else rng.normal(0, 0.2, shape)

  network.set_weights([drawn(variable) for variable in network.weights])
  return network


def _weights(network):
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


@pytest.fixture(scope="module")
def drawn():
  """By the number of downsamplings."""
  return {count: _random_weights(_small(downsamplings=count, seed=5)) for count in (2, 3)}


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
  generator = Generator(Config(downsamplings=downsamplings))
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
    mean, variance = w[f"{name}_norm/moving_mean"], w[f"{name}_norm/moving_variance"]
    if training:
      mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
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


def test_running_means(drawn):
  """A pass in training moves them a tenth of the way to the batch's; one at inference leaves them alone."""
  network = drawn[2]
  before, old = network.get_weights(), _weights(network)
  network(IMAGES)
  for kept, now in zip(before, network.get_weights()):
    recipes.assert_same(kept, now)
  network(IMAGES, dropout_seed=1, training=True)
  padded = np.pad(2 * np.float64(IMAGES) - 1, [(0, 0), (0, 3), (0, 2), (0, 0)], mode="reflect")  # 13 -> 16, 18 -> 20
  features = _conv(_padded(padded, 3, 3, "reflect"), old["stem_conv/kernel"]) + old["stem_conv/bias"]
  _, norm = network.stem
  np.testing.assert_allclose(norm.moving_mean, 0.9 * old["stem_norm/moving_mean"] + 0.1 * features.mean((0, 1, 2)),
                             atol=1e-5)
  np.testing.assert_allclose(norm.moving_variance, 0.9 * old["stem_norm/moving_variance"] + 0.1 * features.var((0, 1, 2)),
                             rtol=1e-4)
  moved = {name for name, value in _weights(network).items() if (value != old[name]).any()}
  assert moved == {name for name in old if "moving_" in name}
  network.set_weights(before)


# Dropout -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_drop_out_zeroes_its_share_and_keeps_the_mean(rate):
  ones = tf.ones((2, 50, 50, 20))
  dropped = drop_out(ones, rate, tf.constant([1, 2])).numpy()
  assert dropped.dtype == np.float32
  np.testing.assert_allclose(np.unique(dropped), [0, 1 / (1 - rate)], rtol=1e-6)
  # Each of 100,000 numbers alone: deviation of the share sqrt(rate (1 - rate) / 100,000), at most 0.0016.
  assert abs(np.mean(dropped == 0) - rate) < 0.005
  for axis in ((0, 1, 2), (1, 2, 3), (2, 3)):  # no channel, image or row goes as a whole
    assert 0 < np.mean(dropped == 0, axis=axis).min() and np.mean(dropped == 0, axis=axis).max() < 1


def test_drop_out_is_a_function_of_its_seed():
  features = tf.constant(recipes.random_images(1, 8, 8, 4) + 1)
  seed = tf.constant([1, 2])
  dropped = drop_out(features, 0.5, seed).numpy()
  for run in (drop_out, tf.function(drop_out), tf.function(drop_out, jit_compile=True)):
    recipes.assert_same(run(features, 0.5, seed), dropped)
  assert ((drop_out(features, 0.5, tf.constant([1, 3])) == 0) != (dropped == 0)).numpy().mean() > 0.3
  recipes.assert_same(drop_out(features, 0.0, seed), features)
  with tf.GradientTape() as tape:
    tape.watch(features)
    total = tf.reduce_sum(drop_out(features, 0.5, seed))
  recipes.assert_same(tape.gradient(total, features), np.where(dropped == 0, np.float32(0), np.float32(2)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_drop_out_in_half_precision(dtype):
  features = tf.cast(recipes.random_images(1, 8, 8, 4) + 1, dtype)
  dropped = drop_out(features, 0.5, tf.constant([1, 2]))
  assert dropped.dtype == features.dtype
  recipes.assert_same(tf.cast(dropped, tf.float32), drop_out(tf.cast(features, tf.float32), 0.5, tf.constant([1, 2])))


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

  monkeypatch.setattr("tf_imgtrans.papers.x_gans.generator.drop_out", watched)
  _run(drawn[2], training=True, dropout_seed=3)
  assert len(seeds) == len(set(seeds)) == SMALL["residual_blocks"] and rates == [0.5, 0.5]
  _run(drawn[2], training=False, dropout_seed=3)
  assert len(seeds) == SMALL["residual_blocks"]


def test_dropout_zero():
  network = _random_weights(_small(dropout=0.0))
  recipes.assert_same(_run(network, training=True, dropout_seed=1), _run(network, training=True, dropout_seed=2))


# Sizes and inputs --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("downsamplings, smallest", [(2, 8), (3, 16)])
def test_sizes(drawn, downsamplings, smallest):
  network = drawn[downsamplings]
  recipes.check_generator(network, [(smallest, smallest), (smallest, 31), (17, 19), (27, 22), (33, 16)])
  assert network.smallest == smallest
  for shape, name in (((1, smallest - 1, 32, 3), "height"), ((1, 32, smallest - 1, 3), "width")):
    with pytest.raises(ValueError, match=f"{name} is {smallest - 1}: the generator needs at least {smallest} pixels"):
      network(np.zeros(shape, "f"))


@given(height=st.integers(8, 25), width=st.integers(8, 25))
def test_any_size_from_eight(drawn, height, width):
  recipes.check_generator(drawn[2], [(height, width)], batch=1)


@pytest.mark.parametrize("spec", [(None, None, None, 3), (2, None, 18, 3), (2, 13, 18, 3)])
def test_unknown_sizes_change_nothing(drawn, spec):
  run = tf.function(lambda x: drawn[2](x, training=False), input_signature=[tf.TensorSpec(spec)])
  out = run(IMAGES)
  assert out.shape == IMAGES.shape
  np.testing.assert_allclose(out, drawn[2](IMAGES), atol=1e-5)


def test_wrong_images_are_refused(drawn):
  for shape in ((16, 16, 3), (1, 16, 16, 1), (1, 16, 16, 4)):
    with pytest.raises(ValueError, match=r"expected \[N, height, width, 3\]"):
      drawn[2](np.zeros(shape, "f"))
  with pytest.raises(ValueError, match="images have dtype uint8: .*divide by 255"):
    drawn[2](np.full((1, 16, 16, 3), 200, "uint8"))


def test_neighbours_in_the_batch_change_nothing_at_inference(drawn):
  np.testing.assert_allclose(drawn[2](IMAGES)[1:], drawn[2](IMAGES[1:]), atol=1e-5)


def test_outputs_reach_black_and_white_and_go_no_further():
  network = _small()
  for value, extreme in ((20.0, 1), (-20.0, 0)):
    network.last.bias.assign(np.full(3, value))
    for training in (False, True):
      assert (network(IMAGES, training=training).numpy() == extreme).all()


# Weights and files -------------------------------------------------------------------------------------------------

def test_initial_weights():
  """pix2pixHD: kernels N(0, 0.02), scales of the norms N(1, 0.02)."""
  scales = []
  for path, value in _weights(ti.create_generator("x_gans", residual_blocks=2)).items():
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


def test_the_seed_decides_the_weights_and_no_two_layers_start_alike():
  first, same, other = (_small(seed=seed).get_weights() for seed in (1, 1, 2))
  for a, b, c in zip(first, same, other):
    recipes.assert_same(a, b)
    if a.ndim == 4:
      assert (a != c).any()
  kernels = [weight.ravel()[:64] for weight in first if weight.ndim == 4]
  likeness = np.corrcoef(kernels) - np.eye(len(kernels))
  assert np.abs(likeness).max() < 0.6  # 64 independent numbers: 0.12 is the deviation
  scales = [weight for weight, variable in zip(first, _small().weights) if variable.path.endswith("gamma")]
  assert len({scale.tobytes() for scale in scales}) == len(scales)


def test_every_weight_gets_a_gradient():
  generator = _random_weights(_small())
  with tf.GradientTape() as tape:
    value = tf.reduce_sum(tf.square(generator(IMAGES, dropout_seed=1, training=False)))
  for variable, gradient in zip(generator.trainable_variables, tape.gradient(value, generator.trainable_variables)):
    assert gradient is not None and np.any(np.asarray(gradient)), variable.path


@pytest.mark.parametrize("downsamplings", [2, 3])
def test_saved_and_loaded_bit_for_bit(drawn, downsamplings):
  # Drawn weights: fresh ones come back by their seed, whatever the file holds.
  loaded = recipes.check_serialization(drawn[downsamplings], recipes.random_images(1, 17, 22, 3))
  assert loaded.config == Config(downsamplings=downsamplings, seed=5, **SMALL) and loaded.scale == 1
  for saved, read in zip(drawn[downsamplings].get_weights(), loaded.get_weights()):
    recipes.assert_same(saved, read)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_near(drawn, policy):
  half = Generator(drawn[2].config, dtype=policy)
  images = recipes.smooth_images(2, 16, 20, 3)
  half(images)
  half.set_weights(drawn[2].get_weights())
  out, reference = half(images), drawn[2](images).numpy()
  assert out.dtype == "float32" and half.compute_dtype == policy.removeprefix("mixed_")
  assert {variable.dtype for variable in half.variables} == {"float32"}
  error = np.abs(out - reference)
  assert 0 < error.mean() < (0.01 if policy == "mixed_bfloat16" else 0.001) and reference.std() > 0.05
  assert np.isfinite(half(images, dropout_seed=1, training=True)).all()


def test_names_and_options():
  generator = ti.create_generator("x_gans", **SMALL, seed=3)
  assert (type(generator), generator.name, generator.scale, generator.config.seed) == (Generator, "x_gans", 1, 3)
  assert "x_gans" in ti.list_generators()
  with pytest.raises(ValueError, match="downsamplings is 4"):
    ti.create_generator("x_gans", downsamplings=4)
  with pytest.raises(ValueError, match="'drop_out': expected one of .*did you mean 'dropout'"):
    ti.create_generator("x_gans", drop_out=0.1)
  assert Generator(TINY).config == TINY and dataclasses.replace(Config(), seed=0) == Generator().config


@pytest.mark.export
@pytest.mark.parametrize("size", [(32, 48), (29, 42), None])
def test_exported_with_builtin_operations_in_four_dimensions(drawn, tmp_path, size):
  from ai_edge_litert.interpreter import Interpreter

  from tf_imgtrans.export.tflite import to_tflite
  from tf_imgtrans.inference.models import load_model

  height, width = size or (None, None)
  to_tflite(drawn[2], tmp_path / "m.tflite", height=height, width=width)
  images = recipes.smooth_images(1, *(size or (29, 42)), 3)
  np.testing.assert_allclose(load_model(tmp_path / "m.tflite")(images), drawn[2](images), atol=1e-4)
  interpreter = Interpreter(str(tmp_path / "m.tflite"))
  used = collections.Counter(detail["op_name"] for detail in interpreter._get_ops_details())
  assert used["MIRROR_PAD"] >= 2 + 2 * SMALL["residual_blocks"] and used["TRANSPOSE_CONV"] == 2
  assert not any("Flex" in name or "CUSTOM" in name for name in used)
  assert max(len(detail["shape"]) for detail in interpreter.get_tensor_details()) == 4
