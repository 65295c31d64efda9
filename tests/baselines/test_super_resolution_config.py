"""How the super-resolution networks of the progressive paper's comparison are trained: each by its own paper."""

import dataclasses
import json

import pytest
import recipes

from tf_imgtrans.baselines.super_resolution import CONFIGS, GAN_CONFIGS, PRESETS, TINY, Config
from tf_imgtrans.baselines.super_resolution.config import named, preset_config
from tf_imgtrans.core.config import from_dict

NAMES = ["esrgan", "carn", "rcan"]


def test_schedules():
  """Side of the source's window, batch, rate, halvings and steps."""
  told = {name: (config.patch_size // 4, config.batch_size, config.learning_rate, config.halve_at, config.iterations)
          for name, config in [*CONFIGS.items(), ("gan", GAN_CONFIGS["paper"])]}
  every = (200000, 400000, 600000, 800000)
  assert told == {"esrgan": (32, 16, 2e-4, every, 1000000), "carn": (64, 64, 1e-4, (400000,), 600000),
                  "rcan": (48, 16, 1e-4, every, 1000000),
                  "gan": (32, 16, 1e-4, (50000, 100000, 200000, 300000), 400000)}
  assert {(config.beta_1, config.beta_2, config.low_resolution, config.scale, config.augment) for config in CONFIGS.values()
          } == {(0.9, 0.999, "bicubic", 4, "all")}
  assert [CONFIGS[name].gradient_clip for name in NAMES] == [0, 10, 0]


def test_losses():
  def weights(config):
    return config.weight_l1, config.weight_perceptual, config.weight_adversarial

  assert {weights(config) for config in CONFIGS.values()} == {(1, 0, 0)}
  assert weights(GAN_CONFIGS["paper"]) == (1e-2, 1, 5e-3)
  assert GAN_CONFIGS["paper"].perceptual_layer == "block5_conv4"


def test_sizes_of_the_networks():
  assert (CONFIGS["esrgan"].blocks, CONFIGS["esrgan"].growth) == (23, 32)
  assert (CONFIGS["carn"].groups, CONFIGS["carn"].blocks, CONFIGS["carn"].multi_scale) == (3, 3, True)
  assert (CONFIGS["rcan"].groups, CONFIGS["rcan"].blocks, CONFIGS["rcan"].reduction) == (10, 20, 16)
  assert {config.channels for config in CONFIGS.values()} == {64}


def test_presets():
  for configs in (CONFIGS, PRESETS["paper"], PRESETS["small"], TINY):
    assert {name: config.network for name, config in configs.items()} == {name: name for name in NAMES}
  assert all((config.image_size, config.patch_size, config.scale) == (64, 64, 4) for config in PRESETS["small"].values())
  assert int(GAN_CONFIGS["small"].perceptual_layer[5]) == 3
  shape = ("channels", "blocks", "growth", "scale")  # the second stage goes on from the first
  for preset in PRESETS:
    first, second = PRESETS[preset]["esrgan"], GAN_CONFIGS[preset]
    assert all(getattr(first, name) == getattr(second, name) for name in shape)
    assert (first.stage, second.stage) == ("l1", "gan")


def test_preset_config():
  assert preset_config("rcan") == preset_config("rcan", None, None) == CONFIGS["rcan"]
  assert preset_config("carn", "small", "gan") == PRESETS["small"]["carn"]  # where the stage is refused
  assert preset_config("esrgan", "small", "gan") == GAN_CONFIGS["small"]
  assert preset_config("esrgan", "smal", "gan") == GAN_CONFIGS["paper"]


def test_named():
  assert named("carn", {}) == CONFIGS["carn"]
  assert named("rcan", {"scale": 8, "network": "rcan"}) == dataclasses.replace(CONFIGS["rcan"], scale=8)
  with pytest.raises(ValueError, match="unknown configuration field 'chanels'.*mean 'channels'"):
    named("carn", {"chanels": 3})
  with pytest.raises(ValueError, match="network is 'carn', but the name 'rcan' decides it: leave network out"):
    named("rcan", {"network": "carn"})


@pytest.mark.parametrize("name, options, message", [
    ("esrgan", {"scale": 3}, "scale is 3: esrgan is made for 2, 4, 8"),
    ("carn", {"scale": 8}, "scale is 8: carn is made for 2, 3, 4"),
    ("rcan", {"scale": 3}, "scale is 3: rcan is made for 2, 4, 8"),
    ("rcan", {"scale": 5}, "scale is 5: input should be 2, 3, 4 or 8"),
    ("esrgan", {"halve_at": (20, 10)}, r"halve_at is \(20, 10\): expected ascending steps"),
    ("rcan", {"channels": 8}, "reduction is 16: expected at most channels, 8"),
    ("rcan", {"multi_scale": True}, "multi_scale is on, but rcan has one upsampler"),
    ("esrgan", {"image_size": 64}, "image_size is 64: expected 0, or at least patch_size, 128"),
    ("carn", {"stage": "gan"}, "stage is gan, but carn is trained by L1 alone"),
    ("esrgan", {"weight_perceptual": 1.0}, "weight_perceptual is 1.0, but stage l1 has no such loss"),
    ("esrgan", {"weight_adversarial": 1.0}, "weight_adversarial is 1.0, but stage l1 has no such loss"),
    ("esrgan", {"initial_weights": "run"}, "initial_weights is 'run', but stage l1 starts from drawn weights"),
    ("carn", {"weight_l1": 0.0}, "every weight is 0, so that there is nothing to learn from"),
    ("esrgan", {"stage": "gan", "weight_adversarial": 5e-3, "patch_size": 96}, "patch_size is 96: .*power of two from 16"),
    ("esrgan", {"patch_size": 8}, "patch_size is 8"),
])
def test_errors(name, options, message):
  with pytest.raises(ValueError, match=message):
    named(name, options)


def test_through_json():
  for config in [*CONFIGS.values(), *GAN_CONFIGS.values(), *PRESETS["small"].values(), *TINY.values()]:
    assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_the_configuration_of_super_resolution_comes_without_tensorflow():
  recipes.run_python("import sys\n"
                     "from tf_imgtrans.baselines.super_resolution import CONFIGS\n"
                     "assert len(CONFIGS) == 3\n"
                     "heavy = {'tensorflow', 'keras', 'cv2', 'scipy', 'skimage'} & set(sys.modules)\n"
                     "assert not heavy, heavy\n")
