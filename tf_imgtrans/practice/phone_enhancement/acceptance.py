"""What an enhancer must do before it is shipped: improve photographs of phones, and do good photographs no harm."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from tf_imgtrans.metrics.lattice import lattice
from tf_imgtrans.metrics.multiscale_structural_similarity import ms_ssim
from tf_imgtrans.metrics.natural_image_quality import niqe
from tf_imgtrans.metrics.peak_signal_to_noise import psnr
from tf_imgtrans.metrics.structural_similarity import ssim

END = 0.5 / 255  # a value this near to 0 or 1 is stored as 0 or 255
NIQE_RISE = 0.2  # at most, on photographs that are good already
CLIPPED = 0.02  # share of the values that may be newly clipped, at most
LATTICE = 6.0  # factor by which the lattice may grow, at most
# Pixels: good photographs are measured on their middle square. The factor of a lattice grows with the area, as waves of one
# phase add up faster than texture does, so that it is stated for one size.
SIDE = 512


@dataclasses.dataclass(frozen=True)
class Quality:
  """Means over pairs; pairs with a flat or identical source are left out, as they have no finite PSNR.

  Attributes:
    pairs: int, number of pairs that count.
    psnr_db, ssim, ms_ssim: floats; MS-SSIM in DPED's variant, which takes patches of 100 pixels.
    better: float, share of the pairs with a higher PSNR than the input's.
  """

  pairs: int
  psnr_db: float
  ssim: float
  ms_ssim: float
  better: float


@dataclasses.dataclass(frozen=True)
class Harm:
  """What an enhancer does to photographs that are good already.

  Attributes:
    photographs: int.
    niqe_rise: float, mean change of NIQE; lower NIQE is better.
    clipped: float, mean share of values that are stored as 0 or 255 and were not so before.
    lattice: float, median factor by which `metrics.lattice` grows.
    change_db: float, mean PSNR of the output against the input: how little is changed.
  """

  photographs: int
  niqe_rise: float
  clipped: float
  lattice: float
  change_db: float

  def faults(self) -> list[str]:
    """What is more than a shipped enhancer may do, in words."""
    limits = (("NIQE rises by", self.niqe_rise, NIQE_RISE), ("the share of newly clipped values is", self.clipped, CLIPPED),
              ("the lattice grows by a factor of", self.lattice, LATTICE))
    return [f"{what} {seen:.3g}, at most {most:g} is allowed" for what, seen, most in limits if not seen <= most]


def quality(enhancers: dict[str, Callable], pairs: Iterable[tuple[np.ndarray, np.ndarray]],
            fitted: dict[str, Callable] | None = None) -> dict[str, Quality]:
  """Measures enhancers on pairs of a phone and a better camera; "input" is what the sources themselves have.

  Args:
    enhancers: name -> float32 [1, H, W, 3] in [0, 1] -> the same shape.
    pairs: (source, target), float32 [H, W, 3] in [0, 1].
    fitted: name -> pairs -> enhancer, of enhancers that are fitted on one half of the pairs and measured on the other.
  Returns:
    dict of name to Quality, of "input" too.
  """
  pairs = list(pairs)
  parts = pairs[::2], pairs[1::2]
  rows = []
  for part, other in (parts, parts[::-1]) if fitted else ((pairs, []),):
    ran = {**enhancers, **{name: fit(other) for name, fit in (fitted or {}).items()}}
    for source, target in part:
      outputs = [source, *(np.clip(enhancer(source[None])[0], 0, 1) for enhancer in ran.values())]
      rows.append([_scores(target[None], output[None]) for output in outputs])
  values = np.array(rows)  # [pairs, enhancers, metrics]
  values = values[np.isfinite(values).all(axis=(1, 2))]
  means, better = values.mean(axis=0), (values[..., 0] > values[:, :1, 0]).mean(axis=0)
  return {name: Quality(len(values), *map(float, means[index]), float(better[index]))
          for index, name in enumerate(["input", *enhancers, *(fitted or {})])}


def _scores(target, output):
  return [float(psnr(target, output)[0]), float(ssim(target, output)[0]), float(ms_ssim(target, output, variant="dped")[0])]


def harm(enhancer: Callable, photographs: Iterable[np.ndarray]) -> Harm:
  """Measures an enhancer on photographs that need none.

  Args:
    enhancer: float32 [1, H, W, 3] in [0, 1] -> the same shape.
    photographs: float32 [H, W, 3] in [0, 1], at least 192x192 pixels.
  Returns:
    Harm.
  """
  rows = []
  for image in photographs:
    before, after = image[None], np.clip(enhancer(image[None]), 0, 1)
    rows.append([float(niqe(after)[0] - niqe(before)[0]), float((clipped(after) & ~clipped(before)).mean()),
                 float(lattice(after)[0] / lattice(before)[0]), float(psnr(before, after)[0])])
  rise, ends, factor, change = np.array(rows).T
  return Harm(len(rows), float(rise.mean()), float(ends.mean()), float(np.median(factor)), float(change.mean()))


def middle(image):
  """The middle SIDE x SIDE pixels of an image [H, W, C]; all of a shorter side."""
  top, left = (max(side - SIDE, 0) // 2 for side in image.shape[:2])
  return image[top:top + SIDE, left:left + SIDE]


def clipped(images):
  """bool of the shape of float images: values that are stored as 0 or 255."""
  return (images <= END) | (images >= 1 - END)
