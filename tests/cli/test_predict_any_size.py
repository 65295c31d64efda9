"""`predict` on large images and on videos, as a user calls it."""

import cv2
import numpy as np
import pytest
from PIL import Image
from recipes import call

from tf_imgtrans.core.images import read_uint8


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  from tf_imgtrans.recipes import create_generator

  path = tmp_path_factory.mktemp("model") / "hp.keras"
  create_generator("mux_demux_hp").save(path)
  return path


def test_tiles_of_a_photograph(model, real_photograph, tmp_path):
  Image.fromarray(np.uint8(real_photograph * 255)).save(tmp_path / "cat.png")
  for name, flags in (("whole", []), ("tiles", ["--tile", 256]), ("limit", ["--memory-limit", 20])):
    assert not call("predict", tmp_path / "cat.png", "--model", model, "--out", tmp_path / name, *flags)
  whole, tiles, limit = (np.int32(read_uint8(tmp_path / name / "cat.png")) for name in ("whole", "tiles", "limit"))
  assert np.abs(tiles - whole).max() <= 1 and np.abs(tiles - whole).mean() < 0.2
  np.testing.assert_array_equal(limit, whole)


def test_videos_beside_images(model, real_photograph, tmp_path, capfd):
  writer = cv2.VideoWriter(str(tmp_path / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
  for index in range(4):
    writer.write(np.uint8(real_photograph[index:index + 48, :64, ::-1] * 255))
  writer.release()
  (tmp_path / "torn.mp4").write_bytes((tmp_path / "clip.mp4").read_bytes()[:300])
  Image.fromarray(np.uint8(real_photograph[:48, :64] * 255)).save(tmp_path / "cat.png")
  assert not call("predict", tmp_path / "clip.mp4", tmp_path / "cat.png", "--model", model, "--out", tmp_path / "out",
                  "--keep-frames")
  out, errors = capfd.readouterr()
  assert "wrote 1 image and 1 video" in out and "4/4" in errors
  assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cat.png", "clip.frames", "clip.mp4"]
  assert len(list((tmp_path / "out" / "clip.frames").glob("*.png"))) == 4
  assert call("predict", tmp_path / "torn.mp4", tmp_path / "cat.png", "--model", model, "--out", tmp_path / "out") == 1
  out, errors = capfd.readouterr()
  assert f"{tmp_path / 'torn.mp4'}: not a video, damaged or cut short" in errors and "Traceback" not in errors
  assert "wrote 1 image and 0 videos" in out
  before = (tmp_path / "clip.mp4").read_bytes()
  assert not call("predict", tmp_path / "clip.mp4", "--model", model, "--out", tmp_path)
  assert (tmp_path / "clip_out.mp4").is_file() and (tmp_path / "clip.mp4").read_bytes() == before
  assert call("predict", tmp_path / "none.mp4", "--model", model, "--out", tmp_path) == 2
