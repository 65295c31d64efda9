"""Seeds: pure functions of seed, stream and position."""

import zlib

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_imgtrans.core.seeds import ALGORITHM, as_seed_pair, fold_in, normal, seed_at, stream_number, uniform


def test_stream_number_is_the_crc32_of_the_name():
  assert stream_number("123456789") == 0xCBF43926 & 0x7FFFFFFF  # the check value of CRC-32
  assert stream_number("noise") == zlib.crc32(b"noise") & 0x7FFFFFFF


def test_seed_at_differs_by_seed_stream_and_position():
  places = [(seed, stream, position) for seed in (0, 1, 12345) for stream in ("noise", "crop") for position in range(50)]
  pairs = {tuple(seed_at(*place).numpy()) for place in places}
  assert len(pairs) == len(places)


def test_seed_at_is_the_same_everywhere():
  eager = [seed_at(3, "noise", step).numpy() for step in range(5)]
  graph = tf.function(lambda step: seed_at(3, "noise", step))
  compiled = tf.function(lambda step: seed_at(3, "noise", step), jit_compile=True)
  mapped = tf.data.Dataset.range(5).map(lambda step: seed_at(3, "noise", step), num_parallel_calls=4)
  for step, pair, from_data in zip(range(5), eager, mapped):
    assert pair.dtype == np.int32
    for other in (graph(tf.constant(step)), compiled(tf.constant(step)), from_data,
                  seed_at(tf.constant(3, tf.int64), "noise", tf.constant(step, tf.int64))):
      np.testing.assert_array_equal(other, pair)


def test_fold_in_changes_the_draw_and_stays_uniform():
  seed = tf.constant([1, 2])
  draws = np.array([tf.random.stateless_uniform([], fold_in(seed, n), alg=ALGORITHM) for n in range(150)])
  assert len(set(draws)) == 150
  # Mean of 150 uniform draws: deviation 1 / sqrt(12 * 150) = 0.0236.
  assert abs(draws.mean() - 0.5) < 3 * 0.0236


@pytest.mark.parametrize("seed, pair", [
    (7, [7, 0]), ([7, 8], [7, 8]), (np.int64(5), [5, 0]), (tf.constant([1, 2]), [1, 2])])
def test_as_seed_pair(seed, pair):
  made = as_seed_pair(seed)
  assert made.dtype == tf.int32
  assert made.numpy().tolist() == pair


def test_as_seed_pair_refuses_other_shapes():
  with pytest.raises(ValueError, match=r"seed has shape \(3,\): expected an integer or a pair"):
    as_seed_pair([1, 2, 3])


def test_normal_is_normal_and_the_same_everywhere():
  draw = lambda seed: normal([1, 50, 200, 1], seed)  # noqa: E731
  numbers = draw(tf.constant([3, 4])).numpy()
  assert numbers.dtype == np.float32 and np.isfinite(numbers).all()
  assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.01
  np.testing.assert_array_equal(tf.function(draw)(tf.constant([3, 4])), numbers)
  # XLA computes the inverse distribution function in other steps, from the same random integers.
  np.testing.assert_allclose(tf.function(draw, jit_compile=True)(tf.constant([3, 4])), numbers, rtol=0, atol=1e-4)
  assert (draw(tf.constant([3, 5])) != numbers).numpy().mean() > 0.99


def test_uniform_is_even_and_the_same_everywhere():
  draw = lambda seed: uniform([1, 50, 200, 1], seed)  # noqa: E731
  numbers = draw(tf.constant([3, 4])).numpy()
  assert numbers.dtype == np.float32 and 0 < numbers.min() and numbers.max() < 1
  assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01
  for compiled in (False, True):
    np.testing.assert_array_equal(tf.function(draw, jit_compile=compiled)(tf.constant([3, 4])), numbers)
  assert (draw(tf.constant([3, 5])) != numbers).numpy().mean() > 0.99


@pytest.mark.parametrize("bits, expected", [(0, 2.0 ** -24), (2 ** 32 - 1, 1 - 2.0 ** -24)])
def test_extreme_bits_stay_inside_and_give_finite_normal_numbers(bits, expected, monkeypatch):
  monkeypatch.setattr(tf.random, "stateless_uniform", lambda shape, *_, **__: tf.fill(shape, tf.constant(bits, tf.uint32)))
  assert uniform([1], (0, 0)).numpy() == expected
  np.testing.assert_allclose(normal([1], (0, 0)), stats.norm.ppf(expected), rtol=1e-5)
