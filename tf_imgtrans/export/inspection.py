"""What a model file holds, without running it: .tflite, SavedModel and .keras."""

import io
import json
import pathlib
import zipfile

import h5py

from tf_imgtrans.export.report import inspect_lite


def inspect_model(path: str | pathlib.Path) -> dict:
  """Looks into a model file.

  Args:
    path: str or Path of a .tflite file, a .keras file, a run folder, a SavedModel folder, or its parent with numbered
      versions, of which the highest is taken.
  Returns:
    dict of JSON values with `path` and `kind` ("tflite", "saved-model" or "keras"); the rest by the kind.
  Raises:
    FileNotFoundError: nothing there.
    ValueError: something else is there, or a damaged file.
  """
  path = pathlib.Path(path)
  if not path.exists():
    raise FileNotFoundError(f"no file {path}: expected a .tflite file, a .keras file, a run folder or a SavedModel folder")
  if (path / "generator.keras").is_file():
    path = path / "generator.keras"
  versions = [entry.parent for entry in path.glob("*/saved_model.pb") if entry.parent.name.isdecimal()]
  if versions and not (path / "saved_model.pb").is_file():
    path = max(versions, key=lambda version: int(version.name))
  if (path / "saved_model.pb").is_file():
    return {"path": str(path), **inspect_saved_model(path)}
  if path.suffix == ".keras" and path.is_file():
    return {"path": str(path), **inspect_keras(path)}
  if path.is_dir():
    raise ValueError(f"{path} is no model: expected a folder with saved_model.pb, or of a finished run")
  return {"path": str(path), **inspect_lite(path)}


def inspect_saved_model(folder):
  """Signatures and operations of a SavedModel: dict of kind, bytes, tensorflow, signatures, operations.

  A signature is a dict of inputs and outputs, each a list of name, shape (-1 for an unknown side, null for an unknown
  rank) and dtype; operations counts those of the graph and of its functions.
  """
  from google.protobuf.message import DecodeError
  from tensorflow.core.protobuf import saved_model_pb2

  saved = saved_model_pb2.SavedModel()
  try:
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    meta = saved.meta_graphs[0]
  except (DecodeError, IndexError) as error:
    raise ValueError(f"{folder / 'saved_model.pb'} is damaged: {error}") from error
  counted = {}
  for nodes in (meta.graph_def.node, *(function.node_def for function in meta.graph_def.library.function)):
    for node in nodes:
      counted[node.op] = counted.get(node.op, 0) + 1
  signatures = {name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
                for name, signature in meta.signature_def.items() if not name.startswith("__")}
  return {"kind": "saved-model", "bytes": sum(item.stat().st_size for item in folder.rglob("*") if item.is_file()),
          "tensorflow": meta.meta_info_def.tensorflow_version, "signatures": dict(sorted(signatures.items())),
          "operations": dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))}


def inspect_keras(path):
  """The configuration of a .keras file: dict of kind, bytes, class, config, keras, saved, parameters (a number)."""
  try:
    with zipfile.ZipFile(path) as archive:
      config, about = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
      with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        sizes = []
        weights.visititems(lambda _, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None)
  except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
    raise ValueError(f"{path} is no .keras file, or a damaged one: {error}") from error
  return {"kind": "keras", "bytes": path.stat().st_size, "class": config.get("registered_name") or config["class_name"],
          "config": config.get("config"), "keras": about.get("keras_version"), "saved": about.get("date_saved"),
          "parameters": int(sum(sizes))}


def _tensors(tensors):
  """List of dicts of a signature's inputs or outputs."""
  from tensorflow.core.framework import types_pb2

  def shape(tensor):
    return None if tensor.tensor_shape.unknown_rank else [side.size for side in tensor.tensor_shape.dim]

  return [{"name": name, "shape": shape(tensor), "dtype": types_pb2.DataType.Name(tensor.dtype).removeprefix("DT_").lower()}
          for name, tensor in sorted(tensors.items())]
