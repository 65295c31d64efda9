"""D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell, A. A. Efros: "Context Encoders: Feature Learning by Inpainting", CVPR
2016, and its public code (train.lua)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.translation.config import CONFIGS, named
from tf_imgtrans.baselines.translation.stages import SLOPE, Method, Stages, build, run
from tf_imgtrans.core.shapes import check_images

MIDDLE = 4  # pixels; height and width of the maps before and after the bottleneck
ENCODER, DECODER = (1, 1, 2, 4, 8), (8, 4, 2, 1)  # channels over base_channels; train.lua


def centre(images):
  """The middle square of half the height and width: [N, S, S, C] -> [N, S / 2, S / 2, C], S a multiple of 4."""
  quarter = images.shape[1] // 4
  return images[:, quarter:3 * quarter, quarter:3 * quarter]


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class ContextEncoder(Method):
  """Replaces the middle of images of one size: float32 [N, S, S, 3] in [0, 1] -> the same shape and range.

  S is `config.image_size`, 128. 4x4 convolutions of stride 2 and 64, 64, 128, 256 and 512 channels; a 4x4 convolution of
  its 4x4 maps to 4000 channels of one pixel; a transposed one back to 4x4 maps of 512; transposed ones of stride 2 and
  256, 128, 64 and 3 channels. Batch normalization after all but the first and the last; LeakyReLU 0.2 up to the
  bottleneck, ReLU from there, tanh at the end. That is the middle square of half the side, which replaces the source's;
  around it the source stays as it is. 71,124,611 trained parameters: convolutions before a normalization have no bias
  (the code sets them to zero before each step). For 64 pixels, one stage of 64 channels is left out on either side.

  Initial weights are the code's. On several devices, each normalizes the images that it holds, and the running means are
  those of the first.

  Args:
    config: Config; `image_size`, `base_channels`, `bottleneck` and `seed` count here.
  """

  architecture = ("network", "image_size", "load_size", "base_channels", "bottleneck", "seed")

  def __init__(self, config=CONFIGS["context_encoder"], **kwargs):
    super().__init__(config, **kwargs)
    self.scale = 1
    stages = Stages(config.seed, self.dtype_policy)
    base, down = config.base_channels, int(math.log2(config.image_size // MIDDLE))
    first, *others = [base * width for width in ENCODER[-down:]]
    self.encoder = [(stages.convolution("enc1", first), None)]
    self.encoder += [stages.normalized(f"enc{index}", width) for index, width in enumerate(others, 2)]
    self.encoder.append(stages.normalized("bottleneck", config.bottleneck, 1, padding="valid"))
    inner, *others = [base * width for width in DECODER[:down - 1]]
    self.decoder = [stages.normalized("dec1", inner, 1, transposed=True, padding="valid")]
    self.decoder += [stages.normalized(f"dec{index}", width, transposed=True) for index, width in enumerate(others, 2)]
    self.last = stages.convolution("last", 3, transposed=True)

  def build(self, input_shape):
    channels = build(self.encoder + self.decoder, self._checked(input_shape)[-1])
    self.last.build((None, None, None, channels))

  def call(self, images, training=False):
    check_images(images)
    size = self.config.image_size
    if None in self._checked(images.shape)[1:3]:
      images = tf.ensure_shape(images, (None, size, size, 3))  # where the size is known, nothing is added to the graph
    features = tf.cast(2 * images - 1, self.compute_dtype)
    for stage in self.encoder:
      features = tf.nn.leaky_relu(run(stage, features, training), SLOPE)
    for stage in self.decoder:
      features = tf.nn.relu(run(stage, features, training))
    signed = tf.tanh(tf.cast(self.last(features), tf.float32))
    around = [[0, 0], [size // 4, size // 4], [size // 4, size // 4], [0, 0]]
    inside = tf.pad(tf.ones([1, size // 2, size // 2, 1]), around)
    return tf.cast(images, tf.float32) * (1 - inside) + tf.pad((signed + 1) / 2, around)

  def compute_output_shape(self, input_shape):
    return self._checked(input_shape)

  def _checked(self, shape):
    """The shape as a tuple.

    Raises:
      ValueError: a height or width that is known, and not that of the network.
    """
    shape, size = tuple(shape), self.config.image_size
    if any(side not in (None, size) for side in shape[1:3]):
      height, width = ("any" if side is None else side for side in shape[1:3])
      raise ValueError(f"images are {height} high and {width} wide: expected {size} and {size}, as the context encoder "
                       "predicts the middle of images of one size: resize them, or make one of image_size 64 or 128")
    return shape


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class CentreDiscriminator(Method):
  """Tells real middles of images from predicted ones: logits float32 [N, 1, 1, 1], real above 0.

  Sees the middle 64x64 of 128x128 pixels: 4x4 convolutions of stride 2 and 64, 128, 256 and 512 channels, with LeakyReLU
  0.2, and batch normalization after all but the first; a 4x4 convolution of what is left gives the logit. For 64 pixels
  without the one of 512.

  Args:
    config: Config; `image_size`, `discriminator_channels` and `seed` count here.
  """

  architecture = ("network", "image_size", "load_size", "discriminator_channels", "seed")

  def __init__(self, config=CONFIGS["context_encoder"], **kwargs):
    super().__init__(config, **kwargs)
    stages = Stages(config.seed, self.dtype_policy, first=500)
    count = int(math.log2(config.image_size // 2 // MIDDLE))
    first, *others = [config.discriminator_channels * 2 ** index for index in range(count)]
    self.stages = [(stages.convolution("conv1", first), None)]
    self.stages += [stages.normalized(f"conv{index}", width) for index, width in enumerate(others, 2)]
    self.head = stages.convolution("head", 1, 1, padding="valid", dtype="float32")

  def build(self, source_shape, images_shape):
    self.head.build((None, None, None, build(self.stages, images_shape[-1])))

  def call(self, source, images, training=False):
    """Judges the middles of a batch.

    Args:
      source: not looked at; there so that all discriminators are called alike.
      images: float [N, S, S, 3] in [0, 1], S that of the network.
      training: bool; normalizes by the batch's means.
    """
    check_images(images)
    features = tf.cast(2 * centre(images) - 1, self.compute_dtype)
    for stage in self.stages:
      features = tf.nn.leaky_relu(run(stage, features, training), SLOPE)
    return self.head(features)


def context_encoder(**options):
  """The context encoder; options are fields of Config."""
  return ContextEncoder(named("context_encoder", options), name="context_encoder")
