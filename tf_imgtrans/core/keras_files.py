"""Reading .keras files of strangers: what their headers say is checked before anything of that size is allocated."""

import contextlib
import dataclasses
import io
import json
import pathlib
import struct
import tempfile
import zipfile
from typing import Any

import h5py
import keras
import tensorflow as tf
from keras.src.backend.common.global_state import set_global_attribute

from tf_imgtrans.core.archives import Refused, check_unpacked

CONFIG, ABOUT, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"  # members of the archive, by Keras' names
MOST_REPEATED = 4096  # what a number in a configuration of ours may be, such as of blocks, if the parameters are fewer


@dataclasses.dataclass(frozen=True)
class Headers:
  """What a .keras file says of itself.

  Attributes:
    config: dict of JSON values, Keras' configuration of the network.
    about: dict of JSON values: versions and date.
    parameters: int, numbers stored for the network, without those of an optimizer.
  """

  config: dict[str, Any]
  about: dict[str, Any]
  parameters: int


def read_headers(path: pathlib.Path) -> Headers:
  """Reads what a .keras file says of itself; of its weights no more than their shapes.

  Raises:
    ValueError: no .keras file, a damaged one, one that unpacks to far more than its own size, or whose weights lie
      elsewhere.
  """
  try:
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
      check_unpacked(path, sum(member.file_size for member in archive.infolist()))
      config, about = (json.loads(archive.read(name)) for name in (CONFIG, ABOUT))
      with _member(archive, file, WEIGHTS) as member, h5py.File(member, "r") as weights:
        sizes = _datasets(path, weights)
    if not isinstance(config, dict) or not isinstance(about, dict):
      raise ValueError(f"{CONFIG} or {ABOUT} is no dictionary")
  except Refused:
    raise
  except (zipfile.BadZipFile, KeyError, ValueError, OSError, RuntimeError, EOFError, RecursionError,
          struct.error) as error:
    raise ValueError(f"{path} is no .keras file, or a damaged one: {error}") from error
  return Headers(config, about, sum(size for name, size in sizes.items() if name.split("/")[0] != "optimizer"))


def load_network(path: str | pathlib.Path) -> keras.Model:
  """Loads a network as `keras.saving.load_model` does, without its optimizer and loss; code in the file is refused.

  The network is built without values first: it may have no more parameters than the file holds.

  Raises:
    ValueError: as of `read_headers`, or a network that is larger than what the file holds.
    Exception: of any type, from Keras, for a damaged file.
  """
  path = pathlib.Path(path)
  headers = read_headers(path)
  _check_numbers(path, headers)
  with _shapes_alone():
    network = keras.saving.deserialize_keras_object({**headers.config, "compile_config": None}, safe_mode=True)
    if not isinstance(network, keras.Model):
      raise ValueError(f"{path} holds {type(network).__name__}, no network")
    parameters = network.count_params()
    if parameters > headers.parameters:
      raise Refused(f"{path} describes a network of {parameters:,} parameters, and holds {headers.parameters:,}: it is "
                    "damaged, or made to exhaust memory; save the network anew")
  for variable in network.weights:  # all are in the file, so that drawing initial values would be wasted
    variable._initializer = tf.zeros  # noqa: SLF001 - Keras has no public way to give a variable its first value
  for variable in network.variables:
    variable._deferred_initialize()  # noqa: SLF001
  # From a file of its own: Keras reads the archive's member from its start for each of the weights.
  with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
    network.load_weights(archive.extract(WEIGHTS, folder))
  return network


@contextlib.contextmanager
def _shapes_alone():
  """Within it, Keras makes variables that have a shape and no value, and after an error get none."""
  with keras.StatelessScope(initialize_variables=False):
    try:
      yield
    finally:
      set_global_attribute("uninitialized_variables", [])


class _Part(io.RawIOBase):
  """Some bytes in a row of an open file, as a file: zipfile's own goes back by reading from the start again."""

  def __init__(self, file, begin, size):
    self.file, self.begin, self.size, self.place = file, begin, size, 0

  def readable(self):
    return True

  def seekable(self):
    return True

  def seek(self, offset, whence=io.SEEK_SET):
    self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
    return self.place

  def readinto(self, buffer):
    self.file.seek(self.begin + self.place)
    count = self.file.readinto(memoryview(buffer)[:max(0, self.size - self.place)])
    self.place += count
    return count


def _member(archive, file, name):
  """A member of an archive as a file that one can go to and fro in; of one that is not packed nothing is read yet."""
  member = archive.getinfo(name)
  if member.compress_type != zipfile.ZIP_STORED:
    return io.BytesIO(archive.read(member))
  file.seek(member.header_offset)
  header = file.read(zipfile.sizeFileHeader)
  names = struct.unpack(zipfile.structFileHeader, header)[10:12]  # lengths of the name and of what else precedes the bytes
  return _Part(file, member.header_offset + len(header) + sum(names), member.file_size)


def _datasets(path, weights):
  """Dict of name to number of values of what a weights file holds; all of it in the file itself."""
  sizes, unpacked = {}, 0

  def look(name, item):  # what is returned ends the visit; errors do not pass through it
    nonlocal unpacked
    if not isinstance(item, h5py.Dataset):
      return None
    sizes[name] = item.size
    unpacked += item.nbytes
    return name if item.external or item.is_virtual else None

  link = weights.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name)
  elsewhere = link or weights.visititems(look)
  if elsewhere:
    raise Refused(f"{path} takes {elsewhere} from elsewhere, and is not opened: save the network anew with Keras")
  check_unpacked(path, unpacked)
  return sizes


def _check_numbers(path, headers):
  """Raises ValueError where a network of ours repeats something more often than it has parameters."""
  outer = headers.config.get("config")
  fields = outer.get("config") if isinstance(outer, dict) else None
  if not isinstance(fields, dict) or not str(headers.config.get("registered_name", "")).startswith("tf_imgtrans>"):
    return
  most = max(MOST_REPEATED, headers.parameters)
  for name, value in fields.items():
    numbers = value if isinstance(value, (list, tuple)) else [value]
    if name != "seed" and any(isinstance(number, int) and number > most for number in numbers):
      raise Refused(f"{path}: {name} is {value} in a file of {headers.parameters:,} parameters: it is damaged, or made to "
                    "exhaust memory; save the network anew")
