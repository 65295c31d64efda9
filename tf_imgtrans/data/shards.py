"""Images packed for training at several sizes: TFRecord files read by number, of which only the needed size is decoded.

    OUT/index.json                                  sizes, number and names of the images, digest of the sources, version
    OUT/64x64/index.json                            offset, length and CRC-32 of every record of each file
    OUT/64x64/images-00000-of-00070.tfrecord      and so on, for every size

A record is a tf.train.Example: "image" bytes, a PNG of SIZE x SIZE pixels, RGB of 8 bits; "name" bytes, the source's path
below its folder, UTF-8; "index" int64, 0, 1, 2, ... through all files. tf.data.TFRecordDataset reads the files too.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import struct
import sys
import zlib

import cv2
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.files import NoObject, atomic_path, read_json, write_bytes
from tf_imgtrans.core.images import UnreadableImage, read_uint8
from tf_imgtrans.data.pairs import check_sides, digest
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.data.store import BUDGET, ImageStore

KIND, FORMAT, INDEX = "tf_imgtrans pictures", 1, "index.json"
HEADER, FOOTER = 12, 4  # bytes around a record: uint64 length and its checksum before it, the record's checksum behind it
REMEDY = "remove the folder and make it again with tf-imgtrans data pack"


class DamagedShard(ValueError):
  """A packed file that does not match its index; the message names the file, the record and the remedy."""


@dataclasses.dataclass(frozen=True)
class Shards:
  """A packed folder."""

  directory: pathlib.Path
  sizes: tuple  # of int, sides of the squares, ascending
  names: tuple  # of str by number: the sources' paths below their folder
  digest: str  # data.pairs.digest of the sources
  version: str  # of the package that packed them

  def __len__(self):
    """Number of images of each size."""
    return len(self.names)


def find_shards(directory):
  """The packed images of a folder as Shards; None if it is missing or of another kind. ValueError: a newer format."""
  path = pathlib.Path(directory) / INDEX
  try:
    index = read_json(path) if path.is_file() else {}
  except NoObject:  # another program's
    return None
  if index.get("kind") != KIND or "names" not in index:
    return None
  with _damage_of(path):
    if index["format"] > FORMAT:
      raise DamagedShard(f"{path} has format {index['format']}, of tf_imgtrans {index['version']}: expected at most "
                         f"{FORMAT}; update the package, or pack again")
    return Shards(path.parent, tuple(map(int, index["sizes"])), tuple(index["names"]), index["digest"], index["version"])


@contextlib.contextmanager
def _damage_of(path):
  """Turns what goes wrong with values of wrong types in an index into a DamagedShard."""
  try:
    yield
  except DamagedShard:
    raise
  except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
    raise DamagedShard(f"{path} is damaged ({error}): {REMEDY}") from error


class ShardStore:
  """Packed images of one size by number, for tf.data; used as `data.store.ImageStore` is.

  Each record is read at its offset and its CRC-32 is checked, so that image i depends on i alone, with any number of
  threads. Decoded images are kept in memory up to the budget.

  Args:
    directory: a folder of `tf-imgtrans data pack`.
    size: int, one of its sizes.
    budget: int, bytes of decoded images to keep.
  Attributes: `shards`, of type Shards; `size`; `paths`, a list of PurePosixPath, the sources' below their folder.
  Raises:
    FileNotFoundError: no packed folder, or one of its files is missing.
    ValueError: a size that is not in the folder.
    DamagedShard: a file that is cut short, or an index of other images.
  """

  def __init__(self, directory, size, budget=BUDGET):
    self.shards, self.size = find_shards(directory), size
    if self.shards is None:
      raise FileNotFoundError(f"{directory} holds no packed images: make it with tf-imgtrans data pack")
    if size not in self.shards.sizes:
      raise ValueError(f"size is {size}: expected one that {directory} holds, {', '.join(map(str, self.shards.sizes))}")
    self.paths = [pathlib.PurePosixPath(name) for name in self.shards.names]
    self._store = ImageStore(range(len(self.paths)), budget, read=self._read)
    self._open_index(pathlib.Path(directory) / f"{size}x{size}" / INDEX)

  def __len__(self):
    return len(self.paths)

  def read(self, number):
    """The image `number` as a uint8 array [size, size, 3]; DamagedShard if its record is damaged."""
    return self._store.read(number)

  def tensor(self, number):
    """The image `number`, an integer tensor, as a uint8 tensor [size, size, 3]."""
    return tf.ensure_shape(self._store.tensor(number), [self.size, self.size, 3])

  def verify(self):
    """Reads every record as tf.data does, with TFRecord's own checksums; DamagedShard for the first fault."""
    number = -1
    try:
      for number, record in enumerate(tf.data.TFRecordDataset(list(map(os.fsencode, self._files))).as_numpy_iterator()):
        if number >= len(self) or self._decoded(record, number)[1:] != (self.shards.names[number], number):
          raise self._damaged(min(number, len(self) - 1), "is of another folder, or of another place")
    except tf.errors.OpError as error:
      raise self._damaged(number + 1, f"cannot be read ({error.message})") from None

  def _open_index(self, path):
    """Reads offsets, lengths and checksums, and checks the lengths of the files."""
    if not path.is_file():
      raise FileNotFoundError(f"no file {path}: {REMEDY}")
    index = read_json(path)
    with _damage_of(path):
      self._files = [path.with_name(each["file"]) for each in index["files"]]
      # int64 [N, 4]: file, offset, length and checksum by number
      rows = [(file, *row) for file, each in enumerate(index["files"])
              for row in zip(each["offsets"], each["lengths"], each["checksums"])]
      self._places = np.array(rows, np.int64).reshape(-1, 4)
    if (index.get("digest"), len(rows)) != (self.shards.digest, len(self)):
      raise DamagedShard(f"{path} is of other images than {self.shards.directory / INDEX}: {REMEDY}")
    for file, each in enumerate(self._files):
      if not each.is_file():
        raise FileNotFoundError(f"no file {each}: {REMEDY}")
      numbers = np.flatnonzero(self._places[:, 0] == file)
      ends = self._places[numbers, 1] + self._places[numbers, 2] + HEADER + FOOTER
      found, expected = each.stat().st_size, max(ends, default=0)
      if found != expected and len(numbers):
        cut = numbers[min(np.sum(ends <= found), len(ends) - 1)]
        raise self._damaged(cut, f"is cut short or not the last: the file has {found} bytes, expected {expected}")

  def _read(self, number):
    file, offset, length, checksum = self._places[number].tolist()
    with open(self._files[file], "rb") as opened:
      opened.seek(offset)
      content = opened.read(HEADER + length + FOOTER)
    if len(content) < HEADER + length + FOOTER:
      raise self._damaged(number, f"ends after {len(content)} of {HEADER + length + FOOTER} bytes")
    said, record = struct.unpack_from("<Q", content)[0], content[HEADER:-FOOTER]
    if said != length or zlib.crc32(record) != checksum:
      raise self._damaged(number, "has a wrong checksum" if said == length else f"has {said} bytes: expected {length}")
    return self._decoded(record, number)[0]

  def _decoded(self, record, number):
    """(uint8 [size, size, 3], name, index) of a serialised tf.train.Example."""
    try:
      features = tf.train.Example.FromString(record).features.feature
      encoded, name = (features[key].bytes_list.value[0] for key in ("image", "name"))
      image = cv2.cvtColor(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
      index = features["index"].int64_list.value[0]
    except Exception as error:  # protobuf, an empty list and OpenCV raise different types
      raise self._damaged(number, f"differs from what was packed ({error})") from None
    if image.shape != (self.size, self.size, 3):
      raise self._damaged(number, f"has shape {image.shape}: expected {self.size}x{self.size} pixels")
    return image, name.decode(), index

  def _damaged(self, number, fault):
    path = self._files[self._places[number, 0]]
    return DamagedShard(f"{path}: record {number} ({self.shards.names[number]}) {fault}; {REMEDY}")


def pack(paths, out, sizes, per_shard=1000, crop=True, enlarge=False, root=None, version="", progress=True):
  """Packs images as squares of several sizes, for ShardStore.

  Each is cut to the largest square in its middle and brought to the largest size by area; a pixel of a smaller size is the
  mean of its block of that, rounded once. Unreadable images are left out. The folder appears when it is complete.

  Args:
    paths: list of image files.
    out: folder to make; it may exist, if it is empty.
    sizes: sides in pixels, each a power of two times the smallest.
    per_shard: int, images per file.
    crop: bool; False squeezes the whole image into the square.
    enlarge: bool, whether images smaller than the largest size are accepted.
    root: folder that the names are relative to; None for the common folder of all images.
    version: str, of the package, for the index.
    progress: bool, whether a bar is drawn on the error stream.
  Returns:
    (Shards, list of (path, reason) of the images that were left out).
  Raises:
    ValueError: wrong sizes, a folder that is not empty, images too small (naming the first five), or none readable.
  """
  paths, sizes, out = list(dict.fromkeys(map(pathlib.Path, paths))), _check_sizes(sizes), pathlib.Path(out).absolute()
  if not paths or per_shard < 1:
    raise ValueError(f"{len(paths)} images and {per_shard} a file: expected at least one of each")
  if out.exists() and (not out.is_dir() or any(out.iterdir())):
    what = "holds packed images already" if out.is_dir() and find_shards(out) else "exists, and is no empty folder"
    raise ValueError(f"{out} {what}: give another folder, or remove it")
  if not enlarge:
    check_sides(paths, sizes[-1], "Remove them, take a smaller --size, or allow it with --enlarge.")
  root = root or os.path.commonpath([path.absolute().parent for path in paths])
  names = {path: pathlib.Path(os.path.relpath(path.absolute(), root)).as_posix() for path in paths}
  unfinished = out.with_name(f".writing-{out.name}")
  with claimed(out.parent, [unfinished.name], f"a packing into {out.name}"):
    shutil.rmtree(unfinished, ignore_errors=True)  # of a packing that was killed
    unfinished.mkdir()
    failures = _pack(paths, names, out, unfinished, sizes, per_shard, crop, enlarge, version, progress)
  return find_shards(out), failures


def _pack(paths, names, out, unfinished, sizes, per_shard, crop, enlarge, version, progress):
  """Packs into the folder `unfinished`, which takes the place of `out` when it is whole; the failures."""
  try:
    squares = _ahead(lambda path: _squares(path, sizes, crop, enlarge), paths)
    bar = tqdm(squares, "packing", len(paths), unit="image", disable=not progress, file=sys.stderr)
    with contextlib.closing(iter(bar)) as done:
      failures = _write(done, names, unfinished, sizes, per_shard, version)
    if out.exists():
      out.rmdir()
    os.replace(unfinished, out)
  except BaseException:
    shutil.rmtree(unfinished)
    raise
  return failures


def _check_sizes(sizes):
  sizes = sorted(set(sizes))
  if not sizes or sizes[0] < 1 or any(size % sizes[0] or (size // sizes[0]).bit_count() > 1 for size in sizes):
    raise ValueError(f"sizes are {sizes}: expected powers of two times the smallest, such as 8, 16, 32")
  return sizes


def _squares(path, sizes, crop, enlarge):
  """The image of a file as PNG bytes of each size, in their order; or the reason for a failure."""
  try:
    image = read_uint8(path)
  except (UnreadableImage, OSError) as error:
    return str(error).removeprefix(f"{path}: ")
  if min(image.shape[:2]) < sizes[-1] and not enlarge:
    return f"its shorter side has {min(image.shape[:2])} pixels: expected {sizes[-1]}"
  sums, encoded = resize(central_square(image) if crop else image, sizes[-1]).astype(np.uint64), []
  while True:
    pixels = (sizes[-1] // len(sums)) ** 2
    if len(sums) in sizes:
      mean = np.ascontiguousarray(((sums + pixels // 2) // pixels).astype(np.uint8)[..., ::-1])
      encoded.insert(0, cv2.imencode(".png", mean, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
    if len(sums) == sizes[0]:
      return encoded
    sums = sums[::2, ::2] + sums[1::2, ::2] + sums[::2, 1::2] + sums[1::2, 1::2]


def _ahead(work, items):
  """Yields (item, work(item)) in order, from several threads, with few in progress, as all would not fit into memory."""
  threads, waiting = os.cpu_count() or 1, collections.deque()
  with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    for item in items:
      waiting.append((item, pool.submit(work, item)))
      if len(waiting) > 2 * threads:
        item, future = waiting.popleft()
        yield item, future.result()
    for item, future in waiting:
      yield item, future.result()


def _write(squares, names, out, sizes, per_shard, version):
  """Writes files and indices to `out`: list of (path, reason) of what failed.
  `squares` gives (path, PNG bytes by size or a reason) of each path in `names`.
  """
  count, files, taken, failures = -(-len(names) // per_shard), {size: [] for size in sizes}, [], []
  for shard in range(count):
    name = f"images-{shard:05d}-of-{count:05d}.tfrecord"
    with contextlib.ExitStack() as stack:
      writers = []
      for size in sizes:
        temporary = stack.enter_context(atomic_path(out / f"{size}x{size}" / name))
        writers.append(stack.enter_context(tf.io.TFRecordWriter(str(temporary))))
        files[size].append({"file": name, "offsets": [], "lengths": [], "checksums": []})
      for path, encoded in itertools.islice(squares, per_shard):
        if isinstance(encoded, str):
          failures.append((path, encoded))
          continue
        for size, writer, image in zip(sizes, writers, encoded):
          record, part = _example(image, names[path], len(taken)), files[size][-1]
          writer.write(record)
          end = part["offsets"][-1] + part["lengths"][-1] + HEADER + FOOTER if part["offsets"] else 0
          for key, value in (("offsets", end), ("lengths", len(record)), ("checksums", zlib.crc32(record))):
            part[key].append(value)
        taken.append(path)
  if not taken:
    raise ValueError(f"none of {len(names)} images could be packed; the first is {failures[0][0]}: {failures[0][1]}")
  common = {"kind": KIND, "format": FORMAT, "version": version, "digest": digest(taken)}
  contents = {out / f"{size}x{size}" / INDEX: {"size": size, "files": files[size]} for size in sizes}
  contents[out / INDEX] = {"sizes": sizes, "number": len(taken), "names": [names[path] for path in taken]}
  for path, content in contents.items():  # in one line: indented, each number of 70 000 images would take a line
    write_bytes(path, (json.dumps({**common, **content}) + "\n").encode())
  return failures


def _example(image, name, index):
  texts = {"image": image, "name": os.fsencode(name)}
  features = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in texts.items()}
  features["index"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[index]))
  return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)
