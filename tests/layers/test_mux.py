"""Demux and Mux move pixels and lose nothing."""

import keras
import ml_dtypes
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.layers import Demux, Mux

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int32, np.uint8]


def _any_bits(shape, dtype, seed=0):
  """Random bit patterns: every number there is, with infinities and denormals."""
  size = int(np.prod(shape)) * np.dtype(dtype).itemsize
  return np.random.default_rng(seed).integers(0, 256, size, np.uint8).view(dtype).reshape(shape)


def _demuxed(images):
  """The four pixels of each group one after the other, by plain slicing."""
  return np.concatenate([images[:, row::2, column::2] for row in (0, 1) for column in (0, 1)], axis=-1)


@given(half_height=st.integers(1, 9), half_width=st.integers(1, 9), channels=st.integers(1, 5),
       dtype=st.sampled_from(DTYPES), batch=st.integers(1, 3))
def test_mux_of_demux_is_the_identity_bit_for_bit(half_height, half_width, channels, dtype, batch):
  images = _any_bits((batch, 2 * half_height, 2 * half_width, channels), dtype)
  demuxed = Demux()(images)
  recipes.assert_same(demuxed, _demuxed(images))
  recipes.assert_same(Mux()(demuxed), images)


@given(height=st.integers(1, 6), width=st.integers(1, 6), groups=st.integers(1, 4), dtype=st.sampled_from(DTYPES))
def test_demux_of_mux_is_the_identity_bit_for_bit(height, width, groups, dtype):
  maps = _any_bits((2, height, width, 4 * groups), dtype)
  recipes.assert_same(Demux()(Mux()(maps)), maps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spec", [(None, None, None, 3), (None, 6, None, 3), (2, 6, 10, 3)])
def test_identity_in_a_graph_of_unknown_sizes(dtype, spec):
  demux, mux = Demux(), Mux()
  run = tf.function(lambda x: mux(demux(x)), input_signature=[tf.TensorSpec(spec, np.dtype(dtype).name)])
  images = _any_bits((2, 6, 10, 3), dtype)
  recipes.assert_same(run(images), images)


def test_identity_in_a_model_of_unknown_sizes():
  inputs = keras.Input((None, None, 3))
  half = Demux()(inputs)
  assert half.shape == (None, None, None, 12)
  assert Demux()(keras.Input((6, None, 3))).shape == (None, 3, None, 12)
  model = keras.Model(inputs, Mux()(half))
  images = recipes.random_images(2, 8, 14, 3)
  recipes.assert_same(model(images), images)
  recipes.check_serialization(model, images)


def test_order_of_the_pixels():
  image = np.arange(2 * 2 * 3, dtype=np.float32).reshape(1, 2, 2, 3)  # pixels 012 345 / 678 9ab
  np.testing.assert_array_equal(Demux()(image)[0, 0, 0], np.arange(12))
  # Two groups of four channels: [a0 b0 | a1 b1 | a2 b2 | a3 b3] -> channel a and channel b of a 2x2 square.
  maps = np.float32([10, 20, 11, 21, 12, 22, 13, 23]).reshape(1, 1, 1, 8)
  np.testing.assert_array_equal(Mux()(maps)[0, ..., 0], [[10, 11], [12, 13]])
  np.testing.assert_array_equal(Mux()(maps)[0, ..., 1], [[20, 21], [22, 23]])


@pytest.mark.parametrize("shape, name, size", [((1, 5, 4, 3), "height", 5), ((1, 4, 7, 3), "width", 7)])
def test_demux_refuses_odd_sizes(shape, name, size):
  message = rf"{name} is {size}: Demux needs an even {name}; call shapes.pad_to_multiple\(images, 2\)"
  with pytest.raises(ValueError, match=message):
    Demux()(np.zeros(shape, np.float32))
  with pytest.raises(ValueError, match=message):
    tf.function(Demux())(tf.zeros(shape))
  with pytest.raises(ValueError, match=message):
    Demux()(keras.Input(shape[1:]))


def test_an_odd_size_met_when_running_fails():
  run = tf.function(Demux(), input_signature=[tf.TensorSpec((1, None, None, 3))])
  with pytest.raises(tf.errors.InvalidArgumentError):
    run(tf.zeros((1, 5, 4, 3)))


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_mux_refuses_channels_that_make_no_squares(channels):
  with pytest.raises(ValueError, match=f"{channels} channels: Mux needs a multiple of 4"):
    Mux()(np.zeros((1, 2, 2, channels), np.float32))
  with pytest.raises(ValueError, match=f"{channels} channels: Mux needs a multiple of 4"):
    Mux()(keras.Input((None, None, channels)))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_no_policy_changes_a_value(policy):
  images = _any_bits((1, 4, 4, 3), np.float32)
  recipes.assert_same(Mux(dtype=policy)(Demux(dtype=policy)(images)), images)


def test_gradient_of_demux_is_mux():
  images, weights = tf.constant(recipes.random_images(1, 4, 6, 2)), recipes.random_images(1, 2, 3, 8, seed=1)
  with tf.GradientTape() as tape:
    tape.watch(images)
    value = tf.reduce_sum(Demux()(images) * weights)
  recipes.assert_same(tape.gradient(value, images), Mux()(weights))
