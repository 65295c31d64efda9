"""The losses of the methods; all but the adversarial ones are zero for images that equal their targets."""

import tensorflow as tf

from tf_imgtrans.baselines.translation.config import TERMS
from tf_imgtrans.baselines.translation.context_encoder import centre
from tf_imgtrans.baselines.translation.drrn import luma
from tf_imgtrans.core.tensors import as_float32, check_same_shape
from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss

SIGNED = 2.0  # the weights of pix2pix and the context encoder are for values in [-1, 1]
BAND = 10.0  # weight of the context encoder's band; train.lua
BYTE = 255.0  # CRN compares values in 0 .. 255; demo_256p.py


def vgg_layers(config):
  """Names of the VGG19 layers that the losses need; empty for all but CRN."""
  return tuple(config.perceptual_layers) if config.network == "crn" else ()


def generator_loss(config, target, fake, fake_logits=None, labels=None, vgg=None):
  """Sum over the network's losses of weight times loss; one of weight 0 is neither computed nor returned.

  Args:
    config: Config.
    target: float [N, H, W, 3] in [0, 1].
    fake: float, the same shape; for CRN [N, 9, H, W, 3].
    fake_logits: discriminator output for `fake`; unused without the adversarial term.
    labels: float [N, H, W, C], only for CRN.
    vgg: images -> dict of feature maps, only for CRN; None without layers.
  Returns:
    (float32 scalar, dict of the unweighted terms).
  """
  weights = {name: getattr(config, f"weight_{name}") for name in TERMS[config.network]}
  if config.network == "crn":
    errors = diverse_errors(config, target, fake, labels, vgg)
  formulas = {
      "adversarial": lambda: generator_log_loss(fake_logits),
      "l1": lambda: signed_l1(target, fake),
      "l2": lambda: banded_l2(target, fake, config.overlap),
      "best": lambda: best_of_labels(errors),
      "mean": lambda: mean_of_images(errors),
      "luma": lambda: luma_error(target, fake),
  }
  terms = {name: formulas[name]() for name, weight in weights.items() if weight}
  return sum(weights[name] * term for name, term in terms.items()), terms


def discriminator_loss(config, real_logits, fake_logits):
  """The discriminator's log loss; half of it for pix2pix, which slows it down relative to the generator (its Sec. 3.3).

  Args:
    config: Config; uses `network`.
    real_logits, fake_logits: float [N, ...].
  Returns:
    float32 scalar.
  """
  loss = discriminator_log_loss(real_logits, fake_logits)
  return loss / 2 if config.network == "pix2pix" else loss


def signed_l1(y_true, y_pred):
  """Mean absolute difference of images in [-1, 1], the range of pix2pix's weight of 100.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar, from 0 to 2.
  """
  y_true, y_pred = as_float32(y_true, y_pred)
  check_same_shape(y_true, y_pred)
  return SIGNED * tf.reduce_mean(tf.abs(y_true - y_pred))


def banded_l2(y_true, y_pred, overlap):
  """Mean squared difference of the middles of images in [-1, 1], with ten times the weight in a band along their border.

  Args:
    y_true, y_pred: float [N, S, S, 3] in [0, 1]; the middle is S / 2 pixels wide.
    overlap: int, width of the band; S / 4 or more makes it all of the middle.
  Returns:
    float32 scalar: a mean over all values of the middle, not normalized by the weights, as in the code.
  """
  y_true, y_pred = as_float32(centre(y_true), centre(y_pred))
  check_same_shape(y_true, y_pred)
  side = y_pred.shape[1]
  inner = max(0, side - 2 * overlap)
  around = [[0, 0], [overlap, side - overlap - inner], [overlap, side - overlap - inner], [0, 0]]
  weights = BAND - (BAND - 1) * tf.pad(tf.ones([1, inner, inner, 1]), around)
  return SIGNED ** 2 * tf.reduce_mean(weights * tf.math.squared_difference(y_true, y_pred))


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


def luma_error(y_true, y_pred):
  """Half the sum over pixels of the squared difference of luma, a mean over images: Caffe's Euclidean loss.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1]; luma in 0 .. 1 as of drrn.luma.
  Returns:
    float32 scalar, which grows with the size of the images.
  """
  y_true, y_pred = luma(y_true), luma(y_pred)
  check_same_shape(y_true, y_pred)
  return tf.reduce_mean(tf.reduce_sum(tf.math.squared_difference(y_true, y_pred), axis=(1, 2, 3))) / 2


def _masked(true, pred, labels):
  """Mean over positions of label times the mean absolute difference of channels: [N, K, h, w, c] -> [N, K, C]."""
  distance = tf.reduce_mean(tf.abs(true - pred), axis=-1)
  return tf.einsum("nkhw,nhwc->nkc", distance, labels) / float(labels.shape[1] * labels.shape[2])
