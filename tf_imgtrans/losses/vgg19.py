"""VGG19 features for the perceptual and contextual losses."""

import os
import pathlib

import h5py
import keras
import numpy as np
import tensorflow as tf
from scipy.io import loadmat

from tf_imgtrans.core.archives import Arrays
from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.pyramid import pool_by_slices

VARIABLE = "TF_IMGTRANS_VGG19"
WAYS = (f"Give a weights file by --config.vgg_weights PATH, or by the environment variable {VARIABLE}, or let Keras "
        "download it where there is a network; or train without the terms that need it by "
        "--config.weight_perceptual 0 --config.weight_contextual 0")
MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means subtracted by the published weights, of values 0..255
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and channels of each block
# A filter [3, 3, 3] of the first layer of the published weights as Keras has them: rows, columns, BGR. Transposed or
# in RGB it is far from itself.
FILTER_NUMBER = 13
FILTER = (((0.052, 0.018, -0.094), (0.0, -0.061, -0.179), (-0.083, -0.153, -0.245)),
          ((0.168, 0.143, 0.009), (0.153, 0.102, -0.038), (-0.009, -0.072, -0.185)),
          ((0.147, 0.144, 0.024), (0.150, 0.123, -0.004), (0.027, -0.011, -0.112)))
LIKE = 0.98  # cosine of the angle between a filter and its rounded values, at least
LAYERS = tuple(f"block{block}_conv{conv}" for block, (count, _) in enumerate(BLOCKS, 1) for conv in range(1, count + 1))


class Vgg19Features(OwnDefaults, keras.Model):
  """Feature maps of VGG19 after ReLU: float [N, H, W, 3] in [0, 1] -> dict of layer name to [N, h, w, c].

  Frozen. "block3_conv2" is relu3_2 of the papers, "block5_conv4" is relu5_4. Only the layers up to the deepest requested
  one are built, so a file that holds only the first blocks serves every loss on those.

  Args:
    layers: names of the requested layers.
    weights: path of a weights file: .npz with `<layer>__kernel` and `<layer>__bias`, the .h5 of Keras applications, or
      MatConvNet's imagenet-vgg-verydeep-19.mat, which DPED's code takes; "" uses the environment variable
      TF_IMGTRANS_VGG19, else Keras' download; "random" draws weights, only for tests of code.
  Raises:
    ValueError: an unknown layer, or one that the file does not hold.
    FileNotFoundError: no weights found.
  """

  def __init__(self, layers, weights="", **kwargs):
    super().__init__(trainable=False, **{"name": "vgg19", **kwargs})
    for layer in layers:
      if layer not in LAYERS:
        raise unknown_name("VGG19 layer", layer, LAYERS)
    self.wanted = tuple(layers)
    self.pool_by_slices = False  # True where XLA compiles deterministically: it has no deterministic gradient of max_pool2d
    self.used = LAYERS[:1 + max(LAYERS.index(layer) for layer in layers)]
    self.convolutions = [
        keras.layers.Conv2D(BLOCKS[int(name[5]) - 1][1], 3, padding="same", activation="relu", name=name,
                            kernel_initializer=keras.initializers.HeNormal(index), dtype=self.dtype_policy)
        for index, name in enumerate(self.used)]
    self(keras.Input((None, None, 3)))
    if weights != "random":
      self._load(weights)

  def call(self, images):
    bgr = tf.cast(images, tf.float32)[..., ::-1] * 255.0 - MEAN_BGR
    features, found = tf.cast(bgr, self.compute_dtype), {}
    for name, convolution in zip(self.used, self.convolutions):
      if name.endswith("conv1") and name != LAYERS[0]:
        features = pool_by_slices(features) if self.pool_by_slices else tf.nn.max_pool2d(features, 2, 2, padding="VALID")
      features = convolution(features)
      if name in self.wanted:
        found[name] = features
    return found

  def _load(self, weights):
    path, read = find_weights(weights)
    for name, convolution in zip(self.used, self.convolutions):
      try:
        kernel, bias = read(name)
      except KeyError:
        raise ValueError(f"{path} holds no layer {name}, which the losses need up to {self.used[-1]}: choose layers that "
                         f"it holds, or give a complete VGG19 by --config.vgg_weights or {VARIABLE}") from None
      for what, array, variable in (("kernel", kernel, convolution.kernel), ("bias", bias, convolution.bias)):
        if array.shape != tuple(variable.shape) or array.dtype.kind != "f":
          raise ValueError(f"{path}: {name} has a {what} of {array.dtype} {array.shape}, expected float32 "
                           f"{tuple(variable.shape)}")
        if not np.isfinite(array).all():
          raise ValueError(f"{path}: {name} has a {what} with values that are not finite: the file is damaged")
      convolution.set_weights([kernel, bias])



