"""What the configurations of the baselines refuse, and their way through JSON, without TensorFlow."""

import dataclasses
import json

import pytest
import recipes

from tf_imgtrans.baselines.on_demand.config import COMPARISON
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.recipe import PRESETS
from tf_imgtrans.recipes import BASELINES, find_recipe

ERRORS = [
    ("srcnn", {"weight_l1": 1.0}, "unknown configuration field 'weight_l1'"),
    ("srcnn", {"patch_size": 15}, "patch_size is 15: .*greater than or equal to 16"),
    ("johnson", {"weight_square_error": 1.0}, "field 'weight_square_error'.*mean 'weight_squared_error'"),
    ("johnson", {"weight_squared_error": -1.0}, "weight_squared_error is -1.0: .*greater than or equal to 0"),
    ("johnson", {"weight_perceptual": 0.0},
     r"every weight is 0, .*learn from: .* \(--config.weight_perceptual, --config.weight_squared_error\)"),
    ("dped", dict.fromkeys(("weight_adversarial", "weight_perceptual", "weight_color", "weight_total_variation"), 0.0),
     "every weight is 0"),
    ("dped", {"weight_contextual": 1.0}, "unknown configuration field 'weight_contextual'"),
    ("dped", {"network": "srcnn"}, "network is 'srcnn': input should be 'dped', 'resnet_8_32' or 'resnet_12_64'"),
    ("esrgan", {"scale": 3}, "scale is 3: input should be 2, 4 or 8"),
    ("carn", {"scale": 8}, "scale is 8: input should be 2, 3 or 4"),
    ("rcan", {"scale": 3}, "scale is 3: input should be 2, 4 or 8"),
    ("esrgan", {"halve_at": (20, 10)}, r"halve_at is \(20, 10\): expected ascending steps"),
    ("rcan", {"channels": 8}, "reduction is 16: expected at most channels, 8"),
    ("rcan", {"multi_scale": True}, "unknown configuration field 'multi_scale'"),
    ("esrgan", {"image_size": 64}, "image_size is 64: expected 0, or at least patch_size, 128"),
    ("carn", {"stage": "gan"}, "unknown configuration field 'stage'"),
    ("esrgan", {"weight_perceptual": 1.0}, "weight_perceptual is 1.0, but stage l1 has no such loss"),
    ("esrgan", {"weight_adversarial": 1.0}, "weight_adversarial is 1.0, but stage l1 has no such loss"),
    ("esrgan", {"initial_weights": "run"}, "initial_weights is 'run', but stage l1 starts from drawn weights"),
    ("esrgan", {"weight_l1": 0.0}, "every weight is 0, so that there is nothing to learn from"),
    ("esrgan", {"stage": "gan", "weight_adversarial": 5e-3, "patch_size": 96}, "patch_size is 96: .*power of two"),
    ("esrgan", {"patch_size": 8}, "patch_size is 8"),
    ("carn", {"chanels": 3}, "unknown configuration field 'chanels'.*mean 'channels'"),
    ("rcan", {"network": "carn"}, "unknown configuration field 'network'"),
    ("cnn", {"weight_adversarial": 1.0}, "unknown configuration field 'weight_adversarial'"),
    ("pix2pix", {"weight_luma": 1.0}, "unknown configuration field 'weight_luma'"),
    ("pix2pix", {"weight_l1": 0.0, "weight_adversarial": 0.0}, "every weight is 0, so that there is nothing to"),
    ("context_encoder", {"weight_l2": 0.0, "weight_adversarial": 0.0}, "every weight is 0"),
    ("crn", {"weight_best": 0.0, "weight_mean": 0.0}, "every weight is 0"),
    ("crn", {"perceptual_layers": ("block1_conv2",)}, "perceptual_layer_weights has 5 entries for 1 perceptual_layers"),
    ("crn", {"image_size": 96}, "image_size is 96: CRN doubles from 4 rows"),
    ("context_encoder", {"image_size": 256}, "image_size is 256: the context encoder is made for 64 or 128"),
    ("context_encoder", {"overlap": 33}, "overlap is 33: expected at most half .*32"),
    ("pix2pix", {"image_size": 16}, "image_size is 16: expected a power of two from 32"),
    ("cnn", {"image_size": 96}, "image_size is 96: expected a power of two from 32"),
    ("drrn", {"load_size": 30}, "load_size is 30: expected at least image_size, 31"),
    ("drrn", {"momentum": 1.0}, "momentum is 1.0"),
    ("pix2pix", {"snow_size": (0.2, 0.1)}, "snow_size is .*lower end first"),
    ("pix2pix", {"weight_l3": 1.0}, "unknown configuration field 'weight_l3'.*mean 'weight_l1'"),
    ("pix2pix", {"network": "cnn"}, "unknown configuration field 'network'"),
]


@pytest.mark.parametrize("name, fields, message", ERRORS)
def test_errors(name, fields, message):
  with pytest.raises(ValueError, match=message):
    find_recipe(name).preset(**fields)


@pytest.mark.parametrize("config", [*(find_recipe("esrgan").preset(preset, stage="gan") for preset in PRESETS), COMPARISON])
def test_through_json(config):
  """Beside the presets of the recipes."""
  assert from_dict(type(config), json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_configurations_come_without_tensorflow():
  recipes.run_python("import sys\n"
                     "from tf_imgtrans.recipes import find_recipe\n"
                     f"for name in {sorted(BASELINES)}:\n"
                     "  find_recipe(name).preset()\n"
                     "heavy = {'tensorflow', 'keras', 'cv2', 'scipy', 'skimage'} & set(sys.modules)\n"
                     "assert not heavy, heavy\n")
