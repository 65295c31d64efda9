"""The recipe of the shipped network that takes rain out of photographs: its data, from photographs and from pairs."""

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.folders import Folder
from tf_imgtrans.data.pairs import Pair
from tf_imgtrans.data.translation import WINDOWED
from tf_imgtrans.practice.averaged import distortion
from tf_imgtrans.practice.rain_removal.recipe import RECIPE


def first(task, folder, count=6):
  return [batch for _, batch in zip(range(count), task.training_data(folder).batches(0, Part()).as_numpy_iterator())]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
  """Paths of photographs, and of the same darkened, which brighten to the right."""
  root = tmp_path_factory.mktemp("photographs")
  ramp = np.broadcast_to(np.linspace(0.2, 0.6, 240, dtype=np.float32)[None, :, None], (200, 240, 3))
  for number in range(3):
    write_image(root / "target" / f"{number}.png", ramp)
    write_image(root / "source" / f"{number}.png", 0.5 * ramp)
  return root


def test_parts_of_photographs_get_rain(images):
  paths = sorted((images / "target").iterdir())
  task = RECIPE.make_task(RECIPE.preset("tiny", batch_size=4))
  spans = []
  for sources, targets in first(task, Folder("photographs", paths[:2], paths[2:])):
    assert sources.shape == targets.shape == (4, 32, 32, 3)
    assert (sources >= targets - 1e-3).all() and sources.mean() > targets.mean()  # rain is brighter
    spans += list(np.ptp(targets, axis=(1, 2, 3)))
  assert min(spans) < 0.12 < 0.2 < max(spans)
  (name, source, target), = task.training_data(Folder("photographs", paths[:2], paths[2:])).validation()
  assert name == "2" and source.shape == target.shape == (WINDOWED, WINDOWED, 3) and (source > target + 0.05).any()


def test_pairs_of_the_user_are_cut_alike(images):
  pairs = [Pair(images / "source" / f"{number}.png", images / "target" / f"{number}.png") for number in range(3)]
  task = RECIPE.make_task(RECIPE.preset("tiny"))
  for sources, targets in first(task, Folder("pairs", pairs[:2], pairs[2:]), 2):
    np.testing.assert_allclose(sources, 0.5 * targets, atol=2 / 255)


def test_the_distortion():
  target = recipes.smooth_images(2, 32, 32, 3)
  fake = np.float32(0.9 * target + 0.02)
  total, terms = distortion(RECIPE.preset("tiny"), target, fake)
  np.testing.assert_allclose(terms["l1"], np.abs(fake - target).mean(), rtol=1e-5)
  assert 0 < terms["ssim"] < 0.2
  np.testing.assert_allclose(total, terms["l1"] + 0.2 * terms["ssim"], rtol=1e-5)
