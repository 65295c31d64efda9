"""Claims of folders: one writer at a time for the same files, and none that outlives its process."""

import os
import signal
import subprocess
import sys

import pytest

from tf_imgtrans.core.claims import PREFIX, claimed

pytest.importorskip("fcntl", reason="folders are claimed on POSIX systems alone")
HOLD = """
import sys, time
from tf_imgtrans.core.claims import claimed
with claimed(sys.argv[1], ["a", "b"], "a training"):
  print("held", flush=True)
  time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
  """Another process that claims a and b in the folder."""
  process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
  assert process.stdout.readline() == "held\n"
  yield process
  process.kill()
  process.wait()
  process.stdout.close()


def test_a_second_one_is_told_who_writes_there(holder, tmp_path):
  message = rf"run is written to by a training, process {holder.pid} on .*, since 20\d\d-.*: wait"
  with pytest.raises(ValueError, match=message):
    with claimed(tmp_path / "run", ["b", "c"], "another"):
      pass
  with claimed(tmp_path / "run", ["c"], "another"):  # of other files
    assert len(list((tmp_path / "run").glob(f"{PREFIX}*"))) == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_claim_ends_with_its_process(number, holder, tmp_path):
  os.kill(holder.pid, number)
  holder.wait()
  assert len(list((tmp_path / "run").glob(f"{PREFIX}*"))) == 1  # left behind
  with claimed(tmp_path / "run", ["a"], "another"):
    assert len(list((tmp_path / "run").glob(f"{PREFIX}*"))) == 1  # its own
  assert not list((tmp_path / "run").glob(f"{PREFIX}*"))


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
  with pytest.raises(ArithmeticError), claimed(tmp_path / "new" / "run", ["a"], "a training"):
    raise ArithmeticError
  assert not (tmp_path / "new" / "run").exists()
  with claimed(tmp_path / "kept", ["a"], "a training"):
    (tmp_path / "kept" / "a").touch()
  assert [path.name for path in (tmp_path / "kept").iterdir()] == ["a"]
  (tmp_path / "mine").mkdir()
  with claimed(tmp_path / "mine", ["a"], "a training"):
    pass
  assert (tmp_path / "mine").is_dir()  # which was there before


def test_exports_and_videos_are_claimed(tmp_path):
  """Before anything is read or written; the lock of this process stands for that of another."""
  from tf_imgtrans.export.verified import export_model
  from tf_imgtrans.inference.video import predict_video

  with claimed(tmp_path, ["m.tflite", "clip.frames"], "another"):
    with pytest.raises(ValueError, match="is written to by another"):
      export_model(None, "tflite", tmp_path / "m.tflite", [])
    with pytest.raises(ValueError, match="is written to by another"):
      predict_video(None, tmp_path / "in.mp4", tmp_path / "clip.mp4")
  assert not list(tmp_path.iterdir())
