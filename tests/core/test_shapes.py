"""Padding to a multiple, against NumPy's reflection; cropping back."""

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.shapes import check_images, crop_like, fixed_size, mirror_border, pad_to_multiple

SPECS = [None, (None, None, None, 3), (2, None, None, 3), (None, 13, None, 3), (None, None, 10, 3)]


def _reflected(images, multiple):
  _, height, width, _ = images.shape
  return np.pad(images, [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)], mode="reflect")


@given(height=st.integers(8, 20), width=st.integers(8, 20), multiple=st.integers(1, 8))
def test_pad_reflects_below_and_right_and_crop_undoes_it(height, width, multiple):
  images = recipes.random_images(2, height, width, 3)
  padded = pad_to_multiple(images, multiple)
  recipes.assert_same(padded, _reflected(images, multiple))
  recipes.assert_same(crop_like(padded, images), images)


@pytest.mark.parametrize("spec", SPECS)
def test_pad_and_crop_with_unknown_sizes(spec):
  images = recipes.random_images(2, 13, 10, 3)
  signature = None if spec is None else [tf.TensorSpec(spec, tf.float32)]
  padded = tf.function(lambda x: pad_to_multiple(x, 4), input_signature=signature)(images)
  back = tf.function(lambda x: crop_like(pad_to_multiple(x, 4), x), input_signature=signature)(images)
  recipes.assert_same(padded, _reflected(images, 4))
  recipes.assert_same(back, images)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("least", [12, 16, 32])
def test_pad_to_a_least_size(spec, least):
  """Forth and back where a side is short, as NumPy does it; larger images are padded to the multiple alone."""
  images = recipes.random_images(2, 13, 10, 3)
  signature = None if spec is None else [tf.TensorSpec(spec, tf.float32)]
  padded = tf.function(lambda x: pad_to_multiple(x, 4, least), input_signature=signature)(images)
  sides = [max(-(-side // 4) * 4, least) - side for side in images.shape[1:3]]
  recipes.assert_same(padded, np.pad(images, [(0, 0), (0, sides[0]), (0, sides[1]), (0, 0)], mode="reflect"))


def test_known_multiples_add_no_operation():
  @tf.function
  def run(images):
    return crop_like(pad_to_multiple(images, 4), images)

  graph = run.get_concrete_function(tf.TensorSpec((None, 16, 20, 3))).graph
  assert {operation.type for operation in graph.get_operations()} == {"Placeholder", "Identity"}


def test_known_sizes_stay_known():
  run = tf.function(lambda x: pad_to_multiple(x, 4)).get_concrete_function(tf.TensorSpec((None, 13, None, 3)))
  assert run.output_shapes.as_list() == [None, 16, None, 3]


@pytest.mark.parametrize("known", [True, False])
def test_crop_like_scales(known):
  reference, images = np.zeros((1, 5, 7, 3), "f"), recipes.random_images(1, 24, 32, 3)
  crop = lambda x, y: crop_like(x, y, scale=4)  # noqa: E731
  if not known:
    crop = tf.function(crop, input_signature=[tf.TensorSpec((None, None, None, 3))] * 2)
  recipes.assert_same(crop(tf.constant(images), tf.constant(reference)), images[:, :20, :28])


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8, 1), (1, 8, 8, 4), (1, 1, 8, 8, 3)])
def test_check_images_refuses(shape):
  with pytest.raises(ValueError, match=r"photos have shape .*expected \[N, height, width, 3\].*images\[None\]"):
    check_images(np.zeros(shape), "photos")


def test_check_images_takes_batches():
  check_images(np.zeros((2, 8, 9, 3)))
  check_images(keras.Input((None, None, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_check_images_refuses_integers(dtype):
  images = np.zeros((1, 8, 8, 3), dtype)
  for photos in (images, tf.constant(images), keras.Input((8, 8, 3), dtype=dtype)):
    with pytest.raises(ValueError, match=f"photos have dtype {dtype}: expected floating point.*divide by 255"):
      check_images(photos, "photos")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_check_images_takes_floating_point(dtype):
  images = tf.zeros((1, 8, 8, 3), dtype)
  for photos in (images, images.numpy(), tf.Variable(images), keras.Input((None, None, 3), dtype=dtype)):
    check_images(photos)


def test_check_images_refuses_small_ones():
  check_images(np.zeros((1, 8, 9, 3)), smallest=8)
  check_images(keras.Input((None, None, 3)), smallest=8)
  with pytest.raises(ValueError, match="height is 7: the generator needs at least 8 pixels; enlarge the image"):
    check_images(np.zeros((1, 7, 9, 3)), smallest=8)
  with pytest.raises(ValueError, match="width is 0: the generator needs at least 1 pixel; enlarge the image"):
    check_images(np.zeros((1, 7, 0, 3)))
  with pytest.raises(ValueError, match="width is 3: the network needs at least 4 pixels; shrink it"):
    check_images(keras.Input((None, 3, 3)), smallest=4, network="network", advice="shrink it")


def test_fixed_size():
  images = keras.Input((8, 8, 3))
  assert fixed_size(images, 8, "why") is images
  run = tf.function(lambda x: fixed_size(x, 8, "why"), input_signature=[tf.TensorSpec((None, None, 8, 3))])
  assert run.get_concrete_function().output_shapes.as_list() == [None, 8, 8, 3]
  with pytest.raises(tf.errors.InvalidArgumentError):
    run(np.zeros((1, 4, 8, 3), "f"))
  with pytest.raises(ValueError, match="images are 4 high and any wide: expected 8 and 8, why"):
    fixed_size(keras.Input((4, None, 3)), 8, "why")


@pytest.mark.parametrize("size", [(20, 24), (4, 30), (1, 3)])
@pytest.mark.parametrize("known", [True, False])
def test_a_mirrored_border(size, known):
  """As NumPy reflects, which repeats the reflection where a side is shorter, and a single pixel."""
  image = recipes.random_images(1, *size, 3)
  run = tf.function(lambda images: mirror_border(images, 5),
                    input_signature=[tf.TensorSpec(image.shape if known else (None, None, None, 3))])
  recipes.assert_same(run(image), np.pad(image, ((0, 0), (5, 5), (5, 5), (0, 0)), "reflect"))
