"""How the baselines of photo enhancement are trained: every loss with its source, and what is shared with Mux/Demux."""

import dataclasses

import pytest

from tf_imgtrans.core.config import from_stored
from tf_imgtrans.papers.mux_demux.config import Config as MuxDemuxConfig
from tf_imgtrans.recipes import find_recipe, list_generators

# DPED's train_model.py: adversarial 1, content 10, color 0.5, total variation 2000; no L1 and no contextual term.
DPED = {"adversarial": 1, "perceptual": 10, "color": 0.5, "total_variation": 2000}
WEIGHTS = {
    "srcnn": {},  # Sec. 5.1: "three-layer CNN and MSE loss function"; its only loss has no weight
    "johnson": {"perceptual": 1},  # Sec. 5.1: "trained to minimize a VGG-based loss function"
    "dped": DPED,
    "resnet_8_32": DPED,  # the challenge trained them by DPED's code
    "resnet_12_64": DPED,
}
CONFIGS = {name: find_recipe(name).preset() for name in WEIGHTS}


def _weights(config):
  return {name.removeprefix("weight_"): value for name, value in dataclasses.asdict(config).items()
          if name.startswith("weight_") and value}


def test_losses():
  assert {name: _weights(config) for name, config in CONFIGS.items()} == WEIGHTS


def test_layers_of_vgg19():
  """relu2_2 is Johnson's for super-resolution; relu5_4 is DPED's."""
  layers = {name: config.perceptual_layer for name, config in CONFIGS.items() if hasattr(config, "perceptual_layer")}
  assert layers == {"johnson": "block2_conv2", **dict.fromkeys(("dped", "resnet_8_32", "resnet_12_64"), "block5_conv4")}


def test_the_rest_is_the_papers_protocol():
  paper = dataclasses.asdict(MuxDemuxConfig())
  for config in CONFIGS.values():
    shared = {name: value for name, value in dataclasses.asdict(config).items()
              if name in paper and not name.startswith("weight_") and name not in ("network", "perceptual_layer")}
    assert {"patch_size", "batch_size", "learning_rate", "iterations", "degradation", "seed"} <= set(shared)
    assert shared.items() <= paper.items()
    assert ("discriminator_channels" in shared) == hasattr(config, "weight_adversarial")


def test_names():
  assert {name: getattr(config, "network", name) for name, config in CONFIGS.items()} == {name: name for name in CONFIGS}
  assert set(CONFIGS) <= set(list_generators())


# What version 0.1.0 stored: one class had the fields of all.
FORMER = {
    "discriminator_head": "sigmoid", "discriminator_channels": [48, 128, 192, 192, 128], "discriminator_dense": 1024,
    "weight_adversarial": 0.0, "weight_l1": 0.0, "weight_perceptual": 0.0, "weight_contextual": 0.0, "weight_color": 0.0,
    "weight_total_variation": 0.0, "perceptual_layer": "block5_conv4",
    "contextual_layers": ["block3_conv2", "block4_conv2"], "contextual_bandwidth": 0.5, "vgg_weights": "",
    "patch_size": 100, "batch_size": 50, "learning_rate": 5e-4,
    "iterations": 20000, "flip": False, "seed": 0, "weight_squared_error": 0.0}
FORMER_CHANGES = {"srcnn": {"weight_squared_error": 1.0}, "johnson": {"perceptual_layer": "block2_conv2"}}


def _former(name):
  weights = {f"weight_{loss}": float(weight) for loss, weight in WEIGHTS[name].items()}
  return {**FORMER, **weights, **FORMER_CHANGES.get(name, {}), "network": name}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_of_version_0_1_0(name):
  config = CONFIGS[name]
  assert from_stored(type(config), _former(name)) == config
  unused = {"contextual_bandwidth": 0.1, "contextual_layers": [],
            **({} if hasattr(config, "weight_adversarial") else {"discriminator_dense": 8})}
  assert from_stored(type(config), {**_former(name), **unused}) == config


@pytest.mark.parametrize("name, field, value", [
    ("srcnn", "weight_squared_error", 0.5), ("srcnn", "weight_l1", 1.0), ("srcnn", "weight_perceptual", 1.0),
    ("srcnn", "network", "johnson"), ("johnson", "weight_adversarial", 1.0), ("johnson", "network", "srcnn"),
    ("dped", "weight_contextual", 10.0), ("resnet_8_32", "weight_squared_error", 1.0)])
def test_another_method_of_version_0_1_0_is_refused(name, field, value):
  with pytest.raises(ValueError, match=f"{field} is {value!r}: since version 0.2 this network is without it"):
    from_stored(find_recipe(name).config, {**_former(name), field: value})
