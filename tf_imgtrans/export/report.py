"""What came of an export, beside the file: `export_report.json`; and a file that is not good enough, out of the way."""

import dataclasses
import os
import pathlib

from tf_imgtrans.core.files import read_json, write_json
from tf_imgtrans.export.flatbuffer import read_lite
from tf_imgtrans.export.gpu_delegate import gpu_findings
from tf_imgtrans.export.metadata import read_description

NAME = "export_report.json"
OUTSIDE = ".outside_tolerance"


def inspect_lite(path: str | pathlib.Path) -> dict:
  """What a .tflite file holds: dict of JSON values.

  Args:
    path: str or Path.
  Returns:
    dict: kind, bytes, operations (name to count), inputs and outputs (name, shape with -1 for an unknown side, dtype,
    step and zero point), signatures, highest_rank, unknown_shapes (tensors), gpu (gpu_delegate.Finding
    as dicts), metadata or None.
  Raises:
    ValueError: no .tflite file, or a damaged one.
  """
  lite = read_lite(path)
  return {
      "kind": "tflite", "bytes": lite.bytes, "operations": lite.counts(),
      "inputs": [_tensor(tensor) for tensor in lite.inputs], "outputs": [_tensor(tensor) for tensor in lite.outputs],
      "signatures": list(lite.signatures), "highest_rank": max((tensor.rank for tensor in lite.tensors), default=0),
      "unknown_shapes": sum(not tensor.static for tensor in lite.tensors),
      "gpu": [dataclasses.asdict(finding) for finding in gpu_findings(lite)], "metadata": read_description(lite),
  }


def settle(path, parity):
  """Moves a file whose images are outside the tolerance to NAME.outside_tolerance.tflite, and enters it in the report.

  The report, `export_report.json` in the same folder, holds one entry for each file that is there; an older file of the
  name that has just been refused goes, so that nobody takes it for the new one.

  Args:
    path: str or Path of a .tflite file.
    parity: parity.Parity, or None where it was not measured.
  Returns:
    (Path where the file lies now, dict that was entered).
  """
  path = pathlib.Path(path)
  place, other = path, path.with_name(path.stem + OUTSIDE + path.suffix)
  if parity is not None and not parity.within_tolerance:
    os.replace(path, other)
    place = other
  else:
    other.unlink(missing_ok=True)
  entry = {**inspect_lite(place), "parity": parity and parity.summary()}
  book = path.with_name(NAME)
  files = {name: content for name, content in _entries(book).items() if (path.parent / name).is_file()}
  write_json(book, {"files": {**files, place.name: entry}})
  return place, entry


def _entries(book):
  """The entries of a report, none where there is no report or another program's file."""
  try:
    files = read_json(book).get("files")
  except (FileNotFoundError, ValueError, AttributeError):
    return {}
  return files if isinstance(files, dict) else {}


def _tensor(tensor):
  described = {"name": tensor.name, "shape": list(tensor.shape), "dtype": tensor.dtype.lower()}
  if tensor.quantization:
    described["step"], described["zero_point"] = tensor.quantization
  return described
