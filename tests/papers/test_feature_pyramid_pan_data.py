"""The images that the paper's tasks are trained and measured on, by their number alone."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
from data_checks import check_batches, take, write_images
from PIL import Image

from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.data.degradations import enlarge, low_resolution
from tf_imgtrans.data.labels import LABEL_SETS, colorize, read_labels, resize_labels
from tf_imgtrans.data.translation import (
  HOLE_COLOR,
  DataFolder,
  fill_hole,
  find,
  held_out,
  held_out_labels,
  read,
  training_data,
)
from tf_imgtrans.papers.feature_pyramid_pan.config import TINY
from tf_imgtrans.training.options import PairedOptions, TrainingOptions

SIZE, LOAD = TINY.image_size, TINY.load_size
PHOTOGRAPH_TASKS = ("super_resolution", "inpainting", "deraining", "desnowing")


def _labels(folder, names, seed=0):
  folder.mkdir(parents=True, exist_ok=True)
  rng = np.random.default_rng(seed)
  for name in names:
    blocks = rng.integers(0, 12, (6, 9)).astype(np.uint8)
    Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(folder / f"{name}.png")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
  root = tmp_path_factory.mktemp("photographs")
  write_images(root / "train", "abcdef", 48, 72)
  write_images(root / "test", "uvwxy", 48, 72, seed=1)
  return DataFolder(root)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
  root = tmp_path_factory.mktemp("streets")
  for part, names in (("train", "abcd"), ("val", "xyz")):
    write_images(root / part, names, 48, 72, seed=len(names))
    _labels(root / f"{part}annot", names, seed=len(names))
  return DataFolder(root)


def _config(task, **changes):
  return dataclasses.replace(TINY, task=task, **changes)


CAMVID = _config("labels_to_photo", label_set="camvid")


def _square(path, side=LOAD):
  return np.float32(cv2.resize(read_uint8(path), (side, side), interpolation=cv2.INTER_AREA)) / 255


def _window(image, known):
  """(number of the known image, top, left, mirrored) that a training image is cut from."""
  for number, whole in enumerate(known):
    for top in range(LOAD - SIZE + 1):
      for left in range(LOAD - SIZE + 1):
        cut = whole[top:top + SIZE, left:left + SIZE]
        for mirrored in (False, True):
          if np.abs(image - (cut[:, ::-1] if mirrored else cut)).max() < 1e-6:
            return number, top, left, mirrored
  raise AssertionError("cut from no known image")


def _check_range(*images):
  for image in images:
    assert image.shape[-3:] == (SIZE, SIZE, 3) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1


def _check_source(config, source, target):
  """That the source is the target's, as the task degrades it."""
  if config.task == "super_resolution":
    np.testing.assert_allclose(source, enlarge(low_resolution(target, config.scale), config.scale), atol=1e-6)
    assert 1e-3 < np.abs(source - target).max() < 0.7
  elif config.task == "inpainting":
    expected = target.copy()
    expected[8:24, 8:24] = np.float32(HOLE_COLOR) / 255
    np.testing.assert_array_equal(source, expected)
  else:
    assert (source >= target - 0.08).all() and 0.1 < (source - target).max()  # nearly white light is laid over it
    assert np.mean(np.abs(source - target) > 0.02) < 0.5


@pytest.mark.parametrize("task", PHOTOGRAPH_TASKS)
def test_photographs_are_degraded(task, photographs):
  heavy = {"rain_streaks": (0.02, 0.03), "snow_flakes": (0.02, 0.03)}
  config = _config(task, batch_size=6, **heavy)
  known = [_square(path) for path in find(config, photographs).training]
  windows = []
  for source, target in take(training_data(config, photographs), 3):
    _check_range(source, target)
    for pair in zip(source, target):
      _check_source(config, *pair)
    windows.append([_window(image, known) for image in target])
  assert all(sorted(number for number, *_ in batch) == list(range(6)) for batch in windows)  # every image, each epoch
  drawn = [each for batch in windows for each in batch]
  assert len({top for _, top, _, _ in drawn}) == len({left for _, _, left, _ in drawn}) == LOAD - SIZE + 1
  assert 3 < sum(mirrored for *_, mirrored in drawn) < 15
  unturned = take(training_data(dataclasses.replace(config, flip=False), photographs), 1)[0][1]
  assert not any(_window(image, known)[3] for image in unturned)


