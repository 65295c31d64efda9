"""Casting to float32, and tensors that must be of one shape."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32, check_same_shape, copies


def test_as_float32_gives_one_or_a_list():
  half = np.float16([1, 2])
  assert as_float32(half).dtype == tf.float32
  assert [tensor.dtype for tensor in as_float32(half, tf.constant([1]))] == [tf.float32] * 2


@pytest.mark.parametrize("other", [(1, 4, 5, 3), (2, 4, 5, 1), (4, 5, 3), ()])
def test_shapes_that_would_broadcast_are_refused(other):
  with pytest.raises(ValueError, match=r"shapes differ: \(2, 4, 5, 3\) and \("):
    check_same_shape(tf.zeros((2, 4, 5, 3)), tf.zeros(other))


@pytest.mark.parametrize("spec", [(2, 4, 5, 3), (None, 4, None, 3), (None, None, None, None), None])
def test_unknown_sizes_are_taken_for_equal(spec):
  @tf.function(input_signature=[tf.TensorSpec(spec)])
  def run(y_pred):
    check_same_shape(tf.zeros((2, 4, 5, 3)), y_pred)
    return y_pred

  run(tf.zeros((2, 4, 5, 3)))


def test_gradients_of_copies():
  features = tf.constant(recipes.random_images(2, 3))
  with tf.GradientTape() as tape:
    tape.watch(features)
    first, second = copies(features, 2, True)
    value = tf.reduce_sum(3 * first + tf.square(second))
  np.testing.assert_allclose(tape.gradient(value, features), 3 + 2 * features, rtol=1e-6)
  assert all(each is features for each in copies(features, 2, False))
