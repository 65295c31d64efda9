"""The recipe of the shipped X-GANs network: its data, its losses, and that a short training learns."""

import numpy as np
import pytest

from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.folders import Folder
from tf_imgtrans.data.reconstruction import WINDOWED
from tf_imgtrans.practice.point_reconstruction.recipe import RECIPE

TINY = RECIPE.preset("tiny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Three photographs to train on and one that is held out; brighter to the right, so that parts can be told apart."""
  root = tmp_path_factory.mktemp("photographs")
  paths = []
  for number in range(4):
    image = np.broadcast_to(np.linspace(0.2, 0.7, 400, dtype=np.float32)[None, :, None], (300, 400, 3))
    paths.append(root / f"{number}.png")
    write_image(paths[-1], image)
  return Folder("photographs", paths[:3], paths[3:])


def test_parts_of_photographs_are_trained_on(folder):
  """Of a ramp from 0.2 to 0.7 over 400 pixels, a part of 32 pixels spans 0.04, and one shrunk by 0.15 a half or so."""
  task = RECIPE.make_task(RECIPE.preset("tiny", batch_size=8))
  data = task.training_data(folder)
  batches = [batch for _, batch in zip(range(8), data.batches(0, Part()).as_numpy_iterator())]
  spans = []
  for sources, masks, targets in batches:
    assert sources.shape == targets.shape == (8, 32, 32, 3)
    np.testing.assert_allclose(sources, np.where(masks > 0, targets, 1), atol=1e-6)
    assert (np.mean(masks, axis=(1, 2, 3)) < 0.35).all()
    spans += list(np.ptp(targets, axis=(1, 2, 3)))
  assert min(spans) < 0.06 and max(spans) > 0.15  # at the scales 1 and 0.25
  assert np.std(np.log(spans)) > 0.3


def test_held_out_images_are_whole_squares(folder):
  task = RECIPE.make_task(TINY)
  (name, source, target), = task.training_data(folder).validation()
  assert name == "3" and source.shape == target.shape == (WINDOWED, WINDOWED, 3)
  assert task.settings["smallest_scale"] == TINY.smallest_scale
  kept = (source < 0.99).all(-1)
  np.testing.assert_array_equal(source[kept], target[kept])
