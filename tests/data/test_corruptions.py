"""Corruptions: number and position of kept pixels, replacement of the others, and equal bits in every mode."""

import cv2
import numpy as np
import pytest
import recipes
import scipy.stats
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.data import corruptions
from tf_imgtrans.data.corruptions import (
    check_share,
    color_blocks,
    color_noise,
    edge_points,
    gaussian_blur,
    gaussian_noise,
    random_points,
    white_block,
)
from tf_imgtrans.data.edges import edge_strength

PATCHES = recipes.random_images(3, 24, 20, 3, seed=1)
KINDS = {
    "random_points": lambda image, seed: random_points(image, 0.3, seed),
    "edge_points": lambda image, seed: edge_points(image, 0.3, seed),
    "edge_points canny": lambda image, seed: edge_points(image, 0.3, seed, operator="canny"),
    "color_noise": lambda image, seed: color_noise(image, 0.3, seed),
    "white_block": lambda image, seed: white_block(image, 8),
    "color_blocks": lambda image, seed: color_blocks(image, PATCHES, seed, size=(2, 8)),
    "color_blocks centered": lambda image, seed: color_blocks(image, PATCHES[0], seed, size=7, centered=True),
}
SQUARE = recipes.random_images(256, 256, 3)


def _seeds(count, function):
  """Results of a function for the seeds 0, 1, ..., stacked: NumPy."""
  results = tf.data.Dataset.range(count).map(function, num_parallel_calls=4).batch(count)
  return tf.nest.map_structure(lambda part: part.numpy(), next(iter(results)))


def _check(image, corrupted, mask):
  """The corrupted image is the image where the mask is 1; returns the bool map of what was kept."""
  corrupted, mask = np.asarray(corrupted), np.asarray(mask)
  assert corrupted.shape == image.shape and mask.shape == (*image.shape[:2], 1)
  assert corrupted.dtype == mask.dtype == np.float32
  assert set(np.unique(mask)) <= {0, 1}
  kept = mask[..., 0] == 1
  recipes.assert_same(corrupted[kept], image[kept])
  assert corrupted.min() >= 0 and corrupted.max() <= 1
  return kept


@pytest.mark.parametrize("kind", KINDS)
@given(height=st.integers(8, 40), width=st.integers(8, 40), seed=st.integers(0, 2 ** 31 - 1))
def test_kept_pixels_are_the_sources_bit_for_bit(kind, height, width, seed):
  image = recipes.random_images(height, width, 3, seed=seed)
  corrupted, mask = KINDS[kind](image, seed)
  kept = _check(image, corrupted, mask)
  if "points" in kind or kind == "white_block":
    assert (corrupted.numpy()[~kept] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits_everywhere(kind, real_photograph):
  image = real_photograph[100:148, 130:170]
  corrupt = KINDS[kind]
  known = tf.function(lambda seed: corrupt(image, seed))
  compiled = tf.function(lambda seed: corrupt(image, seed), jit_compile=True)
  unknown = tf.function(corrupt, input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((2,), tf.int32)])
  mapped = tf.data.Dataset.range(5).map(lambda seed: corrupt(image, seed), num_parallel_calls=4)
  eager = [corrupt(image, seed) for seed in range(5)]
  for seed, expected, from_data in zip(range(5), eager, mapped):
    pair = tf.constant([seed, 0])
    for other in (known(pair), compiled(pair), unknown(image, pair), corrupt(image, (seed, 0)), from_data):
      for a, b in zip(other, expected):
        recipes.assert_same(a, b)
  if kind != "white_block" and "centered" not in kind:
    assert len({mask.numpy().tobytes() for _, mask in eager}) == 5
  if kind != "white_block":
    assert len({corrupted.numpy().tobytes() for corrupted, _ in eager}) == 5


