"""VGG19 features for the perceptual and contextual losses."""

import os
import pathlib

import h5py
import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.pyramid import pool_by_slices

VARIABLE = "TF_IMGTRANS_VGG19"
WAYS = (f"Give a weights file by --config.vgg_weights PATH, or by the environment variable {VARIABLE}, or let Keras "
        "download it where there is a network; or train without the terms that need it by "
        "--config.weight_perceptual 0 --config.weight_contextual 0")
MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means subtracted by the published weights, of values 0..255
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and channels of each block
LAYERS = tuple(f"block{block}_conv{conv}" for block, (count, _) in enumerate(BLOCKS, 1) for conv in range(1, count + 1))


class Vgg19Features(keras.Model):
  """Feature maps of VGG19 after ReLU: float [N, H, W, 3] in [0, 1] -> dict of layer name to [N, h, w, c].

  Frozen. "block3_conv2" is relu3_2 of the papers, "block5_conv4" is relu5_4. Only the layers up to the deepest requested
  one are built, so a file that holds only the first blocks serves every loss on those.

  Args:
    layers: names of the requested layers.
    weights: path of a weights file: .npz with `<layer>__kernel` and `<layer>__bias`, or the .h5 of Keras applications;
      "" uses the environment variable TF_IMGTRANS_VGG19, else Keras' download; "random" draws weights, only for tests
      of code.
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
      if kernel.shape != tuple(convolution.kernel.shape):
        raise ValueError(f"{path}: {name} has a kernel of shape {kernel.shape}, expected {tuple(convolution.kernel.shape)}")
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
  return path, _read_npz(path) if str(path).endswith(".npz") else _read_h5(path)


def _download():
  try:
    model = keras.applications.VGG19(include_top=False, weights="imagenet")
  except Exception as error:  # Keras raises a bare Exception for every network failure
    raise FileNotFoundError(f"no VGG19 weights: Keras' download failed ({error}). {WAYS}") from error
  return lambda layer: model.get_layer(layer).get_weights()


def _read_npz(path):
  arrays = np.load(path)
  return lambda layer: (arrays[f"{layer}__kernel"], arrays[f"{layer}__bias"])


def _read_h5(path):
  def read(layer):
    with h5py.File(path) as file:
      arrays = {}
      file[layer].visititems(lambda _, item: arrays.update({item.ndim: item[()]}) if hasattr(item, "ndim") else None)
      return arrays[4], arrays[1]

  return read
