"""The four layouts of a data folder, and the errors for others."""

import shutil

import pytest
import recipes

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.folders import (
  HELD_OUT_SEED,
  as_trained,
  full_photographs,
  iterate_images,
  load_images,
  read_folder,
  read_photographs,
)
from tf_imgtrans.data.pairs import Pair, digest


def _fill(folder, count, start=0):
  for number in range(start, start + count):
    write_image(folder / f"{number}.png", recipes.random_images(8, 8, 3, seed=number))


def _dped(root, phone, training=3, test=2):
  for name in (phone, "canon"):
    _fill(root / phone / "training_data" / name, training)
    _fill(root / phone / "test_data" / "patches" / name, test, start=100)


def test_dped(tmp_path):
  _dped(tmp_path, "iphone")
  for directory in (tmp_path, tmp_path / "iphone", str(tmp_path)):
    folder = read_folder(directory)
    assert folder.kind == "dped"
    assert [pair.stem for pair in folder.training] == ["0", "1", "2"]
    assert [pair.stem for pair in folder.validation] == ["100", "101"]
    assert {pair.source.parent.name for pair in folder.training + folder.validation} == {"iphone"}
    assert {pair.target.parent.name for pair in folder.training + folder.validation} == {"canon"}


def test_dped_with_two_phones(tmp_path):
  _dped(tmp_path, "iphone")
  _dped(tmp_path, "sony", training=4)
  with pytest.raises(ValueError, match="holds iphone, sony: choose one with --phone"):
    read_folder(tmp_path)
  assert len(read_folder(tmp_path, phone="sony").training) == 4
  with pytest.raises(FileNotFoundError, match="holds iphone, sony, not blackberry"):
    read_folder(tmp_path, phone="blackberry")


def test_a_phone_root_of_another_name(tmp_path):
  _dped(tmp_path, "iphone")
  root = (tmp_path / "iphone").rename(tmp_path / "mini")
  for phone in (None, "iphone"):
    folder = read_folder(root, phone=phone)
    assert folder.kind == "dped"
    assert {pair.source.parent.name for pair in folder.training + folder.validation} == {"iphone"}
  with pytest.raises(FileNotFoundError, match="mini holds iphone, not sony"):
    read_folder(root, phone="sony")
  _fill(root / "training_data" / "sony", 3)
  with pytest.raises(ValueError, match="mini holds iphone, sony: choose one with --phone"):
    read_folder(root)
  for phone in ("iphone", "sony"):
    shutil.rmtree(root / "training_data" / phone)
  with pytest.raises(FileNotFoundError, match="training_data holds none of iphone, blackberry, sony: expected one of"):
    read_folder(root)


def test_another_phone_than_the_root_is_not_ignored(tmp_path):
  _dped(tmp_path, "iphone")
  with pytest.raises(FileNotFoundError, match="iphone holds iphone, not sony"):
    read_folder(tmp_path / "iphone", phone="sony")


def _challenge(root, *phones, pairs=12):
  """As the repository of the PIRM 2018 challenge on smartphones: patches beside whole photographs."""
  for name in (*phones, "canon"):
    _fill(root / "patches" / name, pairs)
  _fill(root / "HD_res", 3)


def test_the_challenges_layout(tmp_path):
  _challenge(tmp_path, "iphone")
  for options in ({}, {"phone": "iphone"}):
    folder = read_folder(tmp_path, 0.25, **options)
    assert folder.kind == "pairs"
    pairs = folder.training + folder.validation
    assert {(pair.source.parent.name, pair.target.parent.name) for pair in pairs} == {("iphone", "canon")}
    assert {pair.stem for pair in pairs} == {str(number) for number in range(12)}
    assert 0 < len(folder.validation) < 8 and len(pairs) == 12
  assert read_folder(tmp_path, 0.25) == read_folder(tmp_path / "patches", 0.25)  # two paired folders
  with pytest.raises(FileNotFoundError, match="holds iphone, not sony"):
    read_folder(tmp_path, phone="sony")


def test_the_challenges_layout_with_several_phones(tmp_path):
  _challenge(tmp_path, "iphone", "sony")
  with pytest.raises(ValueError, match="holds iphone, sony: choose one with --phone"):
    read_folder(tmp_path)
  assert {pair.source.parent.name for pair in read_folder(tmp_path, phone="sony").training} == {"sony"}
  with pytest.raises(FileNotFoundError, match="holds iphone, sony, not blackberry"):
    read_folder(tmp_path, phone="blackberry")
  names = {"source": "patches/sony", "target": "patches/iphone"}  # named ones go before the layout
  assert {pair.target.parent.name for pair in read_folder(tmp_path, **names).training} == {"iphone"}


