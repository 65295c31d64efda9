"""Training of FCN-8s: the loss by hand, one step, resumed runs, and real photographs."""

import dataclasses
import json
import math

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.config import PRESETS, TINY
from tf_imgtrans.baselines.segmentation.data import LabelledFolder, training_data
from tf_imgtrans.baselines.segmentation.score import SegmentationValidator, fcn_scores, load_segmenter
from tf_imgtrans.baselines.segmentation.trainer import Trainer, cross_entropy, half_squares
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.pipeline import training_batches
from tf_imgtrans.training.loop import NonFiniteTerm, run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy

SIDE = TINY.load_size
SGD = {"optimizer": "sgd", "learning_rate": 1e-2, "momentum": 0.5, "weight_decay": 0.1}


PHOTOGRAPHS, CLASSES = recipes.street_scenes(6, SIDE)


@dataclasses.dataclass(frozen=True)
class Data:
  """Images in memory in place of a folder's."""

  config: object

  def batches(self, start_step, part):
    images, classes = tf.constant(PHOTOGRAPHS), tf.constant(CLASSES)
    return training_batches(lambda number, seed: (images[number], classes[number]), len(PHOTOGRAPHS),
                            self.config.batch_size, self.config.seed, start_step, part)


def _trainer(precision="float32", **options):
  trainer = Trainer(dataclasses.replace(TINY, **options), precision)
  trainer.prepare(Data(trainer.config))
  return trainer


# The loss --------------------------------------------------------------------------------------------------------------

def test_cross_entropy_by_hand():
  """Of three pixels one is ignored; softmax of (0, ln 3) is (1/4, 3/4), of (0, 0) a half each."""
  logits = np.float32([[[[0, math.log(3)], [0, 0], [50, -50]]]])
  value = cross_entropy(logits, np.uint8([[[1, 0, 255]]]))
  assert value.dtype == tf.float32
  np.testing.assert_allclose(value, (math.log(4 / 3) + math.log(2)) / 2, rtol=1e-6)


def test_cross_entropy_against_numpy():
  rng = np.random.default_rng(0)
  logits, classes = rng.normal(0, 3, (2, 5, 4, 7)).astype(np.float32), rng.integers(0, 9, (2, 5, 4)).astype(np.uint8)
  classes[classes >= 7] = 255
  wide = np.float64(logits)
  log = wide - np.log(np.exp(wide).sum(-1, keepdims=True))
  each = [-log[index][classes[index]] for index in np.ndindex(classes.shape) if classes[index] != 255]
  np.testing.assert_allclose(cross_entropy(logits, classes), np.mean(each), rtol=1e-5)
  ignored = np.array(logits)
  ignored[classes == 255] = rng.normal(0, 100, (np.sum(classes == 255), 7))
  recipes.assert_same(cross_entropy(ignored, classes), cross_entropy(logits, classes))
  recipes.check_gradient(lambda point: cross_entropy(point, classes), logits)


def test_nothing_to_learn_from_is_no_loss():
  logits = tf.Variable(tf.ones((1, 2, 2, 3)))
  with tf.GradientTape() as tape:
    loss = cross_entropy(logits, np.full((1, 2, 2), 255, np.uint8))
  assert float(loss) == 0 and not np.any(tape.gradient(loss, logits))


def test_half_squares():
  """Kernels alone, without biases, factors of normalizations and the enlargement that is not trained."""
  generator = _trainer().generator
  trunk = [*generator.blocks, [generator.fc6, generator.fc7]]
  kernels = [convolution.kernel for stages in trunk for convolution, _ in stages]
  kernels += [layer.kernel for layer in (generator.score_fr, generator.score_pool4, generator.score_pool3,
                                         generator.upscore2, generator.upscore_pool4)]
  generator.score_fr.bias.assign(np.ones(11))
  np.testing.assert_allclose(half_squares(generator), sum(np.sum(np.square(kernel)) for kernel in kernels) / 2, rtol=1e-5)


# One step --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [{}, SGD, {"batch_normalization": False, "dropout": 0.0}], ids=["adam", "sgd", "plain"])
def test_one_step(options):
  trainer = _trainer(**options)
  terms = trainer.train_step((PHOTOGRAPHS, CLASSES))  # scores are zero: nothing below them can learn yet
  np.testing.assert_allclose(terms["cross_entropy"], math.log(11), rtol=1e-5)
  before = recipes.state(trainer)
  terms = trainer.train_step((PHOTOGRAPHS, CLASSES))
  assert terms.keys() == {"total", "cross_entropy", "pixel_accuracy"} | ({"decay"} if options is SGD else set())
  assert all(value.dtype == tf.float32 and value.shape == () for value in terms.values())
  moved = {name for name, value in recipes.state(trainer).items() if (value != before[name]).any()}
  still = {name for name in before if "upscore8" in name or name.endswith("learning_rate")}
  assert any("upscore8" in name for name in still)
  assert before.keys() - still == moved
  assert int(trainer.step) == 2


