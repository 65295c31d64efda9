"""Label maps: ids, colours, folders, and the errors for invalid files."""

import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from tf_imgtrans.core.images import UnreadableImage
from tf_imgtrans.data.labels import (
    IGNORED,
    LABEL_SETS,
    LabelledImage,
    check_labelled,
    classes_of,
    colorize,
    find_labelled,
    get_label_set,
    one_hot,
    read_labels,
    resize_labels,
    split_labelled,
)

IDS = np.random.default_rng(0).integers(0, 34, (6, 8)).astype(np.uint8)


def _write(path, pixels):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(pixels).save(path)
  return path


def _photo(path, height=6, width=8):
  return _write(path, np.uint8(255 * recipes.random_images(height, width, 3)))


def _cityscapes(root, part, city, names):
  for name in names:
    _photo(root / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png")
    _write(root / "gtFine" / part / city / f"{name}_gtFine_labelIds.png", IDS)
    _write(root / "gtFine" / part / city / f"{name}_gtFine_color.png", np.zeros((6, 8, 3), np.uint8))


def _camvid(root, part, names):
  for name in names:
    _photo(root / part / f"{name}.png")
    _write(root / f"{part}annot" / f"{name}.png", IDS % 12)


# Label sets

def test_cityscapes_classes():
  found = LABEL_SETS["cityscapes"]
  assert len(found) == 19 and found.names[13] == "car" and found.colors[13] == (0, 0, 142)
  train_ids = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14,
               28: 15, 31: 16, 32: 17, 33: 18}
  assert [found.from_file[number] for number in range(256)] == [train_ids.get(number, 255) for number in range(256)]


def test_camvid_classes():
  found = LABEL_SETS["camvid"]
  assert list(found.from_file[:13]) == [*range(11), 255, 255] and set(found.from_file[11:]) == {255}
  assert found.names[3] == "road" and found.colors[3] == (128, 64, 128) and found.colors[10] == (0, 128, 192)


@pytest.mark.parametrize("name", LABEL_SETS)
def test_colours_tell_classes_apart(name):
  found = LABEL_SETS[name]
  assert found.name == name and len({*found.colors, (0, 0, 0)}) == len(found) + 1 == len(found.names) + 1
  assert get_label_set(name) is found is get_label_set(found)
  with pytest.raises(ValueError, match="unknown label set 'cityscape'.*did you mean 'cityscapes'"):
    get_label_set("cityscape")


# Class maps

@pytest.mark.parametrize("mode", ["L", "P"])
def test_ids_are_read_as_classes(mode, tmp_path):
  image = Image.fromarray(IDS)
  if mode == "P":
    image = Image.fromarray(IDS, "L").convert("P")
    image.putdata(IDS.ravel().tolist())
    image.putpalette(list(range(255, -1, -1)) * 3)  # colours that no id equals
  image.save(tmp_path / "labels.png")
  found = read_labels(tmp_path / "labels.png", "cityscapes")
  recipes.assert_same(found, LABEL_SETS["cityscapes"].from_file[IDS])
  assert IGNORED in found and found.min() < 19


def test_what_is_no_label_map(tmp_path):
  colours = _photo(tmp_path / "colours.png")
  with pytest.raises(UnreadableImage, match="colours.png: an image of mode RGB, expected .*--config.label_set none"):
    read_labels(colours, "camvid")
  deep = _write(tmp_path / "deep.png", IDS.astype(np.uint16) * 1000)
  with pytest.raises(UnreadableImage, match="deep.png: an image of mode I"):
    read_labels(deep, "camvid")
  (tmp_path / "torn.png").write_bytes(_write(tmp_path / "whole.png", IDS).read_bytes()[:-30])
  with pytest.raises(UnreadableImage, match="torn.png: no label map"):
    read_labels(tmp_path / "torn.png", "camvid")
  with pytest.raises(FileNotFoundError, match="none.png: no such file"):
    read_labels(tmp_path / "none.png", "camvid")


@given(array_shapes(min_dims=2, max_dims=2, max_side=20), st.integers(1, 30), st.integers(1, 30))
def test_resizing_takes_the_nearest_id(shape, height, width):
  classes = np.arange(np.prod(shape)).reshape(shape).astype(np.int32)
  found = resize_labels(classes, height, width)
  assert found.shape == (height, width)
  for row in range(height):
    for column in range(width):
      centre = ((row + 0.5) * shape[0] / height, (column + 0.5) * shape[1] / width)
      y, x = divmod(int(found[row, column]), shape[1])
      assert y - 1e-9 <= centre[0] <= y + 1 + 1e-9 and x - 1e-9 <= centre[1] <= x + 1 + 1e-9
  recipes.assert_same(resize_labels(classes, *shape), classes)


