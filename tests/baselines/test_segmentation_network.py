"""FCN-8s: sizes, parameters by hand, colours, bilinear enlargement, saved files; configuration."""

import dataclasses
import math

import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.config import PRESETS, TINY, Config
from tf_imgtrans.baselines.segmentation.network import MEAN_BGR, Bilinear, Segmenter, caffe_colors
from tf_imgtrans.data.labels import LABEL_SETS

PLAIN = dataclasses.replace(TINY, batch_normalization=False)


def _segmenter(config=TINY, seed=1):
  """A built segmenter whose class scores are not the zeros that they begin with."""
  segmenter = Segmenter(config)
  segmenter(keras.Input((None, None, 3)))
  rng = np.random.default_rng(seed)
  for layer in (segmenter.score_fr, segmenter.score_pool4, segmenter.score_pool3):
    layer.kernel.assign(rng.normal(0, 0.3, layer.kernel.shape))
    layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
  return segmenter


# Parameters ----------------------------------------------------------------------------------------------------------

def test_parameters_by_hand(monkeypatch):
  """Full widths with 19 classes, counted from the layers; without drawing the 134 million numbers."""
  monkeypatch.setattr(keras.initializers, "HeNormal", lambda seed: "zeros")
  segmenter = Segmenter(Config())
  segmenter(keras.Input((None, None, 3)))
  shapes = {f"{layer.name}/{weight.name}": tuple(weight.shape) for layer in segmenter._flatten_layers(include_self=False)
            for weight in layer.variables}
  trunk = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), (512, 512), (512, 512),
           (512, 512), (512, 512), (512, 512)]
  vgg = sum(9 * below * width + width for below, width in trunk)
  assert vgg == 14_714_688  # VGG16 without its dense layers
  dense = 49 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
  scores = 19 * (4096 + 512 + 256 + 3)
  enlargements = 19 * 19 * (4 * 4 + 4 * 4 + 16 * 16)
  assert sum(math.prod(shape) for shape in shapes.values()) == vgg + dense + scores + enlargements == 134_456_985
  assert shapes["fc6/kernel"] == (7, 7, 512, 4096) and shapes["upscore8/kernel"] == (16, 16, 19, 19)
  assert [tuple(weight.shape) for weight in segmenter.non_trainable_variables] == [(16, 16, 19, 19)]  # Sec. 4.3
  assert segmenter(recipes.random_images(1, 33, 20, 3)).shape == (1, 33, 20, 19)


def test_small_preset_parameters():
  """Batch normalization has a factor, an offset, a mean and a variance for each channel, in the place of the bias."""
  config = dataclasses.replace(PRESETS["small"], label_set="camvid")
  segmenter = _segmenter(config)
  widths = [16, 16, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128]
  expected = sum(9 * below * width + 4 * width for below, width in zip([3, *widths], widths))
  expected += 49 * 128 * 128 + 4 * 128 + 128 * 128 + 4 * 128 + 11 * (128 + 128 + 64 + 3) + 11 * 11 * (16 + 16 + 256)
  assert segmenter.count_params() == expected == 1_782_577


# Sizes, range, start --------------------------------------------------------------------------------------------------

@hypothesis.given(st.integers(1, 70), st.integers(1, 70))
def test_any_size(height, width):
  logits = SEGMENTER(recipes.random_images(1, height, width, 3))
  assert logits.shape == (1, height, width, 11) and logits.dtype == tf.float32
  assert np.isfinite(logits).all()


SEGMENTER = _segmenter()


@pytest.mark.parametrize("size", [(32, 64), (33, 40)])
def test_sizes_known_only_when_the_graph_runs(size):
  images = recipes.random_images(2, *size, 3)
  relaxed = tf.function(SEGMENTER, input_signature=[tf.TensorSpec((None, None, None, 3))])
  np.testing.assert_allclose(relaxed(images), SEGMENTER(images), atol=1e-4)
  assert SEGMENTER(keras.Input((*size, 3))).shape == (None, *size, 11)
  assert SEGMENTER(keras.Input((None, None, 3))).shape == (None, None, None, 11)


def test_what_fills_up_is_the_mean_colour():
  """An image with a border of the mean colour gives the same scores as the image alone."""
  images = recipes.random_images(1, 40, 50, 3)
  bordered = np.tile(np.float32(MEAN_BGR[::-1]) / 255, (1, 64, 64, 1))
  bordered[:, :40, :50] = images
  np.testing.assert_allclose(SEGMENTER(bordered)[:, :40, :50], SEGMENTER(images), atol=1e-3)


def test_scores_begin_at_zero_and_are_not_flat_later():
  segmenter = Segmenter(TINY)
  images = recipes.random_images(1, 32, 32, 3)
  assert not np.any(segmenter(images))
  assert np.std(SEGMENTER(images), axis=(1, 2)).max() > 0.01


def test_classes_of_the_label_sets():
  for name, count in (("cityscapes", 19), ("camvid", 11)):
    assert Segmenter(dataclasses.replace(TINY, label_set=name)).classes == count == len(LABEL_SETS[name])


