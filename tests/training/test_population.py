"""Statistics of batch normalizations: what they are set to, when, and that training goes on as if they were not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from training_helpers import StubConfig, StubTrainer, arrays, assert_same_arrays, stub_batches

from tf_imgtrans.core.replicas import Part
from tf_imgtrans.training import population
from tf_imgtrans.training.loop import run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.population import batch_normalizations, estimate_statistics
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy


class Norms(keras.Model):
  """A convolution and two normalizations, one of them in a list."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.first = keras.layers.BatchNormalization(momentum=0.9)
    self.parts = [(keras.layers.Conv2D(2, 1, kernel_initializer=keras.initializers.HeNormal(1)),
                   keras.layers.BatchNormalization(momentum=0.7, center=False))]

  def call(self, images, training=False):
    (convolution, norm), = self.parts
    return norm(convolution(self.first(images, training=training)), training=training)


@pytest.fixture
def images():
  return np.random.default_rng(0).normal(2.0, 3.0, (6, 4, 4, 3)).astype(np.float32)


def test_all_normalizations_are_found():
  network = Norms()
  network(np.zeros((1, 4, 4, 3), np.float32))
  assert batch_normalizations(network) == [network.first, network.parts[0][1]]


def test_one_pass_gives_the_statistics_of_its_images(images):
  network = Norms()
  network(images, training=True)
  estimate_statistics(network, tf.data.Dataset.from_tensor_slices(images))
  np.testing.assert_allclose(network.first.moving_mean, images.mean((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(network.first.moving_variance, images.var((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(network(images, training=False), network(images, training=True), atol=1e-5)
  assert [norm.momentum for norm in batch_normalizations(network)] == [0.9, 0.7]


def test_several_passes_give_means_over_them(images, monkeypatch):
  monkeypatch.setattr(population, "PASS_PIXELS", 2 * 4 * 4)
  network = Norms()
  network(images, training=True)
  estimate_statistics(network, tf.data.Dataset.from_tensor_slices(images))
  passes = images.reshape(3, 2, 4, 4, 3)
  np.testing.assert_allclose(network.first.moving_mean, images.mean((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(network.first.moving_variance, passes.var((1, 2, 3)).mean(0), rtol=1e-5)


def test_momenta_come_back_where_a_pass_fails():
  network = Norms()
  network(np.zeros((1, 4, 4, 3), np.float32))
  wrong = tf.data.Dataset.from_tensor_slices(np.zeros((2, 4, 4, 5), np.float32))
  with pytest.raises(ValueError):
    estimate_statistics(network, wrong)
  assert [norm.momentum for norm in batch_normalizations(network)] == [0.9, 0.7]


class NormalizingTrainer(StubTrainer):
  """The stub, whose generator normalizes its output."""

  def __init__(self, config=StubConfig()):  # noqa: B008 - frozen
    super().__init__(config)
    self.generator = self.player("generator", Normalized(self.generator, name="generator"), (None, None, 3))


class Normalized(keras.Model):
  """A network with a batch normalization behind it."""

  def __init__(self, inner, **kwargs):
    super().__init__(**kwargs)
    self.inner = inner
    self.convolution = inner.convolution
    self.norm = keras.layers.BatchNormalization(momentum=0.99, name="norm")

  def call(self, images, training=False):
    return self.norm(self.inner(images), training=training)


class Data:
  """Batches alone."""

  batches = staticmethod(stub_batches)


class Judge:
  """A validation that notes how far the statistics are from those of the images."""

  def __init__(self):
    self.errors = []

  def __call__(self, generator):
    images = next(iter(stub_batches(0, Part()).unbatch().batch(population.IMAGES)))[0]
    inner = generator.inner(images)
    self.errors.append(float(np.abs(generator.norm.moving_mean - np.mean(inner, (0, 1, 2))).max()))
    return {"psnr": 1.0}, np.zeros((4, 4, 3), np.uint8)

  def improved(self, records, values):
    return []


def run(out, iterations, validate_every, prepared=True):
  trainer, judge = NormalizingTrainer(), Judge()
  if prepared:
    trainer.prepare(Data)
  options = TrainingOptions(out, log_every=1, validate_every=validate_every, checkpoint_every=2, keep=9)
  folder = RunFolder(out)
  folder.save_generator = lambda *_: None  # its classes are of this file alone
  run_training(trainer, stub_batches, folder, options, iterations, make_strategy("none"), judge)
  return judge.errors


def test_the_generator_is_judged_with_statistics_of_its_weights(tmp_path):
  assert max(run(tmp_path / "settled", 6, 3)) < 1e-5
  assert max(run(tmp_path / "lagging", 6, 3, prepared=False)) > 1e-2


def test_a_run_is_the_same_however_often_it_is_validated(tmp_path):
  run(tmp_path / "often", 6, 1)
  run(tmp_path / "once", 6, 6)
  run(tmp_path / "resumed", 4, 4)
  run(tmp_path / "resumed", 6, 6)
  last = "step-00000006.npz"
  often, once, resumed = (arrays(tmp_path / name / "checkpoints" / last) for name in ("often", "once", "resumed"))
  assert_same_arrays(often, once)
  assert_same_arrays(resumed, once)
