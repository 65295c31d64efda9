"""Segmentation scores against values by hand, against a plain loop, and under changes that must not matter."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import tf_imgtrans.metrics
from tf_imgtrans.metrics.segmentation import confusion_matrix, scores_of_confusion, segmentation_scores

NAMES = ("pixel_accuracy", "class_accuracy", "class_iou")


def test_by_hand():
  """Classes 0, 1, 2; one pixel is ignored and one has a label beyond the classes.

  Truth 0: four pixels, three right, one called 1. Truth 1: two, one right, one called 2. Truth 2: none; called once.
  """
  labels = np.array([[[0, 0, 0, 0], [1, 1, 255, 3]]])
  predictions = np.array([[[0, 0, 0, 1], [1, 2, 2, 0]]])
  np.testing.assert_array_equal(confusion_matrix(labels, predictions, 3), [[3, 1, 0], [0, 1, 1], [0, 0, 0]])
  scores = segmentation_scores(labels, predictions, classes=3)
  assert list(scores) == list(NAMES) and all(type(value) is float for value in scores.values())
  assert scores["pixel_accuracy"] == pytest.approx(4 / 6)
  assert scores["class_accuracy"] == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)  # the absent class counts, as 0
  assert scores["class_iou"] == pytest.approx((3 / 4 + 1 / 3 + 0 / 1) / 3)


def test_the_defaults_are_those_of_cityscapes():
  everything = np.arange(256).reshape(1, 16, 16)  # 0 .. 18 count, 19 .. 255 do not
  scores = segmentation_scores(everything, np.where(everything < 19, everything, 0))
  assert confusion_matrix(everything, np.zeros_like(everything)).shape == (19, 19)
  assert scores == dict.fromkeys(NAMES, pytest.approx(1.0, abs=1e-9))
  assert tf_imgtrans.metrics.segmentation_scores is segmentation_scores
  assert tf_imgtrans.metrics.confusion_matrix is confusion_matrix


def test_an_absent_class_counts_as_nothing_right():
  labels = np.zeros((1, 2, 2), np.uint8)
  assert segmentation_scores(labels, labels) == {
      "pixel_accuracy": pytest.approx(1), "class_accuracy": pytest.approx(1 / 19), "class_iou": pytest.approx(1 / 19)}


def _loop(labels, predictions, classes, ignore):
  """The three scores, pixel by pixel, without a matrix."""
  right, true, called = ([0] * classes for _ in range(3))
  for one, other in zip(labels, predictions):
    for label, prediction in zip(np.ravel(one).tolist(), np.ravel(other).tolist()):
      if label == ignore or label not in range(classes):
        continue
      true[label] += 1
      called[prediction] += 1
      right[label] += label == prediction
  return (sum(right) / sum(true), sum(r / (t + 1e-12) for r, t in zip(right, true)) / classes,
          sum(r / (t + c - r + 1e-12) for r, t, c in zip(right, true, called)) / classes)


@st.composite
def _maps(draw):
  """(labels, predictions, classes): a list of maps of different sizes, a third of whose pixels is ignored."""
  classes, rng = draw(st.integers(2, 8)), np.random.default_rng(draw(st.integers(0, 2 ** 20)))
  sizes = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3))
  labels = [rng.integers(0, classes, size).astype(np.uint8) for size in sizes]
  predictions = [np.where(rng.random(label.shape) < 0.5, label, rng.integers(0, classes, label.shape)) for label in labels]
  for label in labels:
    label[rng.random(label.shape) < 0.3] = 255
  labels[0][0, 0] = 0  # one pixel at least counts
  return labels, predictions, classes


@hypothesis.given(_maps())
def test_against_a_loop(maps):
  labels, predictions, classes = maps
  scores = segmentation_scores(labels, predictions, classes)
  np.testing.assert_allclose([scores[name] for name in NAMES], _loop(labels, predictions, classes, 255), atol=1e-9)


@hypothesis.given(_maps(), st.integers(0, 9))
def test_the_order_of_the_classes_does_not_matter(maps, seed):
  labels, predictions, classes = maps
  order = np.random.default_rng(seed).permutation(classes)
  lookup = np.append(order, np.full(256 - classes, 255)).astype(np.int64)
  renamed = segmentation_scores([lookup[label] for label in labels], [lookup[each] for each in predictions], classes)
  assert renamed == pytest.approx(segmentation_scores(labels, predictions, classes), abs=1e-9)


@hypothesis.given(_maps(), st.integers(0, 7))
def test_what_is_predicted_where_pixels_are_ignored_does_not_matter(maps, other):
  labels, predictions, classes = maps
  changed = [np.where(label == 255, other % classes, each) for label, each in zip(labels, predictions)]
  assert segmentation_scores(labels, changed, classes) == segmentation_scores(labels, predictions, classes)


@hypothesis.given(st.integers(1, 25), st.integers(0, 99))
def test_a_perfect_prediction_of_all_classes_is_one(classes, seed):
  labels = np.random.default_rng(seed).permutation(np.arange(3 * classes) % classes).reshape(1, 3, classes)
  assert segmentation_scores(labels, labels, classes) == dict.fromkeys(NAMES, pytest.approx(1.0, abs=1e-9))


@hypothesis.given(_maps())
def test_matrices_of_parts_add_up(maps):
  labels, predictions, classes = maps
  parts = sum(confusion_matrix([label], [each], classes) for label, each in zip(labels, predictions))
  np.testing.assert_array_equal(parts, confusion_matrix(labels, predictions, classes))
  assert parts.dtype == np.int64
  assert scores_of_confusion(parts) == segmentation_scores(labels, predictions, classes)


def test_frames_are_pooled():
  """Nine pixels right in one frame and one wrong in another are 90 %, not the mean of 100 % and 0 %."""
  labels = [np.zeros((3, 3), int), np.ones((1, 1), int)]
  scores = segmentation_scores(labels, [np.zeros((3, 3), int), np.zeros((1, 1), int)], 2)
  assert scores["pixel_accuracy"] == pytest.approx(0.9)


def test_another_ignored_label_and_negative_ones():
  labels = np.array([[[0, 1, 1, -1]]])
  assert confusion_matrix(labels, np.array([[[0, 0, 0, 0]]]), 2, ignore=1).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("labels, predictions, message", [
    (np.zeros((2, 2, 2), int), np.zeros((1, 2, 2), int), "2 label maps for 1 predictions"),
    (np.zeros((1, 2, 3), int), np.zeros((1, 3, 2), int), r"labels\[0\] is 2x3 and predictions\[0\] 3x2.*equal sizes"),
    (np.zeros((1, 2, 2), int), np.full((1, 2, 2), 3), r"predictions\[0\] spans 3 .. 3: expected classes 0 .. 2"),
    (np.zeros((1, 2, 2), int), np.full((1, 2, 2), -1), r"spans -1 .. -1"),
    (np.full((1, 2, 2), 255), np.zeros((1, 2, 2), int), "no pixel has a label that counts"),
    ([], [], "no pixel"),
    (np.zeros((2, 2), int), np.zeros((2, 2), int), r"labels\[0\] has shape \(2,\).*into a list"),
    (np.zeros((1, 2, 2), int), np.zeros((1, 2, 2, 3), int), r"predictions\[0\] has shape \(2, 2, 3\).*argmax"),
    (np.zeros((1, 2, 2)), np.zeros((1, 2, 2), int), r"labels\[0\] is float64: expected integers"),
    (np.zeros((1, 2, 2), int), np.zeros((1, 2, 2), bool), r"predictions\[0\] is bool"),
])
def test_errors(labels, predictions, message):
  with pytest.raises(ValueError, match=message):
    segmentation_scores(labels, predictions, 3)


def test_no_classes():
  with pytest.raises(ValueError, match="classes is 0"):
    confusion_matrix(np.zeros((1, 1, 1), int), np.zeros((1, 1, 1), int), 0)
