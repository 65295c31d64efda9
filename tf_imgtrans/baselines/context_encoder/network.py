"""D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell, A. A. Efros: "Context Encoders: Feature Learning by Inpainting", CVPR
2016, and its public code (train.lua)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.adversarial import AdversarialTrainer
from tf_imgtrans.baselines.context_encoder.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, fixed_size
from tf_imgtrans.core.tensors import as_float32, check_same_shape, signed_tanh, to_signed
from tf_imgtrans.networks.blocks import Stages, run

MIDDLE = 4  # pixels; height and width of the maps before and after the bottleneck
SLOPE = 0.2  # of LeakyReLU below zero; train.lua
SIGNED = 2.0  # the weight of the L2 loss is for values in [-1, 1]
BAND = 10.0  # weight of the band of the L2 loss; train.lua
ENCODER, DECODER = (1, 1, 2, 4, 8), (8, 4, 2, 1)  # channels over base_channels; train.lua


def centre(images):
  """The middle square of half the height and width: [N, S, S, C] -> [N, S / 2, S / 2, C], S a multiple of 4."""
  quarter = images.shape[1] // 4
  return images[:, quarter:3 * quarter, quarter:3 * quarter]


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class ContextEncoder(ConfiguredModel):
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

  config_class = Config
  architecture = ("image_size", "load_size", "base_channels", "bottleneck", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    stages = Stages(config.seed, self.dtype_policy)
    base, down = config.base_channels, int(math.log2(config.image_size // MIDDLE))
    first, *others = [base * width for width in ENCODER[-down:]]
    self.encoder = [stages.stage("enc1_{}", first, normalized=False)]
    self.encoder += [stages.stage(f"enc{index}_{{}}", width, use_bias=False) for index, width in enumerate(others, 2)]
    self.encoder.append(stages.stage("bottleneck_{}", config.bottleneck, stride=1, padding="valid", use_bias=False))
    inner, *others = [base * width for width in DECODER[:down - 1]]
    self.decoder = [stages.stage("dec1_{}", inner, stride=1, transposed=True, padding="valid", use_bias=False)]
    self.decoder += [stages.stage(f"dec{index}_{{}}", width, transposed=True, use_bias=False)
                     for index, width in enumerate(others, 2)]
    self.last = stages.convolution("last_conv", 3, transposed=True)

  def call(self, images, training=False):
    check_images(images)
    size = self.config.image_size
    images = fixed_size(images, size, "as the context encoder predicts the middle of images of one size: resize "
                        "them, or make one of image_size 64 or 128")
    features = to_signed(images, self.compute_dtype)
    for stage in self.encoder:
      features = tf.nn.leaky_relu(run(stage, features, training), SLOPE)
    for stage in self.decoder:
      features = tf.nn.relu(run(stage, features, training))
    around = [[0, 0], [size // 4, size // 4], [size // 4, size // 4], [0, 0]]
    inside = tf.pad(tf.ones([1, size // 2, size // 2, 1]), around)
    return tf.cast(images, tf.float32) * (1 - inside) + tf.pad(signed_tanh(self.last(features)), around)


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class CentreDiscriminator(ConfiguredModel):
  """Tells real middles of images from predicted ones: logits float32 [N, 1, 1, 1], real above 0.

  Sees the middle 64x64 of 128x128 pixels: 4x4 convolutions of stride 2 and 64, 128, 256 and 512 channels, with LeakyReLU
  0.2, and batch normalization after all but the first; a 4x4 convolution of what is left gives the logit. For 64 pixels
  without the one of 512.

  Args:
    config: Config; `image_size`, `discriminator_channels` and `seed` count here.
  """

  config_class = Config
  architecture = ("image_size", "load_size", "discriminator_channels", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    stages = Stages(config.seed, self.dtype_policy, first=500)
    count = int(math.log2(config.image_size // 2 // MIDDLE))
    first, *others = [config.discriminator_channels * 2 ** index for index in range(count)]
    self.stages = [stages.stage("conv1_{}", first, normalized=False)]
    self.stages += [stages.stage(f"conv{index}_{{}}", width, use_bias=False) for index, width in enumerate(others, 2)]
    self.head = stages.convolution("head_conv", 1, stride=1, padding="valid", dtype="float32")

  def call(self, source, images, training=False):
    """Scores the middles of a batch.

    Args:
      source: not looked at; there so that all discriminators are called alike.
      images: float [N, S, S, 3] in [0, 1], S that of the network.
      training: bool; normalizes by the batch's means.
    """
    check_images(images)
    features = to_signed(centre(images), self.compute_dtype)
    for stage in self.stages:
      features = tf.nn.leaky_relu(run(stage, features, training), SLOPE)
    return self.head(features)


def context_encoder(**options):
  """The context encoder; options are fields of Config."""
  return ContextEncoder(from_dict(Config, options), name="context_encoder")


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


class Trainer(AdversarialTrainer):
  """The context encoder's training; its arguments are those of AdversarialTrainer."""

  generator_class = ContextEncoder
  discriminator_class = CentreDiscriminator

  def other_losses(self, target, fake):
    return {"l2": lambda: banded_l2(target, fake, self.config.overlap)}
