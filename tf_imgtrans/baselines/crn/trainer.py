"""The losses of the cascaded refinement network, and its training."""

import tensorflow as tf

from tf_imgtrans.baselines.crn.network import Crn
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.core.tensors import as_float32
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.training.population import IMAGES
from tf_imgtrans.training.supervised import SupervisedTrainer

BYTE = 255.0  # images are compared in 0 .. 255; demo_256p.py


class Trainer(SupervisedTrainer):
  """CRN's training: of the nine images of each source, the best learns; its arguments are those of SupervisedTrainer."""

  generator_class = Crn

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    if config.perceptual_layers:
      self.vgg = Vgg19Features(config.perceptual_layers, config.vgg_weights, dtype=precision)

  def settle(self):
    """As of every trainer; also chooses which of the nine images is the network's output."""
    super().settle()
    if self.batches:
      self.generator.choose(self.batches(0, Part()).take(-(-IMAGES // self.config.batch_size)))

  def forward(self, source):
    """All nine images, [N, 9, H, W, 3]."""
    return self.generator(source, training=True, diverse=True)

  def losses(self, source, target, fake):
    errors = diverse_errors(self.config, target, fake, self.generator.labels(source), self.vgg)
    return weighted_sum(self.config, {"best": lambda: best_of_labels(errors), "mean": lambda: mean_of_images(errors)})


def diverse_errors(config, y_true, y_pred, labels, vgg=None):
  """Distance of each of several images to the target within each label, in values and in features of VGG19.

  The sum over feature maps of weight times the mean over all positions of label * mean over channels of |difference|; the
  first one is the image in 0 .. 255, with weight 1. Labels are shrunk to the feature maps by area. Departs from the code:
  VGG19 has maximum pooling, as in its paper, where the code has average pooling.

  Args:
    config: Config; uses `perceptual_layers` and their weights.
    y_true: float [N, H, W, 3] in [0, 1].
    y_pred: float [N, K, H, W, 3], K images for each target.
    labels: float [N, H, W, C], which add up to 1 at each pixel.
    vgg: images -> dict of feature maps; None without layers.
  Returns:
    float32 [N, K, C].
  """
  y_true, y_pred, labels = as_float32(y_true, y_pred, labels)
  count, images = y_pred.shape[:2]
  total = _masked(BYTE * y_true[:, None], BYTE * y_pred, labels)
  if vgg is None:
    return total
  flat = tf.reshape(y_pred, [-1, *y_pred.shape[2:]])
  true, pred = vgg(y_true), vgg(flat)
  for layer, weight in zip(config.perceptual_layers, config.perceptual_layer_weights):
    maps, others = as_float32(true[layer], pred[layer])
    factor = 2 ** (int(layer[5]) - 1)  # "block3_conv2" has been halved twice
    shrunk = tf.nn.avg_pool2d(labels, factor, factor, "VALID") if factor > 1 else labels
    others = tf.reshape(others, [count or -1, images, *others.shape[1:]])
    total += weight * _masked(maps[:, None], others, shrunk)
  return total


def best_of_labels(errors):
  """The error of the best image for each label, summed over labels: [N, K, C] -> float32 scalar."""
  return tf.reduce_mean(tf.reduce_sum(tf.reduce_min(errors, axis=1), axis=-1))


def mean_of_images(errors):
  """The mean error of all images for each label, summed over labels: [N, K, C] -> float32 scalar."""
  return tf.reduce_mean(tf.reduce_sum(tf.reduce_mean(errors, axis=1), axis=-1))


def _masked(true, pred, labels):
  """Mean over positions of label times the mean absolute difference of channels: [N, K, h, w, c] -> [N, K, C]."""
  distance = tf.reduce_mean(tf.abs(true - pred), axis=-1)
  return tf.einsum("nkhw,nhwc->nkc", distance, labels) / float(labels.shape[1] * labels.shape[2])
