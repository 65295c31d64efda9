"""Discriminators of Sec. 3.4: equal networks that look at several scales, as pix2pixHD's."""

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import check_same_shape
from tf_imgtrans.layers.instance_normalization import InstanceNormalization
from tf_imgtrans.papers.x_gans.config import Config

KERNEL, PADDING = 4, 2  # pix2pixHD
STRIDES = (2, 2, 2, 1)  # of the convolutions before the one that gives the logits; pix2pixHD
LEAK = 0.2  # pix2pixHD
EPSILON = 1e-5  # instance normalization of Torch, in which pix2pixHD is written
STDDEV = 0.02  # of the initial kernels; pix2pixHD


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="XGansDiscriminators")
class Discriminators(ConfiguredModel):
  """Tell real images from reconstructed ones, beside the corrupted image that they come from (Sec. 3.2, 3.4).

  The k-th discriminator sees the images at 1 / 2^(k-1) of their size. The networks are equal, their weights are not. Each
  judges patches of 70x70 of its pixels: 4x4 kernels, padded with zeros by 2, of 64, 128, 256 (stride 2) and 512 (stride 1)
  channels, each with LeakyReLU 0.2 and, but for the first, non-affine instance normalization before it; then a 4x4 kernel
  gives the logits, which mean real above 0. 2,767,809 parameters each. The next scale is the mean over 3x3 pixels, every
  second one, without what lies beyond the border.

  All but the number of discriminators is pix2pixHD's; this paper says nothing of it.

  Args:
    config: Config; `discriminators`, `discriminator_channels` and `seed` count here.
  """

  config_class = Config
  architecture = ("discriminators", "discriminator_channels", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)

    def convolution(scale, index, filters, stride, policy=self.dtype_policy):
      seed = (1000 * config.seed + 500 + 10 * scale + index) % 2 ** 30
      return keras.layers.Conv2D(filters, KERNEL, stride, dtype=policy, name=f"scale{scale}_conv{index}",
                                 kernel_initializer=keras.initializers.RandomNormal(0.0, STDDEV, seed))

    scales = range(1, config.discriminators + 1)
    self.convolutions = [[convolution(scale, index, config.discriminator_channels * 2 ** (index - 1), stride)
                          for index, stride in enumerate(STRIDES, 1)] for scale in scales]
    self.norms = [[InstanceNormalization(EPSILON, center=False, scale=False, dtype=self.dtype_policy,
                                         name=f"scale{scale}_norm{index}")
                   for index in range(2, len(STRIDES) + 1)] for scale in scales]
    self.heads = [convolution(scale, len(STRIDES) + 1, 1, 1, "float32") for scale in scales]

  def build(self, source_shape, images_shape):
    for convolutions, norms, head in zip(self.convolutions, self.norms, self.heads):
      channels = source_shape[-1] + images_shape[-1]
      for convolution in convolutions:
        convolution.build((None, None, None, channels))
        channels = convolution.filters
      for convolution, norm in zip(convolutions[1:], norms):
        norm.build((None, None, None, convolution.filters))
      head.build((None, None, None, channels))

  def call(self, source, images):
    """Judges a batch at every scale.

    Args:
      source: float [N, H, W, 3] in [0, 1], the corrupted images.
      images: float [N, H, W, 3] in [0, 1], real or reconstructed.
    Returns:
      list over scales, the largest first, of (logits, maps): float32 [N, h, w, 1], and the list of the four maps before
      them, after LeakyReLU.
    Raises:
      ValueError: at the smallest scale, a side is shorter than the kernel.
    """
    check_images(source, "source")
    check_images(images)
    check_same_shape(source, images)
    self._check_size(images.shape[1:3])
    features = tf.cast(2 * tf.concat([source, images], axis=-1) - 1, self.compute_dtype)
    outputs = []
    for convolutions, norms, head in zip(self.convolutions, self.norms, self.heads):
      if outputs:
        features = tf.nn.avg_pool2d(features, 3, 2, "SAME")  # does not count what lies beyond the border
      outputs.append(_judge(convolutions, norms, head, features))
    return outputs

  def _check_size(self, size):
    count = len(self.heads)
    smallest = (KERNEL - 1) * 2 ** (count - 1) + 1
    for name, side in zip(("height", "width"), size):
      if side is not None and side < smallest:
        raise ValueError(f"{name} is {side}: {count} discriminators need at least {smallest} pixels, so that the last sees "
                         f"{KERNEL} of them; enlarge the image, or take fewer discriminators")


def _judge(convolutions, norms, head, features):
  maps = []
  for index, convolution in enumerate(convolutions):
    features = convolution(_pad(features))
    if index > 0:
      features = norms[index - 1](features)
    features = tf.nn.leaky_relu(features, LEAK)
    maps.append(features)
  return head(_pad(features)), maps


def _pad(features):
  return tf.pad(features, [[0, 0], [PADDING, PADDING], [PADDING, PADDING], [0, 0]])
