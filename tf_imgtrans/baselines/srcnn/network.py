"""SRCNN: C. Dong et al., "Learning a Deep Convolutional Network for Image Super-Resolution", ECCV 2014, in the form of the
PIRM 2018 challenge on smartphones."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.srcnn.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import unit_tanh
from tf_imgtrans.losses.distortion import squared_error
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.dped import initial_weights
from tf_imgtrans.training.supervised import SupervisedTrainer

KERNELS, CHANNELS = (9, 5, 5), (64, 32, 3)  # the challenge's 9-5-5; 9-1-5 does not fit the running times of Table 4


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Srcnn(ConfiguredModel):
  """Three convolutions, ReLU between them: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  69,249 parameters: the last convolution has one bias for its three channels. The output is 0.58 * tanh + 0.5 (DPED),
  clipped at inference.

  Departs from the challenge's code: initial weights are DPED's, truncated normal of deviation 0.01 and biases 0.01, where
  the code has normal of 0.001 and zero. In three trials of 400 steps of 4 DPED patches both came to the same loss, DPED's
  start about 100 steps earlier.

  Args:
    config: Config; `seed` counts here.
  """

  config_class = Config
  architecture = ("seed",)

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    stages = Stages(config.seed, self.dtype_policy, weights=initial_weights)
    self.convolutions = [stages.convolution(f"conv{index}", channels, kernel, 1, use_bias=index < 3)
                         for index, (channels, kernel) in enumerate(zip(CHANNELS, KERNELS), 1)]

  def build(self, input_shape):
    channels = input_shape[-1]
    for convolution in self.convolutions:
      convolution.build((None, None, None, channels))
      channels = convolution.filters
    self.bias = self.add_weight(name="bias", shape=(1,), initializer=keras.initializers.Constant(0.01))

  def call(self, images, training=False, clip=True):
    check_images(images)
    features = tf.cast(images, self.compute_dtype)
    for convolution in self.convolutions[:-1]:
      features = tf.nn.relu(convolution(features))
    return unit_tanh(self.convolutions[-1](features) + self.bias, clip and not training)


def srcnn(**options):
  """SRCNN; options are fields of Config."""
  return Srcnn(from_dict(Config, options), name="srcnn")


class Trainer(SupervisedTrainer):
  """SRCNN by the squared error, "three-layer CNN and MSE loss function" (Mux/Demux paper, Sec. 5.1)."""

  generator_class = Srcnn

  def losses(self, source, target, fake):
    loss = squared_error(target, fake)
    return loss, {"squared_error": loss}
