"""How the super-resolution networks of the progressive paper's comparison are trained: each by its own paper."""

from tf_imgtrans.baselines.super_resolution import CONFIGS, GAN_CONFIGS, PRESETS, TINY
from tf_imgtrans.baselines.super_resolution.config import preset_config

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
