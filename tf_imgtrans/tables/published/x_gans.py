"""X-GANs: published numbers and statements. Figures 10 to 12 are curves without numbers."""

import dataclasses

from tf_imgtrans.tables.statements import Claim, Mean, Statement, higher, higher_mean


@dataclasses.dataclass(frozen=True)
class Key:
  """What a row measures; as text [(data)_](corruption)_(method)[_(share)].

  Attributes:
    corruption: str, such as "random_points".
    method: "input", "classical", "on_demand" or "x_gans".
    share: float, of the pixels that are known; None for blocks.
    loss: corresponding point loss of X-GANs in Figure 12: "l2", "l1" or "none"; "" elsewhere.
    data: "" for the data of the call, or "scenes".
  """

  corruption: str
  method: str
  share: float | None = None
  loss: str = ""
  data: str = ""

  def __str__(self):
    method = f"point_{self.loss}" if self.loss else self.method
    return "_".join([*[self.data] * bool(self.data), self.corruption, method,
                     *([f"{self.share:.2f}"] if self.share else [])])

  @property
  def run(self):
    """Name of the run; L2 is the default, so that Figures 10 and 12 share it."""
    method = f"point_{self.loss}" if self.loss in ("l1", "none") else self.method
    return "-".join([*[self.data] * bool(self.data), self.corruption, method])


TITLES = {"input": "corrupted input", "classical": "without learning", "on_demand": "Gao and Grauman", "x_gans": "X-GANs"}
LOSSES = {"l2": "L2", "l1": "L1", "none": "none"}  # Fig. 12
BLOCKS = {"white_block": "white block", "color_blocks": "cluttered block"}  # Table 1
# 128x128 blocks in the middle of 256x256 faces of CelebA: PSNR in dB, and SSIM.
TABLE1 = {
    Key("white_block", "on_demand"): {"psnr": 21.88, "ssim": 0.68},
    Key("white_block", "x_gans"): {"psnr": 24.99, "ssim": 0.85},
    Key("color_blocks", "on_demand"): {"psnr": 21.83, "ssim": 0.67},
    Key("color_blocks", "x_gans"): {"psnr": 23.16, "ssim": 0.82},
}
POINT_SHARES = (0.01, 0.02, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)  # Fig. 4 and 10
NOISE_SHARES = (0.05, 0.10, 0.15)  # valid pixels, Fig. 5 and 11: noise of 95, 90 and 85 %


def _curve(corruption, method, shares=POINT_SHARES, loss="", data=""):
  return [Key(corruption, method, share, loss, data) for share in shares]


def _above_everywhere(keys, others):
  return tuple(claim for key, other in zip(keys, others) for claim in higher("psnr", key, other))


def _beats_on_demand(block):
  ours, theirs = Key(block, "x_gans"), Key(block, "on_demand")
  return higher("psnr", ours, theirs) + higher("ssim", ours, theirs)


_RANDOM, _EDGE = _curve("random_points", "x_gans"), _curve("edge_points", "x_gans")
_LOSSES = {loss: _curve("random_points", "x_gans", loss=loss) for loss in LOSSES}
_NOISE = {(method, data): _curve("color_noise", method, NOISE_SHARES, data=data)
          for method in ("x_gans", "on_demand") for data in ("", "scenes")}
# Sec. 5.1, and Sec. 4.5 on edge points.
STATEMENTS = {
    "table1": [
        Statement("X-GANs beat on-demand learning behind a white block, in PSNR and SSIM", _beats_on_demand("white_block")),
        Statement("X-GANs beat on-demand learning behind a cluttered block, in PSNR and SSIM",
                  _beats_on_demand("color_blocks")),
    ],
    "figure10": [
        Statement("more points give a higher PSNR, from each share to the next", _above_everywhere(_RANDOM[1:], _RANDOM)),
        Statement("10 % of the pixels near edges give a higher PSNR than 10 % at random places",
                  higher("psnr", Key("edge_points", "x_gans", 0.10), Key("random_points", "x_gans", 0.10))),
        Statement("points near edges give a higher PSNR than random ones, on the mean over the shares",
                  higher_mean("psnr", _EDGE, _RANDOM)),
        Statement("X-GANs beat on-demand learning at every share of random points",
                  _above_everywhere(_RANDOM, _curve("random_points", "on_demand"))),
        Statement("Sec. 5.1: points near edges give X-GANs a higher PSNR than on-demand learning has from random ones, on "
                  "the mean over the shares", higher_mean("psnr", _EDGE, _curve("random_points", "on_demand"))),
        Statement("Sec. 5.1: X-GANs' PSNR is higher on faces than on scenes, on the mean over the shares of random points",
                  higher_mean("psnr", _RANDOM, _curve("random_points", "x_gans", data="scenes"))),
    ],
    "figure11": [
        Statement("X-GANs beat on-demand learning at every level of colour noise",
                  _above_everywhere(_NOISE["x_gans", ""], _NOISE["on_demand", ""])),
        Statement("X-GANs beat on-demand learning at every level of colour noise on scenes too",
                  _above_everywhere(_NOISE["x_gans", "scenes"], _NOISE["on_demand", "scenes"])),
    ],
    "figure12": [
        Statement("Sec. 3.5: with the point loss as L2 a higher PSNR than without it, at each share",
                  _above_everywhere(_LOSSES["l2"], _LOSSES["none"])),
        Statement("Sec. 5.1: L2 is the best of L2, L1 and none, on the mean over the shares",
                  higher_mean("psnr", _LOSSES["l2"], _LOSSES["l1"]) + higher_mean("psnr", _LOSSES["l2"], _LOSSES["none"])),
    ],
    # As a codec (Sec. 4.5). The paper compares with no other codec: the statements on interpolation and JPEG are ours.
    "compression": [
        Statement("edge points beat random points of the same share, on the mean over the shares",
                  higher_mean("psnr", _EDGE, _RANDOM)),
        Statement("X-GANs beat interpolation between the same points at every share",
                  _above_everywhere(_RANDOM + _EDGE, _curve("random_points", "classical")
                                    + _curve("edge_points", "classical"))),
        Statement("X-GANs from 1 % of the pixels beat JPEG of the same size",
                  (Claim(Mean("psnr", (_RANDOM[0],)), Mean("jpeg_psnr", (_RANDOM[0],))),)),
    ],
}
