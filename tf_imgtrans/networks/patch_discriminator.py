"""The 70x70 patch discriminator of pix2pix, on which those of pix2pixHD and later methods are built."""

import tensorflow as tf

from tf_imgtrans.networks.blocks import run

FACTORS = (1, 2, 4, 8)  # widths over those of the first convolution, before the one that gives the logits; pix2pix
STRIDES = (2, 2, 2, 1, 1)  # of the convolutions, that of the logits included; pix2pix
SLOPE = 0.2  # of LeakyReLU below zero; pix2pix


def patch_stages(stages, width, name, head, strides=STRIDES, biased=True):
  """Makes the layers: 4x4 convolutions, a normalization behind all but the first and the last.

  Args:
    stages: Stages that makes them.
    width: int, channels of the first convolution.
    name: str, name of the stages with two places, for the number from 1 and for the kind of layer.
    head: str, name of the convolution that gives the logits.
    strides: five ints.
    biased: bool, convolutions before a normalization have a bias too; the first and the last always have one.
  Returns:
    (stages, head): list of (convolution, normalization or None), and a convolution in float32.
  """
  made = [stages.stage(name.format(index, "{}"), width * factor, stride=stride, padding="valid",
                       use_bias=biased or index == 1, normalized=index > 1)
          for index, (factor, stride) in enumerate(zip(FACTORS, strides), 1)]
  return made, stages.convolution(head, 1, stride=strides[-1], padding="valid", dtype="float32")


def patch_logits(stages, head, features, padding, training=False):
  """Scores a batch patch by patch.

  Args:
    stages, head: of `patch_stages`.
    features: float [N, H, W, C] in about [-1, 1].
    padding: int, zeros on every side before each convolution: 1 in pix2pix, 2 in pix2pixHD.
    training: bool; batch normalization takes the batch's means.
  Returns:
    (logits, feature maps): float32 [N, h, w, 1], above 0 for real, and the list of the four feature maps before them,
    after LeakyReLU.
  """
  maps = []
  for stage in stages:
    features = tf.nn.leaky_relu(run(stage, _pad(features, padding), training), SLOPE)
    maps.append(features)
  return head(_pad(features, padding)), maps


def _pad(features, width):
  return tf.pad(features, [[0, 0], [width, width], [width, width], [0, 0]])
