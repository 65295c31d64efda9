"""Feature losses: the contextual loss of Eq. 4-7 as plain loops, the perceptual one by hand."""

import math

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.losses import contextual, perceptual
from tf_imgtrans.losses.feature import MOST_POSITIONS, sample_positions

RNG = np.random.default_rng(0)
TARGET = RNG.standard_normal((2, 3, 4, 5)).astype(np.float32) + 1
MADE = RNG.standard_normal((2, 4, 3, 5)).astype(np.float32) + 1  # another shape, as many positions


def _contextual_by_loops(target, made, bandwidth, epsilon=1e-5):
  """Eq. 4-7, one number after the other; x_i is generated, y_j the target."""
  channels = target.shape[-1]
  center = np.float64(target).reshape(-1, channels).mean(axis=0)  # over images and positions
  losses = []
  for one_target, one_made in zip(np.float64(target), np.float64(made)):
    y, x = one_target.reshape(-1, channels) - center, one_made.reshape(-1, channels) - center
    best = [0.0] * len(y)
    for feature in x:
      distances = [(1 - feature @ other / math.sqrt(feature @ feature) / math.sqrt(other @ other)) / 2 for other in y]
      least = min(distances)
      weights = [math.exp((1 - distance / (least + epsilon)) / bandwidth) for distance in distances]  # Eq. 5
      for j, weight in enumerate(weights):
        best[j] = max(best[j], weight / sum(weights))  # Eq. 6, and max_i of Eq. 4
    losses.append(-math.log(sum(best) / len(best)))  # Eq. 4 and 7
  return sum(losses) / len(losses)


@pytest.mark.parametrize("bandwidth", [0.1, 0.5, 2.0])
def test_contextual_against_loops(bandwidth):
  np.testing.assert_allclose(contextual(TARGET, MADE, bandwidth=bandwidth), _contextual_by_loops(TARGET, MADE, bandwidth),
                             rtol=1e-4)


def test_contextual_with_another_number_of_positions():
  made = MADE[:, :2]
  np.testing.assert_allclose(contextual(TARGET, made), _contextual_by_loops(TARGET, made, 0.5), rtol=1e-4)


def test_contextual_with_a_large_epsilon():
  np.testing.assert_allclose(contextual(TARGET, MADE, epsilon=0.3), _contextual_by_loops(TARGET, MADE, 0.5, 0.3), rtol=1e-5)


def test_contextual_in_a_graph_of_unknown_sizes():
  run = tf.function(contextual, input_signature=[tf.TensorSpec((None, None, None, 5))] * 2)
  np.testing.assert_allclose(run(TARGET, MADE), contextual(TARGET, MADE), rtol=1e-6)


def test_contextual_of_identical_maps_is_zero():
  assert 0 <= contextual(TARGET, TARGET) < 1e-6
  # Where features stand does not count, only which there are.
  shuffled = TARGET.reshape(2, 12, 5)[:, RNG.permutation(12)].reshape(2, 6, 2, 5)
  assert 0 <= contextual(TARGET, shuffled) < 1e-6
  assert contextual(TARGET, MADE) > 0.1


def test_contextual_is_not_symmetric():
  assert abs(float(contextual(TARGET, MADE) - contextual(MADE, TARGET))) > 1e-3


@pytest.mark.parametrize("made", [TARGET, MADE, np.zeros_like(TARGET), 1e4 * MADE, TARGET + 1e-6])
def test_contextual_gradient_is_finite(made):
  made = tf.constant(made)
  with tf.GradientTape() as tape:
    tape.watch(made)
    loss = contextual(TARGET, made)
  assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, made)).all()


def test_contextual_gradients():
  recipes.check_gradient(lambda x: contextual(TARGET, x), MADE, step=2e-3, tolerance=1e-2)


def test_contextual_gradients_where_the_loss_is_smooth():
  recipes.check_gradient(lambda x: contextual(TARGET, x, bandwidth=2.0, epsilon=0.3), MADE, step=2e-3, tolerance=1e-2)


def test_perceptual():
  expected = np.mean([np.sum((np.float64(t) - p) ** 2) / t.size for t, p in zip(TARGET, MADE.reshape(TARGET.shape))])
  np.testing.assert_allclose(perceptual(TARGET, MADE.reshape(TARGET.shape)), expected, rtol=1e-6)
  assert perceptual(TARGET, TARGET) == 0
  recipes.check_gradient(lambda x: perceptual(TARGET, x), MADE.reshape(TARGET.shape), step=0.1)


@pytest.mark.parametrize("made", [TARGET[:1], TARGET[..., :1], MADE])
def test_perceptual_refuses_other_shapes(made):
  with pytest.raises(ValueError, match=r"shapes differ: \(2, 3, 4, 5\) and \("):
    perceptual(TARGET, made)
  run = tf.function(perceptual, input_signature=[tf.TensorSpec((None, None, None, 5))] * 2)
  assert run(TARGET, TARGET) == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
  target, made = tf.cast(TARGET, dtype), tf.cast(MADE, dtype)
  for loss, other in ((contextual, made), (perceptual, tf.reshape(made, target.shape))):
    value = loss(target, other)
    assert value.dtype == tf.float32 and value.shape == ()
    np.testing.assert_allclose(value, loss(tf.cast(target, tf.float32), tf.cast(other, tf.float32)), rtol=1e-6)


def test_sample_positions_keeps_small_maps():
  maps = [tf.zeros((1, 65, 65, 2)), tf.ones((1, 65, 65, 2))]
  assert MOST_POSITIONS == 4225
  assert sample_positions(maps, seed=0) is maps


def test_sample_positions_takes_the_same_distinct_ones_of_every_map():
  numbers = np.arange(2 * 70 * 64, dtype=np.float32).reshape(2, 70, 64, 1)
  first, second = sample_positions([tf.constant(numbers), tf.constant(-numbers)], seed=3)
  assert first.shape == (2, 4225, 1, 1)
  recipes.assert_same(second, -first)
  taken = first[0, :, 0, 0].numpy()
  assert len(set(taken)) == len(taken) and set(taken) <= set(numbers[0].ravel())
  np.testing.assert_array_equal(first[1] - first[0], 70 * 64)  # the same ones in every image


def test_sample_positions_follows_the_seed():
  maps = [tf.constant(RNG.standard_normal((1, 12, 10, 3)), tf.float32)]
  draw = lambda seed: sample_positions(maps, seed, most=20)[0]  # noqa: E731
  assert draw(5).shape == (1, 20, 1, 3)
  for other in (draw(5), draw((5, 0)), tf.function(draw)(5), tf.function(draw, jit_compile=True)(tf.constant([5, 0]))):
    recipes.assert_same(other, draw(5))
  assert (draw(6) != draw(5)).numpy().any()


def test_sample_positions_are_spread_evenly():
  rows = tf.constant(np.repeat(np.arange(100, dtype="f"), 10).reshape(1, 100, 10, 1))
  means = [float(tf.reduce_mean(sample_positions([rows], seed, most=50)[0])) for seed in range(20)]
  # 1000 draws without replacement of numbers uniform over 0..99: deviation of their mean 28.9 / sqrt(1000) = 0.91.
  assert abs(np.mean(means) - 49.5) < 3 * 0.91
