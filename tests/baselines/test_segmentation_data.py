"""Photographs and label maps that the segmenter trains on: sizes, detail, mirroring, by their number alone."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
import tensorflow as tf
from data_checks import check_batches, take
from PIL import Image

from tf_imgtrans.baselines.segmentation.config import TINY
from tf_imgtrans.baselines.segmentation.data import read, training_data
from tf_imgtrans.baselines.segmentation.score import enlarge
from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.data.labels import read_labels
from tf_imgtrans.training.options import TrainingOptions

HEIGHT, WIDTH = 48, 64
SMALL, SIDE = TINY.image_size, TINY.load_size


def _camvid(root, part, count, seed=0):
  """Smooth photographs, and label maps of blocks of classes; 11 is no class."""
  rng = np.random.default_rng(seed)
  photographs = np.uint8(255 * recipes.smooth_images(count, HEIGHT, WIDTH, 3, seed=seed))
  for number, photograph in enumerate(photographs):
    labels = np.kron(rng.integers(0, 12, (6, 8)), np.ones((8, 8), int)).astype(np.uint8)
    for folder, pixels in ((root / part, photograph), (root / f"{part}annot", labels)):
      folder.mkdir(parents=True, exist_ok=True)
      Image.fromarray(pixels).save(folder / f"{part}{number}.png")
  return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  return _camvid(tmp_path_factory.mktemp("camvid"), "train", 6)


def _data(root, share=0.3, **options):
  folder = read(TrainingOptions(root.parent / "run", data=root, validation_share=share))
  return training_data(dataclasses.replace(TINY, **options), folder)


def _expected(root, mirrored):
  """All photographs and label maps of `root` as they are trained on, read anew."""
  found = []
  for path in sorted((root / "train").iterdir()):
    photograph = cv2.resize(read_uint8(path), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    photograph = cv2.resize(np.float32(photograph) / 255, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    labels = read_labels(root / "trainannot" / path.name, "camvid")
    labels = labels[np.int32((np.arange(SIDE) + 0.5) * HEIGHT / SIDE)][:, np.int32((np.arange(SIDE) + 0.5) * WIDTH / SIDE)]
    found.append((photograph[:, ::-1], labels[:, ::-1]) if mirrored else (photograph, labels))
  return found


def test_batches_are_enlarged_photographs_with_their_label_maps(root):
  data = _data(root, share=0.0, batch_size=6)
  assert (data.summary["kind"], data.summary["training"], data.summary["validation"]) == ("labelled", 6, 0)
  seen = set()
  for photographs, labels in take(data, 4):
    assert photographs.shape == (6, SIDE, SIDE, 3) and photographs.dtype == np.float32
    assert labels.shape == (6, SIDE, SIDE) and labels.dtype == np.uint8
    numbers = []
    for photograph, classes in zip(photographs, labels):
      for mirrored in (False, True):
        for number, (other, true) in enumerate(_expected(root, mirrored)):
          if np.abs(photograph - other).max() < 1e-4:
            np.testing.assert_array_equal(classes, true)
            numbers.append(number)
            seen.add(mirrored)
    assert sorted(numbers) == list(range(6))  # an epoch shows every one once
  assert seen == {False, True}


def test_nothing_is_mirrored_without_flip(root):
  for photographs, _ in take(_data(root, share=0.0, batch_size=6, flip=False), 2):
    expected = np.stack([photograph for photograph, _ in _expected(root, False)])
    assert all(np.abs(expected - each).max((1, 2, 3)).min() < 1e-4 for each in photographs)


def test_classes_that_are_none_stay_ignored(root):
  labels = np.concatenate([each for _, each in take(_data(root), 3)])
  assert set(np.unique(labels)) <= {*range(11), 255} and (labels == 255).any()


def test_batches_follow_from_their_number(root):
  check_batches(lambda seed: _data(root, seed=seed), 3, 5)


def test_whole_label_maps(root):
  """Without a load_size, photographs are enlarged to their label map's size, which may differ from one to another."""
  data = _data(root, share=0.0, load_size=0, batch_size=1, batch_normalization=False, flip=False)
  photographs, labels = take(data, 1)[0]
  assert photographs.shape == (1, HEIGHT, WIDTH, 3) and labels.shape == (1, HEIGHT, WIDTH)
  small = [cv2.resize(read_uint8(path), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
           for path in sorted((root / "train").iterdir())]
  large = [cv2.resize(np.float32(each) / 255, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) for each in small]
  number = int(np.argmin([np.abs(each - photographs[0]).max() for each in large]))
  np.testing.assert_allclose(photographs[0], large[number], atol=1e-5)
  recipes.assert_same(labels[0], read_labels(sorted((root / "trainannot").iterdir())[number], "camvid"))


def test_held_out_photographs(root):
  data = _data(root)
  found = data.validation(None)
  names = {path.stem for path in (root / "train").iterdir()}
  assert len(found) == data.summary["validation"] >= 1 and data.summary["training"] + len(found) == 6
  assert {name for name, _, _ in found} < names
  for name, photograph, classes in found:
    expected = cv2.resize(read_uint8(root / "train" / f"{name}.png"), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    recipes.assert_same(photograph, np.float32(expected) / np.float32(255))
    recipes.assert_same(classes, read_labels(root / "trainannot" / f"{name}.png", "camvid"))
  assert [name for name, _, _ in data.validation(1)] == [found[0][0]]
  assert [name for name, _, _ in _data(root, seed=7).validation()] == [name for name, _, _ in found]


def test_a_test_part_is_held_out_whole(tmp_path):
  _camvid(_camvid(tmp_path / "all", "train", 3), "test", 2, seed=1)
  data = _data(tmp_path / "all")
  assert data.summary["training"] == 3 and [name for name, _, _ in data.validation()] == ["test0", "test1"]


def test_the_digest_tells_other_label_maps(tmp_path):
  one = _data(_camvid(tmp_path / "one", "train", 4)).summary
  assert one == _data(_camvid(tmp_path / "same", "train", 4)).summary
  other = _camvid(tmp_path / "other", "train", 4)
  for path in (other / "trainannot").iterdir():
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(path)
  assert all(_data(other).summary[name] != one[name] for name in ("training_digest", "validation_digest"))


@pytest.mark.parametrize("size", [(32, 32), (20, 48), (8, 8)])
def test_enlarge_is_as_pillow(size):
  """pix2pix's evaluation enlarges by Pillow's bilinear filter."""
  image = recipes.smooth_images(1, 16, 16, 3)[0]
  channels = [np.asarray(Image.fromarray(image[..., index]).resize(size[::-1], Image.Resampling.BILINEAR))
              for index in range(3)]
  np.testing.assert_allclose(enlarge(image, *size), np.stack(channels, axis=-1), atol=1e-5)


def test_bad_folders(root, tmp_path):
  with pytest.raises(ValueError, match="in the data folder"):
    read(TrainingOptions(root / "run", data=root))
  with pytest.raises(FileNotFoundError, match="--config.label_set camvid"):
    _data(root, label_set="cityscapes")
  bad = _camvid(tmp_path / "bad", "train", 3)
  Image.fromarray(np.full((HEIGHT, WIDTH), 11, np.uint8)).save(bad / "trainannot" / "train1.png")
  with pytest.raises(ValueError, match="train1.png: no pixel of the label map"):
    _data(bad)


def test_real_photographs(data_folder, tmp_path):
  folder = data_folder / "labels2photo" / "camvid"
  if not folder.is_dir():
    pytest.skip(f"{folder} does not exist")
  data = training_data(TINY, read(TrainingOptions(tmp_path / "run", data=folder)))
  assert data.summary["training"] > 40 and data.validation(1)[0][2].shape == (360, 480)
  photographs, labels = next(iter(data.batches(0, Part())))
  assert photographs.shape == (2, SIDE, SIDE, 3) and tf.reduce_any(labels == 3)  # there is road
