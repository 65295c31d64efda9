"""The losses of the shipped enhancers by hand, patches that stay as they are, averaged weights, and no lattice."""

import dataclasses

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.enhancement import training_data
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.practice.phone_enhancement.recipe import RECIPE
from tf_imgtrans.practice.phone_enhancement.trainer import Trainer, losses
from tf_imgtrans.recipes import create_generator

TINY = RECIPE.preset("tiny")
TARGET = recipes.smooth_images(2, 48, 48, 3)


def test_the_losses():
  fake = np.float32(0.9 * TARGET + 0.02)
  total, terms = losses(TINY, TARGET, fake)
  error = np.float64(fake) - TARGET
  blocks = error.reshape(2, 3, 16, 3, 16, 3).mean((2, 4))
  expected = {"l1": np.abs(error).mean(), "low_frequency": np.abs(blocks).mean(),
              "ssim": 1 - tf.image.ssim(TARGET, fake, 1.0).numpy().mean()}
  assert terms.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_allclose(terms[name], value, rtol=1e-4, atol=1e-7, err_msg=name)
  np.testing.assert_allclose(total, sum(getattr(TINY, f"weight_{name}") * value for name, value in expected.items()),
                             rtol=1e-4)
  assert losses(dataclasses.replace(TINY, weight_ssim=0.0), TARGET, fake)[1].keys() == {"l1", "low_frequency"}


def test_a_patch_size_that_means_do_not_cover_is_refused():
  with pytest.raises(ValueError, match="patch_size is 100: expected a multiple of 16"):
    RECIPE.preset(patch_size=100)


def test_some_patches_stay_as_they_are(tmp_path):
  for number, image in enumerate(recipes.smooth_images(3, 64, 64, 3)):
    write_image(tmp_path / f"{number}.png", image)
  config = RECIPE.preset("tiny", undegraded_share=0.25, batch_size=8)
  data = training_data(config, read_folder(tmp_path, 0.0))
  batches = [batch for _, batch in zip(range(20), data.batches(0, Part()).as_numpy_iterator())]
  same = [np.array_equal(source, target) for sources, targets in batches for source, target in zip(sources, targets)]
  assert 0.15 < np.mean(same) < 0.35  # of 160


def test_saturation_is_the_distance_from_luma():
  image = np.broadcast_to(np.float32([0.7, 0.4, 0.2]), (32, 32, 3))  # JPEG blurs colours, but not of one colour alone
  still = {name: (0.0, 0.0) for name in ("exposure", "blur", "noise")}
  still |= {name: (1.0, 1.0) for name in ("red_gain", "blue_gain", "contrast")}
  grey, half = (phone_camera(image, 0, saturation=(factor, factor), jpeg_quality=(100, 100), **still)
                for factor in (0.0, 0.5))
  luma = image @ np.float32([0.299, 0.587, 0.114])
  np.testing.assert_allclose(grey, np.repeat(luma[..., None], 3, -1), atol=0.01)
  np.testing.assert_allclose(half, (image + luma[..., None]) / 2, atol=0.01)


def test_the_average_is_what_is_saved():
  trainer = Trainer(dataclasses.replace(TINY, average_half_life=2))  # of a batch of 2: an old weight counts half
  before = trainer.generator.get_weights()
  trainer.train_step((tf.constant(0.8 * TARGET), tf.constant(TARGET)))
  for old, new, average in zip(before, trainer.learner.get_weights(), trainer.generator.get_weights()):
    np.testing.assert_allclose(average, (old + new) / 2, atol=1e-6)



@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp"])
def test_an_untrained_generator_draws_no_lattice(name):
  """On flat areas all 16 sub-pixel phases get the same value, as the kernels before Mux start equal."""
  image = np.broadcast_to(np.float32([0.3, 0.5, 0.6]), (1, 160, 160, 3))
  network = create_generator(name, seed=1, noise="off")
  middle = network(image, training=False).numpy()[0, 72:88, 72:88]
  assert np.ptp(middle, axis=(0, 1)).max() < 1e-5


@pytest.mark.parametrize("network", ["normal", "high_performance"])
def test_training_draws_no_lattice_on_flat_areas(network):
  trainer = Trainer(dataclasses.replace(TINY, network=network, growth_half=16, growth_quarter=32, average_half_life=2))
  for _ in range(2):
    trainer.train_step((tf.constant(0.5 * TARGET), tf.constant(TARGET)))
  image = np.broadcast_to(np.float32([0.3, 0.5, 0.6]), (1, 160, 160, 3))
  for trained in (trainer.learner, trainer.generator):
    middle = trained(image, training=False).numpy()[0, 72:88, 72:88]
    assert np.ptp(middle, axis=(0, 1)).max() < 1e-5
