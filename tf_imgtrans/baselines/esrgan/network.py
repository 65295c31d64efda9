"""X. Wang et al.: "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops 2018, and the public
code of its networks (rrdbnet_arch.py and discriminator_arch.py, in basicsr/archs of XPixelGroup/BasicSR)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.esrgan.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.pyramid import double
from tf_imgtrans.core.shapes import check_images, fixed_size
from tf_imgtrans.networks.blocks import EPSILON, MOMENTUM
from tf_imgtrans.networks.super_resolution import Convolutions, Enlarger, residual

SLOPE = 0.2  # of LeakyReLU below zero; code
RESIDUAL = 0.2  # what every dense block, and every three of them, are multiplied by before they are added; code
DENSE = 3  # dense blocks in a residual-in-residual dense block; Fig. 4
GROWING = 4  # convolutions of a dense block before the one that brings it back to `channels`; Fig. 4
HE = 0.1  # of the initial kernels of dense blocks; Sec. 3.1 and code
WIDEST = 8  # widest maps of the discriminator, times discriminator_channels; code
REST = 4  # pixels that it halves a patch down to; code
HIDDEN = 100  # numbers between its last map and the logit; code


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Esrgan(Enlarger):
  """Enlarges images by residual-in-residual dense blocks: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3].

  A 3x3 convolution to 64 channels; 23 blocks (RRDB) and a convolution, added to its output; for each doubling nearest
  neighbours, a convolution and LeakyReLU; a convolution, LeakyReLU and one to 3 channels. An RRDB is three dense blocks of
  five convolutions of all maps before them, 32 channels each but for the last. 16,697,987 parameters at scale 4.

  Initial kernels of dense blocks are a tenth of He's with biases of 0, the others PyTorch's.

  Departs from the code: at scale 2 it halves the image first and doubles twice; here there is one doubling, as in the
  authors' first code.

  Args:
    config: Config; `scale`, `channels`, `blocks`, `growth` and `seed` count here.
  """

  config_class = Config
  architecture = ("scale", "channels", "blocks", "growth", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    made, channels = self.convolution, config.channels
    self.first = made("first", 3, channels)
    self.trunk = [[self._dense_block(f"rrdb{block}_dense{dense}") for dense in range(1, DENSE + 1)]
                  for block in range(1, config.blocks + 1)]
    self.trunk_last = made("trunk_last", channels, channels)
    self.ups = [made(f"up{index}", channels, channels) for index in range(1, int(math.log2(config.scale)) + 1)]
    self.fine = made("fine", channels, channels)
    self.last = made("last", channels, 3, dtype="float32")

  def _dense_block(self, name):
    channels, growth = self.config.channels, self.config.growth
    return [self.convolution(f"{name}_conv{index + 1}", channels + index * growth, growth if index < GROWING else channels,
                             he=HE) for index in range(GROWING + 1)]

  def call(self, images, training=False):
    def dense(features, block):
      for convolution in block[:-1]:
        features = tf.concat([features, tf.nn.leaky_relu(convolution(features), SLOPE)], axis=-1)
      return block[-1](features)

    def thrice(features, blocks):
      for block in blocks:
        features = residual(features, lambda inner, block=block: dense(inner, block), training, RESIDUAL)
      return features

    def trunk(features):
      for blocks in self.trunk:
        features = residual(features, lambda inner, blocks=blocks: thrice(inner, blocks), training, RESIDUAL)
      return self.trunk_last(features)

    features = residual(self.first(self.enter(images)), trunk, training)
    for up in self.ups:
      features = tf.nn.leaky_relu(up(double(features)), SLOPE)
    return self.leave(self.last(tf.nn.leaky_relu(self.fine(features), SLOPE)), training)


def esrgan(**options):
  """ESRGAN's generator; options are fields of Config."""
  return Esrgan(from_dict(Config, options), name="esrgan")


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="EsrganDiscriminator")
class Discriminator(ConfiguredModel):
  """Scores square patches as SRGAN's discriminator: float [N, S, S, 3] in [0, 1] -> float32 logits [N, 1], real above 0.

  For each halving down to 4 pixels a 3x3 convolution and a 4x4 one of stride 2, of 64, 128, 256 and then 512 channels; a
  dense layer of 100 and one of 1. LeakyReLU 0.2 between them, and a batch normalization behind each convolution but the
  first, which alone has a bias. 14,499,401 trained parameters for patches of 128 pixels, as in the code; smaller patches
  have as many stages as they can be halved.

  On several devices, each normalizes the patches that it holds.

  Args:
    config: Config; `patch_size`, `discriminator_channels` and `seed` count here.
  """

  config_class = Config
  architecture = ("patch_size", "discriminator_channels", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.made = Convolutions(config.seed, self.dtype_policy, first=500)
    self.stages, channels = [], 3
    for stage in range(int(math.log2(config.patch_size // REST))):
      width = config.discriminator_channels * min(2 ** stage, WIDEST)
      self.stages.append(self._stage(f"stage{stage + 1}_keep", channels, width, 3, 1, normalized=stage > 0))
      self.stages.append(self._stage(f"stage{stage + 1}_halve", width, width, 4, 2))
      channels = width
    self.flat = REST * REST * channels
    self.hidden = self._dense("hidden", self.flat, HIDDEN, self.dtype_policy)
    self.head = self._dense("head", HIDDEN, 1, "float32")

  def _stage(self, name, inputs, filters, kernel, stride, normalized=True):
    convolution = self.made(f"{name}_conv", inputs, filters, kernel, strides=stride, use_bias=not normalized)
    norm = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=self.dtype_policy, name=f"{name}_norm")
    return (convolution, norm) if normalized else (convolution,)

  def _dense(self, name, inputs, units, policy):
    bound = 1 / math.sqrt(inputs)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound, self.made.seed()) for _ in range(2))
    return keras.layers.Dense(units, dtype=policy, kernel_initializer=kernel, bias_initializer=bias, name=name)

  def call(self, images, training=False):
    check_images(images)
    images = fixed_size(images, self.config.patch_size, "the patches that it is made for")
    features = tf.cast(images, self.compute_dtype)
    for convolution, *norms in self.stages:
      features = convolution(features)
      for norm in norms:
        features = norm(features, training=training)
      features = tf.nn.leaky_relu(features, SLOPE)
    features = tf.reshape(features, [-1, self.flat])
    return self.head(tf.nn.leaky_relu(self.hidden(features), SLOPE))
