"""What the networks share: how files keep their configuration, and convolutions with the normalization behind them, as
pix2pix and the context encoder stack them."""

import itertools

import keras

from tf_imgtrans.baselines.translation.config import CONFIGS, Config
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.layers.instance_normalization import InstanceNormalization

KERNEL = 4  # code of both
SLOPE = 0.2  # of LeakyReLU below zero; code of both
MOMENTUM, EPSILON = 0.9, 1e-5  # batch normalization of Torch, in which both are written
DEVIATION = 0.02  # of the initial kernels around 0 and of the normalizations' factors around 1; code of both


class Method(ConfiguredModel):
  """A network of one of CONFIGS; what a file does not keep of its configuration is that of CONFIGS."""

  config_class = Config
  configs = CONFIGS


class Stages:
  """Makes the layers of one network, each with initial weights of its own.

  Args:
    seed: int, of the run.
    policy: dtype policy of the network.
    first: int, sets this network's weights apart from those of another of the same seed.
  """

  def __init__(self, seed, policy, first=0):
    self.policy = policy
    self.seeds = itertools.count(1000 * seed + first)

  def normal(self, mean):
    """Initializer N(mean, 0.02) with the next seed."""
    return keras.initializers.RandomNormal(mean, DEVIATION, next(self.seeds) % 2 ** 30)

  def convolution(self, name, filters, stride=2, transposed=False, padding="same", use_bias=True, dtype=None):
    """A 4x4 convolution; "same" of stride 2 is Torch's padding of 1 for even sizes."""
    kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    return kind(filters, KERNEL, stride, padding, use_bias=use_bias, dtype=dtype or self.policy, name=f"{name}_conv",
                kernel_initializer=self.normal(0.0))

  def normalized(self, name, *arguments, normalization="batch", **options):
    """(convolution, normalization): the former without a bias, which the latter would take off again."""
    convolution = self.convolution(name, *arguments, use_bias=False, **options)
    if normalization == "instance":
      return convolution, InstanceNormalization(EPSILON, dtype=self.policy, name=f"{name}_norm")
    return convolution, keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=self.policy,
                                                        name=f"{name}_norm", gamma_initializer=self.normal(1.0))


def build(stages, channels):
  """Builds a chain of (convolution, normalization or None) for maps of some channels; the channels that come out."""
  for convolution, norm in stages:
    convolution.build((None, None, None, channels))
    channels = convolution.filters
    if norm is not None:
      norm.build((None, None, None, channels))
  return channels


def run(stage, features, training):
  """Features through a convolution and the normalization behind it, if there is one."""
  convolution, norm = stage
  features = convolution(features)
  if norm is None:
    return features
  return norm(features, training=training) if isinstance(norm, keras.layers.BatchNormalization) else norm(features)
