"""A trainer under Keras' own compile, fit and evaluate."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
from training_helpers import StubTrainer

from tf_imgtrans.papers.mux_demux.config import TINY
from tf_imgtrans.papers.mux_demux.trainer import Trainer

SOURCE, TARGET = recipes.random_images(4, 16, 16, 3), recipes.random_images(4, 16, 16, 3, seed=1)


def _fitted(*callbacks, **options):
  trainer = StubTrainer()
  trainer.compile()
  return trainer, trainer.fit(SOURCE, TARGET, batch_size=2, epochs=3, verbose=0, callbacks=callbacks, **options).history


def test_a_schedule_moves_the_rate_that_trains():
  before = StubTrainer().generator.get_weights()
  trainer, _ = _fitted(keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-12))
  assert float(trainer.optimizers["generator"].learning_rate) == pytest.approx(1e-12)
  for old, new in zip(before, trainer.generator.get_weights()):
    np.testing.assert_allclose(new, old, atol=1e-8)


def test_validation_data_and_callbacks_that_watch_it():
  plateau = keras.callbacks.ReduceLROnPlateau("val_psnr", mode="min", patience=0, factor=0.5, min_delta=9.0)
  trainer, history = _fitted(plateau, validation_data=(SOURCE, TARGET))
  assert len(history["val_psnr"]) == 3 and history["learning_rate"][-1] < history["learning_rate"][0]
  fake = trainer.generator(SOURCE).numpy()
  expected = np.mean([10 * np.log10(1 / np.mean(np.square(one - other))) for one, other in zip(fake, TARGET)])
  found = trainer.evaluate(SOURCE, TARGET, batch_size=4, verbose=0, return_dict=True)
  assert found["psnr"] == pytest.approx(expected, abs=1e-3) and found["ssim"] < 1


@pytest.mark.parametrize("settings", [{"optimizer": "adam"}, {"loss": "mse"}, {"metrics": ["mae"]}])
def test_what_a_trainer_has_itself_is_refused_by_name(settings):
  with pytest.raises(ValueError, match=f"compile is given {next(iter(settings))}"):
    StubTrainer().compile(**settings)


def test_batches_without_targets_are_refused_by_name():
  trainer = StubTrainer()
  trainer.compile()
  with pytest.raises(ValueError, match="tf_imgtrans.evaluate"):
    trainer.evaluate(SOURCE, verbose=0)


@pytest.mark.slow
def test_of_a_gan_the_generator_s_rate():
  trainer = Trainer(dataclasses.replace(TINY, weight_perceptual=0.0, weight_contextual=0.0))
  trainer.compile()
  patches = recipes.random_images(2, TINY.patch_size, TINY.patch_size, 3)
  trainer.fit(patches, patches, batch_size=2, verbose=0,
              callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-9)])
  assert float(trainer.generator_optimizer.learning_rate) == pytest.approx(1e-9)