def test_patches_of_no_known_phone_or_without_targets(tmp_path):
  _challenge(tmp_path, "nokia")
  with pytest.raises(FileNotFoundError, match="(?s)holds nothing to train on: .*DIR/patches/{<phone>,canon}"):
    read_folder(tmp_path)
  shutil.rmtree(tmp_path / "patches" / "canon")
  (tmp_path / "patches" / "nokia").rename(tmp_path / "patches" / "iphone")
  with pytest.raises(FileNotFoundError, match="holds nothing to train on"):
    read_folder(tmp_path)


def test_a_patch_without_its_target_is_named(tmp_path):
  _challenge(tmp_path, "iphone")
  (tmp_path / "patches" / "canon" / "7.png").unlink()
  with pytest.raises(ValueError, match="1 images have no partner .*iphone/7.png"):
    read_folder(tmp_path)


def test_dped_goes_before_the_challenges_layout(tmp_path):
  _dped(tmp_path, "iphone")
  _challenge(tmp_path, "sony")
  assert read_folder(tmp_path).kind == "dped"


def test_full_photographs_of_dped(tmp_path):
  for phone, count in (("iphone", 2), ("sony", 3)):
    _dped(tmp_path, phone)
    _fill(tmp_path / phone / "test_data" / "full_size_test_images", count)
  with pytest.raises(ValueError, match="holds iphone, sony: choose one with --phone"):
    full_photographs(tmp_path)
  found = full_photographs(str(tmp_path), "sony")
  assert found == [tmp_path / "sony" / "test_data" / "full_size_test_images" / f"{number}.png" for number in range(3)]
  assert len(full_photographs(tmp_path / "iphone")) == 2
  with pytest.raises(FileNotFoundError, match="holds iphone, sony, not blackberry"):
    full_photographs(tmp_path, "blackberry")
  shutil.rmtree(tmp_path / "sony" / "test_data" / "full_size_test_images")
  with pytest.raises(FileNotFoundError, match="sony/test_data/full_size_test_images: no such file or folder"):
    full_photographs(tmp_path, "sony")


def test_full_photographs_of_the_challenge_and_of_a_plain_folder(tmp_path):
  _challenge(tmp_path / "challenge", "iphone")
  assert full_photographs(tmp_path / "challenge") == [tmp_path / "challenge" / "HD_res" / f"{n}.png" for n in range(3)]
  _fill(tmp_path / "plain", 2)
  assert full_photographs(tmp_path / "plain") == [tmp_path / "plain" / "0.png", tmp_path / "plain" / "1.png"]
  shutil.rmtree(tmp_path / "challenge" / "HD_res")
  with pytest.raises(FileNotFoundError, match="challenge: no image in this folder .*its subfolders were not searched"):
    full_photographs(tmp_path / "challenge")
  with pytest.raises(FileNotFoundError, match="no data folder .*nowhere"):
    full_photographs(tmp_path / "nowhere")


def test_dped_without_test_patches_holds_training_pairs_out(tmp_path):
  _dped(tmp_path, "iphone", training=30)
  shutil.rmtree(tmp_path / "iphone" / "test_data")
  folder = read_folder(tmp_path, validation_share=0.2)
  assert folder.kind == "dped"
  assert 0 < len(folder.validation) < 15
  assert {pair.stem for pair in folder.training + folder.validation} == {str(number) for number in range(30)}
  assert not {pair.stem for pair in folder.training} & {pair.stem for pair in folder.validation}


def test_two_named_folders_of_a_dped_tree(tmp_path):
  _dped(tmp_path, "iphone")
  _dped(tmp_path, "sony")
  names = {"source": "iphone/training_data/iphone", "target": "iphone/training_data/canon"}
  assert read_folder(tmp_path, **names).kind == "pairs"
  with pytest.raises(ValueError, match="give both, or neither"):
    read_folder(tmp_path, target=names["target"])


