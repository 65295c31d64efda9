"""Changes to a graph before it is converted: constants are folded, and operations expressed by others of the same bits."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tf_imgtrans.export.saved_model import SIGNATURE

_LARGEST_GROWTH = 2  # a 3x3 kernel padded to 4x4 grows 1.8 times; noise drawn from a seed, which stays drawn, without bound
_SMALLEST_FOLD = 1024  # values; the converter folds small constants itself, but leaves those above a limit (1 MiB or less)


def move_pixels_by_convolution(images, block, inverse=False):
  """space_to_depth, or its inverse depth_to_space, as a convolution with weights of 0 and 1.

  Every output is one input times 1 plus others times 0, so finite values keep their bits (a zero may lose its sign).

  Args:
    images: float tensor [N, H, W, C] of known shape.
    block: int b.
    inverse: bool; True for depth_to_space, by a transposed convolution.
  Returns:
    tensor [N, H / b, W / b, C * b * b], or [N, H * b, W * b, C / (b * b)].
  Raises:
    ValueError: a side is unknown.
  """
  shape = tuple(images.shape)
  if None in shape:
    raise ValueError(f"images have shape {shape}: moving pixels by a convolution needs a fixed size, give height and width")
  batch, height, width, channels = shape
  if not inverse:
    return tf.nn.conv2d(images, _moving_kernel(block, channels), strides=block, padding="VALID")
  channels //= block * block
  return tf.nn.conv2d_transpose(images, _moving_kernel(block, channels), (batch, height * block, width * block, channels),
                                strides=block, padding="VALID")


def _moving_kernel(block, channels):
  """[b, b, C, b * b * C]: 1 from (row, column, c) to channel (row * b + column) * C + c, as tf.nn.space_to_depth does."""
  return np.eye(block * block * channels, dtype=np.float32).reshape(block, block, channels, -1)


def _square(operation, values):
  return values * values


def _squared_difference(operation, first, second):
  difference = first - second
  return difference * difference


def _moved(inverse):
  return lambda operation, images: move_pixels_by_convolution(images, operation.get_attr("block_size"), inverse)


CONVOLUTIONS = {"DepthToSpace": _moved(True), "SpaceToDepth": _moved(False)}
PRODUCTS = {"Square": _square, "SquaredDifference": _squared_difference}  # the 16x8 mode has neither of the two


def prepare_graph(folder, out, replacements=None):
  """Writes a SavedModel again with weights folded and operations replaced, where there is anything to change.

  A weight that is computed from others, as in an equalised convolution, is a number in the result: the converter would
  leave large ones to be computed on the phone at every image, and could not quantize them.

  Args:
    folder: of a SavedModel with the signature image_float and a known batch size.
    out: an existing empty folder.
    replacements: dict of operation type to f(operation, *inputs) -> tensor; None for none.
  Returns:
    `out`, or `folder` where nothing was to be changed.
  Raises:
    ValueError: an operation that is to be replaced stands inside a function or loop, or has no known shape.
  """
  replacements = replacements or {}
  loaded = tf.saved_model.load(str(folder))  # kept: a signature alone does not hold its variables
  function = loaded.signatures[SIGNATURE]
  frozen = convert_variables_to_constants_v2(function)
  (key,), definition = function.structured_outputs, frozen.graph.as_graph_def()
  wanted = {node.op for node in definition.node} & set(replacements)
  if definition.library.function:
    if wanted:
      raise ValueError(f"{', '.join(sorted(wanted))} cannot be replaced in a graph with loops or branches")
    return folder
  graph = tf.Graph()
  with graph.as_default():
    tf.graph_util.import_graph_def(definition, name="")
  folded = _folded(graph)
  if not wanted and not folded:
    return folder
  source, target = frozen.inputs[0], frozen.outputs[0].name
  specification = tf.TensorSpec(source.shape, source.dtype, name="image")
  rebuilt = tf.compat.v1.wrap_function(
      lambda image: _rebuild(graph, {source.name: image}, folded, replacements)[target], [specification])
  module = tf.Module()
  module.enhance = tf.function(lambda image: {key: rebuilt(image)}, input_signature=[specification])
  tf.saved_model.save(module, str(out), signatures={SIGNATURE: module.enhance})
  return out


def _folded(graph):
  """dict of tensor name to value: what is computed from constants alone, and is large, but not against its sources."""
  sources = {}  # operation name -> names of the constants below it, of operations that need no input
  for operation in graph.get_operations():
    below = [sources.get(tensor.op.name) for tensor in operation.inputs]
    if operation.type == "Const":
      sources[operation.name] = frozenset([operation.name])
    elif below and None not in below and not operation.op_def.is_stateful and not operation.control_inputs:
      sources[operation.name] = frozenset().union(*below)
  edges = {tensor.ref(): tensor for operation in graph.get_operations() if operation.name not in sources
           for tensor in operation.inputs if tensor.op.name in sources and tensor.op.type not in ("Const", "Identity")}
  edges = list(edges.values())
  weight = {name: graph.get_operation_by_name(name).outputs[0].shape.num_elements() for name in
            frozenset().union(*(sources[tensor.op.name] for tensor in edges))}
  largest = {tensor.name: _LARGEST_GROWTH * sum(weight[name] for name in sources[tensor.op.name]) for tensor in edges}
  chosen = [tensor for tensor in edges if tensor.dtype == tf.float32 and tensor.shape.is_fully_defined()
            and _SMALLEST_FOLD <= tensor.shape.num_elements() <= largest[tensor.name]]
  if not chosen:
    return {}
  with tf.compat.v1.Session(graph=graph) as session:
    return dict(zip([tensor.name for tensor in chosen], session.run(chosen)))


def _rebuild(graph, values, folded, replacements):
  """Builds the operations of `graph` in the current graph; returns its tensors by their old names."""
  current = tf.compat.v1.get_default_graph()
  for operation in graph.get_operations():
    if operation.type == "Placeholder":
      continue
    inputs = [tf.constant(folded[tensor.name]) if tensor.name in folded else values[tensor.name]
              for tensor in operation.inputs]
    if operation.type in replacements:
      values[operation.outputs[0].name] = replacements[operation.type](operation, *inputs)
      continue
    made = current.create_op(operation.type, inputs, [tensor.dtype for tensor in operation.outputs],
                             name=operation.name.replace("/", "_"), attrs=dict(operation.node_def.attr))
    values.update({old.name: new for old, new in zip(operation.outputs, made.outputs)})
  return values
