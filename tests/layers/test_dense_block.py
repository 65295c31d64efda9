"""Dense blocks: a plain rendering in NumPy, counts by formula, seeds."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from numpy_operations import convolve, leaky, normalize

from tf_imgtrans.layers import DenseBlock
from tf_imgtrans.layers.dense_block import EqualOnFlat, HandOn


def _parameters(inputs, layers, growth, channels):
  """3x3 kernels without bias, scale and offset of each norm, and the 1x1 transition with bias."""
  dense = sum(9 * (inputs + layer * growth) * growth + 2 * growth for layer in range(layers))
  return dense + (inputs + layers * growth) * channels + channels


# Sec. 4.1 at the default widths: normal is half_in, quarter, half_out; high performance is the last two lines.
@pytest.mark.parametrize("inputs, layers, growth, channels, parameters", [
    (13, 4, 16, 16, 22_688), (65, 6, 32, 64, 267_456), (16, 3, 16, 12, 14_700),
    (53, 6, 32, 64, 245_952), (16, 2, 16, 12, 7_564)])
def test_parameters_of_the_paper(inputs, layers, growth, channels, parameters):
  block = DenseBlock(layers, growth, channels)
  block.build((None, None, None, inputs))
  assert block.count_params() == parameters == _parameters(inputs, layers, growth, channels)


@given(inputs=st.integers(1, 6), layers=st.integers(1, 3), growth=st.integers(1, 5), channels=st.integers(1, 6))
def test_shapes_and_parameters(inputs, layers, growth, channels):
  block = DenseBlock(layers, growth, channels)
  out = block(recipes.random_images(2, 5, 7, inputs))
  assert out.shape == (2, 5, 7, channels) == block.compute_output_shape((2, 5, 7, inputs))
  assert block.count_params() == _parameters(inputs, layers, growth, channels)
  assert [weight.shape[-2] for weight in block.weights if len(weight.shape) == 4] == [
      *(inputs + layer * growth for layer in range(layers)), inputs + layers * growth]


@pytest.mark.parametrize("activate", [True, False])
def test_values_by_hand(activate):
  block = DenseBlock(2, 3, 2, activate=activate, seed=5)
  image = recipes.random_images(1, 6, 5, 2)
  block.build(image.shape)
  rng = np.random.default_rng(1)
  for weight in block.weights:
    weight.assign(rng.standard_normal(weight.shape))
  features = np.float64(image)
  for convolution, norm in zip(block.convolutions, block.norms):
    new = normalize(convolve(features, convolution.kernel.numpy())) * norm.gamma.numpy() + norm.beta.numpy()
    features = np.concatenate([features, leaky(new)], axis=-1)
  mapped = convolve(features, block.transition.kernel.numpy()) + block.transition.bias.numpy()
  np.testing.assert_allclose(block(image), leaky(mapped) if activate else mapped, atol=1e-4)


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_float16", 0.02)])
def test_parts_added_up_equal_parts_joined(policy, tolerance):
  """Inference sums convolutions of parts, training convolves their concatenation."""
  block, image = DenseBlock(3, 4, 6, seed=3, dtype=policy), recipes.smooth_images(2, 9, 7, 5)
  parts, joined = (tf.cast(block(image, training=training), tf.float32) for training in (False, True))
  np.testing.assert_allclose(parts, joined, atol=tolerance)
  assert np.abs(joined).max() > 0.5


def test_the_seed_decides_the_weights():
  def weights(seed):
    block = DenseBlock(2, 4, 4, seed=seed)
    block.build((1, 8, 8, 3))
    return block.get_weights()

  for first, same, other in zip(weights(3), weights(3), weights(30)):
    recipes.assert_same(first, same)
    if first.ndim == 4:
      assert not np.isin(first, other).any()


def test_no_two_convolutions_start_alike():
  block = DenseBlock(3, 4, 4)
  block.build((1, 8, 8, 4))
  kernels = [layer.kernel.numpy().ravel()[:16] for layer in [*block.convolutions, block.transition]]
  for index, kernel in enumerate(kernels):
    for other in kernels[index + 1:]:
      assert abs(np.corrcoef(kernel, other)[0, 1]) < 0.9  # the same seed would give the same draws, scaled


def test_hand_on_kernel():
  pairs = [(3, 0), (1, 2)]
  kernel = np.asarray(HandOn(pairs, gain=1.5, seed=4)((1, 1, 8, 4)))[0, 0]
  plain = np.asarray(HandOn([], gain=1.5, seed=4)((1, 1, 8, 4)))[0, 0]
  assert np.abs(plain).max() < 3 * np.sqrt(2 / 8) and np.abs(plain).min() > 0  # He normal
  recipes.assert_same(kernel[:, [1, 3]], plain[:, [1, 3]])
  passed = np.zeros((8, 2))
  passed[3, 0] = passed[1, 1] = 1.5
  np.testing.assert_allclose(kernel[:, [0, 2]], 0.01 * plain[:, [0, 2]] + passed, rtol=1e-5)


def test_tied_outputs_start_equal():
  """Output c of group g is g * 3 + c; the pixel that a group passes on is its own."""
  tied = [[group * 3 + channel for group in range(4)] for channel in range(3)]
  kernel = np.asarray(HandOn([(group, 3 * group) for group in range(4)], gain=2.0, seed=4, tied=tied)((1, 1, 8, 12)))[0, 0]
  groups = kernel.reshape(8, 4, 3)
  for group in range(1, 4):
    recipes.assert_same(groups[:, group, 1:], groups[:, 0, 1:])
  for group in range(4):
    rest = groups[:, group, 0] - 2.0 * (np.arange(8) == group)
    np.testing.assert_allclose(rest, groups[:, 0, 0] - 2.0 * (np.arange(8) == 0), atol=1e-6)
  assert len(np.unique(groups[:, 0])) == 24


def test_an_untrained_block_hands_on():
  image = recipes.random_images(1, 16, 16, 5)
  block = DenseBlock(2, 4, 6, hand_on=[(4, 0), (2, 5)], gain=2.0, offset=0.25)
  out = block(image).numpy()
  # The rest is a hundredth of a He normal sum of 13 channels of size 1.
  np.testing.assert_allclose(out[..., [0, 5]], 2 * image[..., [4, 2]] + 0.25, atol=0.1)
  assert np.abs(out[..., 1:5] - 2 * image[..., :4]).mean() > 0.1


TIED, ALIKE = ((0, 2), (1, 3, 4)), ((0, 1, 5), (2, 3))  # outputs of 6, and inputs of 7; 5, and 4 and 6, are in no set


def test_tied_outputs_get_equal_sums_of_inputs_that_are_alike():
  kernel = np.random.default_rng(0).normal(size=(1, 1, 7, 6)).astype(np.float32)
  kept = np.asarray(EqualOnFlat(TIED, ALIKE)(kernel))[0, 0]
  for outputs in TIED:
    for inputs in (*ALIKE, (4,), (6,)):
      sums = kept[np.ix_(inputs, outputs)].sum(axis=0)
      np.testing.assert_allclose(sums, kernel[0, 0][np.ix_(inputs, outputs)].sum(axis=0).mean(), atol=1e-5)
  np.testing.assert_array_equal(kept[:, 5], kernel[0, 0, :, 5])  # tied to no other
  np.testing.assert_allclose(EqualOnFlat(TIED, ALIKE)(kept[None, None])[0, 0], kept, atol=1e-6)
  bias = np.asarray(EqualOnFlat(TIED, ALIKE)(np.float32([1, 2, 3, 4, 6, 9])))
  np.testing.assert_allclose(bias, [2, 4, 2, 4, 4, 9])


def test_it_is_the_nearest_such_kernel():
  """By least squares: the orthogonal projection on the kernels that satisfy the conditions."""
  conditions = []
  for outputs in TIED:
    for inputs in (*ALIKE, (4,), (6,)):
      for other in outputs[1:]:
        row = np.zeros((7, 6))
        row[list(inputs), outputs[0]] = 1
        row[list(inputs), other] = -1
        conditions.append(row.ravel())
  conditions = np.array(conditions)
  kernel = np.random.default_rng(1).normal(size=(7, 6))
  nearest = kernel.ravel() - np.linalg.pinv(conditions) @ (conditions @ kernel.ravel())
  np.testing.assert_allclose(EqualOnFlat(TIED, ALIKE)(kernel[None, None])[0, 0], nearest.reshape(7, 6), atol=1e-12)


@given(st.integers(0, 2 ** 32 - 1), st.floats(1e-7, 100.0))
def test_in_half_precision_sums_stay_equal_to_the_last_bit(seed, size):
  constraint = EqualOnFlat(TIED, ALIKE)
  kernel = np.float32(constraint(np.random.default_rng(seed).normal(size=(1, 1, 7, 6)) * size))
  half = constraint.in_half_precision(kernel)
  np.testing.assert_array_equal(half, half.astype(np.float16))  # exported as it is
  for outputs in TIED:
    for inputs in (*ALIKE, (4,), (6,)):
      sums = half[0, 0].astype(np.float64)[np.ix_(inputs, outputs)].sum(axis=0)
      np.testing.assert_array_equal(sums, sums[0])
  largest = np.abs(kernel).max()
  np.testing.assert_allclose(half, kernel, atol=1.5 * max(largest * 2.0 ** -9, 2.0 ** -24))
  np.testing.assert_array_equal(half[..., 5], kernel[..., 5].astype(np.float16))  # tied to no other


def test_a_kernel_of_zeros_stays_one_in_half_precision():
  assert not EqualOnFlat(TIED, ALIKE).in_half_precision(np.zeros((1, 1, 7, 6), np.float32)).any()


def test_a_block_keeps_its_constraint_in_a_copy():
  block = DenseBlock(1, 2, 6, tied=TIED, alike=ALIKE)
  copy = DenseBlock.from_config(block.get_config())
  assert copy.transition.kernel_constraint.get_config() == {"tied": TIED, "alike": ALIKE}
  assert DenseBlock(1, 2, 6, tied=TIED).transition.kernel_constraint is None
