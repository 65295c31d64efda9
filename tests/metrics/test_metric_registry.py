"""The table of metrics for the command line, and a package that is light to import."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import tf_imgtrans.metrics
from tf_imgtrans.metrics.registry import METRICS, find_metric

RNG = np.random.default_rng(4)


def test_names_are_functions():
  for name in ("psnr", "ssim", "ms_ssim", "niqe"):
    assert getattr(tf_imgtrans.metrics, name).__name__ == name
    assert name in tf_imgtrans.metrics.__all__


def test_table():
  assert list(METRICS) == ["psnr", "ssim", "ms_ssim", "ms_ssim_dped", "niqe", "sharpness"]
  assert [name for name, metric in METRICS.items() if not metric.full_reference] == ["niqe"]
  assert [name for name, metric in METRICS.items() if not metric.higher_is_better] == ["niqe"]
  for name, metric in METRICS.items():
    assert metric.name == name and metric.protocol and "\n" not in metric.protocol
  with pytest.raises(dataclasses.FrozenInstanceError):
    METRICS["psnr"].unit = "%"


@pytest.mark.parametrize("name", METRICS)
def test_called_alike(name):
  metric = METRICS[name]
  side = metric.minimum_side
  a, b = RNG.random((2, 2, side, max(side, 192), 3))
  value = metric(a, b)
  assert value.shape == (2,) and value.dtype == np.float64 and np.isfinite(value).all()
  if side > 1:
    with pytest.raises(ValueError, match=f"{side - 1}x"):
      metric(a[:, 1:], b[:, 1:])


def test_options_pass():
  a, b = RNG.random((2, 1, 32, 32, 3))
  np.testing.assert_array_equal(METRICS["psnr"](a, b, channel="y"), tf_imgtrans.metrics.psnr(a, b, channel="y"))
  np.testing.assert_array_equal(METRICS["ms_ssim_dped"](a, b), tf_imgtrans.metrics.ms_ssim(a, b, variant="dped"))


def test_unknown_metric():
  assert find_metric("ssim") is METRICS["ssim"]
  with pytest.raises(ValueError, match="unknown metric 'psmr'.*did you mean 'psnr'"):
    find_metric("psmr")


def test_metrics_do_not_import_tensorflow():
  code = "import sys, tf_imgtrans.metrics.registry as r; r.METRICS; sys.exit('tensorflow' in sys.modules)"
  assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
