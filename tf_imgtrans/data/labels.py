"""Label maps of street scenes, Cityscapes' and CamVid's: class ids, colours and folder layouts."""

import concurrent.futures
import dataclasses
import operator
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from tf_imgtrans.core.files import check_regular
from tf_imgtrans.core.images import UnreadableImage, list_images, read_uint8
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.data.pairs import SHOWN, split_by_group, split_by_name

IGNORED = 255  # class id of pixels that belong to no class
_PHOTO, _LABELS = "_leftImg8bit", "_gtFine_labelIds"  # how Cityscapes' names end
LAYOUTS = {
    "cityscapes": """expected one of
  Cityscapes   DIR/leftImg8bit/{train,val}/<city>/*_leftImg8bit.png and DIR/gtFine/{train,val}/<city>/*_gtFine_labelIds.png
  pix2pixHD's  DIR/train_img/*_leftImg8bit.png and DIR/train_label/*_gtFine_labelIds.png""",
    "camvid": """expected
  CamVid       DIR/train/*.png and DIR/trainannot/*.png of equal names, as in SegNet-Tutorial; val and test alike""",
}


@dataclasses.dataclass(frozen=True, eq=False)
class LabelSet:
  """The classes of a data set; class ids are indices into `names`."""

  name: str
  names: tuple  # of str, one per class
  colors: tuple  # of (red, green, blue) in 0 .. 255, one per class; all differ, and none is black
  from_file: np.ndarray  # uint8 [256]: class id of each id of a label file; IGNORED for no class

  def __len__(self):
    """Number of classes, without IGNORED."""
    return len(self.names)

  @property
  def palette(self):
    """Colours by class id: uint8 [256, 3], black for all ids that are no class."""
    palette = np.zeros((256, 3), np.uint8)
    palette[:len(self)] = self.colors
    return palette


def _label_set(name, classes):
  """LabelSet of rows (class name, id in files, colour), in the order of the class ids."""
  names, ids, colors = zip(*classes)
  from_file = np.full(256, IGNORED, np.uint8)
  from_file[list(ids)] = np.arange(len(ids))
  from_file.setflags(write=False)
  return LabelSet(name, names, colors, from_file)


LABEL_SETS = {
    # The 19 classes that are evaluated (trainId), with id and colour: cityscapesscripts/helpers/labels.py of
    # mcordts/cityscapesScripts.
    "cityscapes": _label_set("cityscapes", (
        ("road", 7, (128, 64, 128)), ("sidewalk", 8, (244, 35, 232)), ("building", 11, (70, 70, 70)),
        ("wall", 12, (102, 102, 156)), ("fence", 13, (190, 153, 153)), ("pole", 17, (153, 153, 153)),
        ("traffic light", 19, (250, 170, 30)), ("traffic sign", 20, (220, 220, 0)), ("vegetation", 21, (107, 142, 35)),
        ("terrain", 22, (152, 251, 152)), ("sky", 23, (70, 130, 180)), ("person", 24, (220, 20, 60)),
        ("rider", 25, (255, 0, 0)), ("car", 26, (0, 0, 142)), ("truck", 27, (0, 0, 70)), ("bus", 28, (0, 60, 100)),
        ("train", 31, (0, 80, 100)), ("motorcycle", 32, (0, 0, 230)), ("bicycle", 33, (119, 11, 32)))),
    # The 11 classes and colours of Scripts/test_segmentation_camvid.py of alexgkendall/SegNet-Tutorial; 11 is unlabelled.
    "camvid": _label_set("camvid", (
        ("sky", 0, (128, 128, 128)), ("building", 1, (128, 0, 0)), ("pole", 2, (192, 192, 128)),
        ("road", 3, (128, 64, 128)), ("pavement", 4, (60, 40, 222)), ("tree", 5, (128, 128, 0)),
        ("sign", 6, (192, 128, 128)), ("fence", 7, (64, 64, 128)), ("car", 8, (64, 0, 128)),
        ("pedestrian", 9, (64, 64, 0)), ("bicyclist", 10, (0, 128, 192)))),
}


@dataclasses.dataclass(frozen=True)
class LabelledImage:
  """A photograph and its label map."""

  photo: pathlib.Path
  labels: pathlib.Path
  part: str = ""  # "train", "val" or "test", if the folder has parts

  @property
  def stem(self):
    """Name without suffix, and without Cityscapes' ending."""
    return self.photo.stem.removesuffix(_PHOTO)

  @property
  def drive(self):
    """What the name begins with up to the first "_": CamVid's drive (0016E5_07959), Cityscapes' city."""
    return self.stem.split("_")[0]

  def __str__(self):
    return f"{self.photo} | {self.labels}"


LabelledPicture = LabelledImage  # its name in version 0.1.0


def get_label_set(name):
  """The LabelSet of a name; a LabelSet passes unchanged.

  Raises:
    ValueError: an unknown name.
  """
  if isinstance(name, LabelSet):
    return name
  if name not in LABEL_SETS:
    raise unknown_name("label set", name, LABEL_SETS)
  return LABEL_SETS[name]


