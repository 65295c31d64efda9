"""Encoded images inside a graph: TensorFlow's own operations alone, so that a server needs no extra library."""

import tensorflow as tf

MAX_PIXELS = 2 ** 24  # 4096 x 4096: a phone's photograph of 12 megapixels passes; feature maps take gigabytes of it
_HEAD = 2 ** 18  # bytes searched for headers; EXIF comes first in a JPEG, after at most a few blocks of 64 KiB
_CHUNKS = 2 ** 14  # that are walked through: 128 MB of the 8 kB that most programs write; a hostile file has more
_KINDS = "JPEG, PNG, WebP or BMP"


def decode_image(data, max_pixels=MAX_PIXELS, smallest=1):
  """Decodes one image inside a graph, as core.images.read_image does outside.

  JPEG, PNG and WebP are turned upright by their EXIF orientation, grey becomes three equal channels, alpha is dropped (the
  colour under it stays), CMYK and palettes become RGB, a 16-bit PNG keeps its 65536 steps. Not taken, with an error that
  says so: GIF, whose decoder unpacks all frames before their number is known; animated WebP; BMP of less than 24 bits,
  which TensorFlow reads without its palette.

  Args:
    data: string [], the content of a file.
    max_pixels: int, the most pixels it may have by its header; a larger one is not decoded.
    smallest: int, the least height and width in pixels.
  Returns:
    float32 [H, W, 3], RGB in [0, 1].
  Raises:
    tf.errors.InvalidArgumentError: when the graph runs on something else.
  """
  byte = _byte_reader(data)
  kind = _kind(byte)
  known = tf.debugging.Assert(kind < 4, [f"not an image of a known kind: expected {_KINDS}"])
  with tf.control_dependencies(_made(known)):
    height, width = tf.switch_case(kind, [lambda: _jpeg_size(data), lambda: _png_size(byte), lambda: _webp_size(byte),
                                          lambda: _bmp_size(byte), lambda: _size(0, 0)])
  checks = [
      tf.debugging.Assert((height >= smallest) & (width >= smallest),
                          ["image is", width, "x", height, f"pixels: the model needs at least {smallest} x {smallest}"]),
      # Sides first: a header's product of two 32-bit numbers can be more than 64 bits hold.
      tf.debugging.Assert((height <= max_pixels) & (width <= max_pixels) & (height * width <= max_pixels),
                          ["image is", width, "x", height, f"pixels: more than the {max_pixels} that are allowed"]),
  ]
  with tf.control_dependencies(_made(*checks)):
    data = tf.identity(data)
  decoders = [lambda: _decode_jpeg(data, byte), lambda: _decode_png(data, byte), lambda: _decode_webp(data, byte),
              lambda: _decode_bmp(data, byte), lambda: tf.zeros([1, 1, 3])]
  return tf.ensure_shape(tf.switch_case(kind, decoders), [None, None, 3])


def _made(*operations):
  """The operations of a graph; eagerly there are none, as each has run."""
  return [operation for operation in operations if operation is not None]


def _byte_reader(data):
  """A function from positions, int, to the bytes of `data` there, int64; 0 outside of its first 256 KiB."""
  head = tf.concat([tf.io.decode_raw(tf.strings.substr(data, 0, _HEAD), tf.uint8), [tf.constant(0, tf.uint8)]], axis=0)
  end = tf.size(head, tf.int64) - 1

  def byte(positions):
    positions = tf.cast(positions, tf.int64)
    inside = (positions >= 0) & (positions < end)
    return tf.cast(tf.gather(head, tf.where(inside, positions, end)), tf.int64)

  return byte


def _number(byte, positions, count, little=False):
  """Unsigned numbers of `count` bytes from each of `positions` on: int64; `little` is a bool or a bool tensor."""
  powers = tf.constant([256 ** index for index in range(count)], tf.int64)
  digits = byte(tf.cast(positions, tf.int64)[..., None] + tf.range(count, dtype=tf.int64))
  return tf.reduce_sum(digits * tf.where(little, powers, powers[::-1]), axis=-1)


