"""Every default of the feature-pyramid paper's configuration, from the paper or from pix2pix."""

import dataclasses
import json

import pytest

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.papers.feature_pyramid_pan import TINY, Config
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS, VARIANTS

DEFAULTS = {
    "task": "labels_to_photo", "label_set": "cityscapes", "scale": 4, "hole": 0.5, "rain_streaks": (0.001, 0.006),
    "rain_length": (0.03, 0.12), "rain_slant": (0.0, 20.0), "snow_flakes": (0.001, 0.006), "snow_size": (0.004, 0.02),
    # pix2pix: images and networks
    "image_size": 256, "load_size": 286, "validation_size": 0, "base_channels": 64, "upsampling": "transposed",
    "affine": False, "dropout": 0.5, "noise": "off", "discriminator_channels": 64,
    # Implementation Details: three levels each
    "levels": 3, "low_levels": (1, 2, 3), "low_images": "decimated", "conditional": True,
    # Eq. 10; alpha = (1, 5, 1, 100)
    "objective": "pyramid", "weight_high": 1.0, "weight_low": 5.0, "weight_perceptual": 1.0, "weight_l1": 100.0,
    "weight_l2": 0.999, "weight_adversarial": 0.001,  # the context encoder's
    "batch_size": 1, "learning_rate": 2e-4, "beta_1": 0.5, "discriminator_optimizer": "adam", "iterations": 595000,
    "flip": True, "seed": 0,
}


def test_defaults():
  assert dataclasses.asdict(Config()) == DEFAULTS
  assert PRESETS["paper"] == Config()


def test_frozen_and_hashable():
  with pytest.raises(dataclasses.FrozenInstanceError):
    Config().seed = 1
  assert hash(Config()) == hash(Config(**DEFAULTS))


@pytest.mark.parametrize("field, value, reason", [
    ("task", "colorization", "input should be 'labels_to_photo'"),
    ("scale", 3, "input should be 2, 4 or 8"),
    ("hole", 1.0, "less than 1"),
    ("image_size", 100, "input should be 32, 64, 128 or 256"),
    ("upsampling", "bilinear", "input should be 'transposed' or 'resize'"),
    ("dropout", 1.0, "less than 1"),
    ("noise", "on", "input should be 'fixed', 'random' or 'off'"),
    ("levels", 0, "greater than or equal to 1"),
    ("low_levels", (1, 8), "less than or equal to 7"),
    ("low_images", "blurred", "input should be 'decimated' or 'upsampled'"),
    ("objective", "l1", "input should be 'pyramid'"),
    ("weight_low", -1.0, "greater than or equal to 0"),
    ("discriminator_optimizer", "rmsprop", "input should be 'adam' or 'sgd'"),
    ("rain_slant", (20.0, 0.0), "expected the lower end first"),
    ("snow_size", (0.02, 0.004), "expected the lower end first"),
])
def test_illegal_values(field, value, reason):
  with pytest.raises(ValueError) as caught:
    Config(**{field: value})
  assert str(caught.value).startswith(f"{field} is {value!r}: ")
  assert reason in str(caught.value) and f"--config.{field}" in str(caught.value)


@pytest.mark.parametrize("fields, reason", [
    ({"load_size": 255}, "load_size is 255: expected at least image_size, 256"),
    ({"image_size": 32}, "levels go down to 1/8 of image_size 32: a discriminator needs 8 pixels"),
    ({"image_size": 64, "low_levels": (4,)}, "levels go down to 1/16 of image_size 64"),
])
def test_fields_that_do_not_fit_together(fields, reason):
  with pytest.raises(ValueError, match=reason):
    Config(**fields)


@pytest.mark.parametrize("objective, names", [("pyramid", ("high", "low", "perceptual", "l1")), ("pix2pix", ("high", "l1")),
                                              ("context_encoder", ("l2", "adversarial"))])
def test_some_loss_of_the_objective_must_have_a_weight(objective, names):
  assert Config(objective=objective).weights == names
  none = {f"weight_{name}": 0.0 for name in names}
  with pytest.raises(ValueError, match="every weight is 0"):
    Config(objective=objective, **none)
  for name in names:
    Config(objective=objective, **{**none, f"weight_{name}": 1.0})


def test_variants_and_presets_are_configurations():
  for changes in VARIANTS.values():
    for preset in (*PRESETS.values(), TINY):
      assert isinstance(dataclasses.replace(preset, **changes), Config)
  assert VARIANTS["full"] == {}


def test_through_json():
  config = Config(task="inpainting", image_size=128, low_levels=(0, 1), objective="context_encoder", seed=7)
  for one in (config, TINY, *PRESETS.values()):
    assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(one)))) == one


def test_an_unknown_field_names_the_closest():
  with pytest.raises(ValueError, match="unknown configuration field 'weight_percept'.*did you mean 'weight_perceptual'"):
    from_dict(Config, {"weight_percept": 1.0})
