"""Which process writes into a folder, so that two do not write the same files at once.

A process that writes there keeps a locked file .claim-... in the folder that names it and what it writes. The system
releases the lock when the process ends, however it ends: what is left of the file then counts no more, and is removed.
"""

import contextlib
import json
import os
import pathlib
import socket
import time
import uuid

from tf_imgtrans.core.disk_faults import writing

try:
  import fcntl
except ImportError:  # Windows: nothing is claimed there
  fcntl = None

PREFIX = ".claim-"


@contextlib.contextmanager
def claimed(folder, names, work):
  """Within it no other process claims one of the names in the folder.

  Args:
    folder: str or Path; made where it is missing, and removed again if nothing is written there.
    names: names of files, or of kinds of files, that are written there.
    work: str, what is done, for the message that others get, such as "a training".
  Raises:
    ValueError: another process is at work there; says which, on which machine, and since when.
  """
  folder = pathlib.Path(folder)
  if fcntl is None:
    yield
    return
  path = folder / f"{PREFIX}{uuid.uuid4().hex}"
  with contextlib.ExitStack() as stack:
    if not folder.exists():
      stack.callback(_remove_empty, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder):
      for other in folder.glob(f"{PREFIX}*"):
        holder = _holder(other)
        if holder and set(holder["names"]) & set(names):
          raise ValueError(f"{folder} is written to by {holder['work']}, process {holder['process']} on "
                           f"{holder['machine']}, since {holder['since']}: wait for it, stop it, or choose another folder")
      file = stack.enter_context(open(path, "w"))
      stack.callback(path.unlink, missing_ok=True)
      fcntl.flock(file, fcntl.LOCK_EX)
      with writing(path):
        json.dump({"names": sorted(names), "work": work, "process": os.getpid(), "machine": socket.gethostname(),
                   "since": time.strftime("%Y-%m-%d %H:%M:%S")}, file)
        file.flush()
    yield


def _holder(path):
  """What a claim says whose process lives; None, after it was removed, where it does not."""
  try:
    with open(path) as file:
      try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
      except BlockingIOError:
        return json.load(file)
      path.unlink(missing_ok=True)
  except (FileNotFoundError, json.JSONDecodeError):  # given up this moment
    pass
  return None


def _remove_empty(folder):
  with contextlib.suppress(OSError):  # it holds something
    folder.rmdir()


@contextlib.contextmanager
def one_at_a_time(folder):
  """Within it no other process is within it for the same folder; for moments, as others wait."""
  if fcntl is None:
    yield
    return
  handle = os.open(folder, os.O_RDONLY)
  try:
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield
  finally:
    os.close(handle)
