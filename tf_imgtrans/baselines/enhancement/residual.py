"""DPED's residual network: A. Ignatov et al., "DSLR-Quality Photos on Mobile Devices with Deep Convolutional Networks",
ICCV 2017, and its two sizes in the PIRM 2018 challenge on smartphones."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.enhancement.config import CONFIGS, Config, named
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import unit_tanh
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.dped import EPSILON, initial_weights
from tf_imgtrans.networks.resnet import residual_block

# name -> residual blocks, channels; the challenge's names count convolutions and channels
SIZES = {"dped": (4, 64), "resnet_12_64": (4, 64), "resnet_8_32": (2, 32)}


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="DpedResNet")
class ResNet(ConfiguredModel):
  """Enhances photographs at full resolution: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  9x9 convolution, ReLU; residual blocks of twice [3x3 convolution, instance normalization (affine, epsilon 1e-3), ReLU],
  added after the second ReLU; two 3x3 convolutions, each with ReLU; 9x9 convolution. The output is 0.58 * tanh + 0.5,
  clipped at inference. 401,475 parameters with 4 blocks of 64 channels (`dped`, `resnet_12_64`), 71,331 with 2 of 32
  (`resnet_8_32`).

  Args:
    config: Config; `network` and `seed` count here.
  """

  config_class = Config
  architecture = ("network", "seed")

  def __init__(self, config=CONFIGS["dped"], **kwargs):
    super().__init__(config, **kwargs)
    self.scale = 1
    if config.network not in SIZES:
      raise unknown_name("residual network", config.network, SIZES)
    blocks, channels = SIZES[config.network]
    stages = Stages(config.seed, self.dtype_policy, first=1, weights=initial_weights, normalization="instance",
                    epsilon=EPSILON)
    last = 2 * blocks + 4
    self.first = stages.convolution("conv1", channels, 9, 1)
    self.blocks = [[stages.stage(f"{{}}{index}", channels, 3, 1) for index in (2 * block + 2, 2 * block + 3)]
                   for block in range(blocks)]
    self.after = [stages.convolution(f"conv{index}", channels, 3, 1) for index in (last - 2, last - 1)]
    self.last = stages.convolution(f"conv{last}", 3, 9, 1)

  def call(self, images, training=False, clip=True):
    check_images(images)
    features = tf.nn.relu(self.first(tf.cast(images, self.compute_dtype)))
    for block in self.blocks:
      features = residual_block(features, block, tf.nn.relu, activate_last=True)
    for convolution in self.after:
      features = tf.nn.relu(convolution(features))
    return unit_tanh(self.last(features), clip and not training)


def dped(**options):
  """DPED's network; options are fields of Config."""
  return _named("dped", options)


def resnet_12_64(**options):
  """The challenge's ResNet-12-64, which is DPED's network; options are fields of Config."""
  return _named("resnet_12_64", options)


def resnet_8_32(**options):
  """The challenge's ResNet-8-32; options are fields of Config."""
  return _named("resnet_8_32", options)


def _named(name, options):
  return ResNet(named(name, options), name=name)
