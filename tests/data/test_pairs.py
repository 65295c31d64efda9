"""Pairs: found by stem, checked, split by a hash."""

import hashlib
import os
import pathlib
import sys

import numpy as np
import pytest
import recipes
from PIL import Image

from tf_imgtrans.core.images import write_image
from tf_imgtrans.data.pairs import Pair, check_pairs, digest, find_pairs, split_by_name


def _write(folder, names, size=(16, 20)):
  for index, name in enumerate(names):
    write_image(folder / name, recipes.random_images(*size, 3, seed=index))


def _pairs(stems):
  return [Pair(pathlib.Path("low") / f"{stem}.jpg", pathlib.Path("high") / f"{stem}.png") for stem in stems]


def test_find_pairs_by_stem(tmp_path):
  _write(tmp_path / "low", ["b.jpg", "a.png", "10.jpg"])
  _write(tmp_path / "high", ["a.png", "10.png", "b.PNG"])
  (tmp_path / "low" / "notes.txt").touch()
  pairs = find_pairs(tmp_path / "low", str(tmp_path / "high"))
  assert [pair.stem for pair in pairs] == ["10", "a", "b"]
  assert [(pair.source.name, pair.target.name) for pair in pairs] == [
      ("10.jpg", "10.png"), ("a.png", "a.png"), ("b.jpg", "b.PNG")]


def test_find_pairs_names_five_without_a_partner(tmp_path):
  _write(tmp_path / "low", [f"{n}.png" for n in range(1, 5)] + ["both.png"])
  _write(tmp_path / "high", [f"{n}.png" for n in range(5, 9)] + ["both.png"])
  with pytest.raises(ValueError) as caught:
    find_pairs(tmp_path / "low", tmp_path / "high")
  message = str(caught.value)
  assert message.startswith("8 images have no partner of the same name")
  for name in ("low/1.png", "low/4.png", "high/5.png"):
    assert name in message
  for name in ("high/6.png", "high/8.png", "both.png"):
    assert name not in message


def test_find_pairs_of_missing_and_empty_folders(tmp_path):
  _write(tmp_path / "canon", ["1.png"])
  (tmp_path / "empty").mkdir()
  with pytest.raises(FileNotFoundError, match=r"no folder .*cannon; did you mean .*canon\?"):
    find_pairs(tmp_path / "canon", tmp_path / "cannon")
  with pytest.raises(FileNotFoundError, match="empty: no image in this folder .*.jpg"):
    find_pairs(tmp_path / "empty", tmp_path / "canon")


def test_two_images_of_one_stem_are_named(tmp_path):
  _write(tmp_path / "low", ["a.jpg", "a.png", "b.png"])
  _write(tmp_path / "high", ["a.png", "b.png"])
  for arguments in ((tmp_path / "low", tmp_path / "high"), (tmp_path / "high", tmp_path / "low")):
    with pytest.raises(ValueError, match="low holds a.jpg and a.png, whose names differ only in the suffix"):
      find_pairs(*arguments)


def test_hidden_files_are_no_images(tmp_path):
  for name in ("low", "high"):
    _write(tmp_path / name, ["a.jpg"])
  (tmp_path / "low" / "._a.jpg").write_bytes(b"what a Mac leaves on other disks")
  assert [pair.stem for pair in find_pairs(tmp_path / "low", tmp_path / "high")] == ["a"]


