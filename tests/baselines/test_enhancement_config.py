"""How the baselines of photo enhancement are trained: every loss with its source, and what is shared with Mux/Demux."""

import dataclasses

import pytest

from tf_imgtrans.baselines.enhancement import CONFIGS, Config
from tf_imgtrans.papers.mux_demux.config import Config as MuxDemuxConfig
from tf_imgtrans.papers.mux_demux.config import Protocol
from tf_imgtrans.recipes import list_generators

# DPED's train_model.py: adversarial 1, content 10, color 0.5, total variation 2000; no L1 and no contextual term.
DPED = {"adversarial": 1, "perceptual": 10, "color": 0.5, "total_variation": 2000}
WEIGHTS = {
    "srcnn": {"squared_error": 1},  # Sec. 5.1: "three-layer CNN and MSE loss function"
    "johnson": {"perceptual": 1},  # Sec. 5.1: "trained to minimize a VGG-based loss function"
    "dped": DPED,
    "resnet_8_32": DPED,  # the challenge trained them by DPED's code
    "resnet_12_64": DPED,
}


def _weights(config):
  return {name.removeprefix("weight_"): value for name, value in dataclasses.asdict(config).items()
          if name.startswith("weight_") and value}


def test_losses():
  assert {name: _weights(config) for name, config in CONFIGS.items()} == WEIGHTS


def test_layers_of_vgg19():
  """relu2_2 is Johnson's for super-resolution; relu5_4 is DPED's."""
  layers = {name: config.perceptual_layer for name, config in CONFIGS.items() if config.weight_perceptual}
  assert layers == {"johnson": "block2_conv2", **dict.fromkeys(("dped", "resnet_8_32", "resnet_12_64"), "block5_conv4")}


def test_the_rest_is_the_papers_protocol():
  losses = {name for name in dataclasses.asdict(Config()) if name.startswith("weight_")} | {"perceptual_layer"}
  shared = [field.name for field in dataclasses.fields(Protocol) if field.name not in losses]
  assert {"discriminator_channels", "patch_size", "batch_size", "learning_rate", "iterations", "seed"} <= set(shared)
  for config in CONFIGS.values():
    assert all(getattr(config, name) == getattr(MuxDemuxConfig(), name) for name in shared)


def test_names():
  assert all(config.network == name for name, config in CONFIGS.items())
  assert set(CONFIGS) <= set(list_generators())


def test_another_loss_may_take_its_place():
  dataclasses.replace(CONFIGS["srcnn"], weight_squared_error=0.0, weight_l1=1.0)


def test_unknown_network():
  with pytest.raises(ValueError, match="network is 'resnet'"):
    Config(network="resnet")
