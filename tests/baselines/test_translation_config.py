"""How the methods that the feature-pyramid paper is compared with are trained: every loss with its source."""

import dataclasses

import pytest

from tf_imgtrans.baselines.translation import CONFIGS, PRESETS, TINY
from tf_imgtrans.baselines.translation.config import named
from tf_imgtrans.papers.feature_pyramid_pan.config import Config as PaperConfig

WEIGHTS = {
    "pix2pix": {"adversarial": 1, "l1": 100},
    "cnn": {"l1": 100},
    "context_encoder": {"adversarial": 0.001, "l2": 0.999},
    "crn": {"best": 0.999, "mean": 0.001},
    "drrn": {"luma": 1},
}


def _weights(config):
  return {name.removeprefix("weight_"): value for name, value in dataclasses.asdict(config).items()
          if name.startswith("weight_") and name != "weight_decay" and value}


def test_losses():
  assert {name: _weights(config) for name, config in CONFIGS.items()} == WEIGHTS


def test_schedules():
  fields = ("image_size", "batch_size", "learning_rate", "beta_1")
  told = {name: tuple(getattr(config, field) for field in fields) for name, config in CONFIGS.items()}
  assert told == {"pix2pix": (256, 1, 2e-4, 0.5), "cnn": (256, 1, 2e-4, 0.5), "context_encoder": (128, 64, 2e-3, 0.5),
                  "crn": (256, 1, 1e-4, 0.9), "drrn": (31, 128, 0.1, 0.5)}
  assert {config.discriminator_learning_rate for config in CONFIGS.values()} == {2e-4}
  assert CONFIGS["pix2pix"].iterations == CONFIGS["crn"].iterations == 200 * 2975
  assert CONFIGS["context_encoder"].iterations == 500 * 14900 // 64
  assert CONFIGS["drrn"].iterations == 50 * 65360 // 10


def test_the_perceptual_layers_are_crns():
  config = CONFIGS["crn"]
  assert config.perceptual_layers == ("block1_conv2", "block2_conv2", "block3_conv2", "block4_conv2", "block5_conv2")
  assert config.perceptual_layer_weights == pytest.approx((1 / 1.6, 1 / 2.3, 1 / 1.8, 1 / 2.8, 10 / 0.8))


def test_networks_of_pix2pix_are_as_wide_as_the_papers():
  shared = {"base_channels": 64, "discriminator_channels": 64, "dropout": 0.5}
  assert shared.items() <= dataclasses.asdict(PaperConfig()).items()
  assert shared.items() <= dataclasses.asdict(CONFIGS["pix2pix"]).items()


def test_tasks():
  assert {name: config.task for name, config in CONFIGS.items()} == {
      "pix2pix": "labels_to_photo", "cnn": "labels_to_photo", "crn": "labels_to_photo", "context_encoder": "inpainting",
      "drrn": "super_resolution"}


def test_names():
  for configs in (CONFIGS, PRESETS["paper"], PRESETS["small"], TINY):
    assert {name: config.network for name, config in configs.items()} == {name: name for name in WEIGHTS}
  for name, config in PRESETS["small"].items():
    assert _weights(config) == WEIGHTS[name] and config.iterations == 2000
    assert all(int(layer[5]) <= 3 for layer in config.perceptual_layers) or name != "crn"


def test_other_weights():
  assert _weights(named("context_encoder", {"weight_adversarial": 0.0})) == {"l2": 0.999}
  assert named("context_encoder", {"image_size": 64, "overlap": 16}).overlap == 16
  named("crn", {"perceptual_layers": (), "perceptual_layer_weights": ()})
