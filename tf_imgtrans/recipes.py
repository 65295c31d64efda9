"""The recipes by name: one line for each. Importing this module imports none of them."""

import importlib
from typing import TYPE_CHECKING, Any

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.recipe import Recipe

if TYPE_CHECKING:
  import keras

PAPERS = {
    "mux_demux": "tf_imgtrans.papers.mux_demux.recipe:RECIPE",
    "x_gans": "tf_imgtrans.papers.x_gans.recipe:RECIPE",
    "feature_pyramid_pan": "tf_imgtrans.papers.feature_pyramid_pan.recipe:RECIPE",
    "progressive_pan": "tf_imgtrans.papers.progressive_pan.recipe:RECIPE",
}
BASELINES = {
    "srcnn": "tf_imgtrans.baselines.srcnn.recipe:RECIPE",
    "johnson": "tf_imgtrans.baselines.johnson.recipe:RECIPE",
    "dped": "tf_imgtrans.baselines.dped.recipe:DPED",
    "resnet_8_32": "tf_imgtrans.baselines.dped.recipe:RESNET_8_32",
    "resnet_12_64": "tf_imgtrans.baselines.dped.recipe:RESNET_12_64",
    "on_demand": "tf_imgtrans.baselines.on_demand.recipe:RECIPE",
    "pix2pix": "tf_imgtrans.baselines.pix2pix.recipe:RECIPE",
    "cnn": "tf_imgtrans.baselines.pix2pix.recipe:CNN",
    "context_encoder": "tf_imgtrans.baselines.context_encoder.recipe:RECIPE",
    "crn": "tf_imgtrans.baselines.crn.recipe:RECIPE",
    "drrn": "tf_imgtrans.baselines.drrn.recipe:RECIPE",
    "esrgan": "tf_imgtrans.baselines.esrgan.recipe:RECIPE",
    "carn": "tf_imgtrans.baselines.carn.recipe:RECIPE",
    "rcan": "tf_imgtrans.baselines.rcan.recipe:RECIPE",
    "fcn8s": "tf_imgtrans.baselines.segmentation.recipe:RECIPE",
}
PRACTICE = {
    "phone_enhancement": "tf_imgtrans.practice.phone_enhancement.recipe:RECIPE",
    "point_reconstruction": "tf_imgtrans.practice.point_reconstruction.recipe:RECIPE",
    "rain_removal": "tf_imgtrans.practice.rain_removal.recipe:RECIPE",
    "enlargement": "tf_imgtrans.practice.enlargement.recipe:RECIPE",
}
RECIPES = PAPERS | BASELINES | PRACTICE
# Generators whose name is not that of their recipe, and the one that is not trained.
OTHER_GENERATORS = {"mux_demux_hp": "mux_demux"}
UNTRAINED = {"bicubic": "tf_imgtrans.baselines.bicubic:bicubic"}
NO_GENERATORS = ("fcn8s", *PRACTICE)  # gives classes; trains the network of a paper
# Layers with classes that a saved file may name.
SERIALIZABLE_LAYERS = tuple(f"tf_imgtrans.layers.{name}" for name in (
    "mux", "noise_channels", "instance_normalization", "dense_block", "laplacian_pyramid", "equalized_convolution",
    "minibatch_stddev", "noise_injection", "pixel_normalization"))


def find_recipe(name: str) -> Recipe:
  """The recipe of a name.

  Raises:
    ValueError: unknown name (the closest legal one is named).
  """
  if name not in RECIPES:
    raise unknown_name("recipe", name, RECIPES)
  return _imported(RECIPES[name])


def list_generators() -> list[str]:
  """Sorted names that `create_generator` takes."""
  return sorted({*RECIPES, *OTHER_GENERATORS, *UNTRAINED} - set(NO_GENERATORS))


def create_generator(name: str, seed: int = 0, **options: Any) -> "keras.Model":
  """Makes a built generator with freshly drawn weights: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3], s its `scale`.

  Args:
    name: str, one of `list_generators()`.
    seed: int, the same seed gives the same weights.
    **options: the generator's own, such as `noise="off"` of the Mux/Demux generators.
  Returns:
    keras.Model, built, callable on any legal height and width.
  Raises:
    ValueError: unknown name or option (the closest legal one is named), or an option that the name decides.
  """
  if name not in list_generators():
    raise unknown_name("generator", name, list_generators())
  import keras

  if name in UNTRAINED:
    generator = _imported(UNTRAINED[name])(seed=seed, **options)
  else:
    generator = find_recipe(OTHER_GENERATORS.get(name, name)).make_generator(name, seed, **options)
  generator(keras.Input((None, None, 3)))  # builds: unlike build(), it really makes the variables
  return generator


def import_serializable():
  """Imports every module whose classes a saved model may name, so that Keras can load it."""
  modules = [*SERIALIZABLE_LAYERS, *(reference.split(":")[0] for reference in UNTRAINED.values())]
  for name in RECIPES:
    modules += find_recipe(name).modules()
  for module in dict.fromkeys(modules):
    importlib.import_module(module)


def _imported(reference):
  module, attribute = reference.split(":")
  return getattr(importlib.import_module(module), attribute)
