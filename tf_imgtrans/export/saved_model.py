"""Export to SavedModel, for TensorFlow Serving and every other loader."""

import bisect
import contextlib
import math
import os
import pathlib
import shutil
import tempfile

import keras
import tensorflow as tf

from tf_imgtrans.core.blending import check_strength
from tf_imgtrans.core.disk_faults import writing
from tf_imgtrans.core.networks import float32_twin, noise_mode
from tf_imgtrans.export.decoding import MAX_PIXELS, decode_image
from tf_imgtrans.export.metadata import describe, write_description
from tf_imgtrans.export.serving_assets import write_warmup

read_picture = decode_image  # its name in version 0.1.0

SIGNATURE = "image_float"
_PNG_COMPRESSION = 1  # a quarter of the time of zlib's default, 5 % more bytes (a photograph of 512x512: 17 ms for 67 ms)
_LARGEST_PROBE = 64  # pixels; what the warm-up and the loaders of exported files take for legal


def to_saved_model(generator: keras.Model, directory: str | pathlib.Path, version: int = 1, noise: str | None = None,
                   max_pixels: int = MAX_PIXELS, strength: float = 1.0) -> pathlib.Path:
  """Writes `directory/version/`, the layout of TensorFlow Serving, whole or not at all, with warm-up requests inside.

  The folder says what it takes and gives, and what the network was trained for (export.metadata).

  Its signatures, s being the generator's scale:
    serving_default: `image_bytes`, string [N] (or []) of encoded JPEG, PNG, WebP or BMP images, each of its own size, to
      `image_bytes`, string of that shape, PNG images of s times those sizes, 8 bits a channel. See `decode_image`.
    image_uint8: `image`, uint8 [N, H, W, 3], to `image`, uint8 [N, sH, sW, 3].
    image_float: `image`, float32 [N, H, W, 3] in [0, 1] of any legal size, to `image`, float32 [N, sH, sW, 3] in [0, 1].

  The server must be at least as new as the TensorFlow that exports: one that does not know tf.io.decode_webp cannot load
  the model; an export by such a TensorFlow refuses WebP. A request with one unreadable image fails as a whole with
  INVALID_ARGUMENT, and the server goes on.

  Args:
    generator: keras.Model from images to images.
    directory: str or Path, the model's folder.
    version: int, at least 1; a server takes the highest.
    noise: "fixed", "random" or "off", what noise is in the exported graph; None for the generator's own, but a fixed one in
      the place of a random one, so that one input gives one image.
    max_pixels: int, the most pixels that an encoded image may have; its header is asked before it is decoded.
    strength: float in [0, 1], written into the description; see `to_tflite`.
  Returns:
    Path of the version folder.
  Raises:
    ValueError: the version is there already, or a number that is no positive integer.
  """
  folder = pathlib.Path(directory) / str(version)
  for name, value in (("version", version), ("max_pixels", max_pixels)):
    if type(value) is not int or value < 1:  # True is an int, too
      raise ValueError(f"{name} is {value!r}: expected an integer from 1")
  check_strength(strength, int(getattr(generator, "scale", 1)))
  if folder.exists():
    raise ValueError(f"{folder} exists already: export under the next free version, {_next_version(folder.parent)}")
  with writing(folder), _temporary_folder(folder) as temporary:
    smallest = _smallest_side(generator)
    write_archive(generator, temporary, noise, max_pixels=max_pixels, smallest=smallest or 1)
    side = min(_LARGEST_PROBE, math.isqrt(max_pixels))
    if smallest and side >= smallest:  # a warm-up request that fails would keep the server from loading the model
      write_warmup(temporary, folder.absolute().parent.name, side)
    write_description(temporary, describe(generator, "float32", noise=noise, strength=strength))
    os.chmod(temporary, 0o755)
    os.replace(temporary, folder)
  return folder


