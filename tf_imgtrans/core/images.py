"""Images on disk: reading, writing and listing them.

Every reader of the package goes through one decoder, so that training, evaluation and prediction see the same
pixels: RGB, upright, three channels.
"""

import collections
import contextlib
import glob
import io
import os
import pathlib
import threading
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from tf_imgtrans.core.deep_color import UnsupportedImage, decode_deep_color, is_float_tiff
from tf_imgtrans.core.files import NotRegular, atomic_path, read_bytes
from tf_imgtrans.core.names import counted

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*", b"BM", b"GIF8")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jfif")

# 4:4:4 keeps the colour of single pixels, which 4:2:0 averages over 2x2.
_WRITERS = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "quality": 95},
}
WRITTEN_SUFFIXES = tuple(_WRITERS)

# EXIF orientation -> function that turns the stored pixels upright
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
_TAG_ORIENTATION, _TAG_BITS, _TAG_PHOTOMETRIC, _TAG_SAMPLE_FORMAT = 274, 258, 262, 339

_warnings_lock = threading.RLock()


class UnreadableImage(ValueError):
  """A file that cannot be read as an image; `path` and `reason` hold the two parts of the message."""

  def __init__(self, path, reason):
    super().__init__(path, reason)
    self.path = path
    self.reason = reason

  def __str__(self):
    return f"{self.path}: {self.reason}"


def read_image(path):
  """Reads an image at its full depth.

  The EXIF orientation is applied, grey becomes three equal channels, alpha is dropped (the colour under it
  stays), CMYK and palettes become RGB; of an animation the first frame is taken. Colour profiles are not applied.

  Args:
    path: str or Path of a PNG, JPEG, WebP, TIFF, BMP or GIF file, whatever its suffix.
  Returns:
    float32 [H, W, 3], RGB in [0, 1]; 16-bit files keep their 65536 steps.
  Raises:
    FileNotFoundError: no such file.
    UnreadableImage: the file cannot be read as an image; the message holds the reason.
  """
  pixels = _decode(path)
  return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def read_uint8(path):
  """Reads an image as uint8 [H, W, 3]: as `read_image`, with 16-bit files rounded to 8 bits."""
  pixels = _decode(path)
  if pixels.dtype == np.uint8:
    return pixels
  return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 257 * 255


def to_float32(image):
  """uint8 as float32 in [0, 1]; floats as float32, unchanged."""
  image = np.asarray(image)
  return image.astype(np.float32) / np.float32(255) if image.dtype == np.uint8 else image.astype(np.float32, copy=False)


