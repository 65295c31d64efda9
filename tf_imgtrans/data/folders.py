"""The kinds of data folder: DPED's own, the challenge's, two paired folders, and clean photographs."""

import dataclasses
import pathlib

from tf_imgtrans.core.images import IMAGE_SUFFIXES, list_images, read_image
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.pairs import digest, find_pairs, set_some_aside, split_by_name

DPED_PHONES = ("iphone", "blackberry", "sony")
DPED_TARGET = "canon"
TARGETS = (DPED_TARGET, "target", "gt", "high", "B")  # names of folders that say which side is the target
HELD_OUT_SEED = 20180920  # of the degradation of held-out photographs
LAYOUTS = """expected one of
  DPED             DIR/<phone>/training_data/{<phone>,canon}, and DIR/<phone>/test_data/patches/{<phone>,canon} if held out
  the challenge's  DIR/patches/{<phone>,canon}, as in the repository of the PIRM 2018 challenge on smartphones
  paired folders   DIR/<any>/*.jpg and DIR/<other>/*.jpg, images of one pair having one name
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

  def without_held_out(self, share):
    """The folder of a run that never sees the held-out images: it validates on a share of the others, Folder."""
    training, validation = set_some_aside(self.training, share)
    return dataclasses.replace(self, training=training, validation=validation)


def as_trained(images, options):
  """Images in the parts that a run had of them.

  Args:
    images: what a task's `read` gives.
    options: dict, those of run.json; with a `tuning_share` the run never saw the images held out.
  """
  share = options.get("tuning_share", 0)
  return images.without_held_out(share) if share else images


def read_folder(directory, validation_share=0.1, phone=None, source=None, target=None):
  """Recognises the layout of a data folder and lists its files.

  Args:
    directory: the folder.
    validation_share: share of the files held out by a hash of their names; DPED's own test patches, where there are
      any, go before it.
    phone: "iphone", "blackberry" or "sony", where DPED holds several.
    source, target: names of the two folders below `directory`, where they cannot be inferred.
  Returns:
    Folder: pairs (data.pairs.Pair), or paths for photographs.
  Raises:
    FileNotFoundError: nothing that can be trained on, with the layouts; or no such phone.
    ValueError: a share outside [0, 1), or an ambiguous folder.
  """
  _check_share(validation_share)
  directory = pathlib.Path(directory)
  if not directory.is_dir():
    raise FileNotFoundError(f"no data folder {directory}: {LAYOUTS}")
  found = _find_phone(directory, phone) if source is None and target is None else None
  if found is not None:
    return Folder("dped", *_dped_parts(*found, validation_share))
  phones = _challenge_phones(directory) if source is None and target is None else None
  if phones:
    source, target = _choose_phone(directory, phones, phone), DPED_TARGET
    directory = directory / "patches"
  named = _paired_names(directory, source, target)
  if named is not None:
    return Folder("pairs", *split_by_name(find_pairs(*(directory / name for name in named)), validation_share))
  try:
    photographs = list_images([directory])
  except FileNotFoundError:
    raise FileNotFoundError(f"{directory} holds nothing to train on: {LAYOUTS}") from None
  return Folder("photographs", *split_by_name(photographs, validation_share))


def read_photographs(directory, validation_share=0.1):
  """Lists the photographs of a folder with all its subfolders, as CelebA and SUN397 lie on the disk.

  DIR/train and DIR/test (or DIR/val), where both are there, are the two parts; else a share is held out by a hash of
  the names.

  Args:
    directory: the folder.
    validation_share: float in [0, 1).
  Returns:
    Folder of kind "photographs".
  Raises:
    FileNotFoundError: no such folder, or no image in it.
    ValueError: a share outside [0, 1).
  """
  _check_share(validation_share)
  directory = pathlib.Path(directory)
  if not directory.is_dir():
    raise FileNotFoundError(f"no data folder {directory}: give one with photographs in it or below it")
  images = [list_images([part], recursive=True) for part in photograph_parts(directory)]
  return Folder("photographs", *(split_by_name(*images, validation_share) if len(images) == 1 else images))


def photograph_parts(directory):
  """The folders that `read_photographs` lists: DIR/train and DIR/test (or DIR/val), or DIR alone."""
  directory = pathlib.Path(directory)
  for held_out in ("test", "val", "validation"):
    if (directory / "train").is_dir() and (directory / held_out).is_dir():
      return [directory / "train", directory / held_out]
  return [directory]


def check_run_outside(out, folders):
  """Raises ValueError where a run folder lies in one of the folders of its photographs; None lies nowhere."""
  if out is not None and any(folder.resolve() in pathlib.Path(out).resolve().parents for folder in folders):
    raise ValueError(f"out is {out}, in the data folder, where the run's previews would be taken for photographs: choose "
                     "another --out")


def full_photographs(directory, phone=None):
  """Whole photographs of a data folder, for metrics that patches are too small for: list of Path.

  DIR/<phone>/test_data/full_size_test_images of DPED, DIR/HD_res of the challenge, else DIR itself.

  Raises:
    FileNotFoundError: no images there.
  """
  directory = pathlib.Path(directory)
  if not directory.is_dir():
    raise FileNotFoundError(f"no data folder {directory}")
  found = _find_phone(directory, phone)
  if found is not None:
    return list_images([found[0] / "test_data" / "full_size_test_images"])
  return list_images([directory / "HD_res" if (directory / "HD_res").is_dir() else directory])


def iterate_images(kind, items, largest=None, degrade=phone_camera):
  """Reads the items of a Folder one after the other: yields (name, source, target), float32 [H, W, 3].

  Photographs are degraded with one seed for all: the same source in every run and every program.

  Args:
    kind: str, of the Folder.
    items: list of Pair, or of Path for photographs.
    largest: int, pixels; of an image that is higher or wider, the middle of that height or width is taken, of a
      photograph before it is degraded. None takes all.
    degrade: (image, seed) -> source, of photographs.
  """
  for item in items:
    if kind == "photographs":
      target = _middle(read_image(item), largest)
      yield item.stem, degrade(target, HELD_OUT_SEED).numpy(), target
    else:
      yield item.stem, _middle(read_image(item.source), largest), _middle(read_image(item.target), largest)


def load_images(kind, items, most=None, largest=None):
  """The first `most` images of `iterate_images`, as a list."""
  return list(iterate_images(kind, items[:most], largest))


def _check_share(validation_share):
  if not 0 <= validation_share < 1:
    raise ValueError(f"validation_share is {validation_share}: expected a share from 0 to below 1")


def _middle(image, largest):
  height, width = image.shape[:2]
  if largest is None or max(height, width) <= largest:
    return image
  top, left = max(height - largest, 0) // 2, max(width - largest, 0) // 2
  return image[top:top + largest, left:left + largest].copy()  # a view would keep the whole image in memory


def _find_phone(directory, phone):
  """(DIR/<phone>, phone) of a DPED tree, DIR itself being DIR/<phone> where it holds training_data; else None."""
  training = directory / "training_data"
  if training.is_dir():
    roots = {name: directory for name in DPED_PHONES if (training / name).is_dir()}
    if not roots:
      raise FileNotFoundError(f"{training} holds none of {', '.join(DPED_PHONES)}: {LAYOUTS}")
  else:
    roots = {name: directory / name for name in DPED_PHONES if (directory / name / "training_data").is_dir()}
  if not roots:
    return None
  name = _choose_phone(directory, roots, phone)
  return roots[name], name


def _challenge_phones(directory):
  """Phones of DIR/patches, as the challenge's repository has them; an empty list for another folder."""
  patches = directory / "patches"
  return [name for name in DPED_PHONES if (patches / name).is_dir()] if (patches / DPED_TARGET).is_dir() else []