@contextlib.contextmanager
def _temporary_folder(folder):
  """Yields a folder beside `folder`; nothing of it stays, nor of parents made for it, unless it was renamed."""
  made = not folder.parent.exists()
  folder.parent.mkdir(parents=True, exist_ok=True)
  temporary = tempfile.mkdtemp(dir=folder.parent, prefix=".writing-")
  try:
    yield temporary
  finally:
    shutil.rmtree(temporary, ignore_errors=True)
    if made:
      with contextlib.suppress(OSError):  # not empty: it was renamed
        folder.parent.rmdir()


def write_archive(generator, folder, noise, shape=(None, None, None, 3), max_pixels=None, smallest=1):
  """Writes a SavedModel into an existing empty folder.

  Args:
    generator: keras.Model from images to images.
    folder: str or Path.
    noise: as of `to_saved_model`.
    shape: of the inputs of `image_float`, None where any size is legal.
    max_pixels: int, for the signatures of `to_saved_model`; None for float images alone, also under `serving_default`.
    smallest: int, the least height and width of encoded images.
  """
  generator = float32_twin(generator)
  # ExportArchive, as tf.saved_model.save of a Keras model gives a file that only Python can load. It finds the variables
  # that the endpoints use; a tracked model would put the weights into the file a second time.
  archive = keras.export.ExportArchive()

  def network(image):
    return generator(image, training=False)

  if max_pixels is not None:  # one function, which all signatures call: else the file holds the network for each of them
    network = tf.function(network, input_signature=[tf.TensorSpec(shape)])

  def enhance(image):
    return {"image": network(image)}

  def enhance_uint8(image):
    return {"image": _to_uint8(network(tf.cast(image, tf.float32) / 255))}

  floats = [tf.TensorSpec(shape, tf.float32, name="image")]
  with noise_mode(generator, noise):
    archive.add_endpoint(SIGNATURE, enhance, input_signature=floats)
    if max_pixels is None:
      archive.add_endpoint("serving_default", enhance, input_signature=floats)
    else:
      archive.add_endpoint("image_uint8", enhance_uint8, input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")])
      # Of unknown rank, as a REST call in columns sends one image as a scalar.
      archive.add_endpoint("serving_default", _bytes_endpoint(network, max_pixels, smallest),
                           input_signature=[tf.TensorSpec(None, tf.string, name="image_bytes")])
    archive.write_out(str(folder), verbose=False)


def _bytes_endpoint(network, max_pixels, smallest):
  """The function from encoded images to encoded images."""
  def enhance_one(data):
    image = decode_image(data, max_pixels, smallest)
    return tf.io.encode_png(_to_uint8(network(image[None])[0]), compression=_PNG_COMPRESSION)

  def enhance_bytes(image_bytes):
    # One at a time: images differ in size, and the maps of one are enough for the memory.
    enhanced = tf.map_fn(enhance_one, tf.reshape(image_bytes, [-1]), parallel_iterations=1,
                         fn_output_signature=tf.TensorSpec([], tf.string))
    return {"image_bytes": tf.reshape(enhanced, tf.shape(image_bytes))}

  return enhance_bytes


def _smallest_side(generator):
  """The smallest height and width that the generator takes, by the checks of its own; None above 64 pixels."""
  def legal(side):
    try:  # traced, as Keras asks some networks for the shape of their output alone
      tf.function(lambda image: generator(image, training=False)).get_concrete_function(tf.TensorSpec([1, side, side, 3]))
    except ValueError:
      return False
    return True

  side = 1 + bisect.bisect_left(range(1, _LARGEST_PROBE), True, key=legal)
  return side if legal(side) else None


def _to_uint8(images):
  """Float values as uint8: clipped to [0, 1], times 255, rounded half up, as core.images.to_uint8."""
  return tf.cast(tf.floor(tf.clip_by_value(images, 0.0, 1.0) * 255 + 0.5), tf.uint8)


def _next_version(directory):
  return 1 + max(int(path.name) for path in directory.iterdir() if path.name.isdigit())
