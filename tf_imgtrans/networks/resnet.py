"""Residual networks: the encoder, residual blocks and decoder of Johnson et al., "Perceptual Losses for Real-Time Style
Transfer and Super-Resolution", ECCV 2016, on which pix2pixHD's global generator is built."""

import tensorflow as tf

from tf_imgtrans.networks.blocks import run


def residual_block(features, block, activate, training=False, drop=None, activate_last=False):
  """features + block(features).

  Args:
    features: float [N, H, W, C].
    block: pair of stages.
    activate: function of features, between the stages.
    training: bool; batch normalization takes the batch's means.
    drop: function of features, between the stages behind `activate`.
    activate_last: bool, `activate` behind the second stage too.
  """
  first, second = block
  branch = activate(_run(first, features, training))
  if drop:
    branch = drop(branch)
  branch = _run(second, branch, training)
  return features + (activate(branch) if activate_last else branch)


def transform(features, down, blocks, up, last, activate, training=False, drop=None):
  """Features through an encoder, residual blocks and a decoder, with `activate` behind each stage of the two.

  A convolution of padding "valid" sees its input reflected beyond the border by half of its kernel.

  Args:
    features: float [N, H, W, C].
    down, up: lists of stages.
    blocks: list of pairs of stages.
    last: convolution.
    activate: function of features.
    training: bool; batch normalization takes the batch's means.
    drop: function (features, number of the block) -> features with some zeros; None: nothing is dropped.
  """
  for stage in down:
    features = activate(_run(stage, features, training))
  for index, block in enumerate(blocks):
    dropped = (lambda branch, index=index: drop(branch, index)) if drop else None
    features = residual_block(features, block, activate, training, dropped)
  for stage in up:
    features = activate(_run(stage, features, training))
  return last(_reflected(last, features))


def _run(stage, features, training):
  return run(stage, _reflected(stage[0], features), training)


def _reflected(convolution, features):
  if convolution.padding != "valid":
    return features
  height, width = (side // 2 for side in convolution.kernel_size)
  return tf.pad(features, [[0, 0], [height, height], [width, width], [0, 0]], mode="REFLECT")
