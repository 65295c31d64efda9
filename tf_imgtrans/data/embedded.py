"""The embedded photographs: colour images that are part of the scikit-image package."""

import pathlib

import skimage.data

HELD_OUT = "astronaut.png"  # not trained on: all measurements of the embedded data use it
TRAINING = ("chelsea.png", "coffee.png", "hubble_deep_field.jpg", "motorcycle_left.png", "motorcycle_right.png",
            "retina.jpg", "rocket.jpg")


def folder():
  """The folder with scikit-image's images."""
  return pathlib.Path(skimage.data.__file__).parent


def training_photographs():
  """Paths of the photographs to train on."""
  return [_existing(name) for name in TRAINING]


def held_out_photograph():
  """Path of the photograph to measure on."""
  return _existing(HELD_OUT)


def _existing(name):
  path = folder() / name
  if not path.is_file():
    raise FileNotFoundError(f"scikit-image's {name} is missing ({path}): reinstall it with pip install --force-reinstall "
                            "scikit-image")
  return path
