"""What is inside a .tflite file, read from its flatbuffer, and metadata put into it.

Source of the layout: LiteRT's schema.fbs, version 3 (file identifier TFL3), by the Python classes that come with it.
"""

import collections
import copy
import dataclasses
import functools
import pathlib

import flatbuffers

IDENTIFIER = b"TFL3"  # schema.fbs, file_identifier
_VARIABLE = -1  # schema.fbs, Tensor.shape_signature: a side of unknown size
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


@dataclasses.dataclass(frozen=True)
class Tensor:
  """A tensor of the file.

  Attributes:
    name: str.
    shape: tuple of int, -1 for a side that is known only when the file runs.
    dtype: str such as "FLOAT32", as the schema spells it.
    constant: whether its values stand in the file.
    quantization: (scale, zero point) of a tensor with one of each, else None.
  """

  name: str
  shape: tuple
  dtype: str
  constant: bool
  quantization: tuple | None

  @property
  def rank(self):
    return len(self.shape)

  @property
  def static(self):
    return _VARIABLE not in self.shape

  def described(self):
    """dict of JSON values: name, shape, dtype; step and zero_point of integers: value = (integer - zero_point) * step."""
    steps = dict(zip(("step", "zero_point"), self.quantization or ()))
    return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype.lower(), **steps}


@dataclasses.dataclass(frozen=True)
class Operation:
  """An operation: `name` such as "CONV_2D", or "CUSTOM Name"; tensors in and out; the schema's options or None."""

  name: str
  inputs: tuple
  outputs: tuple
  options: object = dataclasses.field(default=None, repr=False, compare=False)

  @property
  def kernel(self):
    """(height, width) of a convolution's kernel, None of other operations."""
    return self.inputs[1].shape[1:3] if self.name in _CONVOLUTIONS else None

  @property
  def custom(self):
    return self.name.startswith("CUSTOM ")


@dataclasses.dataclass(frozen=True)
class LiteFile:
  """The content of a .tflite file: operations in their order, tensors, and what stands beside them."""

  operations: tuple
  tensors: tuple
  inputs: tuple
  outputs: tuple
  signatures: tuple  # names
  metadata: dict  # name -> bytes
  bytes: int

  def counts(self):
    """dict of operation name to how often it stands in the file, the most frequent first."""
    return tally(operation.name for operation in self.operations)


def tally(names):
  """dict of each name to how often it is there, the most frequent first."""
  return dict(sorted(collections.Counter(names).items(), key=lambda item: (-item[1], item[0])))


def read_lite(source: bytes | str | pathlib.Path) -> LiteFile:
  """Reads a .tflite file.

  Args:
    source: bytes, or str or Path of the file.
  Returns:
    LiteFile; all subgraphs together, inputs and outputs those of the first.
  Raises:
    ValueError: no .tflite file, or one that is damaged.
  """
  content, where = _content(source)
  model = _unpacked(content, where)
  try:
    graphs = [_tensors(model, graph) for graph in model.subgraphs]
    operations = [_operation(model, operator, tensors)
                  for graph, tensors in zip(model.subgraphs, graphs) for operator in _items(graph.operators)]
    first, tensors = model.subgraphs[0], graphs[0]
    return LiteFile(
        tuple(operations), tuple(tensor for tensors in graphs for tensor in tensors),
        tuple(tensors[index] for index in _items(first.inputs)), tuple(tensors[index] for index in _items(first.outputs)),
        tuple(_text(signature.signatureKey) for signature in _items(model.signatureDefs)),
        {_text(entry.name): _data(model, entry.buffer) for entry in _items(model.metadata)}, len(content))
  except (IndexError, TypeError, AttributeError) as error:
    raise ValueError(f"{where} is a damaged .tflite file: {error}") from error


