"""Networks whose features the Frechet distances compare: InceptionV3, SqueezeNet, and any Keras model.

Each states what its values depend on: name, weights with the first 16 hex digits of their sha256, and how images are
resized. Resizing is bilinear with half-pixel centres and without antialiasing (cv2.INTER_LINEAR), as pytorch-fid does it.
"""

import dataclasses
import hashlib
import pathlib
import re
import zipfile
from collections.abc import Callable

import cv2
import numpy as np

from tf_imgtrans.core.images import to_float32

INCEPTION_SIZE, INCEPTION_FEATURES = 299, 2048
SQUEEZENET_SIZE = 227
MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means that Caffe's networks subtract from values 0..255
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
WAYS = ("Give --feature_weights PATH (the argument `weights` in Python): the InceptionV3 .h5 of Keras applications, a "
        "SqueezeNet v1.1 .h5 without top, or a .keras model that returns features")


@dataclasses.dataclass(frozen=True)
class Extractor:
  """A network that returns one row of features per image.

  Attributes:
    name: str, names the distance: "frechet_<name>".
    weights: str, file or origin and "(sha256 <16 hex digits>)".
    digest: str, sha256 of the file, or of the arrays without a file.
    size: (height, width) that images are resized to, or None to take them as they are.
    run: float32 [N, h, w, 3] in [0, 1] -> [N, D].
  """

  name: str
  weights: str
  digest: str
  size: tuple | None
  run: Callable = dataclasses.field(repr=False, compare=False)

  @property
  def resize(self):
    """str: how images are resized."""
    return f"{self.size[1]}x{self.size[0]} bilinear without antialiasing" if self.size else "none"

  def prepare(self, image):
    """Resizes one image: uint8 [H, W, 3] -> float32 [h, w, 3] in [0, 1]."""
    image = to_float32(image)
    if self.size in (None, image.shape[:2]):
      return image
    return cv2.resize(image, (self.size[1], self.size[0]), interpolation=cv2.INTER_LINEAR)

  def __call__(self, images):
    """Features of prepared images: float32 [N, h, w, 3] -> float32 [N, D]; maps [N, h, w, D] are averaged.

    Raises:
      ValueError: the network returns neither.
    """
    features = np.asarray(self.run(images), np.float32)
    if features.ndim == 4:
      features = features.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
    if features.ndim != 2 or len(features) != len(images):
      raise ValueError(f"{self.weights} gives {features.shape} for {len(images)} images: expected features [N, D] or "
                       "maps [N, h, w, D]")
    return features


def find_extractor(weights):
  """The Extractor of a weights file.

  Args:
    weights: str or Path: "imagenet" for InceptionV3 with Keras' own download; an .h5 file, a SqueezeNet if it has a layer
      "fire9", else InceptionV3; or a .keras file, InceptionV3 if its model is named "inception_v3".
  Raises:
    FileNotFoundError: no such file.
    ValueError: a file of another kind, or one that does not fit.
  """
  if str(weights) == "imagenet":
    return inception_v3()
  path = _existing(weights)
  if path.suffix == ".h5":
    return squeezenet(path) if _is_squeezenet(path) else inception_v3(path)
  return keras_model(path)


def inception_v3(weights="imagenet"):
  """InceptionV3 of Keras applications up to its global average pooling ("pool3"), 2048 features.

  Images are resized to 299x299 and mapped to [-1, 1]. C. Szegedy et al., "Rethinking the Inception architecture for
  computer vision", CVPR 2016; size and range: keras.applications.inception_v3.

  Args:
    weights: "imagenet" for Keras' own download, or the path of an .h5 (with top or without), .weights.h5 or .keras file.
  Raises:
    FileNotFoundError: no such file, or the download failed.
    ValueError: the file does not fit.
  """
  import keras

  if str(weights) == "imagenet":
    try:
      model = keras.applications.InceptionV3(include_top=False, weights="imagenet", pooling="avg")
    except Exception as error:  # Keras raises a bare Exception for every network failure
      raise FileNotFoundError(f"no InceptionV3 weights: Keras' download failed ({error}). {WAYS}") from error
    from tf_imgtrans.core.networks import digest

    return _inception(model, "imagenet of Keras", digest(model))
  path = _existing(weights)
  model = _load_keras(path) if path.suffix == ".keras" else _inception_from_h5(path)
  return _inception(model, path.name, _digest(path))


def squeezenet(path):
  """SqueezeNet v1.1 without top: the 512 channels of fire9, averaged over positions.

  F. N. Iandola et al., "SqueezeNet", 2016, release 1.1. Images are resized to 227x227; values 0..255 in the order BGR,
  less the means 103.939, 116.779, 123.68.

  Args:
    path: str or Path of an .h5 with the groups conv1, fire2 .. fire9, as written by Keras 1 and 2.
  Raises:
    FileNotFoundError: no such file.
    ValueError: the file holds something else.
  """
  path = _existing(path)
  model = _squeezenet_network()
  _load_squeezenet(model, path)

  def run(images):
    return model.predict_on_batch(images[..., ::-1] * np.float32(255) - np.float32(MEAN_BGR))

  return Extractor("squeezenet", _text(path.name, _digest(path)), _digest(path), (SQUEEZENET_SIZE,) * 2, run)