@pytest.mark.parametrize("operator", ["sobel", "canny"])
def test_edge_points_agree_under_xla_with_a_drawn_share(operator, real_photograph):
  image = tf.constant(real_photograph[20:276, 100:356])
  functions = [tf.function(lambda share, seed: edge_points(image, share, seed, operator)[1], jit_compile=compiled)
               for compiled in (False, True)]
  for seed in range(12):
    share = tf.constant(0.01 + 0.015 * seed)
    graph, compiled = (function(share, tf.constant([seed, 5])) for function in functions)
    recipes.assert_same(graph, compiled)
    assert graph.numpy().sum() == round(float(share) * 65536)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats(dtype):
  image = recipes.random_images(16, 16, 3).astype(dtype)
  _check(image.astype(np.float32), *random_points(image, 0.5, 0))


# The mean of 100 squares of 256x256 has a standard deviation of 0.03 to 0.25 percent of these shares.
@pytest.mark.parametrize("share", [0.025, 0.05, 0.1337, 0.2, 0.5, 1.0])
def test_the_share_of_random_points_is_met_in_the_mean(share):
  kept = _seeds(100, lambda seed: tf.reduce_mean(random_points(SQUARE, share, seed)[1]))
  assert abs(kept.mean() - share) <= 0.005 * share
  deviation = np.sqrt(share * (1 - share) / 65536)
  assert np.abs(kept - share).max() <= 4.5 * deviation
  if share < 1:
    assert 0.75 * deviation < kept.std() < 1.25 * deviation  # independent pixels: a binomial


def test_whole_percents_follow_the_rule_of_the_paper():
  draws = tf.random.stateless_uniform((256, 256), (3, 0), 0, 1_000_000, tf.int32, alg="philox").numpy()
  percents = draws // 10_000
  assert percents.min() == 0 and percents.max() == 99
  assert scipy.stats.chisquare(np.bincount(percents.ravel())).pvalue > 0.01
  for percent in range(1, 101):
    for share in (percent / 100, tf.constant(percent / 100)):
      mask = random_points(SQUARE, share, 3)[1].numpy()
      assert np.array_equal(mask[..., 0] == 0, percents >= percent), percent


def test_random_points_lie_everywhere():
  kept = _seeds(100, lambda seed: random_points(SQUARE, 0.1, seed)[1])[..., 0]
  blocks = kept.reshape(100, 8, 32, 8, 32).sum(axis=(0, 2, 4))
  assert scipy.stats.chisquare(blocks.ravel()).pvalue > 0.01
  for axis in (1, 2):  # neighbours are independent
    pairs = (kept * np.roll(kept, 1, axis)).mean()
    assert abs(pairs - 0.01) < 4 * np.sqrt(0.01 * 0.99 / kept.size)


@given(small=st.floats(0.001, 1), large=st.floats(0.001, 1), seed=st.integers(0, 99))
def test_points_of_a_smaller_share_are_among_those_of_a_larger(small, large, seed):
  small, large = sorted([small, large])
  image = SQUARE[:20, :30]
  for corruption in (random_points, edge_points):
    assert np.all(corruption(image, small, seed)[1] <= corruption(image, large, seed)[1])


_edge_counts = {operator: tf.function(
    lambda image, share, operator=operator: tf.reduce_sum(edge_points(image, share, 0, operator)[1]),
    input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.float64)]) for operator in ("sobel", "canny")}


@pytest.mark.parametrize("operator", ["sobel", "canny"])
@given(height=st.integers(1, 50), width=st.integers(1, 50), share=st.floats(1e-6, 1), flat=st.booleans())
def test_edge_points_are_counted_exactly(operator, height, width, share, flat):
  image = np.full((height, width, 3), 0.5, np.float32) if flat else recipes.random_images(height, width, 3)
  # The mask has a place for each pixel, so that its sum counts different pixels.
  assert _edge_counts[operator](image, share) == round(share * (height * width))


@pytest.mark.parametrize("share", [0.01, 0.04, 0.1, 0.2])
def test_edge_points_of_the_papers_size(share, real_photograph):
  image = real_photograph[20:276, 100:356]
  for given_share in (share, np.float32(share), tf.constant(share)):
    corrupted, mask = edge_points(image, given_share, 7)
    assert _check(image, corrupted, mask).sum() == round(share * 65536)


