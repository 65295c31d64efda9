"""Files are written whole: under a temporary name beside the final one, then renamed."""

import contextlib
import json
import math
import os
import pathlib
import stat
import tempfile

from tf_imgtrans.core.disk_faults import writing
from tf_imgtrans.core.permissions import allowed

# Read once: it can only be read by setting it, which must not happen while several threads write.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextlib.contextmanager
def atomic_path(path):
  """Yields a temporary path beside `path` (same suffix); on success it is synced and renamed to `path`.

  When the body raises, the temporary file is removed and an existing `path` stays as it was.

  Args:
    path: str or Path; missing parent folders are made.
  Raises:
    OSError: as of `core.disk_faults.writing`, which names `path`.
  """
  path = pathlib.Path(path)
  with writing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    os.close(handle)
    temporary = pathlib.Path(temporary)
    try:
      yield temporary
      with open(temporary, "rb+") as file:
        os.fsync(file.fileno())
      os.chmod(temporary, 0o666 & ~_UMASK)
      os.replace(temporary, path)
      _sync_folder(path.parent)
    finally:
      temporary.unlink(missing_ok=True)


def write_bytes(path, content):
  """Writes bytes to `path`, whole or not at all."""
  with atomic_path(path) as temporary:
    temporary.write_bytes(content)


def read_bytes(path):
  """The content of a regular file; everything that a user names is read here.

  Raises:
    NotRegular: a named pipe, a socket or a device, which might be waited for without end.
    OSError: as Python's own, such as FileNotFoundError.
  """
  check_regular(path)
  return pathlib.Path(path).read_bytes()


class NotRegular(ValueError):
  """Something that is named like a file, and is none."""


def check_regular(path):
  """Raises NotRegular for a named pipe, a socket or a device; what is missing is left to the reader."""
  with contextlib.suppress(FileNotFoundError):
    mode = os.stat(path).st_mode
    for kind, test in (("a named pipe", stat.S_ISFIFO), ("a socket", stat.S_ISSOCK), ("a device", stat.S_ISCHR),
                       ("a device", stat.S_ISBLK)):
      if test(mode):
        raise NotRegular(f"{path}: {kind}, not a file: give a regular file")


def check_output(path, inputs=(), kind=None):
  """Refuses an output that would take the place of an input, or of a file of another kind; asked before work begins.

  Args:
    path: str or Path of the file to write.
    inputs: Paths that the work reads; the file itself says whether one is the output, through links and spellings.
    kind: suffix of what is written, such as ".json": an existing file with another one is not replaced. None takes any.
  Raises:
    ValueError: names the file.
  """
  path = pathlib.Path(path)
  if not path.exists():
    return
  for each in inputs:
    if pathlib.Path(each).exists() and os.path.samefile(path, each):
      raise ValueError(f"{path} is what this call reads: choose another file for the result")
  if kind is not None and path.suffix.lower() != kind and not allowed("--overwrite"):
    raise ValueError(f"{path} exists and is no {kind} file: choose another name, or replace it with --overwrite")


def write_text(path, text):
  """Writes text to `path` in UTF-8, whole or not at all; names of files that are no UTF-8 keep their bytes."""
  write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path, value):
  """Writes `value` as indented JSON to `path`, whole or not at all; numbers that are not finite become null."""
  write_bytes(path, (json.dumps(_finite(value), indent=2, default=str) + "\n").encode())


class NoObject(ValueError):
  """A JSON file that holds something else than a dictionary."""


def read_json(path):
  """The dictionary in a JSON file; all of ours hold one.

  Raises:
    NoObject: the file holds something else than a dictionary.
    ValueError: it holds no JSON.
  """
  try:
    found = json.loads(pathlib.Path(path).read_text())
  except (ValueError, RecursionError) as error:
    raise ValueError(f"{path} holds no JSON: {error}") from None
  if not isinstance(found, dict):
    raise NoObject(f"{path} holds a {type(found).__name__}, no JSON object: it is damaged, or another program's")
  return found


def size_of(path):
  """Bytes of a file, or of all files in a folder."""
  path = pathlib.Path(path)
  return path.stat().st_size if path.is_file() else sum(item.stat().st_size for item in path.rglob("*") if item.is_file())


def remove_leftovers(folder):
  """Removes temporary files that a killed process left in `folder`."""
  for leftover in pathlib.Path(folder).glob(".writing-*"):
    leftover.unlink(missing_ok=True)


def _sync_folder(folder):
  """Brings a rename to the disk, where the system can open folders."""
  if os.name == "posix":
    handle = os.open(folder, os.O_RDONLY)
    try:
      os.fsync(handle)
    finally:
      os.close(handle)


def _finite(value):
  """The value as JSON can hold it: strict readers refuse Infinity and NaN."""
  if isinstance(value, dict):
    return {key: _finite(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_finite(item) for item in value]
  return None if isinstance(value, float) and not math.isfinite(value) else value
