"""Networks that a call gives for the rows of a table."""

import hashlib
import pathlib

from tf_imgtrans.core.names import unknown_name


def parse_models(models, names, example):
  """The models of --models: dict of row name to path.

  Args:
    models: strings NAME=MODEL.
    names: those that are known.
    example: str, of such a string.
  Raises:
    ValueError: another form, or an unknown name.
    FileNotFoundError: no such file or folder.
  """
  found = {}
  for item in models:
    name, separator, path = item.partition("=")
    if not (separator and path):
      raise ValueError(f"--models {item!r}: expected NAME=MODEL, such as {example}")
    if name not in names:
      raise unknown_name("row", name, names)
    if not pathlib.Path(path).exists():
      raise FileNotFoundError(f"--models {item!r}: no file or folder {path}")
    found[name] = path
  return found


def model_digest(path):
  """sha256 of a model's files: of the network's weights and graph, not of a run's logs."""
  path = pathlib.Path(path)
  if path.is_dir():
    files = [path / "generator.keras"] if (path / "generator.keras").is_file() else sorted(path.rglob("*"))
  elif path.suffix == ".index":
    files = sorted(path.parent.glob(f"{path.stem}.*"))
  else:
    files = [path]
  summed = hashlib.sha256()
  for file in files:
    summed.update(file.read_bytes() if file.is_file() else b"")
  return summed.hexdigest()
