"""DPED's discriminator on grey patches (Sec. 4.1, Fig. 4)."""

import keras
import tensorflow as tf

from tf_imgtrans.core.color import LUMA_RGB2GRAY
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.layers.instance_normalization import InstanceNormalization
from tf_imgtrans.papers.mux_demux.config import Config

KERNELS = (11, 5, 3, 3, 3)  # DPED
STRIDES = (4, 2, 1, 1, 2)  # Sec. 4.1: the first, second and fifth are strided by 4, 2 and 2
LEAK = 0.2  # DPED


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="MuxDemuxDiscriminator")
class Discriminator(ConfiguredModel):
  """Tells DSLR patches from enhanced ones by their texture: float32 [N, P, P, 3] in [0, 1] -> logits [N, 1].

  Grey input; five convolutions with bias, each followed by LeakyReLU 0.2 and, but for the first, normalization; a
  dense layer of 1024 and the head. Logits above 0 mean real. DPED's code normalises each image alone (instance
  normalization) where the papers write batch normalization; we follow the code. P is `patch_size` of the config.

  The softmax head has two units, as DPED: 7,361,122 parameters at the defaults. Its real-against-fake logit is the
  difference of the two. The sigmoid head of this paper has one unit: 7,360,097 parameters.
  """

  config_class = Config
  architecture = ("discriminator_head", "discriminator_channels", "discriminator_dense", "patch_size", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    policy = self.dtype_policy

    def weights(index):  # DPED: truncated normal of deviation 0.01, biases 0.01
      seed = (1000 * config.seed + 500 + index) % 2 ** 30
      return {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01, seed=seed),
              "bias_initializer": keras.initializers.Constant(0.01)}

    self.convolutions = [
        keras.layers.Conv2D(channels, kernel, stride, padding="same", dtype=policy, name=f"conv{index + 1}",
                            **weights(index))
        for index, (channels, kernel, stride) in enumerate(zip(config.discriminator_channels, KERNELS, STRIDES))]
    self.norms = [InstanceNormalization(dtype=policy, name=f"norm{index + 2}")
                  for index in range(len(self.convolutions) - 1)]
    self.flatten = keras.layers.Flatten(dtype=policy)
    self.dense = keras.layers.Dense(config.discriminator_dense, dtype=policy, name="dense", **weights(5))
    units = 2 if config.discriminator_head == "softmax" else 1
    self.head = keras.layers.Dense(units, dtype="float32", name="head", **weights(6))

  def call(self, images, training=False):
    features = tf.reduce_sum(tf.cast(images, tf.float32) * LUMA_RGB2GRAY, axis=-1, keepdims=True)
    features = tf.cast(features, self.compute_dtype)
    for index, convolution in enumerate(self.convolutions):
      features = tf.nn.leaky_relu(convolution(features), LEAK)
      if index > 0:
        features = self.norms[index - 1](features)
    features = tf.nn.leaky_relu(self.dense(self.flatten(features)), LEAK)
    logits = self.head(features)
    return logits[:, :1] - logits[:, 1:] if self.config.discriminator_head == "softmax" else logits

  def compute_output_shape(self, input_shape):
    return (input_shape[0], 1)
