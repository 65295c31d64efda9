"""Pairs of images, source and target: found by stem, checked before training."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import operator
import os
import pathlib
import unicodedata

from PIL import Image
from tqdm import tqdm

from tf_imgtrans.core.files import check_regular
from tf_imgtrans.core.images import UnreadableImage, list_images, read_uint8
from tf_imgtrans.core.names import closest

SHOWN = 5  # unusable pairs named in an error


@dataclasses.dataclass(frozen=True)
class Pair:
  """Two files that show the same scene."""

  source: pathlib.Path
  target: pathlib.Path

  @property
  def stem(self):
    return self.source.stem

  def __str__(self):
    return f"{self.source} | {self.target}"


def find_pairs(source_folder, target_folder):
  """Pairs two folders by stem, sorted by stem; suffixes may differ.

  Raises:
    FileNotFoundError: a folder is missing or holds no image.
    ValueError: images without a partner, naming the first five; or two files of one stem in one folder.
  """
  sources, targets = _by_stem(source_folder), _by_stem(target_folder)
  alone = sorted(set(sources) ^ set(targets))
  if alone:
    named = ", ".join(str(sources.get(stem) or targets.get(stem)) for stem in alone[:SHOWN])
    raise ValueError(f"{len(alone)} images have no partner of the same name in the other folder ({source_folder} and "
                     f"{target_folder}): {named}{', ...' if len(alone) > SHOWN else ''}; add or remove them")
  return [Pair(sources[stem], targets[stem]) for stem in sorted(sources)]


def check_pairs(pairs, smallest=1, scale=1):
  """Decodes every file and compares sizes, so that training does not start with an unusable pair.

  Args:
    pairs: list of Pair.
    smallest: int, the minimum height and width of a source.
    scale: int, targets are `scale` times as large as sources.
  Raises:
    ValueError: names the first five unusable pairs, with reasons.
  """
  _check(pairs, lambda pair: _fault(pair.source, pair.target, smallest, scale), "pairs")


def check_photographs(paths, smallest=1):
  """Decodes every photograph, as `check_pairs` does for pairs.

  Raises:
    ValueError: names the first five unusable files, with reasons.
  """
  _check(paths, lambda path: _fault(path, None, smallest), "photographs")


def _check(items, fault, what):
  with concurrent.futures.ThreadPoolExecutor() as pool:  # decoding releases the interpreter lock
    counted = tqdm(pool.map(fault, items), f"checking {what}", len(items), leave=False, delay=5)
    bad = [(item, reason) for item, reason in zip(items, counted) if reason]
  if bad:
    lines = "\n".join(f"  {item}: {reason}" for item, reason in bad[:SHOWN])
    more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    raise ValueError(f"{len(bad)} of {len(items)} {what} cannot be trained on:\n{lines}{more}\nRepair or remove them.")


def split_by_name(items, validation_share, name=operator.attrgetter("stem")):
  """Splits pairs or files by a hash of their stem, so that the same ones are held out on every machine and in every run.

  Args:
    items: list of Pair or Path, or of anything else that has a name.
    validation_share: float in [0, 1), the expected share held out. Of several items of different stems at least one is
      held out if it is above 0 (the one with the smallest hash), and at least one is used for training (that with the
      largest); a single item is used for training.
    name: item -> str.
  Returns:
    (training, validation) lists.
  """
  fractions = [_fraction(name(item)) for item in items]
  threshold = validation_share
  if items and validation_share > 0:
    threshold = min(max(threshold, min(fractions) + 2.0 ** -33), max(fractions))
  held = [fraction < threshold for fraction in fractions]
  return [item for item, out in zip(items, held) if not out], [item for item, out in zip(items, held) if out]


def split_by_group(items, validation_share, group):
  """Splits items by groups that stay whole, so that none is on both sides: as `split_by_name`.

  Args:
    items: list.
    validation_share: float in [0, 1). The groups held out come nearest to it; with a share above 0 at least one group is
      held out, and one is trained on.
    group: item -> str.
  """
  counts = collections.Counter(map(group, items))
  held, missing = set(), validation_share * len(items)
  while validation_share > 0 and len(held) < len(counts) - 1:
    nearest = min(sorted(counts.keys() - held), key=lambda name: abs(missing - counts[name]))
    if held and abs(missing - counts[nearest]) >= abs(missing):
      break
    held.add(nearest)
    missing -= counts[nearest]
  return [item for item in items if group(item) not in held], [item for item in items if group(item) in held]


def digest(items):
  """sha256 of the names and file sizes of a list of pairs or files: two runs with equal digests used the same images."""
  lines = (" ".join([item.stem, *(str(path.stat().st_size) for path in _files(item))]) for item in items)
  return hashlib.sha256(os.fsencode("\n".join(lines))).hexdigest()


def _files(item):
  return (item.source, item.target) if isinstance(item, Pair) else (item,)


def _by_stem(folder):
  folder = pathlib.Path(folder)
  if not folder.is_dir():
    siblings = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
    near = closest(folder.name, siblings)
    raise FileNotFoundError(f"no folder {folder}" + (f"; did you mean {folder.parent / near}?" if near else ""))
  found = {}
  for path in list_images([folder]):
    # A file system may keep an accent as a character of its own, another as a part of the letter: they look the same.
    other = found.setdefault(unicodedata.normalize("NFC", path.stem), path)
    if other is not path:
      raise ValueError(f"{folder} holds {other.name} and {path.name}, whose names differ only in the suffix: remove or "
                       "rename one")
  return found


def _fault(source, target, smallest, scale=1):
  """The fault of a source and its target, or of a source alone; None without a fault."""
  try:
    size = read_uint8(source).shape[:2]
    target_size = read_uint8(target).shape[:2] if target else (size[0] * scale, size[1] * scale)
  except (UnreadableImage, OSError) as error:
    return str(error)
  if min(size) < smallest:
    return f"{size[1]}x{size[0]} is smaller than {smallest}x{smallest}"
  if target_size != (size[0] * scale, size[1] * scale):
    return f"sizes differ: {size[1]}x{size[0]} and {target_size[1]}x{target_size[0]}"
  return None


def _fraction(stem):
  return int.from_bytes(hashlib.sha256(os.fsencode(stem)).digest()[:4], "big") / 2 ** 32


def set_some_aside(items, share, name=operator.attrgetter("stem")):
  """(others, those set aside) of what a first split has left, as `split_by_name`, by another hash than its."""
  return split_by_name(items, share, lambda item: f"set aside {name(item)}")


def check_sides(paths, least, remedy):
  """Checks sizes by the headers of images, which is fast; an unreadable image is reported later.

  Args:
    paths: list of Path.
    least: int, minimum of the shorter side in pixels.
    remedy: str, last line of the message.
  Raises:
    ValueError: names the first five that are smaller.
  """
  def side(path):
    with contextlib.suppress(Exception):
      check_regular(path)
      with Image.open(path) as image:
        return min(image.size)
    return None

  with concurrent.futures.ThreadPoolExecutor() as pool:
    small = [(path, found) for path, found in zip(paths, pool.map(side, paths)) if found is not None and found < least]
  if small:
    lines = "".join(f"\n  {path}: its shorter side has {found}" for path, found in small[:SHOWN])
    raise ValueError(f"{len(small)} of {len(paths)} images have less than {least} pixels:{lines}\n{remedy}")
