"""How the methods that the feature-pyramid paper is compared with are trained: every loss with its source."""

import dataclasses
import json
import pathlib

import pytest

from tf_imgtrans.core.config import ANY, from_stored
from tf_imgtrans.papers.feature_pyramid_pan.config import Config as PaperConfig
from tf_imgtrans.recipes import find_recipe

# Weights of the fields; cnn's is 100 of pix2pix, and DRRN's 1.
WEIGHTS = {
    "pix2pix": {"adversarial": 1, "l1": 100},
    "cnn": {},
    "context_encoder": {"adversarial": 0.001, "l2": 0.999},
    "crn": {"best": 0.999, "mean": 0.001},
    "drrn": {},
}
CONFIGS = {name: find_recipe(name).preset() for name in WEIGHTS}
RUN_0_1_0 = pathlib.Path(__file__).parents[1] / "v0_1_0" / "runs" / "pix2pix" / "run.json"
STORED = {"cnn": {"weight_adversarial": 0.0}, "drrn": {"weight_l1": 0.0, "weight_adversarial": 0.0, "weight_luma": 1.0},
          "context_encoder": {"weight_l1": 0.0}, "crn": {"weight_l1": 0.0, "weight_adversarial": 0.0}}


def _weights(config):
  return {name.removeprefix("weight_"): value for name, value in dataclasses.asdict(config).items()
          if name.startswith("weight_") and name != "weight_decay"}


def test_losses():
  assert {name: _weights(config) for name, config in CONFIGS.items()} == WEIGHTS


def test_schedules():
  fields = ("image_size", "batch_size", "learning_rate", "beta_1")
  told = {name: tuple(getattr(config, field, None) for field in fields) for name, config in CONFIGS.items()}
  assert told == {"pix2pix": (256, 1, 2e-4, 0.5), "cnn": (256, 1, 2e-4, 0.5), "context_encoder": (128, 64, 2e-3, 0.5),
                  "crn": (256, 1, 1e-4, 0.9), "drrn": (31, 128, 0.1, None)}
  assert CONFIGS["pix2pix"].discriminator_learning_rate == CONFIGS["context_encoder"].discriminator_learning_rate == 2e-4
  assert CONFIGS["pix2pix"].iterations == CONFIGS["cnn"].iterations == CONFIGS["crn"].iterations == 200 * 2975
  assert CONFIGS["context_encoder"].iterations == 500 * 14900 // 64
  assert CONFIGS["drrn"].iterations == 50 * 65360 // 10


def test_the_perceptual_layers_of_crn():
  config = CONFIGS["crn"]
  assert config.perceptual_layers == ("block1_conv2", "block2_conv2", "block3_conv2", "block4_conv2", "block5_conv2")
  assert config.perceptual_layer_weights == pytest.approx((1 / 1.6, 1 / 2.3, 1 / 1.8, 1 / 2.8, 10 / 0.8))
  assert find_recipe("crn").preset("small").perceptual_layers == config.perceptual_layers[:3]
  find_recipe("crn").preset(perceptual_layers=(), perceptual_layer_weights=())


def test_networks_of_pix2pix_are_as_wide_as_the_papers():
  shared = {"base_channels": 64, "discriminator_channels": 64, "dropout": 0.5}
  assert shared.items() <= dataclasses.asdict(PaperConfig()).items()
  assert shared.items() <= dataclasses.asdict(CONFIGS["pix2pix"]).items()


def test_cnn_has_no_field_of_a_discriminator():
  generator, whole = (dataclasses.asdict(CONFIGS[name]) for name in ("cnn", "pix2pix"))
  assert generator.items() <= whole.items()
  assert whole.keys() - generator.keys() == {"discriminator_channels", "discriminator_learning_rate", "weight_adversarial",
                                             "weight_l1"}


def test_tasks():
  assert {name: config.task for name, config in CONFIGS.items()} == {
      "pix2pix": "labels_to_photo", "cnn": "labels_to_photo", "crn": "labels_to_photo", "context_encoder": "inpainting",
      "drrn": "super_resolution"}


@pytest.mark.parametrize("name", WEIGHTS)
def test_small(name):
  config = find_recipe(name).preset("small")
  assert _weights(config) == WEIGHTS[name] and config.iterations == 2000


def test_other_values():
  changed = find_recipe("context_encoder").preset(weight_adversarial=0.0, image_size=64, overlap=16)
  assert _weights(changed) == {"adversarial": 0, "l2": 0.999} and changed.overlap == 16


@pytest.mark.parametrize("name", WEIGHTS)
def test_configurations_of_version_0_1_0(name):
  """They had the fields of all five networks."""
  config = CONFIGS[name]
  stored = json.loads(RUN_0_1_0.read_text())["config"] | STORED.get(name, {}) | dataclasses.asdict(config)
  stored = json.loads(json.dumps(stored)) | {"network": name}
  assert from_stored(type(config), stored) == config
  retired = {field: value for field, value in config.retired.items() if field not in dataclasses.asdict(config)}
  for field, value in retired.items():
    other = {**stored, field: 0.5 if field != "network" else "srcnn"}
    if value is ANY:
      assert from_stored(type(config), other) == config
    else:
      with pytest.raises(ValueError, match=f"{field} is {other[field]!r}: since version 0.2 .* {value!r}; go on with"):
        from_stored(type(config), other)