@pytest.mark.parametrize("name", LABEL_SETS)
@given(data=st.data())
def test_colours_there_and_back(name, data):
  legal = st.sampled_from([*range(len(LABEL_SETS[name])), IGNORED])
  classes = data.draw(arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=legal))
  colours = colorize(classes, name)
  assert colours.dtype == np.uint8 and colours.shape == (*classes.shape, 3)
  for place in np.ndindex(classes.shape):
    number = classes[place]
    assert tuple(colours[place]) == ((0, 0, 0) if number == IGNORED else LABEL_SETS[name].colors[number])
  recipes.assert_same(classes_of(colours.astype(np.float32) / 255, name), classes)
  noisy = colours.astype(np.float32) / 255 + np.random.default_rng(0).uniform(-0.02, 0.02, colours.shape).astype("f")
  recipes.assert_same(tf.function(classes_of)(noisy, name), classes)


def test_one_hot():
  classes = np.array([[0, 2], [IGNORED, 3]], np.uint8)
  expected = np.float32([[[1, 0, 0, 0], [0, 0, 1, 0]], [[0, 0, 0, 1], [0, 0, 0, 1]]])  # 3 is no class of three
  recipes.assert_same(one_hot(classes, 3), expected)
  recipes.assert_same(one_hot(tf.constant(classes)[None], 3), expected[None])


# Folders

def test_cityscapes_tree(tmp_path):
  _cityscapes(tmp_path, "train", "bochum", ["bochum_000001_000019"])
  _cityscapes(tmp_path, "train", "aachen", ["aachen_000001_000019", "aachen_000000_000019"])
  _cityscapes(tmp_path, "val", "lindau", ["lindau_000001_000019"])
  _cityscapes(tmp_path, "test", "bonn", ["bonn_000001_000019"])
  found = find_labelled(tmp_path, "cityscapes")
  assert [image.stem for image in found] == ["aachen_000000_000019", "aachen_000001_000019", "bochum_000001_000019",
                                                 "lindau_000001_000019"]
  assert found[0] == LabelledImage(tmp_path / "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png",
                                     tmp_path / "gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png", "train")
  training, held_out = split_labelled(found, 0.5)
  assert training == found[:3] and held_out == found[3:]
  check_labelled(found, "cityscapes")


def test_pix2pixhd_folders(tmp_path):
  names = [f"aachen_{number:06}_000019" for number in range(8)]
  for name in names:
    _photo(tmp_path / "train_img" / f"{name}_leftImg8bit.png")
    _write(tmp_path / "train_label" / f"{name}_gtFine_labelIds.png", IDS)
  _write(tmp_path / "test_label" / "frankfurt_gtFine_labelIds.png", IDS)  # without a photograph
  found = find_labelled(str(tmp_path), "cityscapes")
  assert [image.stem for image in found] == names
  training, held_out = split_labelled(found, 0.3)
  assert training and held_out and sorted(map(str, training + held_out)) == sorted(map(str, found))
  assert split_labelled(found, 0.3) == (training, held_out)


def test_camvid_folders(tmp_path):
  _camvid(tmp_path, "train", ["a", "b"])
  assert split_labelled(find_labelled(tmp_path, "camvid"), 0)[1] == []
  _camvid(tmp_path, "val", ["c"])
  assert [image.stem for image in split_labelled(find_labelled(tmp_path, "camvid"), 0)[1]] == ["c"]
  _camvid(tmp_path, "test", ["d", "e"])
  found = find_labelled(tmp_path, LABEL_SETS["camvid"])
  assert [(image.stem, image.part) for image in found] == [("a", "train"), ("b", "train"), ("c", "val"),
                                                                ("d", "test"), ("e", "test")]
  training, held_out = split_labelled(found, 0.1)
  assert [image.stem for image in training] == ["a", "b"] and [image.stem for image in held_out] == ["d", "e"]


def test_whole_drives_are_held_out(tmp_path):
  """Of five, eight and three frames those that come nearest to the share; frames of one drive are alike."""
  frames = [f"{drive}_{number:05d}" for drive, count in (("0001TP", 5), ("0016E5", 8), ("Seq05VD", 3))
            for number in range(count)]
  _camvid(tmp_path, "train", frames)
  found = find_labelled(tmp_path, "camvid")
  for share, drives in ((0.01, {"Seq05VD"}), (0.2, {"Seq05VD"}), (0.3, {"0001TP"}), (0.5, {"0016E5"}),
                        (0.9, {"0016E5", "0001TP"})):
    training, held_out = split_labelled(found, share)
    assert {image.drive for image in held_out} == drives
    assert not {image.drive for image in training} & drives and len(training) + len(held_out) == 16
  assert split_labelled(found, 0) == (found, [])


def test_a_single_drive_is_split_by_names(tmp_path):
  _camvid(tmp_path, "train", [f"0001TP_{number:05d}" for number in range(9)])
  training, held_out = split_labelled(find_labelled(tmp_path, "camvid"), 0.3)
  assert training and held_out


