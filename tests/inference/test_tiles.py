"""Images in tiles, and the same images whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.core.images import read_image, to_uint8
from tf_imgtrans.core.networks import noise_mode
from tf_imgtrans.data.embedded import held_out_photograph
from tf_imgtrans.inference import tiles
from tf_imgtrans.inference.receptive_field import FixedStatistics
from tf_imgtrans.inference.tiles import Tiler, parts, predict_tiled
from tf_imgtrans.layers import InstanceNormalization, NoiseChannels
from tf_imgtrans.layers.noise import TILE
from tf_imgtrans.recipes import create_generator


def noise_image(height, width, seed=0):
  return np.random.default_rng(seed).uniform(0, 1, (height, width, 3)).astype(np.float32)


def convolution(filters=3, kernel=3, seed=0):
  return keras.layers.Conv2D(filters, kernel, padding="same", kernel_initializer=keras.initializers.GlorotUniform(seed))


def stack(*layers):
  inputs = keras.Input((None, None, 3))
  features = inputs
  for layer in layers:
    features = layer(features)
  return keras.Model(inputs, features)


@keras.saving.register_keras_serializable(package="tests_tiles")
class Enlarger(keras.Model):
  """Groups of 4x4 pixels with noise on them, padded by mirroring, to images of twice the size: period 4, scale 2."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.scale = 2
    self.channels = NoiseChannels(2, stream=1)
    self.inner, self.outer = convolution(192, seed=1), convolution(seed=2)

  @property
  def noise(self):
    return self.channels.noise

  @noise.setter
  def noise(self, mode):
    self.channels.noise = mode

  def call(self, images, training=False):
    height, width = images.shape[1:3]
    if height is None:
      return self.outer(tf.nn.depth_to_space(self.inner(self.channels(tf.nn.space_to_depth(images, 4))), 8))
    padded = tf.pad(images, [[0, 0], [0, -height % 4], [0, -width % 4], [0, 0]], mode="REFLECT")
    groups = self.channels(tf.nn.space_to_depth(padded, 4))
    return self.outer(tf.nn.depth_to_space(self.inner(groups), 8))[:, :2 * height, :2 * width]


def enlarger():
  network = Enlarger()
  network(keras.Input((None, None, 3)))
  return network


