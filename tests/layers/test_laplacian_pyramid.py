"""Laplacian pyramid: the two operators against plain arithmetic and OpenCV, Eq. 2, reconstruction, gradients, files."""

import cv2
import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.layers import LaplacianPyramid
from tf_imgtrans.layers.laplacian_pyramid import EVEN, ODD, decimate, reconstruct, upsample

IMAGES = recipes.random_images(2, 13, 18, 3, seed=1)


def _keys(distance, a=-0.75):
  """Keys' cubic convolution kernel, by its definition."""
  x = abs(distance)
  if x <= 1:
    return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1
  return a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) if x < 2 else 0.0


def _matrix(size):
  """Bicubic doubling of `size` pixels as a matrix, pixel by pixel: centres lie at whole numbers plus one half."""
  matrix = np.zeros((2 * size, size))
  for row in range(2 * size):
    centre = (row + 0.5) / 2 - 0.5
    for pixel in range(-3, size + 3):
      matrix[row, np.clip(pixel, 0, size - 1)] += _keys(centre - pixel)
  return matrix


def _doubled(images):
  height, width = images.shape[1:3]
  return np.einsum("yi,xj,nijc->nyxc", _matrix(height), _matrix(width), np.float64(images))


def _plain(images, levels):
  smooth, details = [np.float64(images)], []
  for _ in range(levels):
    coarse = smooth[-1][:, ::2, ::2]
    height, width = smooth[-1].shape[1:3]
    details.append(smooth[-1] - _doubled(coarse)[:, :height, :width])
    smooth.append(coarse)
  return smooth, details


# The operators -----------------------------------------------------------------------------------------------------

def test_taps():
  assert EVEN == tuple(_keys(-0.25 - offset) for offset in (-2, -1, 0, 1))
  assert ODD == tuple(_keys(0.25 - offset) for offset in (-1, 0, 1, 2))
  assert sum(EVEN) == sum(ODD) == 1


def test_decimate_keeps_every_second_pixel():
  rows, columns = np.mgrid[:5, :6].astype(np.float32)
  image = (10 * rows + columns)[None, ..., None]
  np.testing.assert_array_equal(decimate(image)[0, ..., 0], [[0, 2, 4], [20, 22, 24], [40, 42, 44]])


@given(height=st.integers(1, 12), width=st.integers(1, 12), channels=st.integers(1, 4), seed=st.integers(0, 99))
def test_upsample_equals_plain_arithmetic(height, width, channels, seed):
  images = recipes.random_images(2, height, width, channels, seed=seed)
  out = upsample(images)
  assert out.dtype == tf.float32
  np.testing.assert_allclose(out, _doubled(images), atol=5e-7)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 4), (16, 33)])
def test_upsample_equals_opencv(size):
  image = recipes.random_images(*size, 3, seed=4)
  expected = cv2.resize(image, (2 * size[1], 2 * size[0]), interpolation=cv2.INTER_CUBIC)
  np.testing.assert_allclose(upsample(image[None])[0], expected, atol=1e-5)


def test_upsample_is_not_the_bicubic_of_tensorflow():
  """So that the checks above tell a = -0.75 from a = -0.5."""
  other = tf.image.resize(IMAGES, (26, 36), "bicubic")
  assert np.abs(upsample(IMAGES) - other)[:, 4:-4, 4:-4].max() > 0.01


def test_upsample_keeps_what_is_flat_and_nearly_what_is_straight():
  np.testing.assert_allclose(upsample(np.full((1, 3, 4, 2), 0.3, "f")), 0.3, rtol=1e-6)
  ramp = np.tile(np.arange(8, dtype=np.float32)[None, :, None, None], (1, 1, 3, 1))
  # Cubic convolution keeps a slope for a = -0.5 alone; with -0.75 it leaves it by 3/64 of a step, to either side by turns.
  expected = np.arange(1.75, 5.5, 0.5) + 3 / 64 * np.array([-1, 1] * 4)
  np.testing.assert_allclose(upsample(ramp)[0, 4:-4, 2, 0], expected, rtol=1e-6)


def test_bounds():
  """Black and white pixels chosen against the taps reach the bounds that the docstrings give."""
  positive = np.outer(np.array(EVEN) > 0, np.array(EVEN) > 0) | np.outer(np.array(EVEN) < 0, np.array(EVEN) < 0)
  highest = upsample(np.float32(positive)[None, ..., None])[0, 4, 4, 0]  # the taps of output 2 i begin at i - 2
  lowest = upsample(np.float32(~positive)[None, ..., None])[0, 4, 4, 0]
  assert round(float(highest), 4) == 1.3208 and round(float(lowest), 4) == -0.3208
  _, details = LaplacianPyramid(1)(np.float32(np.random.default_rng(0).random((8, 64, 64, 3)) < 0.5))
  assert 1 < np.abs(details[0]).max() < 1.321


@pytest.mark.parametrize("operator", [decimate, upsample])
def test_gradients_of_the_operators(operator):
  weights = np.random.default_rng(0).normal(size=operator(IMAGES).shape)
  recipes.check_gradient(lambda x: tf.reduce_sum(tf.sin(3 * operator(x)) * weights), np.float64(IMAGES), step=1e-4,
                         tolerance=1e-7)


def test_second_derivative():
  """Of a penalty on the gradient, where `tf.image.resize` gives none or a wrong one."""
  penalty = recipes.squared_gradient(lambda x: tf.reduce_sum(tf.sin(3 * upsample(x))))
  recipes.check_gradient(penalty, np.float64(IMAGES[:, :5, :6]), step=1e-4, tolerance=1e-6)


