"""Peak memory of a model file, in a process of its own."""

import json
import pathlib
import subprocess
import sys

# What a process holds before the file is loaded is the runtime's own, and is taken off.
_PROGRAM = """
import json, os, resource, sys
import numpy as np
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
kind, path, height, width, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
image = np.random.default_rng(0).random((1, height, width, 3), np.float32)
if kind == "tflite":
  from ai_edge_litert.interpreter import Interpreter
else:
  import keras, tensorflow as tf
  import tf_imgtrans
  tf.config.threading.set_intra_op_parallelism_threads(threads)
  tf.function(lambda: tf.nn.conv2d(tf.zeros([1, 8, 8, 3]), tf.zeros([3, 3, 3, 3]), 1, "SAME"))()

def peak():
  if os.path.exists("/proc/self/status"):  # Linux counts the parent's memory at the fork into ru_maxrss
    with open("/proc/self/status") as status:
      return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS

before = peak()
if kind == "tflite":
  run = Interpreter(model_path=path, num_threads=threads)
  index = run.get_input_details()[0]["index"]
  if -1 in run.get_input_details()[0]["shape_signature"]:
    run.resize_tensor_input(index, image.shape, strict=True)
  run.allocate_tensors()
  run.set_tensor(index, image)
  run.invoke()
elif kind == "keras":
  model = keras.saving.load_model(path, compile=False)
  tf.function(lambda image: model(image, training=False))(tf.constant(image))
else:
  loaded = tf.saved_model.load(path)
  loaded.signatures["image_float"](image=tf.constant(image))
print(json.dumps(peak() - before))
"""


def peak_memory(kind: str, path: str | pathlib.Path, height: int, width: int, threads: int) -> int:
  """Bytes by which one inference, loading included, raises the peak memory of a process.

  Args:
    kind: str: "keras", "saved-model" or "tflite".
    path: of the .keras file, the SavedModel's version folder or the .tflite file (float32 in and out).
    height, width: int, of the image.
    threads: int.
  Returns:
    int; 0 where the runtime's own start held more.
  Raises:
    RuntimeError: the process failed; its last line is in the message.
  """
  ran = subprocess.run([sys.executable, "-c", _PROGRAM, kind, str(path), *map(str, (height, width, threads))],
                       check=False, capture_output=True, text=True)
  if ran.returncode:
    raise RuntimeError(f"{path}: its memory cannot be measured: {(ran.stderr.strip().splitlines() or ['no message'])[-1]}")
  return json.loads(ran.stdout.splitlines()[-1])
