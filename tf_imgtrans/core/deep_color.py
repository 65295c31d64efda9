"""Images whose samples have more than 8 bits, which Pillow cuts or does not know; OpenCV reads them."""

import zlib

import numpy as np

TAG_PLANES = 284  # of TIFF


class UnsupportedImage(ValueError):
  """An image of an unsupported kind; the message is the reason."""


def decode_deep_color(image, data):
  """Reads 16-bit colour, which Pillow cuts to 8 bits, with OpenCV. Pillow has already checked that the file is complete."""
  import cv2  # only these files need it

  if image.format == "TIFF" and image.tag_v2.get(TAG_PLANES, 1) != 1:
    raise UnsupportedImage("16-bit colours stored plane by plane are not read: save it with interleaved colours")
  if image.format == "PNG":
    data = _critical_chunks(data)
  pixels = _decoded_by_opencv(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
  if pixels is None or pixels.dtype != np.uint16:
    raise UnsupportedImage("this kind of 16-bit colour is not read: save it as 16-bit RGB without compression")
  return pixels[..., ::-1]


def _critical_chunks(data):
  """A PNG without its metadata, about which libpng would print warnings, and with its checksums verified."""
  kept, start = [data[:8]], 8
  while kept[-1][4:8] != b"IEND":
    end = start + 12 + int.from_bytes(data[start:start + 4], "big")
    chunk = data[start:end]
    if end > len(data) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
      raise UnsupportedImage("the file is damaged (a checksum or a length is wrong)")
    if chunk[4:5].isupper():  # a critical chunk
      kept.append(chunk)
    start = end
  return b"".join(kept)


def is_float_tiff(data):
  """Whether OpenCV finds floating-point samples in a TIFF that Pillow does not know."""
  if not data.startswith((b"II*\0", b"MM\0*")):
    return False
  pixels = _decoded_by_opencv(data, -1)  # as it is stored
  return pixels is not None and pixels.dtype.kind == "f"


def _decoded_by_opencv(data, flags):
  """An array, or None where OpenCV cannot decode it; it says nothing itself."""
  import cv2  # only these files need it

  level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
  try:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
  finally:
    cv2.utils.logging.setLogLevel(level)
