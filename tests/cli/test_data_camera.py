"""`tf-imgtrans data camera`: what it prints and writes, and wrong calls."""

import functools
import re

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.files import read_json
from tf_imgtrans.core.images import write_image

call = functools.partial(recipes.call, "data", "camera")


def test_quartiles_and_flags(tmp_path, capsys):
  for number, image in enumerate(recipes.smooth_images(4, 80, 80, 3)):
    target = 0.2 + 0.6 * image
    write_image(tmp_path / "pairs" / "camera" / f"{number}.png", target)
    write_image(tmp_path / "pairs" / "phone" / f"{number}.png", target * 2 ** (-0.9 / 2.2))
  out = tmp_path / "camera.json"
  assert call("--data", tmp_path / "pairs", "--source", "phone", "--target", "camera", "--json", out) == 0
  printed = capsys.readouterr().out
  assert "4 pairs of" in re.sub(r"\s+", " ", printed) and "--config.degradation.exposure -0.9" in printed
  values = read_json(out)
  assert set(values) == {"exposure", "red_gain", "blue_gain", "contrast", "saturation", "sharpness"}
  np.testing.assert_allclose(values["exposure"], -0.9, atol=0.03)


@pytest.mark.parametrize("images, message", [
    (["0.png"], "holds photographs without pairs"), (["source/0.png", "target/0.png"], "no pair tells anything")])
def test_wrong_calls(images, message, tmp_path, capsys):
  for name in images:
    write_image(tmp_path / name, np.full((40, 40, 3), 0.5, np.float32))
  assert call("--data", tmp_path) == 2
  assert message in capsys.readouterr().err