def with_metadata(content, name, data):
  """The file with a metadata entry added, or exchanged where it has one of that name.

  Args:
    content: bytes of a .tflite file.
    name: str.
    data: bytes.
  Returns:
    bytes; the operations, tensors and signatures are those of `content`.
  Raises:
    ValueError: no .tflite file.
  """
  schema = _schema()
  model = _unpacked(bytes(content), "the content")
  if any(buffer.offset > 1 for buffer in model.buffers):  # schema.fbs, Buffer.offset: data behind the flatbuffer
    raise ValueError("weights lie behind the flatbuffer, as they do above 2 GB: metadata cannot be added")
  buffer = schema.BufferT()
  buffer.data = list(data)
  entries = [entry for entry in _items(model.metadata) if _text(entry.name) == name]
  if entries:
    model.buffers[entries[0].buffer] = buffer
  else:
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*_items(model.metadata), entry]
  return _packed(model)


def single_operations(source):
  """Each operation of a .tflite file as a file of its own, so that it can be run and timed alone.

  Args:
    source: bytes, or str or Path of the file, of which the first subgraph is taken.
  Returns:
    list of (Operation, bytes): the file's inputs are those of the operation that are not constant.
  Raises:
    ValueError: no .tflite file, or one that is damaged.
  """
  lite, model = read_lite(source), _unpacked(*_content(source))
  graph, found = model.subgraphs[0], []
  for operation, operator in zip(lite.operations, graph.operators):
    used = {int(index) for index in (*_items(operator.inputs), *_items(operator.outputs)) if index >= 0}
    kept = {graph.tensors[index].buffer for index in used}
    alone, part = copy.copy(model), copy.copy(graph)
    part.operators, part.outputs = [operator], list(operator.outputs)
    part.inputs = [index for index in sorted(used - set(operator.outputs)) if not lite.tensors[index].constant]
    alone.subgraphs, alone.signatureDefs, alone.metadata = [part], None, None
    alone.buffers = [buffer if index in kept else _schema().BufferT() for index, buffer in enumerate(model.buffers)]
    found.append((operation, _packed(alone)))
  return found


@functools.cache
def _schema():
  try:
    from ai_edge_litert import schema_py_generated as schema
  except ImportError:  # older releases of LiteRT do not carry it
    from tensorflow.lite.python import schema_py_generated as schema
  return schema


def _content(source):
  """(bytes of a file, what errors call it)."""
  if isinstance(source, (bytes, bytearray)):
    return bytes(source), "the content"
  return pathlib.Path(source).read_bytes(), str(source)


def _unpacked(content, where):
  if content[4:8] != IDENTIFIER:
    raise ValueError(f"{where} is no .tflite file: bytes 4 to 8 are {content[4:8]!r}, expected {IDENTIFIER!r}")
  schema = _schema()
  try:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
  except Exception as error:  # struct.error, IndexError and others, by the place that is torn
    raise ValueError(f"{where} is a damaged .tflite file: {error}") from error


def _packed(model):
  builder = flatbuffers.Builder()
  builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
  return bytes(builder.Output())


@functools.cache
def _names(kind):
  """Number -> name of one of the schema's enumerations."""
  return {value: name for name, value in vars(getattr(_schema(), kind)).items() if not name.startswith("_")}


def _tensors(model, graph):
  constants = {index for index, buffer in enumerate(model.buffers) if buffer.data is not None and len(buffer.data)}
  found = []
  for tensor in _items(graph.tensors):
    shape = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    found.append(Tensor(_text(tensor.name), tuple(int(side) for side in _items(shape)),  # no shape: a scalar
                        _names("TensorType")[tensor.type], tensor.buffer in constants, _step(tensor.quantization)))
  return found


def _step(quantization):
  if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
    return None
  return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def _operation(model, operator, tensors):
  code = model.operatorCodes[operator.opcodeIndex]
  # schema.fbs: codes above 127 stand in the second field, and both are to be read.
  name = _names("BuiltinOperator")[max(code.builtinCode, code.deprecatedBuiltinCode)]
  if name == "CUSTOM":
    name = f"CUSTOM {_text(code.customCode)}"
  inputs, outputs = (tuple(tensors[index] for index in _items(side) if index >= 0)  # -1: an optional input left out
                     for side in (operator.inputs, operator.outputs))
  return Operation(name, inputs, outputs, operator.builtinOptions)


def _data(model, index):
  data = model.buffers[index].data
  return b"" if data is None else bytes(data)


def _items(sequence):
  return () if sequence is None else sequence


def _text(value):
  return value.decode("utf-8", "replace") if isinstance(value, bytes) else (value or "")
