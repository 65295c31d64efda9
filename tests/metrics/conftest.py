"""Photographs for the tests of the metrics: scikit-image's own, and a folder named by TF_IMGTRANS_DATA."""

import os
import pathlib

import numpy as np
import pytest
import skimage.data


@pytest.fixture(scope="session")
def photograph():
  """Gives one of scikit-image's photographs as float64 [1, H, W, 3] in [0, 1]."""
  return lambda name: getattr(skimage.data, name)()[None] / 255.0


@pytest.fixture(scope="session")
def pair(photograph):
  """A photograph and a blurred, noisy copy, float64 [1, 400, 600, 3] in [0, 1]."""
  true = photograph("coffee")
  noise = 0.05 * np.random.default_rng(0).standard_normal(true.shape)
  blurred = (true + np.roll(true, 1, axis=1) + np.roll(true, 1, axis=2)) / 3
  return true, np.clip(blurred + noise, 0, 1)


@pytest.fixture(scope="session")
def dped_folder():
  """The folder `dped` of the challenge's photographs: HD_res, patches/iphone and patches/canon."""
  root = os.environ.get("TF_IMGTRANS_DATA")
  if not root:
    pytest.skip("TF_IMGTRANS_DATA is not set: it names the folder that holds dped/patches and dped/HD_res")
  folder = pathlib.Path(root) / "dped"
  if not folder.is_dir():
    pytest.skip(f"{folder} does not exist")
  return folder