@pytest.mark.parametrize("target", ["canon", "target", "gt", "high", "B"])
def test_paired_folders_of_known_names(tmp_path, target):
  for name in ("phone", target):
    _fill(tmp_path / name, 30)
  folder = read_folder(tmp_path, validation_share=0.3)
  assert folder.kind == "pairs"
  assert {(pair.source.parent.name, pair.target.parent.name) for pair in folder.training + folder.validation} == {
      ("phone", target)}
  assert len(folder.training) + len(folder.validation) == 30
  assert 0 < len(folder.validation) < 20
  assert not {pair.stem for pair in folder.training} & {pair.stem for pair in folder.validation}


def test_paired_folders_of_other_names(tmp_path):
  for name in ("day", "night"):
    _fill(tmp_path / name, 12)
  with pytest.raises(ValueError, match="two folders, day and night: say which is which with --source and --target"):
    read_folder(tmp_path)
  folder = read_folder(tmp_path, source="night", target="day")
  assert {pair.source.parent.name for pair in folder.training} == {"night"}
  with pytest.raises(ValueError, match="give both, or neither"):
    read_folder(tmp_path, source="night")
  with pytest.raises(FileNotFoundError, match="did you mean .*night"):
    read_folder(tmp_path, source="nigth", target="day")


def test_paired_folders_beside_folders_without_images(tmp_path):
  for name in ("phone", "canon"):
    _fill(tmp_path / name, 12)
  for name in ("weights", "notes"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "vgg19.npz").touch()
  folder = read_folder(tmp_path)
  assert {(pair.source.parent.name, pair.target.parent.name) for pair in folder.training} == {("phone", "canon")}
  _fill(tmp_path / "notes", 1)  # three folders of images
  with pytest.raises(FileNotFoundError, match="holds nothing to train on"):
    read_folder(tmp_path)


def test_photographs_beside_folders_are_no_pairs(tmp_path):
  for name in (".", "a", "b", "c"):
    _fill(tmp_path / name, 3)
  shutil.rmtree(tmp_path / "c")
  (tmp_path / "c").mkdir()
  assert read_folder(tmp_path).kind == "photographs"


def test_photographs(tmp_path):
  _fill(tmp_path, 20)
  folder = read_folder(tmp_path, validation_share=0.2)
  assert folder.kind == "photographs"
  assert not set(folder.training) & set(folder.validation)
  assert len(folder.training) + len(folder.validation) == 20
  assert 0 < len(folder.validation) < 20
  again = read_folder(tmp_path, validation_share=0.2)
  assert (again.training, again.validation) == (folder.training, folder.validation)


def test_a_run_that_never_sees_what_is_held_out(tmp_path):
  _fill(tmp_path, 60)
  folder = read_folder(tmp_path, validation_share=0.3)
  tuned = folder.without_held_out(0.2)
  assert sorted([*tuned.training, *tuned.validation]) == sorted(folder.training)
  assert not set(tuned.training) & set(tuned.validation) and 3 < len(tuned.validation) < 20
  assert tuned == read_folder(tmp_path, validation_share=0.3).without_held_out(0.2)
  assert as_trained(folder, {"tuning_share": 0.2}) == tuned and as_trained(folder, {}) is folder
  assert tuned.summary()["training"] == len(tuned.training) != folder.summary()["training"]


def test_summary_tells_which_files(tmp_path):
  _fill(tmp_path, 6)
  folder = read_folder(tmp_path, validation_share=0.2)
  assert folder.summary() == {
      "kind": "photographs", "training": len(folder.training), "validation": len(folder.validation),
      "training_digest": digest(folder.training), "validation_digest": digest(folder.validation)}


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_outside_its_range(tmp_path, share):
  with pytest.raises(ValueError, match="validation_share is"):
    read_folder(tmp_path, validation_share=share)


def test_nothing_to_train_on_names_the_layouts(tmp_path):
  for directory in (tmp_path, tmp_path / "none"):
    with pytest.raises(FileNotFoundError) as caught:
      read_folder(directory)
    assert str(directory) in str(caught.value)
    for layout in ("DIR/<phone>/training_data", "DIR/patches/", "DIR/<other>/*.jpg", "degraded on the fly"):
      assert layout in str(caught.value)


@pytest.mark.parametrize("height, width, window", [
    (8, 10, (slice(0, 8), slice(0, 10))), (9, 20, (slice(0, 9), slice(5, 15))), (31, 10, (slice(10, 20), slice(0, 10))),
    (13, 12, (slice(1, 11), slice(1, 11)))])
