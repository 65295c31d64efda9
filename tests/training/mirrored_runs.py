"""Trains Mux/Demux on one CPU device, then on two; usage: python mirrored_runs.py OUT.

Prints one JSON line: the replicas' noise seeds, and the state of a half-precision run whose gradients overflow on the
second replica alone.
"""

import dataclasses
import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
keras.utils.set_random_seed(0)
tf.config.experimental.enable_op_determinism()

from test_precision import SMALL, paper_batches  # noqa: E402 - devices come first
from training_helpers import StubConfig, StubTrainer  # noqa: E402

from tf_imgtrans.papers.mux_demux.trainer import Trainer  # noqa: E402
from tf_imgtrans.training.loop import run_training  # noqa: E402
from tf_imgtrans.training.options import TrainingOptions  # noqa: E402
from tf_imgtrans.training.run_folder import RunFolder  # noqa: E402
from tf_imgtrans.training.strategies import make_strategy  # noqa: E402

OUT = pathlib.Path(sys.argv[1])
CONFIG = dataclasses.replace(SMALL, noise="off")
STEPS = 3


def train(trainer, strategy, out, batches, steps):
  options = TrainingOptions(out, log_every=1, checkpoint_every=1, validate_every=1)
  run_training(trainer, batches, RunFolder(out), options, steps, strategy)


def train_paper(name, out, steps):
  strategy = make_strategy(name)
  with strategy.scope():
    trainer = Trainer(CONFIG)
  train(trainer, strategy, out, paper_batches, steps)
  return strategy, trainer


def overflow(strategy):
  """The weights and the scale after a step in mixed_float16 on images of 1 and, on the second replica, of infinity."""
  with strategy.scope():
    trainer = StubTrainer(StubConfig(noise=0.0), "mixed_float16")

  def batches(start_step, part):
    def load(number):
      image = tf.ones((8, 8, 3)) * tf.where(number % 4 < 2, 1.0, np.inf)
      return image, tf.zeros((8, 8, 3))

    return tf.data.Dataset.counter(4 * start_step).map(load).batch(2)

  distributed = iter(strategy.distribute_datasets_from_function(lambda context: batches(0, None)))
  before = trainer.generator.get_weights()
  tf.function(lambda batch: strategy.run(trainer.train_step, args=(batch,)))(next(distributed))
  unchanged = all(np.array_equal(*pair) for pair in zip(before, trainer.generator.get_weights()))
  return {"unchanged": unchanged, "scale": float(trainer.optimizers["generator"].dynamic_scale.numpy())}


train_paper("none", OUT / "none", STEPS)
strategy, trainer = train_paper("mirrored", OUT / "mirrored", STEPS)
seeds = strategy.run(lambda: trainer.seed("noise"))
print(json.dumps({
    "replicas": strategy.num_replicas_in_sync,
    "seeds": [seed.numpy().tolist() for seed in strategy.experimental_local_results(seeds)],
    "overflow": overflow(strategy),
}))
