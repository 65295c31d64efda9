"""Scores as training, evaluation and quickstart report them."""

import math

import numpy as np
import pytest

from tf_imgtrans.metrics.natural_image_quality import niqe
from tf_imgtrans.metrics.scoring import Scores, mean_scores, montage


def scored(pairs, names):
  scores = Scores(names)
  for target, output in pairs:
    scores.add(target, output)
  return scores


def test_means_leave_infinite_values_out(real_photograph):
  dark = real_photograph * np.float32(0.5)
  scores = scored([(real_photograph, real_photograph), (real_photograph, dark)], ("psnr",))
  first, second = scores.values()["psnr"]
  assert first == math.inf and scores.means() == {"psnr": second}
  assert mean_scores([real_photograph] * 2, [real_photograph, dark], ("psnr",)) == {"psnr": second}
  assert second == pytest.approx(-10 * np.log10(np.mean(np.square(np.float64(dark) - np.float64(real_photograph)))))


def test_niqe_is_measured_on_whole_images_where_they_are_large_enough(real_photograph):
  halves = [real_photograph[:, :220], real_photograph[:, 220:440]]
  scores = scored([(None, half) for half in halves], ("niqe",))
  assert scores.values()["niqe"] == [float(niqe(half[None])[0]) for half in halves]
  assert not scores.montage


def test_small_patches_are_laid_into_one_montage(real_photograph):
  patches = [real_photograph[top:top + 100, left:left + 100] for top in (0, 100, 200) for left in (0, 100, 200, 300)]
  tiles = [patch[2:98, 2:98] for patch in patches]
  sheet = montage(tiles)
  assert sheet.shape == (4 * 96, 3 * 96, 3)
  np.testing.assert_array_equal(sheet[96:192, :96], tiles[3])
  scores = scored([(None, patch) for patch in patches], ("niqe",))
  assert scores.montage and scores.values()["niqe"] == [float(niqe(sheet[None])[0])]


def test_one_small_image_sends_all_of_them_to_the_montage(real_photograph):
  images = [real_photograph, real_photograph[:100, :100], real_photograph[:50, :50]]
  scores = scored([(None, image) for image in images], ("niqe",))
  sheet = montage([real_photograph[102:198, 177:273], real_photograph[2:98, 2:98]])
  assert sheet.shape == (2 * 96, 96, 3) and scores.values()["niqe"] == [float(niqe(sheet[None])[0])]


def test_niqe_of_too_little_is_left_out(real_photograph):
  small = real_photograph[:60, :60]
  assert scored([(small, small)], ("niqe",)).values()["niqe"] == []
  assert "niqe" not in mean_scores([small], [small])
  flat = np.full((200, 200, 3), 0.5, np.float32)
  assert math.isnan(scored([(flat, flat)], ("niqe",)).values()["niqe"][0])


def test_unknown_metric():
  with pytest.raises(ValueError, match="did you mean 'psnr'"):
    Scores(("pnsr",))