def test_edge_points_prefer_edges(real_photograph):
  image = real_photograph[20:276, 100:356]
  strength = edge_strength(image).numpy()
  masks = _seeds(20, lambda seed: edge_points(image, 0.01, seed)[1])[..., 0]
  # Of few points, each is drawn almost in proportion to the strength: their mean strength is the mean of the squares
  # over the mean.
  expected = np.mean(np.square(strength)) / strength.mean()
  found = (strength * masks).sum() / masks.sum()
  assert found > 1.5 * strength.mean()
  assert 0.93 * expected < found < expected
  edges = edge_strength(image, "canny").numpy()
  _, mask = edge_points(image, edges.mean() / 2, 0, operator="canny")
  assert edges[mask.numpy()[..., 0] == 1].mean() > 0.99


def test_where_edges_run_out_the_rest_is_drawn_uniformly():
  image = np.zeros((64, 64, 3), np.float32)
  image[:, 32:] = 1
  edges = edge_strength(image).numpy() > 0
  masks = _seeds(40, lambda seed: edge_points(image, 0.3, seed)[1])[..., 0] == 1
  # A flat pixel weighs a thousandth of the mean, an edge pixel 32 times the mean: hardly one is left over.
  assert masks[:, edges].mean() > 0.98
  flat = np.where(edges, np.nan, masks.mean(axis=0))
  left, right = np.nanmean(flat[:, :31]), np.nanmean(flat[:, 33:])
  assert left == pytest.approx(right, rel=0.05) and left == pytest.approx((0.3 - 1 / 32) / (31 / 32), rel=0.05)


def test_sampling_follows_the_weights():
  weights = np.array([[1, 2], [3, 4]]) / 10
  one = _seeds(4000, lambda seed: corruptions._sample(tf.constant(weights), 1, tf.stack([tf.cast(seed, tf.int32), 1])))
  assert scipy.stats.chisquare(one.sum(axis=0).ravel(), 4000 * weights.ravel()).pvalue > 0.01
  two = _seeds(4000, lambda seed: corruptions._sample(tf.constant(weights), 2, tf.stack([tf.cast(seed, tf.int32), 2])))
  p = weights.ravel()
  pairs = {(i, j): p[i] * p[j] / (1 - p[i]) + p[j] * p[i] / (1 - p[j]) for i in range(4) for j in range(i + 1, 4)}
  flat = two.reshape(4000, 4)
  found = [(flat[:, i] & flat[:, j]).sum() for i, j in pairs]
  assert scipy.stats.chisquare(found, 4000 * np.array(list(pairs.values()))).pvalue > 0.01


