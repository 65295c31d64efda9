"""Luma weights, grey images and their fine detail."""

import numpy as np

# ITU-R BT.601 luma weights of R, G, B, as published with Eq. 2 of the Mux/Demux paper.
LUMA_BT601 = (0.299, 0.587, 0.114)

# The same weights to four places, as in MATLAB's rgb2gray and in DPED's discriminator and metrics.
LUMA_RGB2GRAY = (0.2989, 0.5870, 0.1140)

# BT.601 studio-range luma: Y = 16 + 65.481 R + 128.553 G + 24.966 B with R, G, B in [0, 1] and Y in [16, 235].
STUDIO_LUMA = (65.481, 128.553, 24.966)
STUDIO_OFFSET = 16.0


def studio_luma(images):
  """BT.601 luma in studio range: float [..., 3] in [0, 1] -> float64 [...] in [16, 235]."""
  return np.asarray(images, np.float64) @ np.array(STUDIO_LUMA) + STUDIO_OFFSET


def full_range_luma(images):
  """BT.601 luma in full range: float [..., 3] in [0, 1] -> float64 [...] in [0, 1]."""
  return np.asarray(images, np.float64) @ np.array(LUMA_BT601)


def fine_detail(luma):
  """What each pixel differs from the mean of its four neighbours by: float [H, W] -> float [H - 2, W - 2]."""
  neighbours = (luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]) / 4
  return luma[1:-1, 1:-1] - neighbours
