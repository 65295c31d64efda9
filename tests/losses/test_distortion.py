"""Pixel losses against NumPy, with DPED's blur as an explicit 21x21 kernel."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from scipy import signal, stats

from tf_imgtrans.losses import color, corresponding_point, l1, squared_error, total_variation, weighted_l1
from tf_imgtrans.losses.distortion import blur_taps, gaussian_blur

TRUE, PRED = recipes.random_images(2, 24, 30, 3, seed=1), recipes.random_images(2, 24, 30, 3, seed=2)


def _dped_kernel():
  """The kernel of DPED's code: bin probabilities of a normal, their outer product, its square root, over the sum."""
  interval = (2 * 3 + 1.0) / 21
  edges = np.linspace(-3 - interval / 2, 3 + interval / 2, 22)
  bins = np.diff(stats.norm.cdf(edges))
  kernel = np.sqrt(np.outer(bins, bins))
  return kernel / kernel.sum()


def _blurred(image):
  """Zero beyond the border, one plane at a time, in float64."""
  return np.stack([signal.convolve2d(image[..., c], _dped_kernel(), mode="same") for c in range(3)], axis=-1)


def test_taps_are_the_kernel():
  taps = blur_taps()
  np.testing.assert_allclose(np.outer(taps, taps), _dped_kernel(), rtol=1e-12)
  np.testing.assert_allclose(taps.sum(), 1, rtol=1e-12)
  np.testing.assert_allclose(np.sqrt(np.sum(taps * np.arange(-10, 11) ** 2)), 4.337, atol=5e-4)


def test_blur_against_the_explicit_kernel():
  np.testing.assert_allclose(gaussian_blur(TRUE)[0], _blurred(TRUE[0]), atol=1e-6)


def test_color_against_the_explicit_kernel():
  expected = np.mean([np.sum((_blurred(t) - _blurred(p)) ** 2) / 2 for t, p in zip(TRUE, PRED)])
  np.testing.assert_allclose(color(TRUE, PRED), expected, rtol=1e-5)


def test_color_of_a_flat_difference():
  # Far from the border the blur keeps a constant; at the border zeros come in.
  true, pred = np.zeros((1, 60, 60, 3), "f"), np.full((1, 60, 60, 3), 0.1, "f")
  np.testing.assert_allclose(gaussian_blur(pred)[0, 10:-10, 10:-10], 0.1, rtol=1e-5)
  line = np.convolve(np.ones(60), blur_taps(), mode="same")
  np.testing.assert_allclose(color(true, pred), 3 * np.sum((0.1 * np.outer(line, line)) ** 2) / 2, rtol=1e-5)


def test_color_counts_colour_and_not_texture():
  grey = np.full((1, 40, 40, 3), 0.5, "f")
  checkers = grey + 0.1 * (-1.0) ** np.sum(np.mgrid[:40, :40], axis=0)[None, ..., None].astype("f")
  assert color(grey, checkers) < 0.01 * color(grey, grey + 0.1)


def test_l1():
  np.testing.assert_allclose(l1(TRUE, PRED), np.abs(np.float64(TRUE) - PRED).mean(), rtol=1e-5)
  with pytest.raises(ValueError, match="shapes differ"):
    l1(TRUE, PRED[:, :1])


@pytest.mark.parametrize("channel, weight", [(0, 0.299), (1, 0.587), (2, 0.114)])
def test_weighted_l1_by_channel(channel, weight):
  pred = TRUE.copy()
  pred[..., channel] += 0.25
  np.testing.assert_allclose(weighted_l1(TRUE, pred), 0.25 * weight, rtol=1e-5)


def test_squared_error():
  np.testing.assert_allclose(squared_error(TRUE, PRED), np.mean(np.square(np.float64(TRUE) - PRED)), rtol=1e-6)


def test_weighted_l1():
  expected = np.abs(np.float64(TRUE) - PRED).mean((0, 1, 2)) @ [0.299, 0.587, 0.114]
  np.testing.assert_allclose(weighted_l1(TRUE, PRED), expected, rtol=1e-6)
  np.testing.assert_allclose(weighted_l1(np.zeros((1, 4, 4, 3)), np.ones((1, 4, 4, 3))), 1, rtol=1e-6)