@pytest.mark.parametrize("config", [CAMVID, _config("deraining")], ids=lambda config: config.task)
def test_batches_follow_from_their_number(config, photographs, streets):
  folder = streets if config is CAMVID else photographs
  config = dataclasses.replace(config, batch_size=4)
  check_batches(lambda seed: training_data(dataclasses.replace(config, seed=seed), folder))


def test_label_maps_and_photographs_are_cut_alike(streets):
  config = dataclasses.replace(CAMVID, batch_size=4)
  pairs = find(config, streets).training
  photos = [_square(pair.target) for pair in pairs]
  classes = [resize_labels(read_labels(pair.source, "camvid"), LOAD, LOAD) for pair in pairs]
  maps = [np.float32(colorize(each, "camvid")) / 255 for each in classes]
  legal = np.array([*LABEL_SETS["camvid"].colors, (0, 0, 0)], np.float32) / 255
  for source, target in take(training_data(config, streets), 4):
    _check_range(source, target)
    for colours, image in zip(source, target):
      number, top, left, mirrored = _window(image, photos)
      expected = maps[number][top:top + SIZE, left:left + SIZE]
      np.testing.assert_allclose(colours, expected[:, ::-1] if mirrored else expected, atol=1e-6)
      assert np.abs(colours[..., None, :] - legal).max(-1).min(-1).max() < 1e-6  # no mixed colour


def test_held_out_label_maps(streets):
  found, classes = list(held_out(CAMVID, streets)), held_out_labels(CAMVID, streets)
  assert [name for name, *_ in found] == ["x", "y", "z"] and len(classes) == 3
  for (_, source, target), ids, pair in zip(found, classes, find(CAMVID, streets).validation):
    _check_range(source, target)
    assert ids.shape == (SIZE, SIZE) and ids.dtype == np.uint8 and 255 in ids
    np.testing.assert_allclose(source, np.float32(colorize(ids, "camvid")) / 255, atol=1e-6)
    np.testing.assert_array_equal(target, _square(pair.target, SIZE))
  assert len(held_out_labels(CAMVID, streets, 2)) == 2
  with pytest.raises(ValueError, match="task is inpainting and label_set camvid: expected labels_to_photo"):
    held_out_labels(dataclasses.replace(CAMVID, task="inpainting"), streets)


def test_held_out_images_have_a_size_of_their_own(streets, photographs):
  large = dataclasses.replace(CAMVID, validation_size=SIZE + 8)
  for (_, source, target), pair in zip(held_out(large, streets), find(CAMVID, streets).validation, strict=True):
    assert source.shape == target.shape == (SIZE + 8, SIZE + 8, 3)
    np.testing.assert_array_equal(target, _square(pair.target, SIZE + 8))
  assert {ids.shape for ids in held_out_labels(large, streets)} == {(SIZE + 8, SIZE + 8)}
  enlarged = list(held_out(_config("super_resolution", validation_size=SIZE + 8), photographs))
  assert {target.shape for *_, target in enlarged} == {(SIZE + 8, SIZE + 8, 3)}


@pytest.mark.parametrize("task", PHOTOGRAPH_TASKS)
def test_held_out_photographs_are_always_degraded_alike(task, photographs):
  config = _config(task, rain_streaks=(0.02, 0.03), snow_flakes=(0.02, 0.03))
  found = list(held_out(config, photographs))
  assert [name for name, *_ in found] == list("uvwxy")
  for (_, source, target), path in zip(found, find(config, photographs).validation):
    np.testing.assert_array_equal(target, _square(path, SIZE))
    _check_range(source, target)
    _check_source(config, source, target)
  changed = dataclasses.replace(config, seed=9, batch_size=5, flip=False, load_size=40)  # what belongs to the training
  data = training_data(changed, photographs)
  for most, count in ((2, 2), (100, 5), (None, 5)):
    again = data.validation(most)
    assert len(again) == count
    for before, after in zip(found, again):
      assert before[0] == after[0]
      for one, other in zip(before[1:], after[1:]):
        recipes.assert_same(one, other)