def test_colours():
  """RGB in [0, 1] to BGR in 0..255 less the mean of pix2pix's evaluation."""
  image = np.float32([[[[1.0, 0.5, 0.0]]]])
  np.testing.assert_allclose(caffe_colors(image)[0, 0, 0], [0 - 72.78044, 127.5 - 83.21195, 255 - 73.45286], rtol=1e-6)


def test_the_order_of_the_layers():
  """The whole network written out with NumPy-like operations, from its weights."""
  segmenter, images = _segmenter(PLAIN), recipes.random_images(2, 64, 32, 3)
  weights = {f"{layer.name}_{weight.name}": weight.value for layer in segmenter._flatten_layers(include_self=False)
             for weight in layer.weights}

  def convolved(features, name):
    return tf.nn.conv2d(features, weights[f"{name}_kernel"], 1, "SAME") + weights[f"{name}_bias"]

  def enlarged(features, name, factor):
    batch, height, width, channels = features.shape
    return tf.nn.conv2d_transpose(features, weights[f"{name}_kernel"], (batch, height * factor, width * factor, channels),
                                  factor, "SAME")

  features, pools = images[..., ::-1] * 255 - np.float32(MEAN_BGR), {}
  for block, count in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)):
    for index in range(1, count + 1):
      features = tf.nn.relu(convolved(features, f"conv{block}_{index}"))
    batch, height, width, channels = features.shape
    features = pools[block] = tf.reduce_max(tf.reshape(features, (batch, height // 2, 2, width // 2, 2, channels)), (2, 4))
  assert features.shape[1:3] == (2, 1)
  features = tf.nn.relu(convolved(tf.nn.relu(convolved(features, "fc6")), "fc7"))
  scores = enlarged(convolved(features, "score_fr"), "upscore2", 2) + convolved(pools[4], "score_pool4")
  scores = enlarged(scores, "upscore_pool4", 2) + convolved(pools[3], "score_pool3")
  expected = enlarged(scores, "upscore8", 8)
  np.testing.assert_allclose(segmenter(images), expected, rtol=1e-4, atol=1e-3 * float(tf.reduce_max(tf.abs(expected))))


# Bilinear enlargement ------------------------------------------------------------------------------------------------

def test_bilinear_kernel_by_hand():
  kernel = Bilinear()((4, 4, 2, 2)).numpy()
  tent = np.array([0.25, 0.75, 0.75, 0.25])
  np.testing.assert_allclose(kernel[:, :, 0, 0], tent[:, None] * tent)
  np.testing.assert_array_equal(kernel[:, :, 0, 1], 0)


@pytest.mark.parametrize("factor", [2, 8])
def test_enlargement_is_bilinear(factor):
  images = recipes.random_images(1, 6, 5, 3)
  layer = keras.layers.Conv2DTranspose(3, 2 * factor, factor, padding="same", use_bias=False, kernel_initializer=Bilinear())
  expected = tf.image.resize(images, (6 * factor, 5 * factor)).numpy()
  inner = np.s_[:, factor:-factor, factor:-factor]  # beyond the border lie zeros
  np.testing.assert_allclose(layer(images).numpy()[inner], expected[inner], atol=1e-6)


# Dropout, initial weights ----------------------------------------------------------------------------------------------

def test_dropout_follows_its_seed():
  images = recipes.random_images(2, 64, 64, 3)
  segmenter = _segmenter(PLAIN)
  one, again, other = (segmenter(images, dropout_seed=seed, training=True).numpy() for seed in (1, 1, 2))
  recipes.assert_same(one, again)
  assert (one != other).any()
  inference = segmenter(images).numpy()
  recipes.assert_same(segmenter(images, dropout_seed=1).numpy(), inference)
  assert (inference != one).any()
  kept = _segmenter(dataclasses.replace(PLAIN, dropout=0.0))
  np.testing.assert_allclose(kept(images, dropout_seed=1, training=True), kept(images), atol=1e-5)


def test_initial_weights():
  deviation = float(np.std(SEGMENTER.blocks[4][2][0].kernel))
  assert deviation == pytest.approx(math.sqrt(2 / (9 * 32)), rel=0.05)  # He


def test_configurations():
  config = Config()  # the code's
  assert (config.momentum, config.weight_decay, config.batch_size, config.iterations) == (0.99, 5e-4, 1, 100000)
  assert config.learning_rate == pytest.approx(1e-10 * 1024 * 2048, rel=0.05)
  for fields, message in (({"load_size": 0}, "batch_size is 2.*--config.load_size"),
                          ({"load_size": 0, "batch_size": 1}, "batch_normalization is on.*--config.load_size"),
                          ({"label_set": "kitti"}, "label_set is 'kitti'"), ({"image_size": 0}, "image_size is 0"),
                          ({"dropout": 1.0}, "dropout"), ({"momentum": -0.1}, "momentum"),
                          ({"learning_rate": 0.0}, "learning_rate")):
    with pytest.raises(ValueError, match=message):
      dataclasses.replace(TINY, **fields)


def test_the_configuration_is_light():
  code = "import sys, tf_imgtrans.baselines.segmentation.config; print('tensorflow' in sys.modules)"
  assert recipes.run_python(code).strip() == "False"
