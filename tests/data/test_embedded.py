"""The embedded photographs."""

import pytest

from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.data import embedded


def test_they_are_there_in_colour_and_large_enough():
  images = [*embedded.training_photographs(), embedded.held_out_photograph()]
  assert len(images) == 10
  for path in images:
    pixels = read_uint8(path)
    assert min(pixels.shape[:2]) == 512, path.name
    assert (pixels[..., 0] != pixels[..., 2]).any(), f"{path.name} is grey"


def test_the_held_out_one_is_not_trained_on():
  held = embedded.held_out_photograph()
  assert held.name == embedded.HELD_OUT and held not in embedded.training_photographs()
  assert all(path.read_bytes() != held.read_bytes() for path in embedded.training_photographs())


def test_every_photograph_has_its_credit():
  """A line with an author, a source and a licence for each, and none for a file that is not there."""
  lines = [line.split(" | ") for line in (embedded.FOLDER / "CREDITS.md").read_text().splitlines() if ".jpg` |" in line]
  assert sorted(line[0].strip("| `") for line in lines) == sorted(path.name for path in embedded.FOLDER.glob("*.jpg"))
  assert all(len(line) == 4 and line[1] and "/" in line[2] and line[3].startswith("CC0") for line in lines)


def test_a_missing_file_says_what_to_do(monkeypatch, tmp_path):
  monkeypatch.setattr(embedded, "FOLDER", tmp_path)
  with pytest.raises(FileNotFoundError, match="embedded photographs are missing .*pip install"):
    embedded.held_out_photograph()
