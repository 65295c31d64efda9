"""The networks of the sweeps, in small: each generator of `list_generators()`, and what scores or segments images."""

import dataclasses
import functools
import hashlib

import keras
import recipes

import tf_imgtrans as ti
from tf_imgtrans.baselines import segmentation
from tf_imgtrans.baselines.context_encoder.network import CentreDiscriminator
from tf_imgtrans.baselines.esrgan.network import Discriminator as EsrganDiscriminator
from tf_imgtrans.baselines.esrgan.recipe import Config as EsrganConfig
from tf_imgtrans.baselines.pix2pix.network import Discriminator as PatchDiscriminator
from tf_imgtrans.papers import feature_pyramid_pan, mux_demux, progressive_pan, x_gans
from tf_imgtrans.recipes import find_recipe

UNET = {"image_size": 32, "load_size": 36, "base_channels": 4}
PYRAMID = {"image_size": 32, "base_channels": 4}
ENLARGER = {"channels": 8, "blocks": 2}
CENTRE = {"base_channels": 2, "bottleneck": 8}


@dataclasses.dataclass(frozen=True)
class Case:
  """A generator and what is particular to it."""

  name: str
  options: dict = dataclasses.field(default_factory=dict)
  smallest: int = 1  # side
  fixed: int = 0  # its only side
  scale: int = 1
  seeds: tuple = ()  # arguments of a call in training that draws
  near: tuple = ((0.03, 0.3), (0.004, 0.05))  # mean and largest difference of bfloat16, and of float16, from float32
  unused: tuple = ()  # parts of the paths of weights that a call leaves out
  kind: str = "Generator"  # its class
  config: dict = dataclasses.field(default_factory=dict)  # fields that the name sets
  operations: dict = dataclasses.field(default_factory=dict)  # how often at least a mobile graph has them; 0: never

  def make(self, **options):
    return ti.create_generator(self.name, **{**self.options, **options})

  @property
  def sizes(self):
    if self.fixed:
      return [(self.fixed, self.fixed)]
    low = self.smallest
    return [(low, low), (low, 31), (33, low), (17, 19), (29, 42), (32, 32)]


TIGHT = ((0.01, 0.1), (0.001, 0.1))
NOISE, DROPOUT = ("noise_seed",), ("dropout_seed",)
GROWTH = {"growth_half": 4, "growth_quarter": 4}
SCALES = {"SPACE_TO_DEPTH": 2, "DEPTH_TO_SPACE": 2}
BLOCKS = {"base_channels": 4, "residual_blocks": 2}
REFLECTED = {"MIRROR_PAD": 2 + 2 * 2, "TRANSPOSE_CONV": 2}
CRN = {"image_size": 16, "load_size": 16, "base_channels": 1}
PROGRESSIVE = {"input_size": 16, "output_size": 32, "channel_base": 64, "channels_max": 8}
RESNETS = ("dped", "resnet_8_32", "resnet_12_64")


def _pyramid(**options):
  transposed = {"TRANSPOSE_CONV": 5 if options.get("upsampling") != "resize" else 0}
  return Case("feature_pyramid_pan", {**PYRAMID, **options}, 8, seeds=(*DROPOUT, *NOISE), operations=transposed)


def _unet(name, **options):
  return Case(name, {**UNET, **options}, 8, seeds=DROPOUT, kind="Unet")


GENERATORS = {
    "mux_demux": Case("mux_demux", GROWTH, 8, seeds=NOISE, config={"network": "normal"}, operations=SCALES),
    "mux_demux_hp": Case("mux_demux_hp", GROWTH, 8, seeds=NOISE, config={"network": "high_performance"}, operations=SCALES),
    "mux_demux_hp, off": Case("mux_demux_hp", {**GROWTH, "noise": "off"}, 8, operations=SCALES),
    "x_gans": Case("x_gans", BLOCKS, 8, seeds=DROPOUT, near=TIGHT, operations=REFLECTED),
    "x_gans, 3 downsamplings": Case("x_gans", {**BLOCKS, "downsamplings": 3, "normalization": "batch"}, 8, seeds=DROPOUT,
                                    near=TIGHT),
    **{f"feature_pyramid_pan, {upsampling}{', affine' * affine}": _pyramid(upsampling=upsampling, affine=affine)
       for upsampling in ("transposed", "resize") for affine in (False, True)},
    "feature_pyramid_pan, fixed": _pyramid(noise="fixed"),
    "progressive_pan": Case("progressive_pan", PROGRESSIVE, scale=2, seeds=NOISE, operations={"DEPTHWISE_CONV_2D": 1},
                            unused=("from_rgb_8", "to_rgb_8", "to_rgb_16")),
    "srcnn": Case("srcnn", near=TIGHT, kind="Srcnn"),
    **{name: Case(name, near=TIGHT, kind="ResNet", config={"network": name}) for name in RESNETS},
    "johnson": Case("johnson", smallest=8, near=TIGHT, kind="Johnson"),
    "on_demand": Case("on_demand", {"image_size": 32, "base_channels": 4}, fixed=32),
    "pix2pix": _unet("pix2pix"),
    "pix2pix, instance": _unet("pix2pix", normalization="instance"),
    "cnn": _unet("cnn"),
    **{f"context_encoder, {side}": Case("context_encoder", {**CENTRE, "image_size": side, "load_size": side}, fixed=side,
                                        kind="ContextEncoder") for side in (64, 128)},
    "crn": Case("crn", CRN, 8, kind="Crn"),
    "crn, none": Case("crn", {**CRN, "label_set": "none"}, 8, kind="Crn"),
    "drrn": Case("drrn", {"base_channels": 8, "residual_units": 2}, kind="Drrn"),
    "bicubic": Case("bicubic", scale=4, kind="Bicubic"),
    "esrgan": Case("esrgan", {**ENLARGER, "growth": 4}, scale=4, kind="Esrgan"),
    "carn": Case("carn", {**ENLARGER, "groups": 2}, scale=4, kind="Carn", unused=("scale2_up", "scale3_up")),
    "rcan": Case("rcan", {**ENLARGER, "groups": 2, "reduction": 4}, scale=4, kind="Rcan"),
}