def find_weights(path=""):
  """Finds VGG19 weights: the given path, else the environment variable TF_IMGTRANS_VGG19, else Keras' download.

  Returns:
    (origin, read): name of the source in messages, and `read(layer)`, which returns (kernel, bias) float32 or raises
    KeyError for a layer that the file lacks.
  Raises:
    FileNotFoundError: no weights found; the message names the three ways to provide them.
  """
  path = path or os.environ.get(VARIABLE, "")
  if not path:
    return "Keras' VGG19", _download()
  if not pathlib.Path(path).is_file():
    raise FileNotFoundError(f"VGG19 weights {path!r} do not exist. {WAYS}")
  read = {".npz": _read_npz, ".mat": _read_mat}.get(pathlib.Path(path).suffix.lower(), _read_h5)
  return path, read(path)


def _download():
  try:
    model = keras.applications.VGG19(include_top=False, weights="imagenet")
  except Exception as error:  # Keras raises a bare Exception for every network failure
    raise FileNotFoundError(f"no VGG19 weights: Keras' download failed ({error}). {WAYS}") from error
  return lambda layer: model.get_layer(layer).get_weights()


def _read_npz(path):
  try:
    arrays = Arrays(path)
  except ValueError as error:
    raise ValueError(f"{error}: expected weights of VGG19 as .npz, .h5 or .mat") from None
  return lambda layer: (arrays[f"{layer}__kernel"], arrays[f"{layer}__bias"])


def _read_mat(path):
  """MatConvNet's layers by their names, as the order of their fields differs between its versions.

  Some of its files hold kernels [width, height, inputs, outputs], and their images are RGB. Which of the four arrangements
  a file has is read off a filter of the first layer.
  """
  try:
    layers = loadmat(path, variable_names=["layers"], squeeze_me=True, struct_as_record=False)["layers"]
    found = {layer.name: _mat_arrays(layer) for layer in np.atleast_1d(layers) if layer.name.startswith("conv")}
    first, _ = found["conv1_1"]
  except Exception as error:  # SciPy and zlib have their own for damaged files, and missing fields several
    raise ValueError(f"{path} is no VGG19 of MatConvNet ({error}): expected imagenet-vgg-verydeep-19.mat, with `layers`, "
                     "each with a name, and the convolutions with weights") from None
  ways = [(axes, step) for axes in ((0, 1, 2), (1, 0, 2)) for step in (1, -1)]
  known = np.asarray(FILTER).ravel()
  seen = [_likeness(first[..., FILTER_NUMBER].transpose(axes)[..., ::step], known) for axes, step in ways]
  if max(seen) < LIKE:
    raise ValueError(f"{path}: its first layer is not that of the VGG19 that was trained on ImageNet")
  (rows, columns, _), step = ways[int(np.argmax(seen))]

  def read(layer):
    kernel, bias = found[f"conv{layer[5]}_{layer[-1]}"]
    kernel = kernel.transpose(rows, columns, 2, 3)
    return kernel[:, :, ::step] if layer == LAYERS[0] else kernel, bias

  return read


def _mat_arrays(layer):
  """(kernel, bias) of a convolution, in the fields of MatConvNet's newer files or of those before version beta17."""
  kernel, bias = layer.weights if hasattr(layer, "weights") else (layer.filters, layer.biases)
  return np.asarray(kernel, np.float32), np.asarray(bias, np.float32).ravel()


def _likeness(kernel, known):
  """Cosine of the angle between two filters."""
  return float(kernel.ravel() @ known / max(np.linalg.norm(kernel) * np.linalg.norm(known), 1e-12))


def _read_h5(path):
  try:
    h5py.File(path).close()
  except OSError as error:
    raise ValueError(f"{path} is no HDF5 file ({error}): expected weights of VGG19 as .h5, .npz or .mat") from None

  def read(layer):
    with h5py.File(path) as file:
      arrays = {}
      file[layer].visititems(lambda _, item: arrays.update({item.ndim: item[()]}) if hasattr(item, "ndim") else None)
      return arrays[4], arrays[1]

  return read
