"""What run.json of a run folder says. Importing it is light."""

import pathlib

from tf_imgtrans.core.config import from_stored
from tf_imgtrans.core.files import read_json

_PARTS = {"recipe": str, "config": dict, "options": dict}  # what every run has, of whatever version


def read_run(folder):
  """The content of run.json, the name of the recipe under "recipe" (version 0.1.0 has it under "paper").

  Args:
    folder: str or Path of a run.
  Returns:
    dict of JSON values.
  Raises:
    FileNotFoundError: not a run folder.
    ValueError: the file is damaged.
  """
  path = pathlib.Path(folder) / "run.json"
  found = read_json(path)
  found = {"recipe": found.get("paper"), **found}
  wrong = [name for name, kind in _PARTS.items() if not isinstance(found.get(name), kind)]
  if wrong:
    raise ValueError(f"{path} holds no {wrong[0]}: it is damaged; start the run anew in another folder")
  return found


def stored_options(kind, described, **changes):
  """The training options of run.json, with some of them changed.

  Args:
    kind: dataclass of options.
    described: dict, as of `read_run`.
    changes: fields with other values.
  Raises:
    ValueError: a value that the options do not take.
  """
  values = {**described["options"], **changes}
  paths = {name: _path(name, values.get(name)) for name in ("out", "data")}
  return from_stored(kind, {**values, **paths})


def _path(name, value):
  if value is not None and not isinstance(value, (str, pathlib.Path)):
    raise ValueError(f"{name} in run.json is {value!r}: expected a path")
  return None if value is None else pathlib.Path(value)
