"""The measures that decide whether an enhancer is shipped, on enhancers whose merit and harm are known."""

import numpy as np
import pytest
import recipes
from scipy.ndimage import gaussian_filter

from tf_imgtrans.practice.phone_enhancement.acceptance import Harm, harm, quality
from tf_imgtrans.practice.phone_enhancement.tone_curve import ToneCurve, fit_tone_curve


def textured(count, side=208, seed=0):
  """Photographs of a kind: smooth, with fine texture, as NIQE cannot measure without."""
  noise = gaussian_filter(np.random.default_rng(seed).normal(size=(count, side, side, 1)), (0, 1, 1, 0))
  return np.float32(np.clip(0.6 * recipes.smooth_images(count, side, side, 3) + 0.2 + 0.1 * noise, 0.05, 0.95))


def test_a_known_curve_is_found():
  targets = recipes.smooth_images(4, 64, 64, 3)
  targets = np.round(targets * 255) / 255
  sources = np.round(targets ** np.array([1.5, 2.0, 1.2]) * 255) / 255
  curve = fit_tone_curve(zip(sources, targets))
  assert (np.diff(curve.values, axis=0) >= 0).all()
  assert np.abs(curve(sources) - targets).max() < 0.06  # several dark levels share one of the source
  assert np.abs(curve(sources) - targets).mean() < 0.004


def test_a_noisy_curve_never_falls():
  rng = np.random.default_rng(1)
  sources = rng.random((3, 40, 40, 3))
  curve = fit_tone_curve(zip(sources, np.clip(sources + rng.normal(0, 0.3, sources.shape), 0, 1)))
  assert (np.diff(curve.values, axis=0) >= 0).all() and curve(np.zeros((1, 2, 2, 3))).dtype == np.float32


def test_no_pairs_for_a_curve():
  with pytest.raises(ValueError, match="no pairs"):
    fit_tone_curve([])


def test_quality_ranks_what_is_known():
  targets = recipes.smooth_images(5, 100, 100, 3)
  sources = np.float32(0.6 * targets)
  sources[4] = targets[4]  # identical: no finite PSNR
  found = quality({"right": lambda images: images / 0.6, "darker": lambda images: 0.9 * images}, zip(sources, targets))
  assert {name: row.pairs for name, row in found.items()} == {"input": 4, "right": 4, "darker": 4}
  errors = np.mean((0.4 * targets[:4]) ** 2, axis=(1, 2, 3))
  assert found["input"].psnr_db == pytest.approx(np.mean(-10 * np.log10(errors)), abs=1e-4)
  assert (found["input"].better, found["right"].better, found["darker"].better) == (0, 1, 0)
  assert found["right"].psnr_db > 60 and found["right"].ssim > found["input"].ssim > found["darker"].ssim


def test_a_fitted_enhancer_is_measured_on_the_other_half():
  """One half of the pairs is darkened by 0.5 and one by 0.8: a factor fitted on the other half is wrong by as much."""
  targets = recipes.smooth_images(6, 64, 64, 3)
  factors = [0.5, 0.8] * 3
  pairs = [(np.float32(factor * target), target) for factor, target in zip(factors, targets)]
  seen = []

  def fit(part):
    seen.append(len(part))
    factor = part[0][0].sum() / part[0][1].sum()
    return lambda images: images / np.float32(factor)

  found = quality({"same": lambda images: images}, pairs, {"factor": fit})
  assert list(found) == ["input", "same", "factor"] and seen == [3, 3] and found["factor"].pairs == 6
  errors = [np.mean(np.square((np.clip(pair[0] / other, 0, 1) - pair[1]).astype(np.float64)))
            for pair, other in zip(pairs, factors[1:] + factors[:1])]
  assert found["factor"].psnr_db == pytest.approx(np.mean(-10 * np.log10(errors)), abs=1e-3)
  assert found["same"].psnr_db == found["input"].psnr_db


def test_what_changes_nothing_does_no_harm():
  found = harm(lambda images: np.float32(images + 1e-4), textured(2))
  assert not found.faults() and found.clipped == 0 and found.lattice == pytest.approx(1, abs=0.01)
  assert found.change_db == pytest.approx(80, abs=0.1) and found.photographs == 2


def with_lattice(images):
  grid = np.zeros(images.shape, np.float32)
  grid[:, ::4, ::4] = 0.02
  return images + grid


@pytest.mark.parametrize("enhancer, fault", [
    (lambda images: 1.5 * images, "newly clipped"), (with_lattice, "lattice grows"),
    (lambda images: gaussian_filter(images, (0, 3, 3, 0)), "NIQE rises")], ids=["clips", "lattice", "blurs"])
def test_each_kind_of_harm_is_named(enhancer, fault):
  found = harm(enhancer, textured(3))
  assert any(fault in line for line in found.faults()), found


def test_a_value_that_cannot_be_measured_is_a_fault():
  assert len(Harm(1, float("nan"), 0.0, 1.0, 40.0).faults()) == 1


def test_a_curve_is_applied_between_levels():
  values = np.repeat(np.linspace(0, 0.5, 256)[:, None], 3, axis=1)
  np.testing.assert_allclose(ToneCurve(values)(np.full((1, 1, 1, 3), 0.3335)), 0.16675, atol=1e-6)
