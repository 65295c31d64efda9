"""Discriminators of Sec. 3.4: equal networks that look at several scales, as pix2pixHD's."""

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import check_same_shape, to_signed
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.patch_discriminator import patch_logits, patch_stages
from tf_imgtrans.papers.x_gans.config import Config

KERNEL, PADDING = 4, 2  # pix2pixHD


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="XGansDiscriminators")
class Discriminators(ConfiguredModel):
  """Tell real images from reconstructed ones, beside the corrupted image that they come from (Sec. 3.2, 3.4).

  The k-th discriminator sees the images at 1 / 2^(k-1) of their size. The networks are equal, their weights are not. Each
  scores patches of 70x70 of its pixels: 4x4 kernels, padded with zeros by 2, of 64, 128, 256 (stride 2) and 512 (stride 1)
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
    scales = []
    for scale in range(1, config.discriminators + 1):
      stages = Stages(config.seed, self.dtype_policy, 500 + 10 * scale + 1, normalization="plain")
      scales.append(patch_stages(stages, config.discriminator_channels, f"scale{scale}_{{1}}{{0}}", f"scale{scale}_conv5"))
    self.convolutions = [[convolution for convolution, _ in stages] for stages, _ in scales]
    self.norms = [[norm for _, norm in stages if norm] for stages, _ in scales]
    self.heads = [head for _, head in scales]

  def call(self, source, images):
    """Scores a batch at every scale.

    Args:
      source: float [N, H, W, 3] in [0, 1], the corrupted images.
      images: float [N, H, W, 3] in [0, 1], real or reconstructed.
    Returns:
      list over scales, the largest first, of (logits, maps): float32 [N, h, w, 1], and the list of the four maps before
      them, after LeakyReLU.
    Raises:
      ValueError: at the smallest scale, a side is shorter than the kernel.
    """
    count = len(self.heads)
    check_images(source, "source")
    check_images(images, smallest=(KERNEL - 1) * 2 ** (count - 1) + 1, network=f"last of {count} discriminators",
                 advice=f"enlarge the image, or take fewer discriminators: it sees {KERNEL} pixels")
    check_same_shape(source, images)
    features = to_signed(tf.concat([source, images], axis=-1), self.compute_dtype)
    outputs = []
    for convolutions, norms, head in zip(self.convolutions, self.norms, self.heads):
      if outputs:
        features = tf.nn.avg_pool2d(features, 3, 2, "SAME")  # does not count what lies beyond the border
      outputs.append(patch_logits(zip(convolutions, [None, *norms]), head, features, PADDING))
    return outputs
