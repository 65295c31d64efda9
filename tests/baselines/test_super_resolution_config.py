"""How the super-resolution networks of the progressive paper's comparison are trained: each by its own paper."""

import dataclasses
import json

import pytest
import recipes

from tf_imgtrans.core.config import from_stored
from tf_imgtrans.recipes import find_recipe

NAMES = ["esrgan", "carn", "rcan"]
PAPER = {name: find_recipe(name).preset() for name in NAMES}
GAN = find_recipe("esrgan").preset(stage="gan")


def test_schedules():
  """Side of the source's window, batch, rate, halvings and steps."""
  told = {name: (config.patch_size // 4, config.batch_size, config.learning_rate, config.halve_at, config.iterations)
          for name, config in [*PAPER.items(), ("gan", GAN)]}
  every = (200000, 400000, 600000, 800000)
  assert told == {"esrgan": (32, 16, 2e-4, every, 1000000), "carn": (64, 64, 1e-4, (400000,), 600000),
                  "rcan": (48, 16, 1e-4, every, 1000000),
                  "gan": (32, 16, 1e-4, (50000, 100000, 200000, 300000), 400000)}
  assert {(config.beta_1, config.beta_2, config.low_resolution, config.scale, config.augment) for config in PAPER.values()
          } == {(0.9, 0.999, "bicubic", 4, "all")}
  assert PAPER["carn"].gradient_clip == 10


def test_losses():
  def weights(config):
    return config.weight_l1, config.weight_perceptual, config.weight_adversarial

  assert weights(PAPER["esrgan"]) == (1, 0, 0)
  assert weights(GAN) == (1e-2, 1, 5e-3)
  assert GAN.perceptual_layer == "block5_conv4"


def test_sizes_of_the_networks():
  assert (PAPER["esrgan"].blocks, PAPER["esrgan"].growth) == (23, 32)
  assert (PAPER["carn"].groups, PAPER["carn"].blocks, PAPER["carn"].multi_scale) == (3, 3, True)
  assert (PAPER["rcan"].groups, PAPER["rcan"].blocks, PAPER["rcan"].reduction) == (10, 20, 16)
  assert {config.channels for config in PAPER.values()} == {64}


def test_presets():
  small = [find_recipe(name).preset("small") for name in NAMES]
  assert all((config.image_size, config.patch_size, config.scale) == (64, 64, 4) for config in small)
  shape = ("channels", "blocks", "growth", "scale")  # the second stage goes on from the first
  for preset in ("paper", "small", "tiny"):
    first, second = (find_recipe("esrgan").preset(preset, stage=stage) for stage in ("l1", "gan"))
    assert first == find_recipe("esrgan").preset(preset)
    assert all(getattr(first, name) == getattr(second, name) for name in shape)
    assert (first.stage, second.stage) == ("l1", "gan")
  assert int(find_recipe("esrgan").preset("small", stage="gan").perceptual_layer[5]) == 3


# Of a run of ESRGAN's first stage. All three networks had all of its fields.
STORED = json.loads((recipes.ROOT / "tests" / "v0_1_0" / "runs" / "esrgan" / "run.json").read_text())["config"]


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_of_version_0_1_0(name):
  stored = {**STORED, "network": name, "reduction": 2}
  found = dataclasses.asdict(from_stored(find_recipe(name).config, stored))
  assert json.loads(json.dumps(found)) == {field: stored[field] for field in found}


@pytest.mark.parametrize("name, field, value", [
    ("esrgan", "network", "carn"), ("esrgan", "multi_scale", True), ("esrgan", "gradient_clip", 1.0),
    ("carn", "network", "rcan"), ("carn", "stage", "gan"), ("carn", "weight_l1", 2.0), ("carn", "weight_adversarial", 1.0),
    ("rcan", "network", "esrgan"), ("rcan", "initial_weights", "run"), ("rcan", "weight_perceptual", 1.0)])
def test_a_configuration_that_this_version_cannot_read(name, field, value):
  stored = {**STORED, "network": name, "reduction": 2, field: value}
  with pytest.raises(ValueError, match=f"{field} is {value!r}: since version 0.2 this network is without it"):
    from_stored(find_recipe(name).config, stored)
