"""Laplacian pyramid: smooth images, each at half the resolution of the one before, and the details lost between them."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.shapes import crop_like

# Cubic convolution of Keys with a = -0.75 at a quarter of a pixel before and after a pixel's centre: the weights of the
# pixels i - 2 .. i + 1 in output 2 i, and of i - 1 .. i + 2 in output 2 i + 1. All are whole multiples of 1 / 256.
EVEN = (-9 / 256, 67 / 256, 225 / 256, -27 / 256)
ODD = EVEN[::-1]


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class LaplacianPyramid(OwnDefaults, keras.layers.Layer):
  """Splits images into smooth images and details: [N, H, W, C] -> ([p_0 .. p_levels], [h_0 .. h_{levels-1}]).

  p_0 is the image, p_{k+1} = d(p_k) and h_k = p_k - u(p_{k+1}): Eq. 2 of the feature-pyramid paper. d keeps every second
  pixel, from the first one on (`decimate`), and u is bicubic (`upsample`). The paper specifies neither; these are the plain
  reading of "downsampled and then upsampled". d keeps the first of four pixels, and u centres its four pixels on it, so
  that u(d(I)) is shifted by half a pixel against I, equally in all images. p_k and h_k have ceil(H / 2^k) x ceil(W / 2^k)
  pixels; u is cropped to the size of the image that it is subtracted from.

  Images have any range; for images in [0, 1] details lie in [-1.32, 1.32]. Half-precision images are cast to float32,
  and the outputs are float32: details are small differences of large numbers. float64 stays float64.

  Args:
    levels: int, number of detail images, at least 1.
  """

  def __init__(self, levels=3, **kwargs):
    super().__init__(**{"autocast": False, **kwargs})
    if levels < 1:
      raise ValueError(f"levels is {levels}: expected at least 1")
    self.levels = levels

  def call(self, images):
    return laplacian_pyramid(images, self.levels)

  def get_config(self):
    return {**super().get_config(), "levels": self.levels}


def laplacian_pyramid(images, levels):
  """The outputs of the layer: ([p_0 .. p_levels], [h_0 .. h_{levels-1}]).

  Args:
    images: float [N, H, W, C], of any range.
    levels: int, from 0; with 0 there are no details.
  """
  smooth, details = [_checked(images)], []
  for _ in range(levels):
    fine, coarse = smooth[-1], decimate(smooth[-1])
    smooth.append(coarse)
    details.append(fine - crop_like(upsample(coarse), fine))
  return smooth, details


def decimate(images):
  """d of Eq. 2: every second row and column, from the first one on, without a blur beforehand.

  Args:
    images: float [N, H, W, C].
  Returns:
    [N, ceil(H / 2), ceil(W / 2), C], of the same dtype.
  """
  return images[:, ::2, ::2]


def upsample(images):
  """u of Eq. 2: twice as many rows and columns, bicubic with a = -0.75, pixels as squares, the border pixels repeated.

  That is the bicubic of OpenCV and of PyTorch; `tf.image.resize` has a = -0.5. It uses only sums of slices and a
  rearrangement, so that it compiles with XLA, converts to mobile operations and has correct derivatives of all orders.

  Args:
    images: float [N, H, W, C], of any range; half precision is cast to float32.
  Returns:
    float32 or float64 [N, 2 H, 2 W, C]; of images in [0, 1] between -0.32 and 1.32.
  """
  images = _checked(images)
  # Channels in the order of depth_to_space: of each 2x2 pixels those on top first, the left before the right one.
  phases = [column for row in _phases(images, 1) for column in _phases(row, 2)]
  return tf.nn.depth_to_space(tf.concat(phases, axis=-1), 2)


def reconstruct(smooth, details):
  """Reconstructs the image of a pyramid: p_k = h_k + u(p_{k+1}) from the smallest smooth image on.

  Args:
    smooth: float [N, h, w, C], the last of the smooth images, p_levels.
    details: list [h_0 .. h_{levels-1}], the largest first.
  Returns:
    [N, H, W, C] of the shape of h_0; p_0 up to rounding.
  """
  for detail in reversed(details):
    smooth = detail + crop_like(upsample(smooth), detail)
  return smooth


def _phases(images, axis):
  """The outputs 2 i, and those 2 i + 1, along an axis: two tensors of the images' shape."""
  first, last = (images[:, :1], images[:, -1:]) if axis == 1 else (images[:, :, :1], images[:, :, -1:])
  padded = tf.concat([first, first, images, last, last], axis)

  def at(start):  # as many pixels as the images have, from `start` on
    window = slice(start, start - 4 or None)
    return padded[:, window] if axis == 1 else padded[:, :, window]

  return [tf.add_n([tap * at(start + index) for index, tap in enumerate(taps)]) for start, taps in ((0, EVEN), (1, ODD))]


def _checked(images):
  """Casts half precision to float32; raises ValueError unless the input is a batch of floats."""
  images = tf.convert_to_tensor(images)
  if images.shape.rank != 4 or not images.dtype.is_floating:
    raise ValueError(f"images have shape {images.shape} and dtype {images.dtype.name}: expected floating point "
                     "[N, height, width, channels]; add the batch axis with images[None]")
  return tf.cast(images, tf.float32) if images.dtype.size < 4 else images
