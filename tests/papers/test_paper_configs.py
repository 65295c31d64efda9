"""Configurations of the papers: every default with its source, what they refuse, and the way through JSON."""

import dataclasses
import importlib
import json

import numpy as np
import pytest

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.papers import feature_pyramid_pan, mux_demux, x_gans
from tf_imgtrans.recipes import PAPERS, RECIPES, find_recipe

DEFAULTS = {
    "feature_pyramid_pan": {
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
    },
    "mux_demux": {
        "network": "normal", "growth_half": 16, "growth_quarter": 32, "noise": "fixed",
        # Sec. 4.1, and DPED's widths
        "discriminator_head": "sigmoid", "discriminator_channels": (48, 128, 192, 192, 128), "discriminator_dense": 1024,
        # Table 1: alpha, beta, gamma, theta, lambda; Eq. 10 has the adversarial term without a factor
        "weight_l1": 5000, "weight_perceptual": 10, "weight_contextual": 10, "weight_color": 0.5,
        "weight_total_variation": 2000, "weight_adversarial": 1,
        # DPED takes relu5_4; the contextual loss's authors take conv3_2 and conv4_2 with bandwidth 0.5
        "perceptual_layer": "block5_conv4", "contextual_layers": ("block3_conv2", "block4_conv2"),
        "contextual_bandwidth": 0.5, "vgg_weights": "",
        # DPED: 100x100 patches, batches of 50, Adam at 5e-4, 20000 steps, no flips
        "patch_size": 100, "batch_size": 50, "learning_rate": 5e-4, "iterations": 20000, "flip": False,
        # of clean photographs: ours
        "degradation": {"exposure": (-1.1, -0.5), "red_gain": (1.04, 1.16), "blue_gain": (0.78, 0.90),
                        "contrast": (0.75, 0.88), "saturation": (1.0, 1.0), "blur": (0.5, 1.0),
                        "noise": (0.006, 0.02), "jpeg_quality": (60, 90)},
        "undegraded_share": 0.0, "smallest_scale": 1.0, "border": 0, "equal_sub_pixels": False, "seed": 0,
    },
    "progressive_pan": {
        # Sec. 5.1: "scaling images from 128x128 to 1024x1024", "We start with 8x8 resolution"; also Sec. 4.1
        "input_size": 128, "output_size": 1024, "start_size": 8, "progressive": True,
        # Sec. 4.1: a U-Net up to the size of the input
        "skips": None,
        # StyleGAN: fmap_base 8192 over size / 2, fmap_max 512, blur_filter [1, 2, 1], mbstd_group_size 4
        "channel_base": 16384, "channels_max": 512, "blur": True, "group": 4,
        # Sec. 5.5: "to feature maps at each resolution"
        "noise": "fixed", "noise_sizes": "all",
        # Sec. 5.1: Eq. (3) and Eq. (4) with gamma = 5
        "objective": "gan", "gamma": 5.0,
        # Sec. 5.1: "600k iterations at each resolution", "600k iterations to be completely integrated"; StyleGAN: images
        "stable": 600_000, "fade": 600_000, "unit": "images",
        # Sec. 5.1: {8: 64, 16: 32, 32: 16, 64: 8, 128 ~ 1024: 4}, "using 4 Tesla P40 GPUs"
        "minibatch": (64, 32, 16, 8, 4), "replicas": 4,
        # Sec. 5.1: {8 ~ 64: 0.001, 128: 0.0015, 256: 0.002, 512 ~ 1024: 0.003}, beta1 = 0, beta2 = 0.99, epsilon = 1e-8
        "learning_rate": (0.001, 0.001, 0.001, 0.001, 0.0015, 0.002, 0.003),
        "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8,
        # StyleGAN: reset_opt_for_new_lod, G_smoothing_kimg 10, mirror_augment
        "reset_optimizers": True, "average_half_life": 10_000, "flip": True,
        # Sec. 5.7 gives x~ = J((x * k * b) down_s + n) without a number: ours
        "low_resolution": "area", "degrade": False, "gaussian_sigma_px": (0.2, 3.0),
        "gaussian_angle_deg": (0.0, 180.0), "motion_length_px": (1.0, 15.0), "motion_angle_deg": (0.0, 180.0),
        "noise_std_unit": (0.0, 15 / 255), "peak_photons": None, "jpeg_quality": (40, 95), "gaussian_probability": 0.5,
        "isotropic_probability": 0.5, "motion_probability": 0.5, "noise_probability": 0.5, "jpeg_probability": 0.5,
        "seed": 0,
    },
    "x_gans": {
        # Sec. 4 and 4.1
        "corruption": "random_points", "share": None, "edge_operator": "sobel", "block_size": 128,
        "block_color": (1.0, 1.0, 1.0), "tile_size": (16, 128), "patches": "", "image_size": 256,
        # Gao and Grauman's code
        "noise_std_unit": (0.0, 100 / 255), "blur_px": (0.0, 5.0),
        # Sec. 3.3 and 3.4, widths of pix2pixHD
        "downsamplings": 2, "base_channels": 64, "residual_blocks": 9, "dropout": 0.5, "normalization": "instance",
        "fill": "white",
        "discriminators": 3, "discriminator_channels": 64,
        # Eq. 4 to 6; lambdas and layers of pix2pixHD
        "aggregate": "max", "weight_adversarial": 1, "weight_feature_matching": 10, "weight_perceptual": 10,
        "weight_point": 200, "point_norm": "l2",
        "perceptual_layers": ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1"),
        "perceptual_layer_weights": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), "vgg_weights": "",
        # Sec. 4
        "batch_size": 1, "learning_rate": 2e-4, "beta_1": 0.5, "iterations": 100000, "flip": False, "seed": 0,
    },
}

