"""Generator of Sec. 3.3: down, residual blocks and up, as Johnson; where the paper is silent, as pix2pixHD."""

import keras
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.layers.dropout import drop_out
from tf_imgtrans.papers.x_gans.config import Config

LEAK = 0.2  # slope of LeakyReLU below zero; not given, pix2pixHD's discriminators have the same
STDDEV = 0.02  # of the initial kernels around 0 and of the norms' scales around 1; pix2pixHD
MOMENTUM, EPSILON = 0.9, 1e-5  # batch normalization of Torch, in which pix2pixHD is written


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

  Any height and width from 8 pixels (16 with three downsamplings): sizes are reflect-padded at the bottom and on the
  right to a multiple of 4 (8), and cropped back. On several devices, each normalizes the images that it holds, and the
  running means are those of the first.

  Args:
    config: Config; `downsamplings`, `base_channels`, `residual_blocks`, `dropout` and `seed` count here.
  """

  config_class = Config
  architecture = ("downsamplings", "base_channels", "residual_blocks", "dropout", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    self.multiple = 2 ** config.downsamplings
    self.smallest = 2 * self.multiple  # below it, the innermost map has no second pixel to reflect
    policy = self.dtype_policy
    number = 0

    def drawn(mean, stream):
      return keras.initializers.RandomNormal(mean, STDDEV, (1000 * config.seed + stream + number) % 2 ** 30)

    def convolution(name, filters, kernel, padding="valid", stride=1, kind=keras.layers.Conv2D):
      nonlocal number
      number += 1
      return kind(filters, kernel, stride, padding, dtype=policy, name=f"{name}conv", kernel_initializer=drawn(0.0, 0))

    def normalized(name, *arguments, **options):
      layer = convolution(name, *arguments, **options)
      return layer, keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=policy,
                                                    name=layer.name.replace("conv", "norm"),
                                                    gamma_initializer=drawn(1.0, 250))

    widths = [config.base_channels * 2 ** index for index in range(config.downsamplings + 1)]
    self.stem = normalized("stem_", widths[0], 7)
    # Torch pads a stride's odd pixel on the top left, "same" on the bottom right: the same network, turned by half a turn.
    self.down = [normalized(f"down{index}_", width, 3, "same", 2) for index, width in enumerate(widths[1:], 1)]
    self.blocks = [[normalized(f"block{index}_{half}_", widths[-1], 3) for half in (1, 2)]
                   for index in range(1, config.residual_blocks + 1)]
    self.up = [normalized(f"up{index}_", width, 3, "same", 2, keras.layers.Conv2DTranspose)
               for index, width in enumerate(widths[-2::-1], 1)]
    self.last = convolution("last_", 3, 7)

  def build(self, input_shape):
    channels = input_shape[-1]
    for convolution, norm in [self.stem, *self.down, *sum(self.blocks, []), *self.up]:
      convolution.build((None, None, None, channels))
      channels = convolution.filters
      norm.build((None, None, None, channels))
    self.last.build((None, None, None, channels))

  def call(self, images, dropout_seed=None, training=False):
    """Reconstructs a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; in training, the same seed drops the same numbers, and without one none are dropped.
      training: bool; drops numbers, and normalizes by the batch's means.
    """
    check_images(images)
    for name, size in zip(("height", "width"), images.shape[1:3]):
      if size is not None and size < self.smallest:
        raise ValueError(f"{name} is {size}: the generator needs at least {self.smallest} pixels; enlarge the image")

    def run(layers, features):
      convolution, norm = layers
      return norm(convolution(features), training=training)

    def activated(layers, features):
      return tf.nn.leaky_relu(run(layers, features), LEAK)

    drops = training and self.config.dropout > 0 and dropout_seed is not None
    seed = as_seed_pair(dropout_seed) if drops else None
    features = pad_to_multiple(tf.cast(2 * images - 1, self.compute_dtype), self.multiple)
    features = activated(self.stem, _reflect(features, 3))
    for layers in self.down:
      features = activated(layers, features)
    for index, (first, second) in enumerate(self.blocks):
      branch = activated(first, _reflect(features, 1))
      if drops:
        branch = drop_out(branch, self.config.dropout, fold_in(seed, index))
      features = features + run(second, _reflect(branch, 1))
    for layers in self.up:
      features = activated(layers, features)
    signed = tf.tanh(tf.cast(self.last(_reflect(features, 3)), tf.float32))
    return crop_like((signed + 1) / 2, images)

  def compute_output_shape(self, input_shape):
    return tuple(input_shape)


def x_gans(**options):
  """The generator; options are fields of Config."""
  return Generator(from_dict(Config, options), name="x_gans")


def _reflect(features, width):
  """[N, H, W, C] -> [N, H + 2 width, W + 2 width, C]."""
  return tf.pad(features, [[0, 0], [width, width], [width, width], [0, 0]], mode="REFLECT")
