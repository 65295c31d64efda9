"""Feature extractors: SqueezeNet against convolutions in NumPy, Keras models by path, InceptionV3, and errors."""

import hashlib

import cv2
import h5py
import keras
import numpy as np
import pytest
from numpy_operations import convolve, windows
from recipes import random_images, smooth_images

from tf_imgtrans.core.images import read_image, to_uint8
from tf_imgtrans.metrics import feature_distance, fid
from tf_imgtrans.metrics import feature_extractors as module
from tf_imgtrans.metrics.feature_extractors import find_extractor

FIRES = {2: (64, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128), 6: (256, 48, 192), 7: (384, 48, 192),
         8: (384, 64, 256), 9: (512, 64, 256)}  # channels into it, squeezed, of each expansion


@pytest.fixture(scope="module")
def squeezenet_file(tmp_path_factory):
  """Random weights in the layout of the published file: (path, dict of layer to (kernel, bias))."""
  rng, arrays = np.random.default_rng(0), {}
  path = tmp_path_factory.mktemp("squeezenet") / "squeezenet.h5"
  shapes = {"conv1": (3, 3, 3, 64)}
  for fire, (given, squeezed, expanded) in FIRES.items():
    shapes |= {f"fire{fire}/squeeze1x1": (1, 1, given, squeezed), f"fire{fire}/expand1x1": (1, 1, squeezed, expanded),
               f"fire{fire}/expand3x3": (3, 3, squeezed, expanded)}
  with h5py.File(path, "w") as file:
    for number, (layer, shape) in enumerate(shapes.items(), 1):
      kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape).astype(np.float32)
      bias = rng.normal(0, 0.1, shape[3:]).astype(np.float32)
      arrays[layer] = kernel, bias
      file[f"{layer}/uniform{number}"] = kernel
      file[f"{layer}/{layer}_b"] = bias
  return path, arrays


def convolved(features, kernel, bias, stride=1):
  """Padded where the kernel does not step on, then ReLU."""
  return np.maximum(convolve(features, np.float64(kernel), stride, "same" if stride == 1 else 0) + bias, 0)


def squeezenet_in_numpy(image, arrays):
  """SqueezeNet v1.1 up to fire9, averaged: uint8 [227, 227, 3] RGB -> float64 [512]."""
  features = convolved(np.float64(image[None, ..., ::-1]) - [103.939, 116.779, 123.68], *arrays["conv1"], stride=2)
  for fire in range(2, 10):
    features = windows(features, 3, 2).max(axis=(4, 5)) if fire in (2, 4, 6) else features
    squeezed = convolved(features, *arrays[f"fire{fire}/squeeze1x1"])
    features = np.concatenate([convolved(squeezed, *arrays[f"fire{fire}/expand{side}x{side}"]) for side in (1, 3)], axis=3)
  assert features.shape == (1, 13, 13, 512)
  return features[0].mean(axis=(0, 1))


def small_model(path, name=None, shape=(12, 10, 3), flat=True):
  images = keras.Input(shape)
  features = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.RandomNormal(seed=1))(images)
  if flat:
    features = keras.layers.GlobalAveragePooling2D()(features)
  keras.Model(images, features, name=name).save(path)
  return path


def test_squeezenet_against_numpy(squeezenet_file):
  path, arrays = squeezenet_file
  extractor = find_extractor(path)
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  assert (extractor.name, extractor.size, extractor.digest) == ("squeezenet", (227, 227), digest)
  assert extractor.weights == f"squeezenet.h5 (sha256 {digest[:16]})"
  image = to_uint8(smooth_images(1, 227, 227, 3)[0])
  found = extractor(extractor.prepare(image)[None])
  assert found.shape == (1, 512) and found.dtype == np.float32
  np.testing.assert_allclose(found[0], squeezenet_in_numpy(image, arrays), rtol=2e-3, atol=1e-2)
  swapped = extractor(extractor.prepare(np.ascontiguousarray(image[..., ::-1]))[None])
  assert np.abs(found - swapped).max() > 1  # RGB is not BGR


def test_images_are_resized_bilinearly(squeezenet_file):
  """By half-pixel centres and the edge repeated, without antialiasing."""
  extractor = find_extractor(squeezenet_file[0])
  image = to_uint8(random_images(40, 60, 3))
  prepared = extractor.prepare(image)
  assert prepared.shape == (227, 227, 3) and prepared.dtype == np.float32 and prepared.max() <= 1
  rows, columns = ((np.arange(227) + 0.5) * side / 227 - 0.5 for side in (40, 60))
  rows, columns = np.clip(rows, 0, 39), np.clip(columns, 0, 59)
  top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
  down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
  pixels = image / 255
  below, beside = np.minimum(top + 1, 39), np.minimum(left + 1, 59)
  expected = ((1 - down) * ((1 - right) * pixels[top][:, left] + right * pixels[top][:, beside])
              + down * ((1 - right) * pixels[below][:, left] + right * pixels[below][:, beside]))
  np.testing.assert_allclose(prepared, expected, atol=2e-3)


