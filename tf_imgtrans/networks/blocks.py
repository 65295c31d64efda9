"""Convolutions with the normalizations behind them: how a network makes them, and how features pass through them."""

import itertools

import keras

from tf_imgtrans.layers.instance_normalization import InstanceNormalization

DEVIATION = 0.02  # of initial kernels around 0 and of normalizations' factors around 1; pix2pix, pix2pixHD, DCGAN
MOMENTUM, EPSILON = 0.9, 1e-5  # batch and instance normalization of Torch


class Stages:
  """Makes the layers of one network, each with initial weights of its own.

  A stage is a pair (convolution, normalization or None). The name of a stage has a place for the kind of layer: of
  "down1_{}" are made down1_conv and down1_norm.

  Args:
    seed: int, of the run.
    policy: dtype policy of the network.
    first: int, the number of the first kernel among the seeds; sets networks of the same seed apart.
    first_factor: int, the number of the first factor of batch normalization; None: kernels and factors take turns.
    weights: function of a seed that gives arguments of Conv2D. None: kernels of N(0, 0.02), and factors of batch
      normalization of N(1, 0.02); with any other function these factors begin with 1.
    normalization: str, "batch", "instance", "plain": instance normalization without factor and offset, or "none".
    epsilon: float, of the normalization.
  """

  def __init__(self, seed, policy, first=0, first_factor=None, weights=None, normalization="batch", epsilon=EPSILON):
    self.policy = policy
    self.numbers = itertools.count(1000 * seed + first)
    self.factors = self.numbers if first_factor is None else itertools.count(1000 * seed + first_factor)
    self.draw = weights
    self.kind = normalization
    self.epsilon = epsilon

  def seed(self):
    """The next seed of a kernel."""
    return _seed(self.numbers)

  def weights(self):
    """Initializers of the next convolution or dense layer, as arguments of it."""
    return self.draw(self.seed()) if self.draw else {"kernel_initializer": _normal(0.0, self.seed())}

  def convolution(self, name, filters, kernel=4, stride=2, padding="same", transposed=False, use_bias=True, dtype=None):
    """A convolution; "same" of a stride of 2 is Torch's padding of 1 for 4x4 kernels and even sizes."""
    kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    return kind(filters, kernel, stride, padding, use_bias=use_bias, dtype=dtype or self.policy, name=name,
                **self.weights())

  def normalization(self, name):
    options = {"epsilon": self.epsilon, "dtype": self.policy, "name": name}
    if self.kind != "batch":
      affine = self.kind == "instance"
      return InstanceNormalization(center=affine, scale=affine, **options)
    factors = {} if self.draw else {"gamma_initializer": _normal(1.0, _seed(self.factors))}
    return keras.layers.BatchNormalization(momentum=MOMENTUM, **factors, **options)

  def stage(self, name, filters, *arguments, normalized=True, **options):
    """(convolution, normalization or None); other arguments are those of `convolution`."""
    convolution = self.convolution(name.format("conv"), filters, *arguments, **options)
    return convolution, self.normalization(name.format("norm")) if normalized and self.kind != "none" else None


def run(stage, features, training=False):
  """Features through a stage."""
  convolution, norm = stage
  features = convolution(features)
  if norm is None:
    return features
  return norm(features, training=training) if isinstance(norm, keras.layers.BatchNormalization) else norm(features)


def _seed(numbers):
  return next(numbers) % 2 ** 30


def _normal(mean, seed):
  return keras.initializers.RandomNormal(mean, DEVIATION, seed)
