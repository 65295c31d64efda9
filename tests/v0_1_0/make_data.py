"""Makes the images that the run folders here were trained on: the same names, sizes and pixels on every machine.

  python make_data.py DIR

  DIR/pairs/{source,target}/pair0.bmp ...      8 pairs of 40x36
  DIR/photographs/photograph0.bmp ...          10 photographs of 40x36
  DIR/streets/{train,trainannot}/street0.bmp ...   6 photographs of 40x36 with label maps, in CamVid's layout

Pixels are integers made by integer arithmetic, and the files are uncompressed, written byte by byte: nothing depends on the
versions of NumPy or of an encoder. A resumed run compares a digest of names and file sizes with that of its start.
"""

import pathlib
import struct
import sys

WIDTH, HEIGHT = 40, 36  # rows of 40 pixels need no padding, of 3 bytes a pixel or of 1
CLASSES = 12  # of CamVid; the last is none


def make_data(folder):
  """Writes all images below a folder; returns it."""
  folder = pathlib.Path(folder)
  for index in range(8):
    image = photograph(index)
    darker = [tuple(3 * value // 4 for value in pixel) for pixel in image]
    write_bmp(folder / "pairs" / "source" / f"pair{index}.bmp", darker)
    write_bmp(folder / "pairs" / "target" / f"pair{index}.bmp", image)
  for index in range(10):
    write_bmp(folder / "photographs" / f"photograph{index}.bmp", photograph(20 + index))
  for index in range(6):
    labels = label_map(index)
    write_bmp(folder / "streets" / "train" / f"street{index}.bmp", street(labels, index))
    write_grey_bmp(folder / "streets" / "trainannot" / f"street{index}.bmp", labels)
  return folder


def photograph(index):
  """Slopes, a rectangle and some grain: list of (red, green, blue), row by row."""
  grain = _noise(index)
  top, left = (5 * index) % 18, (7 * index) % 20
  pixels = []
  for row in range(HEIGHT):
    for column in range(WIDTH):
      base = [(40 * index + 5 * row + 2 * column) % 256, (90 + 3 * row + (index + 1) * column) % 256,
              (200 - 4 * row + 3 * column * (index % 3)) % 256]
      base = [value if value < 128 else 255 - value for value in base]  # no jumps
      if top <= row < top + 14 and left <= column < left + 16:
        base = [190 - base[1], 160 + base[0] // 4, 120 + base[2] // 2]
      pixels.append(tuple(min(max(value + next(grain) % 17 - 8, 0), 255) for value in base))
  return pixels


def label_map(index):
  """Class ids in squares of 4 pixels: list of int, row by row."""
  grain = _noise(100 + index)
  squares = [[next(grain) % CLASSES for _ in range(WIDTH // 4)] for _ in range(HEIGHT // 4)]
  return [squares[row // 4][column // 4] for row in range(HEIGHT) for column in range(WIDTH)]


def street(labels, index):
  """A colour for each class, and grain: list of (red, green, blue)."""
  grain = _noise(200 + index)
  return [tuple(min(max((label * step + 30) % 256 + next(grain) % 21 - 10, 0), 255) for step in (20, 53, 91))
          for label in labels]


def write_bmp(path, pixels):
  """A 24-bit BMP file; rows go from the bottom up, and pixels are blue, green, red."""
  rows = [pixels[start:start + WIDTH] for start in range(0, len(pixels), WIDTH)]
  data = bytes(value for row in reversed(rows) for red, green, blue in row for value in (blue, green, red))
  _write(path, 24, b"", data)


def write_grey_bmp(path, values):
  """An 8-bit BMP file whose palette is grey: a pixel's number is its value."""
  rows = [values[start:start + WIDTH] for start in range(0, len(values), WIDTH)]
  palette = b"".join(bytes((level, level, level, 0)) for level in range(256))
  _write(path, 8, palette, bytes(value for row in reversed(rows) for value in row))


def _write(path, bits, palette, data):
  offset = 14 + 40 + len(palette)
  header = struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset)
  header += struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, 0, len(data), 2835, 2835, len(palette) // 4, 0)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(header + palette + data)


def _noise(seed):
  """An endless row of integers, by a linear congruential generator (Numerical Recipes)."""
  state = 1013904223 * (seed + 1) % 2 ** 32
  while True:
    state = (1664525 * state + 1013904223) % 2 ** 32
    yield state >> 16


if __name__ == "__main__":
  make_data(sys.argv[1])
