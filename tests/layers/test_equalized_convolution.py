"""EqualizedConv2D: its scale, halving and doubling, second derivatives, precision, files."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from numpy_operations import blur, convolve, double, halve
from scipy import stats

from tf_imgtrans.layers import EqualizedConv2D

MAPS = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype(np.float32)


def _drawn(*args, channels=3, **options):
  """A layer whose biases are not zero."""
  layer = EqualizedConv2D(*args, **options)
  layer.build((None, None, None, channels))
  if layer.use_bias:
    layer.bias.assign(np.random.default_rng(1).normal(size=layer.filters))
  return layer


def _plain(layer, x):
  """What the layer's docstring says, from its weights."""
  kernel = np.float64(layer.kernel.numpy()) * layer.gain / np.sqrt(layer.kernel_size ** 2 * x.shape[-1])
  x = np.float64(x)
  if layer.resampling == "down":
    out = halve(convolve(blur(x) if layer.blur else x, kernel))
  elif layer.resampling == "up":
    out = convolve(double(x), kernel)
    out = blur(out) if layer.blur else out
  else:
    out = convolve(x, kernel, pad="same" if layer.padding == "same" else 0)
  return out + layer.bias.numpy() if layer.use_bias else out


# Scale and initial numbers -----------------------------------------------------------------------------------------

def test_scale_by_hand():
  pointwise = _drawn(2, kernel_size=1, gain=1.0, use_bias=False, channels=4)
  pointwise.kernel.assign(np.full((1, 1, 4, 2), 2.0))
  assert (pointwise(np.full((1, 3, 3, 4), 3, "f")).numpy() == 12).all()  # 4 * 3 * 2 / sqrt(4)
  square = _drawn(1, use_bias=False, channels=2)  # the gain is sqrt(2)
  square.kernel.assign(np.ones((3, 3, 2, 1)))
  out = square(np.ones((1, 4, 4, 2), "f")).numpy()[0, :, :, 0]
  np.testing.assert_allclose(out[1:3, 1:3], 6, rtol=1e-6)  # 18 sqrt(2) / sqrt(18)
  np.testing.assert_allclose(out[0, 0], 6 * 4 / 9, rtol=1e-6)  # a corner sees four of nine pixels


@pytest.mark.parametrize("resampling, variance", [("none", 1), ("down", 1 / 4), ("up", 1)])
def test_white_noise_keeps_its_variance_under_gain_one(resampling, variance):
  """Halved, it is the mean of four windows, in which a weight never meets a pixel twice; doubled, each weight meets one."""
  maps = np.random.default_rng(2).normal(size=(4, 20, 20, 64)).astype(np.float32)
  out = _drawn(64, gain=1.0, use_bias=False, blur=False, resampling=resampling, channels=64)(maps).numpy()[:, 2:-2, 2:-2]
  assert abs(out.var() / variance - 1) < 0.05


def test_kernels_are_standard_normal_and_biases_zero():
  layer = EqualizedConv2D(64, seed=3)
  layer.build((None, None, None, 32))
  kernel = layer.kernel.numpy()
  assert kernel.shape == (3, 3, 32, 64) and not layer.bias.numpy().any()
  assert stats.kstest(kernel.ravel(), "norm").pvalue > 0.01
  same, other = EqualizedConv2D(64, seed=3), EqualizedConv2D(64, seed=4)
  for one in (same, other):
    one.build((None, None, None, 32))
  recipes.assert_same(same.kernel.numpy(), kernel)
  assert (other.kernel.numpy() != kernel).mean() > 0.99


# Arithmetic --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kernel_size, padding", [(1, "same"), (3, "same"), (4, "same"), (3, "valid"), (4, "valid")])
def test_plain_convolution(kernel_size, padding):
  layer = _drawn(5, kernel_size=kernel_size, padding=padding, gain=1.3)
  out = layer(MAPS)
  np.testing.assert_allclose(out, _plain(layer, MAPS), atol=1e-5)
  assert out.shape == layer.compute_output_shape(MAPS.shape)
  assert (out.shape[1:3] == (6, 8)) == (padding == "same" or kernel_size == 1)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("blur", [False, True])
