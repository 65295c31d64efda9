"""Segmentation scores: how well predicted classes agree with label maps; with an FCN-8s as the predictor, the FCN score.

Definition   one confusion matrix n over the pixels of all frames, n[i, j] = pixels of class i that were predicted as j.
             With t_i = sum_j n[i, j] the pixels of class i, and p_i = sum_j n[j, i] those predicted as i:
             pixel accuracy  sum_i n[i, i] / sum_i t_i
             class accuracy  mean over classes of n[i, i] / t_i
             class IoU       mean over classes of n[i, i] / (t_i + p_i - n[i, i])
Range        0 to 1. Higher is better.
Constants    1e-12 is added to the denominators, as in pix2pix's scripts/eval_cityscapes. A class without pixels
             therefore counts as 0 and is not skipped: with an absent class even a perfect prediction stays below 1.
Protocol     frames are pooled before the means are taken, so that a large frame counts for more. Pixels whose label is
             `ignore`, negative, or not below `classes` are left out, regardless of the prediction. pix2pix (FCN score):
             Cityscapes' 500 validation frames, 19 classes, images enlarged to the label maps' 1024x2048.
Comparable   for one segmentation network only: scores of generated images measure the network as well as the images.
             Published FCN scores use a network trained on 256-pixel images, whose weights are not part of this
             package; with another one, compare orders and the scores of real photographs. Other programs skip absent
             classes, which gives higher means.
"""

from collections.abc import Sequence

import numpy as np

CLASSES = 19  # of Cityscapes' evaluation
IGNORE = 255
EPSILON = 1e-12  # pix2pix, scripts/eval_cityscapes


def segmentation_scores(labels: Sequence | np.ndarray, predictions: Sequence | np.ndarray, classes: int = CLASSES,
                        ignore: int = IGNORE) -> dict[str, float]:
  """Pixel accuracy, class accuracy and class IoU over all frames.

  Args:
    labels: integer [N, H, W], or a list of [H, W] whose sizes may differ; the true class of each pixel.
    predictions: integer, shaped as `labels`, from 0 to classes - 1.
    classes: int, number of classes.
    ignore: int, the label of pixels that are left out.
  Returns:
    dict of float in [0, 1]: "pixel_accuracy", "class_accuracy" and "class_iou".
  Raises:
    ValueError: different shapes, other types than integers, predictions outside 0 .. classes - 1, or no pixel to compare.
  """
  return scores_of_confusion(confusion_matrix(labels, predictions, classes, ignore))


def confusion_matrix(labels: Sequence | np.ndarray, predictions: Sequence | np.ndarray, classes: int = CLASSES,
                     ignore: int = IGNORE) -> np.ndarray:
  """Counts pixels by true and by predicted class; matrices of parts of a set add up to that of the set.

  Args:
    labels, predictions, classes, ignore: as for `segmentation_scores`.
  Returns:
    int64 [classes, classes]; rows are the true classes. All zeros if every pixel is left out.
  Raises:
    ValueError: different shapes, other types than integers, or predictions outside 0 .. classes - 1.
  """
  if classes < 1:
    raise ValueError(f"classes is {classes}: expected 1 or more")
  if len(labels) != len(predictions):
    raise ValueError(f"{len(labels)} label maps for {len(predictions)} predictions: expected one for each")
  total = np.zeros((classes, classes), np.int64)
  for number, (true, pred) in enumerate(zip(labels, predictions)):
    true, pred = _map(true, f"labels[{number}]"), _map(pred, f"predictions[{number}]")
    if true.shape != pred.shape:
      raise ValueError(f"labels[{number}] is {true.shape[0]}x{true.shape[1]} and predictions[{number}] "
                       f"{pred.shape[0]}x{pred.shape[1]}: expected equal sizes; resize images before they are segmented")
    if pred.size and not 0 <= pred.min() <= pred.max() < classes:
      raise ValueError(f"predictions[{number}] spans {pred.min()} .. {pred.max()}: expected classes 0 .. {classes - 1}")
    counted = (true >= 0) & (true < classes) & (true != ignore)
    cells = true[counted].astype(np.int64) * classes + pred[counted].astype(np.int64)
    total += np.bincount(cells, minlength=classes ** 2).reshape(classes, classes)
  return total


def scores_of_confusion(matrix):
  """The three scores of a confusion matrix.

  Args:
    matrix: integer [classes, classes] of `confusion_matrix`.
  Returns:
    dict as `segmentation_scores`.
  Raises:
    ValueError: it counts no pixel.
  """
  matrix = np.asarray(matrix, np.float64)
  if not matrix.sum():
    raise ValueError("no pixel has a label that counts: expected some from 0 to classes - 1; were labels read with the "
                     "right set of classes?")
  right, true, called = np.diag(matrix), matrix.sum(1), matrix.sum(0)
  return {"pixel_accuracy": float(right.sum() / (matrix.sum() + EPSILON)),
          "class_accuracy": float(np.mean(right / (true + EPSILON))),
          "class_iou": float(np.mean(right / (true + called - right + EPSILON)))}


def _map(classes, what):
  classes = np.asarray(classes)
  if classes.ndim != 2:
    raise ValueError(f"{what} has shape {classes.shape}: expected [height, width] for each of the frames; put one map into "
                     "a list, and take the argmax of scores over classes first")
  if classes.dtype.kind not in "iu":
    raise ValueError(f"{what} is {classes.dtype}: expected integers, the number of each pixel's class")
  return classes