@given(st.integers(1, 700), st.integers(4, 40), st.integers(0, 30), st.integers(0, 15), st.sampled_from([1, 2, 4, 8]))
def test_weights_add_up_to_one(length, groups, overlap, margin, period):
  tile, margin = (groups + overlap // period) * period, min(margin, overlap // 2)
  cut = parts(length, tile, overlap, margin, period)
  padded = -(-length // period) * period
  total = np.zeros(padded)
  for start, weights in cut:
    assert start % period == 0 and len(weights) == min(tile, padded)
    total[start:start + len(weights)] += weights
    assert start == 0 or not weights[:margin].any()
    assert start + len(weights) == padded or not weights[len(weights) - margin:].any()
  np.testing.assert_allclose(total, 1, atol=1e-6)
  assert len(cut) == 1 or len(cut) <= -(-(padded - tile) // ((tile - overlap) // period * period)) + 1


def test_the_weights_of_two_parts_by_hand():
  (_, first), (start, second) = parts(10, 7, 4, 1, 1)
  assert start == 3
  np.testing.assert_allclose(first, [1, 1, 1, 1, 2 / 3, 1 / 3, 0], atol=1e-6)
  np.testing.assert_allclose(second, [0, 1 / 3, 2 / 3, 1, 1, 1, 1], atol=1e-6)


@given(st.integers(1, 150), st.integers(1, 150), st.integers(30, 80))
def test_a_finite_field_gives_the_whole_image(height, width, tile):
  network = stack(convolution(8), keras.layers.ReLU(), convolution(8, 5), convolution())
  image = noise_image(height, width)
  tiled = shared("plain", network)(image, tile)
  np.testing.assert_allclose(tiled, network(image[None])[0], atol=1e-5)


_SHARED = {}


def shared(name, network):
  """One tiler for all examples: the field is measured once. The weights are the same in all of them."""
  if name not in _SHARED:
    _SHARED[name] = Tiler(network)
  return _SHARED[name]


@pytest.mark.parametrize("size", [(150, 131), (64, 203), (9, 130)])
def test_groups_noise_and_scale(size):
  """Tiles begin where groups begin, and noise follows the image."""
  tiler = shared("enlarger", enlarger())
  network, image = tiler.network, noise_image(*size)
  whole = network(image[None]).numpy()[0]
  # A group, its neighbours' far sides, and the convolution on the enlarged map.
  assert (tiler.field.radius, tiler.field.period, tiler.scale) == (8, 4, 2)
  np.testing.assert_allclose(tiler(image, 64), whole, atol=1e-5)
  with noise_mode(network, "off"):
    without = network(image[None]).numpy()[0]
    np.testing.assert_allclose(Tiler(network)(image, 64), without, atol=1e-5)
  assert np.abs(without - whole).max() > 0.01  # there is noise to agree upon


def test_noise_beyond_one_pattern():
  """640 pixels are 160 numbers of the map: more than the pattern has."""
  assert tiles.PATTERN == TILE
  network = enlarger()
  image = noise_image(24, 640)
  tiled = Tiler(network)(image, 96)
  np.testing.assert_allclose(tiled, network(image[None])[0], atol=1e-5)


def test_random_noise_is_fixed_in_tiles():
  network = enlarger()
  network.noise = "random"
  image = noise_image(24, 130)
  tiler = Tiler(network)
  np.testing.assert_array_equal(tiler(image, 64), tiler(image, 64))
  assert network.noise == "random"


def test_a_real_generator_with_fixed_statistics():
  """A photograph of 300 x 451 pixels in tiles of 256: statistics come from half as many pixels."""
  photograph = read_image(held_out_photograph())[:300, :451]
  network = create_generator("mux_demux_hp")
  tiler = Tiler(network)
  whole = network(photograph[None], training=False).numpy()[0]
  tiled = tiler(photograph, 256)
  difference = np.abs(tiled - whole)
  assert difference.mean() < 0.1 / 255 and difference.max() < 1 / 255
  # Tiles agree with one another to the last digits: what differs is the statistics alone.
  with tiler.statistics.applied():
    np.testing.assert_allclose(tiled, network(photograph[None], training=False)[0], atol=1e-5)
  # A tile that holds as many pixels takes the image's own statistics.
  np.testing.assert_allclose(tiler(photograph, 400), whole, atol=1e-5)
  own = Tiler(network, statistics="tile")(photograph, 256)
  assert np.abs(own - whole).mean() > 2 * difference.mean()


def test_what_cannot_be_fixed():
  def centred(images):
    return images - images.mean((1, 2), keepdims=True)

  with pytest.raises(ValueError, match="depends on the whole image.*give more memory, or an overlap, such as 64"):
    Tiler(centred)
  assert predict_tiled(centred, noise_image(200, 100), 128, overlap=64).shape == (200, 100, 3)
  with pytest.raises(ValueError, match="statistics is 'none': expected one of fixed, tile"):
    Tiler(centred, statistics="none")
  with pytest.raises(ValueError, match="overlap is -1"):
    Tiler(centred, overlap=-1)


def test_arrays_in_files_and_uint8(tmp_path):
  network = stack(convolution())
  image = to_uint8(noise_image(150, 90))
  np.save(tmp_path / "in.npy", image)
  source = np.load(tmp_path / "in.npy", mmap_mode="r")
  target = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.uint8, (150, 90, 3))
  assert predict_tiled(network, source, 64, out=target) is target
  whole = network(image[None].astype(np.float32) / 255).numpy()[0]
  assert np.abs(np.int32(target) - to_uint8(whole)).max() <= 1
  with pytest.raises(ValueError, match=r"out is float32 \(1, 1, 3\): expected float32 or uint8 \(150, 90, 3\)"):
    predict_tiled(network, image, out=np.zeros((1, 1, 3), np.float32))
  with pytest.raises(ValueError, match=r"image is float32 \(5, 5, 1\)"):
    predict_tiled(network, np.zeros((5, 5, 1), np.float32))


def test_smaller_tiles_when_memory_runs_out():
  """Rows that are done stay, and the result is that of the whole image."""
  network = stack(convolution())
  tiler, asked = Tiler(lambda images: network(images).numpy()), []

  def tight(images):
    asked.append(images.shape[1])
    if images.shape[1] > 200 or images.shape[1] == 192 and asked.count(192) == 5:
      raise tf.errors.ResourceExhaustedError(None, None, "OOM")
    return network(images).numpy()

  tiler.eager, image = tight, noise_image(500, 300)
  result = np.full((500, 300, 3), np.nan, np.float32)
  np.testing.assert_allclose(tiler(image, 384, result), network(image[None])[0], atol=1e-5)
  # Two rows of two tiles each are done (308 rows of pixels) when the fifth fails; three rows of four smaller ones follow.
  assert asked[:7] == [384, 192, 192, 192, 192, 192, 96] and len(asked) == 6 + 3 * 4
  tiler.eager = lambda images: (_ for _ in ()).throw(MemoryError())
  with pytest.raises(MemoryError, match="tiles of 96 x 96 pixels do not fit, and smaller ones are of no use"):
    tiler(image, 384)


def test_a_tile_without_room_for_the_overlap():
  with pytest.raises(ValueError, match="tile is 16: expected at least 19 pixels, as tiles overlap by 18; tiles from 64"):
    predict_tiled(stack(convolution()), noise_image(40, 40), 16)


def test_a_layer_behind_the_statistics_is_left_as_it_was():
  network = stack(convolution(), InstanceNormalization(), convolution())
  image = noise_image(100, 80)
  before = network(image[None]).numpy()
  Tiler(network)(image, 64)
  np.testing.assert_array_equal(network(image[None]), before)
  assert len(FixedStatistics(network).layers) == 1
