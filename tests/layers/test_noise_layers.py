"""NoiseChannels and NoiseInjection (Eq. 5): three modes, and the same numbers for the same seed everywhere."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from scipy import stats

from tf_imgtrans.layers import NoiseChannels, NoiseInjection

MAPS = recipes.random_images(2, 12, 10, 3)
STRENGTH = np.float32([0.5, -2, 0.25])
BOTH = pytest.mark.parametrize("kind", [NoiseChannels, NoiseInjection])

# First row of numpy.random.RandomState(stream).standard_normal((1, 128, 128, 1)), numpy 2.4; NumPy keeps this stream.
RECORDED = {0: [1.7640523, 0.4001572, 0.978738], 1: [1.6243454, -0.6117564, -0.5281718],
            2: [-0.4167578, -0.0562668, -2.1361961]}


def _layer(kind, noise="fixed", stream=0, channels=3, **options):
  """A layer that shows its noise: one of Eq. 5 has strengths that are not zero."""
  layer = kind(noise=noise, stream=stream, **options)
  layer.build((None, None, None, channels))
  if kind is NoiseInjection:
    layer.strength.assign(STRENGTH[:channels])
  return layer


def _noise(layer, maps=MAPS, **options):
  """What was appended, or the map that was added, found from each channel: [N, H, W, C]."""
  out = layer(maps, **options).numpy()
  if isinstance(layer, NoiseChannels):
    recipes.assert_same(out[..., :-layer.channels], np.asarray(maps))  # the maps pass as they are
    return out[..., -layer.channels:]
  added = (np.float64(out) - maps) / layer.strength.numpy()
  for channel in range(1, maps.shape[-1]):
    np.testing.assert_allclose(added[..., channel], added[..., 0], rtol=0, atol=1e-5)  # one map for all channels
  return added[..., 1:2]


@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_appends_channels(mode, training, channels):
  noise = _noise(NoiseChannels(channels, mode), training=training)
  assert noise.shape == (2, 12, 10, channels)
  assert (noise == 0).all() if mode == "off" else (noise != 0).all()


@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
@pytest.mark.parametrize("training", [False, True])
def test_strengths_begin_with_zero(mode, training):
  layer = NoiseInjection(mode)
  recipes.assert_same(layer(MAPS, training=training), MAPS)
  recipes.assert_same(layer.strength.numpy(), np.zeros(3, "f"))
  assert len(layer.trainable_variables) == 1


@pytest.mark.parametrize("channels", [0, -1])
def test_no_channel_at_all(channels):
  with pytest.raises(ValueError, match=f"channels is {channels}: expected at least 1"):
    NoiseChannels(channels)


@BOTH
def test_off_is_zero_even_with_a_seed_in_training(kind):
  assert not _noise(_layer(kind, "off"), noise_seed=3, training=True).any()


@BOTH
def test_random_draws_anew_and_fixed_does_not(kind):
  random, fixed = _layer(kind, "random"), _layer(kind, "fixed")
  assert (_noise(random) != _noise(random)).all()
  recipes.assert_same(_noise(fixed), _noise(fixed))
  assert (_noise(fixed, training=True) != _noise(fixed, training=True)).all()  # in training it is drawn


@BOTH
@pytest.mark.parametrize("stream", [0, 1, 2])
def test_the_fixed_pattern_never_changes_and_repeats(kind, stream):
  """For all images, and wherever the maps end; NumPy draws it here, from the stream's number."""
  tile = np.random.RandomState(stream).standard_normal((128, 128)).astype(np.float32)
  np.testing.assert_allclose(tile[0, :3], RECORDED[stream], rtol=0, atol=1e-6)
  layer = _layer(kind, stream=stream)
  np.testing.assert_allclose(_noise(layer), np.broadcast_to(tile[:12, :10, None], (2, 12, 10, 1)), rtol=0, atol=1e-6)
  large = _noise(layer, np.zeros((3, 150, 260, 3), np.float32))
  np.testing.assert_allclose(large, np.broadcast_to(np.tile(tile, (2, 3))[:150, :260, None], (3, 150, 260, 1)), rtol=0,
                             atol=1e-6)
  recipes.assert_same(large[1:], large[:-1])


