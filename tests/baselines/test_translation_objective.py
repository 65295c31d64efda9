"""The losses of the methods that the feature-pyramid paper is compared with, against loops and numbers by hand."""

import dataclasses

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.baselines.context_encoder.network import banded_l2
from tf_imgtrans.baselines.crn.recipe import TINY as CRN
from tf_imgtrans.baselines.crn.trainer import best_of_labels, diverse_errors, mean_of_images
from tf_imgtrans.baselines.drrn.network import luma_error
from tf_imgtrans.baselines.pix2pix.network import signed_l1
from tf_imgtrans.core.color import studio_luma
from tf_imgtrans.losses.weighted import weighted_sum

TRUE, PRED = recipes.random_images(2, 2, 16, 16, 3)
FAKES = recipes.random_images(2, 9, 16, 16, 3, seed=7)


def test_signed_l1():
  assert float(signed_l1(np.zeros((1, 4, 4, 3)), np.ones((1, 4, 4, 3)))) == 2  # from -1 to 1
  np.testing.assert_allclose(signed_l1(TRUE, PRED), np.mean(np.abs((2 * TRUE - 1) - (2 * PRED - 1))), rtol=1e-5)
  with pytest.raises(ValueError, match="shapes differ"):
    signed_l1(TRUE, PRED[:1])


@given(st.integers(0, 5))
def test_banded_l2(overlap):
  """The middle of 16x16 is 8x8, whose outermost `overlap` pixels weigh ten times."""
  total = 0.0
  for row in range(8):
    for column in range(8):
      edge = min(row, column, 7 - row, 7 - column)
      squares = np.square(2 * (np.float64(TRUE) - PRED)[:, 4 + row, 4 + column])
      total += (10 if edge < overlap else 1) * squares.sum()
  np.testing.assert_allclose(banded_l2(TRUE, PRED, overlap), total / (2 * 8 * 8 * 3), rtol=1e-5)


def test_banded_l2_sees_the_middle_alone():
  around = TRUE.copy()
  around[:, :4] = 0
  assert float(banded_l2(TRUE, around, 2)) == 0
  around[:, 4] = 0
  assert float(banded_l2(TRUE, around, 2)) > 0


def _labels(classes=3):
  return np.eye(classes, dtype=np.float32)[np.random.default_rng(0).integers(0, classes, (2, 16, 16))]


def _vgg(images):
  """Stands for VGG19: a map of full size, and one of a quarter's."""
  images = tf.convert_to_tensor(images)
  return {"block1_conv2": tf.stack([images[..., 0], images[..., 1] * images[..., 2]], axis=-1),
          "block3_conv2": tf.nn.avg_pool2d(images, 4, 4, "VALID") ** 2}


def _plain_errors(weights):
  """As demo_256p.py: mean over positions of label * mean over channels of |difference|, image by image."""
  labels, errors = np.float64(_labels()), np.zeros((2, 9, 3))
  by_area = labels.reshape(2, 4, 4, 4, 4, 3).mean((2, 4))
  for image in range(2):
    true = {name: np.float64(value[image]) for name, value in _vgg(TRUE).items()}
    for other in range(9):
      fake = {name: np.float64(value[0]) for name, value in _vgg(FAKES[image, other][None]).items()}
      for label in range(3):
        distance = np.abs(255 * (np.float64(TRUE[image]) - FAKES[image, other])).mean(-1)
        errors[image, other, label] = (labels[image, ..., label] * distance).mean()
        for name, masks in (("block1_conv2", labels), ("block3_conv2", by_area)):
          distance = np.abs(true[name] - fake[name]).mean(-1)
          errors[image, other, label] += weights.get(name, 0) * (masks[image, ..., label] * distance).mean()
  return errors


@pytest.mark.parametrize("weights", [{}, {"block1_conv2": 30.0, "block3_conv2": 70.0}])
def test_diverse_errors(weights):
  config = dataclasses.replace(CRN, perceptual_layers=tuple(weights),
                               perceptual_layer_weights=tuple(weights.values()))
  errors = diverse_errors(config, TRUE, FAKES, _labels(), _vgg if weights else None)
  expected = _plain_errors(weights)
  np.testing.assert_allclose(errors, expected, rtol=1e-4)
  np.testing.assert_allclose(best_of_labels(errors), expected.min(1).sum(-1).mean(), rtol=1e-4)
  np.testing.assert_allclose(mean_of_images(errors), expected.mean(1).sum(-1).mean(), rtol=1e-4)
  # Labels add up to one at each pixel, and so their errors to that of the image.
  np.testing.assert_allclose(diverse_errors(config, TRUE, FAKES, _labels()).numpy().sum(-1),
                             255 * np.abs(TRUE[:, None] - FAKES).mean((2, 3, 4)), rtol=1e-5)


def test_the_best_image_may_differ_between_labels():
  errors = tf.constant([[[1.0, 5.0], [4.0, 2.0]]])
  assert float(best_of_labels(errors)) == 1 + 2
  assert float(mean_of_images(errors)) == 2.5 + 3.5


def test_only_the_best_image_learns_from_its_label():
  errors = tf.Variable([[[1.0, 5.0], [4.0, 2.0]]])
  with tf.GradientTape() as tape:
    value = best_of_labels(errors)
  np.testing.assert_array_equal(tape.gradient(value, errors), [[[1, 0], [0, 1]]])


def test_luma_error():
  difference = (studio_luma(TRUE) - studio_luma(PRED)) / 255
  np.testing.assert_allclose(luma_error(TRUE, PRED), np.square(difference).sum((1, 2)).mean() / 2, rtol=1e-5)
  with pytest.raises(ValueError, match="shapes differ"):
    luma_error(TRUE, PRED[:, :4])


@pytest.mark.parametrize("loss", [signed_l1, lambda true, pred: banded_l2(true, pred, 2), luma_error])
def test_gradients(loss):
  assert float(loss(TRUE, TRUE)) == 0
  # Differences keep their sign within a step: |x| bends at 0.
  recipes.check_gradient(lambda pred: loss(np.zeros_like(PRED), pred), 1 + PRED, step=2e-2)


def test_gradient_of_diverse_errors():
  config = dataclasses.replace(CRN, perceptual_layers=("block3_conv2",), perceptual_layer_weights=(100.0,))
  true = np.zeros((1, 4, 4, 3), np.float32)

  def loss(fakes):
    errors = diverse_errors(config, true, fakes, _labels()[:1, :4, :4], _vgg)
    return 0.7 * best_of_labels(errors) + 0.3 * mean_of_images(errors)

  # Images far enough from each other that a step does not change which is best.
  fakes = 1 + FAKES[:1, :2, :4, :4] + np.float32([0, 2]).reshape((1, 2, 1, 1, 1))
  recipes.check_gradient(loss, fakes, step=2e-2)


def test_a_weighted_sum():
  """One of weight 0 is not even computed."""
  config = dataclasses.replace(CRN, weight_best=0.5, weight_mean=0.0)
  total, terms = weighted_sum(config, {"best": lambda: tf.constant(3.0), "mean": lambda: 1 / 0})
  assert terms == {"best": 3.0} and float(total) == 1.5 and total.dtype == tf.float32
