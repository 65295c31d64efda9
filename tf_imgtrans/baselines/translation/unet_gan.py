"""pix2pix: P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros: "Image-to-Image Translation with Conditional Adversarial Networks",
CVPR 2017, and its public code (models.lua, train.lua); and `cnn`, the same generator trained by L1 alone."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.translation.config import CONFIGS, named
from tf_imgtrans.baselines.translation.stages import SLOPE, Method, Stages, build, run
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.core.tensors import check_same_shape
from tf_imgtrans.layers.dropout import drop_out

WIDEST = 8  # times base_channels; models.lua
DROPPED = 3  # innermost stages of the decoder that drop numbers; models.lua
STRIDES = (2, 2, 2, 1)  # of the discriminator's convolutions before the one that gives the logits; models.lua
SMALLEST_JUDGED = 32  # pixels; the last convolution sees 4 of them


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Pix2pixUnet")
class Unet(Method):
  """Translates images by a U-Net: float32 [N, H, W, 3] in [0, 1] -> the same shape and range; [-1, 1] inside.

  For 256 pixels: 4x4 convolutions of stride 2 and 64, 128, 256 and five times 512 channels, down to one pixel; transposed
  ones of 512 (four times), 256, 128, 64 and 3 channels back, each but the first beside the maps of its size on the way
  down. LeakyReLU 0.2 before each convolution but the first, ReLU before each transposed one, and a normalization after
  each but the first, the innermost and the last, after which there is tanh. 54,413,955 trained parameters: no
  convolution but the last has a bias. Other sizes have as many stages as they can be halved.

  In training, half of the numbers of the three innermost stages of the decoder are dropped. Initial weights are the code's.
  Any height and width from just above half of `image_size`: they are reflect-padded at the bottom and on the right to its
  multiples, and cropped back. On several devices, each normalizes the images that it holds, and the running means are
  those of the first.

  Departs from the code: images of a test are normalized by means over training images, and nothing is dropped, unless
  `normalization` is "instance" and a `dropout_seed` is given.

  Args:
    config: Config; `image_size`, `base_channels`, `normalization`, `dropout` and `seed` count here.
  """

  architecture = ("network", "image_size", "load_size", "base_channels", "normalization", "dropout", "seed")

  def __init__(self, config=CONFIGS["pix2pix"], **kwargs):
    super().__init__(config, **kwargs)
    self.scale = 1
    self.multiple = config.image_size
    self.smallest = self.multiple // 2 + 1  # less could not be reflected to a multiple
    stages = Stages(config.seed, self.dtype_policy)
    count = int(math.log2(config.image_size))
    widths = [config.base_channels * min(2 ** index, WIDEST) for index in range(count)]
    self.encoder = [(stages.convolution("enc1", widths[0], use_bias=False), None)]
    self.encoder += [stages.normalized(f"enc{index}", width, normalization=config.normalization)
                     for index, width in enumerate(widths[1:-1], 2)]
    self.encoder.append((stages.convolution(f"enc{count}", widths[-1], use_bias=False), None))
    self.decoder = [stages.normalized(f"dec{index}", width, transposed=True, normalization=config.normalization)
                    for index, width in enumerate(widths[-2::-1], 1)]
    self.last = stages.convolution("last", 3, transposed=True)

  def build(self, input_shape):
    channels = build(self.encoder, input_shape[-1])
    for index, stage in enumerate(self.decoder):
      channels = build([stage], channels) + self.encoder[-2 - index][0].filters
    self.last.build((None, None, None, channels))

  def call(self, images, dropout_seed=None, training=False):
    """Translates a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; the same seed drops the same numbers, and without one none are dropped.
      training: bool; normalizes by the batch's means.
    """
    check_images(images)
    for name, size in zip(("height", "width"), images.shape[1:3]):
      if size is not None and size < self.smallest:
        raise ValueError(f"{name} is {size}: the generator needs at least {self.smallest} pixels; enlarge the image, or "
                         "make a network of a smaller image_size")
    drops = dropout_seed is not None and self.config.dropout > 0
    seed = as_seed_pair(dropout_seed) if drops else None
    features = pad_to_multiple(tf.cast(2 * images - 1, self.compute_dtype), self.multiple)
    passed = []
    for index, stage in enumerate(self.encoder):
      features = run(stage, tf.nn.leaky_relu(features, SLOPE) if index else features, training)
      passed.append(features)
    passed.pop()
    for index, stage in enumerate(self.decoder):
      features = run(stage, tf.nn.relu(features), training)
      if drops and index < DROPPED:
        features = drop_out(features, self.config.dropout, fold_in(seed, index))
      features = tf.concat([features, passed.pop()], axis=-1)
    signed = tf.tanh(tf.cast(self.last(tf.nn.relu(features)), tf.float32))
    return crop_like((signed + 1) / 2, images)

  def compute_output_shape(self, input_shape):
    return tuple(input_shape)


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Pix2pixDiscriminator")
class Discriminator(Method):
  """Tells real images from translated ones beside their source, on patches of 70x70 pixels: logits, real above 0.

  4x4 convolutions, padded with zeros by 1, of 64, 128, 256 (stride 2), 512 and 1 channels (stride 1), with LeakyReLU 0.2
  between them and a normalization after all but the first and the last: 2,768,705 trained parameters, and 30x30 logits
  for 256x256 pixels.

  Args:
    config: Config; `discriminator_channels`, `normalization` and `seed` count here.
  """

  architecture = ("network", "discriminator_channels", "normalization", "seed")

  def __init__(self, config=CONFIGS["pix2pix"], **kwargs):
    super().__init__(config, **kwargs)
    stages = Stages(config.seed, self.dtype_policy, first=500)
    widths = [config.discriminator_channels * 2 ** index for index in range(len(STRIDES))]
    self.stages = [(stages.convolution("conv1", widths[0], STRIDES[0], padding="valid"), None)]
    self.stages += [stages.normalized(f"conv{index}", width, stride, padding="valid", normalization=config.normalization)
                    for index, (width, stride) in enumerate(zip(widths[1:], STRIDES[1:]), 2)]
    self.head = stages.convolution("head", 1, 1, padding="valid", dtype="float32")

  def build(self, source_shape, images_shape):
    self.head.build((None, None, None, build(self.stages, source_shape[-1] + images_shape[-1])))

  def call(self, source, images, training=False):
    """Judges a batch.

    Args:
      source, images: float [N, H, W, 3] in [0, 1], at least 32 pixels high and wide.
      training: bool; normalizes by the batch's means.
    Returns:
      float32 [N, h, w, 1].
    """
    check_images(source, "source")
    check_images(images)
    check_same_shape(source, images)
    for name, size in zip(("height", "width"), images.shape[1:3]):
      if size is not None and size < SMALLEST_JUDGED:
        raise ValueError(f"{name} is {size}: the discriminator needs at least {SMALLEST_JUDGED} pixels")
    features = tf.cast(2 * tf.concat([source, images], axis=-1) - 1, self.compute_dtype)
    for stage in self.stages:
      features = tf.nn.leaky_relu(run(stage, _pad(features), training), SLOPE)
    return self.head(_pad(features))


def _pad(features):
  return tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]])


def pix2pix(**options):
  """pix2pix' generator; options are fields of Config."""
  return Unet(named("pix2pix", options), name="pix2pix")


def cnn(**options):
  """pix2pix' generator, to be trained by L1 alone; options are fields of Config."""
  return Unet(named("cnn", options), name="cnn")
