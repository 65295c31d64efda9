"""What super-resolution networks share: how images enter and leave, convolutions with their initial weights, residuals."""

import itertools
import math

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import copies

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # of the training images of CARN and RCAN, taken off theirs; both codes


class Convolutions:
  """Makes the convolutions of one network, stride 1 and padded with zeros, each with initial weights of its own.

  Args:
    seed: int, of the run.
    policy: dtype policy of the network.
    first: int, sets this network's weights apart from those of another of the same seed.
  """

  def __init__(self, seed, policy, first=0):
    self.policy = policy
    self.seeds = itertools.count(1000 * seed + first)
    self.made = []

  def seed(self):
    """The next seed."""
    return next(self.seeds) % 2 ** 30

  def __call__(self, name, inputs, filters, kernel=3, he=None, **options):
    """A convolution of `inputs` channels; `build` makes its variables.

    Initial kernels and biases are PyTorch's, uniform within 1 / sqrt(numbers that an output sums).

    Args:
      he: float; the kernel is drawn from N(0, (he * sqrt(2 / numbers))^2) instead, He's times that, and the bias is 0.
    """
    summed = kernel * kernel * inputs
    if he is None:
      bound = 1 / math.sqrt(summed)
      drawn = [keras.initializers.RandomUniform(-bound, bound, self.seed()) for _ in range(2)]
    else:
      drawn = [keras.initializers.RandomNormal(0.0, he * math.sqrt(2 / summed), self.seed()), "zeros"]
    options = {"padding": "same", "dtype": self.policy, "bias_initializer": drawn[1], **options}
    layer = keras.layers.Conv2D(filters, kernel, kernel_initializer=drawn[0], name=name, **options)
    self.made.append((layer, inputs))
    return layer

  def build(self):
    """Makes the variables of all convolutions so far."""
    for layer, inputs in self.made:
      layer.build((None, None, None, inputs))


class Enlarger(ConfiguredModel):
  """Base of super-resolution networks: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3], s being `scale`.

  Any height and width from one pixel on. At inference, values are clipped to [0, 1]; in training they are not.

  Args:
    config: with the fields `scale` and `seed`.
    mean: three floats, taken off the images and added to what comes out.
    units: float, what white counts for inside.
  """

  def __init__(self, config, mean=(0.0, 0.0, 0.0), units=1.0, **kwargs):
    super().__init__(config, **kwargs)
    self.scale = config.scale
    self.mean, self.units = mean, units
    self.convolution = Convolutions(config.seed, self.dtype_policy)

  def build(self, input_shape):
    self.convolution.build()

  def enter(self, images):
    """Images as the network sees them, in its compute dtype."""
    check_images(images)
    return tf.cast(self.units * (tf.cast(images, tf.float32) - self.mean), self.compute_dtype)

  def leave(self, features, training):
    """What the last convolution gives, as images: float32."""
    images = tf.cast(features, tf.float32) / self.units + self.mean
    return images if training else tf.clip_by_value(images, 0.0, 1.0)


def residual(features, branch, training, factor=1.0):
  """features + factor * branch(features)."""
  inner, kept = copies(features, 2, training)
  return kept + factor * branch(inner)


def shuffled_up(features, factor):
  """Channels laid out as pixels, [N, H, W, factor^2 C] -> [N, factor H, factor W, C].

  PyTorch's pixel shuffle, but for the order of the channels: there the place within a square changes fastest, here the
  channel.
  """
  return tf.nn.depth_to_space(features, factor)
