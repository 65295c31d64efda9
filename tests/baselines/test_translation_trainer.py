"""Training of the methods that the feature-pyramid paper is compared with: one step, its losses, resumed runs."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.context_encoder.network import ContextEncoder, banded_l2
from tf_imgtrans.baselines.crn.network import Crn
from tf_imgtrans.baselines.crn.trainer import best_of_labels, diverse_errors, mean_of_images
from tf_imgtrans.baselines.drrn.network import BoundedSgd, Drrn, luma_error
from tf_imgtrans.baselines.pix2pix.network import Unet, signed_l1
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.pipeline import training_batches
from tf_imgtrans.recipes import find_recipe

GENERATORS = {"pix2pix": Unet, "cnn": Unet, "context_encoder": ContextEncoder, "crn": Crn, "drrn": Drrn}
NAMES = list(GENERATORS)
JUDGED = {"discriminator", "real_score", "fake_score"}
TERMS = {"pix2pix": {"total", "adversarial", "l1", *JUDGED}, "cnn": {"total", "l1"},
         "context_encoder": {"total", "adversarial", "l2", *JUDGED}, "crn": {"total", "best", "mean"},
         "drrn": {"total", "luma"}}


def _batch(config, seed=1):
  """Target and what was lost of it; of the middle, for the context encoder."""
  size = config.image_size
  target = recipes.smooth_images(config.batch_size, size, size, 3, seed=seed)
  source = 0.7 * target + 0.1
  if config.task == "inpainting":
    source = target.copy()
    source[:, size // 4:3 * size // 4, size // 4:3 * size // 4] = 0.5
  return source, target


def _trainer(name, precision="float32", **options):
  recipe = find_recipe(name)
  return recipe.make_trainer(recipe.preset("tiny", **options), precision)


# One step ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_one_step(name):
  trainer = _trainer(name)
  assert type(trainer.generator) is GENERATORS[name] and trainer.generator.config == trainer.config
  assert ("discriminator" in trainer.parts) == (name in ("pix2pix", "context_encoder"))
  assert (trainer.vgg is not None) == (name == "crn") == bool(trainer.provenance())
  before = recipes.state(trainer)
  terms = trainer.train_step(_batch(trainer.config))
  assert terms.keys() == TERMS[name] and {value.dtype.name for value in terms.values()} == {"float32"}
  assert all(np.isfinite(value) for value in recipes.numbers(terms).values())
  moved = {path for path, value in recipes.state(trainer).items() if (value != before[path]).any()}
  weights = {path for path in before if path.split("/")[0] in ("generator", "discriminator")}
  # A bias of DRRN before a normalization is taken off again, but it decays: not so in the first step, as it is 0.
  idle = {path for path in weights if name == "drrn" and path.endswith("bias") or path.endswith("/chosen")}
  assert weights - idle <= moved
  assert int(trainer.step) == 1


def _expected(name, trainer, source, target, fake):
  """The losses with their weights: dict of name to (weight, loss)."""
  if name in ("pix2pix", "context_encoder"):
    logits = trainer.discriminator(source, fake, training=True).numpy()
    adversarial = np.mean(np.log1p(np.exp(-logits)))
  if name == "crn":
    errors = diverse_errors(trainer.config, target, fake, trainer.generator.labels(source), trainer.vgg)
    return {"best": (0.999, best_of_labels(errors)), "mean": (0.001, mean_of_images(errors))}
  return {
      "pix2pix": lambda: {"adversarial": (1, adversarial), "l1": (100, signed_l1(target, fake))},
      "cnn": lambda: {"l1": (100, signed_l1(target, fake))},
      "context_encoder": lambda: {"adversarial": (0.001, adversarial), "l2": (0.999, banded_l2(target, fake, 4))},
      "drrn": lambda: {"luma": (1, luma_error(target, fake))}}[name]()


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_of_a_step(name):
  """The discriminator moves first, so that the generator's loss is by its new weights."""
  trainer = _trainer(name, seed=2)
  source, target = map(tf.constant, _batch(trainer.config))
  before = recipes.state(trainer)
  fake = trainer.forward(source)
  seed = trainer.seed("dropout")
  terms = recipes.numbers(trainer.train_step((source, target)))
  expected = _expected(name, trainer, source, target, fake)
  for term, (_, value) in expected.items():
    np.testing.assert_allclose(terms[term], float(value), rtol=1e-4, err_msg=term)
  total = sum(weight * float(value) for weight, value in expected.values())
  np.testing.assert_allclose(terms["total"], total, rtol=1e-4)
  if name in ("pix2pix", "cnn"):
    trainer.generator.set_weights([before[path] for path in before if path.startswith("generator/")])
    dropped = trainer.generator(source, dropout_seed=seed, training=True)
    recipes.assert_same(fake, dropped)
    assert np.abs(fake - trainer.generator(source, training=True)).max() > 1e-4