ILLEGAL = {
    "feature_pyramid_pan": [
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
    ],
    "mux_demux": [
        ("network", "fast", "input should be 'normal' or 'high_performance'"),
        ("growth_quarter", 3, "multiple of 2"),  # 2 * 3 channels would make no groups of four for Mux
        ("noise", "none", "input should be 'random', 'fixed' or 'off'"),
        ("weight_l1", -1.0, "greater than or equal to 0"),
        ("patch_size", 15, "greater than or equal to 16"),
        ("batch_size", 0, "greater than or equal to 1"),
        ("learning_rate", 0.0, "greater than 0"),
        ("discriminator_channels", (48, 128), "discriminator_channels is (48, 128)"),
        ("contextual_layers", "block3_conv2", "valid tuple"),
    ],
    "progressive_pan": [
        ("input_size", 100, "input should be 8, 16, 32, 64, 128, 256, 512 or 1024"),
        ("output_size", 2048, "input should be 8, 16"),
        ("start_size", 4, "input should be 8, 16"),
        ("skips", -1, "greater than or equal to 0"),
        ("channel_base", 0, "greater than or equal to 1"),
        ("channels_max", 0, "greater than or equal to 1"),
        ("noise", "fixd", "input should be 'fixed', 'random' or 'off'"),
        ("noise_sizes", "some", "input should be 'all' or 'above_input'"),
        ("group", 0, "greater than or equal to 1"),
        ("objective", "l3", "input should be 'gan', 'l1' or 'l2'"),
        ("gamma", -1.0, "greater than or equal to 0"),
        ("stable", 0, "greater than or equal to 1"),
        ("fade", -1, "greater than or equal to 0"),
        ("unit", "kimg", "input should be 'images' or 'iterations'"),
        ("minibatch", (64, 0), "greater than or equal to 1"),
        ("replicas", 0, "greater than or equal to 1"),
        ("learning_rate", (0.001, 0.0), "greater than 0"),
        ("beta_1", 1.0, "less than 1"),
        ("beta_2", 1.0, "less than 1"),
        ("epsilon", 0.0, "greater than 0"),
        ("average_half_life", -1, "greater than or equal to 0"),
        ("low_resolution", "nearest", "input should be 'area' or 'bicubic'"),
        ("gaussian_sigma_px", (-1.0, 3.0), "greater than or equal to 0"),
        *((name, (30, 20) if name == "jpeg_quality" else (3.0, 2.0), "expected the lower end first") for name in (
            "gaussian_sigma_px", "gaussian_angle_deg", "motion_length_px", "motion_angle_deg", "noise_std_unit",
            "peak_photons", "jpeg_quality")),
        ("jpeg_quality", (0, 95), "greater than or equal to 1"),
        ("jpeg_quality", (40, 101), "less than or equal to 100"),
        ("motion_probability", 1.5, "less than or equal to 1"),
        ("seed", -1, "greater than or equal to 0"),
    ],
    "x_gans": [
        ("corruption", "rain", "input should be 'random_points'"),
        ("share", (0.0, 0.2), "greater than 0"),
        ("share", (0.3, 0.2), "expected the lower end first"),
        ("tile_size", (64, 16), "expected the lower end first"),
        ("blur_px", (2.0, 1.0), "expected the lower end first"),
        ("block_color", (1.0, 1.5, 0.0), "less than or equal to 1"),
        ("downsamplings", 4, "input should be 2 or 3"),
        ("dropout", 1.0, "less than 1"),
        ("discriminators", 0, "greater than or equal to 1"),
        ("aggregate", "mean", "input should be 'max' or 'sum'"),
        ("weight_point", -1.0, "greater than or equal to 0"),
        ("point_norm", "l3", "input should be 'l2' or 'l1'"),
        ("perceptual_layer_weights", (1.0, 1.0, 1.0, 1.0, -1.0), "greater than or equal to 0"),
        ("image_size", 15, "greater than or equal to 16"),
        ("beta_1", 1.0, "less than 1"),
    ],
}

