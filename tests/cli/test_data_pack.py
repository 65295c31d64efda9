"""`tf-imgtrans data pack`: the folder it makes, bad images, and wrong calls."""

import functools

import numpy as np
import pytest
import recipes

from tf_imgtrans.core.images import write_image
from tf_imgtrans.data.shards import ShardStore, find_shards
from tf_imgtrans.version import __version__

call = functools.partial(recipes.call, "data", "pack")


@pytest.fixture
def photographs(tmp_path):
  """Three squares in FFHQ's layout."""
  folder = tmp_path / "images"
  for name in ("00000/00000", "00000/00001", "01000/01000"):
    write_image(folder / f"{name}.png", recipes.random_images(32, 32, 3, seed=int(name[-5:])))
  return folder


def test_every_size_from_the_smallest(photographs, tmp_path, capsys):
  out = tmp_path / "below" / "packed"
  assert call("--data", photographs, "--out", out, "--size", 32, "--smallest", 8, "--per_shard", 2) == 0
  published = capsys.readouterr()
  assert f"packed 3 images at 8, 16, 32 pixels in {out}" in published.out
  assert "packing" in published.err and "3/3" in published.err
  found = find_shards(out)
  assert found.names == ("00000/00000.png", "00000/00001.png", "01000/01000.png") and found.version == __version__
  assert sorted(path.name for path in (out / "8x8").iterdir()) == [
      "images-00000-of-00002.tfrecord", "images-00001-of-00002.tfrecord", "index.json"]
  expected = np.floor(recipes.random_images(32, 32, 3, seed=1000) * 255 + 0.5)
  np.testing.assert_array_equal(ShardStore(out, 32).read(2), expected)
  assert np.abs(ShardStore(out, 8).read(2) - expected.reshape(8, 4, 8, 4, 3).mean((1, 3))).max() <= 0.5


def test_a_bad_image_is_named_and_the_others_are_done(photographs, tmp_path, capsys):
  (photographs / "bad.png").write_text("no image")
  assert call("--data", photographs, "--out", tmp_path / "packed", "--size", 16) == 1
  published = capsys.readouterr()
  assert f"{photographs / 'bad.png'}: not an image" in published.err and "1 failed" in published.out
  assert len(find_shards(tmp_path / "packed")) == 3


def test_small_images_need_a_word(photographs, tmp_path, capsys):
  flags = ["--data", photographs, "--out", tmp_path / "packed", "--size", 64, "--smallest", 64]
  assert call(*flags) == 2
  assert "3 of 3 images have less than 64 pixels" in capsys.readouterr().err
  assert not (tmp_path / "packed").exists()
  assert call(*flags, "--enlarge", "--no_crop") == 0
  assert find_shards(tmp_path / "packed").sizes == (64,)


def test_a_packed_folder_is_left_alone(photographs, tmp_path, capsys):
  flags = ["--data", photographs, "--out", tmp_path / "packed", "--size", 16]
  assert call(*flags) == 0
  assert call(*flags) == 2
  assert "holds packed images already" in capsys.readouterr().err


@pytest.mark.parametrize("flags, message", [
    (["--size", 48], "size is 48 and smallest 8"), (["--size", 4], "size is 4"), (["--smallest", 0], "smallest 0"),
    (["--per_shard", 0], "per_shard is 0"), (["--data", "missing"], "no data folder missing")])
def test_a_wrong_call_says_what_is_right(flags, message, photographs, tmp_path, capsys):
  assert call("--data", photographs, "--out", tmp_path / "packed", *flags) == 2
  assert message in capsys.readouterr().err
  assert not (tmp_path / "packed").exists()
