"""The rate of a large convolution, beside which the rate of a network is judged."""

import os

import numpy as np
import tensorflow as tf

SIZE, CHANNELS = (360, 640), 64  # a 3x3 convolution that keeps its channels: what every runtime is written to be fast at
OPERATIONS = 2 * 9 * CHANNELS ** 2 * SIZE[0] * SIZE[1]  # floating-point, two to a multiply-accumulate


def convolution_runner(runtime, threads=None):
  """A candidate for `paired_latency`: one 3x3 convolution from 64 to 64 channels of a float32 map of 360x640.

  Args:
    runtime: str; "tflite" runs it in the TFLite interpreter, any other name in TensorFlow.
    threads: int, of the interpreter; None is one for each core. TensorFlow's own are set for the whole process.
  Returns:
    callable without arguments.
  """
  rng = np.random.default_rng(0)
  features = rng.random((1, *SIZE, CHANNELS), np.float32)
  kernel = tf.constant(rng.standard_normal((3, 3, CHANNELS, CHANNELS)).astype(np.float32))
  convolve = tf.function(lambda features: tf.nn.conv2d(features, kernel, 1, "SAME"),
                         input_signature=[tf.TensorSpec(features.shape, tf.float32)])
  if runtime != "tflite":
    features = tf.constant(features)
    return lambda: convolve(features).numpy()
  from ai_edge_litert.interpreter import Interpreter

  content = tf.lite.TFLiteConverter.from_concrete_functions([convolve.get_concrete_function()]).convert()
  interpreter = Interpreter(model_content=content, num_threads=threads or os.cpu_count())
  interpreter.allocate_tensors()
  interpreter.set_tensor(interpreter.get_input_details()[0]["index"], features)
  return interpreter.invoke