def keras_model(path):
  """Any .keras model from float32 [N, h, w, 3] in [0, 1] to features [N, D] or maps [N, h', w', D], which are averaged.

  Images are resized to the model's input if it has a fixed size, else taken as they are. The extractor has the name of the
  file; a model named "inception_v3" is treated as Keras' InceptionV3.

  Raises:
    FileNotFoundError: no such file.
    ValueError: not a Keras model.
  """
  path = _existing(path)
  model = _load_keras(path)
  if model.name == "inception_v3":
    return _inception(model, path.name, _digest(path))
  shape = getattr(model, "input_shape", None)
  size = tuple(shape[1:3]) if isinstance(shape, tuple) and len(shape) == 4 and None not in shape[1:3] else None
  name = re.sub(r"\W+", "_", path.stem)
  return Extractor(name, _text(path.name, _digest(path)), _digest(path), size, model.predict_on_batch)


def _inception(model, origin, digest):
  import keras

  if any(layer.name == "avg_pool" for layer in model.layers):  # with its top
    model = keras.Model(model.inputs, model.get_layer("avg_pool").output)
  if model.output_shape[-1] != INCEPTION_FEATURES:
    raise ValueError(f"{origin} gives {model.output_shape[-1]} features: expected the {INCEPTION_FEATURES} of InceptionV3. "
                     f"{WAYS}")
  return Extractor("inception_v3", _text(origin, digest), digest, (INCEPTION_SIZE,) * 2,
                   lambda images: model.predict_on_batch(images * np.float32(2) - np.float32(1)))


def _inception_from_h5(path):
  import keras

  for options in ({"include_top": False, "pooling": "avg"}, {"include_top": True}):
    model = keras.applications.InceptionV3(weights=None, **options)
    try:
      model.load_weights(path)
      return model
    except Exception as error:  # Keras and h5py raise several types for a file that does not fit
      reason = (str(error).strip() or type(error).__name__).splitlines()[0]
  raise ValueError(f"{path} does not fit InceptionV3 ({reason}). {WAYS}")


def _squeezenet_network():
  """SqueezeNet v1.1 up to fire9: [N, 227, 227, 3], BGR less the means -> [N, 13, 13, 512]."""
  import keras

  layers = keras.layers
  images = keras.Input((SQUEEZENET_SIZE, SQUEEZENET_SIZE, 3))
  features = layers.Conv2D(64, 3, 2, "valid", activation="relu", name="conv1")(images)
  for number, (squeezed, expanded) in FIRES.items():
    if number in (2, 4, 6):
      features = layers.MaxPooling2D(3, 2, "valid")(features)
    features = layers.Conv2D(squeezed, 1, activation="relu", name=f"fire{number}_squeeze1x1")(features)
    features = layers.Concatenate()([
        layers.Conv2D(expanded, 1, activation="relu", name=f"fire{number}_expand1x1")(features),
        layers.Conv2D(expanded, 3, padding="same", activation="relu", name=f"fire{number}_expand3x3")(features)])
  return keras.Model(images, features, name="squeezenet")


def _load_squeezenet(model, path):
  """Sets every convolution from its group of the file: the 4-D array is the kernel, the 1-D one the bias."""
  import h5py

  with h5py.File(path) as file:
    for layer in (layer for layer in model.layers if layer.weights):
      group = layer.name.replace("_", "/")
      arrays = _arrays_by_rank(file[group]) if group in file else {}
      shapes = [arrays[ndim].shape if ndim in arrays else None for ndim in (4, 1)]
      expected = [tuple(weight.shape) for weight in layer.weights]
      if shapes != expected:
        raise ValueError(f"{path}: {group} holds a kernel and a bias of shapes {shapes[0]} and {shapes[1]}, expected "
                         f"{expected[0]} and {expected[1]} of SqueezeNet v1.1")
      layer.set_weights([arrays[4], arrays[1]])


def _arrays_by_rank(group):
  """Arrays at any depth below a group of an HDF5 file: dict of rank to array."""
  arrays = {}
  group.visititems(lambda _, item: arrays.update({item.ndim: item[()]}) if hasattr(item, "ndim") else None)
  return arrays


def _is_squeezenet(path):
  import h5py

  try:
    with h5py.File(path) as file:
      return "fire9" in file
  except OSError as error:
    raise ValueError(f"{path} is no HDF5 file, or a damaged one ({error}). {WAYS}") from None


def _load_keras(path):
  from tf_imgtrans.core.keras_files import load_network

  if path.suffix != ".keras" or not zipfile.is_zipfile(path):
    raise ValueError(f"{path} is no Keras model. {WAYS}")
  try:
    return load_network(path)
  except Exception as error:  # a damaged archive raises exceptions of many types
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error


def _existing(path):
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"no feature weights {str(path)!r}. {WAYS}")
  return path


def _digest(path):
  return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(origin, digest):
  return f"{origin} (sha256 {digest[:16]})"