def _holds(byte, text, at=0):
  """Whether the bytes `text` stand at position `at`: bool []."""
  return tf.reduce_all(byte(tf.cast(at, tf.int64) + tf.range(len(text), dtype=tf.int64)) == list(text))


def _kind(byte):
  """0 for JPEG, 1 for PNG, 2 for WebP, 3 for BMP, by the first bytes; 4 for anything else."""
  known = [_holds(byte, b"\xff\xd8\xff"), _holds(byte, b"\x89PNG\r\n\x1a\n"),
           _holds(byte, b"RIFF") & _holds(byte, b"WEBP", 8), _holds(byte, b"BM")]
  return tf.argmax(tf.stack([*known, True]), output_type=tf.int32)


def _size(height, width):
  return tf.cast(height, tf.int64), tf.cast(width, tf.int64)


def _jpeg_size(data):
  shape = tf.io.extract_jpeg_shape(data)
  return _size(shape[0], shape[1])


def _png_size(byte):
  return _size(_number(byte, 20, 4), _number(byte, 16, 4))  # IHDR, the first chunk (PNG specification, 11.2.1)


def _webp_size(byte):
  """Height and width from the first chunk: lossy, lossless or extended (RFC 9649, Sec. 2.7, 2.5, 2.6)."""
  lossless = _number(byte, 21, 4, True)
  sizes = tf.stack([tf.stack([_number(byte, 28, 2, True) % 2 ** 14, _number(byte, 26, 2, True) % 2 ** 14]),
                    tf.stack([lossless // 2 ** 14 % 2 ** 14 + 1, lossless % 2 ** 14 + 1]),
                    tf.stack([_number(byte, 27, 3, True) + 1, _number(byte, 24, 3, True) + 1]),
                    tf.zeros([2], tf.int64)])
  chunk = tf.argmax(tf.stack([_holds(byte, b"VP8 ", 12), _holds(byte, b"VP8L", 12), _holds(byte, b"VP8X", 12), True]))
  return _size(sizes[chunk][0], sizes[chunk][1])


def _bmp_size(byte):
  height = _number(byte, 22, 4, True)
  return _size(tf.minimum(height, 2 ** 32 - height), _number(byte, 18, 4, True))  # negative where the top row comes first


def _decode_jpeg(data, byte):
  # The accurate transform is Pillow's, so that the pixels are those of prediction from files.
  pixels = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
  return tf.cast(upright(pixels, exif_orientation(byte)), tf.float32) / 255


def _decode_png(data, byte):
  pixels = tf.io.decode_png(data, channels=3, dtype=tf.uint16)
  return tf.cast(upright(pixels, chunk_orientation(data, byte)), tf.float32) / 65535  # 8 bits v come as 257 v


def _decode_webp(data, byte):
  reads = hasattr(tf.io, "decode_webp")  # not in every TensorFlow that the package takes
  animated = _holds(byte, b"VP8X", 12) & (byte(20) // 2 % 2 == 1)
  still = tf.debugging.Assert(reads & ~animated, ["animated WebP, or a model that was exported by a TensorFlow without "
                                                  "WebP: send JPEG or PNG"])
  with tf.control_dependencies(_made(still)):
    if not reads:
      return tf.zeros([1, 1, 3])
    pixels = tf.io.decode_webp(tf.identity(data))[0, ..., :3]
    return tf.cast(upright(pixels, chunk_orientation(data, byte)), tf.float32) / 255


def _decode_bmp(data, byte):
  deep = tf.debugging.Assert(_number(byte, 28, 2, True) >= 24, ["BMP of less than 24 bits a pixel: send PNG"])
  with tf.control_dependencies(_made(deep)):
    return tf.cast(tf.io.decode_bmp(tf.identity(data))[..., :3], tf.float32) / 255


def exif_orientation(byte):
  """The EXIF orientation of a JPEG, 1 to 8; 1 where there is none, or a damaged one (Exif 2.32, Sec. 4.6.2 and 4.7.2).

  Args:
    byte: function of `_byte_reader`.
  Returns:
    int64 [].
  """
  def searching(at):
    # 0xDA begins the pixels, after which there are no more metadata.
    return (byte(at) == 0xff) & (byte(at + 1) != 0xda) & ~_is_exif(byte, at)

  def following(at):
    return tf.where(byte(at + 1) == 0xff, at + 1, at + 2 + _number(byte, at + 2, 2))  # 0xff before a marker fills

  # 64 segments: files have a dozen, and a hostile one of nothing but markers must not hold the server.
  at, = tf.while_loop(searching, lambda at: (following(at),), (tf.constant(2, tf.int64),), maximum_iterations=64)
  return tf.where(_is_exif(byte, at), _tiff_orientation(byte, at + 10), 1)


def chunk_orientation(data, byte):
  """The EXIF orientation of a PNG or a WebP, 1 to 8; 1 where there is none, or a damaged one.

  It stands in a chunk eXIf (PNG specification, 11.3.4.5) or EXIF (RFC 9649, Sec. 2.7.1.5), which may follow the pixels.

  Args:
    data: string [], the content of a file.
    byte: function of `_byte_reader`.
  Returns:
    int64 [].
  """
  png, end = _holds(byte, b"\x89PNG"), tf.cast(tf.strings.length(data), tf.int64)
  name = tf.where(png, "eXIf", "EXIF")

  def head(at):
    return tf.strings.substr(data, at, 8)

  def searching(at, found):
    return (at + 8 <= end) & ~found

  def following(at, found):
    here = tf.strings.substr(head(at), tf.where(png, 4, 0), 4) == name
    digits = tf.cast(tf.io.decode_raw(tf.strings.substr(head(at), tf.where(png, 0, 4), 4), tf.uint8), tf.int64)
    powers = tf.constant([1, 1 << 8, 1 << 16, 1 << 24], tf.int64)
    size = tf.reduce_sum(digits * tf.where(png, powers[::-1], powers))
    return tf.where(here, at + 8, at + 8 + size + tf.where(png, tf.constant(4, tf.int64), size % 2)), here

  start = tf.where(png, tf.constant(8, tf.int64), tf.constant(12, tf.int64))
  at, found = tf.while_loop(searching, following, (start, tf.constant(False)), maximum_iterations=_CHUNKS)
  exif = _byte_reader(tf.strings.substr(data, tf.minimum(at, end), _HEAD))
  prefix = tf.where(_holds(exif, b"Exif\0\0"), tf.constant(6, tf.int64), tf.constant(0, tf.int64))
  return tf.where(found, _tiff_orientation(exif, prefix), 1)


def _tiff_orientation(byte, start):
  """The orientation in the first directory of the TIFF at `start`, 1 to 8; 1 where it has none."""
  little = byte(start) == ord("I")
  directory = start + _number(byte, start + 4, 4, little)
  entries = directory + 2 + 12 * tf.range(_number(byte, directory, 2, little))
  is_orientation = (_number(byte, entries, 2, little) == 0x112) & (_number(byte, entries + 2, 2, little) == 3)  # SHORT
  value = tf.reduce_max(tf.where(is_orientation, _number(byte, entries + 8, 2, little), 1))
  return tf.where((value >= 1) & (value <= 8), value, 1)


def _is_exif(byte, at):
  return _holds(byte, b"\xff\xe1", at) & _holds(byte, b"Exif\0\0", at + 4)


def upright(pixels, orientation):
  """Turns stored pixels [H, W, C] as they were seen, by the EXIF orientation, int [] from 1 to 8."""
  def swapped():
    return tf.transpose(pixels, [1, 0, 2])

  turns = [lambda: pixels, lambda: pixels[:, ::-1], lambda: pixels[::-1, ::-1], lambda: pixels[::-1],
           swapped, lambda: swapped()[:, ::-1], lambda: swapped()[::-1, ::-1], lambda: swapped()[::-1]]
  return tf.switch_case(tf.cast(orientation, tf.int32) - 1, turns)
