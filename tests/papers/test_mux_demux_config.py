"""Every default of the Mux/Demux paper's configuration, from the paper or from DPED."""

import dataclasses
import json

import numpy as np
import pytest

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.papers.mux_demux import TINY, Config

DEFAULTS = {
    "network": "normal", "growth_half": 16, "growth_quarter": 32, "noise": "fixed",
    # Sec. 4.1, and DPED's widths
    "discriminator_head": "sigmoid", "discriminator_channels": (48, 128, 192, 192, 128), "discriminator_dense": 1024,
    # Table 1: alpha, beta, gamma, theta, lambda; Eq. 10 has the adversarial term without a factor
    "weight_l1": 5000, "weight_perceptual": 10, "weight_contextual": 10, "weight_color": 0.5,
    "weight_total_variation": 2000, "weight_adversarial": 1,
    # DPED takes relu5_4; the contextual loss's authors take conv3_2 and conv4_2 with bandwidth 0.5
    "perceptual_layer": "block5_conv4", "contextual_layers": ("block3_conv2", "block4_conv2"), "contextual_bandwidth": 0.5,
    "vgg_weights": "",
    # DPED: 100x100 patches, batches of 50, Adam at 5e-4, 20000 steps, no flips
    "patch_size": 100, "batch_size": 50, "learning_rate": 5e-4, "iterations": 20000, "flip": False,
    "seed": 0,
}


def test_defaults():
  assert dataclasses.asdict(Config()) == DEFAULTS


def test_frozen_and_hashable():
  with pytest.raises(dataclasses.FrozenInstanceError):
    Config().seed = 1
  assert hash(Config()) == hash(Config(**DEFAULTS))


@pytest.mark.parametrize("field, value, reason", [
    ("network", "fast", "input should be 'normal' or 'high_performance'"),
    ("growth_quarter", 3, "multiple of 2"),  # 2 * 3 channels would make no groups of four for Mux
    ("noise", "none", "input should be 'random', 'fixed' or 'off'"),
    ("weight_l1", -1.0, "greater than or equal to 0"),
    ("patch_size", 15, "greater than or equal to 16"),
    ("batch_size", 0, "greater than or equal to 1"),
    ("learning_rate", 0.0, "greater than 0"),
    ("discriminator_channels", (48, 128), "discriminator_channels is (48, 128)"),
    ("contextual_layers", "block3_conv2", "valid tuple"),
])
def test_illegal_values(field, value, reason):
  with pytest.raises(ValueError) as caught:
    Config(**{field: value})
  assert str(caught.value).startswith(f"{field} is {value!r}: ")
  assert reason in str(caught.value) and f"--config.{field}" in str(caught.value)


def test_through_json():
  config = Config(network="high_performance", contextual_layers=("block4_conv2",), seed=7)
  assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(config)))) == config
  assert from_dict(Config, json.loads(json.dumps(dataclasses.asdict(TINY)))) == TINY


def test_an_unknown_field_names_the_closest():
  with pytest.raises(ValueError, match="unknown configuration field 'weight_colour'.*did you mean 'weight_color'"):
    from_dict(Config, {"weight_colour": 1.0})


def test_the_largest_seed_serves_networks_steps_and_data():
  from tf_imgtrans.data.pipeline import training_batches
  from tf_imgtrans.papers.mux_demux import Trainer

  config = dataclasses.replace(TINY, seed=2 ** 31 - 1)
  (number, _), = training_batches(lambda number, seed: (number, seed), 5, 2, config.seed).take(1)
  assert set(number.numpy()) < set(range(5))
  source = number.numpy()[:, None, None, None] * np.ones((2, 32, 32, 3), np.float32) / 5
  assert np.isfinite(float(Trainer(config).train_step((source, source))["total"]))
  with pytest.raises(ValueError, match="seed is 2147483648"):
    dataclasses.replace(TINY, seed=2 ** 31)
