"""The README's first command, run as a user runs it."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from tf_imgtrans.core.images import read_image
from tf_imgtrans.data.embedded import HELD_OUT
from tf_imgtrans.inference.models import load_model

pytestmark = [pytest.mark.slow, pytest.mark.export]


def quickstart(out, *arguments):
  # No weights by the environment: the embedded default needs none.
  environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_IMGTRANS")}
  return subprocess.run([sys.executable, "-m", "tf_imgtrans", "quickstart", "--out", str(out), *arguments], text=True,
                        capture_output=True, timeout=800, env=environment)


def test_quickstart(tmp_path):
  out = tmp_path / "first"
  done = quickstart(out)
  assert done.returncode == 0, done.stderr
  assert {path.name for path in out.iterdir()} == {"report.json", "panel.png", "model.keras", "saved_model", "model.tflite",
                                                   "run"}
  for name in ("panel.png", "report.json", "saved_model", "model.tflite", f"predict --model {out}/model.keras"):
    assert name in done.stdout
  report = json.loads((out / "report.json").read_text())
  assert HELD_OUT.split(".")[0] in report["photograph"]
  assert report["psnr_gain_db"] >= 3 and report["output"]["ssim"] > report["input"]["ssim"]
  assert report["output"]["psnr"] - report["input"]["psnr"] == pytest.approx(report["psnr_gain_db"])
  for path in ("saved_model", "model.tflite"):
    assert report["exports"][path]["within_tolerance"] and report["exports"][path]["max_difference"] <= 1e-3
  assert report["exports"]["model.tflite"]["bytes"] == (out / "model.tflite").stat().st_size < 2e6
  panel = read_image(out / "panel.png")
  assert panel.shape[1] > 3 * 512
  image = panel[None, 200:264, 100:172]
  keras_output = keras.saving.load_model(out / "model.keras")(image).numpy()
  for exported in (out / "saved_model", out / "model.tflite"):
    np.testing.assert_allclose(load_model(exported)(image), keras_output, atol=1e-3)

  again = quickstart(out)  # finished already: nothing is trained anew
  assert again.returncode == 0, again.stderr
  assert json.loads((out / "report.json").read_text())["output"] == report["output"]
  other = quickstart(out, "--steps", "7")
  assert other.returncode == 2 and "choose another --out" in other.stderr
