"""Reconstruction without learning: what it keeps, what it reproduces exactly, and its few-point cases."""

import numpy as np
import pytest
import recipes

from tf_imgtrans.baselines.classical import inpaint, interpolate


def scattered(height, width, share, seed=0):
  return (recipes.random_images(height, width, 1, seed=seed) < share).astype(np.float32)


def mask_of(points, height=9, width=12):
  mask = np.zeros((height, width, 1), np.float32)
  mask[tuple(np.transpose(points))] = 1
  return mask


def ramp(height=9, width=12):
  """A plane in each channel."""
  rows, columns = np.mgrid[:height, :width].astype(np.float32)
  return np.stack([0.1 + 0.05 * rows, 0.9 - 0.04 * columns, 0.2 + 0.02 * rows + 0.03 * columns], axis=-1)


@pytest.mark.parametrize("fill", [interpolate, inpaint])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_known_pixels_stay_as_they_are(fill, share):
  image, mask = recipes.random_images(20, 30, 3), scattered(20, 30, share, seed=1)
  hidden = np.where(mask == 1, image, np.float32(1))
  before = hidden.copy()
  found = fill(hidden, mask)
  assert found.shape == (20, 30, 3) and found.dtype == np.float32 and np.isfinite(found).all()
  assert found.min() >= 0 and found.max() <= 1
  recipes.assert_same(found[mask[..., 0] == 1], image[mask[..., 0] == 1])
  recipes.assert_same(hidden, before)  # the input is not written to
  recipes.assert_same(fill(hidden, mask[..., :1].astype(bool)), found)


@pytest.mark.parametrize("fill", [interpolate, inpaint])
def test_what_missing_pixels_hold_does_not_matter(fill):
  image, mask = recipes.random_images(16, 16, 3), np.ones((16, 16, 1), np.float32)
  mask[4:11, 5:13] = 0  # of scattered pixels OpenCV's method is no function of the known ones alone
  other = np.where(mask == 1, image, recipes.random_images(16, 16, 3, seed=2))
  recipes.assert_same(fill(image, mask), fill(other, mask))


@pytest.mark.parametrize("fill", [interpolate, inpaint])
def test_a_whole_image_and_none(fill):
  image = recipes.random_images(8, 9, 3)
  recipes.assert_same(fill(image, np.ones((8, 9, 1), np.float32)), image)
  with pytest.raises(ValueError, match="mask knows no pixel: expected at least one"):
    fill(image, np.zeros((8, 9, 1), np.float32))


def test_planes_are_met_inside_the_hull():
  image = ramp()
  corners = mask_of([(0, 0), (0, 11), (8, 0), (8, 11)])
  for mask in (corners, np.maximum(corners, scattered(9, 12, 0.1))):
    np.testing.assert_allclose(interpolate(image * mask + 1 - mask, mask), image, atol=1e-6)


def test_outside_of_the_triangles_the_nearest_pixel_counts():
  image, points = recipes.random_images(9, 12, 3), [(2, 2), (2, 6), (6, 2)]
  found = interpolate(image, mask_of(points))
  for place, nearest in (((0, 0), (2, 2)), ((0, 11), (2, 6)), ((8, 0), (6, 2)), ((1, 2), (2, 2))):
    recipes.assert_same(found[place], image[nearest])
  inside = 0.5 * image[2, 2] + 0.25 * image[2, 6] + 0.25 * image[6, 2]  # three points make a triangle
  np.testing.assert_allclose(found[3, 3], inside, atol=1e-6)


@pytest.mark.parametrize("points", [
    [(4, 5)], [(0, 0), (8, 11)], [(3, 0), (3, 4), (3, 5), (3, 11)], [(0, 7), (2, 7), (4, 7), (8, 7), (6, 7)],
    [(1, 1), (2, 2), (3, 3), (5, 5)], [(0, 8), (2, 6), (4, 4), (8, 0), (6, 2)], [(0, 1), (2, 4), (4, 7), (6, 10)]])
def test_points_on_one_line_give_their_nearest(points):
  image = recipes.random_images(9, 12, 3)
  found = interpolate(image, mask_of(points))
  places = np.stack(np.mgrid[:9, :12], axis=-1)
  distances = np.square(places[:, :, None] - np.array(points)).sum(-1)
  nearest = distances == distances.min(-1, keepdims=True)
  values = np.array([image[point] for point in points])
  same = (found[:, :, None] == values).all(-1)
  assert (same & nearest).any(-1).all()


def test_a_hole_in_a_flat_region_is_filled_with_its_colour():
  image = np.empty((24, 24, 3), np.float32)
  image[:] = np.float32([51, 102, 204]) / np.float32(255)
  mask = np.ones((24, 24, 1), np.float32)
  mask[8:16, 6:18] = 0
  found = inpaint(np.where(mask == 1, image, np.float32(1)), mask)
  assert np.abs(found - image).max() <= 2.01 / 255  # OpenCV cuts weighted means down to whole levels


def test_a_hole_takes_the_colours_of_its_border():
  image = np.full((24, 24, 3), 0.2, np.float32)
  image[:, 12:] = 0.8
  mask = np.ones((24, 24, 1), np.float32)
  mask[8:16, 8:16] = 0
  found = inpaint(image * mask + 1 - mask, mask)
  assert found[8:16, 8:10].max() < 0.4 and found[8:16, 14:16].min() > 0.6
