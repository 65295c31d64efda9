"""Models from .keras files, run folders, SavedModels, TFLite files and names."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_imgtrans.core import saved_models
from tf_imgtrans.inference.models import at_scale, load_model

IMAGES = np.random.default_rng(0).uniform(0, 1, (2, 12, 10, 3)).astype(np.float32)


@keras.saving.register_keras_serializable(package="tests_inference")
class Enlarge(keras.Model):
  """Repeats every pixel and multiplies by a learned number; refuses what is small."""

  def __init__(self, scale=1, **kwargs):
    super().__init__(**kwargs)
    self.scale = scale
    self.half = self.add_weight(name="half", shape=(), initializer=keras.initializers.Constant(0.5))

  def call(self, images, training=False):
    if images.shape[1] is not None and images.shape[1] < 8:
      raise ValueError(f"height is {images.shape[1]}: the generator needs at least 8 pixels")
    size = tf.shape(images)[1:3] * self.scale
    enlarged = tf.image.resize(images, size, method="nearest") * self.half
    return enlarged + 1.0 if training else enlarged

  def get_config(self):
    return {"scale": self.scale, "name": self.name}


def built(scale=1):
  model = Enlarge(scale)
  model(keras.Input((None, None, 3)))
  return model


def expected(images, scale=1):
  return images.repeat(scale, 1).repeat(scale, 2) * 0.5


def export(folder, scale=1, **endpoints):
  """Writes a SavedModel with one signature per endpoint: its name and its TensorSpec."""
  model = built(scale)
  archive = keras.export.ExportArchive()
  archive.track(model)
  for name, spec in (endpoints or {"serving_default": float_spec()}).items():
    if spec.dtype == tf.string:
      archive.add_endpoint(name, lambda image: {"image": tf.strings.length(image)}, input_signature=[spec])
    else:
      archive.add_endpoint(name, lambda image: {"image": model(image, training=False)}, input_signature=[spec])
  archive.write_out(str(folder), verbose=False)
  return folder


def float_spec(batch=None, height=None, width=None):
  return tf.TensorSpec((batch, height, width, 3), tf.float32, name="image")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
  """A Keras file and SavedModels that several tests read."""
  folder = tmp_path_factory.mktemp("models")
  built(2).save(folder / "twice.keras")
  export(folder / "versions" / "2")
  export(folder / "versions" / "10", scale=2, serving_default=tf.TensorSpec((None,), tf.string, name="image"),
         image_float=float_spec())
  export(folder / "fixed", serving_default=float_spec(1, 12, 10))
  return folder


def test_keras_file(files):
  model = load_model(files / "twice.keras")
  assert (model.kind, model.path, model.scale) == ("keras", files / "twice.keras", 2)
  assert isinstance(model.keras_model, keras.Model)
  for _ in range(3):  # eager at first, then as a graph
    result = model(IMAGES)
    assert isinstance(result, np.ndarray) and result.dtype == np.float32
    np.testing.assert_allclose(result, expected(IMAGES, 2), atol=1e-6)
  np.testing.assert_allclose(model(IMAGES[:, :9].astype(np.float64)), expected(IMAGES[:, :9], 2), atol=1e-6)


def test_the_model_checks_sizes_also_after_others_ran(files):
  model = load_model(str(files / "twice.keras"))
  for height in (8, 9, 9, 10, 10, 11):
    model(IMAGES[:, :height])
  with pytest.raises(ValueError, match="height is 7: the generator needs at least 8"):
    model(IMAGES[:, :7])


def test_graphs_are_bounded_and_not_made_again(files):
  """However many sizes come in turn, again and again."""
  model = load_model(files / "twice.keras")
  for _ in range(3):
    for width in range(1, 12):
      model(np.zeros((1, 8, width, 3), np.float32))
  graphs = dict(model.run.graphs)
  for width in range(1, 40):
    model(np.zeros((1, 8, width, 3), np.float32))
  assert model.run.graphs == graphs and len(graphs) == 8


def test_scale_is_one_where_a_model_has_none(tmp_path):
  inputs = keras.Input((None, None, 3))
  keras.Model(inputs, keras.layers.Rescaling(0.5)(inputs)).save(tmp_path / "plain.keras")
  model = load_model(tmp_path / "plain.keras")
  assert model.scale == 1
  np.testing.assert_allclose(model(IMAGES), expected(IMAGES))


@pytest.mark.parametrize("images", [IMAGES[0], IMAGES[..., :1], (IMAGES * 255).astype(np.uint8)])
def test_what_is_no_batch_of_images(files, images):
  with pytest.raises(ValueError, match="expected float32"):
    load_model(files / "twice.keras")(images)


def test_saved_model(files):
  model = load_model(files / "versions" / "2")
  assert (model.kind, model.scale, model.keras_model) == ("saved-model", 1, None)
  np.testing.assert_allclose(model(IMAGES), expected(IMAGES), atol=1e-6)


def test_the_highest_version_and_its_float_signature_are_taken(files):
  model = load_model(files / "versions")
  assert model.path == files / "versions" / "10" and model.scale == 2
  np.testing.assert_allclose(model(IMAGES), expected(IMAGES, 2), atol=1e-6)


def test_a_fixed_size_is_named(files):
  model = load_model(files / "fixed")
  assert model.scale == 1
  np.testing.assert_allclose(model(IMAGES), expected(IMAGES), atol=1e-6)  # two images through a batch of one
  with pytest.raises(ValueError, match="11 high and 10 wide: the file takes height 12 and width 10"):
    model(IMAGES[:, 1:])


def test_a_saved_model_without_a_float_signature(tmp_path):
  export(tmp_path / "bytes", serving_default=tf.TensorSpec((None,), tf.string, name="image"))
  with pytest.raises(ValueError, match="no signature takes .* the signatures are serving_default"):
    load_model(tmp_path / "bytes")


def convert(saved_model, path, **options):
  converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
  for name, value in options.items():
    setattr(converter, name, value)
  path.write_bytes(converter.convert())
  return path


@pytest.mark.export
def test_tflite_of_a_fixed_size(tmp_path, files):
  model = load_model(convert(files / "fixed", tmp_path / "fixed.tflite"))
  assert (model.kind, model.scale, model.keras_model) == ("tflite", 1, None)
  np.testing.assert_allclose(model(IMAGES), expected(IMAGES), atol=1e-6)
  with pytest.raises(ValueError, match="12 high and 9 wide: the file takes height 12 and width 10"):
    model(IMAGES[:, :, 1:])


@pytest.mark.export
def test_tflite_of_any_size(tmp_path):
  export(tmp_path / "any", scale=2, serving_default=float_spec(1))
  model = load_model(convert(tmp_path / "any", tmp_path / "any.tflite"))
  for images in (IMAGES, IMAGES[:, :9], IMAGES[:1]):
    np.testing.assert_allclose(model(images), expected(images, 2), atol=1e-6)
  assert model.scale == 2


@pytest.mark.export
def test_tflite_with_integer_doors(tmp_path, files):
  model = load_model(convert(
      files / "fixed", tmp_path / "int8.tflite", optimizations=[tf.lite.Optimize.DEFAULT],
      representative_dataset=lambda: ([IMAGES[:1]] for _ in range(4)),
      target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
      inference_input_type=tf.uint8, inference_output_type=tf.uint8))
  assert np.abs(model(IMAGES) - expected(IMAGES)).max() < 0.01


def test_run_folders(tmp_path, files):
  run = tmp_path / "run"
  run.mkdir()
  (run / "run.json").write_text("{}")
  with pytest.raises(FileNotFoundError, match="run: the run has not finished, .*; finish it with --resume"):
    load_model(run)
  (run / "best_psnr.keras").write_bytes((files / "twice.keras").read_bytes())
  with pytest.raises(FileNotFoundError, match="give .*best_psnr.keras, or finish it with --resume"):
    load_model(run)
  assert load_model(run / "best_psnr.keras").scale == 2
  (run / "generator.keras").write_bytes((files / "twice.keras").read_bytes())
  assert load_model(run).path == run / "generator.keras"


def test_names_in_saved_models(tmp_path, monkeypatch, files):
  beside = tmp_path / "package" / "saved_models"
  (beside / "twice").mkdir(parents=True)
  (beside / "twice" / "twice.keras").write_bytes((files / "twice.keras").read_bytes())
  (tmp_path / "work" / "saved_models" / "half").mkdir(parents=True)
  (tmp_path / "work" / "saved_models" / "half" / "1").symlink_to(files / "versions" / "2")
  (tmp_path / "work" / "twice").mkdir()  # a folder of that name which is no model
  monkeypatch.chdir(tmp_path / "work")
  monkeypatch.setattr(saved_models, "STORES", (saved_models.STORES[0], beside))
  assert load_model("twice").path == beside / "twice" / "twice.keras"
  assert load_model("half").path.as_posix() == "saved_models/half/1"
  with pytest.raises(FileNotFoundError, match="'twise': looked for twise, saved_models/twise.*mean .*twice. Give"):
    load_model("twise")


def test_what_is_no_model(tmp_path, files):
  with pytest.raises(FileNotFoundError, match=r"no model .*kers'.*did you mean .*twice\.keras\? Give a \.keras"):
    load_model(files / "twice.kers")
  (tmp_path / "image.png").touch()
  for wrong in (tmp_path, tmp_path / "image.png"):
    with pytest.raises(ValueError, match="is no model: expected a .keras file, a run folder"):
      load_model(wrong)


@pytest.mark.parametrize("name, words", [
    ("a.keras", "as a keras model: is no .keras file, or a damaged one"),
    ("a.tflite", "as a tflite model"),
    ("saved_model.pb", "as a saved-model model"),
])
def test_damaged_files_are_named(tmp_path, name, words):
  (tmp_path / name).write_bytes(b"not a model")
  source = tmp_path if name == "saved_model.pb" else tmp_path / name
  with pytest.raises(ValueError, match=f"{source}: cannot be loaded {words}"):
    load_model(source)


def test_a_smaller_scale_than_the_models_own(tmp_path):
  """Means over blocks of the output."""
  built(8).save(tmp_path / "model.keras")
  model = load_model(tmp_path / "model.keras")
  whole = model(IMAGES)
  for scale, factor in ((8, 1), (4, 2), (2, 4), (1, 8)):
    reduced = at_scale(model, scale)
    assert reduced.scale == scale and reduced.kind == "keras"
    means = whole.reshape(2, 12 * scale, factor, 10 * scale, factor, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(reduced(IMAGES), means, atol=1e-6)
  for scale in (3, 16, 0):
    with pytest.raises(ValueError, match=f"scale is {scale}: .*keras enlarges 8 times, so expected one of 1, 2, 4, 8"):
      at_scale(model, scale)
