"""The three kinds of data folder: DPED's own, two paired folders, and clean photographs."""

import dataclasses
import pathlib

from tf_imgtrans.core.images import list_images, read_image
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.pairs import digest, find_pairs, split_by_name

DPED_PHONES = ("iphone", "blackberry", "sony")
DPED_TARGET = "canon"
HELD_OUT_SEED = 20180920  # of the degradation of held-out photographs
LAYOUTS = """expected one of
  DPED             DIR/<phone>/training_data/{<phone>,canon} and DIR/<phone>/test_data/patches/{<phone>,canon}
  paired folders   DIR/<any>/*.jpg and DIR/<other>/*.jpg, pictures of one pair having one name
  photographs      DIR/*.jpg, degraded on the fly"""


@dataclasses.dataclass(frozen=True)
class Folder:
  """What a data folder holds: pairs for training and validation, or clean photographs for both."""

  kind: str  # "dped", "pairs" or "photographs"
  training: list
  validation: list

  def summary(self):
    """What run.json says of the data: the digests tell whether two runs used the same files."""
    return {"kind": self.kind, "training": len(self.training), "validation": len(self.validation),
            "training_digest": digest(self.training), "validation_digest": digest(self.validation)}


def read_folder(directory, validation_share=0.1, phone=None, source=None, target=None):
  """Recognises the layout of a data folder and lists its files.

  Args:
    directory: the folder.
    validation_share: share of the files held out by a hash of their names; DPED's own test patches go before it.
    phone: "iphone", "blackberry" or "sony", where DPED holds several.
    source, target: names of the two folders below `directory`, where they cannot be told.
  Returns:
    Folder: pairs (data.pairs.Pair), or paths for photographs.
  Raises:
    FileNotFoundError: nothing that can be trained on, with the three layouts.
    ValueError: a share outside [0, 1), or an ambiguous folder.
  """
  if not 0 <= validation_share < 1:
    raise ValueError(f"validation_share is {validation_share}: expected a share from 0 to below 1")
  directory = pathlib.Path(directory)
  if not directory.is_dir():
    raise FileNotFoundError(f"no data folder {directory}: {LAYOUTS}")
  root = _dped_root(directory, phone)
  if root is not None and source is None:
    name = root.name if root.name in DPED_PHONES else phone
    return Folder("dped", find_pairs(root / "training_data" / name, root / "training_data" / DPED_TARGET),
                  find_pairs(root / "test_data" / "patches" / name, root / "test_data" / "patches" / DPED_TARGET))
  named = _paired_names(directory, source, target)
  if named is not None:
    return Folder("pairs", *split_by_name(find_pairs(*(directory / name for name in named)), validation_share))
  try:
    photographs = list_images([directory])
  except FileNotFoundError:
    raise FileNotFoundError(f"{directory} holds nothing to train on: {LAYOUTS}") from None
  return Folder("photographs", *split_by_name(photographs, validation_share))


def load_pictures(kind, items, most=None):
  """Reads the first `most` items of a Folder as (name, source, target), float32 [H, W, 3].

  Photographs are degraded by `phone_camera` with one seed for all: the same source in every run and every program.
  """
  return [_load(kind, item) for item in items[:most]]


def _load(kind, item):
  if kind != "photographs":
    return item.stem, read_image(item.source), read_image(item.target)
  target = read_image(item)
  return item.stem, phone_camera(target, HELD_OUT_SEED).numpy(), target


def _dped_root(directory, phone):
  """DIR/<phone> of a DPED tree; DIR itself may be it."""
  if (directory / "training_data").is_dir():
    return directory
  found = [name for name in DPED_PHONES if (directory / name / "training_data").is_dir()]
  if not found:
    return None
  if phone is None and len(found) > 1:
    raise ValueError(f"{directory} holds {', '.join(found)}: choose one with --phone")
  if phone is not None and phone not in found:
    raise FileNotFoundError(f"{directory} holds {', '.join(found)}, not {phone}")
  return directory / (phone or found[0])


def _paired_names(directory, source, target):
  if (source is None) != (target is None):
    raise ValueError(f"--source is {source!r} and --target is {target!r}: give both, or neither")
  if source is not None:
    return source, target
  folders = sorted(path.name for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
  if len(folders) != 2:
    return None
  for known in (DPED_TARGET, "target", "gt", "high", "B"):  # names that say which side is the target
    if known in folders:
      folders.remove(known)
      return folders[0], known
  raise ValueError(f"{directory} holds two folders, {folders[0]} and {folders[1]}: say which is which with --source and "
                   "--target")