def test_of_large_images_the_middle_is_read(tmp_path, height, width, window):
  for number, name in enumerate(("low.png", "high.png")):
    write_image(tmp_path / name, recipes.random_images(height, width, 3, seed=number))
  pair = Pair(tmp_path / "low.png", tmp_path / "high.png")
  low, high = read_image(pair.source), read_image(pair.target)
  (name, source, target), = load_images("pairs", [pair], largest=10)
  assert name == "low"
  recipes.assert_same(source, low[window])
  recipes.assert_same(target, high[window])
  if source.shape != low.shape:
    assert source.base is None and target.base is None  # nothing holds the whole image in memory
  (_, source, target), = load_images("photographs", [pair.target], largest=10)
  recipes.assert_same(target, high[window])
  recipes.assert_same(source, phone_camera(high[window], HELD_OUT_SEED).numpy())  # cropped first, then degraded
  (_, source, target), = load_images("pairs", [pair])
  recipes.assert_same(source, low)
  recipes.assert_same(target, high)


def test_images_are_read_one_at_a_time(tmp_path):
  _fill(tmp_path, 3)
  paths = [tmp_path / f"{number}.png" for number in range(3)]
  (tmp_path / "2.png").unlink()
  images = iterate_images("photographs", paths)
  assert [next(images)[0] for _ in range(2)] == ["0", "1"]
  with pytest.raises(FileNotFoundError, match="2.png"):
    next(images)
  assert [name for name, _, _ in load_images("photographs", paths, most=2)] == ["0", "1"]


# Photographs in a folder and below it.

def test_photographs_of_a_tree(tmp_path):
  for name, start in ((".", 0), ("a/abbey", 10), ("a/alley", 20), ("z", 30)):
    _fill(tmp_path / name, 5, start)
  (tmp_path / "notes.txt").write_text("no image")
  folder = read_photographs(str(tmp_path), 0.3)
  assert folder.kind == "photographs"
  assert sorted(folder.training + folder.validation) == sorted(tmp_path.rglob("*.png"))
  assert 0 < len(folder.validation) < 15 and not set(folder.training) & set(folder.validation)
  assert read_photographs(tmp_path, 0.3) == folder
  assert read_photographs(tmp_path, 0.0).validation == []
  flat = tmp_path / "a" / "abbey"
  assert read_photographs(flat, 0.3) == read_folder(flat, 0.3)


@pytest.mark.parametrize("held_out", ["test", "val", "validation"])
def test_photographs_with_a_part_of_their_own(held_out, tmp_path):
  _fill(tmp_path / "train" / "abbey", 4)
  _fill(tmp_path / "train", 2, start=10)
  _fill(tmp_path / held_out / "deep" / "down", 3)  # equal names in both parts
  _fill(tmp_path, 1, start=50)  # in neither
  for share in (0.0, 0.9):
    folder = read_photographs(tmp_path, share)
    assert folder.kind == "photographs"
    assert sorted(folder.training) == sorted((tmp_path / "train").rglob("*.png")) and len(folder.training) == 6
    assert folder.validation == [tmp_path / held_out / "deep" / "down" / f"{number}.png" for number in range(3)]
  shutil.rmtree(tmp_path / "train")  # one part alone is a folder like any other
  folder = read_photographs(tmp_path, 0.3)
  assert len(folder.training + folder.validation) == 4


def test_the_test_part_goes_before_the_validation_part(tmp_path):
  for number, name in enumerate(("train", "val", "test")):
    _fill(tmp_path / name, 2, start=10 * number)
  assert [path.parent.name for path in read_photographs(tmp_path).validation] == ["test", "test"]


def test_photographs_that_are_not_there(tmp_path):
  with pytest.raises(FileNotFoundError, match="no data folder .*nowhere: give one with photographs in it or below it"):
    read_photographs(tmp_path / "nowhere")
  with pytest.raises(FileNotFoundError, match="no image in this folder"):
    read_photographs(tmp_path)
  _fill(tmp_path / "train", 2)
  (tmp_path / "test").mkdir()
  with pytest.raises(FileNotFoundError, match="test: no image in this folder"):
    read_photographs(tmp_path)
  for share in (-0.1, 1.0):
    with pytest.raises(ValueError, match="validation_share is"):
      read_photographs(tmp_path, share)