# Pairs of images

@pytest.mark.parametrize("task", ["labels_to_photo", "deraining", "desnowing"])
def test_paired_folders(task, tmp_path):
  write_images(tmp_path / "input", "abcdefgh", 48, 72, seed=0)
  write_images(tmp_path / "target", "abcdefgh", 48, 72, seed=1)
  config = _config(task, label_set="none", batch_size=4)
  found = find(config, DataFolder(tmp_path, 0.3))
  assert found.kind == "pairs" and found.training and found.validation
  assert {(pair.source.parent.name, pair.target.parent.name) for pair in found.training} == {("input", "target")}
  sources, targets = ([_square(getattr(pair, side)) for pair in found.training] for side in ("source", "target"))
  for source, target in zip(*take(training_data(config, found), 1)[0]):
    assert _window(source, sources) == _window(target, targets)
  name, source, target = next(held_out(config, found))
  np.testing.assert_array_equal(source, _square(tmp_path / "input" / f"{name}.png", SIZE))
  np.testing.assert_array_equal(target, _square(tmp_path / "target" / f"{name}.png", SIZE))


def test_paired_folders_in_two_parts(tmp_path):
  for part, names in (("train", "abc"), ("test", "xy")):
    write_images(tmp_path / part / "rain", names, 48, 72)
    write_images(tmp_path / part / "norain", names, 48, 72)
  with pytest.raises(ValueError, match="two folders, norain and rain: say which is which with --source and --target"):
    find(_config("deraining"), DataFolder(tmp_path))
  found = find(_config("deraining"), DataFolder(tmp_path, source="rain", target="norain"))
  assert [[pair.stem for pair in part] for part in (found.training, found.validation)] == [["a", "b", "c"], ["x", "y"]]
  assert {pair.source.parent.name for pair in found.training + found.validation} == {"rain"}
  with pytest.raises(FileNotFoundError, match="no folder .*raining.*did you mean"):
    find(_config("deraining"), DataFolder(tmp_path, source="raining", target="norain"))
  write_images(tmp_path / "mixed" / "train" / "input", "ab", 48, 72)
  write_images(tmp_path / "mixed" / "train" / "target", "ab", 48, 72)
  write_images(tmp_path / "mixed" / "test", "xy", 48, 72)
  with pytest.raises(ValueError, match="(?s)train and .*test are of two layouts: expected one of"):
    find(_config("deraining"), DataFolder(tmp_path / "mixed"))


def test_images_side_by_side(tmp_path):
  for part, names in (("train", "abcd"), ("val", "xy")):
    write_images(tmp_path / part, names, 36, 72)
  config = _config("labels_to_photo", label_set="none", batch_size=4)
  found = find(config, DataFolder(tmp_path))
  assert (found.kind, len(found.training), len(found.validation)) == ("side_by_side", 4, 2)
  for (name, source, target), path in zip(held_out(config, found), found.validation):
    both = read_uint8(path)
    assert name == path.stem
    for image, half in ((source, both[:, 36:]), (target, both[:, :36])):  # labels right, the photograph left
      np.testing.assert_array_equal(image, np.float32(cv2.resize(half, (SIZE, SIZE), interpolation=cv2.INTER_AREA)) / 255)
  halves = [[np.float32(read_uint8(path)[:, at:at + 36]) / 255 for path in found.training] for at in (36, 0)]
  for source, target in zip(*take(training_data(config, found), 1)[0]):  # 36x36, load_size: not resized
    assert _window(source, halves[0]) == _window(target, halves[1])
  write_images(tmp_path / "train", "e", 48, 72)
  with pytest.raises(ValueError, match="(?s)1 of 5 images are not twice as wide .*e.png: 72x48.*--config.label_set"):
    training_data(config, DataFolder(tmp_path))


# What stops a run, and what it says of its data