@pytest.mark.parametrize("resampling", ["down", "up"])
def test_resampling(resampling, blur, kernel_size):
  layer = _drawn(5, kernel_size=kernel_size, resampling=resampling, blur=blur)
  out = layer(MAPS)
  np.testing.assert_allclose(out, _plain(layer, MAPS), atol=2e-5)
  assert out.shape == layer.compute_output_shape(MAPS.shape) == ((2, 3, 4, 5) if resampling == "down" else (2, 12, 16, 5))


def test_doubling_of_odd_sides():
  layer, maps = _drawn(4, resampling="up"), MAPS[:, :5, :7]
  np.testing.assert_allclose(layer(maps), _plain(layer, maps), atol=2e-5)


def test_down_by_hand():
  """One channel, a kernel that copies, gain 3 over sqrt(9): the mean of 2x2 pixels."""
  layer = _drawn(1, gain=3.0, resampling="down", blur=False, use_bias=False, channels=1)
  layer.kernel.assign(np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]])[:, :, None, None])
  np.testing.assert_allclose(layer(np.float32([[1, 2, 5, 6], [3, 4, 7, 8]])[None, :, :, None])[0, :, :, 0], [[2.5, 6.5]])


def test_blur_by_hand():
  """A bright pixel under the kernel that copies, doubled: [1, 2, 1]^2 / 16 over its four places."""
  layer = _drawn(1, gain=3.0, resampling="up", use_bias=False, channels=1)
  layer.kernel.assign(np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]])[:, :, None, None])
  maps = np.zeros((1, 3, 3, 1), "f")
  maps[0, 1, 1] = 16
  rows = np.array([0, 1, 3, 3, 1, 0])  # 16 = 4 * 4
  np.testing.assert_allclose(layer(maps)[0, :, :, 0], np.outer(rows, rows), atol=1e-5)
  corner = np.zeros((1, 1, 1, 1), "f") + 16  # zeros beyond the border
  np.testing.assert_allclose(layer(corner)[0, :, :, 0], np.full((2, 2), 9), atol=1e-5)


def test_without_bias():
  layer = _drawn(5, use_bias=False)
  assert layer.bias is None and len(layer.weights) == 1
  np.testing.assert_allclose(layer(MAPS), _plain(layer, MAPS), atol=1e-5)


def _penalty(layer, maps=None):
  """The squared gradient by the maps, as a function of the maps or the kernel; the sine has a second derivative."""
  def penalty(x):
    kernel_now, maps_now = (layer.kernel.value, x) if maps is None else (x, maps)
    return recipes.squared_gradient(
        lambda point: tf.reduce_sum(tf.sin(layer.stateless_call([kernel_now, layer.bias.value], [], point)[0])))(maps_now)

  return penalty


SECOND = [{}, {"kernel_size": 4, "padding": "valid"}, {"resampling": "down"}, {"resampling": "up"},
          {"resampling": "up", "blur": False}]


@pytest.mark.parametrize("options", SECOND)
def test_second_derivatives(options):
  layer = _drawn(2, dtype="float64", **options)
  maps = MAPS[:, :4, :4].astype(np.float64)
  for function, point in ((_penalty(layer), maps), (_penalty(layer, maps), layer.kernel.numpy())):
    recipes.check_gradient(function, point, step=1e-4, tolerance=1e-7)


@pytest.mark.parametrize("options", [{}, {"resampling": "down"}, {"resampling": "up"}])
def test_second_derivatives_under_xla(options):
  layer = _drawn(2, **options)
  recipes.check_xla(_penalty(layer, MAPS[:, :4, :4]), layer.kernel.numpy())


def test_illegal_options():
  with pytest.raises(ValueError, match="unknown resampling 'dwn': expected one of down, none, up; did you mean 'down'"):
    EqualizedConv2D(4, resampling="dwn")
  for resampling in ("down", "up"):
    with pytest.raises(ValueError, match=f"padding is 'valid' with resampling '{resampling}': expected 'same'"):
      EqualizedConv2D(4, resampling=resampling, padding="valid")