@BOTH
def test_the_same_seed_gives_the_same_noise_everywhere(kind):
  layer, maps = _layer(kind, "random", 1), tf.constant(MAPS)
  seeds = [(5, 9), (6, 9)]
  eager = [layer(maps, noise_seed=seed).numpy() for seed in seeds]
  assert (eager[0] != eager[1])[..., -1].all()
  run = lambda seed: layer(maps, noise_seed=seed, training=True)  # noqa: E731
  unknown = tf.function(lambda maps, seed: layer(maps, noise_seed=seed),
                        input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), tf.int32)])
  mapped = tf.data.Dataset.from_tensor_slices(np.int32(seeds)).map(run, num_parallel_calls=2)
  for seed, out, from_data in zip(seeds, eager, mapped):
    for other in (tf.function(run)(tf.constant(seed)), unknown(maps, tf.constant(seed)), from_data):
      np.testing.assert_allclose(other, out, rtol=0, atol=0 if kind is NoiseChannels else 1e-6)
    # XLA computes the inverse distribution function in other steps, from the same random integers.
    np.testing.assert_allclose(tf.function(run, jit_compile=True)(tf.constant(seed)), out, rtol=0, atol=1e-4)
  recipes.assert_same(layer(maps, noise_seed=7), layer(maps, noise_seed=(7, 0)))


@BOTH
def test_streams_share_no_numbers(kind):
  for options in ({"noise_seed": 4}, {}):
    first, second = (_noise(_layer(kind, stream=stream), np.zeros_like(MAPS), **options) for stream in (1, 2))
    assert not np.isin(first, second).any()


@BOTH
@pytest.mark.parametrize("mode, options", [("random", {}), ("fixed", {"training": True}), ("fixed", {"noise_seed": 3}),
                                           ("random", {"noise_seed": 3, "training": True})])
def test_drawn_noise_is_standard_normal_and_differs_between_images(kind, mode, options):
  tf.random.set_seed(0)
  noise = _noise(_layer(kind, mode), np.zeros((2, 128, 128, 3), np.float32), **options)[..., 0]
  # 32768 draws: deviation of the mean 1 / 181, of the deviation 1 / 256.
  assert abs(noise.mean()) < 3 / 181 and abs(noise.std() - 1) < 3 / 256
  assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
  assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 4 / 128
  assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 4 / 180


def test_gradient_of_the_strengths():
  """d sum(y) / d w_i = sum(noise), and 1 for every pixel."""
  layer, maps = _layer(NoiseInjection, stream=2), tf.constant(MAPS)
  with tf.GradientTape() as tape:
    tape.watch(maps)
    total = tf.reduce_sum(layer(maps))
  by_strength, by_maps = tape.gradient(total, [layer.strength.value, maps])
  pattern = np.random.RandomState(2).standard_normal((128, 128))[:12, :10]
  np.testing.assert_allclose(by_strength, np.full(3, 2 * pattern.sum()), rtol=1e-4)
  assert (by_maps.numpy() == 1).all()


@BOTH
def test_the_mode_may_be_set_and_is_checked(kind):
  layer = _layer(kind)
  layer.noise = "off"
  assert not _noise(layer).any()
  for make in (lambda: setattr(layer, "noise", "fixd"), lambda: kind(noise="fixd")):
    with pytest.raises(ValueError, match="unknown noise mode 'fixd': expected one of fixed, off, random; did .* 'fixed'"):
      make()
  assert layer.noise == "off"


@BOTH
@pytest.mark.parametrize("policy, error", [("mixed_float16", 1e-2), ("mixed_bfloat16", 1e-1)])
@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
def test_drawn_in_half_precision(kind, policy, error, mode):
  layer = _layer(kind, mode, dtype=policy)
  out, single = layer(MAPS, noise_seed=3), _layer(kind, mode)(MAPS, noise_seed=3)
  assert out.dtype == layer.compute_dtype and out.shape == single.shape
  np.testing.assert_allclose(tf.cast(out, tf.float32), single, rtol=0, atol=error)
  if kind is NoiseChannels:
    recipes.assert_same(out[..., 3:], tf.cast(single[..., 3:], out.dtype))
