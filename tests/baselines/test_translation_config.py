"""How the methods that the feature-pyramid paper is compared with are trained: every loss with its source."""

import dataclasses
import json

import pytest
import recipes

from tf_imgtrans.baselines.translation import CONFIGS, PRESETS, TINY, Config
from tf_imgtrans.baselines.translation.config import named
from tf_imgtrans.core.config import from_dict
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


def test_named():
  assert named("crn", {}) == CONFIGS["crn"]
  assert named("drrn", {"seed": 3, "network": "drrn"}) == dataclasses.replace(CONFIGS["drrn"], seed=3)
  with pytest.raises(ValueError, match="unknown configuration field 'weight_l3'.*mean 'weight_l"):
    named("cnn", {"weight_l3": 1.0})
  with pytest.raises(ValueError, match="network is 'cnn', but the name 'pix2pix' decides it: leave network out"):
    named("pix2pix", {"network": "cnn"})


@pytest.mark.parametrize("name, options, message", [
    ("cnn", {"weight_adversarial": 1.0}, "weight_adversarial is 1.0, but cnn has no such loss: .* of l1 "),
    ("pix2pix", {"weight_luma": 1.0}, "weight_luma is 1.0, but pix2pix has no such loss: .*adversarial or l1"),
    ("cnn", {"weight_l1": 0.0}, "every weight is 0, so that there is nothing to learn from"),
    ("drrn", {"weight_luma": 0.0}, "every weight is 0"),  # weight_decay is no loss
    ("crn", {"perceptual_layers": ("block1_conv2",)}, "perceptual_layer_weights has 5 entries for 1 perceptual_layers"),
    ("crn", {"image_size": 96}, "image_size is 96: CRN doubles from 4 rows"),
    ("context_encoder", {"image_size": 256}, "image_size is 256: the context encoder is made for 64 or 128"),
    ("context_encoder", {"overlap": 33}, "overlap is 33: expected at most half .*32"),
    ("pix2pix", {"image_size": 16}, "image_size is 16: pix2pix needs a power of two from 32"),
    ("cnn", {"image_size": 96}, "image_size is 96: cnn needs a power of two"),
    ("drrn", {"load_size": 30}, "load_size is 30: expected at least image_size, 31"),
    ("drrn", {"momentum": 1.0}, "momentum is 1.0"),
    ("pix2pix", {"snow_size": (0.2, 0.1)}, "snow_size is .*lower end first"),
])
def test_errors(name, options, message):
  with pytest.raises(ValueError, match=message):
    named(name, options)


def test_other_weights():
  assert _weights(named("context_encoder", {"weight_adversarial": 0.0})) == {"l2": 0.999}
  assert named("context_encoder", {"image_size": 64, "overlap": 16}).overlap == 16
  named("crn", {"perceptual_layers": (), "perceptual_layer_weights": ()})


def test_through_json():
  for config in [*CONFIGS.values(), *TINY.values()]:
    assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_the_configuration_comes_without_tensorflow():
  recipes.run_python("import sys\n"
                     "from tf_imgtrans.baselines.translation import CONFIGS\n"
                     "import tf_imgtrans.baselines.translation.config\n"
                     "assert len(CONFIGS) == 5\n"
                     "heavy = {'tensorflow', 'keras', 'cv2', 'scipy', 'skimage'} & set(sys.modules)\n"
                     "assert not heavy, heavy\n")
