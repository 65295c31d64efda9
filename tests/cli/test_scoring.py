"""Scores as training, evaluation and quickstart report them."""

import math

import numpy as np
import pytest

from tf_imgtrans.cli.scoring import mean_scores, montage, niqe_sheets, scores
from tf_imgtrans.metrics.natural_image_quality import niqe


def test_means_leave_infinite_values_out(real_photograph):
  dark = real_photograph * np.float32(0.5)
  found = scores([real_photograph] * 2, [real_photograph, dark], ("psnr",))["psnr"]
  assert found[0] == math.inf
  assert mean_scores([real_photograph] * 2, [real_photograph, dark], ("psnr",)) == {"psnr": found[1]}


def test_niqe_is_measured_on_whole_pictures_where_they_are_large_enough(real_photograph):
  left, right = real_photograph[:, :220], real_photograph[:, 220:440]
  expected = [float(niqe(half[None])[0]) for half in (left, right)]
  assert scores(None, [left, right], ("niqe",))["niqe"] == expected


def test_small_patches_are_laid_into_one_montage(real_photograph):
  patches = [real_photograph[top:top + 100, left:left + 100] for top in (0, 100, 200) for left in (0, 100, 200, 300)]
  sheet, = niqe_sheets(patches)
  assert sheet.shape == (4 * 96, 3 * 96, 3)
  np.testing.assert_array_equal(sheet[96:192, :96], patches[3][2:98, 2:98])
  assert scores(None, patches, ("niqe",))["niqe"] == [float(niqe(sheet[None])[0])]


def test_a_montage_passes_over_pictures_below_its_tiles(real_photograph):
  sheet = montage([real_photograph[:50, :50], real_photograph[:96, :96], real_photograph[:97, :100]])
  assert sheet.shape == (2 * 96, 96, 3)


def test_niqe_of_too_little_is_left_out(real_photograph):
  small = real_photograph[:60, :60]
  assert scores([small], [small], ("niqe",))["niqe"] == []
  assert "niqe" not in mean_scores([small], [small])
  flat = np.full((200, 200, 3), 0.5, np.float32)
  assert math.isnan(scores([flat], [flat], ("niqe",))["niqe"][0])


def test_unknown_metric():
  with pytest.raises(ValueError, match="did you mean 'psnr'"):
    scores([], [], ("pnsr",))