def to_uint8(image):
  """Turns float values in [0, 1] into uint8, clipped and rounded half up; uint8 passes unchanged.

  Raises:
    ValueError: values that are not finite, or another integer type.
  """
  image = np.asarray(image)
  if image.dtype == np.uint8:
    return image
  if not np.issubdtype(image.dtype, np.floating):
    raise ValueError(f"image has dtype {image.dtype}: expected floating point in [0, 1], or uint8")
  if not np.isfinite(image).all():
    raise ValueError("image holds values that are not finite: expected numbers in [0, 1]")
  return np.floor(np.clip(image.astype(np.float32, copy=False), 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def write_image(path, image, quality=None):
  """Writes an image, whole or not at all: PNG, JPEG (quality 95, 4:4:4) or WebP (quality 95) by the suffix.

  Args:
    path: str or Path; missing parent folders are made.
    image: float [H, W, 3] in [0, 1], or uint8 [H, W, 3].
    quality: int from 1 to 95 of a JPEG or WebP for a page, with colours at half resolution; None for the quality above.
  Raises:
    ValueError: unknown suffix, wrong shape, or values that are not finite.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() not in _WRITERS:
    raise ValueError(f"{path}: images are not written as {path.suffix!r}: expected {', '.join(WRITTEN_SUFFIXES)}")
  shape = np.shape(image)
  if len(shape) != 3 or shape[2] != 3 or 0 in shape:
    raise ValueError(f"image has shape {shape}: expected [height, width, 3] ({path})")
  made = Image.fromarray(to_uint8(image))
  with atomic_path(path) as temporary:
    made.save(temporary, **_WRITERS[path.suffix.lower()] | ({} if quality is None else
                                                            {"quality": quality, "subsampling": "4:2:0"}))


def list_images(inputs, recursive=False):
  """Lists image files.

  Files named one by one are kept whatever their suffix; folders and patterns give the files that end in one of
  IMAGE_SUFFIXES, sorted, without hidden ones. The order of `inputs` is kept, and each file is listed once.

  Args:
    inputs: one or several of: a file, a folder, a glob pattern such as "photos/*.jpg".
    recursive: bool, whether folders are searched with all their subfolders.
  Returns:
    list of Path.
  Raises:
    FileNotFoundError: a file that is missing, a folder without images, a pattern without a match.
  """
  if isinstance(inputs, (str, os.PathLike)):
    inputs = [inputs]
  found = {}
  for item in inputs:
    for path in _expand(os.fspath(item), recursive):
      found.setdefault(os.path.abspath(path), path)
  return list(found.values())


def _expand(item, recursive):
  """The image files of one input."""
  path = pathlib.Path(item).expanduser()
  kinds = ", ".join(IMAGE_SUFFIXES)
  if item and path.is_dir():
    entries = list(path.rglob("*") if recursive else path.iterdir())
    files = _images(entries)
    if files and (left_out := _left_out(entries, files, recursive)):
      warnings.warn(f"{item}: left out {left_out}", stacklevel=4)
    if not files:
      below = "" if recursive else "; its subfolders were not searched"
      raise FileNotFoundError(f"{item}: no image in this folder ({kinds}){below}")
    return files
  if item and path.exists():
    return [path]
  if glob.has_magic(item):
    files = _images(pathlib.Path(name) for name in glob.glob(str(path), recursive=True))
    if not files:
      raise FileNotFoundError(f"{item}: the pattern matches no image ({kinds}); "
                              "try it with ls, or give the folder")
    return files
  raise FileNotFoundError(f"{item or repr(item)}: no such file or folder; "
                          "give an image, a folder of images or a quoted pattern such as 'photos/*.jpg'")


def _left_out(entries, files, recursive):
  """What of a folder's entries is not among the files that were taken, counted by kind, in words; hidden ones aside."""
  taken, counts = set(files), collections.Counter()
  for path in entries:
    if path in taken or path.name.startswith("."):
      continue
    if not path.is_dir():
      counts[f"{path.suffix.lower() or 'nameless'} file"] += 1
    elif not recursive:
      counts["subfolder"] += 1
  return ", ".join(counted(count, kind) for kind, count in sorted(counts.items()))


def _images(paths):
  # A link to a missing file stays in the list: reading it fails with its name, whereas leaving it out would hide it.
  return sorted(path for path in paths
                if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir())


def _decode(path):
  """The image as uint8 or uint16 [H, W, 3]."""
  data = _read_bytes(path)
  try:
    with quiet():
      image = Image.open(io.BytesIO(data), formats=_FORMATS)
    # A TIFF reads its tags late; the other formats load without the lock, so that several threads can decode at once.
    with image, quiet() if image.format == "TIFF" else contextlib.nullcontext():
      image.load()  # before the orientation is read: load() turns a TIFF and removes its orientation tag
      pixels = _pixels(image, data)
      orientation = _orientation(image)
  except MemoryError:
    raise
  except Exception as error:  # decoders raise exceptions of many types on damaged files
    raise UnreadableImage(path, _reason(error, data)) from None
  return np.ascontiguousarray(_UPRIGHT.get(orientation, lambda pixels: pixels)(pixels))


def _read_bytes(path):
  try:
    data = read_bytes(path)
  except FileNotFoundError:
    raise FileNotFoundError(f"{path}: no such file") from None
  except NotRegular as error:
    raise UnreadableImage(path, str(error).removeprefix(f"{path}: ")) from None
  except OSError as error:
    raise UnreadableImage(path, (error.strerror or str(error)).lower()) from None
  if not data:
    raise UnreadableImage(path, "the file is empty")
  return data


@contextlib.contextmanager
def quiet():
  """Suppresses the decoder's warnings on odd metadata; locked, as warning filters are shared by all threads."""
  with _warnings_lock, warnings.catch_warnings():
    warnings.simplefilter("ignore")
    yield


def _pixels(image, data):
  """Pixels of a loaded image, as stored: uint8 or uint16 [H, W, 3]."""
  bits = _bits_per_sample(image, data)
  if image.mode.startswith("I"):  # 16-bit grey: "I;16", and "I" for the PNG of Pillow before 11
    grey = np.asarray(image).astype(np.uint16)
    if image.format == "TIFF" and image.tag_v2.get(_TAG_PHOTOMETRIC) == 0:  # 0 is white, and Pillow does not invert it
      grey = 65535 - grey
    return np.repeat(grey[..., None], 3, axis=2)
  if bits == 16 and image.mode in ("LA", "RGB", "RGBA"):
    return decode_deep_color(image, data)
  # A transparent palette entry keeps its colour; Pillow warns unless the entry of `info` is removed.
  image.info.pop("transparency", None)
  return np.array(image.convert("RGB"))


def _bits_per_sample(image, data):
  """Bits per sample of the file, where more than 8 are possible, else 8."""
  if image.format == "PNG":
    return data[24]
  if image.format != "TIFF":
    return 8
  bits = image.tag_v2.get(_TAG_BITS, (1,))
  if set(image.tag_v2.get(_TAG_SAMPLE_FORMAT, (1,))) != {1} or max(bits) > 8 and set(bits) != {16}:
    raise UnsupportedImage(f"samples of {bits[0]} bits, or signed or floating-point ones, are not read: "
                            "save it with unsigned 8 or 16 bits")
  return max(bits)


def _orientation(image):
  """EXIF orientation 1..8; 1 where the metadata are missing or damaged, as the image itself is sound.

  That of EXIF alone, as browsers and exported graphs (export.decoding) take it: Pillow's getexif() reads XMP as well.
  """
  try:
    with quiet():
      if image.format == "TIFF":
        return int(image.tag_v2.get(_TAG_ORIENTATION, 1))
      exif = Image.Exif()
      exif.load(image.info.get("exif"))
      return int(exif.get(_TAG_ORIENTATION, 1))
  except Exception:  # damaged metadata raise exceptions of many types
    return 1


def _reason(error, data):
  """A readable reason why the file could not be read."""
  if isinstance(error, UnsupportedImage):
    return str(error)
  if isinstance(error, Image.DecompressionBombError):
    return f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels: cut it into parts, or shrink it, first"
  if isinstance(error, UnidentifiedImageError):
    if is_float_tiff(data):
      return "its samples are floating-point numbers, which are not read: save it with unsigned 8 or 16 bits"
    if data.startswith(_SIGNATURES):
      return "the header is damaged, cut short or of an unusual kind"
    return f"not an image (known kinds: {', '.join(_FORMATS)})"
  if "truncated" in str(error).lower():
    return "the file is truncated"
  return f"the file is damaged ({error})"
