"""Archives of arrays of strangers: sizes are taken from headers before anything is allocated, and nothing is unpickled."""

import io
import math
import pathlib
import zipfile

import numpy as np

# Times an archive's bytes that it may unpack to. Keras compresses nothing, and trained weights hardly shrink; ours.
MOST_UNPACKED = 20
HARMLESS = 64 << 20  # bytes that any archive may unpack to; ours
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Refused(ValueError):
  """A file that is whole, and not to be opened."""


def check_unpacked(path, unpacked):
  """Raises Refused where a file says that it unpacks to far more bytes than it has."""
  packed = pathlib.Path(path).stat().st_size
  if unpacked > max(HARMLESS, MOST_UNPACKED * packed):
    raise Refused(f"{path} has {packed:,} bytes and would unpack to {unpacked:,}: it is made to exhaust memory, and is not "
                  "opened; save it anew")


class Arrays:
  """The arrays of an .npz file, each read when it is asked for.

  Args:
    path: str or Path.
  Attributes:
    names: tuple of str.
  Raises:
    ValueError: no .npz file, or a damaged one; here, or when an array is read.
    FileNotFoundError: no such file.
  """

  def __init__(self, path):
    self.path = pathlib.Path(path)
    with self._archive() as archive:
      self.names = tuple(name.removesuffix(".npy") for name in archive.namelist())

  def __getitem__(self, name):
    """The array of a name. KeyError for another name."""
    if name not in self.names:
      raise KeyError(name)
    with self._archive() as archive:
      return _array(archive.read(f"{name}.npy"))  # read to its end, which compares checksums, before its header counts

  def _archive(self):
    return _Opened(self.path)


class _Opened:
  """An .npz file while it is open; what goes wrong within is a ValueError that names the file."""

  def __init__(self, path):
    self.path = path

  def __enter__(self):
    try:
      self.archive = zipfile.ZipFile(self.path)
      check_unpacked(self.path, sum(member.file_size for member in self.archive.infolist()))
    except (FileNotFoundError, Refused):
      raise
    except Exception as error:
      raise self._damaged(error) from error
    return self.archive

  def __exit__(self, kind, error, traceback):
    self.archive.close()
    if error is not None and not isinstance(error, Refused):
      raise self._damaged(error) from error

  def _damaged(self, error):  # zipfile, its decompressors and NumPy have no common base
    return ValueError(f"{self.path} is no .npz file, or a damaged one: {str(error).strip() or type(error).__name__}")


def _array(content):
  """The array of a .npy file, of which no more is believed than its bytes bear out."""
  file = io.BytesIO(content)
  version = np.lib.format.read_magic(file)
  if version not in _HEADERS:
    raise ValueError(f"version {version} of .npy")
  shape, transposed, dtype = _HEADERS[version](file)
  count = math.prod(shape)
  if dtype.hasobject or min((0, *shape)) < 0 or count * dtype.itemsize != len(content) - file.tell():
    raise ValueError(f"a header for {shape} of {dtype} over {len(content) - file.tell():,} bytes")
  flat = np.frombuffer(content, dtype, count, file.tell())
  return (flat.reshape(shape[::-1]).T if transposed else flat.reshape(shape)).copy()
