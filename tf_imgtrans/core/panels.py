"""Contact sheets: rows of images with column headers and captions."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_imgtrans.core.images import to_uint8

_SMALLEST_TILE, _LARGEST_TILE = 192, 384
_WHITE, _INK, _FRAME = (255, 255, 255), (32, 32, 32), (224, 224, 224)


def panel(rows, headers=None, captions=None, tile=None):
  """Draws a contact sheet on white.

  Images keep their aspect. They shrink by area averaging, and grow by repeating pixels, so that a small
  image shows its pixels as they are.

  Args:
    rows: list of lists of images, float [h, w, 3] in [0, 1] or uint8; sizes may differ, one channel is drawn
      grey, and None leaves a place empty.
    headers: list of str, one per column, drawn on top; or None.
    captions: list of lists of str, one under each image, such as "21.3 dB  0.88"; None for no caption.
    tile: int, the longer side of every image in pixels. Default: the longest side among the images, cut to
      384; below 192 the smallest multiple of it that reaches 192.
  Returns:
    uint8 [H, W, 3].
  Raises:
    ValueError: no images, a wrong shape, or headers or captions that do not fit the rows.
  """
  rows = [[None if image is None else _image(image) for image in row] for row in rows]
  if not any(image is not None for row in rows for image in row):
    raise ValueError("rows hold no image: expected a list of lists of images [h, w, 3]")
  _check_texts(rows, headers, captions)
  tile = tile or _default_tile(rows)
  rows = [[None if image is None else _fit(image, tile) for image in row] for row in rows]
  sheet = _Sheet(rows, headers, captions, tile)
  return np.array(sheet.draw())


def _image(image):
  """Pillow image of one array."""
  pixels = to_uint8(image)
  if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
    raise ValueError(f"image has shape {pixels.shape}: expected [height, width, 3]")
  return Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))


def _check_texts(rows, headers, captions):
  columns = max(len(row) for row in rows)
  if headers is not None and len(headers) != columns:
    raise ValueError(f"{len(headers)} headers for {columns} columns: expected one for each column")
  if captions is not None and [len(row) for row in captions] != [len(row) for row in rows]:
    raise ValueError(f"captions have {[len(row) for row in captions]} entries per row: "
                     f"expected {[len(row) for row in rows]}, as the images")


def _default_tile(rows):
  longest = max(max(image.size) for row in rows for image in row if image is not None)
  return min(longest * -(-_SMALLEST_TILE // longest), _LARGEST_TILE)


def _fit(image, tile):
  """Scales an image until its longer side is `tile`."""
  factor = tile / max(image.size)
  size = tuple(max(1, round(side * factor)) for side in image.size)
  return image.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)


class _Sheet:
  """Measures, then draws: every column is as wide as its widest image, every row as high as its highest."""

  def __init__(self, rows, headers, captions, tile):
    self.rows = rows
    columns = max(len(row) for row in rows)
    self.gap = max(10, tile // 24)
    self.caption_font = ImageFont.load_default(size=min(max(tile // 16, 11), 20))
    self.header_font = ImageFont.load_default(size=min(max(tile // 13, 13), 24))
    self.widths = [max([row[i].width for row in rows if i < len(row) and row[i]], default=tile)
                   for i in range(columns)]
    self.heights = [max([image.height for image in row if image], default=0) for row in rows]
    self.headers = [_wrap(text, self.header_font, width)
                    for text, width in zip(headers or [""] * columns, self.widths)]
    self.captions = [[_wrap(text, self.caption_font, width) for text, width in zip(row, self.widths)]
                     for row in captions or [[""] * len(row) for row in rows]]

  def draw(self):
    header_height = _text_height(self.headers, self.header_font)
    caption_heights = [_text_height(row, self.caption_font) for row in self.captions]
    width = sum(self.widths) + self.gap * (len(self.widths) + 1)
    height = header_height + sum(self.heights) + sum(caption_heights) + self.gap * (len(self.rows) + 1)
    sheet = Image.new("RGB", (width, height), _WHITE)
    draw = ImageDraw.Draw(sheet)
    lefts = [self.gap + sum(self.widths[:i]) + self.gap * i for i in range(len(self.widths))]
    top = header_height + self.gap
    for text, left, column in zip(self.headers, lefts, self.widths):
      # A short header is aligned to the bottom, next to its images.
      _write(draw, left + column / 2, top - _text_height([text], self.header_font), text, self.header_font)
    for row, texts, row_height, caption_height in zip(self.rows, self.captions, self.heights, caption_heights):
      for image, text, left, column in zip(row, texts, lefts, self.widths):
        if image is None:
          continue
        x, y = left + (column - image.width) // 2, top + (row_height - image.height) // 2
        # A light frame: an image that is white at its border still shows where it ends.
        draw.rectangle((x - 1, y - 1, x + image.width, y + image.height), outline=_FRAME)
        sheet.paste(image, (x, y))
        _write(draw, left + column / 2, top + row_height + _leading(self.caption_font) / 4, text, self.caption_font)
      top += row_height + caption_height + self.gap
    return sheet


def _wrap(text, font, width):
  """Breaks a text into lines of at most `width` pixels, between words; a longer word stays whole."""
  lines = []
  for paragraph in (text or "").splitlines():
    line = ""
    for word in paragraph.split(" "):
      longer = f"{line} {word}" if line else word
      if line and font.getlength(longer) > width:
        lines.append(line.strip())
        longer = word
      line = longer
    lines.append(line.strip())
  return lines


def _leading(font):
  """Distance from one line of text to the next, in pixels."""
  return round(font.size * 1.35)


def _text_height(texts, font):
  lines = max((len(lines) for lines in texts), default=0)
  return lines * _leading(font) + (_leading(font) // 2 if lines else 0)


def _write(draw, center, top, lines, font):
  """Writes lines centred on `center`, downwards from `top`."""
  for number, line in enumerate(lines):
    draw.text((center, top + number * _leading(font)), line, fill=_INK, font=font, anchor="ma")
