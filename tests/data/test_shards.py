"""Packed images: contents of the files, reading by number, and the errors for damaged files."""

import concurrent.futures
import json
import os
import zlib

import cv2
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.images import read_uint8, write_image
from tf_imgtrans.data import shards
from tf_imgtrans.data.pairs import digest
from tf_imgtrans.data.shards import DamagedShard, ShardStore, find_shards, pack

SIZES = [4, 8, 16]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
  """Seven images in two folders, of other shapes each."""
  folder = tmp_path_factory.mktemp("sources")
  found = [folder / ("a" if number < 4 else "b") / f"{number:02d}.png" for number in range(7)]
  for number, path in enumerate(found):
    write_image(path, recipes.random_images(16 + 3 * number, 40 - 2 * number, 3, seed=number))
  return found


@pytest.fixture
def packed(paths, tmp_path):
  assert pack(paths, tmp_path / "packed", SIZES, per_shard=3, version="1.2", progress=False)[1] == []
  return tmp_path / "packed"


def _expected(path, largest=16):
  """The middle square by area, by OpenCV."""
  image = read_uint8(path)
  side = min(image.shape[:2])
  top, left = ((length - side) // 2 for length in image.shape[:2])
  return cv2.resize(image[top:top + side, left:left + side], (largest, largest), interpolation=cv2.INTER_AREA)


def _halved(image, factor):
  """Block means, rounded half up, in whole numbers."""
  rows, columns = (length // factor for length in image.shape[:2])
  sums = image.reshape(rows, factor, columns, factor, 3).astype(int).sum((1, 3))
  return ((2 * sums + factor * factor) // (2 * factor * factor)).astype(np.uint8)


def test_every_size_by_number(packed, paths):
  for size in SIZES:
    store = ShardStore(packed, size)
    assert len(store) == 7 and store.size == size
    assert list(map(str, store.paths)) == [f"{path.parent.name}/{path.name}" for path in paths]
    for number, path in enumerate(paths):
      recipes.assert_same(store.read(np.int64(number)), _halved(_expected(path), 16 // size))
      assert store.read(number) is store.read(number)  # kept
    store.verify()
    without = ShardStore(packed, size, budget=0)
    recipes.assert_same(without.read(5), store.read(5))
    assert without.read(5) is not without.read(5)


def test_the_folder(packed, paths):
  found = find_shards(packed)
  assert (found.directory, found.sizes, found.version, len(found)) == (packed, (4, 8, 16), "1.2", 7)
  assert found.digest == digest(paths) and found.names[4] == "b/04.png"
  files = {path.relative_to(packed).as_posix() for path in packed.rglob("*") if path.is_file()}
  assert files == {"index.json", *(f"{size}x{size}/{name}" for size in SIZES for name in (
      "index.json", *(f"images-{shard:05d}-of-00003.tfrecord" for shard in range(3))))}
  assert json.loads((packed / "index.json").read_text())["number"] == 7
  index = json.loads((packed / "8x8" / "index.json").read_text())
  assert [len(part["offsets"]) for part in index["files"]] == [3, 3, 1]
  assert not list(packed.parent.glob(".writing-*"))


def test_tensorflow_reads_the_files(packed, paths):
  features = {"image": tf.io.FixedLenFeature([], tf.string), "name": tf.io.FixedLenFeature([], tf.string),
              "index": tf.io.FixedLenFeature([], tf.int64)}
  store = ShardStore(packed, 8)
  records = tf.data.TFRecordDataset(sorted(map(str, (packed / "8x8").glob("*.tfrecord"))))
  parsed = [tf.io.parse_single_example(record, features) for record in records]
  assert [int(each["index"]) for each in parsed] == list(range(7))
  assert [each["name"].numpy().decode() for each in parsed] == list(store.shards.names)
  for number, each in enumerate(parsed):
    recipes.assert_same(tf.io.decode_png(each["image"]), store.read(number))


def test_offsets_lengths_and_checksums(packed):
  for part in json.loads((packed / "16x16" / "index.json").read_text())["files"]:
    content = (packed / "16x16" / part["file"]).read_bytes()
    for offset, length, checksum in zip(part["offsets"], part["lengths"], part["checksums"]):
      assert int.from_bytes(content[offset:offset + 8], "little") == length
      assert zlib.crc32(content[offset + 12:offset + 12 + length]) == checksum
    assert len(content) == offset + length + 16


def test_as_tensors_and_from_many_threads(packed):
  store = ShardStore(packed, 16, budget=0)
  numbers = np.random.default_rng(0).integers(0, 7, 200)
  images = tf.data.Dataset.from_tensor_slices(numbers).map(store.tensor, num_parallel_calls=4)
  assert images.element_spec == tf.TensorSpec((16, 16, 3), tf.uint8)
  with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for image, other, number in zip(images, pool.map(store.read, numbers), numbers):
      recipes.assert_same(image, store.read(number))
      recipes.assert_same(other, store.read(number))


@given(power=st.integers(0, 4), smallest=st.integers(1, 5), height=st.integers(80, 90), width=st.integers(80, 90))
def test_means_are_rounded_once(tmp_path_factory, power, smallest, height, width):
  folder = tmp_path_factory.mktemp("any")
  write_image(folder / "a.png", recipes.random_images(height, width, 3, seed=height))
  sizes = [smallest << each for each in range(power + 1)]
  pack([folder / "a.png"], folder / "packed", sizes, progress=False)
  expected = _expected(folder / "a.png", sizes[-1])
  for size in sizes:
    recipes.assert_same(ShardStore(folder / "packed", size).read(0), _halved(expected, sizes[-1] // size))


def test_sizes_may_skip(paths, tmp_path):
  pack(paths, tmp_path / "packed", [16, 2], progress=False)
  recipes.assert_same(ShardStore(tmp_path / "packed", 2).read(6), _halved(_expected(paths[6]), 8))


def test_without_a_crop_and_enlarged(paths, tmp_path):
  pack(paths, tmp_path / "whole", [16], crop=False, progress=False)
  recipes.assert_same(ShardStore(tmp_path / "whole", 16).read(0),
                      cv2.resize(read_uint8(paths[0]), (16, 16), interpolation=cv2.INTER_AREA))
  pack(paths, tmp_path / "large", [16, 32], enlarge=True, progress=False)
  assert ShardStore(tmp_path / "large", 32).read(0).shape == (32, 32, 3)


def test_images_that_are_too_small_are_named(paths, tmp_path):
  with pytest.raises(ValueError) as raised:
    pack(paths, tmp_path / "packed", [16, 32], progress=False)
  message = str(raised.value)
  # The shorter sides are 16, 19, 22, 25, 28, 30 and 28.
  assert message.startswith("7 of 7 images have less than 32 pixels:") and "--enlarge" in message
  assert f"{paths[4]}: its shorter side has 28" in message and str(paths[5]) not in message
  assert not list(tmp_path.iterdir())


def test_unreadable_images_are_left_out(paths, tmp_path):
  torn, missing = tmp_path / "torn.png", tmp_path / "missing.png"
  torn.write_bytes(paths[0].read_bytes()[:700])
  found, failures = pack([paths[0], torn, missing, paths[6]], tmp_path / "packed", SIZES, per_shard=2, progress=False)
  assert [path for path, _ in failures] == [torn, missing]
  assert "truncated" in failures[0][1] and failures[1][1] == "no such file"
  store = ShardStore(tmp_path / "packed", 16)
  assert len(found) == len(store) == 2 and found.digest == digest([paths[0], paths[6]])
  recipes.assert_same(store.read(1), _expected(paths[6]))
  store.verify()
  with pytest.raises(ValueError, match="none of 1 images"):
    pack([torn], tmp_path / "none", SIZES, progress=False)
  assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "torn.png"]


def test_a_file_of_failures_alone_is_empty(paths, tmp_path):
  pack([tmp_path / "no.png", paths[0]], tmp_path / "packed", SIZES, per_shard=1, progress=False)
  store = ShardStore(tmp_path / "packed", 4)
  recipes.assert_same(store.read(0), _halved(_expected(paths[0]), 4))
  store.verify()


def test_nothing_is_written_over(paths, packed, tmp_path):
  before = (packed / "index.json").read_bytes()
  with pytest.raises(ValueError, match="holds packed images already: give another folder"):
    pack(paths, packed, SIZES, progress=False)
  assert (packed / "index.json").read_bytes() == before
  (tmp_path / "mine").mkdir()
  (tmp_path / "mine" / "notes.txt").write_text("mine")
  (tmp_path / "empty").mkdir()
  for name in ("mine", "mine/notes.txt"):
    with pytest.raises(ValueError, match="no empty folder"):
      pack(paths, tmp_path / name, SIZES, progress=False)
  pack(paths[:1], tmp_path / "empty", SIZES, progress=False)


def test_a_packing_that_was_killed_is_made_anew_and_one_under_way_is_left_alone(paths, tmp_path):
  (tmp_path / ".writing-other" / "8x8").mkdir(parents=True)
  with claimed(tmp_path, [".writing-other"], "a packing into other"):
    with pytest.raises(ValueError, match=f"{tmp_path} is written to by a packing into other, process {os.getpid()} on"):
      pack(paths, tmp_path / "other", SIZES, progress=False)
  assert (tmp_path / ".writing-other" / "8x8").is_dir()
  found, failures = pack(paths, tmp_path / "other", SIZES, progress=False)
  assert len(found) == len(paths) - len(failures) and not (tmp_path / ".writing-other").exists()


def test_a_failure_on_the_way_leaves_nothing(paths, tmp_path, monkeypatch):
  def full(*_):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(shards, "write_bytes", full)
  with pytest.raises(OSError, match="No space"):
    pack(paths, tmp_path / "packed", SIZES, progress=False)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sizes", [[], [0], [8, 24], [8, 12], [-8, 8]])
def test_sizes_that_are_none(sizes, paths, tmp_path):
  with pytest.raises(ValueError, match="powers of two times the smallest"):
    pack(paths, tmp_path / "packed", sizes, progress=False)


def test_what_is_no_packed_folder(packed, paths, tmp_path):
  assert find_shards(paths[0].parent) is None
  assert find_shards(tmp_path / "missing") is None
  assert find_shards(packed / "8x8") is None
  (tmp_path / "index.json").write_text('["something else"]')
  assert find_shards(tmp_path) is None
  with pytest.raises(FileNotFoundError, match="tf-imgtrans data pack"):
    ShardStore(tmp_path, 8)
  with pytest.raises(ValueError, match="size is 32: expected one that .* holds, 4, 8, 16"):
    ShardStore(packed, 32)
  index = json.loads((packed / "index.json").read_text())
  (packed / "index.json").write_text(json.dumps({**index, "format": 2}))
  with pytest.raises(ValueError, match="has format 2"):
    find_shards(packed)


SECOND = "images-00001-of-00003.tfrecord"


def _place(packed, number):
  """Path, offset and length of a record of the second file."""
  part = json.loads((packed / "16x16" / "index.json").read_text())["files"][1]
  return packed / "16x16" / part["file"], part["offsets"][number - 3], part["lengths"][number - 3]


@pytest.mark.parametrize("before, fault", [(0, "bytes: expected"), (20, "checksum"), (300, "checksum")])
def test_a_flipped_bit_is_found(before, fault, packed):
  path, offset, _ = _place(packed, 4)
  content = bytearray(path.read_bytes())
  content[offset + before] ^= 1
  path.write_bytes(content)
  store = ShardStore(packed, 16)
  for number in (0, 3, 5, 6):
    store.read(number)
  with pytest.raises(DamagedShard, match=rf"{SECOND}: record 4 \(b/04.png\).*{fault}.*tf-imgtrans data pack"):
    store.read(4)
  with pytest.raises(DamagedShard, match=rf"{SECOND}: record 4 .*cannot be read"):
    store.verify()
  with pytest.raises(tf.errors.OpError, match="record 4"):
    list(tf.data.Dataset.range(7).map(store.tensor))


def test_files_that_are_cut_or_missing(packed):
  store = ShardStore(packed, 16)
  path, offset, length = _place(packed, 4)
  whole = path.read_bytes()
  path.write_bytes(whole[:offset + 50])
  with pytest.raises(DamagedShard, match=rf"{SECOND}: record 4 \(b/04.png\) is cut short .*data pack"):
    ShardStore(packed, 16)
  store.read(3)
  for number, left in ((4, 50), (5, 0)):  # of a file that is cut while it is used
    with pytest.raises(DamagedShard, match=rf"record {number} .*ends after {left} of \d+ bytes"):
      store.read(number)
  path.write_bytes(whole + b"more")
  with pytest.raises(DamagedShard, match="expected"):
    ShardStore(packed, 16)
  path.unlink()
  with pytest.raises(FileNotFoundError, match=f"{SECOND}: remove the folder and make it again"):
    ShardStore(packed, 16)
  ShardStore(packed, 8).read(4)  # the other sizes are whole


def test_an_index_of_other_images(packed, paths, tmp_path):
  pack(paths[:3], tmp_path / "other", SIZES, progress=False)
  for file in (packed / "8x8").iterdir():
    file.unlink()
  for file in (tmp_path / "other" / "8x8").iterdir():
    file.rename(packed / "8x8" / file.name)
  with pytest.raises(DamagedShard, match="is of other images than"):
    ShardStore(packed, 8)


def test_verify_finds_records_in_the_wrong_place(packed):
  files = sorted((packed / "16x16").glob("*.tfrecord"))[:2]
  index = json.loads((packed / "16x16" / "index.json").read_text())
  index["files"][0], index["files"][1] = ({**index["files"][1], "file": files[1].name},
                                          {**index["files"][0], "file": files[0].name})
  (packed / "16x16" / "index.json").write_text(json.dumps(index))
  with pytest.raises(DamagedShard, match="record 0 .*of another place"):
    ShardStore(packed, 16).verify()
