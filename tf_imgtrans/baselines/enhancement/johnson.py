"""The image transformation network of J. Johnson, A. Alahi, L. Fei-Fei: "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution", ECCV 2016, and its supplement."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.enhancement.config import CONFIGS, Config, named
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.core.tensors import unit_tanh

SMALLEST = 8  # pixels; below it, a quarter-scale map has no neighbourhood to filter
MULTIPLE = 4  # two strides of 2
RESIDUAL_BLOCKS = 5  # supplement, Table 1
MOMENTUM, EPSILON = 0.9, 1e-5  # batch normalization of Torch, in which the authors' code is written


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Johnson(ConfiguredModel):
  """Transforms images at quarter scale: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  9x9x32; 3x3x64 and 3x3x128 of stride 2; five residual blocks of two 3x3x128; transposed 3x3x64 and 3x3x32 of stride 2;
  9x9x3. All but the last are followed by batch normalization and ReLU, but for the second of a residual block, which has
  no ReLU. Any height and width from 8 pixels: sizes are reflect-padded to a multiple of 4 and cropped back.

  Departs from the paper: maps are zero-padded at each convolution, where the paper pads the input by 40 pixels and lets the
  residual blocks eat them (twice the multiplications on a 100-pixel patch); the output is 0.58 * tanh + 0.5, as of the
  networks it is compared with, clipped at inference. Initial weights are not given: Glorot's. On several devices, each
  normalizes the images that it holds, and the running means are those of the first.

  Args:
    config: Config; `seed` counts here.
  """

  config_class = Config
  architecture = ("network", "seed")

  def __init__(self, config=CONFIGS["johnson"], **kwargs):
    super().__init__(config, **kwargs)
    self.scale = 1
    policy = self.dtype_policy
    numbers = iter(range(1, 100))

    def convolution(filters, kernel, stride=1, transposed=False):
      kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
      number = next(numbers)
      return kind(filters, kernel, stride, padding="same", dtype=policy, name=f"conv{number}",
                  kernel_initializer=keras.initializers.GlorotUniform((1000 * config.seed + number) % 2 ** 30))

    def normalized(*arguments, **options):
      layer = convolution(*arguments, **options)
      return layer, keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=policy,
                                                    name=layer.name.replace("conv", "norm"))

    self.down = [normalized(32, 9), normalized(64, 3, 2), normalized(128, 3, 2)]
    self.blocks = [[normalized(128, 3), normalized(128, 3)] for _ in range(RESIDUAL_BLOCKS)]
    self.up = [normalized(64, 3, 2, transposed=True), normalized(32, 3, 2, transposed=True)]
    self.last = convolution(3, 9)

  def build(self, input_shape):
    channels = input_shape[-1]
    for convolution, normalization in [*self.down, *sum(self.blocks, []), *self.up]:
      convolution.build((None, None, None, channels))
      channels = convolution.filters
      normalization.build((None, None, None, channels))
    self.last.build((None, None, None, channels))

  def call(self, images, training=False, clip=True):
    check_images(images)
    for name, size in zip(("height", "width"), images.shape[1:3]):
      if size is not None and size < SMALLEST:
        raise ValueError(f"{name} is {size}: the generator needs at least {SMALLEST} pixels; enlarge the image")

    def run(layers, features):
      convolution, normalization = layers
      return normalization(convolution(features), training=training)

    features = pad_to_multiple(tf.cast(images, self.compute_dtype), MULTIPLE)
    for layers in self.down:
      features = tf.nn.relu(run(layers, features))
    for first, second in self.blocks:
      features = features + run(second, tf.nn.relu(run(first, features)))
    for layers in self.up:
      features = tf.nn.relu(run(layers, features))
    return crop_like(unit_tanh(self.last(features), clip and not training), images)

  def compute_output_shape(self, input_shape):
    return tuple(input_shape)


def johnson(**options):
  """Johnson's network; options are fields of Config."""
  return Johnson(named("johnson", options), name="johnson")
