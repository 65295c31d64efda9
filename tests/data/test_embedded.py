"""The embedded photographs."""

from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.data import embedded


def test_they_are_there_in_colour_and_large_enough():
  images = [*embedded.training_photographs(), embedded.held_out_photograph()]
  assert len(images) == 8
  for path in images:
    pixels = read_uint8(path)
    assert min(pixels.shape[:2]) >= 100, path.name
    assert (pixels[..., 0] != pixels[..., 2]).any(), f"{path.name} is grey"


def test_the_held_out_one_is_not_trained_on():
  assert embedded.HELD_OUT not in embedded.TRAINING
  assert len(set(embedded.TRAINING)) == len(embedded.TRAINING)
  held = embedded.held_out_photograph().read_bytes()
  assert all(path.read_bytes() != held for path in embedded.training_photographs())


def test_a_missing_file_says_what_to_do(monkeypatch, tmp_path):
  import pytest

  monkeypatch.setattr(embedded, "folder", lambda: tmp_path)
  with pytest.raises(FileNotFoundError, match="scikit-image's astronaut.png is missing .*pip install"):
    embedded.held_out_photograph()
