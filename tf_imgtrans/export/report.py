"""What came of an export, beside the file: `export_report.json`; and a file that is not good enough, out of the way."""

import os
import pathlib

from tf_imgtrans.core.claims import one_at_a_time
from tf_imgtrans.core.files import read_json, write_json
from tf_imgtrans.export.inspection import inspect_model

NAME = "export_report.json"
OUTSIDE = ".outside_tolerance"


def settle(path, parity):
  """Moves a file whose images are outside the tolerance to NAME.outside_tolerance.SUFFIX, and enters it in the report.

  The report, `export_report.json` in the same folder, holds one entry for each file that is there; an older file of the
  name that has just been refused goes, so that nobody takes it for the new one.

  Args:
    path: str or Path of a model file.
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
  entry = {**inspect_model(place), "parity": parity and parity.summary()}
  del entry["path"]  # it may be moved with the report
  book = path.with_name(NAME)
  with one_at_a_time(path.parent):  # several exports may go on in one folder
    files = {name: content for name, content in _entries(book).items() if (path.parent / name).is_file()}
    write_json(book, {"files": {**files, place.name: entry}})
  return place, entry


def _entries(book):
  """The entries of a report, none where there is no report or another program's file."""
  try:
    files = read_json(book).get("files")
  except (FileNotFoundError, ValueError):
    return {}
  return files if isinstance(files, dict) else {}
