"""What networks take from A. Ignatov et al., "DSLR-Quality Photos on Mobile Devices with Deep Convolutional Networks", ICCV
2017, and its public code (models.py): initial weights and the discriminator."""

import keras
import tensorflow as tf

from tf_imgtrans.core.color import LUMA_RGB2GRAY
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, fixed_size
from tf_imgtrans.networks.blocks import Stages

KERNELS = (11, 5, 3, 3, 3)  # of the discriminator
STRIDES = (4, 2, 1, 1, 2)  # of the discriminator: the first, second and fifth are strided by 4, 2 and 2
LEAK = 0.2  # slope of LeakyReLU below zero
EPSILON = 1e-3  # of instance normalization


def initial_weights(seed):
  """Initializers of a layer: kernels truncated normal of deviation 0.01, biases 0.01; arguments of Conv2D."""
  return {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01, seed=seed),
          "bias_initializer": keras.initializers.Constant(0.01)}


class DpedDiscriminator(ConfiguredModel):
  """Tells photographs from enhanced ones by their texture: float32 [N, P, P, 3] in [0, 1] -> logits [N, 1].

  Grey input; five convolutions with bias, each followed by LeakyReLU 0.2 and, but for the first, normalization; a
  dense layer of 1024 and the head. Logits above 0 mean real. DPED's code normalises each image alone (instance
  normalization) where its paper writes batch normalization; this follows the code.

  The softmax head has two units, as DPED; its real-against-fake logit is the difference of the two. The sigmoid head has
  one unit.

  Args:
    config: with the fields `discriminator_head`, `discriminator_channels`, `discriminator_dense`, `patch_size` and
      `seed`.
  """

  architecture = ("discriminator_head", "discriminator_channels", "discriminator_dense", "patch_size", "seed")

  def __init__(self, config, **kwargs):
    super().__init__(config, **kwargs)
    policy = self.dtype_policy
    stages = Stages(config.seed, policy, first=500, weights=initial_weights, normalization="instance", epsilon=EPSILON)
    made = [stages.stage(f"{{}}{index}", channels, kernel, stride, normalized=index > 1)
            for index, (channels, kernel, stride) in enumerate(zip(config.discriminator_channels, KERNELS, STRIDES), 1)]
    self.convolutions = [convolution for convolution, _ in made]
    self.norms = [norm for _, norm in made if norm]
    self.flatten = keras.layers.Flatten(dtype=policy)
    self.dense = keras.layers.Dense(config.discriminator_dense, dtype=policy, name="dense", **stages.weights())
    units = 2 if config.discriminator_head == "softmax" else 1
    self.head = keras.layers.Dense(units, dtype="float32", name="head", **stages.weights())

  def call(self, images, training=False):
    check_images(images)
    images = fixed_size(images, self.config.patch_size, "the patches that it is made for")
    features = tf.reduce_sum(tf.cast(images, tf.float32) * LUMA_RGB2GRAY, axis=-1, keepdims=True)
    features = tf.cast(features, self.compute_dtype)
    for convolution, norm in zip(self.convolutions, [None, *self.norms]):
      features = tf.nn.leaky_relu(convolution(features), LEAK)
      features = norm(features) if norm else features
    features = tf.nn.leaky_relu(self.dense(self.flatten(features)), LEAK)
    logits = self.head(features)
    return logits[:, :1] - logits[:, 1:] if self.config.discriminator_head == "softmax" else logits
