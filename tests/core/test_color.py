"""Luma, against the colour table of BT.601."""

import numpy as np
import pytest

from tf_imgtrans.core import color

# 100 % colour bars in studio range, BT.601: R'G'B' -> Y'.
BARS = {(1, 1, 1): 235, (1, 1, 0): 210, (0, 1, 1): 170, (0, 1, 0): 145, (1, 0, 1): 106, (1, 0, 0): 81, (0, 0, 1): 41,
        (0, 0, 0): 16}


@pytest.mark.parametrize("rgb, luma", list(BARS.items()))
def test_studio_luma_of_color_bars(rgb, luma):
  assert round(float(color.studio_luma(np.float32([[rgb]]))[0, 0])) == luma


def test_full_range_luma():
  pixels = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0.5, 0.25, 0.75]])
  luma = color.full_range_luma(pixels)
  assert luma.dtype == np.float64 and luma.shape == (5,)
  np.testing.assert_allclose(luma, [0.299, 0.587, 0.114, 1.0, 0.1495 + 0.14675 + 0.0855], rtol=1e-12)


def test_weights_are_the_printed_ones():
  assert color.LUMA_BT601 == (0.299, 0.587, 0.114)  # Mux/Demux paper, Eq. 2
  assert color.LUMA_RGB2GRAY == (0.2989, 0.5870, 0.1140)  # DPED
