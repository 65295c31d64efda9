"""Generator: pix2pix's U-Net with instance normalization (Implementation Details)."""

import dataclasses

import keras
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.layers.dropout import drop_pattern, seeded_dropout
from tf_imgtrans.layers.noise import NOISE_MODES
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.unet import UNet
from tf_imgtrans.papers.feature_pyramid_pan.config import Config


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="FeaturePyramidPanGenerator")
class Generator(UNet):
  """pix2pix's U-Net with instance normalization, see `networks.unet.UNet`: float32 [N, H, W, 3] in [0, 1] -> the same.

  With the defaults 54,409,603 parameters: every convolution has a bias and normalizations have none. With `affine=True`
  normalizations have a factor, 1 at the start, and an offset, and no convolution but the last has a bias: 54,413,955. Both
  are published variants of pix2pix. With `upsampling="resize"`, for fewer checkerboards, each stage of the decoder repeats
  every pixel 2x2 times and convolves 3x3: 39,153,411 parameters (39,157,763).

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
    super().__init__(config, config.upsampling, **kwargs)
    down, up = (Stages(config.seed, self.dtype_policy, first, normalization="instance" if config.affine else "plain")
                for first in (1, 101))
    encoder, decoder, last = self.unet_stages(down, up, ("down{}_{}", "up{}_{}", "up{}_{}"), config.affine)
    self.down = [convolution for convolution, _ in encoder]
    self.down_norms = [norm for _, norm in encoder if norm]
    self.up = [*(convolution for convolution, _ in decoder), last]
    self.up_norms = [norm for _, norm in decoder]

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
    encoder = list(zip(self.down, [None, *self.down_norms, None]))
    decoder = list(zip(self.up, self.up_norms))
    drop = self._dropout(dropout_seed, noise_seed, training)
    return self.translate(images, encoder, decoder, self.up[-1], drop, training)

  def _dropout(self, dropout_seed, noise_seed, training):
    """(features, stage) -> features with some zeros; None where nothing is dropped."""
    rate = self.config.dropout
    if training or self.noise == "off" or rate == 0:
      return seeded_dropout(rate, dropout_seed if training else None)
    if noise_seed is None and self.noise == "fixed":
      return lambda features, stage: drop_pattern(features, rate, stage)
    if noise_seed is None:
      noise_seed = tf.random.uniform([2], maxval=2 ** 31 - 1, dtype=tf.int32)
    return seeded_dropout(rate, noise_seed)


def feature_pyramid_pan(**options):
  """The generator; options are fields of Config."""
  # Levels that go with every image_size: a generator alone has none.
  return Generator(from_dict(Config, {"levels": 1, "low_levels": (1,), **options}), name="feature_pyramid_pan")
