"""Y. Tai, J. Yang, X. Liu: "Image Super-Resolution via Deep Recursive Residual Network", CVPR 2017, and its public code
(caffe_files/DRRN_B1U25_52C128)."""

import itertools

import keras
import tensorflow as tf

from tf_imgtrans.baselines.drrn.recipe import Config
from tf_imgtrans.core.color import STUDIO_LUMA, STUDIO_OFFSET
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import check_same_shape, copies
from tf_imgtrans.training.supervised import SupervisedTrainer

MOMENTUM, EPSILON = 0.999, 1e-5  # of Caffe's batch normalization
GAIN = sum(STUDIO_LUMA) / 255  # luma of white over that of black, in 0 .. 1: what a grey level counts for


def luma(images):
  """Y of BT.601 in studio range, as MATLAB's rgb2ycbcr, over 255: float [..., 3] -> float32 [..., 1]."""
  weights = tf.constant(STUDIO_LUMA, tf.float32) / 255
  return tf.reduce_sum(tf.cast(images, tf.float32) * weights, axis=-1, keepdims=True) + STUDIO_OFFSET / 255


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Drrn(ConfiguredModel):
  """Sharpens images that were enlarged by bicubic interpolation: float32 [N, H, W, 3] in [0, 1] -> the same.

  B1U25: a 3x3 convolution of the luma to 128 channels; 25 residual units of two 3x3 convolutions, whose kernels and biases
  they share, each added to the first convolution's output; a 3x3 convolution to one channel, added to the luma. 52
  convolutions on the way, batch normalization (each its own) and ReLU before every one. 297,216 numbers in the kernels, the
  paper's 297K, 297,601 with the biases; with the normalizations' factors and offsets 310,659 trained parameters.

  Only Y changes; Cb and Cr of the source pass through. At inference, values are clipped. Initial kernels are He's. On
  several devices, each normalizes the images that it holds, and the running means are those of the first.

  Departs from the code: biases learn as fast as kernels, where it has a tenth of the rate.

  Args:
    config: Config; `base_channels`, `residual_units` and `seed` count here.
  """

  config_class = Config
  architecture = ("base_channels", "residual_units", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    policy, seeds = self.dtype_policy, itertools.count(1000 * config.seed)

    def convolution(name, filters):
      return keras.layers.Conv2D(filters, 3, padding="same", dtype=policy, name=name,
                                 kernel_initializer=keras.initializers.HeNormal(next(seeds) % 2 ** 30))

    def norm(name):
      return keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=policy, name=name)

    self.first = (norm("first_norm"), convolution("first_conv", config.base_channels))
    self.shared = [convolution(f"unit_conv{half}", config.base_channels) for half in (1, 2)]
    self.norms = [[norm(f"unit{unit}_norm{half}") for half in (1, 2)] for unit in range(1, config.residual_units + 1)]
    self.last = (norm("last_norm"), convolution("last_conv", 1))

  def call(self, images, training=False):
    check_images(images)

    def run(norm, convolution, features):
      return convolution(tf.nn.relu(norm(features, training=training)))

    features, *starts = copies(run(*self.first, tf.cast(luma(images), self.compute_dtype)), 1 + len(self.norms))
    for start, norms in zip(starts, self.norms):
      branch = features
      for norm, convolution in zip(norms, self.shared):
        branch = run(norm, convolution, branch)
      features = start + branch
    residual = tf.cast(run(*self.last, features), tf.float32)
    # A change of Y alone changes red, green and blue alike.
    sharp = tf.cast(images, tf.float32) + residual / GAIN
    return sharp if training else tf.clip_by_value(sharp, 0.0, 1.0)


def drrn(**options):
  """DRRN; options are fields of Config."""
  return Drrn(from_dict(Config, options), name="drrn")


def luma_error(y_true, y_pred):
  """Half the sum over pixels of the squared difference of luma, a mean over images: Caffe's Euclidean loss.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1]; luma in 0 .. 1 as of `luma`.
  Returns:
    float32 scalar, which grows with the size of the images.
  """
  y_true, y_pred = luma(y_true), luma(y_pred)
  check_same_shape(y_true, y_pred)
  return tf.reduce_mean(tf.reduce_sum(tf.math.squared_difference(y_true, y_pred), axis=(1, 2, 3))) / 2


class BoundedSgd(keras.optimizers.SGD):
  """Stochastic gradient descent with momentum, adjustable gradient clipping and weight decay.

  First, gradients are clipped to a global norm of `bound` over the learning rate, so that a smaller rate lets larger
  gradients pass; then `decay` times the weights is added, as in Caffe. Each of several devices clips the gradients of its
  own images.

  Args:
    learning_rate: float, or schedule.
    momentum: float.
    bound: float > 0; norm of the largest step of the weights, before momentum and decay.
    decay: float.
  """

  def __init__(self, learning_rate, momentum, bound, decay, name):
    super().__init__(learning_rate, momentum, name=name)
    self.bound = bound
    self.decay = decay

  def apply(self, grads, trainable_variables=None):
    bounded, _ = tf.clip_by_global_norm([tf.convert_to_tensor(gradient) for gradient in grads],
                                        self.bound / tf.cast(self.learning_rate, tf.float32))
    variables = self._trainable_variables if trainable_variables is None else trainable_variables
    super().apply([gradient + self.decay * tf.convert_to_tensor(variable)
                   for gradient, variable in zip(bounded, variables)], trainable_variables)


class Trainer(SupervisedTrainer):
  """DRRN's training by the squared error of luma; its arguments are those of SupervisedTrainer."""

  generator_class = Drrn

  def optimizer_of_generator(self):
    config = self.config
    rate = keras.optimizers.schedules.ExponentialDecay(config.learning_rate, config.halve_every, 0.5, staircase=True)
    return BoundedSgd(rate, config.momentum, config.gradient_bound, config.weight_decay, "generator_sgd")

  def losses(self, source, target, fake):
    error = luma_error(target, fake)
    return error, {"luma": error}
