"""Files are written whole or not at all."""

import json
import os
import pathlib
import socket
import stat

import pytest
import recipes

from tf_imgtrans.core.files import atomic_path, read_bytes, remove_leftovers, write_bytes, write_json
from tf_imgtrans.core.images import read_image, read_uint8
from tf_imgtrans.data.labels import read_labels
from tf_imgtrans.data.pairs import check_photographs, check_sides
from tf_imgtrans.inference.predict import predict_files


def test_write_bytes_makes_folders_and_leaves_one_file(tmp_path):
  path = tmp_path / "a" / "b" / "file.bin"
  write_bytes(path, b"\0content")
  assert path.read_bytes() == b"\0content"
  assert [item.name for item in path.parent.iterdir()] == ["file.bin"]


def test_a_failed_write_keeps_the_old_file_and_no_leftover(tmp_path):
  path = tmp_path / "file.txt"
  path.write_text("old")
  with pytest.raises(RuntimeError, match="midway"), atomic_path(path) as temporary:
    temporary.write_text("half of the ne")
    raise RuntimeError("midway")
  assert path.read_text() == "old"
  assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_whole_until_the_new_one_is(tmp_path):
  path = tmp_path / "file.txt"
  path.write_text("old")
  with atomic_path(path) as temporary:
    temporary.write_text("new")
    assert path.read_text() == "old"
    assert temporary.parent == path.parent  # a rename across file systems would not be atomic
    assert temporary.suffix == ".txt"  # writers that look at the suffix
  assert path.read_text() == "new"


UMASK = """
import os, pathlib, sys
os.umask(0o027)  # as a shell sets it, before the program starts
from tf_imgtrans.core.files import write_bytes
write_bytes(pathlib.Path(sys.argv[1]), b"")
assert os.umask(0) == 0o027
"""


def test_permissions_follow_the_umask(tmp_path):
  recipes.run_python(UMASK, tmp_path / "file")
  assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_write_json(tmp_path):
  value = {"config": {"weight": 0.5, "layers": ("a", "b")}, "out": pathlib.PurePosixPath("runs/1"), "none": None}
  write_json(tmp_path / "run.json", value)
  text = (tmp_path / "run.json").read_text()
  assert text.endswith("}\n")
  assert json.loads(text) == {"config": {"weight": 0.5, "layers": ["a", "b"]}, "out": "runs/1", "none": None}


def test_remove_leftovers_of_a_killed_process(tmp_path):
  (tmp_path / "keep.npz").touch()
  context = atomic_path(tmp_path / "lost.npz")
  context.__enter__()  # killed here
  assert len(list(tmp_path.iterdir())) == 2
  remove_leftovers(tmp_path)
  assert [path.name for path in tmp_path.iterdir()] == ["keep.npz"]


@pytest.mark.skipif(os.name != "posix", reason="only here can a folder be opened")
def test_the_content_is_synced_before_the_rename_and_the_folder_after_it(tmp_path, monkeypatch):
  path, synced = tmp_path / "file", []
  monkeypatch.setattr(os, "fsync", lambda handle: synced.append((os.fstat(handle).st_ino, path.exists())))
  write_bytes(path, b"content")
  assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


@pytest.fixture
def irregular(tmp_path):
  """A named pipe that nobody writes to, and a socket, named like images; and what is said of each."""
  os.mkfifo(tmp_path / "pipe.png")
  with socket.socket(socket.AF_UNIX) as server:
    server.bind(str(tmp_path / "socket.png"))
    yield {tmp_path / "pipe.png": "a named pipe, not a file: give a regular file",
           tmp_path / "socket.png": "a socket, not a file: give a regular file",
           pathlib.Path("/dev/zero"): "a device, not a file: give a regular file"}


@pytest.mark.timeout(60)
def test_what_is_no_file_is_not_waited_for(irregular, tmp_path):
  """Each reader of what a user names."""
  for path, words in irregular.items():
    for read in (read_bytes, lambda path: read_labels(path, "camvid"), read_image, read_uint8):
      with pytest.raises(ValueError, match=words):
        read(path)
  report = predict_files(lambda images: images, list(irregular), tmp_path / "out", progress=False)
  assert {path: reason for path, reason in report.failures} == irregular
  check_sides(irregular, 8, "")  # they are named later, when they are read
  with pytest.raises(ValueError, match="2 of 2 photographs cannot be trained on"):
    check_photographs([path for path in irregular if path.parent == tmp_path])
