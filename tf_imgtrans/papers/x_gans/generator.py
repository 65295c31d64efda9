"""Generator of Sec. 3.3: down, residual blocks and up, as Johnson; where the paper is silent, as pix2pixHD."""

import keras
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.pyramid import fill_missing
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.core.tensors import signed_tanh, to_signed
from tf_imgtrans.layers.dropout import seeded_dropout
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.resnet import transform
from tf_imgtrans.papers.x_gans.config import Config

LEAK = 0.2  # slope of LeakyReLU below zero; not given, pix2pixHD's discriminators have the same
NEARLY_WHITE = 254.5 / 255  # a pixel is missing whose colours all round to white
NEARLY_NOTHING = 1e-3  # deviation of the last kernel without normalization: more would begin where tanh is flat; ours
SMALLEST = 8  # pixels; ours: of fewer, nearly all that the network sees would be mirrored


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="XGansGenerator")
class Generator(ConfiguredModel):
  """Reconstructs corrupted images: float32 [N, H, W, 3] in [0, 1] -> the same shape and range; [-1, 1] inside.

  With the defaults 7x7x64; 3x3x128 and 3x3x256 of stride 2; nine residual blocks of two 3x3x256; transposed 3x3x128 and
  3x3x64 of stride 2; 7x7x3 and tanh. All but the last are followed by batch normalization and LeakyReLU 0.2, but for the
  second of a residual block, which has no LeakyReLU. 7x7 kernels and residual blocks see their map reflected beyond its
  border, the others see zeros there. In training, half of the numbers between the two convolutions of a residual block
  are dropped.

  "Three convolutions" (Sec. 3.3) are those of 7x7 and of stride 2 here: 11,388,675 trained parameters. With
  `downsamplings=3`, pix2pixHD's global generator, there is one more stride on either side and the blocks have 512
  channels: 45,614,595. Initial weights are pix2pixHD's.

  Any height and width from 8 pixels: sizes are reflect-padded at the bottom and on the right to a multiple of 4 (with
  three downsamplings of 8, and to 16 at least), and cropped back. Batch normalization takes the means of each image alone,
  as with the paper's batch of 1; with `normalization="batch"` those of the batch, on several devices of the images that
  each holds, and the running means are those of the first. With `normalization="none"` nothing is normalized, and kernels
  start as in He et al., the last one near zero.

  With `fill="pyramid"` missing pixels, which are white, are filled first (`core.pyramid.fill_missing`); the network sees
  the filled image and which pixels were known, and what it gives, within [-1, 1] by its tanh, is added to the former.

  Args:
    config: Config; `downsamplings`, `base_channels`, `residual_blocks`, `dropout`, `normalization`, `fill` and `seed` count
      here.
  """

  config_class = Config
  architecture = ("downsamplings", "base_channels", "residual_blocks", "dropout", "normalization", "fill", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    self.multiple = 2 ** config.downsamplings
    self.least = 2 * self.multiple  # below it, the innermost map has no second pixel to reflect
    plain = config.normalization == "none"
    stages = Stages(config.seed, self.dtype_policy, 1, 251, _he_normal if plain else None, config.normalization)
    widths = [config.base_channels * 2 ** index for index in range(config.downsamplings + 1)]
    self.stem = stages.stage("stem_{}", widths[0], 7, 1, "valid")
    # Torch pads a stride's odd pixel on the top left, "same" on the bottom right: the same network, turned by half a turn.
    self.down = [stages.stage(f"down{index}_{{}}", width, 3) for index, width in enumerate(widths[1:], 1)]
    self.blocks = [[stages.stage(f"block{index}_{half}_{{}}", widths[-1], 3, 1, "valid") for half in (1, 2)]
                   for index in range(1, config.residual_blocks + 1)]
    self.up = [stages.stage(f"up{index}_{{}}", width, 3, transposed=True) for index, width in enumerate(widths[-2::-1], 1)]
    self.last = stages.convolution("last_conv", 3, 7, 1, "valid")
    if plain:
      self.last.kernel_initializer = keras.initializers.RandomNormal(0.0, NEARLY_NOTHING, config.seed)

  def call(self, images, dropout_seed=None, training=False):
    """Reconstructs a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; in training, the same seed drops the same numbers, and without one none are dropped.
      training: bool; drops numbers, and normalizes by the batch's means.
    """
    check_images(images, smallest=SMALLEST)
    seen, filled = images, None
    if self.config.fill == "pyramid":
      images = tf.cast(images, tf.float32)
      known = tf.cast(tf.reduce_min(images, axis=-1, keepdims=True) < NEARLY_WHITE, tf.float32)
      filled = fill_missing(images, known)
      seen = tf.concat([filled, known], axis=-1)
    features = pad_to_multiple(to_signed(seen, self.compute_dtype), self.multiple, self.least)
    features = transform(features, [self.stem, *self.down], self.blocks, self.up, self.last,
                         lambda features: tf.nn.leaky_relu(features, LEAK), training,
                         seeded_dropout(self.config.dropout, dropout_seed) if training else None)
    if filled is None:
      return crop_like(signed_tanh(features), images)
    added = crop_like(tf.tanh(tf.cast(features, tf.float32)), images)
    return tf.clip_by_value(filled + added, 0.0, 1.0)


def _he_normal(seed):
  """Without normalization maps keep their size, from the first step on, by kernels scaled by what they sum over."""
  return {"kernel_initializer": keras.initializers.HeNormal(seed)}


def x_gans(**options):
  """The generator; options are fields of Config."""
  return Generator(from_dict(Config, options), name="x_gans")
