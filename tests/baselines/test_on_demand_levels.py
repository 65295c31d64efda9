"""The five levels of on-demand learning: what each corrupts, and how batches are shared out among them."""

import dataclasses

import numpy as np
import pytest
import recipes
import scipy.stats
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.baselines.on_demand.config import COMPARISON, TINY, Config
from tf_imgtrans.baselines.on_demand.levels import (
    LEVELS,
    adapted_shares,
    bands,
    corrupt,
    largest_remainder,
    levels_of_batch,
)

KINDS = ("random_points", "color_noise", "white_block", "color_blocks")
COUNT, SIZE = 400, 32
IMAGES = recipes.random_images(COUNT, SIZE, SIZE, 3) * 0.5 + 0.2  # none of them white, mean colour or black
PATCHES = recipes.random_images(COUNT, SIZE, SIZE, 3, seed=1)


def _config(kind="random_points", size=SIZE, **options):
  return dataclasses.replace(Config(), corruption=kind, image_size=size, **options)


def _corrupt(config, level, seed=0, count=COUNT):
  """NumPy (corrupted, missing) of images that are all of one level; `missing` is bool [N, S, S]."""
  patches = PATCHES[:count] if config.corruption == "color_blocks" else None
  corrupted, mask = corrupt(config, IMAGES[:count], tf.fill([count], level), tf.constant([7, seed]), patches)
  assert corrupted.dtype == mask.dtype == tf.float32 and mask.shape == (count, SIZE, SIZE, 1)
  assert set(np.unique(mask)) <= {0.0, 1.0}
  return corrupted.numpy(), mask.numpy()[..., 0] == 0


# Bands ---------------------------------------------------------------------------------------------------------------

def test_bands_of_the_authors_code():
  """Its tables give the upper ends 15 .. 75 percent and 6 .. 30 pixels; it draws from 15 and 5 below them to them."""
  assert bands(_config("random_points", 64)) == tuple((high - 15, high) for high in (15, 30, 45, 60, 75))
  assert bands(_config("white_block", 64)) == tuple((high - 5, high) for high in (6, 12, 18, 24, 30))


def test_bands_that_x_gans_asks_for():
  """Points from 1 to 20 % kept and blocks of 16 to 128 pixels at 256: all of them, none twice."""
  for kind, low, high in (("random_points", 80, 99), ("color_noise", 80, 99), ("white_block", 16, 128),
                          ("color_blocks", 16, 128)):
    pairs = bands(dataclasses.replace(COMPARISON, corruption=kind))
    assert [number for first, last in pairs for number in range(first, last + 1)] == list(range(low, high + 1))


@pytest.mark.parametrize("which, size, expected", [
    ("original", 256, ((1, 24), (25, 48), (49, 72), (73, 96), (97, 120))),
    ("original", 32, ((1, 3), (4, 6), (7, 9), (10, 12), (13, 15))),
    ("extreme", 128, ((9, 19), (20, 30), (31, 42), (43, 53), (54, 64))),
    ("extreme", 64, ((5, 10), (11, 15), (16, 21), (22, 26), (27, 32))),
])
def test_sides_grow_with_the_image(which, size, expected):
  assert bands(_config("white_block", size, bands=which)) == expected
  assert bands(_config("random_points", size, bands=which)) == bands(_config("random_points", 64, bands=which))


