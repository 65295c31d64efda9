"""Multiply-accumulates of small networks, counted by hand."""

import keras
import pytest
import tensorflow as tf

from tf_imgtrans.benchmark import count_macs


def _model(*layers, channels=3):
  return keras.Sequential([keras.Input((None, None, channels)), *layers])


@pytest.mark.parametrize("layer, macs", [
    (keras.layers.Conv2D(5, 3, padding="same"), 10 * 12 * 9 * 3 * 5),
    (keras.layers.Conv2D(5, 3, padding="valid", use_bias=False), 8 * 10 * 9 * 3 * 5),
    (keras.layers.Conv2D(5, (1, 7), strides=2, padding="same"), 5 * 6 * 7 * 3 * 5),
    (keras.layers.Conv2D(5, 3, dilation_rate=2, padding="same"), 10 * 12 * 9 * 3 * 5),
    (keras.layers.Conv2D(6, 3, groups=3, padding="same"), 10 * 12 * 9 * 1 * 6),
    (keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), 10 * 12 * 9 * 3 * 2),
    (keras.layers.SeparableConv2D(5, 3, padding="same"), 10 * 12 * (9 * 3 + 3 * 5)),
    (keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same"), 10 * 12 * 16 * 3 * 5),
    (keras.layers.AveragePooling2D(2), 0),
    (keras.layers.LeakyReLU(), 0),
])
def test_one_layer(layer, macs):
  assert count_macs(_model(layer), 10, 12) == macs


def test_layers_add_up():
  model = _model(keras.layers.Conv2D(4, 3, padding="same"), keras.layers.ReLU(), keras.layers.Conv2D(2, 1))
  assert count_macs(model, 8, 6) == 48 * (9 * 3 * 4 + 4 * 2)


def test_dense_layers():
  model = keras.Sequential([keras.Input((4, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(10), keras.layers.Dense(2)])
  assert count_macs(model, 4, 6) == 72 * 10 + 10 * 2


def test_grey_input():
  assert count_macs(_model(keras.layers.Conv2D(5, 3, padding="same"), channels=1), 10, 12, channels=1) == 120 * 9 * 5


def test_products_of_matrices():
  def attention(images, training):
    rows = tf.reshape(images, [2, 10, 12])
    return tf.matmul(rows, rows, transpose_b=True), tf.matmul(rows[0], rows[1], transpose_a=True)

  assert count_macs(attention, 5, 16) == 2 * 10 * 10 * 12 + 12 * 12 * 10


def test_nested_functions_count_at_every_call():
  layer = keras.layers.Conv2D(3, 3, padding="same")
  layer.build((None, None, None, 3))
  inner = tf.function(lambda images: layer(images))
  outer = tf.function(lambda images: inner(images) + inner(images))
  assert count_macs(lambda images, training: inner(outer(images)), 10, 12) == 3 * 120 * 9 * 3 * 3


def test_inference_is_what_counts():
  layers = {True: keras.layers.Conv2D(3, 5, padding="same"), False: keras.layers.Conv2D(3, 3, padding="same")}
  assert count_macs(lambda images, training: layers[training](images), 4, 4) == 16 * 9 * 9


def test_a_loop_cannot_be_counted():
  kernel = tf.ones((3, 3, 3, 3))

  def model(images, training):
    return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.nn.conv2d(x, kernel, 1, "SAME")), (0, images))

  with pytest.raises(ValueError, match="how often they run is not in the graph"):
    count_macs(model, 4, 4)


def test_unknown_shapes_cannot_be_counted():
  kernel = tf.ones((3, 3, 3, 3))

  def model(images, training):
    size = tf.cast(tf.reduce_sum(images), tf.int32)
    return tf.nn.conv2d(images[:, :size], kernel, 1, "SAME")

  with pytest.raises(ValueError, match=r"Conv2D.* meets the shape \(1, None, 4, 3\): expected sizes known"):
    count_macs(model, 4, 4)


def test_other_products_are_refused_by_name():
  model = lambda images, training: tf.nn.conv3d(images[:, None], tf.ones((1, 3, 3, 3, 2)), [1] * 5, "SAME")  # noqa: E731
  with pytest.raises(ValueError, match="Conv3D.* is not counted: expected one of Conv2D"):
    count_macs(model, 4, 4)