@pytest.fixture
def folders(tmp_path):
  """Eight pairs: two valid, and one each truncated, empty, missing, too small, and two of unequal size."""
  low, high = tmp_path / "low", tmp_path / "high"
  _write(low, [f"{n}.png" for n in range(8)])
  _write(high, [f"{n}.png" for n in range(8)])
  content = (low / "1.png").read_bytes()
  (low / "1.png").write_bytes(content[:len(content) // 2])
  (high / "2.png").write_bytes(b"")
  (high / "3.png").unlink()
  for folder in (low, high):
    _write(folder, ["4.png"], size=(15, 40))
  _write(high, ["5.png", "6.png"], size=(20, 16))
  return [Pair(low / f"{n}.png", high / f"{n}.png") for n in range(8)]


def test_check_pairs_names_five_with_their_reasons(folders):
  with pytest.raises(ValueError) as caught:
    check_pairs(folders, smallest=16)
  first, *lines = str(caught.value).splitlines()
  assert first == "6 of 8 pairs cannot be trained on:"
  assert len(lines) == 7 and lines[5].strip() == "and 1 more"
  reasons = ["truncated", "empty", "no such file", "40x15 is smaller than 16x16", "sizes differ: 20x16 and 16x20"]
  for line, number, reason in zip(lines, range(1, 6), reasons):
    assert f"{number}.png" in line and reason in line.lower()


def test_check_pairs_passes_sound_ones(folders):
  check_pairs([folders[0], folders[7]], smallest=16)
  check_pairs([])
  check_pairs([folders[4]], smallest=15)


def test_check_pairs_of_scaled_targets(tmp_path):
  _write(tmp_path / "low", ["1.png"], size=(8, 10))
  _write(tmp_path / "high", ["1.png"], size=(32, 40))
  pairs = find_pairs(tmp_path / "low", tmp_path / "high")
  check_pairs(pairs, scale=4)
  with pytest.raises(ValueError, match="sizes differ: 10x8 and 40x32"):
    check_pairs(pairs, scale=2)


def test_split_is_disjoint_complete_and_by_hash():
  pairs = _pairs(f"photo{n:04d}" for n in range(1000))
  training, validation = split_by_name(pairs, 0.2)
  assert sorted(training + validation, key=lambda pair: pair.stem) == pairs
  # 1000 draws of share 0.2: deviation sqrt(1000 * 0.2 * 0.8) = 12.6.
  assert abs(len(validation) - 200) < 3 * 12.6
  held = [int(hashlib.sha256(pair.stem.encode()).hexdigest()[:8], 16) / 2 ** 32 < 0.2 for pair in pairs]
  assert validation == [pair for pair, out in zip(pairs, held) if out]


def test_split_of_a_pair_does_not_depend_on_the_others():
  pairs = _pairs(f"photo{n:04d}" for n in range(300))
  _, validation = split_by_name(pairs, 0.1)
  _, of_half = split_by_name(pairs[::2], 0.1)
  assert of_half == [pair for pair in validation if pair in pairs[::2]]
  _, of_more = split_by_name(pairs, 0.3)
  assert set(validation) <= set(of_more)
  assert split_by_name(pairs, 0.0) == (pairs, [])


def test_at_least_one_of_several_is_held_out():
  paths = [pathlib.Path(f"{number}.png") for number in range(3)]
  training, validation = split_by_name(paths, 1e-9)
  assert len(validation) == 1 and sorted(training + validation) == paths
  assert split_by_name(paths[:1], 1e-9) == (paths[:1], [])


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("share", [0.0, 1e-9, 0.1, 0.9, 1 - 1e-9])
def test_at_least_one_is_trained_on(count, share):
  paths = [pathlib.Path(f"{number}.jpg") for number in range(10 - count, 10)]  # 9.jpg has a hash below 0.1
  training, validation = split_by_name(paths, share)
  assert sorted(training + validation) == paths
  assert training and bool(validation) == (count > 1 and share > 0)
  if share > 0.99 and count > 1:
    fraction = lambda path: hashlib.sha256(path.stem.encode()).hexdigest()  # noqa: E731
    assert training == [max(paths, key=fraction)]


def test_split_of_nothing():
  assert split_by_name([], 0.1) == ([], [])


def test_digest_is_of_the_stems_and_sizes_in_order(tmp_path):
  for side, name in enumerate(("low", "high")):
    (tmp_path / name).mkdir()
    for size, stem in enumerate("ab", 10):
      (tmp_path / name / f"{stem}.png").write_bytes(bytes(size + 10 * side))
  paths = sorted((tmp_path / "low").iterdir())
  pairs = [Pair(path, tmp_path / "high" / path.name) for path in paths]
  assert digest(paths) == hashlib.sha256(b"a 10\nb 11").hexdigest()
  before = digest(pairs)
  assert before == hashlib.sha256(b"a 10 20\nb 11 21").hexdigest()
  assert digest(pairs[::-1]) != before
  for path in (pairs[1].source, pairs[1].target):
    size = path.stat().st_size
    path.write_bytes(bytes(size + 1))  # another image of the same name
    assert digest(pairs) != before
    path.write_bytes(bytes(size))
    assert digest(pairs) == before


def test_images_keep_their_bits(tmp_path):
  image = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
  write_image(tmp_path / "a.png", image)
  from tf_imgtrans.data.store import ImageStore

  store = ImageStore([tmp_path / "a.png"] * 3, budget=image.nbytes)
  assert len(store) == 3
  for _ in range(2):
    for number in range(3):  # the first is kept in memory, the others do not fit
      recipes.assert_same(store.read(number), image)
  assert list(store._kept) == [0]
  recipes.assert_same(store.tensor(np.int64(2)), image)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")
def test_names_of_any_bytes(tmp_path):
  """Latin-1, as from an old archive, and Chinese in its own encoding."""
  names = [b"caf\xe9.png", "\u732b".encode("gb18030") + b".png", "\u732b.png".encode()]
  for side in ("low", "target"):
    (tmp_path / side).mkdir()
    for name in names:
      with open(os.path.join(os.fsencode(tmp_path / side), name), "wb") as file:
        Image.fromarray(np.full((8, 8, 3), len(name), np.uint8)).save(file, "PNG")
  pairs = find_pairs(tmp_path / "low", tmp_path / "target")
  check_pairs(pairs)
  assert len(pairs) == 3 and len(digest(pairs)) == 64
  assert sum(map(len, split_by_name(pairs, 0.4))) == 3


def test_names_that_look_alike_are_pairs(tmp_path):
  """An accent as a character of its own, as macOS has written it, and as a part of the letter."""
  for side, name in (("low", "cafe\u0301"), ("target", "caf\u00e9")):
    (tmp_path / side).mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / side / f"{name}.png")
  assert len(find_pairs(tmp_path / "low", tmp_path / "target")) == 1
