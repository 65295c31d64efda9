"""Generators of Figures 2 and 3: dense blocks at half and quarter scale between Demux and Mux layers."""

import dataclasses

import keras
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, crop_like, mirror_border, pad_to_multiple
from tf_imgtrans.core.tensors import unit_tanh
from tf_imgtrans.layers.dense_block import DenseBlock
from tf_imgtrans.layers.mux import Demux, Mux
from tf_imgtrans.layers.noise_channels import NoiseChannels
from tf_imgtrans.papers.mux_demux.config import Config

SMALLEST = 8  # pixels; below it, a quarter-scale map has no neighbourhood to filter
MULTIPLE = 4  # two Demux layers


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="MuxDemuxGenerator")
class Generator(ConfiguredModel):
  """Enhances photographs: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  normal (Fig. 2): Demux, 4 dense layers, Demux, 6 dense layers, Mux, 3 dense layers, Mux.
  high_performance (Fig. 3): Demux, Demux, 6 dense layers, Mux, 2 dense layers, Mux.
  One noise channel follows every Demux. The numbers of layers are ours; the paper's figures cannot be read.

  The convolutions see zeros beyond the border, which shows in large images as a rim of 8 pixels that is brighter or darker.
  With a `border`, as the shipped models have it, an image is mirrored by so many pixels at inference and cropped again.

  Any height and width from 8 pixels: sizes are reflect-padded to a multiple of 4 and cropped back. The output is
  0.58 * tanh + 0.5 (DPED), which can leave [0, 1] by 0.08; at inference it is clipped.

  Args:
    config: Config; `network`, `growth_half`, `growth_quarter`, `noise`, `border`, `equal_sub_pixels` and
      `seed` count here.
  """

  config_class = Config
  architecture = ("network", "growth_half", "growth_quarter", "noise", "border", "equal_sub_pixels",
                  "seed")  # what a saved generator must know

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    half, quarter, policy = config.growth_half, config.growth_quarter, self.dtype_policy
    normal = config.network == "normal"

    def block(name, number, layers, growth, channels, alike, **options):
      options["alike"] = alike if config.equal_sub_pixels else ()
      seed = (1000 * config.seed + 100 * number) % 2 ** 30  # 100 apart: a block's convolutions take consecutive ones
      return DenseBlock(layers, growth, channels, seed=seed, dtype=policy, name=name, **options)

    self.demux = Demux(dtype=policy, name="demux")
    self.mux = Mux(dtype=policy, name="mux")
    self.half_noise = NoiseChannels(noise=config.noise, stream=1, dtype=policy, name="half_noise")
    self.quarter_noise = NoiseChannels(noise=config.noise, stream=2, dtype=policy, name="quarter_noise")
    # The pixels pass from Demux to Mux: channel c of group g is g * channels + c.
    pixels = min(12, half, quarter // 2)
    groups = [(group, channel) for group in range(4) for channel in range(pixels)]
    demuxed = half if normal else 13
    whole = [(channel, channel) for channel in range(pixels)]
    self.half_in = None
    if normal:
      self.half_in = block("half_in", 1, 4, half, half, _sub_pixels(12), hand_on=whole, tied=_sub_pixels(half))
    self.quarter = block("quarter", 2, 6, quarter, 2 * quarter, _sub_pixels(demuxed, groups=4),
                         tied=_sub_pixels(quarter // 2, groups=4),
                         hand_on=[(group * demuxed + channel, group * quarter // 2 + channel) for group, channel in groups])
    self.half_out = block("half_out", 3, 3 if normal else 2, half, 12, _sub_pixels(quarter // 2), activate=False,
                          hand_on=whole, gain=1 / 0.58, offset=-0.5 / 0.58, tied=_sub_pixels(12))

  @property
  def noise(self):
    """What the noise channels hold at inference: "random", "fixed" or "off"; may be set."""
    return self.half_noise.noise

  @noise.setter
  def noise(self, mode):
    self.half_noise.noise = self.quarter_noise.noise = mode
    self.config = dataclasses.replace(self.config, noise=mode)

  def forget_noise(self):
    """Sets the weights of the noise channels to 0, and the noise off.

    Of a network that was trained without noise, they still are the initial ones: noise that is asked for later, by an
    export or by `noise`, then changes nothing instead of adding what was never learned.
    """
    self.noise = "off"
    half = [12]  # after the 12 channels of the pixels
    quarter = [4 * self.config.growth_half] if self.half_in else [12, 25, 38, 51, 52]  # of Demux, and its own
    for block, channels in ((self.half_in, half), (self.quarter, quarter)):
      for layer in (*block.convolutions, block.transition) if block else ():
        kernel = layer.kernel.numpy()
        kernel[:, :, channels] = 0
        layer.kernel.assign(kernel)

  def call(self, images, noise_seed=None, training=False, clip=True):
    """Enhances a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      noise_seed: int or int pair, optional; the same seed draws the same noise.
      training: bool; the output is not clipped then.
      clip: bool; False leaves the output unclipped at inference too.
    """
    check_images(images, smallest=SMALLEST)

    def noise(layer, features):
      return layer(features, noise_seed=noise_seed, training=training)

    border = 0 if training else self.config.border
    padded = tf.cast(images, self.compute_dtype)
    padded = pad_to_multiple(mirror_border(padded, border) if border else padded, MULTIPLE)
    features = noise(self.half_noise, self.demux(padded))
    if self.half_in is not None:
      features = self.half_in(features, training=training)
    features = noise(self.quarter_noise, self.demux(features))
    features = self.quarter(features, training=training)
    features = self.half_out(self.mux(features), training=training)
    enhanced = self.mux(features)
    enhanced = enhanced[:, border:, border:] if border else enhanced
    return crop_like(unit_tanh(enhanced, clip and not training), images)


def _sub_pixels(channels, groups=1):
  """Channels that are pixels of one 4x4 square and one colour, or one map there: lists of those that belong together.

  Mux makes 2x2 pixels of four groups of channels, and the first 12 channels at half scale are pixels as well: 4 of 3
  colours. With equal initial kernels for all of them no pixel starts brighter than its neighbours; otherwise the difference
  stays as a lattice of period 4, which costs a pixel loss too little to be trained away. Training brings a faint one
  back, unless `equal_sub_pixels` keeps flat areas flat.
  """
  pixels = [[pixel * 3 + color for pixel in range(4)] for color in range(3)]
  maps = [*pixels, *([feature] for feature in range(12, channels))]
  within = [[channel for channel in each if channel < channels] for each in maps]
  return [[group * channels + channel for group in range(groups) for channel in each] for each in within if each]


def normal(**options):
  """The generator of Figure 2; options are fields of Config but for `network`."""
  return _named("mux_demux", "normal", options)


def high_performance(**options):
  """The generator of Figure 3; options are fields of Config but for `network`."""
  return _named("mux_demux_hp", "high_performance", options)


def _named(name, network, options):
  if "network" in options:
    raise ValueError(f"network is {options['network']!r}, but the name {name!r} decides it: choose the name mux_demux "
                     "(normal) or mux_demux_hp (high_performance), and leave network out")
  return Generator(from_dict(Config, {"network": network, **options}), name=name)
