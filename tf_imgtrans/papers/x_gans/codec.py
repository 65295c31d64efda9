"""Files of kept pixels, ".xgp": positions and exact 8-bit colours of a sparse set of an image's pixels (Sec. 4.5).

The paper compresses an image to about 1 % of its pixels and reconstructs the rest with the generator; it specifies no
format. This one is lossless for the kept pixels. All integers are little-endian:

    offset  bytes  content
         0      3  "XGP"
         3      1  version of the format, 1
         4      2  height in pixels, at least 1
         6      2  width in pixels, at least 1; height * width is at most 2 ** 28
         8      4  points, 0 .. height * width
        12      4  payload in bytes, a multiple of 4
        16      1  tail of the gaps' distribution, 0 .. 15: which of 1, 2, 3, 4, 6, 8 .. 256
        17      1  scale of the gaps' distribution, 0 .. 115: (4 + scale % 4) * 2 ** (scale // 4) sixteenths of a pixel
        18      9  scales of the colours' distributions, 18 numbers of 4 bits, the lower half of a byte first: 6 of red,
                   6 of green, 6 of blue; the square of a scale is 2 ** number / 4 grey levels
        27      4  CRC-32 of all other bytes, in their order
        31         payload: 32-bit words of a range coder, as `codec_stream` writes them

Decoding gives the same pixels on every machine; `codec_stream` explains why.
"""

import struct
import zlib

import numpy as np

from tf_imgtrans.papers.x_gans import codec_stream

VERSION = 1
_MAGIC = b"XGP"
_HEADER = struct.Struct("<3sBHHIIBB9s")
_CRC = struct.Struct("<I")
_START = _HEADER.size + _CRC.size

# A point takes 3 * 0.12 bits at least, in a flat image; the bytes are those that the coder may flush at the end.
_POINTS_PER_BYTE, _HELD_BACK = 24, 8


class UnreadableFile(ValueError):
  """Bytes that are not a valid .xgp file; the message names the fault."""


def encode(pixels, mask):
  """Packs the kept pixels of an image.

  Args:
    pixels: uint8 [H, W, 3], RGB; pixels outside the mask are not read.
    mask: bool [H, W], true where the pixel is kept; any number of pixels, including none and all.
  Returns:
    bytes of an .xgp file.
  Raises:
    ValueError: a wrong shape or type, a side above 65535, or more than codec_stream.MAX_PIXELS pixels.
    ModuleNotFoundError: the package constriction is missing; says how to install it.
  """
  pixels, mask = _check_image(pixels, mask)
  stream = _constriction().stream
  encoder = stream.queue.RangeEncoder()
  points, gaps = codec_stream.in_order(mask)
  tail, scale = codec_stream.write_gaps(encoder, stream, gaps)
  scales = codec_stream.write_colors(encoder, stream, points, pixels[points[:, 0], points[:, 1]])
  words = encoder.get_compressed().astype("<u4").tobytes()
  header = _HEADER.pack(_MAGIC, VERSION, *mask.shape, len(points), len(words), tail, scale, _as_nibbles(scales))
  return header + _CRC.pack(zlib.crc32(words, zlib.crc32(header))) + words


def decode(data, max_pixels=codec_stream.MAX_PIXELS):
  """Unpacks the kept pixels of an image.

  Args:
    data: bytes of an .xgp file.
    max_pixels: int, height * width above which a file is rejected before memory is allocated.
  Returns:
    (uint8 [H, W, 3], RGB, white where no pixel was kept; bool [H, W], true at kept pixels).
  Raises:
    UnreadableFile: not an .xgp file, another version, cut short, longer than its header states, damaged, or too large.
    ModuleNotFoundError: the package constriction is missing; says how to install it.
  """
  height, width, count, tail, scale, scales, words = _parse(bytes(data), max_pixels)
  stream = _constriction().stream
  decoder = stream.queue.RangeDecoder(words)
  try:
    points = codec_stream.places(codec_stream.read_gaps(decoder, stream, count, tail, scale), height, width)
    colors = codec_stream.read_colors(decoder, stream, points, scales)
  except MemoryError:
    raise
  except Exception as error:  # the coder raises its own types for words that no encoder writes
    raise UnreadableFile(f"the file's points cannot be decoded: {error}") from None
  if not decoder.maybe_exhausted():
    raise UnreadableFile("the file continues after its last point, which no encoder writes")
  pixels, mask = np.full((height, width, 3), 255, np.uint8), np.zeros((height, width), bool)
  pixels[points[:, 0], points[:, 1]] = colors
  mask[points[:, 0], points[:, 1]] = True
  return pixels, mask