def test_other_folders(tmp_path):
  with pytest.raises(FileNotFoundError, match="(?s)no data folder .*none: expected one of.*gtFine/{train,val}/<city>"):
    find_labelled(tmp_path / "none", "cityscapes")
  _photo(tmp_path / "photos" / "a.png")
  for name, drawn in (("cityscapes", "DIR/leftImg8bit"), ("camvid", "DIR/trainannot")):
    with pytest.raises(FileNotFoundError, match=f"(?s)holds no labelled photographs of {name}: expected.*{drawn}"):
      find_labelled(tmp_path / "photos", name)
  _camvid(tmp_path / "streets", "train", ["a"])
  with pytest.raises(FileNotFoundError, match="of cityscapes; it looks like camvid: --config.label_set camvid: expected"):
    find_labelled(tmp_path / "streets", "cityscapes")


def test_missing_partners(tmp_path):
  _camvid(tmp_path, "train", "abcdefg")
  for name in "bcdefg":
    (tmp_path / "trainannot" / f"{name}.png").unlink()
  with pytest.raises(ValueError, match=r"6 images have no partner .*b\.png, .*f\.png, \.\.\.; add or remove"):
    find_labelled(tmp_path, "camvid")
  _cityscapes(tmp_path, "train", "aachen", ["x", "y"])
  (tmp_path / "leftImg8bit/train/aachen/x_leftImg8bit.png").unlink()
  with pytest.raises(ValueError, match="1 images have no partner .*x_gtFine_labelIds.png"):
    find_labelled(tmp_path, "cityscapes")
  (tmp_path / "gtFine" / "train").rename(tmp_path / "gtFine" / "elsewhere")
  with pytest.raises(FileNotFoundError, match="no folder .*gtFine/train"):
    find_labelled(tmp_path, "cityscapes")


def test_bad_files_stop_a_run(tmp_path):
  good = LabelledImage(_photo(tmp_path / "a.png"), _write(tmp_path / "a_ids.png", IDS))
  check_labelled([good], "cityscapes")
  bad = [LabelledImage(good.photo, _write(tmp_path / "void.png", np.zeros((6, 8), np.uint8))),
         LabelledImage(good.photo, _photo(tmp_path / "colour.png")),
         LabelledImage(good.photo, _write(tmp_path / "square.png", IDS[:, :6])),
         LabelledImage(tmp_path / "gone.png", good.labels)]
  check_labelled([LabelledImage(good.photo, _write(tmp_path / "half.png", IDS[::2, ::2]))], "cityscapes")
  with pytest.raises(ValueError, match="(?s)4 of 5 labelled photographs .*void.png: no pixel of the label map.*mode RGB"
                                       ".*shapes differ: a photograph of 8x6 and labels of 6x6.*gone.png: no such file"):
    check_labelled([good, *bad], "cityscapes")


# Real data

def test_real_camvid(data_folder):
  found = find_labelled(data_folder / "labels2photo" / "camvid", "camvid")
  check_labelled(found[:4], "camvid")
  classes = [read_labels(image.labels, "camvid") for image in found[:4]]
  shares = np.bincount(np.concatenate([each.ravel() for each in classes]), minlength=256) / sum(map(np.size, classes))
  assert classes[0].shape == (360, 480) and len(found) > 10
  assert shares[:11].sum() > 0.9 and shares[3] > 0.1 and shares[11:255].sum() == 0  # a fair part is road
  rows = np.concatenate([np.nonzero(each == 3)[0] for each in classes]).mean()
  assert np.concatenate([np.nonzero(each == 0)[0] for each in classes]).mean() < 180 < rows  # the sky lies above it


def test_real_cityscapes(data_folder):
  found = find_labelled(data_folder / "labels2photo" / "cityscapes_full", "cityscapes")
  assert [image.stem for image in found] and all(image.stem.startswith("aachen_") for image in found)
  classes = read_labels(found[0].labels, "cityscapes")
  assert classes.shape == (1024, 2048) and 0.7 < np.mean(classes < 19) < 1
  assert np.nonzero(classes == 0)[0].mean() > 512  # road, in the lower half


SMOOTH = np.kron(np.random.default_rng(0).integers(0, 11, (8, 10)), np.ones((5, 5))).astype(np.uint8)


MAP = Image.fromarray(SMOOTH)


@pytest.mark.parametrize("make, reason", [
    (lambda path: MAP.save(path.with_suffix(".jpg"), quality=90), "a JPEG, whose compression changes ids"),
    (lambda path: MAP.resize((75, 60), Image.BILINEAR).save(path), "pass through ids between the two sides"),
    (lambda path: MAP.save(path.with_suffix(".webp"), quality=60), "mode RGB"),
], ids=["jpeg", "bilinear", "webp"])
def test_ids_that_were_compressed_or_interpolated_are_refused(make, reason, tmp_path):
  make(tmp_path / "ids.png")
  path, = tmp_path.iterdir()
  with pytest.raises(ValueError, match=reason):
    read_labels(path, "camvid")
  MAP.resize((75, 60), Image.NEAREST).save(tmp_path / "good.png")
  assert read_labels(tmp_path / "good.png", "camvid").shape == (60, 75)
