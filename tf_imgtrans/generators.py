"""The generators of the four papers and of every baseline, by name.

A generator is a `keras.Model` from images float32 [N, H, W, 3] in [0, 1] to [N, sH, sW, 3], with the attribute
`scale` = s.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tf_imgtrans.core.names import unknown_name

if TYPE_CHECKING:
  import keras  # importing this module stays light

# name -> (module, factory); a factory takes keyword options and returns an unbuilt generator
_FACTORIES = {
    "mux_demux": ("tf_imgtrans.papers.mux_demux.generator", "normal"),
    "mux_demux_hp": ("tf_imgtrans.papers.mux_demux.generator", "high_performance"),
    "x_gans": ("tf_imgtrans.papers.x_gans.generator", "x_gans"),
    "feature_pyramid_pan": ("tf_imgtrans.papers.feature_pyramid_pan.generator", "feature_pyramid_pan"),
    "progressive_pan": ("tf_imgtrans.papers.progressive_pan.generator", "progressive_pan"),
    "srcnn": ("tf_imgtrans.baselines.enhancement.srcnn", "srcnn"),
    "johnson": ("tf_imgtrans.baselines.enhancement.johnson", "johnson"),
    "dped": ("tf_imgtrans.baselines.enhancement.residual", "dped"),
    "resnet_8_32": ("tf_imgtrans.baselines.enhancement.residual", "resnet_8_32"),
    "resnet_12_64": ("tf_imgtrans.baselines.enhancement.residual", "resnet_12_64"),
    "on_demand": ("tf_imgtrans.baselines.on_demand.generator", "on_demand"),
    "pix2pix": ("tf_imgtrans.baselines.translation.unet_gan", "pix2pix"),
    "cnn": ("tf_imgtrans.baselines.translation.unet_gan", "cnn"),
    "context_encoder": ("tf_imgtrans.baselines.translation.context_encoder", "context_encoder"),
    "crn": ("tf_imgtrans.baselines.translation.crn", "crn"),
    "drrn": ("tf_imgtrans.baselines.translation.drrn", "drrn"),
    "bicubic": ("tf_imgtrans.baselines.super_resolution.bicubic", "bicubic"),
    "esrgan": ("tf_imgtrans.baselines.super_resolution.esrgan", "esrgan"),
    "carn": ("tf_imgtrans.baselines.super_resolution.carn", "carn"),
    "rcan": ("tf_imgtrans.baselines.super_resolution.rcan", "rcan"),
}
# modules with classes that a .keras file may name
_SERIALIZABLE = (
    "tf_imgtrans.layers.mux",
    "tf_imgtrans.layers.noise_channels",
    "tf_imgtrans.layers.instance_normalization",
    "tf_imgtrans.layers.dense_block",
    "tf_imgtrans.layers.laplacian_pyramid",
    "tf_imgtrans.papers.mux_demux.generator",
    "tf_imgtrans.papers.mux_demux.discriminator",
    "tf_imgtrans.papers.x_gans.generator",
    "tf_imgtrans.papers.x_gans.discriminator",
    "tf_imgtrans.papers.feature_pyramid_pan.generator",
    "tf_imgtrans.papers.feature_pyramid_pan.discriminator",
    "tf_imgtrans.layers.equalized_convolution",
    "tf_imgtrans.layers.minibatch_stddev",
    "tf_imgtrans.layers.noise_injection",
    "tf_imgtrans.layers.pixel_normalization",
    "tf_imgtrans.papers.progressive_pan.generator",
    "tf_imgtrans.papers.progressive_pan.discriminator",
    "tf_imgtrans.baselines.enhancement.srcnn",
    "tf_imgtrans.baselines.enhancement.johnson",
    "tf_imgtrans.baselines.enhancement.residual",
    "tf_imgtrans.baselines.on_demand.generator",
    "tf_imgtrans.baselines.segmentation.network",
    "tf_imgtrans.baselines.translation.unet_gan",
    "tf_imgtrans.baselines.translation.context_encoder",
    "tf_imgtrans.baselines.translation.crn",
    "tf_imgtrans.baselines.translation.drrn",
    "tf_imgtrans.baselines.super_resolution.bicubic",
    "tf_imgtrans.baselines.super_resolution.esrgan",
    "tf_imgtrans.baselines.super_resolution.carn",
    "tf_imgtrans.baselines.super_resolution.rcan",
    "tf_imgtrans.baselines.super_resolution.discriminator",
)


def list_generators() -> list[str]:
  """Sorted names that `create_generator` takes."""
  return sorted(_FACTORIES)


def create_generator(name: str, seed: int = 0, **options: Any) -> "keras.Model":
  """Makes a built generator with freshly drawn weights.

  Args:
    name: str, one of `list_generators()`.
    seed: int, the same seed gives the same weights.
    **options: the generator's own, such as `noise="off"` of the Mux/Demux generators.
  Returns:
    keras.Model, built, callable on any legal height and width.
  Raises:
    ValueError: unknown name or option (the closest legal one is named), or an option that the name decides.
  """
  if name not in _FACTORIES:
    raise unknown_name("generator", name, list_generators())
  import keras

  module, factory = _FACTORIES[name]
  generator = getattr(importlib.import_module(module), factory)(seed=seed, **options)
  generator(keras.Input((None, None, 3)))  # builds: unlike build(), it really makes the variables
  return generator


def import_serializable():
  """Imports every module whose classes a saved model may name, so that Keras can load it."""
  for module in _SERIALIZABLE:
    importlib.import_module(module)
