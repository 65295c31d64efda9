"""The metrics under the names of the command line, with unit and protocol for tables."""

import dataclasses
import functools
from collections.abc import Callable

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.metrics.multiscale_structural_similarity import MINIMUM_SIDE, ms_ssim
from tf_imgtrans.metrics.natural_image_quality import BLOCK, niqe
from tf_imgtrans.metrics.peak_signal_to_noise import psnr
from tf_imgtrans.metrics.sharpness import MINIMUM_SIDE as SHARPNESS_SIDE
from tf_imgtrans.metrics.sharpness import sharpness
from tf_imgtrans.metrics.structural_similarity import WINDOW_SIZE, ssim


@dataclasses.dataclass(frozen=True)
class Metric:
  """One metric of the command line.

  Args:
    name: str, the name on the command line.
    function: `f(y_true, y_pred, **options)`, or `f(images, **options)` without reference; returns float64 [N].
    full_reference: bool, whether the function takes y_true.
    higher_is_better: bool.
    unit: str, "dB" or "" for none.
    minimum_side: int, the smallest height and width.
    protocol: str, one line on how the default is measured.
  """

  name: str
  function: Callable
  full_reference: bool
  higher_is_better: bool
  unit: str
  minimum_side: int
  protocol: str

  def __call__(self, y_true, y_pred, **options):
    """Measures y_pred, against y_true if the metric is full-reference: float64 [N]."""
    if self.full_reference:
      return self.function(y_true, y_pred, **options)
    return self.function(y_pred, **options)


METRICS = {metric.name: metric for metric in (
    Metric("psnr", psnr, full_reference=True, higher_is_better=True, unit="dB", minimum_side=1,
           protocol="RGB, peak 1, no border, unrounded; identical images are infinite"),
    Metric("ssim", ssim, full_reference=True, higher_is_better=True, unit="", minimum_side=WINDOW_SIZE,
           protocol="RGB, mean over channels, 11x11 Gaussian of sigma 1.5, whole windows only"),
    Metric("ms_ssim", ms_ssim, full_reference=True, higher_is_better=True, unit="",
           minimum_side=MINIMUM_SIDE["standard"],
           protocol="RGB, mean over channels, five scales, 11x11 Gaussian of sigma 1.5 on each"),
    Metric("ms_ssim_dped", functools.partial(ms_ssim, variant="dped"), full_reference=True, higher_is_better=True,
           unit="", minimum_side=MINIMUM_SIDE["dped"],
           protocol="RGB, five scales, window shrinks on maps smaller than 11 (DPED, PIRM 2018)"),
    Metric("niqe", niqe, full_reference=False, higher_is_better=False, unit="", minimum_side=BLOCK,
           protocol="BT.601 luma 16-235 rounded, 96x96 blocks, at least two, LIVE pristine model"),
    Metric("sharpness", sharpness, full_reference=True, higher_is_better=True, unit="", minimum_side=SHARPNESS_SIDE,
           protocol="fine detail of the luma over that of the target; 1 is as much"),
)}


def find_metric(name):
  """The Metric called `name`; ValueError with the closest name if it is unknown."""
  if name not in METRICS:
    raise unknown_name("metric", name, METRICS)
  return METRICS[name]
