"""The lattice of a spectrum: noise has none, and drawn ones are measured by the power that they add."""

import numpy as np
import pytest

from tf_imgtrans.metrics.lattice import lattice

NOISE = np.random.default_rng(0).normal(0.5, 0.05, (1, 96, 132, 1)).repeat(3, axis=-1)


def drawn(amplitude, period):
  rows, columns = np.mgrid[:96, :132]
  return amplitude * ((rows % period == 0) & (columns % period == 0))[None, :, :, None]


def test_noise_has_none():
  assert 0.2 < lattice(NOISE)[0] < 8  # the largest of 15 exponential values over a median of ln 2


@pytest.mark.parametrize("period", [2, 4])
def test_a_drawn_lattice_is_seen(period):
  """As bright as the noise's deviation."""
  assert lattice(NOISE + drawn(0.05, period))[0] > 10 * lattice(NOISE)[0]


def test_power_is_that_of_the_wave():
  """A wave of period 4 along the rows, twice as high, has four times the power."""
  wave = np.cos(np.pi / 2 * np.arange(132))[None, None, :, None]
  low, high = lattice(np.concatenate([NOISE + 0.1 * wave, NOISE + 0.2 * wave]))
  assert high / low == pytest.approx(4, rel=0.1)


def test_brightness_and_contrast_do_not_count():
  np.testing.assert_allclose(lattice(0.3 * NOISE + 0.4), lattice(NOISE), rtol=1e-6)


def test_small_images_are_refused():
  with pytest.raises(ValueError, match="images are 63x80: expected at least 64 pixels"):
    lattice(np.zeros((1, 63, 80, 3)))