def _check_image(pixels, mask):
  pixels, mask = np.asarray(pixels), np.asarray(mask)
  if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
    raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}: expected uint8 [height, width, 3]")
  if mask.dtype != np.bool_ or mask.shape != pixels.shape[:2]:
    raise ValueError(f"mask is {mask.dtype} {mask.shape}: expected bool {pixels.shape[:2]}, as the image")
  if max(mask.shape) > 65535 or mask.size > codec_stream.MAX_PIXELS:
    raise ValueError(f"image is {mask.shape[1]} wide and {mask.shape[0]} high: expected sides up to 65535 and at most "
                     f"{codec_stream.MAX_PIXELS:,} pixels; cut it into parts")
  return pixels, mask


def _parse(data, max_pixels):
  """Checks everything that can be checked without decoding; the fields, and the payload as uint32 words."""
  if data[:3] != _MAGIC[:len(data)]:
    raise UnreadableFile(f"not an .xgp file: begins with {data[:3]!r}, expected {_MAGIC!r}")
  if len(data) > 3 and data[3] != VERSION:
    raise UnreadableFile(f"version {data[3]} of the .xgp format is not known here: expected {VERSION}")
  if len(data) < _START:
    raise UnreadableFile(f"the file is cut short: has {len(data)} bytes of at least {_START}")
  _, _, height, width, count, length, tail, scale, scales = _HEADER.unpack_from(data)
  if len(data) < _START + length:
    raise UnreadableFile(f"the file is cut short: has {len(data)} bytes of {_START + length}")
  if len(data) > _START + length:
    raise UnreadableFile(f"the file is longer than its header states: has {len(data)} bytes, expected {_START + length}")
  checksum, = _CRC.unpack_from(data, _HEADER.size)
  if checksum != zlib.crc32(data[_START:], zlib.crc32(data[:_HEADER.size])):
    raise UnreadableFile("the file is damaged: its checksum differs from that of its content")
  # The checksum excludes damage: the following faults come from files that another program wrote wrongly or maliciously.
  if not 0 < height * width <= max_pixels:
    raise UnreadableFile(f"the header states {width}x{height} pixels: expected 1 to {max_pixels:,} in all")
  if count > height * width or count > _POINTS_PER_BYTE * (length + _HELD_BACK):
    raise UnreadableFile(f"the header states {count} points in {length} bytes and {width}x{height} pixels: too many")
  if length % 4 or not count and length or tail >= len(codec_stream.TAILS) or scale >= codec_stream.GAP_SCALES:
    raise UnreadableFile(f"the header states {length} bytes and distribution {tail}, {scale}, which no encoder writes")
  return height, width, count, tail, scale, _of_nibbles(scales), np.frombuffer(data, "<u4", offset=_START).astype(np.uint32)


def _as_nibbles(scales):
  """uint8 [3, CONTEXTS] of 4 bits as 9 bytes."""
  return (scales.ravel()[0::2] | scales.ravel()[1::2] << 4).tobytes()


def _of_nibbles(data):
  data = np.frombuffer(data, np.uint8)
  return np.stack([data & 15, data >> 4], axis=1).reshape(3, codec_stream.CONTEXTS)


def _constriction():
  try:
    import constriction
  except ModuleNotFoundError:
    raise ModuleNotFoundError("files of points are coded by constriction: pip install 'tf_imgtrans[codec]'") from None
  return constriction
