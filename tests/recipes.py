"""Checks that tests of several packages and papers share; each says what it saw when it fails."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from PIL import Image

from tf_imgtrans.core.images import write_image

ROOT = pathlib.Path(__file__).resolve().parent.parent


def random_images(*shape, seed=0):
  """Uniform noise in [0, 1]: float32 [shape]."""
  return np.random.default_rng(seed).random(shape, np.float32)


def smooth_images(*shape, seed=0):
  """Slow waves of random phase, one per image and channel: float32 [N, H, W, C] in [0, 1]."""
  count, height, width, channels = shape
  rng = np.random.default_rng(seed)
  phase, pace = rng.uniform(0, 6, (count, 1, 1, channels)), rng.uniform(0.05, 0.3, (2, count, 1, 1, channels))
  rows, columns = np.mgrid[:height, :width][:, None, :, :, None]
  return (0.5 + 0.45 * np.sin(phase + pace[0] * rows + pace[1] * columns)).astype(np.float32)


def assert_same(a, b):
  """The same shape, dtype and bits."""
  a, b = np.asarray(a), np.asarray(b)
  assert (a.shape, a.dtype) == (b.shape, b.dtype)
  assert a.tobytes() == b.tobytes(), f"{np.mean(a != b):.3%} of the values differ"


def check_generator(generator, sizes, batch=2):
  """A generator keeps the contract of models at every size: float32, finite, in [0, 1], `scale` times as large.

  Args:
    generator: built keras.Model with `scale`.
    sizes: list of (height, width).
    batch: int.
  """
  for index, (height, width) in enumerate(sizes):
    images = random_images(batch, height, width, 3, seed=index)
    out = generator(images, training=False).numpy()
    expected = (batch, height * generator.scale, width * generator.scale, 3)
    assert out.shape == expected, f"{height}x{width} gives {out.shape}, expected {expected}"
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0 and out.max() <= 1, f"{height}x{width}: values {out.min()} .. {out.max()}"
    assert out.std() > 0, f"{height}x{width}: every pixel is {out.flat[0]}"


def check_serialization(model, *inputs):
  """A built model is saved, loaded without custom_objects in safe mode, and gives the same bits. Returns the copy."""
  import keras

  before = np.asarray(model(*inputs))
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
  assert type(loaded) is type(model)
  assert loaded.name == model.name
  assert loaded.count_params() == model.count_params()
  assert_same(np.asarray(loaded(*inputs)), before)
  return loaded


def check_layer_config(layer, inputs, **expected):
  """A layer made anew from its config holds the expected attributes and, with the same weights, gives the same bits.

  Goes through Keras' own serialisation, so an unregistered class fails. Returns the copy.

  Args:
    layer: keras.layers.Layer.
    inputs: array that it takes.
    **expected: attributes of the copy.
  """
  import keras

  before = np.asarray(layer(inputs))
  copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
  assert type(copy) is type(layer) and copy is not layer
  assert copy.get_config() == layer.get_config()
  for name, value in expected.items():
    assert getattr(copy, name) == value, f"{name} is {getattr(copy, name)!r}, expected {value!r}"
  copy(inputs)
  copy.set_weights(layer.get_weights())
  assert_same(np.asarray(copy(inputs)), before)
  symbolic = copy(keras.Input(inputs.shape[1:], dtype=str(np.asarray(inputs).dtype)))
  assert tuple(symbolic.shape[1:]) == before.shape[1:], f"compute_output_shape gives {symbolic.shape}"
  return copy


def check_gradient(function, point, step=1e-2, tolerance=1e-3, directions=3, seed=0):
  """The gradient of a scalar function equals finite differences, along random directions.

  Five points per direction, so the error of the difference falls with the fourth power of the step. The step of
  float32 functions is large, or rounding would drown the difference; float64 functions bear 1e-4 and 1e-7.

  Args:
    function: tensor -> scalar tensor.
    point: array, where the gradient is taken; its dtype is the one computed in.
    step: float, length of one step, per element of the point.
    tolerance: float, relative to the length of the gradient.
  """
  import tensorflow as tf

  variable = tf.constant(point)
  with tf.GradientTape() as tape:
    tape.watch(variable)
    value = function(variable)
  gradient = tape.gradient(value, variable)
  assert gradient is not None, "the gradient is None"
  gradient = tf.convert_to_tensor(gradient).numpy().astype(np.float64)
  assert np.isfinite(gradient).all()
  length = np.linalg.norm(gradient)
  assert length > 0, "the gradient is zero"
  rng = np.random.default_rng(seed)
  for _ in range(directions):
    # Half along the gradient: a purely random direction is nearly orthogonal to it, and would show little of it.
    direction = rng.standard_normal(gradient.shape)
    direction = gradient / length + direction / np.linalg.norm(direction)
    direction *= np.sqrt(gradient.size) / np.linalg.norm(direction)  # elements of size 1

    def at(steps, direction=direction):
      moved = (np.asarray(point, np.float64) + steps * step * direction).astype(point.dtype)
      return float(function(tf.constant(moved)))

    numeric = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
    analytic = float(np.sum(gradient * direction))
    scale = length * np.linalg.norm(direction)
    assert abs(numeric - analytic) <= tolerance * scale, f"gradient {analytic:.8g}, finite difference {numeric:.8g}"


def squared_gradient(function):
  """x -> |d function(x) / d x|^2, as a gradient penalty has it: its derivatives are of the second order."""
  import tensorflow as tf

  def penalty(x):
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
      tape.watch(x)
      value = function(x)
    return tf.reduce_sum(tf.square(tape.gradient(value, x)))

  return penalty


def check_xla(function, point, tolerance=1e-4):
  """The value and the gradient of a scalar function are the same under XLA, and the gradient is not zero."""
  import tensorflow as tf

  def differentiated(x):
    with tf.GradientTape() as tape:
      tape.watch(x)
      value = function(x)
    return value, tape.gradient(value, x)

  eager = differentiated(tf.constant(point))
  for compiled, expected in zip(tf.function(differentiated, jit_compile=True)(tf.constant(point)), eager):
    assert np.any(expected)
    np.testing.assert_allclose(compiled, expected, rtol=tolerance, atol=tolerance)


def street_scenes(count, side, seed=0):
  """(photographs, classes): a dark and a light half with a noisy line between them, classes 0 and 3, ignored at the top."""
  rng = np.random.default_rng(seed)
  where = rng.integers(side // 4, 3 * side // 4, (count, 1, 1))
  classes = np.where(np.arange(side)[None, :, None] < where, 0, 3) * np.ones((1, 1, side), int)
  photographs = np.where(classes[..., None] == 0, 0.2, 0.8) + rng.normal(0, 0.05, (count, side, side, 3))
  classes = classes.astype(np.uint8)
  classes[:, :2] = 255
  return np.float32(np.clip(photographs, 0, 1)), classes


def write_streets(folder, count):
  """Labelled images in CamVid's layout, 40 rows and 56 columns, their classes in squares of 8 pixels; the folder."""
  (folder / "trainannot").mkdir()
  rng = np.random.default_rng(0)
  for index, image in enumerate(smooth_images(count, 40, 56, 3)):
    write_image(folder / "train" / f"street{index}.png", image)
    labels = np.kron(rng.integers(0, 12, (5, 7)), np.ones((8, 8))).astype(np.uint8)
    Image.fromarray(labels).save(folder / "trainannot" / f"street{index}.png")
  return folder


