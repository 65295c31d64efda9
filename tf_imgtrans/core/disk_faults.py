"""Errors of the disk: which file, how much space is free, what to do. Importing it is light."""

import contextlib
import errno
import os
import pathlib
import shutil

# number of the fault -> what to do, for the line under the message
REMEDIES = {
    errno.ENOSPC: "free some space there, or write to another disk",
    errno.EDQUOT: "remove files of yours there, ask for a larger quota, or write to another disk",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or write to another disk",
    errno.EROFS: "write elsewhere, or have it mounted for writing",
    errno.EACCES: "write elsewhere, or have the permission changed",
    errno.EPERM: "write elsewhere, or have the permission changed",
}
_CROWDED = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing(path):
  """Within it, a fault of the disk becomes an OSError that names `path`, and the free space, whichever library met it.

  Args:
    path: str or Path of what is written.
  """
  try:
    yield
  except Exception as error:
    number = fault_of(error)
    named = isinstance(error, OSError) and error.filename is not None
    if number is None or (named and pathlib.Path(path).parent not in pathlib.Path(os.fsdecode(error.filename)).parents):
      raise
    raise OSError(number, os.strerror(number) + _space(path, number), str(path)) from error


def fault_of(error):
  """The number of the fault of the disk behind an error, one of `REMEDIES`; else None.

  TensorFlow and HDF5 have the system's words in a message of theirs.
  """
  if isinstance(error, OSError) and error.errno is not None:
    return error.errno if error.errno in REMEDIES else None
  if isinstance(error, OSError) or type(error).__module__.startswith("tensorflow."):
    return next((number for number in REMEDIES if os.strerror(number) in str(error)), None)
  return None


def _space(path, number):
  """How much is free where a file is to be written, in words, where that matters."""
  if number not in _CROWDED:
    return ""
  folder = next(folder for folder in pathlib.Path(path).absolute().parents if folder.is_dir())
  disk = shutil.disk_usage(folder)
  return f", {disk.free / 1e6:.1f} MB of {disk.total / 1e6:,.1f} MB are free there"
