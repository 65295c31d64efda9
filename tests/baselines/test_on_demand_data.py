"""The images that on-demand learning trains on: clean, by their number alone; and the held-out ones."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
import tensorflow as tf
from data_checks import check_batches, take, write_images

from tf_imgtrans.baselines.on_demand.config import TINY
from tf_imgtrans.baselines.on_demand.data import read, training_data
from tf_imgtrans.baselines.on_demand.levels import bands
from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.training.options import TrainingOptions

SIZE = TINY.image_size


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("photographs")
  write_images(root / "train", 6, 40, 30)
  write_images(root / "test", 7, 40, 30, seed=1)
  return read(TrainingOptions(root / "run", data=root))


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
  return str(write_images(tmp_path_factory.mktemp("patches"), 3, 40, 30, seed=2))


def _resized(path, side):
  return cv2.resize(read_uint8(path), (side, side), interpolation=cv2.INTER_AREA)


def test_batches_are_clean_images(folder):
  config = dataclasses.replace(TINY, batch_size=6)
  data = training_data(config, folder)
  assert data.summary["training"] == 6 and data.summary["validation"] == 7 and "patches_digest" not in data.summary
  (targets,), = take(data, 1)
  assert targets.shape == (6, SIZE, SIZE, 3) and targets.dtype == np.float32
  whole = [_resized(path, 24) for path in folder.training]  # 1.5 times as large, as 96 is of 64
  found, places = set(), set()
  for target in np.uint8(np.round(255 * targets)):
    for number, image in enumerate(whole):
      for mirrored in (False, True):
        windows = np.lib.stride_tricks.sliding_window_view(image, (SIZE, SIZE), (0, 1)).transpose(0, 1, 3, 4, 2)
        same = (windows == (target[:, ::-1] if mirrored else target)).all((2, 3, 4))
        if same.any():
          found.add(number)
          places.add((mirrored, *map(int, np.argwhere(same)[0])))
  assert found == set(range(6))  # an epoch shows every image once
  assert len(places) >= 5 and {place[0] for place in places} == {False, True}


def test_whole_images_where_nothing_is_cropped(folder):
  config = dataclasses.replace(TINY, batch_size=6, load_scale=1.0, flip=False)
  (targets,), = take(training_data(config, folder), 1)
  whole = np.float32([_resized(path, SIZE) for path in folder.training]) / 255
  for target in targets:
    assert np.abs(whole - target).max((1, 2, 3)).min() < 1e-6


@pytest.mark.parametrize("kind", ["random_points", "color_blocks"])
def test_batches_follow_from_their_number(kind, folder, patches):
  config = dataclasses.replace(TINY, corruption=kind, patches=patches, batch_size=4)
  check_batches(lambda seed: training_data(dataclasses.replace(config, seed=seed), folder), 3, 5)


def test_colour_blocks_come_with_other_images(folder, patches):
  config = dataclasses.replace(TINY, corruption="color_blocks", patches=patches, batch_size=6)
  data = training_data(config, folder)
  assert len(data.summary["patches_digest"]) == 64
  shown = np.concatenate([batch[1] for batch in take(data, 4)])
  assert shown.shape == (24, SIZE, SIZE, 3) and shown.dtype == np.float32
  others = np.float32([_resized(path, SIZE) for path in sorted(tf.io.gfile.glob(f"{patches}/*/*.png"))]) / 255
  nearest = np.abs(shown[:, None] - others).max((2, 3, 4))
  assert (nearest.min(1) < 1e-6).all() and set(nearest.argmin(1)) == {0, 1, 2}
  targets, held_out = data.clean()
  assert targets.shape == held_out.shape == (7, SIZE, SIZE, 3)
  np.testing.assert_allclose(held_out, others[[0, 1, 2, 0, 1, 2, 0]], atol=1e-6)


def test_colour_blocks_need_a_folder(folder):
  with pytest.raises(ValueError, match="--config.patches"):
    training_data(dataclasses.replace(TINY, corruption="color_blocks"), folder)


def test_held_out_images_are_the_middles(folder):
  data = training_data(TINY, folder)
  targets, = data.clean(3)
  assert targets.dtype == np.float32 and len(data.clean()[0]) == 7
  expected = np.float32([_resized(path, 24)[4:20, 4:20] for path in folder.validation[:3]]) / 255
  np.testing.assert_allclose(targets, expected, atol=1e-6)
  assert training_data(TINY, dataclasses.replace(folder, validation=[])).clean()[0].shape == (0, SIZE, SIZE, 3)


@pytest.mark.parametrize("kind", ["white_block", "color_blocks"])
def test_validation_shows_all_levels_in_turn(folder, patches, kind):
  config = dataclasses.replace(TINY, corruption=kind, patches=patches, image_size=32)
  data = training_data(config, folder)
  found = data.validation(None)
  assert [name for name, _, _ in found] == [path.stem for path in folder.validation]
  (targets, *_), sides = data.clean(), bands(config)
  for number, (_, source, target) in enumerate(found):
    assert source.dtype == target.dtype == np.float32 and source.shape == (32, 32, 3)
    recipes.assert_same(target, targets[number])
    lost = (source != target).any(-1)
    low, high = sides[number % 5]
    rows, columns = np.nonzero(lost)
    assert low <= max(np.ptp(rows), np.ptp(columns)) + 1 <= high
  # the first images are the same however many are asked for, and in every run
  for one, other in zip(training_data(dataclasses.replace(config, seed=9), folder).validation(3), found):
    recipes.assert_same(one[1], other[1])


def test_bad_images_stop_the_run(folder, tmp_path):
  (tmp_path / "bad.png").write_bytes(b"no image")
  with pytest.raises(ValueError, match="bad.png"):
    training_data(TINY, dataclasses.replace(folder, training=[*folder.training, tmp_path / "bad.png"]))
