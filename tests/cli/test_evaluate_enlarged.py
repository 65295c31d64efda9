"""`tf-imgtrans evaluate` of models that enlarge, on photographs."""

import json

import cv2
import numpy as np
import pytest
import recipes
from recipes import call

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.degradations import area, enlarge, low_resolution
from tf_imgtrans.metrics import psnr
from tf_imgtrans.recipes import create_generator


def test_a_model_that_enlarges_gets_photographs_shrunk(tmp_path):
  """Middle squares of the asked size, shrunk by the model's scale; measured against them by hand."""
  images = recipes.smooth_images(3, 40, 33, 3)
  for index, image in enumerate(images):
    write_image(tmp_path / "photographs" / f"{index}.png", image)
  create_generator("bicubic").save(tmp_path / "bicubic.keras")
  flags = ["evaluate", "--model", tmp_path / "bicubic.keras", "--data", tmp_path / "photographs", "--task", "esrgan",
           "--metrics", "psnr", "--json", tmp_path / "scores.json"]
  for extra, shrink, expected in ((["image_size=32", "patch_size=32"], low_resolution, (4, "bicubic", 32)),
                                  (["low_resolution=area"], area, (4, "area", 0))):
    assert call(*flags, "--settings", *extra) == 0
    report = json.loads((tmp_path / "scores.json").read_text())
    assert tuple(report["task"][name] for name in ("scale", "low_resolution", "image_size")) == expected
    targets = []
    for index in range(3):
      image = read_image(tmp_path / "photographs" / f"{index}.png")
      if "image_size=32" in extra:
        square = np.uint8(np.round(image[3:36] * 255))
        image = cv2.resize(square, (32, 32), interpolation=cv2.INTER_AREA) / np.float32(255)
      targets.append(image[:image.shape[0] // 4 * 4, :image.shape[1] // 4 * 4])
    outputs = [enlarge(shrink(target, 4), 4).numpy() for target in targets]
    values = [psnr(target[None], output[None])[0] for target, output in zip(targets, outputs)]
    assert report["metrics"]["psnr"]["output"]["values"] == pytest.approx(values, abs=1e-3)
