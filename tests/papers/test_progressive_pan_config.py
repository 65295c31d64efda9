"""Every default of the progressive paper's configuration, from the paper, StyleGAN, or our own choice."""

import dataclasses
import json

import pytest

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.papers.progressive_pan import TINY, Config
from tf_imgtrans.papers.progressive_pan.config import PRESETS, VARIANTS

DEFAULTS = {
    # Sec. 5.1: "scaling images from 128x128 to 1024x1024", "We start with 8x8 resolution". 8 is also Sec. 4.1's first size
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
    "isotropic_probability": 0.5, "motion_probability": 0.5, "noise_probability": 0.5, "jpeg_probability": 0.5, "seed": 0,
}


def test_defaults():
  assert dataclasses.asdict(Config()) == DEFAULTS


def test_frozen_and_hashable():
  with pytest.raises(dataclasses.FrozenInstanceError):
    Config().seed = 1
  assert hash(Config()) == hash(Config(**DEFAULTS))
  assert Config().stages is not None and hash(Config()) == hash(Config(**DEFAULTS))  # what is cached does not count


@pytest.mark.parametrize("field, value, reason", [
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
        "gaussian_sigma_px", "gaussian_angle_deg", "motion_length_px", "motion_angle_deg", "noise_std_unit", "peak_photons",
        "jpeg_quality")),
    ("jpeg_quality", (0, 95), "greater than or equal to 1"),
    ("jpeg_quality", (40, 101), "less than or equal to 100"),
    ("motion_probability", 1.5, "less than or equal to 1"),
    ("seed", -1, "greater than or equal to 0"),
])
def test_illegal_values(field, value, reason):
  with pytest.raises(ValueError) as caught:
    Config(**{field: value})
  assert str(caught.value).startswith(f"{field} is {value!r}: ")
  assert reason in str(caught.value) and f"--config.{field}" in str(caught.value)


@pytest.mark.parametrize("fields, reason", [
    ({"input_size": 256, "output_size": 128}, "start_size, input_size and output_size are 8, 256 and 128: expected none"),
    ({"start_size": 256}, "start_size, input_size and output_size are 256, 128 and 1024: expected none below"),
    ({"skips": 6}, "skips is 6: there are 5 sizes from 8 up to input_size 128"),
    ({"skips": 2, "input_size": 8}, "skips is 2: there are 1 sizes from 8 up to input_size 8"),
    ({"minibatch": ()}, "minibatch is empty: expected a value for 8 pixels"),
    ({"learning_rate": ()}, "learning_rate is empty: expected a value for 8 pixels"),
])
def test_fields_that_do_not_fit_together(fields, reason):
  with pytest.raises(ValueError, match=reason):
    Config(**fields)


@pytest.mark.parametrize("fields, scale, connections, sizes", [
    ({}, 8, 5, (8, 16, 32, 64, 128, 256, 512, 1024)),
    ({"progressive": False}, 8, 5, (1024,)),
    ({"input_size": 64, "output_size": 256}, 4, 4, (8, 16, 32, 64, 128, 256)),
    ({"output_size": 256, "skips": 5}, 2, 5, (8, 16, 32, 64, 128, 256)),  # Sec. 5.6: 128 to 256
    ({"start_size": 128}, 8, 5, (128, 256, 512, 1024)),
    ({"input_size": 8, "output_size": 8}, 1, 1, (8,)),
])
def test_sizes(fields, scale, connections, sizes):
  config = Config(**fields)
  assert (config.scale, config.connections, config.sizes) == (scale, connections, sizes)
  assert tuple(stage.resolution for stage in config.stages) == sizes


def test_channels():
  """StyleGAN's nf(s) = min(8192 / 2^s, 512) of its stage s = log2(size) - 1."""
  expected = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
  assert {size: Config().channels(size) for size in expected} == expected
  assert Config(channel_base=64, channels_max=8).channels(1024) == 1  # never none


def test_variants_are_the_rows_of_table_2():
  assert VARIANTS.keys() == {"full", "l1", "l2", "non_progressive", "non_noise"}
  changed = {name: {field: value for field, value in dataclasses.asdict(Config(**fields)).items()
                    if value != DEFAULTS[field]} for name, fields in VARIANTS.items()}
  assert changed == {"full": {}, "l1": {"objective": "l1"}, "l2": {"objective": "l2"},
                     "non_progressive": {"progressive": False}, "non_noise": {"noise": "off"}}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_every_preset_is_legal(preset, variant):
  config = dataclasses.replace(PRESETS[preset], **VARIANTS[variant])
  assert config.iterations > 0 and config.stages[-1].resolution == config.output_size


def test_presets():
  assert PRESETS["paper"] == Config()
  small = PRESETS["small"]
  assert small.sizes == (8, 16, 32) and small.scale == 4
  assert [stage.minibatch for stage in small.stages] == [16, 8, 8]  # of all replicas together
  # 6000 images of 8 pixels, and 12000 of each other size.
  assert small.iterations == 6000 // 16 + 2 * (12000 // 8) and small.images_at(small.iterations) == 30_000


def test_through_json():
  config = Config(skips=2, noise="off", minibatch=(8, 4), learning_rate=(1e-4,), peak_photons=(100.0, 1000.0),
                  jpeg_quality=(30, 30), degrade=True, unit="iterations", seed=7)
  for one in (config, TINY, *PRESETS.values()):
    assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(one)))) == one


def test_an_unknown_field_names_the_closest():
  with pytest.raises(ValueError, match="unknown configuration field 'skip'.*did you mean 'skips'"):
    from_dict(Config, {"skip": 1})
