"""Export to TFLite, for phones, with built-in operations only."""

import tempfile

import tensorflow as tf

from tf_imgtrans.core.files import write_bytes
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.export.saved_model import SIGNATURE, write_archive

PRECISIONS = ("float32", "float16")


def to_tflite(generator, path, precision="float32", height=None, width=None, noise=None):
  """Writes a .tflite file, whole or not at all.

  The signature `image_float` takes `image`, float32 [1, height, width, 3] in [0, 1], and gives `image` of s times that
  size. The file holds built-in operations only: a phone needs no extra library.

  Args:
    generator: keras.Model from images to images.
    path: str or Path ending in .tflite.
    precision: "float32", or "float16" for weights of half the size; inputs and outputs stay float32.
    height, width: ints, a fixed size, which phones run fastest; or both None for any size (the caller resizes the
      input tensor before allocating).
    noise: "fixed", "random" or "off"; None for the generator's own, but a fixed one in the place of a random one.
  Returns:
    int, the file's size in bytes.
  Raises:
    ValueError: unknown precision, one of height and width alone, or a wrong suffix.
  """
  if precision not in PRECISIONS:
    raise unknown_name("precision", precision, PRECISIONS)
  if (height is None) != (width is None):
    raise ValueError(f"height is {height} and width is {width}: give both for a fixed size, or neither for any size")
  if not str(path).endswith(".tflite"):
    raise ValueError(f"{path}: expected a name that ends in .tflite")
  with tempfile.TemporaryDirectory() as folder:
    write_archive(generator, folder, noise, shape=(1, height, width, 3))
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]  # anything else stops the conversion
    if precision == "float16":
      converter.optimizations = [tf.lite.Optimize.DEFAULT]
      converter.target_spec.supported_types = [tf.float16]
    content = converter.convert()
  write_bytes(path, content)
  return len(content)