# Files

def find_labelled(directory, label_set):
  """Lists the labelled photographs of a folder, part by part (train before val before test), sorted by name.

  Each label set has its own layouts, since ids mean different classes in different sets. The test part of Cityscapes is
  left out: its labels are not public.

  Args:
    directory: the folder.
    label_set: LabelSet, or its name.
  Returns:
    list of LabelledImage.
  Raises:
    FileNotFoundError: no such folder, or another layout; the message shows the expected ones.
    ValueError: images without a partner, naming the first five; or an unknown label set.
  """
  directory, label_set = pathlib.Path(directory), get_label_set(label_set)
  if not directory.is_dir():
    raise FileNotFoundError(f"no data folder {directory}: {LAYOUTS[label_set.name]}")
  found = _LAYOUTS[label_set.name](directory)
  if not found:
    others = [name for name, layout in _LAYOUTS.items() if name != label_set.name and layout(directory)]
    hint = f"; it looks like {others[0]}: --config.label_set {others[0]}" if others else ""
    raise FileNotFoundError(f"{directory} holds no labelled photographs of {label_set.name}{hint}: "
                            f"{LAYOUTS[label_set.name]}")
  return found


def split_labelled(images, validation_share):
  """Splits labelled photographs into (training, held-out) lists.

  The parts of the folder are kept: train is used for training, test (else val) is held out. Without such a part, whole
  drives are held out where names tell several, since frames of one drive are alike; else a share by a hash of the names.

  Args:
    images: list of LabelledImage.
    validation_share: float in [0, 1).
  """
  training = [image for image in images if image.part in ("train", "")]
  for part in ("test", "val"):
    held_out = [image for image in images if image.part == part]
    if held_out and training:
      return training, held_out
  drives = {image.drive for image in images}
  if 1 < len(drives) < len(images):
    return split_by_group(images, validation_share, operator.attrgetter("drive"))
  return split_by_name(images, validation_share)


def _cityscapes(directory):
  found = []
  for part in ("train", "val"):
    photos, labels = directory / "leftImg8bit" / part, directory / "gtFine" / part
    if photos.is_dir() or labels.is_dir():
      found += _partners(photos, labels, part, (_PHOTO, _LABELS))
  for part in ("train", "val", "test"):
    photos, labels = directory / f"{part}_img", directory / f"{part}_label"
    if photos.is_dir() and labels.is_dir():
      found += _partners(photos, labels, part, (_PHOTO, _LABELS))
  return found


def _camvid(directory):
  parts = [(directory / part, directory / f"{part}annot", part) for part in ("train", "val", "test")]
  return [pair for photos, labels, part in parts if labels.is_dir() for pair in _partners(photos, labels, part, ("", ""))]


_LAYOUTS = {"cityscapes": _cityscapes, "camvid": _camvid}


def _partners(photos, labels, part, endings):
  """Pairs the images of two folders whose names are equal except for the endings."""
  named = []
  for folder, ending in zip((photos, labels), endings):
    if not folder.is_dir():
      raise FileNotFoundError(f"no folder {folder}, beside the other half of its pairs")
    paths = [path for path in list_images([folder], recursive=True) if path.stem.endswith(ending)]
    # Names are compared together with the city's folder.
    named.append({str(path.relative_to(folder).with_name(path.stem.removesuffix(ending))): path for path in paths})
  by_photo, by_labels = named
  alone = sorted(set(by_photo) ^ set(by_labels))
  if alone:
    shown = ", ".join(str(by_photo.get(name) or by_labels.get(name)) for name in alone[:SHOWN])
    raise ValueError(f"{len(alone)} images have no partner in the other folder ({photos} and {labels}): {shown}"
                     f"{', ...' if len(alone) > SHOWN else ''}; add or remove them")
  return [LabelledImage(by_photo[name], by_labels[name], part) for name in sorted(by_photo)]


def check_labelled(images, label_set):
  """Decodes every photograph and label map, so that training does not start with an unusable one.

  Args:
    images: list of LabelledImage; anything with `photo` and `labels`.
    label_set: LabelSet, or its name.
  Raises:
    ValueError: names the first five unusable images, with reasons.
  """
  with concurrent.futures.ThreadPoolExecutor() as pool:  # decoding releases the interpreter lock
    faults = tqdm(pool.map(lambda image: _fault(image, label_set), images), "checking labelled photographs",
                  len(images), leave=False, delay=5)
    bad = [f"  {image}: {fault}" for image, fault in zip(images, faults) if fault]
  if bad:
    more = f"\n  and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    raise ValueError(f"{len(bad)} of {len(images)} labelled photographs cannot be trained on:\n"
                     + "\n".join(bad[:SHOWN]) + f"{more}\nRepair or remove them.")


