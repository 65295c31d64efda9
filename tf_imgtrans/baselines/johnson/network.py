"""The image transformation network of J. Johnson, A. Alahi, L. Fei-Fei: "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution", ECCV 2016, and its supplement."""

import itertools

import keras
import tensorflow as tf

from tf_imgtrans.baselines.johnson.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.core.tensors import unit_tanh
from tf_imgtrans.losses.distortion import squared_error
from tf_imgtrans.losses.feature import perceptual
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.resnet import transform
from tf_imgtrans.training.supervised import SupervisedTrainer

SMALLEST = 8  # pixels; below it, a quarter-scale map has no neighbourhood to filter
MULTIPLE = 4  # two strides of 2
RESIDUAL_BLOCKS = 5  # supplement, Table 1


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
  architecture = ("seed",)

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    numbers = itertools.count(1)
    stages = Stages(config.seed, self.dtype_policy, first=1, weights=_glorot)

    def stage(filters, kernel, stride=1, transposed=False):
      return stages.stage(f"{{}}{next(numbers)}", filters, kernel, stride, transposed=transposed)

    self.down = [stage(32, 9), stage(64, 3, 2), stage(128, 3, 2)]
    self.blocks = [[stage(128, 3), stage(128, 3)] for _ in range(RESIDUAL_BLOCKS)]
    self.up = [stage(64, 3, 2, transposed=True), stage(32, 3, 2, transposed=True)]
    self.last = stages.convolution(f"conv{next(numbers)}", 3, 9, 1)

  def call(self, images, training=False, clip=True):
    check_images(images, smallest=SMALLEST)
    features = pad_to_multiple(tf.cast(images, self.compute_dtype), MULTIPLE)
    features = transform(features, self.down, self.blocks, self.up, self.last, tf.nn.relu, training)
    return crop_like(unit_tanh(features, clip and not training), images)


def johnson(**options):
  """Johnson's network; options are fields of Config."""
  return Johnson(from_dict(Config, options), name="johnson")


def _glorot(seed):
  return {"kernel_initializer": keras.initializers.GlorotUniform(seed)}


class Trainer(SupervisedTrainer):
  """Johnson's network by a VGG-based loss (Mux/Demux paper, Sec. 5.1), or by the squared error."""

  generator_class = Johnson

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    if config.weight_perceptual:
      self.vgg = Vgg19Features((config.perceptual_layer,), config.vgg_weights, dtype=precision)

  def losses(self, source, target, fake):
    layer = self.config.perceptual_layer
    return weighted_sum(self.config, {
        "perceptual": lambda: perceptual(*(self.vgg(images)[layer] for images in (target, fake))),
        "squared_error": lambda: squared_error(target, fake),
    })