def numbers(terms):
  """Loss terms of a step as floats."""
  return {name: float(value) for name, value in terms.items()}


def state(trainer):
  """Arrays of a trainer's `state()`."""
  return {name: variable.numpy().copy() for name, variable in trainer.state().items()}


def weights(network):
  """Arrays of a network's variables by their paths, without the network's own name."""
  return {variable.path.split("/", 1)[1]: np.array(value)
          for variable, value in zip(network.weights, network.get_weights())}


def moved(before, network):
  """Paths of the variables of a network that differ from `before`, of `weights`."""
  return {path for path, value in weights(network).items() if (value != before[path]).any()}


def draw_weights(network, deviation=None, seed=0):
  """Gives every weight a random value, of a size that keeps activations alive; returns the network.

  Fresh weights would not do: maps are so flat that most mistakes are below any tolerance, and a file that lost them would
  go unnoticed, as the seed brings them back.

  Args:
    network: built keras.Model.
    deviation: (variable, shape) -> standard deviation of a kernel; by default one over the square root of its inputs.
    seed: int.
  """
  rng = np.random.default_rng(seed)

  def drawn(variable):
    name, shape = variable.path.rsplit("/", 1)[1], tuple(variable.shape)
    old = variable.numpy()
    if old.dtype.kind != "f":
      return old
    if name == "kernel" and deviation:
      return rng.normal(0, deviation(variable, shape), shape)
    if name == "kernel" and abs(old.std() - 1) < 0.4:  # equalized: scaled where it is used
      return rng.normal(0, 1, shape)
    if name == "kernel":
      return rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
    return rng.uniform(0.5, 1.5, shape) if name in ("gamma", "moving_variance") else rng.normal(0, 0.2, shape)

  network.set_weights([drawn(variable) for variable in network.weights])
  return network


def on_the_slope(variable, shape):
  """Deviation of kernels with which a last convolution, of 3 channels, keeps tanh on its slope, and ReLUs are half open."""
  return (0.3 if shape[-1] == 3 else 1.4) / np.sqrt(np.prod(shape[:3]))


def call(*arguments):
  """Runs `tf-imgtrans` with these arguments in this process; its exit status."""
  from tf_imgtrans.cli.main import main

  with pytest.raises(SystemExit) as stopped:
    main([str(argument) for argument in arguments])
  return stopped.value.code or 0


def run_python(code, *arguments, **environment):
  """Runs code in a fresh interpreter at the repository's root; its standard output. A failure shows its errors."""
  done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **environment})
  assert done.returncode == 0, done.stderr[-3000:]
  return done.stdout