@pytest.mark.parametrize("which", ["original", "extreme"])
@pytest.mark.parametrize("size", [16, 32, 64, 128, 256, 512])
def test_sides_of_every_size_are_ordered_and_fit(which, size):
  pairs = bands(_config("white_block", size, bands=which))
  assert len(pairs) == LEVELS and all(1 <= low <= high <= size // 2 for low, high in pairs)
  assert all(low > high for (_, high), (low, _) in zip(pairs, pairs[1:]))


# Corruption ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("which", ["original", "extreme"])
@pytest.mark.parametrize("level", range(LEVELS))
def test_points_are_lost_as_often_as_the_level_says(level, which):
  config = _config(bands=which)
  low, high = bands(config)[level]
  _, missing = _corrupt(config, level)
  rates = missing.mean((1, 2)) * 100
  noise = 100 * np.sqrt(high / 100 * max(1 - high / 100, 0.05)) / SIZE  # deviation of one image's rate
  assert rates.min() > low - 5 * noise - 1e-9 and rates.max() < high + 5 * noise
  # the percentage is uniform over the whole numbers of the band: its variance is (n^2 - 1) / 12
  steps = high - low + 1
  spread = np.sqrt((steps ** 2 - 1) / 12)
  assert abs(rates.mean() - (low + high) / 2) < 4 * spread / np.sqrt(COUNT)
  assert rates.std() > 0.8 * spread
  # and every place is lost alike
  place = missing.mean(0) * 100
  assert abs(place - rates.mean()).max() < 5 * 100 * np.sqrt(rates.mean() / 100 * (1 - rates.mean() / 100) / COUNT)


def test_the_percentage_is_a_whole_number():
  """At level 1 each of 0 .. 15 comes with one sixteenth, so that some images lose nothing at all."""
  _, missing = _corrupt(_config(), 0)
  untouched = (missing.sum((1, 2)) == 0).mean()
  assert abs(untouched - 1 / 16) < 4 * np.sqrt(1 / 16 * 15 / 16 / COUNT)


@pytest.mark.parametrize("kind", ["white_block", "color_blocks"])
@pytest.mark.parametrize("level", range(LEVELS))
def test_blocks_are_squares_of_the_levels_sides_at_any_place(level, kind):
  low, high = bands(_config(kind))[level]
  _, missing = _corrupt(_config(kind), level)
  sides, places = [], []
  for each in missing:
    rows, columns = np.nonzero(each.any(1))[0], np.nonzero(each.any(0))[0]
    side = len(rows)
    assert side == len(columns) and each.sum() == side ** 2  # filled, and as wide as high
    assert rows[-1] - rows[0] == columns[-1] - columns[0] == side - 1
    sides.append(side)
    places.append((rows[0] / (SIZE - side), columns[0] / (SIZE - side)))
  assert set(sides) == set(range(low, high + 1))
  frequency = 1 / (high - low + 1)
  for side in set(sides):
    assert abs(sides.count(side) / COUNT - frequency) < 4 * np.sqrt(frequency * (1 - frequency) / COUNT)
  places = np.array(places)
  assert places.min() == 0 and places.max() == 1  # up to every border
  assert abs(places.mean(0) - 0.5).max() < 4 * 0.35 / np.sqrt(COUNT)
  assert abs(np.corrcoef(places.T)[0, 1]) < 4 / np.sqrt(COUNT)


@pytest.mark.parametrize("kind", KINDS)
def test_kept_pixels_are_kept_bit_for_bit(kind):
  corrupted, missing = _corrupt(_config(kind), 2)
  recipes.assert_same(corrupted[~missing], IMAGES[~missing])


@pytest.mark.parametrize("fill, colour", [("mean", (117 / 255, 104 / 255, 123 / 255)), ("white", (1, 1, 1))])
@pytest.mark.parametrize("kind", ["random_points", "white_block"])
def test_what_stands_for_missing_pixels(kind, fill, colour):
  corrupted, missing = _corrupt(_config(kind, fill=fill), 3)
  lost = corrupted[missing]
  recipes.assert_same(lost, np.broadcast_to(np.float32(colour), lost.shape).copy())


def test_colour_noise_is_uniform():
  corrupted, missing = _corrupt(_config("color_noise", bands="extreme"), 4, count=50)
  lost = corrupted[missing].astype(np.float64) * 255
  np.testing.assert_allclose(lost, np.round(lost), atol=1e-4)
  frequency = np.bincount(np.round(lost).astype(int).ravel(), minlength=256) / lost.size
  assert len(frequency) == 256
  assert abs(frequency * 256 - 1).max() < 5 * np.sqrt(256 / lost.size)
  assert abs(np.corrcoef(lost.T) - np.eye(3)).max() < 5 / np.sqrt(len(lost))


def test_colour_blocks_show_the_other_image():
  corrupted, missing = _corrupt(_config("color_blocks"), 4)
  recipes.assert_same(corrupted[missing], PATCHES[missing])


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_no_two_images_are_alike(kind):
  config = _config(kind)
  one, again, other = (_corrupt(config, 4, seed, 8) for seed in (1, 1, 2))
  recipes.assert_same(one[0], again[0])
  assert (one[1] != other[1]).any((1, 2)).all()
  assert all((one[1][first] != one[1][second]).any() for first in range(8) for second in range(first))


def test_every_image_has_its_own_level():
  level = np.array([4, 0, 3, 1, 2] * 4, np.int32)
  _, mask = corrupt(_config("white_block"), IMAGES[:20], tf.constant(level), tf.constant([1, 2]))
  sides = np.sqrt((1 - mask.numpy()).sum((1, 2, 3)))
  for each, side in zip(level, sides):
    low, high = bands(_config("white_block"))[each]
    assert low <= side <= high


@pytest.mark.parametrize("kind", KINDS)
def test_graph_and_xla_corrupt_alike(kind):
  config = _config(kind)
  patches = (PATCHES[:5],) if kind == "color_blocks" else ()

  def run(images, level, seed, *patches):
    return corrupt(config, images, level, seed, *patches)

  arguments = (tf.constant(IMAGES[:5]), tf.range(5), tf.constant([5, 6]), *patches)  # a seed that no compiler knows
  expected = run(*arguments)
  for jit in (False, True):
    for seen, wanted in zip(tf.function(run, jit_compile=jit)(*arguments), expected):
      np.testing.assert_allclose(seen, wanted, atol=1e-7)


# Shares --------------------------------------------------------------------------------------------------------------

def test_shares_are_inverse_to_psnr():
  """1/40, 1/20, 1/20, 1/10, 1/10 are to one another as 1, 2, 2, 4, 4, whose sum is 13."""
  np.testing.assert_allclose(adapted_shares([40.0, 20.0, 20.0, 10.0, 10.0]), np.array([1, 2, 2, 4, 4]) / 13, rtol=1e-6)
  np.testing.assert_allclose(adapted_shares([25.0] * LEVELS), np.full(LEVELS, 0.2), rtol=1e-6)


def test_shares_of_perfect_and_of_hopeless_levels():
  """Beyond 1 and 100 dB a level counts as at that end: 1/100, 1/20 twice, 1 twice."""
  shares = adapted_shares([np.inf, 20.0, 20.0, 0.0, -3.0])
  np.testing.assert_allclose(shares, np.array([1, 5, 5, 100, 100]) / 211, rtol=1e-6)


def test_largest_remainder_by_hand():
  # 100 / 13 = 7.69: 7.69 15.38 15.38 30.77 30.77, of whose whole parts 3 are missing: to levels 4, 5 and 1
  assert largest_remainder(np.array([1, 2, 2, 4, 4], "f") / 13, 100).numpy().tolist() == [8, 15, 15, 31, 31]
  assert largest_remainder(np.full(5, 0.2, "f"), 100).numpy().tolist() == [20] * 5
  # 2.4 each: the two that are left over go to the lowest levels
  assert largest_remainder(np.full(5, 0.2, "f"), 12).numpy().tolist() == [3, 3, 2, 2, 2]
  assert largest_remainder(np.array([0, 0, 1, 0, 0], "f"), 7).numpy().tolist() == [0, 0, 7, 0, 0]


@given(weights=st.lists(st.floats(0.01, 1), min_size=LEVELS, max_size=LEVELS), count=st.integers(1, 300))
def test_largest_remainder_shares_out_the_whole_batch(weights, count):
  shares = np.float32(weights) / np.float32(sum(weights))
  counts = largest_remainder(shares, count).numpy()
  assert counts.sum() == count and counts.dtype == np.int32
  due = shares.astype(np.float64) * count
  assert (np.abs(counts - due) < 1 + 1e-4).all() and (counts >= 0).all()
  given_more = counts - due
  assert given_more.max() - given_more.min() < 1 + 1e-3  # nobody gets one more while a larger remainder goes without
  levels = levels_of_batch(shares, tf.constant(count)).numpy()
  assert len(levels) == count and (np.diff(levels) >= 0).all()
  np.testing.assert_array_equal(np.bincount(levels, minlength=LEVELS), counts)


@given(psnr=st.lists(st.floats(0, 60), min_size=LEVELS, max_size=LEVELS))
def test_adapted_shares_are_shares(psnr):
  shares = adapted_shares(psnr).numpy()
  assert abs(shares.sum() - 1) < 1e-5 and (shares > 0).all()
  worst, best = np.argmin(np.maximum(psnr, 1)), np.argmax(psnr)
  assert shares[worst] == shares.max() and shares[best] == shares.min()


# Configuration -------------------------------------------------------------------------------------------------------

def test_the_defaults_are_the_authors():
  config = Config()
  assert (config.image_size, config.load_size, config.flip, config.batch_size) == (64, 96, True, 100)
  assert (config.learning_rate, config.beta_1, config.bands, config.fill) == (2e-4, 0.5, "original", "mean")
  assert config.iterations * config.batch_size == 250 * 100_000  # 250 epochs of X-GANs' 100,000 images
  assert COMPARISON.load_size == COMPARISON.image_size == 256


@pytest.mark.parametrize("options, words", [
    ({"image_size": 48}, "image_size is 48: expected a power of two from 16"),
    ({"image_size": 8}, "image_size is 8"),
    ({"load_scale": 0.9}, "load_scale is 0.9"),
    ({"bands": "extremes"}, "bands is 'extremes'"),
    ({"corruption": "edge_points"}, "corruption is 'edge_points'"),
])
def test_what_configurations_refuse(options, words):
  with pytest.raises(ValueError, match=words):
    dataclasses.replace(TINY, **options)


# Noise and blur, which change every pixel ----------------------------------------------------------------------------

@pytest.mark.parametrize("level", [0, 2, 4])
def test_the_noise_of_a_level_has_its_deviation(level):
  """The authors' code draws it from 20 below the upper ends 20 .. 100 of its table, in 255ths."""
  images = tf.fill((60, SIZE, SIZE, 3), 0.5)
  for which in ("original", "extreme"):
    config = _config("gaussian_noise", bands=which)
    corrupted, mask = corrupt(config, images, tf.fill([60], level), tf.constant([7, 1]))
    assert mask.shape == (60, SIZE, SIZE, 1) and not mask.numpy().any()
    # Of clipped values, the median of the distances from the mean tells the deviation.
    deviations = 255 * np.median(np.abs(corrupted.numpy() - 0.5), axis=(1, 2, 3)) / scipy.stats.norm.ppf(0.75)
    low, high = 20 * level, 20 * (level + 1)
    assert low * 0.95 <= deviations.min() and deviations.max() <= high * 1.05
    assert deviations.max() - deviations.min() > 15


@pytest.mark.parametrize("level", [0, 2, 4])
def test_the_blur_of_a_level_has_its_kernels(level):
  """Each image by a Gaussian of the level's band, half a pixel on each side of the table's 0.5 .. 4.5, of 3x3 to 19x19."""
  impulse = np.zeros((60, SIZE, SIZE, 3), np.float32)
  impulse[:, 16, 16] = 1.0
  corrupted, _ = corrupt(_config("gaussian_blur"), impulse, tf.fill([60], level), tf.constant([7, 1]))
  kernels = corrupted.numpy()[..., 0]
  np.testing.assert_allclose(kernels.sum(axis=(1, 2)), 1.0, atol=1e-5)
  reaches = np.array([np.abs(np.nonzero(kernel > 1e-5)[1] - 16).max() for kernel in kernels])
  assert reaches.max() <= 9 and (level == 0 or set(reaches) == set(range(1, 10)))
  # The ratio of neighbours exp(-1 / (2 sigma^2)) tells the deviation along each axis.
  across, down = kernels[:, 16, 17] / kernels[:, 16, 16], kernels[:, 17, 16] / kernels[:, 16, 16]
  for ratio in (across, down):
    sigma = np.sqrt(-0.5 / np.log(np.maximum(ratio, 1e-30)))
    assert sigma.max() <= level + 1.01 and (sigma[ratio > 1e-4].min() >= level - 0.01) and np.ptp(sigma) > 0.6
  assert np.abs(across - down).max() > 0.005
