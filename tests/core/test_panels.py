"""Contact sheets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_imgtrans.core.panels import panel

RED = np.zeros((20, 30, 3), np.float32) + (1, 0, 0)
BLUE = np.zeros((200, 100, 3), np.uint8) + np.uint8([0, 0, 255])


def area(sheet, color):
  """Height and width of what has one colour on a sheet."""
  rows, columns = np.nonzero((sheet == color).all(axis=-1))
  return rows.max() - rows.min() + 1, columns.max() - columns.min() + 1


def test_images_keep_their_aspect():
  sheet = panel([[RED, BLUE]], tile=120)
  assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
  assert area(sheet, (255, 0, 0)) == (80, 120)
  assert area(sheet, (0, 0, 255)) == (120, 60)
  assert (sheet[0] == 255).all() and (sheet[:, -1] == 255).all()


def test_a_small_image_shows_its_pixels_and_a_large_one_is_averaged():
  pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
  sheet = panel([[pixels]])
  left = top = (len(sheet) - 192) // 2
  np.testing.assert_array_equal(sheet[top:top + 192, left:left + 192], pixels.repeat(24, 0).repeat(24, 1))
  stripes = np.zeros((1000, 1000, 3), np.uint8)
  stripes[:, ::2] = 255
  middle = panel([[stripes]], tile=100)[30:90, 30:90]
  assert np.abs(middle.astype(int) - 127).max() <= 1


def test_texts_take_room_of_their_own():
  plain = panel([[RED, RED], [RED, RED]])
  headed = panel([[RED, RED], [RED, RED]], headers=["source", "fake"])
  full = panel([[RED, RED], [RED, RED]], ["source", "fake"], [["21.3 dB  0.88  NIQE 4.1", None], ["", "x"]])
  assert plain.shape[1] == headed.shape[1] == full.shape[1]
  assert plain.shape[0] < headed.shape[0] < full.shape[0]
  assert (headed[:headed.shape[0] - plain.shape[0]] < 128).any()
  assert area(full, (255, 0, 0)) > area(headed, (255, 0, 0))


def test_long_texts_are_broken_into_lines_and_stay_in_their_column():
  one = panel([[RED, RED]], captions=[["short", ""]])
  two = panel([[RED, RED]], captions=[["a caption that is much longer than the image is wide", ""]])
  assert two.shape[0] > one.shape[0]
  below = two[area(one, (255, 0, 0))[0] + 30:, two.shape[1] // 2:]
  assert (below == 255).all()


def test_masks_and_empty_places():
  sheet = panel([[None, np.full((16, 16, 1), 0.5)], [RED]])
  assert (sheet == 128).all(axis=-1).any()
  assert (sheet[20:100, 20:100] == 255).all()


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
       tile=st.one_of(st.none(), st.integers(1, 90)))
def test_any_sizes_fit(sizes, tile):
  sheet = panel([[np.zeros((*size, 3), np.uint8) for size in sizes]], headers=["h"] * len(sizes), tile=tile)
  assert sheet.ndim == 3 and (sheet == 0).all(axis=-1).any()


@pytest.mark.parametrize("arguments, words", [
    (([],), "no image"),
    (([[None]],), "no image"),
    (([[RED[..., 0]]],), r"\(20, 30\)"),
    (([[np.full_like(RED, np.nan)]],), "not finite"),
    (([[RED, RED]], ["one"]), "1 headers for 2 columns"),
    (([[RED, RED]], None, [["one"]]), r"captions have \[1\].*expected \[2\]"),
])
def test_what_does_not_fit_is_named(arguments, words):
  with pytest.raises(ValueError, match=words):
    panel(*arguments)
