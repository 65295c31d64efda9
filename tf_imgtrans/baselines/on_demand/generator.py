"""The network of on-demand learning: a context encoder with a channel-wise fully connected layer in its middle."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.on_demand.config import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, fixed_size
from tf_imgtrans.networks.blocks import Stages, run

MIDDLE = 4  # pixels; height and width of the innermost maps
WIDEST = 8  # times base_channels
SLOPE = 0.2  # of the encoder's leaky ReLU


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class ChannelwiseDense(OwnDefaults, keras.layers.Layer):
  """Connects all positions of a channel with each other, each channel by weights of its own: [N, H, W, C] -> the same.

  C * (H W * H W + H W) parameters. Initial weights and biases are uniform below 1 / sqrt(H W), those of Torch's linear
  layer, which the authors' code leaves as they are.

  Args:
    seed: int, of the initial weights; that of the biases is the next one.
  """

  def __init__(self, seed=0, **kwargs):
    super().__init__(**kwargs)
    self.seed = seed

  def build(self, input_shape):
    _, height, width, channels = input_shape
    positions, limit = height * width, 1 / math.sqrt(height * width)
    self.kernel = self.add_weight(name="kernel", shape=(channels, positions, positions),
                                  initializer=keras.initializers.RandomUniform(-limit, limit, self.seed))
    self.bias = self.add_weight(name="bias", shape=(positions, channels),
                                initializer=keras.initializers.RandomUniform(-limit, limit, self.seed + 1))

  def call(self, inputs):
    _, height, width, channels = inputs.shape
    flat = tf.reshape(inputs, (-1, height * width, channels))
    by_channel = tf.matmul(tf.transpose(flat, (2, 0, 1)), self.kernel)  # [C, N, H W], a product for each channel
    return tf.reshape(tf.transpose(by_channel, (1, 2, 0)) + self.bias, (-1, height, width, channels))

  def compute_output_shape(self, input_shape):
    return tuple(input_shape)

  def get_config(self):
    return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="OnDemandGenerator")
class Generator(ConfiguredModel):
  """Restores images of one size: float32 [N, S, S, 3] in [0, 1] -> the same shape and range, S = `config.image_size`.

  4x4 convolutions of stride 2 down to 4x4 maps, of 64, 128, 256 and 512 channels and 512 from there on, each followed by
  batch normalization (the first too) and leaky ReLU; the channel-wise fully connected layer; transposed 4x4 convolutions
  back, mirrored, with batch normalization and ReLU, but for the last, of 3 channels and tanh. Inside, values are in
  [-1, 1]. 5,654,659 trained parameters at 64 pixels, 22,438,019 at 256 with its two more stages.

  Initial weights are normal of deviation 0.02 around 0, around 1 for the factors of normalizations, as in the authors'
  code. On several devices, each normalizes the images that it holds, and the running means are those of the first.

  Departs from the authors' code: biases of convolutions are trained, where it sets them to zero before every step. All
  but the last three are taken off again by the normalizations.

  Args:
    config: Config; `image_size`, `base_channels` and `seed` count here.
  """

  config_class = Config
  architecture = ("image_size", "base_channels", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    stages = Stages(config.seed, self.dtype_policy)
    count = int(math.log2(config.image_size // MIDDLE))
    widths = [config.base_channels * min(2 ** number, WIDEST) for number in range(count)]
    self.encoder = [stages.stage(f"enc{number}_{{}}", channels) for number, channels in enumerate(widths, 1)]
    first, _ = stages.seed(), stages.seed()  # of the kernel and of the bias
    self.channelwise = ChannelwiseDense(first, dtype=self.dtype_policy, name="channelwise")
    self.decoder = [stages.stage(f"dec{number}_{{}}", widths[number - 1], transposed=True)
                    for number in range(count - 1, 0, -1)]
    self.last = stages.convolution("last", 3, transposed=True)

  def call(self, images, training=False):
    check_images(images)
    images = fixed_size(images, self.config.image_size, "as the network's fully connected layer has weights for each "
                        "place; resize them, or make a network of their image_size")
    features = tf.cast(images, self.compute_dtype) * 2.0 - 1.0
    for stage in self.encoder:
      features = tf.nn.leaky_relu(run(stage, features, training), SLOPE)
    features = self.channelwise(features)
    for stage in self.decoder:
      features = tf.nn.relu(run(stage, features, training))
    return 0.5 * tf.tanh(tf.cast(self.last(features), tf.float32)) + 0.5


def on_demand(**options):
  """The network of on-demand learning; options are fields of Config."""
  return Generator(from_dict(Config, options), name="on_demand")
