"""The network FCN-8s (Sec. 4): VGG16 made convolutional, with class scores of three depths, added on the way up."""

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.config import Config
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.pyramid import pool_by_slices
from tf_imgtrans.core.shapes import check_images, crop_like
from tf_imgtrans.data.labels import LABEL_SETS
from tf_imgtrans.layers.dropout import seeded_dropout

MEAN_BGR = (72.78044, 83.21195, 73.45286)  # of Cityscapes' images in 0..255; pix2pix, scripts/eval_cityscapes
STRIDE = 32  # of the innermost map
CONVOLUTIONS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # per block: width over base_channels, and how many; VGG16
MOMENTUM, EPSILON = 0.9, 1e-5  # of batch normalization; Torch's


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Fcn8s")
class Segmenter(ConfiguredModel):
  """Scores the classes of every pixel: float [N, H, W, 3], RGB in [0, 1] -> float32 logits [N, H, W, classes].

  Five blocks of 3x3 convolutions and ReLU with 2x2 max pooling after each (64, 64; 128, 128; 256 three times; 512 three
  times; 512 three times), fc6 of 7x7 and fc7 of 1x1 with 4096 channels, ReLU and dropout. 1x1 convolutions give class
  scores after fc7, pool4 and pool3. The first are doubled in size by a transposed 4x4 convolution and added to the
  second, the sum likewise to the third, and that sum is enlarged eightfold by a transposed 16x16 one. With 19 classes and
  the default widths 134,456,985 parameters; the 92,416 of the last enlargement stay bilinear (Sec. 4.3) and are not
  trained, those of the two before it begin bilinear.

  Scores begin at 0 (Sec. 4.3). Inside, values are BGR times 255, less MEAN_BGR.

  Any height and width: at the bottom and on the right, zeros, which are the mean colour, fill up to a multiple of 32, and
  the logits are cropped back.

  Departs from the paper: convolutions are padded by half their kernel, where the authors pad the image by 100 pixels and
  crop by offsets. So every map lies exactly over its pixels, and a 96-pixel image does not become one of 296. The
  trunk begins at random (He), where the paper begins with the weights of VGG16; with `batch_normalization`, which the
  paper does not have, it learns from there.

  Args:
    config: Config; `label_set`, `image_size`, `load_size`, `base_channels`, `fc_channels`, `batch_normalization`, `dropout`
      and `seed` count here. The sizes shape nothing: they tell at which size a saved segmenter works.
  """

  config_class = Config
  architecture = ("label_set", "image_size", "load_size", "base_channels", "fc_channels", "batch_normalization", "dropout",
                  "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.classes = len(LABEL_SETS[config.label_set])
    policy, number = self.dtype_policy, 0

    def stage(name, filters, kernel):
      """(convolution, normalization or None) of one stage of the trunk."""
      nonlocal number
      number += 1
      initializer = keras.initializers.HeNormal((1000 * config.seed + number) % 2 ** 30)
      norm = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=policy,
                                             name=f"{name}_norm") if config.batch_normalization else None
      return keras.layers.Conv2D(filters, kernel, padding="same", use_bias=norm is None, dtype=policy, name=name,
                                 kernel_initializer=initializer), norm

    def score(name):
      return keras.layers.Conv2D(self.classes, 1, kernel_initializer="zeros", dtype=policy, name=name)

    def enlarge(name, factor, trainable=True):
      return keras.layers.Conv2DTranspose(self.classes, 2 * factor, factor, padding="same", use_bias=False, dtype=policy,
                                          name=name, kernel_initializer=Bilinear(), trainable=trainable)

    self.blocks = [[stage(f"conv{block}_{index}", width * config.base_channels, 3) for index in range(1, count + 1)]
                   for block, (width, count) in enumerate(CONVOLUTIONS, 1)]
    self.fc6, self.fc7 = stage("fc6", config.fc_channels, 7), stage("fc7", config.fc_channels, 1)
    self.score_fr, self.score_pool4, self.score_pool3 = (score(f"score_{name}") for name in ("fr", "pool4", "pool3"))
    self.upscore2, self.upscore_pool4 = enlarge("upscore2", 2), enlarge("upscore_pool4", 2)
    self.upscore8 = enlarge("upscore8", 8, trainable=False)
    self.pool_by_slices = False  # True where XLA compiles deterministically: it has no such gradient of max_pool2d

  def call(self, images, dropout_seed=None, training=False):
    """Scores a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; in training, the same seed drops the same numbers, and without one none are dropped.
      training: bool; drops numbers, and normalizes by the batch's means.
    """
    check_images(images)
    drop = seeded_dropout(self.config.dropout, dropout_seed) if training else None

    def run(stage, features):
      convolution, norm = stage
      features = convolution(features)
      return tf.nn.relu(norm(features, training=training) if norm else features)

    def dropped(features, stream):
      return drop(features, stream) if drop else features

    features, pools = _fill_up(tf.cast(caffe_colors(images), self.compute_dtype)), []
    for stages in self.blocks:
      for stage in stages:
        features = run(stage, features)
      features = pool_by_slices(features) if self.pool_by_slices else tf.nn.max_pool2d(features, 2, 2, "VALID")
      pools.append(features)
    features = dropped(run(self.fc7, dropped(run(self.fc6, features), 6)), 7)
    scores = self.upscore2(self.score_fr(features)) + self.score_pool4(pools[3])
    scores = self.upscore8(self.upscore_pool4(scores) + self.score_pool3(pools[2]))
    return crop_like(tf.cast(scores, tf.float32), images)


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Fcn8sBilinear")
class Bilinear(keras.initializers.Initializer):
  """Kernel [2 f, 2 f, C, C] of a transposed convolution of stride f that enlarges each channel alone, bilinearly.

  With padding "same" it is half-pixel-centred: away from the borders the same as `tf.image.resize`. Beyond the border
  lie zeros, as in the authors' code.
  """

  def __call__(self, shape, dtype=None):
    height, width, channels, others = shape
    return tf.constant(_tent(height)[:, None, None, None] * _tent(width)[None, :, None, None] * np.eye(channels, others),
                       dtype or "float32")


def caffe_colors(images):
  """RGB in [0, 1] -> BGR in 0..255 less MEAN_BGR, float32, which the authors' networks take."""
  return tf.reverse(tf.cast(images, tf.float32), (-1,)) * 255.0 - tf.constant(MEAN_BGR)


def _tent(size):
  """Weights of the `size` pixels that one pixel spreads over: float64 [size], symmetric, highest in the middle."""
  factor = size / 2
  return 1 - np.abs(np.arange(size) + 0.5 - factor) / factor


def _fill_up(features):
  """[N, H, W, C] with zeros at the bottom and on the right, up to multiples of STRIDE."""
  sizes = [static or dynamic for static, dynamic in zip(features.shape[1:3], tf.unstack(tf.shape(features))[1:3])]
  if all(isinstance(size, int) and size % STRIDE == 0 for size in sizes):
    return features
  padded = tf.pad(features, [[0, 0], *([0, -size % STRIDE] for size in sizes), [0, 0]])
  known = [-(-size // STRIDE) * STRIDE if isinstance(size, int) else None for size in sizes]
  return tf.ensure_shape(padded, (None, *known, features.shape[-1]))
