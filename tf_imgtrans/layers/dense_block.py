"""Densely connected block with instance normalization."""

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.layers.instance_normalization import InstanceNormalization

LEAK = 0.2  # slope of LeakyReLU below zero; not given in the Mux/Demux paper, as in DPED's discriminator
REST = 0.01  # weight of the random kernel in a channel that is passed on: small, but not zero, which has no gradient


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class HandOn(keras.initializers.Initializer):
  """Initial 1x1 kernel that passes some channels on: He normal, except for the outputs named in `pairs`.

  Such an output is `gain` times its input channel, plus a hundredth of a He normal kernel on all channels. A dense block
  therefore starts near the identity, as its input reaches the transition unchanged.

  Args:
    pairs: (input, output) channel pairs.
    gain: float.
    seed: int.
    tied: tuples of outputs whose random kernels are the same, such as those that Mux makes sub-pixels of one map of.
  """

  def __init__(self, pairs, gain, seed, tied=()):
    self.pairs = pairs
    self.gain = gain
    self.seed = seed
    self.tied = tied

  def __call__(self, shape, dtype=None):
    share, passed = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    same = np.arange(shape[-1])  # of each output, the one whose kernel it takes
    for outputs in self.tied:
      same[list(outputs)] = outputs[0]
    drawn = keras.initializers.HeNormal(self.seed)(shape, "float32")
    for source, output in self.pairs:
      share[..., output] = REST
      passed[..., source, output] = self.gain
    return tf.cast(tf.gather(drawn, same, axis=-1) * share + passed, dtype or "float32")

  def get_config(self):
    return {"pairs": self.pairs, "gain": self.gain, "seed": self.seed, "tied": self.tied}


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class EqualOnFlat(keras.constraints.Constraint):
  """Keeps tied outputs of a 1x1 convolution equal where inputs that are alike are equal, as sub-pixels of a flat area are.

  For each set of inputs that are alike, tied outputs get the same sum of weights; an input that is in no such set has the
  same weight for all of them, and their biases are equal. It is the nearest kernel, in squared error, for which this holds.

  Args:
    tied: tuples of outputs.
    alike: tuples of inputs, no input in two of them.
  """

  def __init__(self, tied, alike):
    self.tied = tied
    self.alike = alike

  def __call__(self, weights):
    """Of a kernel [1, 1, C, channels] or a bias [channels]."""
    weights = tf.convert_to_tensor(weights)
    shared = tf.matmul(tf.reshape(weights, [-1, weights.shape[-1]]), _means(self.tied, weights.shape[-1], weights.dtype))
    if weights.shape.rank == 1:
      return shared[0]
    differences = weights[0, 0] - shared
    return weights - tf.matmul(_means(self.alike, weights.shape[-2], weights.dtype), differences)

  def in_half_precision(self, kernel):
    """A kernel [1, 1, C, channels] near the given one that float16 holds exactly, and that is equal on flat areas still.

    Rounded one by one, the weights of an input set would have other sums for each tied output: a weak lattice.
    Each set takes integer multiples of a power of two instead; where a sum differs, the weights that are nearest to the
    next multiple are rounded to that one.
    Weights in no set, and those of other outputs, are rounded as they are.
    """
    kernel = np.asarray(kernel, np.float64)
    rounded = kernel.astype(np.float16).astype(np.float64)
    for outputs in map(list, self.tied):
      for inputs in map(list, self.alike):
        chosen = np.ix_([0], [0], inputs, outputs)
        rounded[chosen] = _rounded_with_equal_sums(kernel[chosen][0, 0])
    return rounded.astype(np.float32)

  def get_config(self):
    return {"tied": self.tied, "alike": self.alike}


def _rounded_with_equal_sums(weights):
  """Multiples of one power of two, [inputs, outputs], whose sums over the inputs are the same for all outputs."""
  largest = np.abs(weights).max()
  if not largest:
    return weights
  # The largest weight has 512 to 1024 steps, of 2048 that float16 holds exactly. Its smallest number is 2^-24.
  step = 2.0 ** max(np.floor(np.log2(largest)) - 9, -24)
  exact = weights / step
  whole = np.rint(exact)
  missing = np.rint(exact.sum(axis=0).mean()) - whole.sum(axis=0)
  for output, count in enumerate(missing.astype(int)):
    error = (exact - whole)[:, output] * np.sign(count)
    for place in np.argsort(-error)[:abs(count)]:
      whole[place, output] += np.sign(count)
  return whole * step


