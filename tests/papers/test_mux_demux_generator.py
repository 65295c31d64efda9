"""Mux/Demux generators: parameters, cost, stages, noise."""

import numpy as np
import pytest
import recipes

import tf_imgtrans as ti
from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.layers.dense_block import DenseBlock

SMALL = {"growth_half": 4, "growth_quarter": 4}


def _small(name="mux_demux", **options):
  return ti.create_generator(name, **{**SMALL, **options})


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


def test_training_output_is_not_clipped():
  generator = _small(noise="off")
  images = recipes.random_images(1, 16, 16, 3)
  generator.half_out.transition.bias.assign(10 * (-1.0) ** np.arange(12))  # tanh at +1 and -1
  trained, clipped = generator(images, training=True), generator(images, training=False)
  np.testing.assert_allclose([np.min(trained), np.max(trained)], [0.5 - 0.58, 0.5 + 0.58], atol=1e-3)
  recipes.assert_same(clipped, np.clip(trained, 0, 1))


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


# Weights and files -------------------------------------------------------------------------------------------------

def test_options():
  with pytest.raises(ValueError, match="growth_half is 0"):
    ti.create_generator("mux_demux", growth_half=0)


def test_a_noise_mode_set_later_is_saved():
  generator = _small(noise="fixed")
  generator.noise = "off"
  assert recipes.check_serialization(generator, recipes.random_images(1, 16, 16, 3)).noise == "off"


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
def test_an_untrained_generator_hands_the_photograph_on(full, name, real_photograph):
  photograph = real_photograph[None, 60:160, 100:221]
  error = np.mean((full[name](photograph, training=False) - photograph) ** 2)
  # The tanh takes the most: 0.58 tanh((x - 0.5) / 0.58) alone is 0.09 off at black and white.
  assert 10 * np.log10(1 / error) > 28


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
def test_forgotten_noise_changes_nothing(name):
  image = recipes.smooth_images(1, 40, 48, 3)
  network = ti.create_generator(name, seed=2, growth_half=8, growth_quarter=8, noise="off")
  still = network(image, training=False).numpy()
  network.noise = "fixed"
  assert np.abs(network(image, training=False) - still).max() > 1e-4
  network.forget_noise()
  assert network.noise == network.config.noise == "off"
  for mode in ("off", "fixed", "random"):
    network.noise = mode
    np.testing.assert_allclose(network(image, training=False), still, atol=1e-6)


@pytest.mark.parametrize("name, size", [("mux_demux", (40, 52)), ("mux_demux_hp", (33, 47)), ("mux_demux_hp", (8, 8))])
def test_a_mirrored_border_is_cropped_again(name, size):
  """The same as mirroring by hand; nothing is mirrored in training."""
  image = recipes.smooth_images(1, *size, 3)
  plain, mirrored = (ti.create_generator(name, seed=2, growth_half=8, growth_quarter=8, noise="off", border=border)
                     for border in (0, 12))
  by_hand = np.pad(image, ((0, 0), (12, 12), (12, 12), (0, 0)), "reflect")
  expected = plain(by_hand, training=False)[:, 12:12 + size[0], 12:12 + size[1]]
  np.testing.assert_allclose(mirrored(image, training=False), expected, atol=1e-6)
  recipes.assert_same(mirrored(image, training=True), plain(image, training=True))
