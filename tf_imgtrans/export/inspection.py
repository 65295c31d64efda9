"""What a model file holds, without running it."""

import dataclasses
import pathlib

from tf_imgtrans.core.files import size_of
from tf_imgtrans.core.formats import expected, find_model
from tf_imgtrans.core.frozen_graphs import DESCRIPTION, INPUT, OUTPUT, parse_frozen_graph
from tf_imgtrans.core.keras_files import read_headers
from tf_imgtrans.core.saved_graphs import read_saved_model
from tf_imgtrans.export.flatbuffer import read_lite, tally
from tf_imgtrans.export.gpu_delegate import gpu_findings
from tf_imgtrans.export.metadata import parse_description, read_description


def inspect_model(path: str | pathlib.Path) -> dict:
  """Looks into a model file.

  Args:
    path: str or Path of a file of any of the formats, a run folder, a SavedModel folder, or its parent with numbered
      versions, of which the highest is taken.
  Returns:
    dict of JSON values: path, kind (the format's name), bytes, task (what the network was trained for; None where the file
    does not tell); the rest by the kind.
  Raises:
    FileNotFoundError: nothing there, or a run that has not finished.
    ValueError: something else is there, or a damaged file.
  """
  path = pathlib.Path(path)
  if not path.exists():
    raise FileNotFoundError(f"no file {path}: expected {expected()}")
  found = find_model(path)
  if found is None:
    raise ValueError(f"{path} is no model: expected {expected()}")
  entry, path = found
  return {"path": str(path), "kind": entry.name, **entry.inspect(path)}


def inspect_lite(path: str | pathlib.Path) -> dict:
  """What a .tflite file holds: dict of JSON values.

  Args:
    path: str or Path.
  Returns:
    dict: kind, bytes, task, operations (name to count), inputs and outputs (name, shape with -1 for an unknown side,
    dtype, step and zero point), signatures, highest_rank, unknown_shapes (tensors), gpu (gpu_delegate.Finding
    as dicts), metadata or None.
  Raises:
    ValueError: no .tflite file, or a damaged one.
  """
  lite = read_lite(path)
  described = read_description(lite)
  return {
      "kind": "tflite", "bytes": lite.bytes, "task": _task(described), "operations": lite.counts(),
      "inputs": [tensor.described() for tensor in lite.inputs], "outputs": [tensor.described() for tensor in lite.outputs],
      "signatures": list(lite.signatures), "highest_rank": max((tensor.rank for tensor in lite.tensors), default=0),
      "unknown_shapes": sum(not tensor.static for tensor in lite.tensors),
      "gpu": [dataclasses.asdict(finding) for finding in gpu_findings(lite)], "metadata": described,
  }


def inspect_saved_model(folder):
  """Signatures and operations of a SavedModel: dict of kind, bytes, task, tensorflow, signatures, operations, metadata.

  A signature is a dict of inputs and outputs, each a list of name, shape (-1 for an unknown side, null for an unknown
  rank) and dtype; operations counts those of the graph and of its functions.
  """
  meta = read_saved_model(folder)
  parts = (meta.graph_def.node, *(function.node_def for function in meta.graph_def.library.function))
  signatures = {name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
                for name, signature in meta.signature_def.items() if not name.startswith("__")}
  described = read_description(folder)
  return {"kind": "saved-model", "bytes": size_of(folder), "task": _task(described),
          "tensorflow": meta.meta_info_def.tensorflow_version, "signatures": dict(sorted(signatures.items())),
          "operations": tally(node.op for nodes in parts for node in nodes), "metadata": described}


def inspect_frozen_graph(path):
  """What a frozen graph holds: dict of kind, bytes, task, inputs, outputs, operations and metadata.

  Raises:
    ValueError: no frozen graph with one input and one output of those names, or a damaged file.
  """
  graph = parse_frozen_graph(path)
  named = {node.name: node for node in graph.node}
  shape = [axis.size for axis in named[INPUT].attr["shape"].shape.dim]
  texts = named[DESCRIPTION].attr["value"].tensor.string_val if DESCRIPTION in named else ()
  described = parse_description(texts[0], f"the node {DESCRIPTION} of {path}") if texts else None
  return {"kind": "frozen-graph", "bytes": size_of(path), "task": _task(described),
          "inputs": [{"name": INPUT, "dtype": "float32", "shape": shape}],
          "outputs": [{"name": OUTPUT, "dtype": "float32", "shape": None}],
          "operations": tally(node.op for node in graph.node), "metadata": described}


def inspect_keras(path):
  """The configuration of a .keras file: dict of kind, bytes, task, class, config, keras, saved, parameters (a number)."""
  headers = read_headers(path)
  config, about = headers.config, headers.about
  return {"kind": "keras", "bytes": path.stat().st_size, "task": _task(config.get("config")),
          "class": config.get("registered_name") or config.get("class_name"), "config": config.get("config"),
          "keras": about.get("keras_version"), "saved": about.get("date_saved"),
          "parameters": headers.parameters}


def _task(described):
  """The task in a description or a configuration."""
  return described.get("task") if isinstance(described, dict) else None


def _tensors(tensors):
  """List of dicts of a signature's inputs or outputs."""
  from tensorflow.core.framework import types_pb2

  def shape(tensor):
    return None if tensor.tensor_shape.unknown_rank else [side.size for side in tensor.tensor_shape.dim]

  return [{"name": name, "shape": shape(tensor), "dtype": types_pb2.DataType.Name(tensor.dtype).removeprefix("DT_").lower()}
          for name, tensor in sorted(tensors.items())]
