"""Operations of networks in plain NumPy, in the precision of their inputs: float64, or complex numbers."""

import numpy as np


def windows(x, side, stride=1):
  """[N, H, W, C] -> [N, h, w, C, side, side], wholly inside."""
  return np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))[:, ::stride, ::stride]


def convolve(x, kernel, stride=1, pad="same"):
  """Convolution with zeros beyond the border: [N, H, W, c] by [k, k, c, o] -> [N, h, w, o].

  Args:
    pad: pixels on every side; a pair, before and after; or "same" as Keras does for a stride of 1: (k - 1) // 2 before and
      k // 2 after.
  """
  side = kernel.shape[0]
  before, after = ((side - 1) // 2, side // 2) if pad == "same" else (pad, pad) if isinstance(pad, int) else pad
  x = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
  return np.einsum("nyxcij,ijco->nyxo", windows(x, side, stride), kernel, optimize=True)


def transposed(x, kernel, stride=2, cut=1):
  """Every pixel lays its multiple of the kernel [k, k, o, c], `stride` pixels on from its neighbour's.

  Args:
    cut: pixels that are cut off on every side; or a pair, before and after.
  """
  count, height, width, _ = x.shape
  side = kernel.shape[0]
  out = np.zeros((count, stride * (height - 1) + side, stride * (width - 1) + side, kernel.shape[2]), x.dtype)
  for i in range(side):
    for j in range(side):
      out[:, i:i + stride * (height - 1) + 1:stride, j:j + stride * (width - 1) + 1:stride] += x @ kernel[i, j].T
  before, after = (cut, cut) if isinstance(cut, int) else cut
  return out[:, before:out.shape[1] - after, before:out.shape[2] - after]


def normalize(x, axes=(1, 2), epsilon=1e-3):
  """Mean 0 and deviation 1 over the axes: each image alone, or (0, 1, 2) for the batch; without an affine part."""
  return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def leaky(x, slope=0.2):
  """LeakyReLU; of complex numbers by their real part. A slope of 0 is ReLU."""
  return np.where(x.real > 0, x, slope * x)


def blur(x):
  """[1, 2, 1] / 4 along both axes, zeros beyond the border."""
  padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
  return np.einsum("nyxcij,ij->nyxc", windows(padded, 3), np.outer([1, 2, 1], [1, 2, 1]) / 16)


def halve(x):
  """Means of 2x2 pixels."""
  return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def double(x):
  """Every pixel four times."""
  return x.repeat(2, axis=1).repeat(2, axis=2)
