"""Q. Chen, V. Koltun: "Photographic Image Synthesis with Cascaded Refinement Networks", ICCV 2017, and its public code
(demo_256p.py)."""

import itertools
import math

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.baselines.crn.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.data.labels import LABEL_SETS

IMAGES = 9  # that are made of each label map; demo_256p.py
FIRST_ROWS = 4  # of the smallest module; demo_256p.py
NARROW_FROM = 128  # rows from which modules are half as wide; demo_256p.py
WIDTH = 16  # channels over base_channels below NARROW_FROM rows: 1024 of 64
SMALLEST = 8  # pixels; ours: of fewer, nearly all that the network sees would be mirrored
SLOPE = 0.2  # of LeakyReLU; demo_256p.py
EPSILON = 1e-12  # of TensorFlow Slim's layer normalization, in which the code is written


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class MapNormalization(OwnDefaults, keras.layers.Layer):
  """Normalizes each image by the mean and variance of all its numbers: [N, H, W, C] -> [N, H, W, C].

  y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, with one gamma and beta for each channel: TensorFlow Slim's
  layer normalization. Keras' would want a gamma for each position, and so maps of one size.

  Args:
    epsilon: float, added to the variance.
  """

  def __init__(self, epsilon=EPSILON, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})  # means of half-precision maps are taken in float32
    self.epsilon = epsilon

  def build(self, input_shape):
    options = {"shape": (input_shape[-1],), "autocast": False}
    self.gamma = self.add_weight(name="gamma", initializer="ones", **options)
    self.beta = self.add_weight(name="beta", initializer="zeros", **options)

  def call(self, inputs):
    x = tf.cast(inputs, tf.float32)
    mean = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=(1, 2, 3), keepdims=True)
    normalized = (x - mean) * tf.math.rsqrt(variance + self.epsilon) * self.gamma + self.beta
    return tf.cast(normalized, self.compute_dtype)

  def compute_output_shape(self, input_shape):
    return input_shape

  def get_config(self):
    return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Crn(ConfiguredModel):
  """Makes images of label maps, from coarse to fine: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  The input shows classes by the colours of `config.label_set`; each pixel counts as the class of the nearest colour, or,
  where black is nearer, as of no class. For 256 rows: modules of 4, 8, ... 256 rows, each a twice enlarged map of the one
  before (bilinear, corners on corners) beside the label map of that size, then two 3x3 convolutions, each with layer
  normalization and LeakyReLU 0.2, of 1024 channels below 128 rows and 512 from there on. A last 1x1 convolution gives nine
  images. 97,875,483 trained parameters with Cityscapes' 19 classes. With the label set "none" the image itself, in
  [-1, 1], takes the place of the label map.

  Of the nine one is returned, clipped at inference: `chosen` is its number. Training teaches little but the best of the
  nine for each class, so that the others may stay far from any photograph; before a validation or a save, the one
  that is nearest to training images is chosen. `diverse` gives all nine. Any height and width from 8 pixels:
  reflect-padded at the bottom and on the right to multiples of `image_size` / 4, and cropped back. The modules are those of
  `image_size` rows: of other images the first has more rows or fewer.

  Initial kernels are Glorot's, as TensorFlow Slim's.

  Departs from the code: it writes all nine, the first of them as the output.

  Args:
    config: Config; `label_set`, `image_size`, `base_channels` and `seed` count here.
  """

  config_class = Config
  architecture = ("label_set", "image_size", "load_size", "base_channels", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    self.multiple = config.image_size // FIRST_ROWS
    self.palette = _palette(config.label_set)
    policy, seeds = self.dtype_policy, itertools.count(1000 * config.seed)

    def convolution(name, filters, kernel, **options):
      return keras.layers.Conv2D(filters, kernel, padding="same", dtype=policy, name=name, **options,
                                 kernel_initializer=keras.initializers.GlorotUniform(next(seeds) % 2 ** 30))

    self.cascade = []
    for rows in (FIRST_ROWS * 2 ** index for index in range(1 + int(math.log2(self.multiple)))):
      width = config.base_channels * WIDTH // (2 if rows >= NARROW_FROM else 1)
      self.cascade.append([(convolution(f"rows{rows}_conv{half}", width, 3, use_bias=False),
                            MapNormalization(dtype=policy, name=f"rows{rows}_norm{half}")) for half in (1, 2)])
    self.last = convolution("last", 3 * IMAGES, 1)

  def build(self, input_shape):
    condition = len(self.palette) if self.palette is not None else input_shape[-1]
    channels = 0
    for module in self.cascade:
      channels += condition
      for convolution, norm in module:
        convolution.build((None, None, None, channels))
        channels = convolution.filters
        norm.build((None, None, None, channels))
    self.last.build((None, None, None, channels))
    self.chosen = self.add_weight(name="chosen", shape=(), dtype="int32", initializer="zeros", trainable=False)

  def labels(self, images):
    """Which class each pixel shows: float32 [N, H, W, classes + 1], 1 at its class, the last being none.

    With the label set "none", all pixels are of one class: [N, H, W, 1].
    """
    images = tf.cast(images, tf.float32)
    if self.palette is None:
      return tf.ones_like(images[..., :1])
    # |image - colour|^2 without the term that all colours share.
    distance = np.sum(np.square(self.palette), axis=-1) - 2 * tf.einsum("nhwc,kc->nhwk", images, self.palette)
    return tf.one_hot(tf.argmin(distance, axis=-1), len(self.palette))

  def call(self, images, training=False, diverse=False):
    """Makes images.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      training: bool; leaves the images unclipped.
      diverse: bool; whether all nine are returned, [N, 9, H, W, 3], instead of the chosen one.
    """
    check_images(images, smallest=SMALLEST)
    padded = pad_to_multiple(images, self.multiple)
    condition = self.labels(padded) if self.palette is not None else 2 * padded - 1
    conditions = [tf.cast(condition, self.compute_dtype)]
    for _ in self.cascade[1:]:
      conditions.append(tf.nn.avg_pool2d(conditions[-1], 2, 2, "VALID"))  # by area
    features = None
    for module, condition in zip(self.cascade, reversed(conditions)):
      features = condition if features is None else tf.concat([_enlarged(features), condition], axis=-1)
      for convolution, norm in module:
        features = tf.nn.leaky_relu(norm(convolution(features)), SLOPE)
    candidates = (tf.cast(self.last(features), tf.float32) + 1) / 2
    if not training:
      candidates = tf.clip_by_value(candidates, 0.0, 1.0)
    # Nine reds, nine greens, nine blues.
    if not diverse:
      return crop_like(tf.gather(candidates, self.chosen + np.arange(3) * IMAGES, axis=-1), images)
    return tf.stack([crop_like(candidates[..., number::IMAGES], images) for number in range(IMAGES)], axis=1)

  def choose(self, pairs):
    """Sets `chosen` to the one of the nine whose mean absolute difference from the targets is the least.

    Args:
      pairs: iterable of batches (source, target), float32 [N, H, W, 3].
    """
    distances = [tf.reduce_mean(tf.abs(self(source, diverse=True) - target[:, None]), axis=(0, 2, 3, 4))
                 for source, target in pairs]
    self.chosen.assign(tf.argmin(tf.add_n(distances), output_type=tf.int32))


def _palette(label_set):
  """Colours of the classes and black, float32 [classes + 1, 3] in [0, 1]; None for images without classes."""
  if label_set == "none":
    return None
  return np.array([*LABEL_SETS[label_set].colors, (0, 0, 0)], np.float32) / 255


def _enlarged(features):
  """Twice as high and wide, bilinear, corners on corners."""
  size = [2 * side if side is not None else 2 * tf.shape(features)[axis]
          for axis, side in enumerate(features.shape[1:3], 1)]
  return tf.cast(tf.raw_ops.ResizeBilinear(images=features, size=size, align_corners=True), features.dtype)


def crn(**options):
  """The cascaded refinement network; options are fields of Config."""
  return Crn(from_dict(Config, options), name="crn")