@pytest.mark.parametrize("name, term", [("pix2pix", "l1"), ("context_encoder", "l2")])
def test_a_weight_of_zero_leaves_the_discriminator_out(name, term):
  trainer = _trainer(name, weight_adversarial=0.0)
  assert trainer.discriminator is None and list(trainer.parts) == ["generator", "generator_optimizer"]
  assert trainer.train_step(_batch(trainer.config)).keys() == {"total", term}


def test_crn_without_layers_of_vgg19():
  """Its errors are those of pixels: of labels that add up to one at each pixel, 255 times the absolute difference."""
  trainer = _trainer("crn", perceptual_layers=(), perceptual_layer_weights=())
  source, target = _batch(trainer.config)
  terms = recipes.numbers(trainer.train_step((source, target)))
  assert trainer.vgg is None and terms.keys() == TERMS["crn"]
  fakes = _trainer("crn").forward(source).numpy()
  np.testing.assert_allclose(terms["mean"], 255 * np.abs(target[:, None] - fakes).mean(), rtol=1e-4)
  np.testing.assert_allclose(terms["total"], 0.999 * terms["best"] + 0.001 * terms["mean"], rtol=1e-6)


@pytest.mark.parametrize("name, half", [("pix2pix", 0.5), ("context_encoder", 1.0)])
def test_the_discriminators_loss(name, half):
  trainer = _trainer(name)
  source, target = _batch(trainer.config)
  fake = trainer.forward(source)
  real, faked = (trainer.discriminator(source, images, training=True).numpy() for images in (target, fake))
  terms = recipes.numbers(trainer.train_step((source, target)))
  expected = np.mean(np.log1p(np.exp(-real))) + np.mean(np.log1p(np.exp(faked)))
  np.testing.assert_allclose(terms["discriminator"], half * expected, rtol=1e-5)
  np.testing.assert_allclose(terms["real_score"], np.mean(1 / (1 + np.exp(-real))), rtol=1e-5)
  np.testing.assert_allclose(terms["fake_score"], np.mean(1 / (1 + np.exp(-faked))), rtol=1e-5)


def test_learning_rates_of_the_context_encoder():
  trainer = _trainer("context_encoder")
  rates = [float(trainer.optimizers[name].learning_rate) for name in ("generator", "discriminator")]
  assert rates == pytest.approx([2e-3, 2e-4]) and trainer.optimizers["generator"].beta_1 == 0.5