# Fields that do not fit together.
MISFITS = {
    "feature_pyramid_pan": [
        ({"load_size": 255}, "load_size is 255: expected at least image_size, 256"),
        ({"image_size": 32}, "levels go down to 1/8 of image_size 32: a discriminator needs 8 pixels"),
        ({"image_size": 64, "low_levels": (4,)}, "levels go down to 1/16 of image_size 64"),
    ],
    "progressive_pan": [
        ({"input_size": 256, "output_size": 128}, "start_size, input_size and output_size are 8, 256 and 128: expected"),
        ({"start_size": 256}, "start_size, input_size and output_size are 256, 128 and 1024: expected none below"),
        ({"skips": 6}, "skips is 6: there are 5 sizes from 8 up to input_size 128"),
        ({"skips": 2, "input_size": 8}, "skips is 2: there are 1 sizes from 8 up to input_size 8"),
        ({"minibatch": ()}, "minibatch is empty: expected a value for 8 pixels"),
        ({"learning_rate": ()}, "learning_rate is empty: expected a value for 8 pixels"),
    ],
    "x_gans": [
        ({"perceptual_layers": ("block1_conv1",)}, "perceptual_layer_weights has 5 entries for 1 perceptual_layers"),
        ({"perceptual_layers": (), "perceptual_layer_weights": ()}, "expected one positive weight"),
        ({"perceptual_layer_weights": (0.0,) * 5}, "expected one positive weight"),
        ({"corruption": "white_block", "image_size": 128}, "block_size is 128: expected less than image_size, 128"),
        ({"corruption": "color_blocks", "image_size": 64}, r"tile_size is \(16, 128\): expected at most image_size, 64"),
    ],
}

OTHERS = {
    "feature_pyramid_pan": {"task": "inpainting", "image_size": 128, "low_levels": (0, 1), "objective": "context_encoder",
                            "seed": 7},
    "mux_demux": {"network": "high_performance", "contextual_layers": ("block4_conv2",), "seed": 7},
    "progressive_pan": {"skips": 2, "noise": "off", "minibatch": (8, 4), "learning_rate": (1e-4,),
                        "peak_photons": (100.0, 1000.0), "jpeg_quality": (30, 30), "degrade": True, "unit": "iterations",
                        "seed": 7},
    "x_gans": {"corruption": "color_noise", "share": (0.05, 0.15), "perceptual_layers": ("block4_conv2",),
               "perceptual_layer_weights": (1.0,), "seed": 7},
}


def _config(paper, **fields):
  return find_recipe(paper).config(**fields)


def _rows(table):
  return [(paper, *row) for paper, rows in table.items() for row in rows]


