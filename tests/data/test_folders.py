"""The three layouts of a data folder, and what is said of others."""

import pytest
import recipes

from tf_imgtrans.core.images import write_image
from tf_imgtrans.data.folders import read_folder
from tf_imgtrans.data.pairs import digest


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


def test_photographs(tmp_path):
  _fill(tmp_path, 20)
  folder = read_folder(tmp_path, validation_share=0.2)
  assert folder.kind == "photographs"
  assert not set(folder.training) & set(folder.validation)
  assert len(folder.training) + len(folder.validation) == 20
  assert 0 < len(folder.validation) < 20
  again = read_folder(tmp_path, validation_share=0.2)
  assert (again.training, again.validation) == (folder.training, folder.validation)


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
    for layout in ("DIR/<phone>/training_data", "DIR/<other>/*.jpg", "degraded on the fly"):
      assert layout in str(caught.value)