# DRRN's optimizer ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("length", [0.5, 50.0])
def test_bounded_sgd(length):
  """Clip, then decay, then momentum, as Caffe; the rate is halved after two steps and the bound doubled with it."""
  rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)
  optimizer = BoundedSgd(rate, 0.9, 0.2, 0.01, "sgd")
  variables = [tf.Variable([1.0, -2.0]), tf.Variable([[3.0]])]
  optimizer.build(variables)
  weights, velocity = np.array([1.0, -2.0, 3.0]), np.zeros(3)
  for step in range(4):
    gradient = np.array([3.0, 0.0, 4.0]) / 5 * length
    optimizer.apply([tf.constant(gradient[:2], tf.float32), tf.constant(gradient[2:, None], tf.float32)], variables)
    current = 0.1 * 0.5 ** (step // 2)
    gradient *= min(1.0, 0.2 / current / length)
    velocity = 0.9 * velocity - current * (gradient + 0.01 * weights)
    weights = weights + velocity
    found = np.concatenate([variable.numpy().ravel() for variable in variables])
    np.testing.assert_allclose(found, weights, rtol=1e-5)


def test_drrn_is_trained_by_it():
  for precision in ("float32", "mixed_float16"):
    trainer = _trainer("drrn", precision, halve_every=2)
    optimizer = trainer.optimizers["generator"]
    inner = optimizer.inner_optimizer if precision == "mixed_float16" else optimizer
    assert (inner.momentum, inner.bound, inner.decay) == (0.9, 0.01, 1e-4)
    assert float(inner.learning_rate) == pytest.approx(0.1)
    step, batch = tf.function(trainer.train_step), tuple(map(tf.constant, _batch(trainer.config)))
    for _ in range(9 if precision == "float32" else 0):
      step(batch)
    assert float(inner.learning_rate) == pytest.approx(0.1 * 0.5 ** (int(inner.iterations) // 2))


def test_no_step_of_drrn_is_longer_than_the_bound():
  """Of one step, without the decay: 0.01 as long as the gradient is longer than 0.1, whatever the loss."""
  trainer = _trainer("drrn", weight_decay=0.0)
  source, target = _batch(trainer.config)
  before = [variable.numpy() for variable in trainer.generator.trainable_variables]
  trainer.train_step((source, 1 - target))
  moved = [variable.numpy() - old for variable, old in zip(trainer.generator.trainable_variables, before)]
  assert np.sqrt(sum(np.sum(np.square(each)) for each in moved)) == pytest.approx(0.01, rel=1e-3)


# Runs ----------------------------------------------------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Data:
  """Pairs in memory in place of a folder's."""

  config: object

  def batches(self, start_step, part):
    source, target = map(tf.constant, _batch(dataclasses.replace(self.config, batch_size=7)))

    def load(number, seed):
      return source[number], target[number]

    return training_batches(load, len(source), self.config.batch_size, self.config.seed, start_step, part)


@pytest.mark.parametrize("name", ["pix2pix", "context_encoder", "drrn"])
def test_statistics_are_those_of_training_images(name):
  """After `settle`, an image is normalized at inference nearly as in training, where nothing is dropped."""
  trainer = _trainer(name, batch_size=4)
  data = Data(trainer.config)
  trainer.prepare(data)
  step, batch = tf.function(trainer.train_step), tuple(map(tf.constant, _batch(trainer.config)))
  for _ in range(5):
    step(batch)
  images = np.concatenate([source for source, _ in data.batches(0, Part()).take(32).as_numpy_iterator()])
  assert images.shape[0] == 128
  fresh = trainer.generator(images, training=False).numpy()
  trainer.settle()
  settled = trainer.generator(images, training=False).numpy()
  expected = np.clip(trainer.generator(images, training=True), 0, 1)
  assert np.abs(settled - expected).max() < 0.02 < np.abs(fresh - expected).max()


def test_crn_chooses_among_its_images_before_it_is_judged():
  trainer = _trainer("crn")
  source = recipes.random_images(2, 16, 16, 3)
  target = trainer.generator(source, diverse=True)[:, 7].numpy()
  batches = lambda start, part: tf.data.Dataset.from_tensors((source, target)).repeat()  # noqa: E731
  trainer.settle()
  assert int(trainer.generator.chosen) == 0  # there is nothing to look at yet
  trainer.batches = batches
  trainer.settle()
  assert int(trainer.generator.chosen) == 7
