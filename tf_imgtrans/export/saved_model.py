"""Export to SavedModel, for TensorFlow Serving and every other loader."""

import os
import pathlib
import shutil
import tempfile

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import float32_twin, noise_mode

SIGNATURE = "image_float"


def to_saved_model(generator, directory, version=1, noise=None):
  """Writes `directory/version/`, the layout of TensorFlow Serving, whole or not at all.

  The signatures `image_float` and `serving_default` take `image`, float32 [N, H, W, 3] in [0, 1] of any legal size,
  and give `image`, float32 [N, sH, sW, 3] in [0, 1].

  Args:
    generator: keras.Model from images to images.
    directory: str or Path, the model's folder.
    version: int, at least 1; a server takes the highest.
    noise: "fixed", "random" or "off", what noise is in the exported graph; None for the generator's own, but a fixed one in
      the place of a random one, so that one input gives one picture.
  Returns:
    Path of the version folder.
  Raises:
    ValueError: the version is there already, or is no positive integer.
  """
  folder = pathlib.Path(directory) / str(version)
  if not isinstance(version, int) or version < 1:
    raise ValueError(f"version is {version!r}: expected an integer from 1")
  if folder.exists():
    raise ValueError(f"{folder} exists already: export under the next free version, {_next_version(folder.parent)}")
  folder.parent.mkdir(parents=True, exist_ok=True)
  temporary = tempfile.mkdtemp(dir=folder.parent, prefix=".writing-")
  try:
    write_archive(generator, temporary, noise)
    os.chmod(temporary, 0o755)
    os.replace(temporary, folder)
  finally:
    shutil.rmtree(temporary, ignore_errors=True)
  return folder


def write_archive(generator, folder, noise, shape=(None, None, None, 3)):
  """Writes a SavedModel with the float signatures for inputs of `shape` into an existing empty folder."""
  generator = float32_twin(generator)
  # ExportArchive, as tf.saved_model.save of a Keras model gives a file that only Python can load.
  archive = keras.export.ExportArchive()
  archive.track(generator)

  def enhance(image):
    return {"image": generator(image, training=False)}

  specification = [tf.TensorSpec(shape, tf.float32, name="image")]
  with noise_mode(generator, noise):
    for name in (SIGNATURE, "serving_default"):
      archive.add_endpoint(name, enhance, input_signature=specification)
    archive.write_out(str(folder), verbose=False)


def _next_version(directory):
  return 1 + max(int(path.name) for path in directory.iterdir() if path.name.isdigit())
