"""Peak memory of a model file, in a process of its own."""

import json
import pathlib
import subprocess
import sys

from tf_imgtrans.core.formats import get_format

# What a process holds before the file is loaded is the runtime's own, and is taken off.
_PROGRAM = """
import json, os, resource, runpy, sys
import numpy as np
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
source, name, path, height, width, threads = *sys.argv[1:4], *map(int, sys.argv[4:])
image = np.random.default_rng(0).random((1, height, width, 3), np.float32)

def peak():
  if os.path.exists("/proc/self/status"):  # Linux counts the parent's memory at the fork into ru_maxrss
    with open("/proc/self/status") as status:
      return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS

infer = runpy.run_path(source)[name](threads)
before = peak()
infer(path, image)
print(json.dumps({"bytes": peak() - before, "packages": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def peak_memory(kind: str, path: str | pathlib.Path, height: int, width: int, threads: int) -> int:
  """Bytes by which one inference, loading included, raises the peak memory of a process.

  Args:
    kind: str, a name of `core.formats`: "keras", "saved-model", "tflite" or "frozen-graph".
    path: of the file, float32 in and out, or of the SavedModel's version folder.
    height, width: int, of the image.
    threads: int.
  Returns:
    int; 0 where the runtime's own start held more.
  Raises:
    ValueError: an unknown kind.
    RuntimeError: the process failed; its last line is in the message.
  """
  return probe(kind, path, height, width, threads)["bytes"]


def probe(kind, path, height, width, threads):
  """As `peak_memory`: dict of bytes, and of packages, the names of those that the process has imported."""
  measure = get_format(kind).measure
  ran = subprocess.run([sys.executable, "-c", _PROGRAM, measure.source, measure.name, str(path),
                        *map(str, (height, width, threads))], check=False, capture_output=True, text=True)
  if ran.returncode:
    raise RuntimeError(f"{path}: its memory cannot be measured: {(ran.stderr.strip().splitlines() or ['no message'])[-1]}")
  return json.loads(ran.stdout.splitlines()[-1])
