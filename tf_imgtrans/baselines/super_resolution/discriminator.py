"""ESRGAN's discriminator, the VGG-style one of SRGAN (basicsr/archs/discriminator_arch.py of XPixelGroup/BasicSR)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.super_resolution.config import CONFIGS, GAN_CONFIGS, Config
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, fixed_size
from tf_imgtrans.networks.blocks import EPSILON, MOMENTUM
from tf_imgtrans.networks.super_resolution import Convolutions

SLOPE = 0.2  # of LeakyReLU below zero; code
WIDEST = 8  # times discriminator_channels; code
REST = 4  # pixels that a patch is halved down to; code
DENSE = 100  # numbers between the last map and the logit; code


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="EsrganDiscriminator")
class Discriminator(ConfiguredModel):
  """Scores square patches: float [N, S, S, 3] in [0, 1] -> float32 logits [N, 1], real above 0.

  For each halving down to 4 pixels a 3x3 convolution and a 4x4 one of stride 2, of 64, 128, 256 and then 512 channels; a
  dense layer of 100 and one of 1. LeakyReLU 0.2 between them, and a batch normalization behind each convolution but the
  first, which alone has a bias. 14,499,401 trained parameters for patches of 128 pixels, as in the code; smaller patches
  have as many stages as they can be halved.

  On several devices, each normalizes the patches that it holds.

  Args:
    config: Config; `patch_size`, `discriminator_channels` and `seed` count here.
  """

  config_class = Config
  configs = CONFIGS
  architecture = ("network", "patch_size", "discriminator_channels", "seed")

  def __init__(self, config=GAN_CONFIGS["paper"], **kwargs):
    super().__init__(config, **kwargs)
    self.made = Convolutions(config.seed, self.dtype_policy, first=500)
    self.stages, channels = [], 3
    for stage in range(int(math.log2(config.patch_size // REST))):
      width = config.discriminator_channels * min(2 ** stage, WIDEST)
      self.stages.append(self._stage(f"stage{stage + 1}_keep", channels, width, 3, 1, normalized=stage > 0))
      self.stages.append(self._stage(f"stage{stage + 1}_halve", width, width, 4, 2))
      channels = width
    self.flat = REST * REST * channels
    self.hidden = self._dense("hidden", self.flat, DENSE, self.dtype_policy)
    self.head = self._dense("head", DENSE, 1, "float32")

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