def _choose_phone(directory, names, phone):
  """`phone`, or the only one there is."""
  if phone is None and len(names) > 1:
    raise ValueError(f"{directory} holds {', '.join(names)}: choose one with --phone")
  if phone not in (None, *names):
    raise FileNotFoundError(f"{directory} holds {', '.join(names)}, not {phone}")
  return phone or next(iter(names))


def _dped_parts(root, phone, validation_share):
  """Training and validation pairs of DIR/<phone>: DPED's own test patches, else a share of the training pairs."""
  training, patches = root / "training_data", root / "test_data" / "patches"
  pairs = find_pairs(training / phone, training / DPED_TARGET)
  if patches.is_dir():
    return pairs, find_pairs(patches / phone, patches / DPED_TARGET)
  return split_by_name(pairs, validation_share)


def _holds_images(folder):
  return any(path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") for path in folder.iterdir())


def _paired_names(directory, source, target):
  if (source is None) != (target is None):
    raise ValueError(f"--source is {source!r} and --target is {target!r}: give both, or neither")
  if source is not None:
    return source, target
  folders = sorted(path.name for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
  clear = len(folders) == 2 and set(folders) & set(TARGETS)
  if not clear and not _holds_images(directory):
    folders = [name for name in folders if _holds_images(directory / name)]  # others may hold weights or notes
  if len(folders) != 2:
    return None
  for known in TARGETS:
    if known in folders:
      folders.remove(known)
      return folders[0], known
  raise ValueError(f"{directory} holds two folders, {folders[0]} and {folders[1]}: say which is which with --source and "
                   "--target")
