"""Export to a frozen graph: one .pb file of TensorFlow 1 that holds the weights as constants.

It is what the PIRM 2018 challenge on smartphones took (aiff22/ai-challenge, README and evaluate_enhancement.py): a tensor
"input", float32 [1, H, W, 3] in [0, 1] of any size, and a tensor "output" of the same range.
"""

import json
import pathlib

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tf_imgtrans.core.files import write_bytes
from tf_imgtrans.core.frozen_graphs import DESCRIPTION, INPUT, OUTPUT
from tf_imgtrans.core.networks import float32_twin, noise_mode
from tf_imgtrans.export.metadata import describe


def to_frozen_graph(generator: keras.Model, path: str | pathlib.Path, noise: str | None = None) -> pathlib.Path:
  """Writes a .pb file, whole or not at all; its path.

  TensorFlow 1.15 and later read it (tf.compat.v1.import_graph_def); older ones lack some of the operations.

  Args:
    generator: keras.Model from images to images.
    path: str or Path, ending in .pb.
    noise: "fixed", "random" or "off", what noise is in the graph; None for the generator's own, but a fixed one in the
      place of a random one.
  Raises:
    ValueError: a path that does not end in .pb.
  """
  if pathlib.Path(path).suffix != ".pb":
    raise ValueError(f"{path}: a frozen graph's name ends in .pb")
  network = float32_twin(generator)
  spec = tf.TensorSpec((1, None, None, 3), tf.float32, name=INPUT)
  with noise_mode(network, noise):
    function = tf.function(lambda image: tf.identity(network(image, training=False), name=OUTPUT), input_signature=[spec])
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    described = describe(network, "float32", noise=noise)
  graph = frozen.graph.as_graph_def()
  node = graph.node.add(name=DESCRIPTION, op="Const")
  node.attr["dtype"].type = tf.string.as_datatype_enum
  node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(json.dumps(described)))
  write_bytes(path, graph.SerializeToString())
  return pathlib.Path(path)