def test_total_variation():
  images = np.float64(PRED)
  vertical, horizontal = np.diff(images, axis=1), np.diff(images, axis=2)
  expected = np.mean([np.sum(v ** 2) / v.size + np.sum(h ** 2) / h.size for v, h in zip(vertical, horizontal)])
  np.testing.assert_allclose(total_variation(PRED), expected, rtol=1e-5)


def test_total_variation_of_a_ramp():
  ramp = np.broadcast_to(np.arange(10, dtype="f")[:, None, None] * 0.03, (10, 8, 3))[None]
  np.testing.assert_allclose(total_variation(ramp), 0.03 ** 2, rtol=1e-4)
  assert total_variation(np.full((1, 6, 6, 3), 0.7, "f")) == 0


@pytest.mark.parametrize("loss", [squared_error, weighted_l1, color])
@pytest.mark.parametrize("other", [np.s_[:1], np.s_[..., :1], np.s_[0], np.s_[:, :1]])
def test_other_shapes_are_refused_and_not_broadcast(loss, other):
  for arguments in ((TRUE, PRED[other]), (TRUE[other], PRED)):
    with pytest.raises(ValueError, match=r"shapes differ: .*\(2, 24, 30, 3\)"):
      loss(*arguments)


@pytest.mark.parametrize("loss", [squared_error, weighted_l1, color])
def test_unknown_sizes(loss):
  run = tf.function(loss, input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2, None, 30, 3))])
  np.testing.assert_allclose(run(TRUE, PRED), loss(TRUE, PRED), rtol=1e-5)


def test_total_variation_of_a_line_is_refused():
  for images in (PRED[:, :1], PRED[:, :, :1]):
    with pytest.raises(ValueError, match=r"y_pred has shape \(2, .*needs a height and a width of at least 2"):
      total_variation(images)
  run = tf.function(total_variation, input_signature=[tf.TensorSpec((None, None, None, 3))])
  np.testing.assert_allclose(run(PRED), total_variation(PRED), rtol=1e-6)


@pytest.mark.parametrize("loss", [squared_error, weighted_l1, color])
def test_equal_images_cost_nothing(loss):
  assert loss(TRUE, TRUE) == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
  true, pred = tf.cast(TRUE, dtype), tf.cast(PRED, dtype)
  for loss, arguments in ((squared_error, (true, pred)), (weighted_l1, (true, pred)), (color, (true, pred)),
                          (total_variation, (pred,))):
    value = loss(*arguments)
    assert value.dtype == tf.float32 and value.shape == ()
    np.testing.assert_allclose(value, loss(*(tf.cast(a, tf.float32) for a in arguments)), rtol=1e-6)


@pytest.mark.parametrize("loss", [squared_error, weighted_l1, color, lambda _, y_pred: total_variation(y_pred)])
def test_gradients(loss):
  # Every difference is above 0.1 and the steps below 0.1, so |x| is met on one side of its corner.
  pred = np.where(PRED > TRUE, PRED + 0.2, PRED - 0.2)[:, :14, :15]
  recipes.check_gradient(lambda x: loss(TRUE[:, :14, :15], x), pred, step=1e-2, tolerance=1e-3)


def test_a_batch_is_the_mean_over_images():
  for loss in (squared_error, weighted_l1, color, lambda _, y_pred: total_variation(y_pred)):
    single = [float(loss(TRUE[index:index + 1], PRED[index:index + 1])) for index in range(2)]
    np.testing.assert_allclose(loss(TRUE, PRED), np.mean(single), rtol=1e-6)


# Corresponding points ----------------------------------------------------------------------------------------------

MASK = (np.random.default_rng(3).random((2, 24, 30, 1)) < [[[[0.3]]], [[[0.02]]]]).astype(np.float32)
SOURCE = np.where(MASK > 0, TRUE, np.float32(1))


@pytest.mark.parametrize("norm, distance", [("l2", np.square), ("l1", np.abs)])
def test_corresponding_point_by_loops(norm, distance):
  expected = []
  for source, pred, mask in zip(np.float64(SOURCE), np.float64(PRED), MASK):
    at_known = [distance(source[row, column] - pred[row, column]).mean() for row, column, _ in np.argwhere(mask)]
    expected.append(np.mean(at_known))
  loss = corresponding_point(SOURCE, PRED, MASK, norm=norm)
  assert loss.dtype == tf.float32 and loss.shape == ()
  np.testing.assert_allclose(loss, np.mean(expected), rtol=1e-5)