def test_published_squeezenet_tells_cats_from_faces(data_folder):
  """Its distance between two kinds of images is far above that between two halves of one kind."""
  cats = [cv2.resize(read_image(path), (200, 200)) for path in sorted((data_folder / "cats/kaggle_cats").iterdir())[:12]]
  faces = [read_image(path) for path in sorted((data_folder / "faces/utkface_200").iterdir())[:24]]
  extractor = find_extractor(data_folder / "weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5")
  between = feature_distance(faces[:12], cats, extractor)
  within = feature_distance(faces[:12], faces[12:], extractor)
  assert between["frechet_squeezenet"] > 1.5 * within["frechet_squeezenet"]
  assert "12 and 12 images for 512 features" in between["note"]


def test_any_keras_model_by_its_path(tmp_path):
  flat = find_extractor(small_model(tmp_path / "my-features.keras"))
  whole = find_extractor(small_model(tmp_path / "map.keras", flat=False))
  free = find_extractor(small_model(tmp_path / "free.keras", shape=(None, None, 3)))
  assert [extractor.name for extractor in (flat, whole, free)] == ["my_features", "map", "free"]
  assert (flat.size, free.size, free.resize) == ((12, 10), None, "none")
  images = [to_uint8(image) for image in random_images(3, 12, 10, 3)]
  features = [extractor(np.stack([*map(extractor.prepare, images)])) for extractor in (flat, whole, free)]
  assert features[0].shape == (3, 4)
  for other in features[1:]:
    np.testing.assert_allclose(other, features[0], rtol=1e-5, atol=1e-6)
  network = keras.saving.load_model(tmp_path / "my-features.keras")
  np.testing.assert_allclose(features[0], network(np.stack(images) / np.float32(255)), rtol=1e-5, atol=1e-6)
  found = feature_distance(random_images(6, 30, 30, 3), smooth_images(6, 30, 30, 3), tmp_path / "my-features.keras")
  assert found["frechet_my_features"] > 0 and "my-features.keras (sha256 " in found["weights"]


def test_outputs_that_are_no_features_are_named(tmp_path):
  images = keras.Input((8, 8, 3))
  keras.Model(images, keras.layers.Reshape((64, 3))(images)).save(tmp_path / "odd.keras")
  with pytest.raises(ValueError, match=r"odd.keras.*gives \(1, 64, 3\) for 1 images"):
    find_extractor(tmp_path / "odd.keras")(np.zeros((1, 8, 8, 3), np.float32))


@pytest.mark.parametrize("content, suffix, words", [
    (b"", ".h5", "no HDF5 file"), (b"text", ".keras", "no Keras model"), (b"PK", ".npz", "no Keras model")])
def test_wrong_files_are_named(tmp_path, content, suffix, words):
  path = tmp_path / f"bad{suffix}"
  path.write_bytes(content)
  with pytest.raises(ValueError, match=f"bad{suffix}.*{words}.*--feature_weights"):
    find_extractor(path)


def test_another_inception_is_named(tmp_path):
  with pytest.raises(ValueError, match="gives 4 features: expected the 2048 of InceptionV3.*--feature_weights"):
    find_extractor(small_model(tmp_path / "other.keras", name="inception_v3"))


def test_missing_files_are_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="absent.h5.*--feature_weights"):
    find_extractor(tmp_path / "absent.h5")


def test_another_squeezenet_is_named(squeezenet_file, tmp_path):
  path = tmp_path / "other.h5"
  path.write_bytes(squeezenet_file[0].read_bytes())
  with h5py.File(path, "a") as file:
    del file["fire3/expand3x3"]
  with pytest.raises(ValueError, match="fire3/expand3x3.*shapes None and None.*v1.1"):
    module.squeezenet(path)


def test_without_a_network_the_ways_are_told(monkeypatch):
  def fail(**options):
    raise Exception("URL fetch failure")

  monkeypatch.setattr(keras.applications, "InceptionV3", fail)
  with pytest.raises(FileNotFoundError, match="download failed.*URL fetch failure.*--feature_weights PATH"):
    fid(np.zeros((2, 16, 16, 3)), np.zeros((2, 16, 16, 3)))


@pytest.mark.slow
def test_inception_from_every_kind_of_file(tmp_path, monkeypatch):
  """Random weights; the same features from each file, from the download and from the network with its top."""
  keras.utils.set_random_seed(3)
  whole = keras.applications.InceptionV3(include_top=True, weights=None)
  trunk = keras.Model(whole.inputs, whole.get_layer("avg_pool").output, name="inception_v3")
  trunk.save_weights(tmp_path / "trunk.weights.h5")
  whole.save(tmp_path / "with_top.h5")
  trunk.save(tmp_path / "trunk.keras")
  images = random_images(2, 60, 60, 3)
  prepared = np.stack([cv2.resize(np.floor(image * 255 + np.float32(0.5)) / 255, (299, 299)) for image in images])
  expected = trunk(np.float32(2 * prepared - 1)).numpy()
  for name in ("trunk.weights.h5", "with_top.h5", "trunk.keras"):
    extractor = find_extractor(tmp_path / name)
    assert (extractor.name, extractor.size) == ("inception_v3", (299, 299))
    found = extractor(np.stack([extractor.prepare(to_uint8(image)) for image in images]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=name)
  monkeypatch.setattr(keras.applications, "InceptionV3", lambda **options: whole)
  result = fid(images, images)
  assert result["fid"] == pytest.approx(0, abs=1e-6) and result["weights"].startswith("imagenet of Keras (sha256 ")
