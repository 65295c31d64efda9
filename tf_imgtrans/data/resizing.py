"""Images brought to a square, whatever their aspect."""

import cv2


def resize(image, size):
  """uint8 [H, W, 3] -> [size, size, 3], aspect ignored; by area averaging to shrink, else bicubic (a = -0.75)."""
  if image.shape[:2] == (size, size):
    return image
  shrinks = min(image.shape[:2]) >= size
  return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def central_square(image):
  """The largest square in the middle: [H, W, C] -> [S, S, C], S being the shorter side."""
  height, width = image.shape[:2]
  side = min(height, width)
  top, left = (height - side) // 2, (width - side) // 2
  return image[top:top + side, left:left + side]