def test_reading_options(tmp_path):
  write_images(tmp_path / "data", "ab", 48, 72)
  options = PairedOptions(tmp_path / "run", data=tmp_path / "data", validation_share=0.4, source="in", target="out")
  assert read(options) == DataFolder(tmp_path / "data", 0.4, "in", "out")
  assert read(TrainingOptions(tmp_path / "run", data=tmp_path / "data")) == DataFolder(tmp_path / "data", 0.1)
  with pytest.raises(ValueError, match="out is .*, in the data folder.*choose another --out"):
    read(TrainingOptions(tmp_path / "data" / "run", data=tmp_path / "data"))


def test_summary(photographs, streets):
  for config, folder, kind, counts in ((_config("inpainting"), photographs, "photographs", (6, 5)),
                                       (CAMVID, streets, "labels", (4, 3))):
    found = training_data(config, folder).summary
    assert found == find(config, folder).summary()
    assert (found["kind"], found["training"], found["validation"]) == (kind, *counts)


def test_other_folders(photographs, tmp_path):
  with pytest.raises(FileNotFoundError, match="(?s)holds no labelled photographs of camvid: expected.*DIR/trainannot"):
    find(CAMVID, photographs)
  with pytest.raises(FileNotFoundError, match="(?s)holds nothing to train on: expected one of.*paired folders"):
    find(_config("desnowing"), DataFolder(tmp_path))
  with pytest.raises(FileNotFoundError, match="no data folder"):
    find(_config("inpainting"), DataFolder(tmp_path / "nowhere"))


@pytest.mark.parametrize("part", ["training", "validation"])
def test_bad_images_stop_the_run(part, photographs, streets, tmp_path):
  bad = tmp_path / "bad.png"
  bad.write_bytes(b"no image")
  found = find(_config("inpainting"), photographs)
  with pytest.raises(ValueError, match="(?s)1 of [67] photographs cannot be trained on.*bad.png"):
    training_data(_config("inpainting"), dataclasses.replace(found, **{part: [*getattr(found, part), bad]}))
  found = find(CAMVID, streets)
  pair = dataclasses.replace(getattr(found, part)[0], source=getattr(found, part)[0].target)
  with pytest.raises(ValueError, match="(?s)1 of [45] labelled photographs cannot be trained on.*mode RGB"):
    training_data(CAMVID, dataclasses.replace(found, **{part: [*getattr(found, part), pair]}))


@pytest.mark.parametrize("size, share, first, side", [(32, 0.5, 8, 16), (33, 0.5, 8, 16), (8, 0.25, 3, 2), (8, 0.0, 0, 0)])
def test_hole(size, share, first, side):
  image = recipes.random_images(size, size, 3)
  expected = image.copy()
  expected[first:first + side, first:first + side] = np.float32(HOLE_COLOR) / 255
  recipes.assert_same(fill_hole(image, share), expected)


# Real data

def test_real_street_scenes(data_folder):
  root = data_folder / "labels2photo"
  for name, folder in (("camvid", "camvid"), ("cityscapes", "cityscapes_full")):
    config = _config("labels_to_photo", label_set=name)
    found = find(config, DataFolder(root / folder, 0.3))
    few = dataclasses.replace(found, training=found.training[:2], validation=found.validation[:2])
    data = training_data(config, few)
    source, target = take(data, 1)[0]
    _check_range(source, target)
    assert 0.05 < target.std() and 3 < len(np.unique(source.reshape(-1, 3), axis=0)) <= len(LABEL_SETS[name]) + 1
    road = np.concatenate([ids == LABEL_SETS[name].names.index("road") for ids in held_out_labels(config, few)])
    assert 0.1 < road.mean() < 0.6


def test_real_rain(data_folder):
  config = _config("deraining", image_size=256, load_size=256)
  found = find(config, DataFolder(data_folder / "weather" / "rain100l", 0.5))
  images = list(held_out(config, dataclasses.replace(found, validation=found.training + found.validation)))
  assert found.kind == "pairs" and len(images) > 1
  for _, source, target in images:  # streaks are edges to either side
    assert np.abs(np.diff(source, axis=1)).mean() > 1.1 * np.abs(np.diff(target, axis=1)).mean()
