"""Feature losses: the contextual loss of Eq. 4-7 as plain loops, the perceptual one by hand."""

import math

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.losses import contextual, feature_matching, perceptual, perceptual_l1
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
  # The positions of features have no effect.
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


# L1 over several maps ----------------------------------------------------------------------------------------------

DRAWS = np.random.default_rng(1)
SHAPES = [(2, 6, 5, 3), (2, 3, 3, 8), (2, 2, 4, 5)]
TRUE_MAPS = [DRAWS.standard_normal(shape).astype(np.float32) for shape in SHAPES]
# Every difference is above 0.3: a small step does not meet the corner of |x|.
PRED_MAPS = [true + (0.3 + DRAWS.random(true.shape, np.float32)) * DRAWS.choice(np.float32([-1, 1]), true.shape)
             for true in TRUE_MAPS]
DISTANCES = [np.abs(np.float64(true) - pred).sum() / true.size for true, pred in zip(TRUE_MAPS, PRED_MAPS)]


def test_feature_matching_by_hand():
  one = feature_matching([tf.constant([[[[1.0, 4.0]]]])], [tf.constant([[[[3.0, 1.0]]]])])
  assert one == 2.5 and one.dtype == tf.float32 and one.shape == ()  # (|1 - 3| + |4 - 1|) / 2
  np.testing.assert_allclose(feature_matching(TRUE_MAPS, PRED_MAPS), sum(DISTANCES), rtol=1e-6)


def test_feature_matching_sums_over_discriminators():
  loss = feature_matching([TRUE_MAPS, TRUE_MAPS[:2]], [PRED_MAPS, PRED_MAPS[:2]])
  np.testing.assert_allclose(loss, sum(DISTANCES) + sum(DISTANCES[:2]), rtol=1e-6)
  np.testing.assert_array_equal(loss, feature_matching((tuple(TRUE_MAPS), TRUE_MAPS[:2]), [PRED_MAPS, PRED_MAPS[:2]]))


def test_feature_matching_draws_the_fakes_to_the_real_ones_and_not_the_other_way():
  true, pred = tf.constant(TRUE_MAPS[0]), tf.constant(PRED_MAPS[0])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch([true, pred])
    loss = feature_matching([true], [pred])
  assert tape.gradient(loss, true) is None
  np.testing.assert_allclose(tape.gradient(loss, pred), np.sign(PRED_MAPS[0] - TRUE_MAPS[0]) / true.numpy().size, rtol=1e-6)


def test_perceptual_l1_by_hand():
  weights = (0.5, 0.0, 2.0)
  loss = perceptual_l1(TRUE_MAPS, PRED_MAPS, weights)
  assert loss.dtype == tf.float32 and loss.shape == ()
  np.testing.assert_allclose(loss, 0.5 * DISTANCES[0] + 2 * DISTANCES[2], rtol=1e-6)
  assert perceptual_l1(TRUE_MAPS, TRUE_MAPS, weights) == 0


def test_l1_gradients():
  for index, pred in enumerate(PRED_MAPS):
    def others(x, index=index):
      return [x if number == index else other for number, other in enumerate(PRED_MAPS)]

    recipes.check_gradient(lambda x, others=others: feature_matching([TRUE_MAPS], [others(x)]), pred)
    recipes.check_gradient(lambda x, others=others: perceptual_l1(TRUE_MAPS, others(x), (1.0, 0.5, 2.0)), pred)


def test_l1_maps_must_pair_up():
  for loss in (feature_matching, lambda *maps: perceptual_l1(*maps, (1.0, 1.0, 1.0))):
    with pytest.raises(ValueError, match="3 true and 2 generated feature maps: expected equal numbers"):
      loss(TRUE_MAPS, PRED_MAPS[:2])
    with pytest.raises(ValueError, match="0 true and 0 generated feature maps: .*at least one"):
      loss([], [])
    with pytest.raises(ValueError, match="shapes differ"):
      loss(TRUE_MAPS, [pred[:1] for pred in PRED_MAPS])
  with pytest.raises(ValueError, match="2 weights for 3 maps"):
    perceptual_l1(TRUE_MAPS, PRED_MAPS, (1.0, 1.0))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_l1_of_half_precision_is_computed_in_float32(dtype):
  true, pred = ([tf.cast(value, dtype) for value in maps] for maps in (TRUE_MAPS, PRED_MAPS))
  back = [[tf.cast(value, tf.float32) for value in maps] for maps in (true, pred)]
  for loss in (feature_matching, lambda *maps: perceptual_l1(*maps, (1.0, 0.5, 2.0))):
    value = loss(true, pred)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, loss(*back), rtol=1e-6)
