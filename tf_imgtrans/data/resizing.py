"""Pictures brought to a square, whatever their aspect."""

import cv2


def resize(picture, size):
  """uint8 [H, W, 3] -> [size, size, 3], aspect ignored; by area where it shrinks, else by bicubics (a = -0.75)."""
  if picture.shape[:2] == (size, size):
    return picture
  shrinks = min(picture.shape[:2]) >= size
  return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