def _means(sets, count, dtype):
  """The matrix that replaces each of `count` numbers by the mean of its set, and leaves those in no set."""
  means = np.eye(count)
  for members in map(list, sets):
    means[np.ix_(members, members)] = 1 / len(members)
  return tf.constant(means, dtype)


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class DenseBlock(OwnDefaults, keras.layers.Layer):
  """Dense layers and a 1x1 transition: [N, H, W, C] -> [N, H, W, channels].

  Each dense layer is 3x3 convolution -> instance normalization -> LeakyReLU 0.2, and its output is concatenated with its
  input (DenseNet). The 1x1 convolution then maps all feature maps to `channels`. The paper puts instance normalization
  "after every 3x3 convolutional layer"; the convolution before it needs no bias.

  Args:
    layers: int, number of dense layers.
    growth: int, channels that each of them adds.
    channels: int, output channels.
    activate: bool, LeakyReLU after the transition; off before the last Mux of a generator.
    seed: int, of the initial weights (He normal).
    hand_on: (input, output) pairs of channels that the untrained transition passes on; see HandOn.
    gain, offset: floats, initial factor and bias of the channels that the transition passes on.
    tied: tuples of output channels whose random kernels start equal; see HandOn.
    alike: tuples of input channels that are equal on flat areas. With them, tied outputs stay equal there in training; see
      EqualOnFlat.
  """

  def __init__(self, layers, growth, channels, activate=True, seed=0, hand_on=(), gain=1.0, offset=0.0, tied=(), alike=(),
               **kwargs):
    super().__init__(**kwargs)
    self.layers = layers
    self.growth = growth
    self.channels = channels
    self.activate = activate
    self.seed = seed
    self.hand_on = tuple(tuple(pair) for pair in hand_on)
    self.gain = gain
    self.offset = offset
    self.tied = tuple(tuple(outputs) for outputs in tied)
    self.alike = tuple(tuple(inputs) for inputs in alike)
    self.convolutions = [
        self._convolution(3, growth, keras.initializers.HeNormal(seed + index), use_bias=False, name=f"conv{index + 1}")
        for index in range(layers)]
    self.norms = [InstanceNormalization(dtype=self.dtype_policy, name=f"norm{index + 1}") for index in range(layers)]
    constraint = EqualOnFlat(self.tied, self.alike) if self.alike else None
    self.transition = self._convolution(1, channels, HandOn(self.hand_on, gain, seed + layers, self.tied),
                                        name="transition", bias_initializer=keras.initializers.Constant(offset),
                                        kernel_constraint=constraint, bias_constraint=constraint)

  def _convolution(self, kernel, filters, initializer, **kwargs):
    return keras.layers.Conv2D(filters, kernel, padding="same", dtype=self.dtype_policy, kernel_initializer=initializer,
                               **kwargs)

  def build(self, input_shape):
    *space, channels = input_shape
    for convolution, norm in zip(self.convolutions, self.norms):
      convolution.build((*space, channels))
      norm.build((*space, self.growth))
      channels += self.growth
    self.transition.build((*space, channels))

  def call(self, inputs, training=False):
    convolved = _of_joined if training else _of_parts
    maps = [inputs]
    for convolution, norm in zip(self.convolutions, self.norms):
      maps.append(tf.nn.leaky_relu(norm(convolved(convolution, maps)), LEAK))
    mapped = convolved(self.transition, maps)
    return tf.nn.leaky_relu(mapped, LEAK) if self.activate else mapped

  def compute_output_shape(self, input_shape):
    return (*input_shape[:-1], self.channels)

  def get_config(self):
    return {**super().get_config(), "layers": self.layers, "growth": self.growth, "channels": self.channels,
            "activate": self.activate, "seed": self.seed, "hand_on": self.hand_on, "gain": self.gain,
            "offset": self.offset, "tied": self.tied, "alike": self.alike}


def _of_joined(convolution, maps):
  return convolution(tf.concat(maps, axis=-1))


def _of_parts(convolution, maps):
  """The same as a sum over the feature maps, each with its slice of the kernel: nothing is concatenated.

  On a CPU the copies take a sixth of a generator's time; training on accelerators prefers few large convolutions.
  """
  kernels = tf.split(tf.cast(convolution.kernel, maps[0].dtype), [part.shape[-1] for part in maps], axis=2)
  total = sum(tf.nn.conv2d(part, kernel, 1, "SAME") for part, kernel in zip(maps, kernels))
  return total + tf.cast(convolution.bias, total.dtype) if convolution.use_bias else total
