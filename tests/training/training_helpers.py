"""What the tests of training share: a trainer that is traced in a moment, photographs, and child processes."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tf_imgtrans.core.seeds import normal
from tf_imgtrans.data.pipeline import training_batches
from tf_imgtrans.training.loop import run_training
from tf_imgtrans.training.options import TrainingOptions
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.strategies import make_strategy
from tf_imgtrans.training.trainer import BaseTrainer

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[1]
TIMEOUT = 240  # seconds before a child counts as hung; each takes about ten

# A small Mux/Demux run for the command line: every part of a real one but the VGG terms.
TINY_FLAGS = ("--config.network high_performance --config.growth_half 4 --config.growth_quarter 4 "
              "--config.discriminator_channels 4 8 8 8 8 --config.discriminator_dense 8 --config.weight_perceptual 0 "
              "--config.weight_contextual 0 --config.patch_size 32 --config.batch_size 2").split()


@dataclasses.dataclass(frozen=True)
class StubConfig:
  seed: int = 0
  batch_size: int = 4
  learning_rate: float = 1e-2
  bad_step: int = -1  # the step whose term is NaN
  bad_weights_step: int = -1  # the step after which weights are NaN, its terms being finite
  noise: float = 0.1  # deviation of the noise on the source
  initial_scale: float = 2.0 ** 15  # of the loss, in mixed_float16


@keras.saving.register_keras_serializable(package="training_helpers")
class StubGenerator(keras.Model):
  """One convolution."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.convolution = keras.layers.Conv2D(3, 3, padding="same", dtype=self.dtype_policy, name="convolution",
                                           kernel_initializer=keras.initializers.GlorotUniform(seed=1))

  def call(self, images, training=False):
    return tf.sigmoid(tf.cast(self.convolution(images), tf.float32))

  def get_config(self):
    return {"dtype": self.dtype_policy.name, "name": self.name}


class StubTrainer(BaseTrainer):
  """Learns to darken images; can go wrong at a given step."""

  def __init__(self, config=StubConfig(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    self.generator = self.player("generator", StubGenerator(dtype=precision, name="generator"), (None, None, 3))
    if precision == "mixed_float16":
      self.optimizers["generator"].dynamic_scale.assign(config.initial_scale)

  def train_on(self, source, target):
    noise = normal(tf.shape(source), self.seed("noise"))
    with self.update(self.generator) as step:
      fake = self.generator(source + self.config.noise * noise, training=True)
      step.loss = l1 = tf.reduce_mean(tf.abs(target - fake))
    number, bias = self.step + 1, self.generator.convolution.bias
    bias.assign(tf.where(number == self.config.bad_weights_step, np.nan, 1.0) * bias)
    return {"total": l1, "l1": l1, "position": tf.cast(number, tf.float32),
            "odd": tf.where(number == self.config.bad_step, np.nan, l1)}


def stub_batches(start_step, part):
  """Batches of 4 pairs 8x8 as the training data make them: element i follows from i alone."""
  def load(number, seed):
    image = tf.random.stateless_uniform((8, 8, 3), seed)
    return image, image / (2.0 + tf.cast(number, tf.float32))

  return training_batches(load, 6, 4, 0, start_step, part)


def run_stub(out, iterations, config=StubConfig(), precision="float32", validator=None,  # noqa: B008 - frozen
             batches=stub_batches, **options):
  """Trains the stub in this process as the command does; returns (trainer, result)."""
  options = TrainingOptions(out, **{"log_every": 2, "validate_every": 4, "checkpoint_every": 4, **options})
  strategy = make_strategy("none")
  trainer = StubTrainer(config, precision)
  return trainer, run_training(trainer, batches, RunFolder(out), options, iterations, strategy, validator)


def photographs(folder, count=4):
  """Writes PNG photographs of 208x112 pixels, which hold the two blocks that NIQE needs."""
  folder.mkdir(parents=True)
  rng = np.random.default_rng(0)
  for number in range(count):
    small = Image.fromarray(rng.uniform(0, 255, (7, 13, 3)).astype(np.uint8))
    large = np.asarray(small.resize((208, 112), Image.Resampling.BICUBIC)) + rng.normal(0, 8, (112, 208, 3))
    Image.fromarray(np.clip(large, 0, 255).astype(np.uint8)).save(folder / f"photograph{number}.png")
  return folder


def arrays(path):
  """The arrays of a checkpoint, or of a saved generator, by name."""
  if path.suffix == ".npz":
    with np.load(path) as file:
      return {name: file[name] for name in file.files}
  model = keras.saving.load_model(path, compile=False)
  return {weight.path: weight.numpy() for weight in model.weights}


def assert_same_arrays(one, other):
  """Same names, types, shapes and bytes."""
  assert list(one) == list(other)
  for name, array in one.items():
    assert (array.dtype, array.shape) == (other[name].dtype, other[name].shape), name
    assert array.tobytes() == other[name].tobytes(), f"{name} differs by {np.abs(array - other[name]).max()}"


def assert_same_runs(one, other):
  """The same log, checkpoints, saved generators and preview sheets."""
  assert (one / "scalars.jsonl").read_bytes() == (other / "scalars.jsonl").read_bytes()
  for pattern in ("checkpoints/*", "*.keras", "previews/*"):
    paths = sorted(one.glob(pattern))
    assert [path.relative_to(one) for path in paths] == [path.relative_to(other) for path in sorted(other.glob(pattern))]
    assert paths
    for path in paths:
      if path.suffix == ".png":
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes(), path.name
      else:
        assert_same_arrays(arrays(path), arrays(other / path.relative_to(one)))
  assert not [path for path in other.rglob(".*")]


class Child:
  """A running child process.

  Attributes:
    process: subprocess.Popen; its stdout is a pipe.
  """

  def __init__(self, process, log):
    self.process = process
    self._log = log

  def read_line(self):
    """The next line of its standard output; fails when it ends without one."""
    line = self.process.stdout.readline()
    if not line:
      self.process.wait()
      raise AssertionError(f"the child ended with {self.process.returncode} before it said a word:\n{self.errors()}")
    return line.strip()

  def wait_until(self, condition):
    """Looks again and again until the condition holds; fails when the child ends first."""
    while not condition():
      assert self.process.poll() is None, f"the child ended with {self.process.returncode}:\n{self.errors()}"
      time.sleep(0.005)

  def finish(self, status=0):
    """Waits for its end; returns its remaining standard output."""
    output = self.process.stdout.read()
    assert self.process.wait() == status, f"the child ended with {self.process.returncode}:\n{output}\n{self.errors()}"
    return output

  def kill(self):
    """SIGKILL, which a process can neither catch nor delay."""
    self.process.kill()
    assert self.process.wait() == -9, self.errors()

  def errors(self):
    """What it wrote to standard error so far."""
    self._log.seek(0)
    return self._log.read().decode(errors="replace")


@contextlib.contextmanager
def child(*arguments, **environment):
  """Runs Python in a child process, on the CPU alone; it is gone when the block is left, or after TIMEOUT."""
  environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", **environment}
  with tempfile.TemporaryFile() as log:
    process = subprocess.Popen([sys.executable, *map(str, arguments)], cwd=REPOSITORY, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=log)
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    try:
      yield Child(process, log)
    finally:
      watchdog.cancel()
      process.kill()
      process.wait()
      process.stdout.close()
