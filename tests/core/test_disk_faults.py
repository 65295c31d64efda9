"""Whatever library meets a full, forbidden or read-only disk, the error names the file, the space and the remedy."""

import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.disk_faults import REMEDIES, fault_of, writing
from tf_imgtrans.core.files import write_bytes

TENSORFLOW = tf.errors.ResourceExhaustedError(None, None, "/disk/part-0; No space left on device [Op:SaveV2]")
HDF5 = OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device', buf = 0x1)")
FAULTS = [(OSError(errno.ENOSPC, "x"), errno.ENOSPC), (OSError(errno.EDQUOT, "x"), errno.EDQUOT), (HDF5, errno.ENOSPC),
          (OSError(errno.EROFS, "x"), errno.EROFS), (OSError(errno.EACCES, "x"), errno.EACCES), (TENSORFLOW, errno.ENOSPC),
          (tf.errors.PermissionDeniedError(None, None, "/a; Permission denied"), errno.EACCES),
          (tf.errors.UnknownError(None, None, "/a; Disk quota exceeded"), errno.EDQUOT)]


@pytest.mark.parametrize("error, number", FAULTS, ids=[f"{type(error).__name__}_{number}" for error, number in FAULTS])
def test_a_fault_of_the_disk_names_the_file(error, number, tmp_path):
  with pytest.raises(OSError, match="a.png") as caught, writing(tmp_path / "new" / "a.png"):
    raise error
  assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / "new" / "a.png"))
  assert os.strerror(number) in str(caught.value) and fault_of(caught.value) == number and REMEDIES[number]
  assert ("MB are free there" in str(caught.value)) == (number in (errno.ENOSPC, errno.EDQUOT))


@pytest.mark.parametrize("error", [ValueError("No space left on device"), FileNotFoundError(errno.ENOENT, "x", "b"),
                                   PermissionError(errno.EACCES, "x", "/elsewhere/input.png"), OSError("damaged"),
                                   tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")])
def test_other_errors_pass_as_they_are(error, tmp_path):
  with pytest.raises(type(error)) as caught, writing(tmp_path / "a.png"):
    raise error
  assert caught.value is error


def test_memory_is_not_the_disk():
  assert fault_of(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")) is None
  assert fault_of(MemoryError()) is None


def test_a_folder_that_is_not_ours(tmp_path):
  if os.geteuid() == 0:
    pytest.skip("root may write everywhere")
  tmp_path.chmod(0o500)
  with pytest.raises(PermissionError, match="a.txt"):
    write_bytes(tmp_path / "a.txt", b"")


CALLS = """
import json, sys, tempfile
tempfile.tempdir = sys.argv[2]
from tf_imgtrans.cli.main import main
full, folder = sys.argv[1:3]
calls = {
    "compress": f"compress {folder}/a.png --out {full}/a.xgp --points 50%",
    "predict": f"predict --model {folder}/m.keras --out {full}/images {folder}/a.png",
    "corrupt": f"corrupt random_points --share 0.5 --out {full}/images {folder}/a.png",
    "tflite": f"export tflite --model {folder}/m.keras --out {full}/m.tflite",
    "saved-model": f"export saved-model --model {folder}/m.keras --out {full}/served",
    "pack": f"data pack --data {folder}/photos --out {full}/packed --size 32",
    "train": f"train mux_demux --data {folder}/photos --out {full}/run --preset tiny",
}
for name, call in calls.items():
  print(f"== {name}", file=sys.stderr)
  try:
    main(call.split())
  except SystemExit as stopped:
    print(f"== {stopped.code}", file=sys.stderr)
"""


@pytest.mark.multiprocess
def test_commands_on_a_full_disk(tmp_path):
  """A file system of 1 MB with 12 kB of space: each names its file and the remedy, and leaves no part of it."""
  from tf_imgtrans.core.images import write_image
  from tf_imgtrans.recipes import create_generator

  inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
  mount = "mount -t tmpfs -o size=1m full $0 && head -c 1036288 /dev/zero > $0/filler"
  if not shutil.which("unshare") or subprocess.run([*inside, mount, tmp_path], capture_output=True).returncode:
    pytest.skip("a file system cannot be mounted in a namespace here")
  _saved(create_generator("srcnn"), tmp_path / "m.keras")
  (tmp_path / "photos").mkdir()
  for number in range(4):
    write_image(tmp_path / "photos" / f"{number}.png", recipes.random_images(1, 80, 80, 3, seed=number)[0])
  write_image(tmp_path / "a.png", recipes.random_images(1, 200, 200, 3)[0])
  full = tmp_path / "full"
  full.mkdir()
  done = subprocess.run([*inside, f"{mount} && \"$1\" -c \"$2\" $0 $3; find $0", full, sys.executable, CALLS, tmp_path],
                        capture_output=True, text=True, timeout=600, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
  parts = done.stderr.split("== ")[1:]
  said = {parts[index].split("\n")[0]: (parts[index], parts[index + 1].strip()[:1]) for index in range(0, len(parts), 2)}
  assert len(said) == 7, done.stderr
  for name, (text, status) in said.items():
    assert status == "1" and "Traceback" not in text, (name, text)
    assert "No space left on device" in text and f"'{full}/" in text and "free there" in text, (name, text)
    assert ("free some space there" in text or name in ("predict", "corrupt")), (name, text)
  ours = (".xgp", ".tflite", ".pb", ".png", ".json")
  left = [line for line in done.stdout.splitlines() if line.startswith(str(full)) and f"{full}/run/" not in line]
  assert not any(".writing-" in line or line.endswith(ours) for line in left), left


def _saved(network, path):
  network(np.zeros((1, 16, 16, 3), np.float32))
  network.save(path)