def _fault(image, label_set):
  try:
    classes, (height, width, _) = read_labels(image.labels, label_set), read_uint8(image.photo).shape
  except (UnreadableImage, OSError) as error:
    return str(error)
  if (classes == IGNORED).all():
    return f"no pixel of the label map is of a class of {get_label_set(label_set).name}"
  rows, columns = classes.shape
  if abs(rows * width - columns * height) > max(rows * width, columns * height) / 50:  # other sizes are fine
    return f"shapes differ: a photograph of {width}x{height} and labels of {columns}x{rows}"
  return None


MOST_BETWEEN = 0.1  # of 40 maps of CamVid at most 0.016, resized to 3/4 bilinearly or saved as JPEG at least 0.177
FEWEST_BORDERS, MOST_BORDERS = 50, 0.7  # number and share of pixels: fewer say nothing, and noise is of no regions

def read_labels(path, label_set):
  """Reads a label map as class ids.

  Args:
    path: an image of one channel of 8 bits, or with a palette, whose entries are then the ids; lossless, as PNG is.
    label_set: LabelSet, or its name.
  Returns:
    uint8 [H, W], class ids, IGNORED where a pixel is of no class.
  Raises:
    FileNotFoundError: no such file.
    UnreadableImage: a ValueError; the file cannot be read, or holds colours.
  """
  try:
    check_regular(path)
    with Image.open(path) as image:
      mode, ids, kind = image.mode, np.asarray(image), image.format
  except FileNotFoundError:
    raise FileNotFoundError(f"{path}: no such file") from None
  except Exception as error:  # decoders raise exceptions of many types on damaged files
    raise UnreadableImage(path, f"no label map ({error})") from None
  if mode not in ("L", "P") or ids.dtype != np.uint8:
    raise UnreadableImage(path, f"an image of mode {mode}, expected a label map with one 8-bit id per pixel (mode L or "
                                "P); of coloured maps take the file with the ids, or pair them as images by "
                                "--config.label_set none")
  if kind == "JPEG":
    raise UnreadableImage(path, "a JPEG, whose compression changes ids: give the label map as PNG")
  if (share := _share_between(ids)) > MOST_BETWEEN:
    raise UnreadableImage(path, f"{share:.0%} of its borders pass through ids between the two sides, as in a map that was "
                                "interpolated or compressed with losses: give the ids as they were drawn")
  return get_label_set(label_set).from_file[ids]


def _share_between(ids):
  """The share of borders, along rows and columns, whose middle pixel lies between the ids on its two sides."""
  between, borders, pixels = 0, 0, 0
  for one, middle, other in ((ids[:, :-2], ids[:, 1:-1], ids[:, 2:]), (ids[:-2], ids[1:-1], ids[2:])):
    border = one != other
    borders, pixels = borders + int(border.sum()), pixels + border.size
    between += int((border & (np.minimum(one, other) < middle) & (middle < np.maximum(one, other))).sum())
  return between / borders if FEWEST_BORDERS <= borders <= MOST_BORDERS * pixels else 0.0


def resize_labels(classes, height, width):
  """Resizes class ids [H, W] to [height, width]: each pixel takes the class at the position of its centre."""
  rows, columns = (((2 * np.arange(new) + 1) * old) // (2 * new) for new, old in zip((height, width), classes.shape))
  return classes[rows[:, None], columns]


def colorize(classes, label_set):
  """Class ids, integers [..., H, W] in 0 .. 255, as colours of the label set: uint8 [..., H, W, 3]; IGNORED is black."""
  return get_label_set(label_set).palette[np.asarray(classes)]


def classes_of(image, label_set):
  """The inverse of `colorize`: the class whose colour is nearest to each pixel.

  Args:
    image: float [..., H, W, 3], RGB in [0, 1].
    label_set: LabelSet, or its name.
  Returns:
    uint8 tensor [..., H, W], class ids; IGNORED if black is nearest.
  """
  label_set = get_label_set(label_set)
  colors = tf.constant([*label_set.colors, (0, 0, 0)], tf.float32) / 255
  # |x - c|^2 without |x|^2, which all colours share: it needs no tensor of three values per colour and pixel.
  distance = tf.reduce_sum(tf.square(colors), axis=-1) - 2 * tf.einsum("...c,kc->...k", tf.cast(image, tf.float32), colors)
  nearest = tf.argmin(distance, axis=-1, output_type=tf.int32)
  return tf.cast(tf.where(nearest == len(label_set), IGNORED, nearest), tf.uint8)


def one_hot(classes, count):
  """Class ids as channels, the last one for ignored pixels.

  Args:
    classes: integers [..., H, W] in 0 .. 255, array or tensor.
    count: int, number of classes; ids from `count` on are ignored pixels.
  Returns:
    float32 tensor [..., H, W, count + 1], one 1 per pixel.
  """
  return tf.one_hot(tf.minimum(tf.cast(classes, tf.int32), count), count + 1)