@dataclasses.dataclass(frozen=True)
class Judge:
  """A network whose outputs are no images: discriminators, and the segmenter."""

  kind: type
  config: object
  inputs: int  # batches of images that it takes
  side: int
  smallest: int = 0  # side; 0: none is refused
  sized: bool = False  # takes images of `side` alone
  training: bool = False  # is called with `training`
  alone: bool = True  # images of a batch do not matter for each other
  first_counts: bool = True  # of two inputs
  near: tuple = (0.1, 0.01)  # mean difference of bfloat16, and of float16, from float32
  unused: tuple = ()  # parts of the paths of weights that a call leaves out

  def make(self, seed=None, **options):
    config = self.config if seed is None else dataclasses.replace(self.config, seed=seed)
    network = self.kind(config, **options)
    network(*(keras.Input((self.side, self.side, 3)) for _ in range(self.inputs)))
    return network

  def images(self, count=2, seed=1):
    return [recipes.smooth_images(count, self.side, self.side, 3, seed=seed + index) for index in range(self.inputs)]


def _judges():
  def of(kind, config, inputs, side, smallest=0, changes=None, **options):
    return Judge(kind, dataclasses.replace(config, **(changes or {})), inputs, side, smallest, **options)

  pyramid = dataclasses.replace(feature_pyramid_pan.TINY, image_size=64, load_size=64, levels=2, low_levels=(1, 2))
  objectives = {"": {}, ", pix2pix": {"objective": "pix2pix"}, ", context encoder": {"objective": "context_encoder"},
                ", upsampled": {"low_images": "upsampled", "conditional": False}}
  for name, changes in objectives.items():
    yield f"feature_pyramid_pan{name}", of(feature_pyramid_pan.Discriminators, pyramid, 2, 64, 64, changes)
  for count, smallest in ((1, 4), (2, 7), (3, 13)):
    yield f"x_gans, {count}", of(x_gans.Discriminators, x_gans.TINY, 2, 32, smallest, {"discriminators": count})
  for head in ("softmax", "sigmoid"):
    yield f"mux_demux, {head}", of(mux_demux.Discriminator, mux_demux.TINY, 1, 32, 0, {"discriminator_head": head},
                                   sized=True)
  yield "progressive_pan", of(progressive_pan.Discriminator, progressive_pan.TINY, 1, 32, 0,
                              {"input_size": 16, "output_size": 32}, alone=False, near=(0.05, 0.005),
                              unused=("from_rgb_8", "from_rgb_16"))
  for normalization in ("batch", "instance"):
    yield f"pix2pix, {normalization}", of(PatchDiscriminator, find_recipe("pix2pix").preset("tiny"), 2, 64, 32,
                                          {"normalization": normalization}, training=True)
  yield "context_encoder", of(CentreDiscriminator, find_recipe("context_encoder").preset("tiny"), 2, 64, training=True,
                              first_counts=False)
  patches = {"patch_size": 16, "discriminator_channels": 4}
  yield "esrgan", of(EsrganDiscriminator, EsrganConfig(), 1, 16, 0, patches, sized=True, training=True)
  segmenter = segmentation.config.TINY
  yield "fcn8s", of(segmentation.Segmenter, segmenter, 1, 40, training=True)
  yield "fcn8s, plain", of(segmentation.Segmenter, segmenter, 1, 40, 0, {"batch_normalization": False}, training=True)


JUDGES = dict(_judges())


def drawn_once(cases, **options):
  """case -> (network with other random weights, its initial ones); each is made once."""
  @functools.cache
  def made(case):
    network = cases[case].make(**options)
    initial = network.get_weights()
    return recipes.draw_weights(network), initial

  return made


def weight_order(network):
  """sha256, cut short, of the names, shapes and kinds of a network's weights in their order."""
  text = "".join(f"{variable.path.split('/', 1)[1]} {tuple(variable.shape)} {variable.dtype} {variable.trainable}\n"
                 for variable in network.weights)
  return hashlib.sha256(text.encode()).hexdigest()[:16]
