"""Half precision and XLA: the same loop, float32 where it matters, and files that know nothing of either."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from training_helpers import StubConfig, arrays, assert_same_arrays, run_stub

from tf_imgtrans.data.pipeline import training_batches
from tf_imgtrans.layers.instance_normalization import InstanceNormalization
from tf_imgtrans.papers.mux_demux.config import TINY
from tf_imgtrans.papers.mux_demux.trainer import Trainer
from tf_imgtrans.training.loop import run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy

SMALL = dataclasses.replace(TINY, network="high_performance")


def paper_batches(start_step, part):
  """Batches for SMALL: noise, and the same noise darkened."""
  def load(number, seed):
    image = tf.random.stateless_uniform((SMALL.patch_size, SMALL.patch_size, 3), seed)
    return 0.5 * image, image

  return training_batches(load, 6, SMALL.batch_size, 0, start_step, part)


def run_paper(out, iterations, precision="float32", **options):
  """Trains Mux/Demux with its discriminator; returns the trainer."""
  trainer = Trainer(SMALL, precision)
  options = TrainingOptions(out, log_every=1, checkpoint_every=1, validate_every=1, **options)
  run_training(trainer, paper_batches, RunFolder(out), options, iterations, make_strategy("none"))
  return trainer


def totals(folder):
  return [json.loads(line)["total"] for line in (folder / "scalars.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_and_saves_float32(tmp_path, precision):
  trainer, _ = run_stub(tmp_path, 4, precision=precision)
  assert trainer.generator.convolution.compute_dtype == precision.removeprefix("mixed_")
  for name, variable in trainer.state().items():
    assert tf.as_dtype(variable.dtype) in (tf.float32, tf.int32, tf.int64), name
  saved = keras.saving.load_model(tmp_path / "generator.keras")
  assert saved.dtype_policy.name == saved.convolution.dtype_policy.name == "float32"
  for kept, trained in zip(saved.get_weights(), trainer.generator.get_weights()):
    np.testing.assert_array_equal(kept, trained)


def test_loss_scales_are_resumed(tmp_path):
  """The first scale overflows, so that it is halved, and its counter starts anew, at steps that follow from the data."""
  config = StubConfig(initial_scale=2.0 ** 26)
  run_stub(tmp_path / "whole", 16, config, "mixed_float16")
  run_stub(tmp_path / "parts", 8, config, "mixed_float16")
  run_stub(tmp_path / "parts", 16, config, "mixed_float16")
  whole, parts = (arrays(tmp_path / name / "checkpoints" / "step-00000016.npz") for name in ("whole", "parts"))
  assert_same_arrays(whole, parts)
  scale, = (array for name, array in whole.items() if name.endswith("dynamic_scale"))
  counter, = (array for name, array in whole.items() if name.endswith("step_counter"))
  assert 1 < scale < config.initial_scale and 0 < counter < 16


def test_the_step_compiles_under_xla(tmp_path):
  plain, _ = run_stub(tmp_path / "plain", 4)
  compiled, _ = run_stub(tmp_path / "compiled", 4, jit=True)
  for one, other in zip(plain.generator.get_weights(), compiled.generator.get_weights()):
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_the_paper_trains_in_half_precision(tmp_path, precision):
  trainer = run_paper(tmp_path, 3, precision)
  image = np.full((1, SMALL.patch_size, SMALL.patch_size, 3), 0.5, np.float32)
  # Float32 islands: the networks' outputs, the norms, and the weights.
  assert trainer.generator(image).dtype == trainer.discriminator(image).dtype == tf.float32
  layers = [layer for network in (trainer.generator, trainer.discriminator) for layer in network._flatten_layers()]
  assert not any(layer.autocast for layer in layers if isinstance(layer, InstanceNormalization))
  convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
  assert {layer.compute_dtype for layer in convolutions} == {precision.removeprefix("mixed_")}
  assert {tf.as_dtype(weight.dtype) for layer in layers for weight in layer.weights} == {tf.float32}
  assert len(totals(tmp_path)) == 3 and all(map(math.isfinite, totals(tmp_path)))
  saved = keras.saving.load_model(tmp_path / "generator.keras")
  assert {layer.dtype_policy.name for layer in saved._flatten_layers()} == {"float32"}
  for kept, trained in zip(saved.get_weights(), trainer.generator.get_weights()):
    np.testing.assert_array_equal(kept, trained)


@pytest.mark.slow
def test_the_paper_trains_under_xla(tmp_path):
  """XLA sums in another order; Adam's first steps turn that into differences far below a step of 5e-4."""
  run_paper(tmp_path / "plain", 3)
  run_paper(tmp_path / "compiled", 3, jit=True)
  np.testing.assert_allclose(totals(tmp_path / "plain"), totals(tmp_path / "compiled"), rtol=1e-4)