@given(data=st.data())
def test_the_smallest_keys_are_marked(data):
  keys = data.draw(st.lists(st.sampled_from([1e-38, 0.5, 1.0, np.float32(1) + np.float32(2 ** -23), 3e38, np.inf])
                            | st.floats(2.0 ** -100, 2.0 ** 100, width=32), min_size=1, max_size=60))
  count = data.draw(st.integers(0, len(keys)))
  keys = np.array(keys, np.float32)
  expected = np.zeros(len(keys), bool)
  expected[np.argsort(keys, kind="stable")[:count]] = True
  np.testing.assert_array_equal(corruptions._smallest(tf.constant(keys[None]), count)[0], expected)


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_color_noise_is_uniform_and_leaves_the_points(share):
  image = np.full((256, 256, 3), 0.5, np.float32)  # a value that no level of 8 bits has
  corrupted, mask = color_noise(image, share, 11)
  kept = _check(image, corrupted, mask)
  recipes.assert_same(mask, random_points(image, share, 11)[1])
  replaced = corrupted.numpy()[~kept]
  levels = np.round(replaced * 255).astype(int)
  np.testing.assert_array_equal(replaced, levels.astype(np.float32) / np.float32(255))
  for channel in range(3):
    assert scipy.stats.chisquare(np.bincount(levels[:, channel], minlength=256)).pvalue > 0.01
  joint = np.bincount(np.ravel_multi_index((levels // 32).T, (8, 8, 8)), minlength=512)
  assert scipy.stats.chisquare(joint).pvalue > 0.01
  correlations = np.corrcoef(levels.T)[np.triu_indices(3, 1)]
  assert np.abs(correlations).max() < 4 / np.sqrt(len(levels))
  assert abs(np.corrcoef(levels[:-1, 0], levels[1:, 0])[0, 1]) < 4 / np.sqrt(len(levels))


def test_color_noise_does_not_follow_the_mask():
  """Mask and colours come of different numbers: the colour of a pixel is independent of its probability to be kept."""
  image = np.full((256, 256, 3), 0.5, np.float32)
  loud, quiet = (color_noise(image, share, 4) for share in (0.01, 0.6))
  would_be_kept = quiet[1].numpy()[..., 0] == 1
  replaced = loud[1].numpy()[..., 0] == 0
  for channel in range(3):
    colors = loud[0].numpy()[..., channel]
    a, b = colors[replaced & would_be_kept], colors[replaced & ~would_be_kept]
    assert scipy.stats.ks_2samp(a, b).pvalue > 0.01
  # Nor are the colours other bytes of the numbers that the mask is drawn from.
  numbers = tf.random.stateless_uniform((256, 256), (4, 0), None, None, tf.uint32, alg="philox").numpy()[replaced]
  for drawn in numbers.view(np.uint8).reshape(-1, 4).T:
    for color in loud[0].numpy()[replaced].T:
      assert abs(np.corrcoef(drawn, color)[0, 1]) < 4 / np.sqrt(len(drawn))


@pytest.mark.parametrize("size, height, width, top, left", [
    (128, 256, 256, 64, 64), (128, 255, 301, 63, 86), (8, 8, 9, 0, 0), (1, 3, 3, 1, 1), (5, 8, 5, 1, 0)])
def test_the_white_block_has_its_place(size, height, width, top, left):
  image = recipes.random_images(height, width, 3)
  corrupted, mask = white_block(image, size)
  expected = np.ones((height, width, 1), np.float32)
  expected[top:top + size, left:left + size] = 0
  recipes.assert_same(mask, expected)
  kept = _check(image, corrupted, mask)
  assert (corrupted.numpy()[~kept] == 1).all()


def test_a_block_of_another_colour():
  image = recipes.random_images(20, 20, 3)
  corrupted, mask = white_block(image, 8, color=(0.25, 0.5, 0.75))
  recipes.assert_same(mask, white_block(image, 8)[1])
  recipes.assert_same(corrupted.numpy()[6:14, 6:14], np.broadcast_to(np.float32([0.25, 0.5, 0.75]), (8, 8, 3)))


@pytest.mark.parametrize("std", [0.0, 0.05, 100 / 255])
def test_gaussian_noise_has_its_deviation_and_is_clipped(std):
  image = np.full((200, 200, 3), 0.5, np.float32)
  corrupted, mask = (part.numpy() for part in gaussian_noise(image, std, 3))
  assert mask.shape == (200, 200, 1) and not mask.any()
  # Of clipped values: how many lie within a tenth of the mean tells the deviation.
  near = np.mean(np.abs(corrupted - 0.5) < 0.1)
  expected = 1.0 if std == 0 else 2 * scipy.stats.norm.cdf(0.1 / std) - 1
  assert abs(near - expected) < 4 * np.sqrt(0.25 / corrupted.size) and corrupted.min() >= 0 and corrupted.max() <= 1
  assert std == 0 or np.abs(np.corrcoef(corrupted.reshape(-1, 3).T) - np.eye(3)).max() < 4 / 200


@pytest.mark.parametrize("reach", [1, 3, 9])
@pytest.mark.parametrize("sigma", [(5.0, 0.7), (1.0, 2.5)])
def test_the_blur_is_opencvs(sigma, reach, real_photograph):
  image = real_photograph[100:148, 130:170]
  blurred, mask = gaussian_blur(image, sigma, reach)
  side = 2 * reach + 1
  expected = cv2.GaussianBlur(image, (side, side), sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_REFLECT)
  np.testing.assert_allclose(blurred, expected, atol=2e-6)
  assert mask.shape == (48, 40, 1) and not mask.numpy().any()


def _numbered_patches(count, height, width):
  """Patches whose colours tell patch, row and column."""
  return np.stack(np.meshgrid(np.arange(count), np.arange(height), np.arange(width), indexing="ij"), -1) / np.float32(255)


def _tiles(image, patches, size, seeds, **options):
  """For each seed (side, patch, patch row, patch column, row, column), after proof that the tile is one of the patch."""
  image = np.float32(image)
  corrupted, masks = _seeds(seeds, lambda seed: color_blocks(image, patches, seed, size, **options))
  found = []
  for made, mask in zip(corrupted, masks):
    kept = _check(image, made, mask)
    rows, columns = np.nonzero(~kept)
    top, left, side = rows[0], columns[0], round(np.sqrt(len(rows)))
    tile = made[top:top + side, left:left + side]
    assert not kept[top:top + side, left:left + side].any() and len(rows) == side * side
    which, row, column = np.round(tile[0, 0] * 255).astype(int)
    np.testing.assert_array_equal(tile, patches[which, row:row + side, column:column + side])
    found.append((side, which, row, column, top, left))
  return np.array(found).T


def test_color_blocks_are_tiles_of_the_patches():
  patches = np.float32(_numbered_patches(3, 11, 9))
  image = np.full((10, 12, 3), 0.5, np.float32)
  side, which, row, column, top, left = _tiles(image, patches, (4, 8), 1500)
  assert scipy.stats.chisquare(np.bincount(side)[4:]).pvalue > 0.01 and set(side) == set(range(4, 9))
  assert scipy.stats.chisquare(np.bincount(which)).pvalue > 0.01 and set(which) == {0, 1, 2}
  for size in range(4, 9):  # uniform among the places where a tile of this size fits
    for place, room in ((row, 11), (column, 9), (top, 10), (left, 12)):
      counts = np.bincount(place[side == size])
      assert len(counts) == room - size + 1
      assert len(counts) == 1 or scipy.stats.chisquare(counts).pvalue > 0.001
  for a, b in ((row, top), (column, left), (row, column), (top, left), (side, which)):
    assert abs(np.corrcoef(a - a.mean(), b)[0, 1]) < 0.3  # places shrink together where tiles grow


def test_color_blocks_of_the_papers_size():
  patches = np.float32(_numbered_patches(2, 256, 200))
  side, which, row, column, top, left = _tiles(SQUARE, patches, (16, 128), 150)
  assert side.min() < 20 and side.max() > 124 and set(which) == {0, 1}
  assert row.max() > 180 and column.max() > 120 and top.max() > 180 and left.max() > 180
  side, _, _, _, top, left = _tiles(SQUARE, patches, 128, 5, centered=True)
  assert set(side) == {128} and set(top) == set(left) == {64}
  recipes.assert_same(color_blocks(SQUARE, patches, 0, 128, centered=True)[1], white_block(SQUARE)[1])


def test_one_patch_and_tiles_as_large_as_the_image():
  image, patch = recipes.random_images(9, 9, 3), recipes.random_images(9, 9, 3, seed=1)
  corrupted, mask = color_blocks(image, patch, 0, size=9)
  recipes.assert_same(corrupted, patch)
  assert not mask.numpy().any()


GOOD = np.zeros((16, 16, 3), np.float32)


@pytest.mark.parametrize("corrupt, message", [
    (lambda: random_points(GOOD, 0, 0), r"share is 0: expected a number above 0 and at most 1; divide percents"),
    (lambda: random_points(GOOD, 5, 0), "share is 5: "),
    (lambda: edge_points(GOOD, float("nan"), 0), "share is nan: "),
    (lambda: edge_points(GOOD, -0.1, 0), "share is -0.1: "),
    (lambda: color_noise(GOOD, 1.01, 0), "valid_share is 1.01: "),
    (lambda: color_noise(GOOD, "0.1", 0), "valid_share is '0.1': "),
    (lambda: random_points(GOOD, True, 0), "share is True: "),
    (lambda: random_points(GOOD, tf.constant(20.0), 0), "share is 20.0: "),
    (lambda: random_points(GOOD, tf.constant([0.1, 0.2]), 0), r"share is 'of shape \(2,\)': "),
    (lambda: random_points(GOOD[None], 0.1, 0), r"image has shape \(1, 16, 16, 3\): expected \[height, .*image by"),
    (lambda: edge_points(GOOD[..., :1], 0.1, 0), r"image has shape \(16, 16, 1\)"),
    (lambda: color_noise(np.zeros((8, 8, 3), np.uint8), 0.1, 0), "image has dtype uint8: .* divide by 255"),
    (lambda: random_points(np.zeros((0, 8, 3), np.float32), 0.1, 0), r"image has shape \(0, 8, 3\)"),
    (lambda: edge_points(GOOD, 0.1, 0, operator="sobl"), "unknown operator 'sobl'.*did you mean 'sobel'"),
    (lambda: random_points(GOOD, 0.1, (1, 2, 3)), r"seed has shape \(3,\)"),
    (lambda: white_block(GOOD, 17), "image of 16x16 pixels: expected 17x17 or more.*a smaller size"),
    (lambda: white_block(GOOD), "image of 16x16 pixels: expected 128x128"),
    (lambda: white_block(GOOD, 0), "size is 0: "),
    (lambda: white_block(GOOD, 4.0), "size is 4.0: "),
    (lambda: color_blocks(GOOD, PATCHES, 0), "image of 16x16 pixels: expected 128x128"),
    (lambda: color_blocks(GOOD, PATCHES[:, :10], 0, size=(2, 11)), "patches of 10x20 pixels: expected 11x11"),
    (lambda: color_blocks(GOOD, PATCHES, 0, size=(8, 4)), r"size is \(8, 4\): .* in this order"),
    (lambda: color_blocks(GOOD, PATCHES, 0, size=(1, 2, 3)), r"size is \(1, 2, 3\)"),
    (lambda: color_blocks(GOOD, PATCHES[None], 0, size=4), r"patches has shape \(1, 3, 24, 20, 3\): .* or \[count"),
    (lambda: color_blocks(GOOD, PATCHES[:0], 0, size=4), r"patches has shape \(0, 24, 20, 3\)"),
])
def test_a_wrong_call_says_what_is_right(corrupt, message):
  with pytest.raises(ValueError, match=message):
    corrupt()


def test_what_is_known_late_is_checked_late():
  image = tf.TensorSpec((None, None, 3))
  late_share = tf.function(lambda share: random_points(GOOD, share, 0), input_signature=[tf.TensorSpec(())])
  late_share(0.5)
  for share in (0.0, 1.5, float("nan")):
    with pytest.raises(tf.errors.InvalidArgumentError, match="share is.*divide percents by 100"):
      late_share(share)
  late_block = tf.function(lambda image: white_block(image, 9), input_signature=[image])
  late_patch = tf.function(lambda patch: color_blocks(GOOD, patch, 0, 9), input_signature=[image])
  for function, name in ((late_block, "image"), (late_patch, "patches")):
    assert function(GOOD)[1].shape == (16, 16, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} smaller than 9x9"):
      function(GOOD[:8])
  with pytest.raises(tf.errors.InvalidArgumentError, match="share is"):
    list(tf.data.Dataset.from_tensors(2.0).map(lambda share: edge_points(GOOD, share, 0)))


def test_static_shapes_are_kept():
  dataset = tf.data.Dataset.range(1).map(lambda seed: random_points(SQUARE, 0.1, seed))
  assert [part.shape for part in dataset.element_spec] == [(256, 256, 3), (256, 256, 1)]
  for kind in KINDS.values():
    traced = tf.function(kind).get_concrete_function(tf.TensorSpec((None, 32, 3)), tf.TensorSpec((2,), tf.int32))
    assert [part.shape.as_list() for part in traced.structured_outputs] == [[None, 32, 3], [None, 32, 1]]


def test_shares_may_be_of_any_kind_of_number():
  for share in (1, np.float64(0.3), tf.constant(0.3, tf.float16), tf.constant(1)):
    assert check_share(share).dtype == tf.float64
