"""Training batches of the Mux/Demux paper from each layout of a data folder."""

import dataclasses

import numpy as np
import pytest
import recipes
from data_checks import check_batches, take

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.enhancement import VALIDATION_SIDE
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.papers.mux_demux import TINY, training_data

CONFIG = dataclasses.replace(TINY, patch_size=16, batch_size=4)


def _image(number, side, height=24, width=30):
  """Pixel (row, column) of image `number`: row, column, and number with the side (0 source, 1 target)."""
  rows, columns = np.mgrid[:height, :width]
  return np.stack([8 * rows, 8 * columns, np.full_like(rows, 10 * number + side)], axis=-1).astype(np.uint8)


def _fill(folder, numbers, side, **options):
  for number in numbers:
    write_image(folder / f"{number}.png", _image(number, side, **options))


def _dped(root):
  for side, name in enumerate(("iphone", "canon")):
    _fill(root / "iphone" / "training_data" / name, range(5), side)
    _fill(root / "iphone" / "test_data" / "patches" / name, range(10, 12), side)
  return read_folder(root)


def _pairs(root):
  for side, name in enumerate(("phone", "target")):
    _fill(root / name, range(20), side)
  return read_folder(root, validation_share=0.2)


@pytest.mark.parametrize("layout", [_dped, _pairs])
def test_patches_of_pairs_are_aligned(tmp_path, layout):
  folder = layout(tmp_path)
  data = training_data(CONFIG, folder)
  assert data.summary == folder.summary()
  stems = {int(pair.stem) for pair in folder.training}
  seen = set()
  for source, target in take(data, 12):
    assert source.shape == target.shape == (4, 16, 16, 3) and source.dtype == target.dtype == np.float32
    for one, other in zip(source, target):
      row, column, mark = np.rint(one[0, 0] * 255).astype(int)
      number, side = divmod(mark, 10)
      assert side == 0 and number in stems
      window = np.s_[row // 8:row // 8 + 16, column // 8:column // 8 + 16]
      recipes.assert_same(one, _image(number, 0)[window].astype(np.float32) / np.float32(255))
      recipes.assert_same(other, _image(number, 1)[window].astype(np.float32) / np.float32(255))
      seen.add(number)
  assert seen == stems


def test_patches_of_photographs_are_degraded(tmp_path, real_photograph):
  for number in range(4):
    write_image(tmp_path / f"{number}.png", real_photograph[50 * number:50 * number + 80, :100])
  data = training_data(CONFIG, read_folder(tmp_path))
  originals = [read_image(tmp_path / f"{number}.png") for number in range(4)]
  for source, target in take(data, 3):
    assert source.shape == target.shape == (4, 16, 16, 3)
    for one, other in zip(source, target):
      assert any((np.lib.stride_tricks.sliding_window_view(photo, (16, 16, 3))[:, :, 0] == other).all((2, 3, 4)).any()
                 for photo in originals)
      assert 0.02 < np.abs(one - other).mean() < 0.5


@pytest.mark.parametrize("layout", [_pairs, "photographs"])
def test_resumed_and_shared_batches(tmp_path, layout, real_photograph):
  if layout == "photographs":
    for number in range(3):
      write_image(tmp_path / f"{number}.png", real_photograph[:60, 60 * number:60 * number + 60])
    folder = read_folder(tmp_path)
  else:
    folder = layout(tmp_path)
  check_batches(lambda seed: training_data(dataclasses.replace(CONFIG, seed=seed), folder))


def test_flips(tmp_path):
  data = training_data(dataclasses.replace(CONFIG, flip=True), _pairs(tmp_path))
  directions = []
  for source, target in take(data, 8):
    for one, other in zip(source, target):
      step, same = one[0, 1, 1] - one[0, 0, 1], other[0, 1, 1] - other[0, 0, 1]
      assert abs(step) == pytest.approx(8 / 255, abs=1e-6) and step == same
      directions.append(step > 0)
  assert 4 < sum(directions) < 28


def test_held_out_images(tmp_path, real_photograph):
  pairs = _dped(tmp_path / "dped")
  items = training_data(CONFIG, pairs).validation(10)
  assert [name for name, _, _ in items] == ["10", "11"]
  recipes.assert_same(items[1][1], read_image(pairs.validation[1].source))
  recipes.assert_same(items[1][2], read_image(pairs.validation[1].target))
  assert len(training_data(CONFIG, pairs).validation(1)) == 1
  for number in range(3):
    write_image(tmp_path / "photos" / f"{number}.png", real_photograph[:60, 60 * number:60 * number + 60])
  photographs = training_data(CONFIG, read_folder(tmp_path / "photos"))
  (name, source, target), = photographs.validation(1)
  again = training_data(dataclasses.replace(CONFIG, seed=5), read_folder(tmp_path / "photos")).validation(1)[0]
  recipes.assert_same(again[1], source)  # whatever the run's seed
  recipes.assert_same(target, read_image(tmp_path / "photos" / f"{name}.png"))
  assert np.abs(source - target).mean() > 0.02


def test_of_large_held_out_images_the_middle_is_measured(tmp_path):
  large = recipes.random_images(520, 600, 3)
  for name in ("a", "b"):
    write_image(tmp_path / f"{name}.png", large)
  folder = read_folder(tmp_path)
  (_, source, target), = training_data(CONFIG, folder).validation(5)
  assert source.shape == target.shape == (VALIDATION_SIDE, VALIDATION_SIDE, 3)
  recipes.assert_same(target, read_image(tmp_path / "a.png")[4:516, 44:556])


def test_a_bad_pair_stops_the_run_before_it_starts(tmp_path):
  for side, name in enumerate(("phone", "target")):
    _fill(tmp_path / name, range(8), side)
    _fill(tmp_path / name, [3], side, height=15)
  folder = read_folder(tmp_path, validation_share=0.0)
  with pytest.raises(ValueError, match="1 of 8 pairs cannot be trained on:\n.*3.png.*30x15 is smaller than 16x16"):
    training_data(CONFIG, folder)
