"""Progressive PAN: published numbers and statements.

Figures 4 and 6 to 11 are images, of which the text speaks by eye; Figures 1 and 5b are curves without numbers.
"""

import dataclasses

from tf_imgtrans.tables.statements import Claim, Mean, Ratio, Statement, higher, lower


@dataclasses.dataclass(frozen=True)
class Key:
  """What a row measures; as text the method, such as "full", with the scale of Figure 5, such as "rcan_x4".

  Attributes:
    method: str, a variant of the paper's model, a baseline, or "bicubic".
    scale: int, of Figure 5; None elsewhere.
    skips: int, skip connections of the paper's model in Figure 9; None elsewhere.
  """

  method: str
  scale: int | None = None
  skips: int | None = None

  def __str__(self):
    return self.variant if self.scale is None else f"{self.method}_x{self.scale}"

  @property
  def variant(self):
    """The method without the scale: networks of several scales may come from one training."""
    return self.method if self.skips is None else f"skips_{self.skips}"


TITLES = {
    "bicubic": "Bicubic", "esrgan_l1": "ESRGAN, L1 stage", "esrgan": "ESRGAN", "carn": "CARN", "rcan": "RCAN",
    "full": "PAN", "l1": "L1 loss", "l2": "L2 loss", "non_progressive": "non-progressive, equal compute",
    "non_noise": "non-noise", "degraded": "PAN, degraded inputs",
}
# x4 on the first 5000 images of CelebA-HQ, 128 -> 512; SWD x1000 of the levels 512 and 256.
TABLE1 = {
    "bicubic": {"psnr": 30.79, "ssim": 0.84, "niqe": 15.95, "fid": 76.53, "swd_fine": 98.31, "swd_half": 42.75},
    "esrgan": {"psnr": 25.04, "ssim": 0.65, "niqe": 7.50, "fid": 8.03, "swd_fine": 40.15, "swd_half": 34.08},
    "carn": {"psnr": 31.54, "ssim": 0.86, "niqe": 14.73, "fid": 27.31, "swd_fine": 133.39, "swd_half": 37.23},
    "rcan": {"psnr": 31.33, "ssim": 0.86, "niqe": 14.31, "fid": 20.47, "swd_fine": 135.68, "swd_half": 38.01},
    "full": {"psnr": 26.81, "ssim": 0.73, "niqe": 9.71, "fid": 5.16, "swd_fine": 33.51, "swd_half": 28.35},
}
# x8, 128 -> 1024; SWD x1000 of the levels 1024 and 512.
TABLE2 = {
    "l1": {"psnr": 28.53, "ssim": 0.76, "niqe": 14.76, "fid": 88.28, "swd_fine": 111.33, "swd_half": 73.94},
    "l2": {"psnr": 28.19, "ssim": 0.77, "niqe": 14.91, "fid": 89.17, "swd_fine": 134.48, "swd_half": 77.98},
    "non_progressive": {"psnr": 24.17, "ssim": 0.59, "niqe": 10.34, "fid": 8.66, "swd_fine": 187.37, "swd_half": 36.77},
    "non_noise": {"psnr": 25.29, "ssim": 0.66, "niqe": 12.02, "fid": 5.01, "swd_fine": 36.08, "swd_half": 29.97},
    "full": {"psnr": 25.88, "ssim": 0.65, "niqe": 10.07, "fid": 5.24, "swd_fine": 82.78, "swd_half": 31.75},
}
DIMENSIONS = (1, 2, 3, 10, 100, 1000, 10000, 100000)  # of Figure 1, whose axis is logarithmic and has no ticks to read
POINTS = 500  # caption of Figure 1
SCALES = (2, 4, 8)  # Figure 5


def _closer(name, other):
  """That one row is nearer to the targets than another, by the finest level of SWD and by the distance of features."""
  return lower("swd_fine", Key(name), Key(other)) + lower("frechet", Key(name), Key(other))


def rise(method, column):
  """How many times a distance rises from the lowest scale to the highest (Figure 5)."""
  first, *_, last = (Mean(column, (Key(method, scale),)) for scale in SCALES)
  return Ratio(last, first)


def figure5_statements(column):
  """Of a column that measures the distance."""
  return [Statement("from x2 to x8 the distance of PAN rises less than RCAN's",
                    (Claim(rise("rcan", column), rise("full", column)),))]


def figure9_statements(connections):
  """Of a network with so many skip connections."""
  keys = [Key("full", skips=number) for number in range(connections, -1, -1)]
  return [Statement("with all skip connections nearer to the target than with any fewer, by PSNR",
                    higher("psnr", keys[0], *keys[1:])),
          Statement("each skip connection left out costs PSNR",
                    tuple(claim for more, fewer in zip(keys, keys[1:]) for claim in higher("psnr", more, fewer)))]


def _falling(column, keys):
  return tuple(claim for fewer, more in zip(keys, keys[1:]) for claim in lower(column, more, fewer))


_PAN, _BICUBIC = Key("full"), Key("bicubic")
_CUBES = [f"dimensions_{number}" for number in DIMENSIONS[1:]]  # in one dimension two of the points nearly meet
_COMPARED = [Key(name) for name in ("bicubic", "esrgan", "carn", "rcan")]
# Sec. 5.2 to 5.5; that the network beats bicubic enlargement in Table 2 is ours to test.
STATEMENTS = {
    "figure1": [
        Statement("the distance ratio falls from each number of dimensions to the next, towards zero",
                  _falling("mean", _CUBES)),
        Statement("so does its standard deviation", _falling("deviation", _CUBES)),
    ],
    "figure10": [
        Statement("on cats PAN is nearer to the targets than all others, by Fréchet distance",
                  lower("frechet", _PAN, *_COMPARED)),
        Statement("on cats PAN is nearer to the targets than all others, by SWD", lower("swd_fine", _PAN, *_COMPARED)),
    ],
    "figure11": [
        Statement("of degraded inputs PAN that was trained on such makes images nearer to the targets than all others",
                  lower("frechet", Key("degraded"), _PAN, *_COMPARED)),
        Statement("the same by SWD", lower("swd_fine", Key("degraded"), _PAN, *_COMPARED)),
    ],
    "table1": [
        Statement("PAN has the lowest Fréchet distance of all", lower("frechet", _PAN, *_COMPARED)),
        Statement("PAN has the lowest SWD of the finest level of all", lower("swd_fine", _PAN, *_COMPARED)),
        Statement("PAN has a lower PSNR than bicubic enlargement", lower("psnr", _PAN, _BICUBIC)),
        Statement("RCAN and CARN have a higher PSNR than bicubic enlargement",
                  higher("psnr", Key("rcan"), _BICUBIC) + higher("psnr", Key("carn"), _BICUBIC)),
    ],
    "table2": [
        Statement("PAN is nearer to the targets than bicubic enlargement, by SWD and Fréchet distance",
                  _closer("full", "bicubic")),
        Statement("PAN is nearer than the one trained by L1, by SWD and Fréchet distance", _closer("full", "l1")),
        Statement("PAN is nearer than the one trained by L2, by SWD and Fréchet distance", _closer("full", "l2")),
        Statement("by L1 and by L2 a higher PSNR than by the GAN",
                  higher("psnr", Key("l1"), _PAN) + higher("psnr", Key("l2"), _PAN)),
        Statement("PAN is nearer than the non-progressive one, by SWD and Fréchet distance",
                  _closer("full", "non_progressive")),
        Statement("without noise, nearer than PAN by SWD and Fréchet distance", _closer("non_noise", "full")),
    ],
}
