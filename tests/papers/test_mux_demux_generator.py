"""Mux/Demux generators: sizes, parameters, cost, noise, files."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.layers.dense_block import DenseBlock
from tf_imgtrans.papers.mux_demux import TINY, Generator

NETWORKS = ["normal", "high_performance"]
SMALL = {"growth_half": 4, "growth_quarter": 4}


def _small(name="mux_demux", **options):
  return ti.create_generator(name, **{**SMALL, **options})


@pytest.fixture(scope="module")
def generators():
  return {name: _small(name) for name in ("mux_demux", "mux_demux_hp")}


@pytest.fixture(scope="module")
def full():
  return {name: ti.create_generator(name) for name in ("mux_demux", "mux_demux_hp")}


# Parameters of the tables in the README: 3x3 kernels, norms and 1x1 transitions with bias, block by block.
@pytest.mark.parametrize("name, parameters", [("mux_demux", 22_688 + 267_456 + 14_700), ("mux_demux_hp", 245_952 + 7_564)])
def test_parameters(full, name, parameters):
  assert full[name].count_params() == parameters
  assert parameters == {"mux_demux": 304_844, "mux_demux_hp": 253_516}[name]


@pytest.mark.parametrize("name, per_pixel, billions", [("mux_demux", 25_972, 23.94), ("mux_demux_hp", 17_216, 15.87)])
def test_macs_at_720p(full, name, per_pixel, billions):
  macs = count_macs(full[name], 720, 1280)
  assert abs(macs / 1e9 / billions - 1) < 0.01
  assert macs == per_pixel * 720 * 1280


def test_stages(full):
  normal, fast = full["mux_demux"], full["mux_demux_hp"]
  stages = lambda network: {layer.name: (layer.layers, layer.growth, layer.channels)  # noqa: E731
                            for layer in network.layers if isinstance(layer, DenseBlock)}
  assert stages(normal) == {"half_in": (4, 16, 16), "quarter": (6, 32, 64), "half_out": (3, 16, 12)}
  assert stages(fast) == {"quarter": (6, 32, 64), "half_out": (2, 16, 12)}
  # One noise channel after every Demux: 12 + 1 at half scale, 4 * 16 + 1 or 4 * 13 + 1 at quarter scale.
  assert normal.half_in.convolutions[0].kernel.shape[2] == 13
  assert normal.quarter.convolutions[0].kernel.shape[2] == 65
  assert fast.quarter.convolutions[0].kernel.shape[2] == 53


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
@given(height=st.integers(8, 41), width=st.integers(8, 41))
def test_any_size_from_eight(generators, name, height, width):
  recipes.check_generator(generators[name], [(height, width)], batch=1)


@pytest.mark.parametrize("spec", [(None, None, None, 3), (2, None, 21, 3), (2, 19, 21, 3)])
def test_unknown_sizes_change_nothing(generators, spec):
  images = recipes.random_images(2, 19, 21, 3)
  for generator in generators.values():
    run = tf.function(lambda x, network=generator: network(x, training=False), input_signature=[tf.TensorSpec(spec)])
    out = run(images)
    assert out.shape == (2, 19, 21, 3)
    np.testing.assert_allclose(out, generator(images, training=False), atol=1e-5)


@pytest.mark.parametrize("shape, name, size", [((1, 7, 20, 3), "height", 7), ((1, 20, 4, 3), "width", 4)])
def test_below_eight(generators, shape, name, size):
  with pytest.raises(ValueError, match=f"{name} is {size}: the generator needs at least 8 pixels"):
    generators["mux_demux"](np.zeros(shape, "f"))


@pytest.mark.parametrize("shape", [(16, 16, 3), (1, 16, 16, 1), (1, 16, 16, 4)])
def test_wrong_shapes(generators, shape):
  with pytest.raises(ValueError, match=r"expected \[N, height, width, 3\]"):
    generators["mux_demux"](np.zeros(shape, "f"))


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_integers_are_refused(generators, dtype):
  images = np.full((1, 16, 16, 3), 200, dtype)
  for image in (images, tf.constant(images)):
    with pytest.raises(ValueError, match=f"images have dtype {dtype}: .*divide by 255"):
      generators["mux_demux"](image)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_floating_point_is_taken(generators, dtype):
  images = tf.cast(recipes.random_images(1, 16, 16, 3), dtype)
  expected = generators["mux_demux"](tf.cast(images, tf.float32))
  np.testing.assert_allclose(generators["mux_demux"](images), expected, atol=1e-5)


def test_training_output_is_not_clipped():
  generator = _small(noise="off")
  images = recipes.random_images(1, 16, 16, 3)
  generator.half_out.transition.bias.assign(10 * (-1.0) ** np.arange(12))  # tanh at +1 and -1
  trained, clipped = generator(images, training=True), generator(images, training=False)
  np.testing.assert_allclose([np.min(trained), np.max(trained)], [0.5 - 0.58, 0.5 + 0.58], atol=1e-3)
  recipes.assert_same(clipped, np.clip(trained, 0, 1))


def test_scale(generators):
  assert {generator.scale for generator in generators.values()} == {1}


# Noise -------------------------------------------------------------------------------------------------------------

IMAGES = recipes.random_images(3, 16, 20, 3)


def _run(generator, **options):
  return generator(IMAGES, **options).numpy()


def test_noise_modes():
  generator = _small(noise="fixed")
  recipes.assert_same(_run(generator), _run(generator))
  generator.noise = "random"
  assert generator.config.noise == generator.half_noise.noise == generator.quarter_noise.noise == "random"
  assert (_run(generator) != _run(generator)).any()
  recipes.assert_same(_run(generator, noise_seed=3), _run(generator, noise_seed=3))
  assert (_run(generator, noise_seed=3) != _run(generator, noise_seed=4)).any()
  generator.noise = "off"
  recipes.assert_same(_run(generator, noise_seed=3), _run(generator, noise_seed=4))
  recipes.assert_same(_run(generator, training=True), _run(generator, training=True))
  with pytest.raises(ValueError, match="did you mean 'off'"):
    generator.noise = "of"


def test_training_draws_noise_whatever_the_mode():
  for mode in ("fixed", "random"):
    generator = _small(noise=mode)
    assert (_run(generator, training=True) != _run(generator, training=True)).any()
    recipes.assert_same(_run(generator, training=True, noise_seed=1), _run(generator, training=True, noise_seed=1))


@pytest.mark.parametrize("mode", ["fixed", "off"])
def test_neighbours_in_the_batch_change_nothing(mode):
  generator = _small(noise=mode)
  alone, among = generator(IMAGES[1:2]), generator(np.concatenate([1 - IMAGES[:1], IMAGES[1:2]]))
  np.testing.assert_allclose(among[1:], alone, atol=1e-6)


# Weights and files -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
def test_the_seed_decides_the_weights(name):
  first, same, other = (_small(name, seed=seed).get_weights() for seed in (1, 1, 2))
  for a, b, c in zip(first, same, other):
    recipes.assert_same(a, b)
    if a.ndim == 4:
      assert (a != c).any()


def test_no_two_blocks_start_alike():
  generator = _small(seed=1)
  kernels = [weight.ravel() for weight in generator.get_weights() if weight.ndim == 4]
  for index, kernel in enumerate(kernels):
    for other in kernels[index + 1:]:
      size = min(16, kernel.size, other.size)
      assert abs(np.corrcoef(kernel[:size], other[:size])[0, 1]) < 0.95


def test_options_of_create_generator():
  assert _small("mux_demux_hp", noise="off").config.network == "high_performance"
  with pytest.raises(ValueError, match="unknown generator 'mux_demx': expected one of .*did you mean 'mux_demux'"):
    ti.create_generator("mux_demx")
  with pytest.raises(ValueError, match="growth_half is 0"):
    ti.create_generator("mux_demux", growth_half=0)
  with pytest.raises(ValueError, match="'nois': expected one of .*did you mean 'noise'"):
    ti.create_generator("mux_demux", nois="off")
  for network in NETWORKS:
    with pytest.raises(ValueError, match=f"network is '{network}', but the name 'mux_demux' decides it"):
      ti.create_generator("mux_demux", network=network)


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
@pytest.mark.parametrize("noise", ["fixed", "off"])
def test_saved_and_loaded_bit_for_bit(name, noise):
  loaded = recipes.check_serialization(_small(name, noise=noise, seed=3), recipes.random_images(1, 17, 22, 3))
  assert (loaded.noise, loaded.config.seed, loaded.scale) == (noise, 3, 1)
  recipes.check_generator(loaded, [(8, 8), (16, 24)])


def test_a_noise_mode_set_later_is_saved():
  generator = _small(noise="fixed")
  generator.noise = "off"
  assert recipes.check_serialization(generator, recipes.random_images(1, 16, 16, 3)).noise == "off"


LOAD = """
import sys, numpy as np
{imports}
model = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], model(images, training=False))
"""


@pytest.mark.parametrize("imports", ["import tf_imgtrans, keras", "import keras; import tf_imgtrans"])
def test_loaded_in_a_fresh_process(tmp_path, generators, imports):
  generator = generators["mux_demux"]
  model, inputs, outputs = tmp_path / "m.keras", tmp_path / "in.npy", tmp_path / "out.npy"
  images = recipes.random_images(1, 19, 24, 3)
  generator.save(model)
  np.save(inputs, images)
  recipes.run_python(LOAD.format(imports=imports), model, inputs, outputs)
  recipes.assert_same(np.load(outputs), generator(images, training=False))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(policy):
  single, half = Generator(TINY), Generator(TINY, dtype=policy)
  images = recipes.smooth_images(2, 16, 20, 3)
  out = half(images, training=False)
  assert out.dtype == tf.float32
  assert {variable.dtype for variable in half.variables} == {"float32"}
  reference = single(images, training=False)
  assert len(single.get_weights()) == len(half.get_weights()) > 0
  for a, b in zip(single.get_weights(), half.get_weights()):
    recipes.assert_same(a, b)
  assert np.abs(out - reference).mean() < 0.05


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
def test_an_untrained_generator_hands_the_photograph_on(full, name, real_photograph):
  photograph = real_photograph[None, 60:160, 100:221]
  error = np.mean((full[name](photograph, training=False) - photograph) ** 2)
  # The tanh takes the most: 0.58 tanh((x - 0.5) / 0.58) alone is 0.09 off at black and white.
  assert 10 * np.log10(1 / error) > 28


def test_every_weight_gets_a_gradient(generators):
  for generator in generators.values():
    with tf.GradientTape() as tape:
      value = tf.reduce_sum(tf.square(generator(IMAGES, noise_seed=1, training=True)))
    for variable, gradient in zip(generator.trainable_variables, tape.gradient(value, generator.trainable_variables)):
      assert gradient is not None and np.any(np.asarray(gradient)), variable.path
