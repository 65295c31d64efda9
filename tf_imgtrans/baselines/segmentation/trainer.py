"""Training of FCN-8s: the mean cross-entropy over the pixels that have a class (Sec. 4.3)."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.config import Config
from tf_imgtrans.baselines.segmentation.network import Segmenter
from tf_imgtrans.baselines.segmentation.score import SegmentationValidator
from tf_imgtrans.training.trainer import GanTrainer


class Trainer(GanTrainer):
  """The segmenter with its optimizer; to the shared loop it is the run's generator.

  Batches are (photographs, classes), float32 [N, H, W, 3] in [0, 1] and uint8 [N, H, W], where 255 is ignored.

  Departs from the authors' code: the loss is a mean over pixels and not a sum, with a learning rate to match; biases learn
  as fast as kernels, and not twice as fast; the enlargements before the last one are trained, as the paper says.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    self.generator = Segmenter(config, dtype=precision, name="generator")
    self.generator(keras.Input((None, None, 3)))
    self.generator_optimizer = self._optimizer()
    self.finish(generator=self.generator, generator_optimizer=(self.generator_optimizer, self.generator))

  def train_step(self, data):
    """One step on a batch: dict of the cross-entropy, the share of pixels that are right, and the weight decay; scalars."""
    photographs, classes = data
    with tf.GradientTape() as tape:
      logits = self.generator(photographs, dropout_seed=self.seed("dropout"), training=True)
      terms = {"cross_entropy": cross_entropy(logits, classes)}
      if self.config.weight_decay:
        terms["decay"] = self.config.weight_decay * half_squares(self.generator)
      loss = tf.add_n(list(terms.values()))
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    self.step.assign_add(1)
    return {"total": loss, **terms, "pixel_accuracy": _accuracy(logits, classes)}

  def validator(self, images, score):  # noqa: ARG002 - classes are judged in their own way
    """What judges the run on held-out photographs: SegmentationValidator.

    Args:
      images: list of (name, photograph, classes) of the data's `validation`.
    """
    return SegmentationValidator(images, self.config.label_set)

  def _optimizer(self):
    if self.config.optimizer == "adam":
      return self.adam("generator_adam", self.config.learning_rate)
    return self.loss_scaled(keras.optimizers.SGD(self.config.learning_rate, self.config.momentum, name="generator_sgd"))


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