# The pyramid -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("size", [(16, 24), (13, 18)])
def test_equals_plain_arithmetic(size, levels):
  images = recipes.random_images(2, *size, 3, seed=3)
  smooth, details = LaplacianPyramid(levels)(images)
  expected_smooth, expected_details = _plain(images, levels)
  assert (len(smooth), len(details)) == (levels + 1, levels)
  for one, other in zip([*smooth, *details], [*expected_smooth, *expected_details], strict=True):
    assert one.shape == other.shape and one.dtype == tf.float32
    np.testing.assert_allclose(one, other, atol=1e-6)
  assert min(np.abs(detail).mean() for detail in details) > 0.05  # the comparison means something


@given(height=st.integers(1, 40), width=st.integers(1, 40), levels=st.integers(1, 4), seed=st.integers(0, 99))
def test_reconstruction(height, width, levels, seed):
  images = recipes.random_images(1, height, width, 3, seed=seed)
  smooth, details = LaplacianPyramid(levels)(images)
  for k, one in enumerate(smooth):
    assert one.shape[1:3] == (-(-height // 2 ** k), -(-width // 2 ** k))
  np.testing.assert_allclose(reconstruct(smooth[-1], details), images, atol=1e-6)
  # Without the details nothing but a blur comes back.
  if min(height, width) > 8:
    assert np.abs(reconstruct(smooth[-1], [0 * detail for detail in details]) - images).max() > 0.1


def test_a_flat_image_has_no_details():
  _, details = LaplacianPyramid(3)(np.full((1, 24, 20, 3), 0.7, "f"))
  assert max(np.abs(detail).max() for detail in details) < 1e-6


def test_gradient_of_the_pyramid():
  rng = np.random.default_rng(0)
  weights = [rng.normal(size=one.shape) for one in tf.nest.flatten(LaplacianPyramid(2)(IMAGES))]

  def value(x):
    return tf.add_n([tf.reduce_sum(tf.sin(3 * one) * weight)
                     for one, weight in zip(tf.nest.flatten(LaplacianPyramid(2)(x)), weights)])

  recipes.check_gradient(value, np.float64(IMAGES), step=1e-4, tolerance=1e-7)


@pytest.mark.parametrize("compile_it", [False, True])
@pytest.mark.parametrize("spec", [(2, 13, 18, 3), (None, None, None, 3)])
def test_graphs_agree_with_eager(spec, compile_it):
  layer = LaplacianPyramid(2)
  run = tf.function(layer.__call__, input_signature=[tf.TensorSpec(spec)], jit_compile=compile_it)
  for one, other in zip(tf.nest.flatten(run(IMAGES)), tf.nest.flatten(layer(IMAGES)), strict=True):
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_xla_gradient_agrees():
  recipes.check_xla(
      lambda x: tf.add_n([tf.reduce_sum(one ** 2) for one in tf.nest.flatten(LaplacianPyramid(2)(x))]), IMAGES)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype, policy):
  half = tf.cast(IMAGES, dtype)
  for one, other in zip(tf.nest.flatten(LaplacianPyramid(2, dtype=policy)(half)),
                        tf.nest.flatten(LaplacianPyramid(2)(tf.cast(half, tf.float32))), strict=True):
    recipes.assert_same(one, other)
  assert upsample(half).dtype == tf.float32


@pytest.mark.parametrize("levels", [1, 3])
def test_saved_and_loaded(tmp_path, levels):
  inputs = keras.Input((None, None, 3))
  model = keras.Model(inputs, LaplacianPyramid(levels)(inputs))
  model.save(tmp_path / "m.keras")
  loaded = keras.saving.load_model(tmp_path / "m.keras")
  assert loaded.layers[-1].levels == levels
  for one, other in zip(tf.nest.flatten(loaded(IMAGES)), tf.nest.flatten(model(IMAGES)), strict=True):
    recipes.assert_same(one, other)
  layer = LaplacianPyramid(levels)
  assert LaplacianPyramid.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.export
@pytest.mark.parametrize("size", [(13, 18), (None, None)])
def test_converted_to_builtin_operations_in_four_dimensions(size):
  from ai_edge_litert.interpreter import Interpreter

  run = tf.function(lambda x: tf.nest.flatten(LaplacianPyramid(2)(x)), input_signature=[tf.TensorSpec((1, *size, 3))])
  interpreter = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions(
      [run.get_concrete_function()]).convert())
  interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, 13, 18, 3))
  interpreter.allocate_tensors()
  assert not any("Flex" in detail["op_name"] or "CUSTOM" in detail["op_name"] for detail in interpreter._get_ops_details())
  assert max(len(detail["shape"]) for detail in interpreter.get_tensor_details()) == 4
  interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGES[:1])
  interpreter.invoke()
  outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
  expected = tf.nest.flatten(LaplacianPyramid(2)(IMAGES[:1]))
  for one in expected:  # the converter orders the outputs as it likes
    assert any(other.shape == one.shape and np.abs(other - one).max() < 1e-5 for other in outputs)


def test_wrong_arguments_are_refused():
  with pytest.raises(ValueError, match="levels is 0: expected at least 1"):
    LaplacianPyramid(0)
  for function in (LaplacianPyramid(), upsample):
    with pytest.raises(ValueError, match=r"expected floating point \[N, height, width, channels\]"):
      function(IMAGES[0])
    with pytest.raises(ValueError, match="dtype uint8"):
      function(np.zeros((1, 8, 8, 3), "uint8"))
