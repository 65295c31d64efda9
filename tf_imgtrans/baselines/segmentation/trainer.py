"""Training of FCN-8s: the mean cross-entropy over the pixels that have a class (Sec. 4.3)."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.config import Config
from tf_imgtrans.baselines.segmentation.network import Segmenter
from tf_imgtrans.baselines.segmentation.score import SegmentationValidator
from tf_imgtrans.training.trainer import BaseTrainer


class Trainer(BaseTrainer):
  """The segmenter with its optimizer; the shared training loop knows it as `generator`.

  Batches are (photographs, classes), float32 [N, H, W, 3] in [0, 1] and uint8 [N, H, W], where 255 is ignored.

  Departs from the authors' code: the loss is a mean over pixels instead of a sum, with a learning rate to match; biases
  have the learning rate of kernels instead of twice that; the upsamplings before the last one are trained, as in the paper.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    sgd = config.optimizer == "sgd"
    self.generator = self.player(
        "generator", Segmenter(config, dtype=precision, name="generator"), (None, None, 3),
        optimizer=keras.optimizers.SGD(config.learning_rate, config.momentum, name="generator_sgd") if sgd else None)

  def train_on(self, photographs, classes):
    """One step on a batch: dict of the cross-entropy, the weight decay, and the share of correctly classified pixels."""
    with self.update(self.generator) as step:
      logits = self.generator(photographs, dropout_seed=self.seed("dropout"), training=True)
      terms = {"cross_entropy": cross_entropy(logits, classes)}
      if self.config.weight_decay:
        terms["decay"] = self.config.weight_decay * half_squares(self.generator)
      step.loss = tf.add_n(list(terms.values()))
    return {"total": step.loss, **terms, "pixel_accuracy": _accuracy(logits, classes)}

  def prepare_xla(self):
    self.generator.pool_by_slices = True

  def validator(self, images, score):  # noqa: ARG002 - classes have metrics of their own
    """Validation by pixel accuracy, class accuracy and class IoU on held-out photographs: SegmentationValidator.

    Args:
      images: list of (name, photograph, classes) of the data's `validation`.
    """
    return SegmentationValidator(images, self.config.label_set)


def cross_entropy(logits, classes):
  """Mean over the pixels that have a class of -log softmax(logits)[class]; 0 where none has one.

  Args:
    logits: float [N, H, W, C].
    classes: integer [N, H, W]; C and above, such as 255, is ignored.
  Returns:
    float32 scalar.
  """
  counted, classes = _counted(logits, classes)
  each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(counted, classes, 0), tf.cast(logits, tf.float32))
  return tf.math.divide_no_nan(tf.reduce_sum(tf.where(counted, each, 0.0)), tf.reduce_sum(tf.cast(counted, tf.float32)))


def half_squares(network):
  """Half the sum of squares of all trained kernels, whose gradient is the kernels: float32 scalar."""
  return tf.add_n([tf.nn.l2_loss(variable.value) for variable in network.trainable_variables if variable.name == "kernel"])


def _accuracy(logits, classes):
  counted, classes = _counted(logits, classes)
  right = counted & (tf.argmax(logits, axis=-1, output_type=tf.int32) == classes)
  return tf.math.divide_no_nan(tf.reduce_sum(tf.cast(right, tf.float32)), tf.reduce_sum(tf.cast(counted, tf.float32)))


def _counted(logits, classes):
  """(bool [N, H, W], whether a pixel has a class; the classes as int32)."""
  classes = tf.cast(classes, tf.int32)
  return classes < tf.shape(logits)[-1], classes
