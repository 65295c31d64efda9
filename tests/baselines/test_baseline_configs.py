"""What the configurations of the baselines refuse, and their way through JSON, without TensorFlow."""

import dataclasses
import importlib
import json

import pytest
import recipes

from tf_imgtrans.baselines import on_demand, translation
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.recipe import PRESETS
from tf_imgtrans.recipes import find_recipe

# Families whose configurations have names: what each name decides is told to users who give another.
ERRORS = {
    "enhancement": [
        ("srcnn", {"weight_square_error": 1.0}, "field 'weight_square_error'.*mean 'weight_squared_error'"),
        ("resnet_12_64", {"network": "dped"}, "network is 'dped', but the name 'resnet_12_64' decides it"),
        ("srcnn", {"weight_squared_error": -1.0}, "weight_squared_error is -1.0: .*greater than or equal to 0"),
        ("srcnn", {"weight_squared_error": 0.0}, "every weight is 0, so that there is nothing to learn from"),
    ],
    "super_resolution": [
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
    ],
    "translation": [
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
        ("cnn", {"weight_l3": 1.0}, "unknown configuration field 'weight_l3'.*mean 'weight_l"),
        ("pix2pix", {"network": "cnn"}, "network is 'cnn', but the name 'pix2pix' decides it: leave network out"),
    ],
}
LEGAL = {
    "enhancement": ("dped", {"seed": 3}), "translation": ("drrn", {"seed": 3}),
}


def _module(family):
  return importlib.import_module(f"tf_imgtrans.baselines.{family}.config")


@pytest.mark.parametrize("family", LEGAL)
def test_named(family):
  module, (name, fields) = _module(family), LEGAL[family]
  assert module.named(name, {}) == module.CONFIGS[name]
  assert module.named(name, {**fields, "network": name}) == dataclasses.replace(module.CONFIGS[name], **fields)


@pytest.mark.parametrize("family, name, fields, message", [
    (family, *row) for family, rows in ERRORS.items() for row in rows])
def test_errors(family, name, fields, message):
  with pytest.raises(ValueError, match=message):
    find_recipe(name).preset(**fields) if family == "super_resolution" else _module(family).named(name, fields)


@pytest.mark.parametrize("config", [*(find_recipe("esrgan").preset(preset, stage="gan") for preset in PRESETS),
                                    *translation.TINY.values(), on_demand.COMPARISON])
def test_through_json(config):
  """Beside the presets of the recipes."""
  assert from_dict(type(config), json.loads(json.dumps(dataclasses.asdict(config)))) == config


MODULES = ("enhancement.config", "esrgan.recipe", "carn.recipe", "rcan.recipe", "translation.config", "on_demand.config",
           "segmentation.config")


def test_configurations_come_without_tensorflow():
  recipes.run_python("import importlib, sys\n"
                     f"for module in {MODULES}:\n"
                     "  importlib.import_module(f'tf_imgtrans.baselines.{module}').Config()\n"
                     "heavy = {'tensorflow', 'keras', 'cv2', 'scipy', 'skimage'} & set(sys.modules)\n"
                     "assert not heavy, heavy\n")
