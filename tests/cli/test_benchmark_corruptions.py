"""`tf-imgtrans benchmark-corruptions`: every kind has its numbers."""

import json

import pytest

from tf_imgtrans.cli.benchmark_corruptions import benchmark_corruptions


def test_every_kind_is_measured(tmp_path, capsys):
  benchmark_corruptions(size=32, images=6, rounds=2, json=tmp_path / "speed.json")
  report = json.loads((tmp_path / "speed.json").read_text())
  assert list(report["kinds"]) == ["identity", "random_points", "edge_points sobel", "edge_points canny", "color_noise",
                                   "white_block", "color_blocks", "gaussian_noise", "gaussian_blur"]
  for values in report["kinds"].values():
    assert values["images_per_second"] > 0 and values["low"] <= values["ratio"] <= values["high"]
  published = capsys.readouterr().out
  assert "32x32 pixels" in published and all(name in published for name in report["kinds"])


def test_a_size_that_no_photograph_has():
  with pytest.raises(ValueError, match="size is 301: expected 32 to 300"):
    benchmark_corruptions(size=301)
