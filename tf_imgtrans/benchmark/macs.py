"""Multiply-accumulates of a network, read from its traced graph."""

import math
from collections.abc import Callable

import tensorflow as tf

_LOOPS = ("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase")


def count_macs(model: Callable, height: int, width: int, channels: int = 3) -> int:
  """Multiply-accumulates of one inference pass on one image.

  Counted are convolutions and matrix products, those inside nested functions too; additions, normalizations and
  activations are not, as in the papers' own numbers. Nothing is computed: the shapes of the traced graph tell all.

  Args:
    model: keras.Model, or any callable as `model(images, training=False)`.
    height, width: int, size of the input image.
    channels: int, of the input image.
  Returns:
    int.
  Raises:
    ValueError: an operation whose shape or number of runs the graph does not tell, or one that is not counted here.
  """
  run = tf.function(lambda images: model(images, training=False))
  traced = run.get_concrete_function(tf.TensorSpec((1, height, width, channels), tf.float32))
  return _count_graph(traced.graph)


def _count_graph(graph):
  return sum(_count_operation(graph, operation) for operation in graph.get_operations())


def _count_operation(graph, operation):
  if operation.type in _COUNTED:
    return _COUNTED[operation.type](operation)
  inside = sum(_count_graph(body) for body in _bodies(graph, operation))
  if inside and operation.type in _LOOPS:
    raise ValueError(f"{operation.name} ({operation.type}) holds convolutions or matrix products: how often they run is "
                     "not in the graph; count its body alone")
  if "Conv" in operation.type or "MatMul" in operation.type or "Einsum" in operation.type:
    raise ValueError(f"{operation.name} ({operation.type}) is not counted: expected one of {', '.join(_COUNTED)}")
  return inside


def _bodies(graph, operation):
  """Graphs of the functions that an operation calls."""
  for attribute in operation.node_def.attr.values():
    for function in (attribute.func, *attribute.list.func):
      if function.name:
        yield graph._get_function(function.name).graph  # TensorFlow has no public way from a name to its body


def _sizes(operation, tensor):
  shape = tensor.shape
  if not shape.is_fully_defined():
    raise ValueError(f"{operation.name} ({operation.type}) meets the shape {shape}: expected sizes known in the graph; "
                     "give the model layers that keep known sizes known")
  return shape.as_list()


def _convolution(operation):
  *window, _ = _sizes(operation, operation.inputs[1])  # [h, w, input channels of a group, output channels]
  return math.prod(window) * math.prod(_sizes(operation, operation.outputs[0]))


def _transposed(operation):
  *window, _ = _sizes(operation, operation.inputs[1])  # [h, w, output channels, input channels]
  return math.prod(window) * math.prod(_sizes(operation, operation.inputs[2]))


def _depthwise(operation):
  height, width, *_ = _sizes(operation, operation.inputs[1])
  return height * width * math.prod(_sizes(operation, operation.outputs[0]))


def _matrix_product(operation):
  left = _sizes(operation, operation.inputs[0])
  transposed = any(name in operation.node_def.attr and operation.get_attr(name) for name in ("transpose_a", "adj_x"))
  return left[-2 if transposed else -1] * math.prod(_sizes(operation, operation.outputs[0]))


_COUNTED = {
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _transposed,
    "DepthwiseConv2dNative": _depthwise,
    "MatMul": _matrix_product,
    "BatchMatMul": _matrix_product,
    "BatchMatMulV2": _matrix_product,
    "BatchMatMulV3": _matrix_product,
}
