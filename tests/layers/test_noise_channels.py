"""Noise channels: three modes, and the same numbers for the same seed everywhere."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from scipy import stats

from tf_imgtrans.layers import NoiseChannels

MAPS = recipes.random_images(2, 12, 10, 3)

# First row of numpy.random.RandomState(stream).standard_normal((1, 128, 128, 1)), numpy 2.4; NumPy keeps this stream.
RECORDED = {0: [1.7640523, 0.4001572, 0.978738], 1: [1.6243454, -0.6117564, -0.5281718],
            2: [-0.4167578, -0.0562668, -2.1361961]}


def _noise(layer, maps=MAPS, **options):
  out = layer(maps, **options).numpy()
  recipes.assert_same(out[..., :-layer.channels], np.asarray(maps))  # the maps pass as they are
  return out[..., -layer.channels:]


@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
def test_appends_channels(mode, training, channels):
  noise = _noise(NoiseChannels(channels, mode), training=training)
  assert noise.shape == (2, 12, 10, channels)
  assert (noise == 0).all() if mode == "off" else (noise != 0).all()


def test_off_is_zero_even_with_a_seed_in_training():
  assert not _noise(NoiseChannels(noise="off"), noise_seed=3, training=True).any()


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
def test_more_channels_than_the_maps_have(mode, channels):
  layer = NoiseChannels(channels, mode)
  assert layer(MAPS).shape == (2, 12, 10, 3 + channels)
  unknown = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 3))])
  assert unknown.get_concrete_function().output_shapes[-1] == 3 + channels
  assert unknown(MAPS).shape == (2, 12, 10, 3 + channels)


@pytest.mark.parametrize("channels", [0, -1])
def test_no_channel_at_all(channels):
  with pytest.raises(ValueError, match=f"channels is {channels}: expected at least 1"):
    NoiseChannels(channels)


def test_random_draws_anew_and_fixed_does_not():
  random, fixed = NoiseChannels(noise="random"), NoiseChannels(noise="fixed")
  assert (_noise(random) != _noise(random)).all()
  recipes.assert_same(_noise(fixed), _noise(fixed))
  assert (_noise(fixed, training=True) != _noise(fixed, training=True)).all()  # in training it is drawn


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_the_fixed_pattern_never_changes(stream):
  noise = _noise(NoiseChannels(noise="fixed", stream=stream))
  np.testing.assert_allclose(noise[0, 0, :3, 0], RECORDED[stream], rtol=0, atol=1e-6)


def test_the_fixed_pattern_is_one_for_all_images_and_repeats():
  noise = _noise(NoiseChannels(noise="fixed"), recipes.random_images(3, 150, 260, 1))
  for image in noise[1:]:
    recipes.assert_same(image, noise[0])
  recipes.assert_same(noise[:, 128:], noise[:, :22])
  recipes.assert_same(noise[:, :, 128:256], noise[:, :, :128])
  small = _noise(NoiseChannels(noise="fixed"), recipes.random_images(1, 8, 9, 1))
  recipes.assert_same(small[0], noise[0, :8, :9])


@pytest.mark.parametrize("stream", [1])
def test_the_same_seed_gives_the_same_noise_everywhere(stream):
  layer = NoiseChannels(2, "random", stream)
  seeds = [(5, 9), (6, 9)]
  eager = [_noise(layer, noise_seed=seed) for seed in seeds]
  assert (eager[0] != eager[1]).all()
  run = lambda seed: layer(MAPS, noise_seed=seed, training=True)[..., -2:]  # noqa: E731
  unknown = tf.function(lambda maps, seed: layer(maps, noise_seed=seed),
                        input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), tf.int32)])
  mapped = tf.data.Dataset.from_tensor_slices(np.int32(seeds)).map(run, num_parallel_calls=2)
  for seed, noise, from_data in zip(seeds, eager, mapped):
    recipes.assert_same(from_data, noise)
    recipes.assert_same(tf.function(run)(tf.constant(seed)), noise)
    recipes.assert_same(unknown(MAPS, tf.constant(seed))[..., -2:], noise)
    # XLA computes the inverse distribution function in other steps, from the same random integers.
    compiled = tf.function(run, jit_compile=True)(tf.constant(seed))
    np.testing.assert_allclose(compiled, noise, rtol=0, atol=1e-4)


def test_an_int_seed_is_a_pair_with_zero():
  recipes.assert_same(_noise(NoiseChannels(), noise_seed=7), _noise(NoiseChannels(), noise_seed=(7, 0)))


def test_streams_share_no_numbers():
  for options in ({"noise_seed": 4}, {}):
    first, second = (_noise(NoiseChannels(noise="fixed", stream=stream), **options) for stream in (1, 2))
    assert not np.isin(first, second).any()


@pytest.mark.parametrize("options", [{"noise_seed": 1}, {"training": True}, {}])
def test_noise_is_standard_normal(options):
  tf.random.set_seed(0)
  noise = _noise(NoiseChannels(), np.zeros((1, 128, 128, 1), np.float32), **options).ravel()
  # 16384 draws: deviation of the mean 1 / 128, of the deviation 1 / 181.
  assert abs(noise.mean()) < 3 / 128
  assert abs(noise.std() - 1) < 3 / 181
  assert stats.kstest(noise, "norm").pvalue > 0.01


def test_the_mode_may_be_set_and_is_checked():
  layer = NoiseChannels(noise="fixed")
  layer.noise = "off"
  assert not _noise(layer).any()
  for make in (lambda: setattr(layer, "noise", "fixd"), lambda: NoiseChannels(noise="fixd")):
    with pytest.raises(ValueError, match="unknown noise mode 'fixd': expected one of fixed, off, random; did .* 'fixed'"):
      make()
  assert layer.noise == "off"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
def test_half_precision(policy, mode):
  layer = NoiseChannels(noise=mode, dtype=policy)
  out = layer(MAPS, noise_seed=3)
  assert out.dtype == layer.compute_dtype and out.shape == (2, 12, 10, 4)
  single = _noise(NoiseChannels(noise=mode), noise_seed=3)
  recipes.assert_same(out[..., 3:], tf.cast(single, out.dtype))


def test_config():
  recipes.check_layer_config(NoiseChannels(2, "fixed", 3), MAPS, channels=2, noise="fixed", stream=3)
  recipes.check_layer_config(NoiseChannels(1, "off"), MAPS, noise="off")
