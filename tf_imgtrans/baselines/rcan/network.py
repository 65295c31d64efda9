"""Y. Zhang et al.: "Image Super-Resolution Using Very Deep Residual Channel Attention Networks", ECCV 2018, and its public
code (code/model/rcan.py of yulunzhang/RCAN)."""

import math

import keras
import tensorflow as tf

from tf_imgtrans.baselines.rcan.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.networks.super_resolution import DIV2K_MEAN, Enlarger, residual, shuffled_up
from tf_imgtrans.training.supervised import SupervisedTrainer

BYTE = 255.0  # the network works on 0 .. 255, less the mean; code


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Rcan(Enlarger):
  """Enlarges images by residual groups with channel attention: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3].

  A 3x3 convolution to 64 channels; ten groups and a convolution, added to its output; for each doubling a convolution to
  256 channels and a pixel shuffle; a convolution to 3 channels. A group is 20 blocks and a convolution, added to its input.
  A block is convolution, ReLU, convolution, channel attention, added to its input. Channel attention multiplies every
  channel by a number between 0 and 1: of the means of all channels, 1x1 convolutions to a 16th of them and back, ReLU
  between and a sigmoid behind them. The mean colour of DIV2K is taken off first and added at the end; it is fixed.
  15,444,643, 15,592,355 and 15,740,067 parameters at scales 2, 4 and 8.

  Initial weights are PyTorch's.

  Args:
    config: Config; `scale`, `channels`, `groups`, `blocks` (in a group), `reduction` and `seed` count here.
  """

  config_class = Config
  architecture = ("scale", "channels", "groups", "blocks", "reduction", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, mean=DIV2K_MEAN, units=BYTE, **kwargs)
    made, channels = self.convolution, config.channels
    self.first = made("first", 3, channels)
    self.groups = [[self._block(f"group{group}_block{block}") for block in range(1, config.blocks + 1)]
                   for group in range(1, config.groups + 1)]
    self.group_lasts = [made(f"group{group}_last", channels, channels) for group in range(1, config.groups + 1)]
    self.body_last = made("body_last", channels, channels)
    self.ups = [made(f"up{index}", channels, 4 * channels) for index in range(1, int(math.log2(config.scale)) + 1)]
    self.last = made("last", channels, 3, dtype="float32")

  def _block(self, name):
    channels, squeezed = self.config.channels, self.config.channels // self.config.reduction
    return [self.convolution(f"{name}_conv1", channels, channels), self.convolution(f"{name}_conv2", channels, channels),
            self.convolution(f"{name}_squeeze", channels, squeezed, 1),
            self.convolution(f"{name}_excite", squeezed, channels, 1)]

  def call(self, images, training=False):
    def group(features, number):
      for block in self.groups[number]:
        features = residual(features, lambda inner, block=block: _attended(inner, block), training)
      return self.group_lasts[number](features)

    def body(features):
      for number in range(len(self.groups)):
        features = residual(features, lambda inner, number=number: group(inner, number), training)
      return self.body_last(features)

    features = residual(self.first(self.enter(images)), body, training)
    for up in self.ups:
      features = shuffled_up(up(features), 2)
    return self.leave(self.last(features), training)


def _attended(features, block):
  """The branch of a block."""
  first, second, squeeze, excite = block
  features = second(tf.nn.relu(first(features)))
  # In float32: a sum over all pixels has no half-precision number.
  means = tf.reduce_mean(tf.cast(features, tf.float32), axis=(1, 2), keepdims=True)
  return features * tf.sigmoid(excite(tf.nn.relu(squeeze(tf.cast(means, features.dtype)))))


def rcan(**options):
  """RCAN; options are fields of Config."""
  return Rcan(from_dict(Config, options), name="rcan")


class Trainer(SupervisedTrainer):
  """RCAN by the L1 loss."""

  generator_class = Rcan

  def losses(self, source, target, fake):
    loss = l1(target, fake)
    return loss, {"l1": loss}
