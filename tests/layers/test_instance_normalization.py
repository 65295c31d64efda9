"""Instance normalization: recorded vectors, a wrong second derivative caught, large values, half precision."""

import pathlib

import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import normalize

from tf_imgtrans.layers import InstanceNormalization

GOLDEN = np.load(pathlib.Path(__file__).parent / "golden" / "instance_norm.npz")
CASES = sorted({name.split("/")[0] for name in GOLDEN.files} - {"meta"})


def _close(a, b):
  """The recording's own tolerance: 1e-6 of the largest magnitude."""
  np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * max(1.0, np.abs(b).max()))


def _golden_layer(case):
  scale, center = (bool(value) for value in GOLDEN[f"{case}/affine"])
  layer = InstanceNormalization(epsilon=float(GOLDEN[f"{case}/epsilon"]), center=center, scale=scale)
  layer.build(GOLDEN[f"{case}/x"].shape)
  layer.set_weights([GOLDEN[f"{case}/{name}"] for name, used in (("gamma", scale), ("beta", center)) if used])
  return layer


def test_the_recording_has_all_cases():
  assert CASES == ["default_eps", "eps1e-5", "no_affine", "one_pixel"]


@pytest.mark.parametrize("case", CASES)
def test_recorded_values_and_gradients(case):
  layer, x = _golden_layer(case), tf.constant(GOLDEN[f"{case}/x"])
  with tf.GradientTape() as tape:
    tape.watch(x)
    y = layer(x)
    value = tf.reduce_sum(y * GOLDEN[f"{case}/cotangent"])
  gradients = tape.gradient(value, [x, *layer.trainable_variables])
  if case == "one_pixel":  # x * factor - mean * factor, which should be 0, keeps two digits of its terms' seven there
    np.testing.assert_allclose(y, GOLDEN[f"{case}/y"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(y, np.broadcast_to(GOLDEN[f"{case}/beta"], y.shape), rtol=0, atol=2e-5)
  else:
    _close(y, GOLDEN[f"{case}/y"])
  _close(gradients[0], GOLDEN[f"{case}/grad_x"])
  assert len(gradients) == 1 + GOLDEN[f"{case}/affine"].sum()
  for variable, gradient in zip(layer.trainable_variables, gradients[1:]):
    _close(gradient, GOLDEN[f"{case}/grad_{variable.name}"])


@pytest.mark.parametrize("spec", [(None, None, None, 5), (2, 7, 9, 5)])
def test_recorded_values_in_a_graph(spec):
  layer = _golden_layer("default_eps")
  y = tf.function(layer, input_signature=[tf.TensorSpec(spec)])(GOLDEN["default_eps/x"])
  _close(y, GOLDEN["default_eps/y"])


# Maps of nine pixels: the part that tf.nn.moments leaves out is largest there.
SMALL, WEIGHTS = GOLDEN["default_eps/x"][:, :3, :3, :3], GOLDEN["default_eps/cotangent"][:, :3, :3, :3]
SHADE = np.linspace(0.2, 2.0, 9, dtype=np.float32).reshape(1, 3, 3, 1)


def _gradient_penalty(normalize):
  """Squared length of the gradient of a curved function of the normalised image: what R1 penalties differentiate.

  A linear map comes first, as convolutions do: right before the normalization the gradient sums to zero, and the part
  that tf.nn.moments leaves out would not show.
  """
  return recipes.squared_gradient(lambda x: tf.reduce_sum(tf.sin(normalize(SHADE * x)) * WEIGHTS))


def test_second_derivative():
  recipes.check_gradient(_gradient_penalty(InstanceNormalization()), SMALL, step=2e-2, tolerance=2e-3)


def test_the_check_of_the_second_derivative_catches_tf_nn_moments():
  def normalize(x):
    mean, variance = tf.nn.moments(x, axes=(1, 2), keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-3)

  _close(normalize(SMALL), InstanceNormalization()(SMALL))
  with pytest.raises(AssertionError, match="finite difference"):
    recipes.check_gradient(_gradient_penalty(normalize), SMALL, step=2e-2, tolerance=2e-3)


def test_instance_norm_large_values():
  x = 1e4 + np.random.default_rng(0).standard_normal((2, 16, 16, 3))
  x = x.astype(np.float32)
  # One step of float32 at 1e4 is 1e-3: the mean of squares minus the squared mean would be off by 10.
  np.testing.assert_allclose(InstanceNormalization()(x), normalize(np.float64(x)), atol=1e-2)


@pytest.mark.parametrize("policy, dtype, step", [
    ("mixed_float16", tf.float16, 2 ** -10), ("mixed_bfloat16", tf.bfloat16, 2 ** -7)])
def test_half_precision_keeps_float32_weights_and_sums(policy, dtype, step):
  layer = InstanceNormalization(dtype=policy)
  # Squares of these overflow float16, whose largest number is 65504.
  x = tf.cast(1000 + 100 * np.random.default_rng(0).standard_normal((2, 16, 16, 3)), dtype)
  y = layer(x)
  assert y.dtype == dtype
  assert [variable.dtype for variable in layer.weights] == ["float32", "float32"]
  np.testing.assert_allclose(tf.cast(y, tf.float32), normalize(np.float64(tf.cast(x, tf.float32))), rtol=step, atol=1e-4)


def test_each_image_is_normalised_alone():
  x = recipes.random_images(3, 6, 5, 2)
  layer = InstanceNormalization()
  np.testing.assert_allclose(layer(x)[1:2], layer(x[1:2]), atol=1e-6)
  np.testing.assert_allclose(np.mean(layer(x), axis=(1, 2)), 0, atol=1e-6)


def test_one_constant_image_gives_the_offset():
  layer = InstanceNormalization()
  x = np.full((1, 4, 4, 2), 0.7, np.float32)
  layer.build(x.shape)
  layer.set_weights([np.float32([2, 3]), np.float32([0.25, -1])])
  np.testing.assert_allclose(layer(x), np.broadcast_to(np.float32([0.25, -1]), x.shape), atol=5e-5)
