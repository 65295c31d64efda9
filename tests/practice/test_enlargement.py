"""The recipe of the shipped network that enlarges photographs: its data and its network."""

import numpy as np
import pytest

from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.folders import Folder
from tf_imgtrans.practice.enlargement.recipe import RECIPE, Config


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_parts_and_what_becomes_of_them(scale, tmp_path):
  paths = [tmp_path / f"{number}.png" for number in range(3)]
  for path in paths:
    write_image(path, np.broadcast_to(np.linspace(0.2, 0.7, 80, dtype=np.float32)[None, :, None], (64, 80, 3)))
  config = RECIPE.preset("tiny", scale=scale)
  task = RECIPE.make_task(config)
  data = task.training_data(Folder("photographs", paths[:2], paths[2:]))
  source, target = next(data.batches(0, Part()).as_numpy_iterator())
  assert task.scale == scale and target.shape == (2, 32, 32, 3) and source.shape == (2, 32 // scale, 32 // scale, 3)
  np.testing.assert_allclose(source.mean(), target.mean(), atol=2e-3)
  generator = RECIPE.make_trainer(config).generator
  assert generator.scale == scale and generator(source).shape == target.shape
  assert generator(source[:, :, :-1]).shape == (2, 32, 32 - scale, 3)


@pytest.mark.parametrize("fields", [{"patch_size": 130}, {"image_size": 100, "patch_size": 128}])
def test_sizes_that_do_not_fit(fields):
  with pytest.raises(ValueError, match="--config"):
    Config(**fields)
