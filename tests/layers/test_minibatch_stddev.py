"""MinibatchStddev against plain arithmetic: groups, batches that they do not divide, precision, gradients."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.layers import MinibatchStddev

# Batches of any size, and how many images a group of at most four has there.
GROUPS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 1, 6: 3, 7: 1, 8: 4, 10: 2, 12: 4}


def _maps(count, seed=0):
  return np.random.default_rng(seed).normal(0, 1 + seed, (count, 3, 4, 5)).astype(np.float32)


def _plain(x, group):
  """The number of each image, one image after the other."""
  x, count = np.float64(x), len(x)
  numbers = []
  for image in range(count):
    others = x[image % (count // group)::count // group]  # StyleGAN: reshape to [group, count / group, ...]
    assert len(others) == group
    numbers.append(np.sqrt(others.var(axis=0) + 1e-8).mean())
  return np.array(numbers)


def _check(out, maps, group):
  recipes.assert_same(out[..., :-1], maps)  # the maps pass as they are
  expected = _plain(maps, group)[:, None, None] * np.ones((3, 4))
  np.testing.assert_allclose(out[..., -1], expected, rtol=1e-5)


def test_by_hand():
  maps = np.float32([1, 10, 3, 16])[:, None, None, None] * np.ones((4, 2, 2, 3), "f")
  out = MinibatchStddev(2)(maps).numpy()[..., -1]
  np.testing.assert_allclose(out, np.float32([1, 3, 1, 3])[:, None, None] * np.ones((4, 2, 2)), rtol=1e-6)  # 1 3, 10 16
  np.testing.assert_allclose(MinibatchStddev(4)(maps)[..., -1], np.std([1, 10, 3, 16]), rtol=1e-6)
  np.testing.assert_allclose(MinibatchStddev(1)(maps)[..., -1], 1e-4, rtol=1e-6)


@pytest.mark.parametrize("count, group", GROUPS.items())
def test_groups(count, group):
  maps = _maps(count)
  _check(MinibatchStddev(4)(maps).numpy(), maps, group)


@pytest.mark.parametrize("group, expected", [(1, 1), (2, 2), (3, 3), (5, 4), (100, 12)])
def test_other_sizes_of_groups(group, expected):
  maps = _maps(12)
  _check(MinibatchStddev(group)(maps).numpy(), maps, expected)


@pytest.mark.parametrize("spec", [(None, None, None, 5), (None, 3, 4, 5)])
def test_unknown_batches(spec):
  layer = MinibatchStddev(4)
  run = tf.function(layer, input_signature=[tf.TensorSpec(spec)])
  assert run.get_concrete_function().output_shapes[-1] == 6
  for count, group in GROUPS.items():
    _check(run(_maps(count)).numpy(), _maps(count), group)


def test_order_within_a_group_does_not_matter_and_groups_stand_alone():
  maps = _maps(8)
  number = MinibatchStddev(4)(maps).numpy()[:, 0, 0, -1]
  moved = maps.copy()
  moved[[0, 2, 4, 6]] = maps[[6, 4, 0, 2]]
  moved[1] += 1
  after = MinibatchStddev(4)(moved).numpy()[:, 0, 0, -1]
  np.testing.assert_allclose(after[::2], number[::2], rtol=1e-6)
  assert (np.abs(after[1::2] / number[1::2] - 1) > 1e-3).all()


@pytest.mark.parametrize("policy, error", [("mixed_float16", 1e-3), ("mixed_bfloat16", 8e-3)])
def test_half_precision_bears_large_values(policy, error):
  """Squares of thousands are above float16's range."""
  layer = MinibatchStddev(4, dtype=policy)
  maps = tf.cast(3000 * _maps(8), layer.compute_dtype)
  out = layer(maps)
  assert out.dtype == layer.compute_dtype
  recipes.assert_same(out[..., :-1], maps)
  expected = _plain(tf.cast(maps, tf.float32), 4)
  assert expected.min() > 1000
  np.testing.assert_allclose(tf.cast(out[:, 0, 0, -1], tf.float32), expected, rtol=error)


def test_single_precision_inputs_are_not_rounded_before():
  """Around 1000, float16 knows steps of 0.5 alone: the deviation of 0.1 would be lost."""
  maps = (1000 + 0.1 * _maps(8)).astype(np.float32)
  out = MinibatchStddev(4, dtype="mixed_float16")(maps)
  np.testing.assert_allclose(tf.cast(out[:, 0, 0, -1], tf.float32), _plain(maps, 4), rtol=2e-3)


def test_gradients_of_both_orders():
  maps = _maps(8)
  penalty = recipes.squared_gradient(lambda x: tf.reduce_sum(tf.square(MinibatchStddev(4)(x)[..., -1])))
  recipes.check_gradient(lambda x: tf.reduce_sum(tf.sin(MinibatchStddev(4)(x))), maps)
  recipes.check_gradient(penalty, maps)
  recipes.check_xla(penalty, maps)


def test_equal_images_keep_a_finite_gradient():
  maps = tf.ones((4, 3, 4, 5))
  with tf.GradientTape() as tape:
    tape.watch(maps)
    total = tf.reduce_sum(MinibatchStddev(4)(maps)[..., -1])
  assert np.isfinite(tape.gradient(total, maps)).all()


@pytest.mark.parametrize("group", [0, -1])
def test_no_image_at_all(group):
  with pytest.raises(ValueError, match=f"group is {group}: expected at least 1"):
    MinibatchStddev(group)
