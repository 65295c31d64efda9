"""What runs a model of each format: loaded from a path, called with float32 [N, H, W, 3], in NumPy (see core.formats)."""

import os
import threading

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.frozen_graphs import INPUT, OUTPUT, parse_frozen_graph
from tf_imgtrans.core.keras_files import load_network

_GRAPHS_KEPT = 8  # sizes; a folder of photographs has few


def _check_size(path, size, images):
  """Raises ValueError unless the images have the height and width that an exported file is fixed to."""
  given = images.shape[1:3]
  if any(expected not in (None, seen) for expected, seen in zip(size, given)):
    height, width = (side or "any" for side in size)
    raise ValueError(f"image is {given[0]} high and {given[1]} wide: the file takes height {height} and width "
                     f"{width}; resize it, or export for its size ({path})")


class KerasRunner:
  """Runs a size eagerly at first and as a graph from the second time on, for the first sizes that come twice.

  So a folder of one size gets the speed of a graph, one of many sizes is not traced for each of them, nor again and again,
  and the model always sees the size as numbers, which its own checks need. TensorFlow's threads are set for the whole
  process.
  """

  size = (None, None)

  def __init__(self, path, threads=None):
    self.model = load_network(path)
    self.lock = threading.Lock()
    self.renew()

  def renew(self):
    """Forgets the graphs so far, which keep the noise mode that they were traced with."""
    self.seen = set()
    self.graphs = {}  # of a bound number of sizes: tracing one relaxed graph instead would hide the sizes

  def eager(self, images):
    return self.model(images, training=False)

  def __call__(self, images):
    images = tf.constant(images)
    shape = tuple(images.shape)
    with self.lock:
      if shape in self.seen and shape not in self.graphs and len(self.graphs) < _GRAPHS_KEPT:
        self.graphs[shape] = tf.function(self.eager)
      self.seen.add(shape)
      run = self.graphs.get(shape, self.eager)
    return run(images).numpy()


class SavedModelRunner:
  """Runs the signature of a SavedModel that takes float images. TensorFlow's threads are set for the whole process."""

  def __init__(self, path, threads=None):
    self.path = path
    self.loaded = tf.saved_model.load(str(path))  # kept: a signature alone does not hold its variables
    self.signature = self.choose_signature()
    (self.input, spec), = self.signature.structured_input_signature[1].items()
    self.batch, *self.size = spec.shape.as_list()[:3]

  def choose_signature(self):
    signatures = self.loaded.signatures
    for name in ("image_float", "serving_default", *sorted(signatures)):
      specs = list(signatures[name].structured_input_signature[1].values()) if name in signatures else []
      if len(specs) == 1 and specs[0].dtype == tf.float32 and specs[0].shape.rank == 4:
        return signatures[name]
    raise ValueError("no signature takes one batch of float images [N, height, width, 3]; "
                     f"the signatures are {', '.join(sorted(signatures)) or 'none'}")

  def __call__(self, images):
    _check_size(self.path, self.size, images)
    if self.batch == 1 and len(images) > 1:
      return np.concatenate([self(image[None]) for image in images])
    outputs = self.signature(**{self.input: tf.constant(images)})
    return outputs["image" if "image" in outputs else sorted(outputs)[0]].numpy()


class FrozenGraphRunner:
  """Runs a frozen graph of TensorFlow 1, image by image where it takes one alone."""

  def __init__(self, path, threads=None):
    graph = parse_frozen_graph(path)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    self.run = wrapped.prune(f"{INPUT}:0", f"{OUTPUT}:0")
    self.path = path
    shape = self.run.inputs[0].shape
    self.batch, *self.size = shape.as_list()[:3] if shape.rank == 4 else (None, None, None)

  def __call__(self, images):
    _check_size(self.path, self.size, images)
    if self.batch == 1 and len(images) > 1:
      return np.concatenate([self(image[None]) for image in images])
    return self.run(tf.constant(images)).numpy()


class LiteRunner:
  """Runs a TFLite file, image by image."""

  def __init__(self, path, threads=None):
    from ai_edge_litert.interpreter import Interpreter

    self.path = path
    self.interpreter = Interpreter(model_path=str(path), num_threads=threads or os.cpu_count())
    inputs = self.interpreter.get_input_details()
    if len(inputs) != 1 or len(inputs[0]["shape"]) != 4:
      raise ValueError(f"inputs have shapes {[item['shape'].tolist() for item in inputs]}: "
                       "expected one of [1, height, width, 3]")
    self.input = inputs[0]
    self.size = [None if size < 0 else int(size) for size in self.input["shape_signature"][1:3]]
    self.allocated = None
    self.lock = threading.Lock()  # an interpreter holds one input and one output
    if None not in self.size:
      self.allocate(self.size)

  def allocate(self, size):
    if size == self.allocated:
      return
    if -1 in self.input["shape_signature"]:
      # Before the first allocation: at the placeholder size 1x1 some operations cannot be prepared at all.
      self.interpreter.resize_tensor_input(self.input["index"], [1, *size, 3], strict=True)
    self.interpreter.allocate_tensors()
    self.allocated = size

  def __call__(self, images):
    _check_size(self.path, self.size, images)
    with self.lock:
      self.allocate(list(images.shape[1:3]))
      outputs = [self.run_one(image[None]) for image in images]
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)  # a large image is not copied once more

  def run_one(self, image):
    self.interpreter.set_tensor(self.input["index"], _quantize(image, self.input))
    self.interpreter.invoke()
    output = self.interpreter.get_output_details()[0]
    return _dequantize(self.interpreter.get_tensor(output["index"]), output)


def _quantize(image, details):
  """Float values as the integers of a file with integer input; float files take them as they are."""
  if details["dtype"] == np.float32:
    return image
  step, zero = details["quantization"]
  limits = np.iinfo(details["dtype"])
  return np.clip(np.round(image / step + zero), limits.min, limits.max).astype(details["dtype"])


def _dequantize(values, details):
  if details["dtype"] == np.float32:
    return values
  step, zero = details["quantization"]
  return (values.astype(np.float32) - zero) * step