def test_the_first_step_of_sgd_by_hand():
  """v = -rate * (gradient + decay * kernel); scores are zero, so that the trunk's kernels feel the decay alone."""
  trainer = _trainer(batch_normalization=False, **SGD)
  kernel, bias = trainer.generator.fc6[0].kernel, trainer.generator.score_pool3.bias
  before = kernel.numpy()
  terms = trainer.train_step((PHOTOGRAPHS, CLASSES))
  np.testing.assert_allclose(kernel, before * (1 - 1e-2 * 0.1), rtol=1e-5)
  np.testing.assert_allclose(terms["total"], terms["cross_entropy"] + terms["decay"], rtol=1e-6)
  cover = np.zeros(SIDE + 8)  # how much of a score reaches each pixel: less at the borders, beyond which lie zeros
  for start in range(0, SIDE, 8):
    cover[start:start + 16] += 1 - np.abs(np.arange(16) - 7.5) / 8
  cover = cover[4:-4, None] * cover[4:-4]
  counted = CLASSES != 255
  errors = 1 / 11 - (CLASSES[..., None] == np.arange(11))
  gradient = (errors * (cover * counted)[..., None]).sum((0, 1, 2)) / counted.sum()
  np.testing.assert_allclose(bias, -1e-2 * gradient, rtol=1e-4)


def test_pixel_accuracy_is_that_of_the_metric():
  trainer = _trainer(dropout=0.0)
  trainer.train_step((PHOTOGRAPHS, CLASSES))
  called = np.argmax(trainer.generator(PHOTOGRAPHS, training=True), axis=-1)
  expected = np.mean((called == CLASSES)[CLASSES != 255])
  assert 0 < expected
  np.testing.assert_allclose(trainer.train_step((PHOTOGRAPHS, CLASSES))["pixel_accuracy"], expected, atol=2e-3)


# Runs ------------------------------------------------------------------------------------------------------------------

class Killed(BaseException):
  """Stands for the end of the process; nothing in the loop catches it."""


def _run(out, iterations, stop=None, **options):
  """Trains as the command does, with validation; until step `stop` is done, where the process ends."""
  trainer = _trainer(**options)
  photographs, classes = recipes.street_scenes(3, SIDE, seed=9)
  validator = trainer.validator([(str(number), *each) for number, each in enumerate(zip(photographs, classes))], None)
  assert isinstance(validator, SegmentationValidator)
  batches = Data(trainer.config).batches

  def until(start_step, part):
    yield from (batch for _, batch in zip(range(start_step, stop), batches(start_step, part)))
    raise Killed

  training = TrainingOptions(out, log_every=2, validate_every=4, checkpoint_every=4, keep=9)
  result = run_training(trainer, until if stop else batches, RunFolder(out), training, iterations,
                        make_strategy("none"), validator)
  return trainer, result


def test_a_run_is_validated_by_its_fcn_score_and_resumed(tmp_path):
  whole, result = _run(tmp_path / "whole", 8)
  with pytest.raises(Killed):
    _run(tmp_path / "parts", 8, stop=6)
  parts, _ = _run(tmp_path / "parts", 8)
  for name, value in recipes.state(whole).items():
    recipes.assert_same(value, recipes.state(parts)[name])
  assert (tmp_path / "whole" / "scalars.jsonl").read_bytes() == (tmp_path / "parts" / "scalars.jsonl").read_bytes()
  lines = [json.loads(line) for line in (tmp_path / "whole" / "scalars.jsonl").read_text().splitlines()]
  scores = [line for line in lines if line["kind"] == "validation"]
  assert [line["step"] for line in scores] == [4, 8] and scores[-1]["class_iou"] == result["class_iou"]
  assert (tmp_path / "whole" / "previews" / "step-00000008.png").is_file()
  assert (tmp_path / "whole" / "best_class_iou.keras").is_file()
  (tmp_path / "whole" / "run.json").write_text("{}")
  photographs, classes = recipes.street_scenes(3, SIDE, seed=9)
  loaded = fcn_scores(load_segmenter(tmp_path / "whole"), photographs, classes, 11)
  assert loaded == pytest.approx({name: result[name] for name in loaded}, abs=1e-6)


def test_weights_that_are_not_finite_stop_the_run(tmp_path):
  with pytest.raises(NonFiniteTerm):
    _run(tmp_path, 6, learning_rate=1e38)


def test_the_network_learns_a_few_images():
  """In 60 steps the halves of images that it has not seen are told apart."""
  trainer = _trainer(base_channels=8, learning_rate=3e-3)
  step = tf.function(trainer.train_step)
  for _ in range(60):
    terms = step((tf.constant(PHOTOGRAPHS), tf.constant(CLASSES)))
  assert float(terms["total"]) < 0.5
  trainer.settle()
  photographs, classes = recipes.street_scenes(4, SIDE, seed=5)
  assert fcn_scores(trainer.generator, photographs, classes, 11)["pixel_accuracy"] > 0.9


@pytest.mark.slow
def test_street_scenes_are_segmented_better_than_by_their_commonest_class(data_folder):
  """100 steps on two drives of CamVid, measured on a third: half a minute; 0.49 of the pixels, where one class has 0.31."""
  folder = data_folder / "labels2photo" / "camvid"
  if not folder.is_dir():
    pytest.skip(f"{folder} does not exist")
  config = dataclasses.replace(PRESETS["small"], label_set="camvid")
  data = training_data(config, LabelledFolder(folder, 0.2))
  trainer = Trainer(config)
  trainer.prepare(data)
  step = tf.function(trainer.train_step)
  for _, batch in zip(range(100), data.batches(0, Part())):
    step(batch)
  trainer.settle()
  _, photographs, classes = zip(*data.validation())
  scores = fcn_scores(trainer.generator, photographs, classes, 11)
  labels = np.concatenate([each[each != 255] for each in classes])
  commonest = np.bincount(labels).max() / labels.size
  assert commonest < 0.35 and scores["pixel_accuracy"] > commonest + 0.1
  assert scores["class_iou"] > 3 * commonest / 11
