"""NoiseInjection: Eq. 5 by hand, one map for all channels, three modes, and the same numbers for the same seed."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from scipy import stats

from tf_imgtrans.layers import NoiseInjection

MAPS = recipes.random_images(2, 12, 10, 3)
STRENGTH = np.float32([0.5, -2, 0.25])


def _strong(*args, strength=STRENGTH, **options):
  layer = NoiseInjection(*args, **options)
  layer.build((None, None, None, len(strength)))
  layer.strength.assign(strength)
  return layer


def _noise(layer, maps=MAPS, **options):
  """The map that was added, found from each channel: [N, H, W]."""
  added = (np.float64(layer(maps, **options)) - maps) / layer.strength.numpy()
  for channel in range(1, maps.shape[-1]):
    np.testing.assert_allclose(added[..., channel], added[..., 0], rtol=0, atol=1e-5)  # one map for all channels
  return added[..., 1]


@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
@pytest.mark.parametrize("training", [False, True])
def test_strengths_begin_with_zero(mode, training):
  layer = NoiseInjection(mode)
  recipes.assert_same(layer(MAPS, training=training), MAPS)
  recipes.assert_same(layer.strength.numpy(), np.zeros(3, "f"))
  assert len(layer.trainable_variables) == 1


@pytest.mark.parametrize("stream", [0, 3])
def test_equation_5_with_the_fixed_pattern(stream):
  """The pattern is drawn by NumPy here, from the stream's number."""
  tile = np.random.RandomState(stream).standard_normal((128, 128)).astype(np.float32)
  expected = MAPS + STRENGTH * tile[None, :12, :10, None]
  np.testing.assert_allclose(_strong("fixed", stream)(MAPS), expected, rtol=0, atol=1e-6)
  large = np.zeros((2, 130, 260, 3), "f")
  tiled = np.tile(tile, (2, 3))[:130, :260]
  np.testing.assert_allclose(_strong("fixed", stream)(large), STRENGTH * tiled[None, :, :, None] + large, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode, options", [("random", {}), ("fixed", {"training": True}), ("fixed", {"noise_seed": 3}),
                                           ("random", {"noise_seed": 3, "training": True})])
def test_drawn_noise_is_standard_normal_and_differs_between_images(mode, options):
  tf.random.set_seed(0)
  noise = _noise(_strong(mode), np.zeros((2, 64, 64, 3), np.float32), **options)
  assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
  assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 4 / 64
  assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 4 / 90


def test_off_adds_nothing_even_with_a_seed_in_training():
  recipes.assert_same(_strong("off")(MAPS, noise_seed=3, training=True), MAPS)


def test_random_draws_anew_and_fixed_does_not():
  random, fixed = _strong("random"), _strong("fixed")
  assert (_noise(random) != _noise(random)).all()
  recipes.assert_same(fixed(MAPS), fixed(MAPS))
  recipes.assert_same(fixed(np.zeros((2, 4, 4, 3), "f"))[0], fixed(np.zeros((2, 4, 4, 3), "f"))[1])
  assert (_noise(fixed, training=True) != _noise(fixed, training=True)).all()  # in training it is drawn


def test_streams_share_no_numbers():
  for options in ({"noise_seed": 4}, {}):
    first, second = (_noise(_strong("fixed", stream), np.zeros_like(MAPS), **options) for stream in (1, 2))
    assert not np.isin(first, second).any()


def test_the_same_seed_gives_the_same_noise_everywhere():
  layer = _strong("random", 1)
  seeds = [(5, 9), (6, 9)]
  eager = [layer(MAPS, noise_seed=seed).numpy() for seed in seeds]
  assert (eager[0] != eager[1]).all()
  run = lambda seed: layer(tf.constant(MAPS), noise_seed=seed, training=True)  # noqa: E731
  unknown = tf.function(lambda maps, seed: layer(maps, noise_seed=seed),
                        input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), tf.int32)])
  compiled = tf.function(run, jit_compile=True)
  for seed, out in zip(seeds, eager):
    for other in (tf.function(run)(tf.constant(seed)), unknown(MAPS, tf.constant(seed))):
      np.testing.assert_allclose(other, out, rtol=0, atol=1e-6)
    # XLA computes the inverse distribution function in other steps, from the same random integers.
    np.testing.assert_allclose(compiled(tf.constant(seed)), out, rtol=0, atol=1e-4)
  recipes.assert_same(layer(MAPS, noise_seed=7), layer(MAPS, noise_seed=(7, 0)))


def test_gradient_of_the_strengths():
  """d sum(y) / d w_i = sum(noise), and 1 for every pixel."""
  layer, maps = _strong("fixed", 2), tf.constant(MAPS)
  with tf.GradientTape() as tape:
    tape.watch(maps)
    total = tf.reduce_sum(layer(maps))
  by_strength, by_maps = tape.gradient(total, [layer.strength.value, maps])
  pattern = np.random.RandomState(2).standard_normal((128, 128))[:12, :10]
  np.testing.assert_allclose(by_strength, np.full(3, 2 * pattern.sum()), rtol=1e-4)
  assert (by_maps.numpy() == 1).all()


def test_the_mode_may_be_set_and_is_checked():
  layer = _strong("fixed")
  layer.noise = "off"
  recipes.assert_same(layer(MAPS), MAPS)
  for make in (lambda: setattr(layer, "noise", "fixd"), lambda: NoiseInjection("fixd")):
    with pytest.raises(ValueError, match="unknown noise mode 'fixd': expected one of fixed, off, random; did .* 'fixed'"):
      make()
  assert layer.noise == "off"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("mode", ["random", "fixed", "off"])
def test_half_precision(policy, mode):
  layer = _strong(mode, dtype=policy)
  out = layer(MAPS, noise_seed=3)
  assert out.dtype == layer.compute_dtype and layer.strength.dtype == "float32"
  np.testing.assert_allclose(tf.cast(out, tf.float32), _strong(mode)(MAPS, noise_seed=3), rtol=0,
                             atol=1e-2 if policy == "mixed_float16" else 1e-1)


def test_config():
  recipes.check_layer_config(_strong("fixed", 3), MAPS, noise="fixed", stream=3)
  recipes.check_layer_config(NoiseInjection("off"), MAPS, noise="off", stream=0)
  assert NoiseInjection().noise == "fixed"
