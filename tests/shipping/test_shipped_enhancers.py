"""The shipped enhancers improve real photographs and harm no good ones, in every precision that is shipped.

On pairs of DPED and on licensed photographs that were held out from training; both lie below TF_IMGTRANS_DATA.
"""

import pytest

from tf_imgtrans.core.images import read_image
from tf_imgtrans.core.saved_models import list_models
from tf_imgtrans.data.folders import iterate_images, read_folder
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.practice.phone_enhancement.acceptance import harm, middle, quality
from tf_imgtrans.practice.phone_enhancement.tone_curve import fit_tone_curve
from tf_imgtrans.shipping.photographs import licensed_photographs
from tf_imgtrans.shipping.plans import get_plan

pytestmark = pytest.mark.slow
ENHANCERS = [model for model in list_models() if model.task == "photo_enhancement"]
FILES = [model.path / f"{model.name}{ending}" for model in ENHANCERS
         for ending in (".keras", *(f"{ending}.tflite" for ending in get_plan(model.name).precisions))]


@pytest.fixture(scope="module")
def pairs(data_folder):
  """40 pairs of an iPhone 3GS and a DSLR, (source, target)."""
  parts = read_folder(data_folder / "dped", 0.0)
  return [(source, target) for _, source, target in iterate_images(parts.kind, (parts.training + parts.validation)[::7])]


@pytest.fixture(scope="module")
def good(data_folder):
  """Ten held-out photographs as they are: their middle."""
  return [middle(read_image(path)) for path in licensed_photographs(data_folder / "free").held_out[:10]]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_shipped_enhancer_is_worth_shipping(file, pairs, good):
  model = load_model(file)
  found, done = quality({"model": model}, pairs, {"tone curve": fit_tone_curve}), harm(model, good)
  for name, row in found.items():
    print(f"{file.name}: {name:10} {row.psnr_db:.2f} dB, SSIM {row.ssim:.3f}, MS-SSIM {row.ms_ssim:.3f}, better on "
          f"{row.better:.0%} of {row.pairs}")
  print(f"{file.name}: {done}")
  assert found["model"].psnr_db >= max(20.3, found["input"].psnr_db)
  assert found["model"].ssim >= 0.72 and found["model"].ms_ssim > found["input"].ms_ssim
  assert found["model"].better >= 0.8
  assert not done.faults()


def test_there_are_enhancers():
  assert {"mux_demux", "mux_demux_hp"} <= {model.name for model in ENHANCERS}
