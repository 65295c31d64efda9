"""The U-Net of pix2pix: P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017, and its public code (models.lua)."""

import tensorflow as tf

from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.pyramid import double
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.core.tensors import signed_tanh, to_signed
from tf_imgtrans.networks.blocks import run

WIDEST = 8  # times base_channels; models.lua
DROPPED = 3  # innermost stages of the decoder with dropout; models.lua
SLOPE = 0.2  # of LeakyReLU below zero; models.lua
RESIZE_KERNEL = 3  # of the convolution behind a nearest resize; ours
SMALLEST = 8  # pixels; ours: of fewer, nearly all that the network sees would be mirrored


class UNet(ConfiguredModel):
  """Base of generators that are a U-Net: float32 [N, H, W, 3] in [0, 1] -> the same shape and range; [-1, 1] inside.

  The encoder halves the feature maps log2(image_size) times, with 4x4 convolutions of 64, 128, 256 and from then on 512
  channels; LeakyReLU 0.2 stands before each but the first, and a normalization behind each but the first and the last.
  The decoder doubles them as often: ReLU, transposed 4x4 convolution, normalization, in the three innermost stages
  dropout, and the encoder's feature maps of that size beside the result. The last stage gives 3 channels and tanh. With
  `upsampling="resize"` each stage of the decoder repeats every pixel 2x2 times and convolves 3x3.

  Any height and width from 8 pixels: sizes are mirrored at the bottom and on the right up to a multiple of image_size,
  again and again where they are short, and cropped back.

  A subclass makes its layers by `unet_stages`, keeps them and gives them to `translate`.

  Args:
    config: with the fields `image_size` and `base_channels`.
    upsampling: str, "transposed" or "resize".
  """

  def __init__(self, config, upsampling="transposed", **kwargs):
    super().__init__(config, **kwargs)
    self.scale = 1
    self.upsampling = upsampling
    self.multiple = config.image_size

  def unet_stages(self, down, up, names, affine=True):
    """Makes the layers.

    Args:
      down, up: Stages that make the encoder's layers and the decoder's; they may be one.
      names: three names of stages with two places, for the number and for the kind of layer: of the encoder, of the
        decoder, and of the last one.
      affine: bool, normalizations have an offset, so that no convolution but the last needs a bias.
    Returns:
      (encoder, decoder, last): lists of stages, and a convolution.
    """
    count = self.config.image_size.bit_length() - 1
    widths = [self.config.base_channels * min(2 ** index, WIDEST) for index in range(count)]
    resampled = {"kernel": RESIZE_KERNEL, "stride": 1} if self.upsampling == "resize" else {"transposed": True}
    encoder = [down.stage(names[0].format(index, "{}"), width, use_bias=not affine, normalized=1 < index < count)
               for index, width in enumerate(widths, 1)]
    decoder = [up.stage(names[1].format(index, "{}"), width, use_bias=not affine, **resampled)
               for index, width in enumerate(widths[-2::-1], 1)]
    return encoder, decoder, up.convolution(names[2].format(count, "conv"), 3, **resampled)

  def translate(self, images, encoder, decoder, last, drop=None, training=False):
    """Translates a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      encoder, decoder, last: of `unet_stages`.
      drop: function (features, stage) -> features with some zeros; None: nothing is dropped.
      training: bool; batch normalization takes the batch's means.
    """
    check_images(images, smallest=SMALLEST)
    features = pad_to_multiple(to_signed(images, self.compute_dtype), self.multiple)
    passed = []
    for index, stage in enumerate(encoder):
      features = run(stage, tf.nn.leaky_relu(features, SLOPE) if index else features, training)
      passed.append(features)
    passed.pop()
    for index, stage in enumerate(decoder):
      features = run(stage, self._enlarged(features), training)
      if drop and index < DROPPED:
        features = drop(features, index)
      features = tf.concat([features, passed.pop()], axis=-1)
    return crop_like(signed_tanh(last(self._enlarged(features))), images)

  def _enlarged(self, features):
    """ReLU, and before a convolution without a stride twice the size."""
    features = tf.nn.relu(features)
    return double(features) if self.upsampling == "resize" else features
