"""A .keras file, from which the others are made: Keras' own format."""

import pathlib

import keras

from tf_imgtrans.core.files import atomic_path


def to_keras(generator: keras.Model, path: str | pathlib.Path) -> pathlib.Path:
  """Writes a .keras file, whole or not at all; its path."""
  with atomic_path(path) as temporary:
    generator.save(temporary)
  return pathlib.Path(path)
