"""The records of finished measurements: OUT/rows/ROW-seedN.json, one for each row and seed of a table."""

import json
import pathlib

from tf_imgtrans.core.files import read_json
from tf_imgtrans.tables.options import current_preset


def make_folder(out):
  """Makes OUT/rows, before hours are spent on what could not be kept there."""
  try:
    (pathlib.Path(out) / "rows").mkdir(parents=True, exist_ok=True)
  except (FileExistsError, NotADirectoryError) as error:
    raise ValueError(f"{error.filename} cannot be made, as there is a file in its place: choose another --out") from None


def record_path(out, row, seed):
  """Path of the record of a row and a seed."""
  return pathlib.Path(out) / "rows" / f"{row.name}-seed{seed}.json"


def kept_record(table, row, seed, out):
  """The record of a finished measurement, or None; a damaged file is none.

  Args:
    table: table.Table.
    row: table.Row.
    seed: int.
    out: Path of the table's folder.
  Raises:
    ValueError: it was measured in another way; says in which.
  """
  path = record_path(out, row, seed)
  if not path.is_file():
    return None
  record = _read_record(path)
  if record is None:
    print(f"{path} is damaged: measured anew")
    return None
  for name, wanted in conditions(table, row).items():
    if record["conditions"].get(name) != wanted:
      name, former, wanted = _first_difference(name, record["conditions"].get(name), wanted)
      raise ValueError(f"{path} was measured with {name} {former!r}, and now it is {wanted!r}: "
                       "choose another --out, or remove that file to measure the row anew")
  return record


def _read_record(path):
  """The record in a file; None where it holds none, as after a disk error."""
  try:
    record = read_json(path)
  except ValueError:
    return None
  parts = {"conditions": dict, "values": dict, "seed": int, "seconds": (int, float)}
  whole = isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in parts.items())
  if not whole:
    return None
  if "preset" in record["conditions"]:
    record["conditions"]["preset"] = current_preset(record["conditions"]["preset"])
  return record


def _first_difference(name, a, b):
  """(name, value, value) of what differs first in two values; inside of dicts, as in "config.iterations"."""
  if not (isinstance(a, dict) and isinstance(b, dict)):
    return name, a, b
  key = next(key for key in {**b, **a} if a.get(key) != b.get(key))
  return _first_difference(f"{name}.{key}", a.get(key), b.get(key))


def conditions(table, row):
  """What must be equal for a kept measurement to count, as JSON gives it back."""
  return json.loads(json.dumps({**table.protocol, **row.details}, default=str))
