"""One step of a baseline's training: which losses, on what, and what they move."""

import dataclasses

import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.dped.network import ResNet
from tf_imgtrans.baselines.johnson.network import Johnson
from tf_imgtrans.baselines.srcnn.network import Srcnn
from tf_imgtrans.losses import color, perceptual, squared_error, total_variation
from tf_imgtrans.recipes import find_recipe

SOURCE = recipes.smooth_images(2, 32, 32, 3, seed=1)
TARGET = np.clip(1.2 * SOURCE + 0.05, 0, 1)
DISCRIMINATOR = {"discriminator", "real_score", "fake_score"}
TERMS = {
    "srcnn": {"total", "squared_error"},
    "johnson": {"total", "perceptual"},
    **dict.fromkeys(("dped", "resnet_8_32", "resnet_12_64"),
                    {"total", "adversarial", "perceptual", "color", "total_variation", *DISCRIMINATOR}),
}
# A convolution's bias before a normalization is taken off again: its gradient is zero but for rounding.
IDLE = {"srcnn": (), "johnson": [f"conv{index}/bias" for index in range(1, 16)],
        "dped": [f"conv{index}/bias" for index in range(2, 10)],
        "resnet_8_32": [f"conv{index}/bias" for index in range(2, 6)]}
NAMES = sorted(IDLE)  # resnet_12_64 is dped by another name


def _small(name, **options):
  """The baseline's own configuration, but for sizes and a VGG19 that needs no file."""
  config = find_recipe(name).preset(patch_size=32, batch_size=2)
  small = {"discriminator_channels": (4, 8, 8, 8, 8), "discriminator_dense": 8, "vgg_weights": "random",
           "perceptual_layer": "block2_conv2"}
  small = {field: value for field, value in small.items() if hasattr(config, field)}
  return dataclasses.replace(config, **small | options)


def _trainer(name, precision="float32", **options):
  return find_recipe(name).make_trainer(_small(name, **options), precision)


@pytest.mark.parametrize("name, network", [("srcnn", Srcnn), ("johnson", Johnson), ("resnet_8_32", ResNet),
                                           ("dped", ResNet), ("resnet_12_64", ResNet)])
def test_the_trainer_makes_the_network_of_the_configuration(name, network):
  trainer = _trainer(name, seed=3)
  assert type(trainer.generator) is network and trainer.generator.config == trainer.config
  assert any(part.startswith("discriminator") for part in trainer.parts) == (name not in ("srcnn", "johnson"))
  assert (trainer.vgg is None) == (name == "srcnn")


@pytest.mark.parametrize("name", NAMES)
def test_one_step(name):
  trainer = _trainer(name)
  before = recipes.weights(trainer.generator)
  terms = trainer.train_step((SOURCE, TARGET))
  assert terms.keys() == TERMS[name]
  assert {value.dtype.name for value in terms.values()} == {"float32"}
  assert all(np.isfinite(value) for value in recipes.numbers(terms).values())
  moved = {path for path, value in recipes.weights(trainer.generator).items() if (value != before[path]).any()}
  assert before.keys() - set(IDLE[name]) <= moved
  assert int(trainer.step) == 1


def test_the_losses_of_srcnn():
  trainer = _trainer("srcnn")
  trainer.generator.bias.assign([3.0])  # outputs near 1.08: the loss must see them unclipped
  fake = trainer.generator(SOURCE, training=True).numpy()
  assert fake.min() > 1.05
  terms = recipes.numbers(trainer.train_step((SOURCE, TARGET)))
  np.testing.assert_allclose(terms["squared_error"], np.mean(np.square(np.float64(fake) - TARGET)), rtol=1e-5)
  np.testing.assert_allclose(terms["total"], terms["squared_error"], rtol=1e-6)


def test_the_losses_of_johnson():
  trainer = _trainer("johnson")
  fake = trainer.generator(SOURCE, training=True)  # normalized by this batch; the running means do not count here
  features = [trainer.vgg(images)["block2_conv2"] for images in (TARGET, fake)]
  terms = recipes.numbers(trainer.train_step((SOURCE, TARGET)))
  np.testing.assert_allclose(terms["perceptual"], perceptual(*features), rtol=1e-4)
  np.testing.assert_allclose(terms["total"], terms["perceptual"], rtol=1e-6)


def test_the_losses_of_dped():
  trainer = _trainer("resnet_8_32")
  fake = trainer.generator(SOURCE, training=True)
  features = [trainer.vgg(images)["block2_conv2"] for images in (TARGET, fake)]
  logits = trainer.discriminator(fake).numpy()
  expected = {"adversarial": np.sum(np.log1p(np.exp(-logits))), "perceptual": perceptual(*features),
              "color": color(TARGET, fake), "total_variation": total_variation(fake)}
  terms = recipes.numbers(trainer.train_step((SOURCE, TARGET)))
  for name, value in expected.items():
    np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
  weights = {"adversarial": 1, "perceptual": 10, "color": 0.5, "total_variation": 2000}
  np.testing.assert_allclose(terms["total"], sum(weight * terms[name] for name, weight in weights.items()), rtol=1e-5)


def test_the_discriminator_of_dped_is_kept_by_a_file():
  recipes.check_serialization(_trainer("dped").discriminator, SOURCE)


def test_a_loss_can_be_added():
  trainer = _trainer("johnson", weight_perceptual=3.0, weight_squared_error=2.0)
  fake = trainer.generator(SOURCE, training=True)
  terms = recipes.numbers(trainer.train_step((SOURCE, TARGET)))
  assert terms.keys() == {"total", "perceptual", "squared_error"}
  np.testing.assert_allclose(terms["squared_error"], squared_error(TARGET, fake), rtol=1e-5)
  np.testing.assert_allclose(terms["total"], 3 * terms["perceptual"] + 2 * terms["squared_error"], rtol=1e-5)


def test_losses_of_weight_0_are_left_out():
  trainer = _trainer("johnson", weight_perceptual=0.0, weight_squared_error=1.0)
  assert trainer.vgg is None and trainer.train_step((SOURCE, TARGET)).keys() == {"total", "squared_error"}
  trainer = _trainer("resnet_8_32", weight_adversarial=0.0, weight_perceptual=0.0)
  assert trainer.discriminator is trainer.vgg is None and list(trainer.parts) == ["generator", "generator_optimizer"]
  assert trainer.train_step((SOURCE, TARGET)).keys() == {"total", "color", "total_variation"}


def test_running_means_are_kept_by_checkpoints():
  """Batch normalization holds numbers that no optimizer moves; a resumed run needs them all the same."""
  trainer = _trainer("johnson")
  state = trainer.state()
  assert len([name for name in state if name.startswith("generator/") and "moving_" in name]) == 2 * 15
  assert not any("moving_" in name for name in state if "optimizer" in name)
  assert len(state) == len({id(variable) for variable in state.values()})
  assert list(state) == list(_trainer("johnson").state())
