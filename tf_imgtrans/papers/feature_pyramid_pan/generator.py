"""Generator: pix2pix's U-Net with instance normalization (Implementation Details)."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple, sizes
from tf_imgtrans.layers.dropout import drop_out
from tf_imgtrans.layers.instance_normalization import InstanceNormalization
from tf_imgtrans.layers.noise import NOISE_MODES
from tf_imgtrans.papers.feature_pyramid_pan.config import Config

WIDTHS = (1, 2, 4, 8, 8, 8, 8, 8)  # of the encoder's stages over base_channels; pix2pix
DROPPED = 3  # innermost stages of the decoder that drop numbers; pix2pix
KERNEL = 4  # pix2pix
RESIZE_KERNEL = 3  # of the convolution behind a nearest resize; ours
LEAK = 0.2  # slope of LeakyReLU below zero; pix2pix
STDDEV = 0.02  # of the initial kernels around 0; Implementation Details
EPSILON = 1e-5  # instance normalization of Torch, in which pix2pix is written
SMALLEST = 8  # pixels; ours: of fewer, nearly all that the network sees would be mirrored
TILE = 8  # side of the repeated pattern of "fixed" dropout, in numbers of the map


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="FeaturePyramidPanGenerator")
class Generator(ConfiguredModel):
  """Translates images: float32 [N, H, W, 3] in [0, 1] -> the same shape and range; [-1, 1] inside.

  The encoder halves the map log2(image_size) times, 8 for 256 pixels, with 4x4 convolutions of 64, 128, 256 and from then
  on 512 channels; LeakyReLU 0.2 stands before each but the first, and instance normalization behind each but the first
  and the last. The decoder doubles it as often: ReLU, transposed 4x4 convolution, normalization, and in the three
  innermost stages dropout; what it gives is put beside the encoder's map of that size. The last stage gives 3 channels
  and tanh. Kernels see zeros beyond the border.

  With the defaults 54,409,603 parameters: every convolution has a bias and normalizations have none. With `affine=True`
  normalizations have a factor, 1 at the start, and an offset, and no convolution but the last has a bias: 54,413,955. Both
  are published variants of pix2pix. With `upsampling="resize"`, for fewer checkerboards, each stage of the decoder repeats
  every pixel 2x2 times and convolves 3x3: 39,153,411 parameters (39,157,763).

  Any height and width from 8 pixels: sizes are mirrored at the bottom and on the right up to a multiple of
  2^stages, again and again where they are short, and cropped back.

  Dropout is the noise z of Eq. 3: in training it follows `dropout_seed`; at inference `noise` says what it does:
    "off": nothing is dropped.
    "fixed": always the same numbers are dropped, those of a pattern that repeats every 8x8 numbers of a map and is one
      for all images, so that one input gives one output on every machine and in every exported file.
    "random": by `noise_seed`, or anew at every call without one.

  Args:
    config: Config; `image_size`, `base_channels`, `upsampling`, `affine`, `dropout`, `noise` and `seed` count here.
  """

  config_class = Config
  # The levels shape nothing here, but the default ones would not go with a saved image_size of 32.
  architecture = ("image_size", "base_channels", "upsampling", "affine", "dropout", "noise", "seed", "levels", "low_levels")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    self.stages = config.image_size.bit_length() - 1
    self.multiple = 2 ** self.stages
    policy = self.dtype_policy

    def convolution(name, number, filters, kernel, stride, kind, biased):
      seed = (1000 * config.seed + number) % 2 ** 30
      return kind(filters, kernel, stride, "same", use_bias=biased, dtype=policy, name=f"{name}_conv",
                  kernel_initializer=keras.initializers.RandomNormal(0.0, STDDEV, seed))

    def norm(name):
      return InstanceNormalization(EPSILON, center=config.affine, scale=config.affine, dtype=policy, name=f"{name}_norm")

    widths = [config.base_channels * factor for factor in WIDTHS[:self.stages]]
    # "same" pads even maps by one zero on every side, as pix2pix does.
    self.down = [convolution(f"down{index}", index, width, KERNEL, 2, keras.layers.Conv2D, not config.affine)
                 for index, width in enumerate(widths, 1)]
    self.down_norms = [norm(f"down{index}") for index in range(2, self.stages)]  # neither the first nor the last
    kind, kernel, stride = ((keras.layers.Conv2DTranspose, KERNEL, 2) if config.upsampling == "transposed" else
                            (keras.layers.Conv2D, RESIZE_KERNEL, 1))
    last, outputs = self.stages, [*widths[-2::-1], 3]
    self.up = [convolution(f"up{index}", 100 + index, width, kernel, stride, kind, index == last or not config.affine)
               for index, width in enumerate(outputs, 1)]
    self.up_norms = [norm(f"up{index}") for index in range(1, self.stages)]

  def build(self, input_shape):
    channels, skipped = input_shape[-1], []
    for index, convolution in enumerate(self.down):
      convolution.build((None, None, None, channels))
      channels = convolution.filters
      skipped.append(channels)
      if 0 < index < self.stages - 1:
        self.down_norms[index - 1].build((None, None, None, channels))
    skipped.pop()
    for convolution, norm in zip(self.up, [*self.up_norms, None]):
      convolution.build((None, None, None, channels))
      if norm:
        norm.build((None, None, None, convolution.filters))
        channels = convolution.filters + skipped.pop()

  @property
  def noise(self):
    """What dropout does at inference: "random", "fixed" or "off"; may be set."""
    return self.config.noise

  @noise.setter
  def noise(self, mode):
    if mode not in NOISE_MODES:
      raise unknown_name("noise mode", mode, NOISE_MODES)
    self.config = dataclasses.replace(self.config, noise=mode)

  def call(self, images, dropout_seed=None, noise_seed=None, training=False):
    """Translates a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; in training, the same seed drops the same numbers, and without one none are dropped.
      noise_seed: int or int pair; the same at inference, in every mode of `noise` but "off".
      training: bool; drops numbers by `dropout_seed`.
    """
    check_images(images)
    for name, size in zip(("height", "width"), images.shape[1:3]):
      if size is not None and size < SMALLEST:
        raise ValueError(f"{name} is {size}: the generator needs at least {SMALLEST} pixels; enlarge the image")
    drop = self._dropout(dropout_seed, noise_seed, training)
    features = pad_to_multiple(tf.cast(2 * images - 1, self.compute_dtype), self.multiple)
    skips = []
    for index, convolution in enumerate(self.down):
      features = convolution(tf.nn.leaky_relu(features, LEAK) if index else features)
      if 0 < index < self.stages - 1:
        features = self.down_norms[index - 1](features)
      skips.append(features)
    skips.pop()
    for index, norm in enumerate(self.up_norms):
      features = norm(self._doubled(self.up[index], features))
      if drop and index < DROPPED:
        features = drop(features, index)
      features = tf.concat([features, skips.pop()], axis=-1)
    signed = tf.tanh(tf.cast(self._doubled(self.up[-1], features), tf.float32))
    return crop_like((signed + 1) / 2, images)

  def _doubled(self, convolution, features):
    """ReLU, and twice the map's sides."""
    features = tf.nn.relu(features)
    if self.config.upsampling == "resize":
      # Nearest, by a rearrangement: it has gradients of all orders, in half precision and under XLA too.
      features = tf.nn.depth_to_space(tf.concat([features] * 4, axis=-1), 2)
    return convolution(features)

  def _dropout(self, dropout_seed, noise_seed, training):
    """(features, stage) -> features with some zeros; None where nothing is dropped."""
    rate = self.config.dropout
    if rate == 0 or (training and dropout_seed is None) or (not training and self.noise == "off"):
      return None
    seed = dropout_seed if training else noise_seed
    if seed is None and self.noise == "fixed":
      return lambda features, stage: _drop_pattern(features, rate, stage)
    if seed is None:
      seed = tf.random.uniform([2], maxval=2 ** 31 - 1, dtype=tf.int32)
    pair = as_seed_pair(seed)
    return lambda features, stage: drop_out(features, rate, fold_in(pair, stage))

  def compute_output_shape(self, input_shape):
    return tuple(input_shape)


def feature_pyramid_pan(**options):
  """The generator; options are fields of Config."""
  # Levels that go with every image_size: a generator alone has none.
  return Generator(from_dict(Config, {"levels": 1, "low_levels": (1,), **options}), name="feature_pyramid_pan")


def _drop_pattern(features, rate, stage):
  """Drops by a pattern of 8x8 numbers, repeated over the map; it needs no random operation."""
  # RandomState: NumPy promises that its stream never changes, so the pattern outlives versions.
  kept = np.random.RandomState(stage).random_sample((1, TILE, TILE, features.shape[-1])) >= rate
  height, width = sizes(features, (1, 2))
  factors = tf.constant(kept / (1 - rate), features.dtype)
  return features * tf.tile(factors, [1, -(-height // TILE), -(-width // TILE), 1])[:, :height, :width]
