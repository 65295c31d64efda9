"""`tf-imgtrans benchmark` and `benchmark-training`: the numbers belong together."""

import json

import numpy as np
import pytest

from tf_imgtrans.benchmark import count_macs
from tf_imgtrans.cli.benchmark import benchmark
from tf_imgtrans.cli.benchmark_training import benchmark_training
from tf_imgtrans.core.images import write_image
from tf_imgtrans.recipes import create_generator


@pytest.mark.export
def test_networks_in_every_runtime(tmp_path, capsys):
  small = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4)
  small.save(tmp_path / "small.keras")
  benchmark((str(tmp_path / "small.keras"), "srcnn"), height=48, width=64, precision=("float32", "dynamic_int8"), rounds=2,
            memory=False, json=tmp_path / "b.json")
  report = json.loads((tmp_path / "b.json").read_text())
  rows = {(row["network"].rsplit("/", 1)[-1], row["runtime"], row["precision"]): row for row in report["rows"]}
  runtimes = [("keras", "float32"), ("saved-model", "float32"), ("tflite", "float32"), ("tflite", "dynamic_int8")]
  assert list(rows) == [(name, *runtime) for name in ("small.keras", "srcnn") for runtime in runtimes]
  assert rows["small.keras", "keras", "float32"]["to_first"] == [1, 1, 1]
  for (name, runtime, _), row in rows.items():
    assert row["gmac"] == count_macs(create_generator("srcnn") if name == "srcnn" else small, 48, 64) / 1e9
    assert row["gflops"] == pytest.approx(2 * row["gmac"] / (row["ms"] / 1000))
    assert row["ms"] == pytest.approx(1000 * np.median(row["round_seconds"]))
    kind = "tflite" if runtime == "tflite" else "tensorflow"
    assert row["share"] == pytest.approx(row["gflops"] / report["convolution_gflops"][kind])
    first = rows["small.keras", runtime, "float32"]["round_seconds"]
    assert row["in_runtime"][0] == pytest.approx(np.median(np.divide(row["round_seconds"], first)))
  published = capsys.readouterr().out
  assert "64x48" in published and "srcnn tflite dynamic_int8" in published


@pytest.mark.export
def test_what_the_time_is_spent_on(tmp_path, capsys):
  benchmark(("srcnn",), height=48, width=64, runtime=("tflite",), rounds=2, memory=False, operations=True,
            json=tmp_path / "b.json")
  (row,) = json.loads((tmp_path / "b.json").read_text())["rows"]
  counts = {kind: values["count"] for kind, values in row["operations"].items()}
  assert {kind: counts[kind] for kind in ("CONV_2D 9x9", "CONV_2D 5x5")} == {"CONV_2D 9x9": 1, "CONV_2D 5x5": 2}
  times = [values["ms"] for values in row["operations"].values()]
  assert times == sorted(times, reverse=True) and min(times) > 0
  published = capsys.readouterr().out
  assert f"each operation alone: {sum(times):.1f} ms in all" in published


def test_what_cannot_be_measured_is_said(tmp_path):
  with pytest.raises(ValueError, match="no network is named"):
    benchmark(())
  with pytest.raises(FileNotFoundError, match="no model 'mux_demux_hq'"):
    benchmark(("mux_demux_hq",))


@pytest.mark.slow
@pytest.mark.parametrize("paper, xla", [("progressive_pan", False), ("x_gans", True)])
def test_training_steps(paper, xla, tmp_path, capsys):
  rng = np.random.default_rng(0)
  for number in range(12):
    write_image(tmp_path / "photographs" / f"{number}.png", rng.random((40, 40, 3), np.float32))
  benchmark_training(paper, tmp_path / "photographs", "tiny", steps=1, rounds=2, xla=xla,
                     json=tmp_path / "t.json")
  report = json.loads((tmp_path / "t.json").read_text())
  assert report["batch"] == 2 and list(report["steps_as"]) == (["graph", "xla"] if xla else ["graph"])
  for row in report["steps_as"].values():
    assert row["images_per_second"] == pytest.approx(2 / np.median(row["round_seconds"]))
    shares = 1 - np.divide(row["kept_seconds"], row["round_seconds"])
    assert min(shares) <= row["input_share"] <= max(shares)
  assert f"{paper}, 2 images a step" in capsys.readouterr().out


@pytest.mark.parametrize("paper, options, message", [
    ("mux_demux", {"preset": "large"}, "unknown preset 'large': expected one of paper, small, tiny"),
    ("progressive_pan", {"batch_size": 4}, "leave --batch_size out"),
])
def test_settings_that_a_paper_does_not_have(paper, options, message, tmp_path):
  with pytest.raises(ValueError, match=message):
    benchmark_training(paper, tmp_path, **options)