@pytest.mark.parametrize("paper", PAPERS)
def test_defaults(paper):
  config = _config(paper)
  assert dataclasses.asdict(config) == DEFAULTS[paper]
  assert find_recipe(paper).presets["paper"] == config
  assert hash(config) == hash(from_dict(type(config), DEFAULTS[paper]))
  with pytest.raises(dataclasses.FrozenInstanceError):
    config.seed = 1


@pytest.mark.parametrize("paper, field, value, reason", _rows(ILLEGAL))
def test_illegal_values(paper, field, value, reason):
  with pytest.raises(ValueError) as caught:
    _config(paper, **{field: value})
  assert str(caught.value).startswith(f"{field} is {value!r}: ")
  assert reason in str(caught.value) and f"--config.{field}" in str(caught.value)


@pytest.mark.parametrize("paper, fields, reason", _rows(MISFITS))
def test_fields_that_do_not_fit_together(paper, fields, reason):
  with pytest.raises(ValueError, match=reason):
    _config(paper, **fields)


@pytest.mark.parametrize("name", RECIPES)
def test_through_json(name):
  for config in (_config(name, **OTHERS.get(name, {})), *find_recipe(name).presets.values()):
    assert from_dict(type(config), json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize("paper", ["feature_pyramid_pan", "progressive_pan"])
def test_every_variant_of_every_preset_is_legal(paper):
  variants = importlib.import_module(f"tf_imgtrans.papers.{paper}.config").VARIANTS
  assert variants["full"] == {}
  for changes in variants.values():
    for preset in find_recipe(paper).presets.values():
      assert dataclasses.replace(preset, **changes).iterations > 0


@pytest.mark.parametrize("paper, typo, field", [
    ("feature_pyramid_pan", "weight_percept", "weight_perceptual"), ("mux_demux", "weight_colour", "weight_color"),
    ("progressive_pan", "skip", "skips"), ("x_gans", "weight_points", "weight_point")])
def test_an_unknown_field_names_the_closest(paper, typo, field):
  with pytest.raises(ValueError, match=f"unknown configuration field '{typo}'.*did you mean '{field}'"):
    from_dict(type(_config(paper)), {typo: 1.0})


@pytest.mark.parametrize("objective, names", [("pyramid", ("high", "low", "perceptual", "l1")), ("pix2pix", ("high", "l1")),
                                              ("context_encoder", ("l2", "adversarial"))])
def test_some_loss_of_the_objective_must_have_a_weight(objective, names):
  config = dataclasses.replace(feature_pyramid_pan.Config(), objective=objective)
  assert config.weights == names
  none = {f"weight_{name}": 0.0 for name in names}
  with pytest.raises(ValueError, match="every weight is 0"):
    dataclasses.replace(config, **none)
  for name in names:
    dataclasses.replace(config, **{**none, f"weight_{name}": 1.0})


def test_some_loss_of_x_gans_must_have_a_weight():
  none = {"weight_adversarial": 0.0, "weight_feature_matching": 0.0, "weight_perceptual": 0.0}
  assert x_gans.Config(**none).point_loss
  for fields in ({"weight_point": 0.0}, {"corruption": "color_noise"}):  # where the point loss is off
    with pytest.raises(ValueError, match="every weight is 0"):
      x_gans.Config(**none, **fields)


def test_the_point_loss_is_on_where_points_are_known():
  on = {corruption for corruption in ("random_points", "edge_points", "color_noise", "white_block", "color_blocks")
        if x_gans.Config(corruption=corruption).point_loss}
  assert on == {"random_points", "edge_points", "white_block"}  # Sec. 4
  assert not x_gans.Config(weight_point=0.0).point_loss


def test_the_largest_seed_serves_networks_steps_and_data():
  from tf_imgtrans.data.pipeline import training_batches

  config = dataclasses.replace(mux_demux.TINY, seed=2 ** 31 - 1)
  (number, _), = training_batches(lambda number, seed: (number, seed), 5, 2, config.seed).take(1)
  assert set(number.numpy()) < set(range(5))
  source = number.numpy()[:, None, None, None] * np.ones((2, 32, 32, 3), np.float32) / 5
  assert np.isfinite(float(mux_demux.Trainer(config).train_step((source, source))["total"]))
  with pytest.raises(ValueError, match="seed is 2147483648"):
    dataclasses.replace(config, seed=2 ** 31)
