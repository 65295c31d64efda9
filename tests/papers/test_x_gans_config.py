"""Every default of the X-GANs paper's configuration, from the paper or from pix2pixHD."""

import dataclasses
import json

import pytest

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.papers.x_gans import TINY, Config

DEFAULTS = {
    # Sec. 4 and 4.1
    "corruption": "random_points", "share": (0.01, 0.2), "edge_operator": "sobel", "block_size": 128,
    "tile_size": (16, 128), "patches": "", "image_size": 256,
    # Sec. 3.3 and 3.4, widths of pix2pixHD
    "downsamplings": 2, "base_channels": 64, "residual_blocks": 9, "dropout": 0.5, "discriminators": 3,
    "discriminator_channels": 64,
    # Eq. 4 to 6; lambdas and layers of pix2pixHD
    "aggregate": "max", "weight_adversarial": 1, "weight_feature_matching": 10, "weight_perceptual": 10, "weight_point": 10,
    "point_norm": "l2",
    "perceptual_layers": ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1"),
    "perceptual_layer_weights": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), "vgg_weights": "",
    # Sec. 4
    "batch_size": 1, "learning_rate": 2e-4, "beta_1": 0.5, "iterations": 100000, "flip": False, "seed": 0,
}


def test_defaults():
  assert dataclasses.asdict(Config()) == DEFAULTS


def test_frozen_and_hashable():
  with pytest.raises(dataclasses.FrozenInstanceError):
    Config().seed = 1
  assert hash(Config()) == hash(Config(**DEFAULTS))


@pytest.mark.parametrize("field, value, reason", [
    ("corruption", "rain", "input should be 'random_points'"),
    ("share", (0.0, 0.2), "greater than 0"),
    ("share", (0.3, 0.2), "expected the lower end first"),
    ("tile_size", (64, 16), "expected the lower end first"),
    ("downsamplings", 4, "input should be 2 or 3"),
    ("dropout", 1.0, "less than 1"),
    ("discriminators", 0, "greater than or equal to 1"),
    ("aggregate", "mean", "input should be 'max' or 'sum'"),
    ("weight_point", -1.0, "greater than or equal to 0"),
    ("point_norm", "l3", "input should be 'l2' or 'l1'"),
    ("perceptual_layer_weights", (1.0, 1.0, 1.0, 1.0, -1.0), "greater than or equal to 0"),
    ("image_size", 15, "greater than or equal to 16"),
    ("beta_1", 1.0, "less than 1"),
])
def test_illegal_values(field, value, reason):
  with pytest.raises(ValueError) as caught:
    Config(**{field: value})
  assert str(caught.value).startswith(f"{field} is {value!r}: ")
  assert reason in str(caught.value) and f"--config.{field}" in str(caught.value)


@pytest.mark.parametrize("fields, reason", [
    ({"perceptual_layers": ("block1_conv1",)}, "perceptual_layer_weights has 5 entries for 1 perceptual_layers"),
    ({"perceptual_layers": (), "perceptual_layer_weights": ()}, "expected one positive weight"),
    ({"perceptual_layer_weights": (0.0,) * 5}, "expected one positive weight"),
    ({"corruption": "white_block", "image_size": 128}, "block_size is 128: expected less than image_size, 128"),
    ({"corruption": "color_blocks", "image_size": 64}, r"tile_size is \(16, 128\): expected at most image_size, 64"),
])
def test_fields_that_do_not_fit_together(fields, reason):
  with pytest.raises(ValueError, match=reason):
    Config(**fields)


def test_some_loss_must_have_a_weight():
  none = {"weight_adversarial": 0.0, "weight_feature_matching": 0.0, "weight_perceptual": 0.0}
  assert Config(**none).point_loss
  for fields in ({"weight_point": 0.0}, {"corruption": "color_noise"}):  # where the point loss is off
    with pytest.raises(ValueError, match="every weight is 0"):
      Config(**none, **fields)


def test_point_loss():
  on = {corruption for corruption in ("random_points", "edge_points", "color_noise", "white_block", "color_blocks")
        if Config(corruption=corruption).point_loss}
  assert on == {"random_points", "edge_points", "white_block"}  # Sec. 4
  assert not Config(weight_point=0.0).point_loss


def test_through_json():
  config = Config(corruption="color_noise", share=(0.05, 0.15), perceptual_layers=("block4_conv2",),
                  perceptual_layer_weights=(1.0,), seed=7)
  for one in (config, TINY):
    assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(one)))) == one


def test_an_unknown_field_names_the_closest():
  with pytest.raises(ValueError, match="unknown configuration field 'weight_points'.*did you mean 'weight_point'"):
    from_dict(Config, {"weight_points": 1.0})
