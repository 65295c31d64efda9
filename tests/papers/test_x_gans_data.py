"""The images that X-GANs train on and are measured on, by their number alone."""

import dataclasses

import cv2
import numpy as np
import pytest
import recipes
from data_checks import check_batches, take, write_images

from tf_imgtrans.core.images import list_images, read_uint8
from tf_imgtrans.data.pairs import digest
from tf_imgtrans.data.reconstruction import held_out, patch_store, read, resize, training_data
from tf_imgtrans.papers.x_gans.config import TINY
from tf_imgtrans.training.options import TrainingOptions

SIZE = TINY.image_size
CORRUPTIONS = ("random_points", "edge_points", "color_noise", "white_block", "color_blocks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("photographs")
  write_images(root / "train", 6, 48, 80)
  write_images(root / "test", 5, 48, 80, seed=1)
  return read(TrainingOptions(root / "run", data=root))


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
  return str(write_images(tmp_path_factory.mktemp("patches"), 3, 48, 80, seed=2))


def _config(corruption, patches="", **changes):
  changes = {"patches": patches if corruption == "color_blocks" else "", "share": (0.2, 0.6), **changes}
  return dataclasses.replace(TINY, corruption=corruption, **changes)


def _resized(paths):
  return np.float32([cv2.resize(read_uint8(path), (SIZE, SIZE), interpolation=cv2.INTER_AREA) for path in paths]) / 255


def _nearest(images, known):
  """The number of the known image that each image is; none is further away than a rounding of its division."""
  distance = np.abs(images[:, None] - known).max((2, 3, 4))
  assert distance.min(1).max() < 1e-6
  return list(distance.argmin(1))


def _side(mask):
  """The side of the square that a mask [S, S, 1] lacks."""
  rows, columns = np.nonzero(mask[..., 0] == 0)
  side = np.ptp(rows) + 1
  assert side == np.ptp(columns) + 1 and len(rows) == side * side
  return side


def _check_corruption(kind, source, mask, target, patches):
  """One corrupted image: the kept pixels bit for bit, and what stands in the place of the others.

  Returns the number of the patch that a colour block is cut from.
  """
  for each, channels in ((source, 3), (mask, 1), (target, 3)):
    assert each.shape == (SIZE, SIZE, channels) and each.dtype == np.float32
    assert each.min() >= 0 and each.max() <= 1
  assert set(np.unique(mask)) == {0, 1}
  kept = mask[..., 0] == 1
  recipes.assert_same(source[kept], target[kept])
  if kind in ("random_points", "edge_points", "white_block"):
    assert (source[~kept] == 1).all()
  if kind == "white_block":
    assert _side(mask) == 16 and not kept[8:24, 8:24].any()
  if kind == "color_noise":
    levels = 255 * source[~kept]
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    assert levels.std() > 60  # 74 in all
  if kind == "color_blocks":
    side = _side(mask)
    windows = np.lib.stride_tricks.sliding_window_view(patches, (side, side), (1, 2)).transpose(0, 1, 2, 4, 5, 3)
    distance = np.abs(windows - source[~kept].reshape(side, side, 3)).max((3, 4, 5)).min((1, 2))
    assert 4 <= side <= 16 and distance.min() < 1e-6
    return distance.argmin()
  return None


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_batch(kind, folder, patches):
  config = _config(kind, patches, batch_size=6)
  found, cut_from, known = [], set(), _resized(folder.training)
  others = _resized(list_images([patches], recursive=True))
  for source, mask, target in take(training_data(config, folder), 4):
    assert sorted(_nearest(target, known)) == list(range(6))  # an epoch shows every image once
    for image in zip(source, mask, target):
      cut_from.add(_check_corruption(kind, *image, others))
    found.extend(mask.mean((1, 2, 3)))
  if kind.endswith(("points", "noise")):
    room = 0 if kind == "edge_points" else 0.06  # four deviations of what 1024 pixels give
    assert 0.2 - room <= min(found) < 0.3 and 0.5 < max(found) <= 0.6 + room
  if kind == "color_blocks":
    assert len(set(found)) > 5 and cut_from == {0, 1, 2}  # sides from 4 to 16, of all patches


@pytest.mark.parametrize("kind", ["edge_points", "color_blocks"])
def test_batches_follow_from_their_number(kind, folder, patches):
  config = _config(kind, patches, batch_size=4, flip=True)
  check_batches(lambda seed: training_data(dataclasses.replace(config, seed=seed), folder), 3, 5)


def test_a_image_is_mirrored_before_it_is_corrupted(folder):
  plain, mirrored = (take(training_data(_config("random_points", batch_size=6, flip=flip), folder), 4)
                     for flip in (False, True))
  turned = []
  for (_, mask, target), (source, same_mask, other) in zip(plain, mirrored):
    recipes.assert_same(mask, same_mask)
    recipes.assert_same(source, np.where(mask == 1, other, np.float32(1)))
    turned.extend((a != b).any() for a, b in zip(target, other))
    assert all((b == (a[:, ::-1] if (a != b).any() else a)).all() for a, b in zip(target, other))
  assert 4 < sum(turned) < 20


# Images are made square.

def test_images_shrink_by_area_and_lose_their_aspect():
  image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
  found = resize(image, 32)
  assert found.shape == (32, 32, 3) and found.dtype == np.uint8
  blocks = image.reshape(32, 2, 32, 3, 3).mean((1, 3))
  assert np.abs(found - blocks).max() <= 0.5 + 1e-6


def test_images_grow_by_cubics():
  ramp = np.uint8(np.arange(24)[None, :, None] * 8 + np.zeros((40, 1, 3)))
  found = resize(ramp, 48)  # 40x24: one side is smaller
  assert found.shape == (48, 48, 3)
  assert np.abs(found[0, 4:-4, 0] - (8 * ((np.arange(48) + 0.5) / 2 - 0.5))[4:-4]).max() <= 1  # linear between
  for height in (24, 96):  # also where the other side shrinks
    step = np.zeros((height, 24, 3), np.uint8)
    step[:, 12:] = 200
    assert resize(step, 48).max() > 200  # overshoots, as cubics do


def test_a_image_of_the_size_stays_as_it_is():
  image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
  recipes.assert_same(resize(image, 32), image)


# Held-out images.

@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_held_out_images_are_the_same_in_every_call(kind, folder, patches):
  config = _config(kind, patches)
  others = _resized(list_images([patches], recursive=True))
  found = list(held_out(config, folder.validation, patch_store(config)))
  assert [name for name, *_ in found] == [path.stem for path in folder.validation]
  np.testing.assert_array_equal([target for *_, target in found], _resized(folder.validation))
  for _, source, mask, target in found:
    _check_corruption(kind, source, mask, target, others)
  if kind != "white_block":
    assert len({mask.tobytes() for _, _, mask, _ in found}) == 5
  changed = dataclasses.replace(config, seed=9, batch_size=5, flip=True)  # what belongs to the training
  replaced = [folder.training[0], *folder.validation[1:3]]  # another first image, and fewer
  for again in (held_out(changed, folder.validation, patch_store(config)),
                held_out(changed, replaced, patch_store(config))):
    for before, after in list(zip(found, again))[1:]:
      assert before[0] == after[0]
      for one, other in zip(before[1:], after[1:]):
        recipes.assert_same(one, other)


@pytest.mark.parametrize("kind", ["random_points", "edge_points", "color_noise"])
def test_a_share_is_given_or_drawn(kind, folder):
  def masks(share):
    return np.array([mask[..., 0] for _, _, mask, _ in held_out(_config(kind), folder.validation, share=share)])

  low, high, drawn = masks(0.05).mean((1, 2)), masks(0.3), masks(None).mean((1, 2))
  if kind == "edge_points":
    assert set(low) == {51 / 1024} and set(high.mean((1, 2))) == {307 / 1024}
  else:
    assert (np.abs(low - 0.05) < 0.03).all() and (np.abs(high.mean((1, 2)) - 0.3) < 0.06).all()
  assert (masks(0.05) <= high).all()  # the pixels of a smaller share are among those of a larger one
  assert len(set(drawn)) == 5 and 0.15 < drawn.min() and drawn.max() < 0.65


def test_a_block_in_the_middle(folder, patches):
  config = _config("color_blocks", patches, tile_size=(8, 8))
  middle = np.ones((SIZE, SIZE, 1), np.float32)
  middle[12:20, 12:20] = 0
  anywhere, centered = ([mask for _, _, mask, _ in held_out(config, folder.validation, patch_store(config), None, where)]
                        for where in (False, True))
  for mask in centered:
    recipes.assert_same(mask, middle)
  assert len({mask.tobytes() for mask in anywhere}) > 2 and {_side(mask) for mask in anywhere} == {8}
  white = dataclasses.replace(config, corruption="white_block", block_size=8)
  for _, _, mask, _ in held_out(white, folder.validation):
    recipes.assert_same(mask, middle)


@pytest.mark.parametrize("kind", ["random_points", "color_blocks"])
def test_validation_takes_the_first_held_out_images(kind, folder, patches):
  config = _config(kind, patches)
  data = training_data(config, folder)
  expected = list(held_out(config, folder.validation, patch_store(config)))
  for most, count in ((2, 2), (100, 5), (None, 5)):
    found = data.validation(most)
    assert len(found) == count
    for (name, source, target), (same_name, same_source, _, same_target) in zip(found, expected):
      assert name == same_name
      recipes.assert_same(source, same_source)
      recipes.assert_same(target, same_target)
  assert training_data(config, dataclasses.replace(folder, validation=[])).validation(3) == []


# What a run says of its data, and what stops it.

def test_summary(folder, patches, tmp_path):
  assert training_data(TINY, folder).summary == folder.summary()
  assert (folder.kind, len(folder.training), len(folder.validation)) == ("photographs", 6, 5)
  found = training_data(_config("color_blocks", patches), folder).summary
  assert found == {**folder.summary(), "patches_digest": digest(list_images([patches], recursive=True))}
  other = training_data(_config("color_blocks", str(write_images(tmp_path, 2, 48, 80))), folder).summary
  assert other["patches_digest"] != found["patches_digest"]


def test_a_share_is_held_out_of_one_folder(tmp_path):
  write_images(tmp_path / "faces", 8, 48, 80)
  folder = read(TrainingOptions(tmp_path / "run", data=tmp_path / "faces", validation_share=0.4))
  assert 0 < len(folder.validation) < 8 and len(folder.training) + len(folder.validation) == 8


def test_a_constant_block_has_its_colour(folder):
  config = _config("white_block", block_color=(0.25, 0.5, 0.75))
  for _, source, mask, target in held_out(config, folder.validation):
    recipes.assert_same(source, np.where(mask == 1, target, np.float32(config.block_color)))


def test_noise_of_an_image_has_an_amount_of_its_own(folder):
  config = _config("gaussian_noise", noise_std_unit=(0.02, 0.1))
  found = list(held_out(config, folder.validation))
  assert not any(mask.any() for _, _, mask, _ in found)
  deviations = [1.4826 * np.median(np.abs(source - target)) for _, source, _, target in found]
  assert 0.019 < min(deviations) and max(deviations) < 0.105 and len(set(deviations)) == 5
  for source, mask, target in take(training_data(config, folder), 2):
    assert not mask.any() and 0.005 < np.abs(source - target).mean() < 0.1


def test_blur_of_an_image_has_an_amount_of_its_own(folder):
  none, strong = (list(held_out(_config("gaussian_blur", blur_px=limits), folder.validation))
                  for limits in ((0.0, 0.0), (2.0, 5.0)))
  for (_, source, mask, target), (_, blurred, _, _) in zip(none, strong):
    np.testing.assert_allclose(source, target, atol=2e-6)
    assert not mask.any() and np.abs(np.diff(blurred, axis=0)).mean() < 0.8 * np.abs(np.diff(target, axis=0)).mean()
    assert abs(blurred.mean() - target.mean()) < 0.02


def test_only_colour_blocks_have_patches(folder, patches):
  for kind in CORRUPTIONS[:-1]:
    assert patch_store(dataclasses.replace(TINY, corruption=kind, patches="nowhere")) is None
  assert len(patch_store(_config("color_blocks", patches))) == 3


def test_patches_that_cannot_be_cut_from(folder, tmp_path):
  (tmp_path / "empty").mkdir()
  (tmp_path / "bad").mkdir()
  (tmp_path / "bad" / "torn.png").write_bytes(b"no image")
  for given, error, message in (("", ValueError, "give their folder by --config.patches"),
                                ("empty", FileNotFoundError, "empty: no image in this folder"),
                                ("nowhere", FileNotFoundError, "nowhere: no such file or folder"),
                                ("bad", ValueError, "torn.png: .*not an image")):
    config = _config("color_blocks", str(tmp_path / given) if given else "")
    for use in (patch_store, lambda config: training_data(config, folder)):
      with pytest.raises(error, match=message):
        use(config)


def test_a_run_does_not_lie_among_the_photographs(tmp_path):
  write_images(tmp_path / "faces", 4, 48, 80)
  with pytest.raises(ValueError, match="out is .*, in the data folder.*choose another --out"):
    read(TrainingOptions(tmp_path / "faces" / "runs" / "a", data=tmp_path / "faces"))
  assert read(TrainingOptions(tmp_path / "run", data=tmp_path / "faces")).training
  write_images(tmp_path / "parted" / "train", 2, 48, 80)
  write_images(tmp_path / "parted" / "test", 2, 48, 80)
  assert read(TrainingOptions(tmp_path / "parted" / "run", data=tmp_path / "parted")).training


def test_bad_images_stop_the_run(folder, tmp_path):
  (tmp_path / "bad.png").write_bytes(b"no image")
  for part in ("training", "validation"):
    with pytest.raises(ValueError, match="(?s)1 of [67] photographs cannot be trained on.*bad.png"):
      training_data(TINY, dataclasses.replace(folder, **{part: [*getattr(folder, part), tmp_path / "bad.png"]}))
