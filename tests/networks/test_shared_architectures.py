"""What methods share is one: the same weights give the same bits."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.pix2pix.network import Unet
from tf_imgtrans.baselines.pix2pix.recipe import TINY as PIX2PIX
from tf_imgtrans.networks.blocks import Stages, run
from tf_imgtrans.networks.patch_discriminator import patch_logits, patch_stages
from tf_imgtrans.networks.resnet import residual_block, transform
from tf_imgtrans.papers.feature_pyramid_pan import TINY, Generator


def _by_path(network):
  return {variable.path.split("/", 1)[1]: variable for variable in network.weights}


@pytest.mark.parametrize("size", [(32, 32), (9, 41)])
def test_one_unet(size):
  """pix2pix's with instance normalization, and the feature-pyramid paper's with affine normalizations."""
  pix2pix = Unet(dataclasses.replace(PIX2PIX, normalization="instance"))
  pix2pix(keras.Input((None, None, 3)))
  recipes.draw_weights(pix2pix)
  pyramid = Generator(dataclasses.replace(TINY, affine=True))
  pyramid(keras.Input((None, None, 3)))
  weights = _by_path(pyramid)
  for path, variable in _by_path(pix2pix).items():
    other = re.sub("^dec", "up", re.sub("^enc", "down", path)).replace("last_", "up5_")
    weights.pop(other).assign(variable)
  assert not weights
  images = recipes.random_images(2, *size, 3)
  recipes.assert_same(pix2pix(images), pyramid(images))
  recipes.assert_same(pix2pix(images, dropout_seed=3), pyramid(images, dropout_seed=3, training=True))


def test_stages_take_seeds_in_their_order():
  """Kernels and drawn factors take turns, or have streams of their own; instance normalizations draw none."""
  def seeds(**options):
    stages = Stages(2, "float32", first=7, **options)
    made = [stages.stage(f"s{index}_{{}}", 4) for index in range(2)]
    return [[layer.kernel_initializer.seed, getattr(getattr(norm, "gamma_initializer", None), "seed", None)]
            for layer, norm in made]

  assert seeds() == [[2007, 2008], [2009, 2010]]
  assert seeds(first_factor=300) == [[2007, 2300], [2008, 2301]]
  assert seeds(normalization="plain") == seeds(normalization="instance") == [[2007, None], [2008, None]]
  glorot = {"weights": lambda seed: {"kernel_initializer": keras.initializers.GlorotUniform(seed)}}
  assert seeds(**glorot) == [[2007, None], [2008, None]]  # factors of 1
  assert Stages(2 ** 31 - 1, "float32").seed() < 2 ** 30


def test_stages_are_named_and_may_lack_a_normalization():
  stages = Stages(0, "mixed_float16", normalization="plain", epsilon=0.5)
  convolution, norm = stages.stage("down1_{}", 4, 3, 1, transposed=True, use_bias=False)
  assert (convolution.name, norm.name) == ("down1_conv", "down1_norm")
  assert isinstance(convolution, keras.layers.Conv2DTranspose) and not convolution.use_bias
  assert (norm.epsilon, norm.center, norm.scale) == (0.5, False, False)
  assert {convolution.dtype_policy.name, norm.dtype_policy.name} == {"mixed_float16"}
  convolution, norm = stages.stage("{}3", 4, normalized=False)
  assert convolution.name == "conv3" and norm is None
  features = recipes.random_images(1, 8, 8, 2)
  recipes.assert_same(run((convolution, None), features), convolution(features))


@pytest.mark.parametrize("padding", [1, 2])
def test_patches_differ_in_padding_alone(padding):
  """Of 64 pixels 6x6 logits of 70x70 pixels with a padding of 1, 11x11 with 2; the middle of both sees the same."""
  stages, head = patch_stages(Stages(0, "float32", normalization="plain"), 4, "{1}{0}", "conv5")
  logits, maps = patch_logits(stages, head, tf.constant(recipes.random_images(1, 64, 64, 3)), padding)
  assert [one.shape[1] for one in (*maps, logits)] == {1: [32, 16, 8, 7, 6], 2: [33, 17, 9, 10, 11]}[padding]
  assert [one.shape[3] for one in (*maps, logits)] == [4, 8, 16, 32, 1]


def test_residual_block_by_hand():
  stages = Stages(0, "float32", normalization="plain")
  block = [stages.stage(f"{{}}{index}", 3, 3, 1, "valid") for index in (1, 2)]
  features = tf.constant(recipes.random_images(1, 5, 6, 3))

  def reflected(x):
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")

  first = tf.nn.relu(run(block[0], reflected(features)))
  second = run(block[1], reflected(first))
  recipes.assert_same(residual_block(features, block, tf.nn.relu), features + second)
  recipes.assert_same(residual_block(features, block, tf.nn.relu, activate_last=True), features + tf.nn.relu(second))
  dropped = run(block[1], reflected(2 * first))
  recipes.assert_same(residual_block(features, block, tf.nn.relu, drop=lambda x: 2 * x), features + dropped)


def test_transform_halves_and_doubles():
  stages, seen = Stages(0, "float32"), []
  down, up = [stages.stage("down_{}", 4, 3)], [stages.stage("up_{}", 2, 3, transposed=True)]
  blocks = [[stages.stage(f"block{index}_{half}_{{}}", 4, 3, 1) for half in (1, 2)] for index in (1, 2)]

  def drop(features, index):
    seen.append((index, features.shape[1:]))
    return features

  out = transform(recipes.random_images(1, 8, 12, 3), down, blocks, up, stages.convolution("last", 3, 7, 1, "valid"),
                  tf.nn.relu, drop=drop)
  assert out.shape == (1, 8, 12, 3) and np.isfinite(out).all()
  assert seen == [(0, (4, 6, 4)), (1, (4, 6, 4))]
