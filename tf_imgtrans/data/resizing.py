"""Pictures brought to a square, whatever their aspect."""

import cv2


def resize(picture, size):
  """uint8 [H, W, 3] -> [size, size, 3], aspect ignored; by area where it shrinks, else by bicubics (a = -0.75)."""
  if picture.shape[:2] == (size, size):
    return picture
  shrinks = min(picture.shape[:2]) >= size
  return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def central_square(picture):
  """The largest square in the middle: [H, W, C] -> [S, S, C], S being the shorter side."""
  height, width = picture.shape[:2]
  side = min(height, width)
  top, left = (height - side) // 2, (width - side) // 2
  return picture[top:top + side, left:left + side]