def test_corresponding_point_is_l2_unless_told():
  np.testing.assert_array_equal(corresponding_point(SOURCE, PRED, MASK), corresponding_point(SOURCE, PRED, MASK, "l2"))
  with pytest.raises(ValueError, match="unknown norm 'l3': expected one of l1, l2; did you mean"):
    corresponding_point(SOURCE, PRED, MASK, "l3")


def test_corresponding_point_costs_as_much_for_few_points_as_for_many():
  mask = np.zeros((1, 8, 8, 1), "f")
  source, pred = np.zeros((1, 8, 8, 3), "f"), np.full((1, 8, 8, 3), 0.2, "f")
  for count in (1, 7, 64):
    mask.reshape(-1)[:count] = 1
    np.testing.assert_allclose(corresponding_point(source, pred, mask), 0.04, rtol=1e-5)
    np.testing.assert_allclose(corresponding_point(source, pred, mask, "l1"), 0.2, rtol=1e-5)


def test_corresponding_point_looks_at_known_pixels_alone():
  elsewhere = np.where(MASK > 0, PRED, 1 - PRED)
  np.testing.assert_array_equal(corresponding_point(SOURCE, elsewhere, MASK), corresponding_point(SOURCE, PRED, MASK))
  np.testing.assert_array_equal(corresponding_point(np.where(MASK > 0, SOURCE, 0.3), PRED, MASK),
                                corresponding_point(SOURCE, PRED, MASK))
  variable = tf.constant(PRED)
  with tf.GradientTape() as tape:
    tape.watch(variable)
    loss = corresponding_point(SOURCE, variable, MASK)
  gradient = tape.gradient(loss, variable).numpy()
  assert ((gradient != 0).any(axis=-1, keepdims=True) == (MASK > 0)).all()


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_corresponding_point_without_a_known_pixel(norm):
  mask = MASK.copy()
  mask[0] = 0
  pred = tf.constant(PRED)
  with tf.GradientTape(persistent=True) as tape:
    tape.watch(pred)
    half, none = corresponding_point(SOURCE, pred, mask, norm), corresponding_point(SOURCE, pred, 0 * mask, norm)
  np.testing.assert_allclose(half, corresponding_point(SOURCE[1:], PRED[1:], mask[1:], norm) / 2, rtol=1e-6)
  assert none == 0
  assert np.isfinite(tape.gradient(half, pred)).all() and not tape.gradient(none, pred).numpy().any()


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_corresponding_point_gradient(norm):
  away = np.where(PRED > SOURCE, PRED + 0.2, PRED - 0.2)[:, :8, :9]
  recipes.check_gradient(lambda x: corresponding_point(SOURCE[:, :8, :9], x, MASK[:, :8, :9], norm), away)


def test_corresponding_point_refuses_other_shapes():
  for other in (MASK[..., 0], MASK[:1], MASK[:, :1], np.repeat(MASK, 3, axis=-1)):
    with pytest.raises(ValueError, match=r"mask has shape .*expected \(2, 24, 30, 1\)"):
      corresponding_point(SOURCE, PRED, other)
  with pytest.raises(ValueError, match=r"shapes differ: \(2, 24, 30, 3\) and"):
    corresponding_point(SOURCE, PRED[:1], MASK)
  run = tf.function(corresponding_point, input_signature=[tf.TensorSpec((None, None, None, 3))] * 2
                    + [tf.TensorSpec((None, None, None, 1))])
  np.testing.assert_allclose(run(SOURCE, PRED, MASK), corresponding_point(SOURCE, PRED, MASK), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_corresponding_point_in_half_precision(dtype):
  arguments = [tf.cast(tensor, dtype) for tensor in (SOURCE, PRED, MASK)]
  value = corresponding_point(*arguments)
  assert value.dtype == tf.float32
  np.testing.assert_allclose(value, corresponding_point(*(tf.cast(a, tf.float32) for a in arguments)), rtol=1e-6)
