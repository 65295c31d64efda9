"""The rate of a large convolution, to which the rate of a network is compared."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_imgtrans.benchmark.latency import lite_runner
from tf_imgtrans.core.formats import FORMATS
from tf_imgtrans.core.names import unknown_name

SIZE, CHANNELS = (360, 640), 64  # a 3x3 convolution that keeps its channels: what every runtime is written to be fast at
OPERATIONS = 2 * 9 * CHANNELS ** 2 * SIZE[0] * SIZE[1]  # floating-point, two to a multiply-accumulate


def convolution_runner(runtime: str, threads: int | None = None) -> Callable:
  """A candidate for `paired_latency`: one 3x3 convolution from 64 to 64 channels of float32 feature maps of 360x640.

  Args:
    runtime: str: a format's name or `engine`, such as "tflite" or "tensorflow".
    threads: int, of the interpreter; None is one for each core. TensorFlow's own are set for the whole process.
  Returns:
    callable without arguments.
  Raises:
    ValueError: an unknown runtime.
  """
  runtimes = {name: entry for entry in FORMATS.values() for name in (entry.engine, entry.name)}
  if runtime not in runtimes:
    raise unknown_name("runtime", runtime, runtimes)
  return runtimes[runtime].convolution(threads)


def tensorflow(threads):
  """The convolution in TensorFlow, which Keras and a SavedModel run too."""
  convolve, features = _convolution()
  return lambda: convolve(features).numpy()


def tflite(threads):
  """The convolution in the TFLite interpreter."""
  convolve, _ = _convolution()
  converter = tf.lite.TFLiteConverter.from_concrete_functions([convolve.get_concrete_function()], tf.Module())
  return lite_runner(converter.convert(), threads)


def _convolution():
  """(the convolution as a function of feature maps, feature maps)."""
  rng = np.random.default_rng(0)
  kernel = tf.constant(rng.standard_normal((3, 3, CHANNELS, CHANNELS)).astype(np.float32))
  convolve = tf.function(lambda features: tf.nn.conv2d(features, kernel, 1, "SAME"),
                         input_signature=[tf.TensorSpec((1, *SIZE, CHANNELS), tf.float32)])
  return convolve, tf.constant(rng.random((1, *SIZE, CHANNELS), np.float32))
