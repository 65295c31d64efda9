"""X. Wang et al.: "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops 2018, and the public
code of its network (basicsr/archs/rrdbnet_arch.py of XPixelGroup/BasicSR)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.super_resolution.config import CONFIGS, Config, named
from tf_imgtrans.core.pyramid import double
from tf_imgtrans.networks.super_resolution import Enlarger, residual

SLOPE = 0.2  # of LeakyReLU below zero; code
RESIDUAL = 0.2  # what every dense block, and every three of them, are multiplied by before they are added; code
DENSE = 3  # dense blocks in a residual-in-residual dense block; Fig. 4
GROWING = 4  # convolutions of a dense block before the one that brings it back to `channels`; Fig. 4
HE = 0.1  # of the initial kernels of dense blocks; Sec. 3.1 and code


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

  config_class, configs = Config, CONFIGS
  architecture = ("network", "scale", "channels", "blocks", "growth", "seed")

  def __init__(self, config=CONFIGS["esrgan"], **kwargs):
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
  return Esrgan(named("esrgan", options), name="esrgan")
