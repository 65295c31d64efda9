"""Names that a user typed, and what the error says."""

import pytest

from tf_imgtrans.core.names import closest, unknown_name


@pytest.mark.parametrize("name, expected", [("psrn", "psnr"), ("sim", "ssim"), ("zzz", None), (7, None), ("", None)])
def test_closest(name, expected):
  assert closest(name, ["psnr", "ssim", "niqe"]) == expected


def test_unknown_name_says_seen_legal_and_closest():
  error = unknown_name("metric", "psrn", iter(["ssim", "psnr"]))
  assert isinstance(error, ValueError)
  assert str(error) == "unknown metric 'psrn': expected one of psnr, ssim; did you mean 'psnr'?"


def test_unknown_name_suggests_nothing_far():
  assert str(unknown_name("metric", "zzz", ["psnr"])) == "unknown metric 'zzz': expected one of psnr"
