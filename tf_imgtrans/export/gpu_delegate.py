"""Which operations of a .tflite file a phone's GPU takes, and which would fall to the CPU.

The rules are those of LiteRT's own check, tflite/tools/versioning/gpu_compatibility.cc at commit 007226f4 of
google-ai-edge/LiteRT, for the OpenCL and OpenGL delegate; beside them this check asks for rank 4 at most and
static shapes, which the delegate needs and that file does not look at. A new driver may take more.
"""

import dataclasses

from tf_imgtrans.export.flatbuffer import LiteFile

MAX_RANK = 4  # the delegate's tensors are batch, height, width, channels
_ELEMENTWISE_ONE = {"ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "LOG", "LOGICAL_NOT", "LOGISTIC", "NEG", "ROUND",
                    "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH"}
_ELEMENTWISE_TWO = {"ATAN2", "DIV", "EQUAL", "FLOOR_DIV", "FLOOR_MOD", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL",
                    "LOGICAL_AND", "LOGICAL_OR", "MAXIMUM", "MINIMUM", "NOT_EQUAL", "POW", "SQUARED_DIFFERENCE", "SUB"}
_REDUCTIONS = {"MEAN", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM", "REVERSE_V2"}
_PADS = {"PAD", "PADV2", "MIRROR_PAD"}
_OTHERS = {"ADD", "AVERAGE_POOL_2D", "BATCH_MATMUL", "CAST", "CONCATENATION", "CONV_2D", "CUMSUM", "DENSIFY",
           "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE", "FULLY_CONNECTED", "GATHER", "HARD_SWISH", "LEAKY_RELU",
           "MAX_POOL_2D", "MUL", "PACK", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "RESHAPE",
           "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SELECT", "SELECT_V2", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH",
           "SPLIT", "SPLIT_V", "STRIDED_SLICE", "TILE", "TRANSPOSE", "TRANSPOSE_CONV"}
GPU_OPERATIONS = frozenset(_ELEMENTWISE_ONE | _ELEMENTWISE_TWO | _REDUCTIONS | _PADS | _OTHERS)
# Operations of which every input but the first is a number of the graph, not of the image.
_ONE_RUNTIME_INPUT = {"RESHAPE", "TILE", "TRANSPOSE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", *_REDUCTIONS, *_PADS}
_ACTIVATIONS = {0, 1, 2, 3, 4}  # schema.fbs, ActivationFunctionType: none, relu, relu_n1_to_1, relu6, tanh


@dataclasses.dataclass(frozen=True)
class Finding:
  """Operations of one name that the GPU does not take, for one reason."""

  operation: str
  count: int
  reason: str


def gpu_findings(lite: LiteFile) -> list[Finding]:
  """Operations that would fall to the CPU, each of which splits the graph in two.

  Args:
    lite: flatbuffer.LiteFile.
  Returns:
    list of Finding in the order of the file; empty where the whole graph runs on the GPU.
  """
  found: dict[tuple[str, str], int] = {}
  for operation in lite.operations:
    reason = _reason(operation)
    if reason:
      found[operation.name, reason] = found.get((operation.name, reason), 0) + 1
  return [Finding(name, count, reason) for (name, reason), count in found.items()]


def _reason(operation):
  """Why the GPU does not take an operation, or None."""
  if operation.name not in GPU_OPERATIONS:
    return "not among the delegate's operations"
  tensors = (*operation.inputs, *operation.outputs)
  highest = max((tensor.rank for tensor in tensors), default=0)
  if highest > MAX_RANK:
    return f"a tensor of rank {highest}, above {MAX_RANK}"
  if not all(tensor.static for tensor in tensors):
    return "a shape that is known only when the file runs: export for a fixed size"
  if any(tensor.dtype == "INT16" for tensor in tensors):
    return "16-bit integers"
  return _special_reason(operation)


def _special_reason(operation):
  name, options = operation.name, operation.options
  runtime = sum(not tensor.constant for tensor in operation.inputs)
  if name in _ONE_RUNTIME_INPUT and runtime != 1:
    return f"{runtime} inputs that are computed, expected 1"
  if name in ("ADD", "MUL") and len(operation.inputs) == 2 and not _broadcastable(*operation.inputs):
    return "shapes that do not broadcast side by side"
  if name == "STRIDED_SLICE":
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask:
      return "an axis added or dropped in the slice"
  if name in ("SLICE", "STRIDED_SLICE") and operation.inputs[0].rank not in (3, 4):
    return f"a slice of rank {operation.inputs[0].rank}, expected 3 or 4"
  if name == "MIRROR_PAD" and options.mode != 0:  # schema.fbs, MirrorPadMode: 0 is REFLECT
    return "a symmetric padding, expected a reflecting one"
  if name in _PADS and operation.inputs[1].shape not in ((3, 2), (4, 2)):
    return f"paddings of shape {operation.inputs[1].shape}, expected (4, 2)"
  if name == "GATHER" and operation.inputs[1].rank != 1:
    return f"indices of rank {operation.inputs[1].rank}, expected 1"
  if name == "SOFTMAX" and options.beta != 1:
    return f"softmax with beta {options.beta}, expected 1"
  if getattr(options, "fusedActivationFunction", 0) not in _ACTIVATIONS:
    return "a fused activation that the delegate lacks"
  return None


def _broadcastable(first, second):
  """Whether sides of two shapes are equal or 1, from the last on."""
  pairs = zip(reversed(first.shape), reversed(second.shape))
  return all(a == b or 1 in (a, b) for a, b in pairs)
