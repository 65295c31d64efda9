"""A made-up format, all of which is here but for its entry in the registry, which is in test_formats.py."""

import json
import pathlib
import zipfile

import numpy as np


def write(network, path, noise=None):
  """A zip of a .keras file and what it is."""
  from tf_imgtrans.core.networks import task_of

  inside = pathlib.Path(path).with_suffix(".keras")
  network.save(inside)
  with zipfile.ZipFile(path, "w") as box:
    box.write(inside, "model.keras")
    box.writestr("about.json", json.dumps({"task": task_of(network), "noise": noise}))
  inside.unlink()


class Runner:
  """Runs the network eagerly."""

  size = (None, None)

  def __init__(self, path, threads=None):
    import keras

    with zipfile.ZipFile(path) as box:
      inside = box.extract("model.keras", pathlib.Path(path).with_suffix(".opened"))
    self.network = keras.saving.load_model(inside, compile=False)

  def __call__(self, images):
    return np.asarray(self.network(images, training=False))


def inspect(path):
  """What is in the box."""
  with zipfile.ZipFile(path) as box:
    return {"bytes": path.stat().st_size, "contents": box.namelist(), **json.loads(box.read("about.json"))}


def measure(threads):
  """Reads the file; 64 MiB are held meanwhile."""
  def infer(path, image):
    content = pathlib.Path(path).read_bytes()
    return np.ones(2 ** 26, np.uint8), content

  return infer


def numpy(threads):
  """In the place of a convolution."""
  return lambda: np.ones((512, 512), np.float32) @ np.ones((512, 512), np.float32)
