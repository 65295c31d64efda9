"""Progressive generator: parameters, arithmetic at every stage, growth, skips, noise, initial weights."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

import tf_imgtrans as ti
from tf_imgtrans.papers.progressive_pan import TINY, Config, Generator
from tf_imgtrans.papers.progressive_pan.config import VARIANTS

# One size above the input's, as in TINY, and two below, so that the encoder grows too.
SMALL = dataclasses.replace(TINY, input_size=16, output_size=32)
STAGES = [(8, None), (16, None), (16, 0.0), (16, 0.3), (16, 1.0), (32, None), (32, 0.0), (32, 0.3), (32, 1.0)]
# The decoder's maps in their order: each has its own stream of noise.
NOISY = ("bottom", "up8_double", "up8", "up16_double", "up16", "up32_double", "up32")


def _drawn(config=SMALL, seed=0, **options):
  """A built generator whose biases and noise strengths are not zero, and whose values stay near the middle of the range."""
  network = Generator(config, **options)
  network(keras.Input((None, None, 3)))
  rng = np.random.default_rng(seed)
  for variable in network.variables:
    if variable.path.endswith(("bias", "strength")):
      variable.assign(rng.normal(0, 0.3, variable.shape))
    elif "to_rgb" in variable.path:
      variable.assign(0.4 * variable)
  return network


@pytest.fixture(scope="module")
def drawn():
  return _drawn()


def _images(size, count=2, seed=3):
  return recipes.random_images(count, size, size, 3, seed=seed)


def _weights(network):
  return {variable.path.split("/", 1)[1]: np.float64(value)
          for variable, value in zip(network.weights, network.get_weights())}


# Parameters --------------------------------------------------------------------------------------------------------

def _convolution(kernel, channels, filters):
  return kernel * kernel * channels * filters + filters


def test_parameters():
  """At full depth, layer by layer, from StyleGAN's table of widths."""
  width = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
  inner, outer = (8, 16, 32, 64, 128), (8, 16, 32, 64, 128, 256, 512, 1024)
  from_rgb = sum(_convolution(1, 3, width[size]) for size in inner)
  encoder = sum(_convolution(3, width[size], width[size]) for size in inner)
  halving = sum(_convolution(3, width[size], width[size // 2]) for size in inner)
  bottom = _convolution(3, 512, 512)
  doubling = sum(_convolution(3, width[size // 2], width[size]) for size in outer)
  after = sum(_convolution(3, (2 if size <= 128 else 1) * width[size], width[size]) for size in outer)  # beside a skip
  to_rgb = sum(_convolution(1, width[size], 3) for size in outer)
  noise = 512 + sum(2 * width[size] for size in outer)
  generator = Generator(Config())
  generator(keras.Input((None, None, 3)))
  assert generator.count_params() == (from_rgb + encoder + halving + bottom + doubling + after + to_rgb + noise)
  assert generator.count_params() == 43_082_024
  assert generator.scale == 8 and len(generator.trainable_variables) == len(generator.variables)
  assert tuple(generator(keras.Input((128, None, 3))).shape) == (None, 1024, None, 3)


# Arithmetic, against the same network in plain float64 NumPy -------------------------------------------------------

def _conv(x, kernel, gain=2 ** 0.5):
  """Zeros around the map; the kernel is scaled by gain / sqrt(fan_in)."""
  side = kernel.shape[0]
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


def _doubled(x):
  return x.repeat(2, axis=1).repeat(2, axis=2)


def _leaky(x):
  return np.where(x > 0, x, 0.2 * x)


def _plain(network, images, resolution, alpha=None):
  """The network of Fig. 2 and 3 with its fixed noise, without the clip."""
  w, config = _weights(network), network.config
  blurred = _blurred if config.blur else lambda x: x

  def conv(name, x, gain=2 ** 0.5, resample=lambda x: x):
    return resample(_conv(x, w[f"{name}/kernel"], gain)) + w[f"{name}/bias"]

  def finished(name, x):
    if config.noise != "off":
      tile = np.random.RandomState(NOISY.index(name)).standard_normal((128, 128))
      x = x + w[f"{name}_noise/strength"] * tile[None, :x.shape[1], :x.shape[2], None]
    x = _leaky(x)
    return x / np.sqrt((x ** 2).mean(axis=-1, keepdims=True) + 1e-8)

  x, entry = 2 * np.float64(images) - 1, min(resolution, config.input_size)
  height, width = x.shape[1:3]
  x = np.pad(x, [(0, 0), (0, -height % (entry // 4)), (0, -width % (entry // 4)), (0, 0)], mode="reflect")
  small, skips = _halved(x) if alpha is not None else None, {}
  x, size = _leaky(conv(f"from_rgb_{entry}", x)), entry
  while size > 4:
    x = skips[size] = _leaky(conv(f"down{size}_conv", x))
    x = _leaky(conv(f"down{size}_halve", blurred(x), resample=_halved))
    size //= 2
    if alpha is not None and entry == resolution == 2 * size:
      x = (1 - alpha) * _leaky(conv(f"from_rgb_{size}", small)) + alpha * x
  x = finished("bottom", conv("bottom_conv", x))
  while size < resolution:
    before, size = x, 2 * size
    x = finished(f"up{size}_double", conv(f"up{size}_double", _doubled(x), resample=blurred))
    if size in skips:
      x = np.concatenate([x, skips[size]], axis=-1)
    x = finished(f"up{size}", conv(f"up{size}_conv", x))
  image = conv(f"to_rgb_{size}", x, gain=1)
  if alpha is not None:
    image = (1 - alpha) * _doubled(conv(f"to_rgb_{size // 2}", before, gain=1)) + alpha * image
  scale = resolution // entry
  return (image[:, :scale * height, :scale * width] + 1) / 2


@pytest.mark.parametrize("resolution, alpha", STAGES)
def test_equals_plain_arithmetic(drawn, resolution, alpha):
  images = _images(min(resolution, 16))
  expected = _plain(drawn, images, resolution, alpha)
  assert expected.shape == (2, resolution, resolution, 3) and expected.std() > 0.1
  assert np.mean((expected > 0) & (expected < 1)) > 0.5  # the comparison means something
  np.testing.assert_allclose(drawn(images, resolution=resolution, alpha=alpha), expected.clip(0, 1), atol=5e-5)


@pytest.mark.parametrize("height, width", [(5, 7), (3, 16), (13, 21)])
def test_other_sizes_equal_plain_arithmetic(drawn, height, width):
  images = recipes.random_images(2, height, width, 3, seed=1)
  expected = _plain(drawn, images, 32)
  assert expected.shape == (2, 2 * height, 2 * width, 3)
  np.testing.assert_allclose(drawn(images), expected.clip(0, 1), atol=5e-5)


def test_without_blur_and_noise():
  network = _drawn(dataclasses.replace(SMALL, noise="off"))
  images = _images(16)
  np.testing.assert_allclose(network(images), _plain(network, images, 32).clip(0, 1), atol=5e-5)
  sharp = _drawn(dataclasses.replace(SMALL, blur=False))
  np.testing.assert_allclose(sharp(images), _plain(sharp, images, 32).clip(0, 1), atol=5e-5)


def test_tiny_equals_plain_arithmetic():
  network = _drawn(TINY)  # 8 to 16 pixels: the encoder has one size alone
  for alpha in (None, 0.0, 0.3, 1.0):
    np.testing.assert_allclose(network(_images(8), resolution=16, alpha=alpha),
                               _plain(network, _images(8), 16, alpha).clip(0, 1), atol=5e-5)


# Growth ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [{"training": True, "noise_seed": 5}, {"training": False}])
@pytest.mark.parametrize("resolution", [16, 32])
def test_alpha_zero_is_the_resolution_before_enlarged(drawn, resolution, options):
  images = _images(16)
  before = _halved(images) if resolution == 16 else images  # within the input's size, the input shrinks too
  expected = _doubled(drawn(before, resolution=resolution // 2, **options).numpy())
  np.testing.assert_allclose(drawn(images, resolution=resolution, alpha=0.0, **options), expected, atol=1e-5)
  for other in (0.01, 1.0):
    assert np.abs(drawn(images, resolution=resolution, alpha=other, **options) - expected).max() > 1e-3


@pytest.mark.parametrize("resolution", [16, 32])
def test_alpha_one_is_the_resolution_alone(drawn, resolution):
  alone = drawn(_images(16), resolution=resolution)
  np.testing.assert_allclose(drawn(_images(16), resolution=resolution, alpha=1.0), alone, atol=1e-6)


@pytest.mark.parametrize("resolution", [16, 32])
def test_gradients_flow_through_both_sides_of_a_fade(drawn, resolution):
  def total(images):
    return tf.reduce_sum(tf.sin(3 * drawn(images, resolution=resolution, alpha=0.3, noise_seed=1, training=True)))

  recipes.check_gradient(total, recipes.smooth_images(1, 16, 16, 3), step=1e-3, tolerance=2e-2)


def test_alpha_may_be_a_tensor(drawn):
  run = tf.function(lambda alpha: drawn(_images(16), resolution=16, alpha=alpha))
  for alpha in (0.0, 0.3, 1.0):
    np.testing.assert_allclose(run(tf.constant(alpha)), drawn(_images(16), resolution=16, alpha=alpha), atol=1e-5)


def test_the_first_resolution_has_nothing_to_fade_from(drawn):
  recipes.assert_same(drawn(_images(8), resolution=8, alpha=0.3), drawn(_images(8), resolution=8))


@pytest.mark.parametrize("fields", [{}, {"noise": "off"}, {"noise_sizes": "above_input"}, {"skips": 0}, {"start_size": 16}])
@pytest.mark.parametrize("resolution", [8, 16, 32])
def test_stage_variables_are_those_with_a_gradient(resolution, fields):
  config = dataclasses.replace(SMALL, **fields)
  if resolution not in config.sizes:
    return
  network = _drawn(config)
  with tf.GradientTape() as tape:
    out = network(_images(min(resolution, 16)), resolution=resolution, alpha=0.3, noise_seed=1, training=True)
    total = tf.reduce_sum(tf.sin(3 * out))
  gradients = tape.gradient(total, network.trainable_variables)
  used = [variable.path for variable, gradient in zip(network.trainable_variables, gradients)
          if gradient is not None and np.any(tf.convert_to_tensor(gradient))]
  reached = [variable.path for variable, gradient in zip(network.trainable_variables, gradients) if gradient is not None]
  stage = [variable.path for variable in network.stage_variables(resolution)]
  assert stage == used == reached


def test_no_stage_uses_all_and_together_they_do(drawn):
  stages = [{variable.path for variable in drawn.stage_variables(size)} for size in (8, 16, 32)]
  assert set.union(*stages) == {variable.path for variable in drawn.trainable_variables}
  # Of 8 pixels: fromRGB, the convolutions of 4 and 8, toRGB, three maps with noise.
  assert len(stages[0]) == 2 * (1 + 2 + 1 + 2 + 1) + 3
  # 16 has two more fromRGB and toRGB in all, two convolutions on either side, and two more maps with noise.
  assert len(stages[1]) == len(stages[0]) + 2 * (2 + 2 + 2) + 2
  # 32 loses the fromRGB and the toRGB of 8.
  assert len(stages[2]) == len(stages[1]) + 2 * (1 + 2) + 2 - 2 * (1 + 1)


def test_truncated():
  network = _drawn(dataclasses.replace(SMALL, output_size=64))
  images = recipes.random_images(2, 13, 18, 3)
  for size in (16, 32, 64):
    smaller = network.truncated(size)
    assert smaller.config == dataclasses.replace(network.config, output_size=size, **_training_fields())
    assert smaller.scale == size // 16 and smaller.name == network.name
    recipes.assert_same(smaller(images), network(images, resolution=size))
  before = network(images, resolution=16).numpy()
  network.truncated(16).bottom.kernel.assign(np.zeros((3, 3, 8, 8)))  # copies
  recipes.assert_same(network(images, resolution=16), before)


def _training_fields():
  """Fields that do not shape the network, which it does not keep: the defaults in their place."""
  kept = set(Generator.architecture)
  return {field.name: field.default for field in dataclasses.fields(Config) if field.name not in kept}


def test_truncated_keeps_the_mode_of_the_noise_and_has_single_precision():
  network = _drawn(dtype="mixed_bfloat16")
  network.noise = "off"
  smaller = network.truncated(16)
  assert smaller.noise == "off" and smaller.dtype_policy.name == "float32"
  np.testing.assert_allclose(smaller(_images(16)), network(_images(16), resolution=16), atol=0.1)


def test_truncated_to_a_size_that_is_not_there(drawn):
  with pytest.raises(ValueError, match="output_size is 64: expected one of 8, 16, 32"):
    drawn.truncated(64)
  with pytest.raises(ValueError, match="8, 16 and 8: expected none below"):
    drawn.truncated(8)  # the network takes images of 16 pixels
  whole = _drawn(dataclasses.replace(SMALL, progressive=False))
  with pytest.raises(ValueError, match="output_size is 16: expected one of 32"):
    whole.truncated(16)


def test_without_progress_there_is_one_way_in_and_one_out():
  network = _drawn(dataclasses.replace(SMALL, progressive=False))
  named = {variable.path.split("/")[1] for variable in network.variables if "rgb" in variable.path}
  assert named == {"from_rgb_16", "to_rgb_32"}
  np.testing.assert_allclose(network(_images(16)), _plain(network, _images(16), 32).clip(0, 1), atol=5e-5)
  assert len(network.stage_variables(32)) == len(network.trainable_variables)
  recipes.assert_same(network(_images(16), alpha=0.5), network(_images(16)))


# Skips -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("skips, doubled", [(None, {8, 16}), (2, {8, 16}), (1, {8}), (0, set())])
def test_kept_skips_widen_the_decoder(skips, doubled):
  """The coarsest are kept first; no skip is above the size of the input."""
  network = _drawn(dataclasses.replace(SMALL, skips=skips))
  weights = _weights(network)
  for size, width in {8: 8, 16: 4, 32: 2}.items():
    assert weights[f"up{size}_conv/kernel"].shape == (3, 3, width * (2 if size in doubled else 1), width)
  assert _drawn(SMALL).count_params() - network.count_params() == sum(
      9 * width * width for size, width in {8: 8, 16: 4}.items() if size not in doubled)


@pytest.mark.parametrize("skips, cut, depends", [
    (0, [], True), (0, ["bottom_conv"], False),
    (1, ["bottom_conv"], True), (1, ["bottom_conv", "down8_conv"], False),
    (2, ["bottom_conv"], True), (2, ["bottom_conv", "down8_conv"], True),
    (2, ["bottom_conv", "down8_conv", "down16_conv"], False),
])
def test_the_input_reaches_the_output_by_kept_skips_alone(skips, cut, depends):
  """With the bottom cut, what is left of the image comes through the skips, and through none that is not kept."""
  network = _drawn(dataclasses.replace(SMALL, skips=skips))
  for variable in network.variables:
    if variable.path.split("/")[1] in cut and variable.path.endswith("kernel"):
      variable.assign(tf.zeros(variable.shape))
  images = tf.constant(_images(16))
  with tf.GradientTape() as tape:
    tape.watch(images)
    total = tf.reduce_sum(tf.sin(3 * network(images, training=True, noise_seed=1)))
  assert np.any(tape.gradient(total, images)) == depends
  outs = [network(_images(16, seed=seed), training=True, noise_seed=1).numpy() for seed in (1, 2)]
  assert (np.abs(outs[0] - outs[1]).max() > 1e-3) == depends


# Noise -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("noise_sizes, names", [("all", NOISY), ("above_input", NOISY[-2:])])
def test_noise_sizes(noise_sizes, names):
  network = _drawn(dataclasses.replace(SMALL, noise_sizes=noise_sizes))
  strengths = {path: value.shape for path, value in _weights(network).items() if path.endswith("strength")}
  width = dict(zip(NOISY, (8, 8, 8, 4, 4, 2, 2)))
  assert strengths == {f"{name}_noise/strength": (width[name],) for name in names}
  for name in names:  # each of them changes the output
    before = network(_images(16)).numpy()
    network.noises[name].strength.assign(np.full(width[name], 2.0))
    assert (network(_images(16)).numpy() != before).any()


def test_noise_begins_with_nothing():
  network = Generator(SMALL)
  out = network(_images(16)).numpy()
  for mode in ("random", "off"):
    network.noise = mode
    recipes.assert_same(network(_images(16)), out)
  recipes.assert_same(network(_images(16), noise_seed=3), out)


def test_modes_of_noise():
  network, images = _drawn(), _images(16)
  fixed = network(images).numpy()
  recipes.assert_same(network(images), fixed)
  assert (network(images, training=True).numpy() != network(images, training=True).numpy()).mean() > 0.9
  network.noise = "random"
  assert (network(images).numpy() != network(images).numpy()).mean() > 0.5
  network.noise = "off"
  off = network(images).numpy()
  recipes.assert_same(network(images, noise_seed=3), off)
  assert np.abs(off - fixed).mean() > 1e-3
  silent = _drawn()
  for layer in silent.noises.values():
    layer.strength.assign(tf.zeros(layer.strength.shape))
  recipes.assert_same(silent(images), off)
  with pytest.raises(ValueError, match="unknown noise mode 'fixd': expected one of fixed, off, random"):
    network.noise = "fixd"
  assert network.noise == "off" and {layer.noise for layer in network.noises.values()} == {"off"}


@pytest.mark.parametrize("training", [False, True])
def test_the_same_seed_gives_the_same_output_everywhere(drawn, training):
  images = tf.constant(_images(8))
  run = lambda seed: drawn(images, resolution=8, noise_seed=seed, training=training)  # noqa: E731
  first, second = run((5, 9)).numpy(), run((6, 9)).numpy()
  recipes.assert_same(run((5, 9)), first)
  assert (first != second).mean() > 0.5
  np.testing.assert_allclose(tf.function(run)(tf.constant((5, 9))), first, atol=1e-5)
  if training:
    np.testing.assert_allclose(tf.function(run, jit_compile=True)(tf.constant((5, 9))), first, atol=1e-3)


def test_each_map_has_its_own_noise(drawn):
  streams = [drawn.noises[name].stream for name in NOISY]
  assert len(set(streams)) == len(NOISY) == len(drawn.noises)


# Sizes and inputs --------------------------------------------------------------------------------------------------

def test_wrong_resolutions_are_refused(drawn):
  for resolution in (4, 24, 64):
    with pytest.raises(ValueError, match=f"resolution is {resolution}: expected one of 8, 16, 32"):
      drawn(_images(16), resolution=resolution)


def test_values_are_clipped_at_inference_alone():
  network = _drawn()
  network.to_rgb["32"].bias.assign([20.0, -20.0, 0.0])
  trained, out = network(_images(16), training=True).numpy(), network(_images(16)).numpy()
  assert trained[..., 0].min() > 1 and trained[..., 1].max() < 0
  assert (out[..., 0] == 1).all() and (out[..., 1] == 0).all()


# Weights and files -------------------------------------------------------------------------------------------------

def test_initial_weights():
  """Kernels N(0, 1), offsets and strengths of the noise 0."""
  network = Generator(dataclasses.replace(SMALL, channel_base=1024, channels_max=32))
  network(keras.Input((None, None, 3)))
  for path, value in _weights(network).items():
    if path.endswith("kernel"):
      error = 1 / np.sqrt(value.size)
      assert abs(value.mean()) < 4 * error and abs(value.std() - 1) < 4 * error, path
    else:
      assert not value.any(), path


def test_stages_of_a_loaded_generator(drawn):
  loaded = recipes.check_serialization(drawn, recipes.random_images(1, 13, 18, 3))
  assert loaded.config == dataclasses.replace(SMALL, **_training_fields())
  recipes.assert_same(loaded(_images(16), resolution=16, alpha=0.3), drawn(_images(16), resolution=16, alpha=0.3))


def test_a_file_keeps_the_mode_of_the_noise():
  network = _drawn()
  network.noise = "off"
  assert recipes.check_serialization(network, _images(16)).noise == "off"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_stages_in_half_precision(policy):
  assert np.isfinite(_drawn(dtype=policy)(_images(16), resolution=16, alpha=0.3, training=True)).all()


def test_options():
  generator = ti.create_generator("progressive_pan", input_size=16, output_size=64, channel_base=64, seed=3)
  assert generator.scale == 4
  with pytest.raises(ValueError, match="input_size is 100"):
    ti.create_generator("progressive_pan", input_size=100)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_runs(variant):
  network = Generator(dataclasses.replace(SMALL, **VARIANTS[variant]))
  recipes.check_generator(network, [(16, 16)], batch=1)
