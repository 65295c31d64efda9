"""Networks and trainings do not depend on what Keras is set to, and leave it as it is."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import recipes

import tf_imgtrans as ti
from tf_imgtrans.core.keras_defaults import our_defaults
from tf_imgtrans.papers.mux_demux.config import TINY
from tf_imgtrans.papers.mux_demux.trainer import Trainer
from tf_imgtrans.recipes import OTHER_GENERATORS, RECIPES, find_recipe


@contextlib.contextmanager
def set_to(**values):
  """Within it, Keras has these settings."""
  before = {name: getattr(keras.config, name)() for name in values}
  for name, value in values.items():
    getattr(keras.config, f"set_{name}")(value)
  try:
    yield
    assert {name: getattr(keras.config, name)() for name in values} == values  # as the user has set them
  finally:
    for name, value in before.items():
      getattr(keras.config, f"set_{name}")(value)


SETTINGS = [{"image_data_format": "channels_first"}, {"floatx": "float16"}, {"floatx": "float64", "epsilon": 1e-3}]


def _small(name):
  """Options of a tiny network of a name; what the name decides by itself is left out."""
  recipe = OTHER_GENERATORS.get(name, name)
  if recipe not in RECIPES:
    return {}
  preset, network = find_recipe(recipe).preset("tiny"), type(ti.create_generator(name))
  options = {field: getattr(preset, field) for field in network.architecture if field != "network"}  # of its name
  other = network.config_class()
  return {field: value for field, value in options.items() if name == recipe or value != getattr(other, field)}


@pytest.mark.parametrize("name", ti.list_generators())
def test_a_network_is_the_same_whatever_keras_is_set_to(name):
  small = _small(name)
  side = small.get("image_size", 32)
  image = recipes.random_images(1, side, side, 3)
  expected = ti.create_generator(name, **small)(image, training=False)
  for settings in SETTINGS[:2]:
    with set_to(**settings):
      made = ti.create_generator(name, **small)(image, training=False)
    assert made.dtype == "float32"
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("settings", SETTINGS, ids=["channels_first", "float16", "float64"])
def test_files_load_whatever_keras_is_set_to(settings, tmp_path):
  image = recipes.random_images(1, 32, 32, 3)
  network = ti.create_generator("mux_demux_hp", growth_half=2, growth_quarter=2)
  expected = network(image).numpy()
  network.save(tmp_path / "a.keras")
  with set_to(**settings):
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "a.keras")(image), expected, atol=1e-6)
    np.testing.assert_allclose(ti.inference.load_model(tmp_path / "a.keras")(image), expected, atol=1e-6)


def _trained():
  trainer = Trainer(dataclasses.replace(TINY, weight_perceptual=0.0, weight_contextual=0.0))
  source = recipes.random_images(2, TINY.patch_size, TINY.patch_size, 3)
  return [float(trainer.train_step((source, source))["total"]) for _ in range(2)]


@pytest.mark.parametrize("settings", SETTINGS, ids=["channels_first", "float16", "float64"])
def test_a_training_is_the_same_whatever_keras_is_set_to(settings):
  expected = _trained()
  with set_to(**settings):
    assert _trained() == expected


def test_two_threads():
  """The first to leave does not take the settings from the other."""
  entered, leave, seen = threading.Event(), threading.Event(), []

  def other():
    with our_defaults():
      entered.set()
      leave.wait(10)
      seen.append(keras.config.image_data_format())

  with set_to(image_data_format="channels_first"):
    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    with our_defaults():
      assert keras.config.image_data_format() == "channels_last"
    leave.set()
    thread.join()
    assert seen == ["channels_last"]


@pytest.mark.parametrize("way", ["variable", "file"])
def test_another_backend_is_named_in_one_line(way, tmp_path):
  """Before anything heavy is imported."""
  (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
  names = {"KERAS_BACKEND": "jax"} if way == "variable" else {"KERAS_HOME": str(tmp_path)}
  done = subprocess.run([sys.executable, "-X", "importtime", "-m", "tf_imgtrans", "predict", "--model", "mux_demux_hp",
                         "--out", tmp_path, "a.png"], capture_output=True, text=True,
                        env={name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"} | names)
  said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
  assert done.returncode == 2 and "Keras is set to 'jax' by" in said[0] and next(iter(names)) in said[0] + "KERAS_HOME"
  assert len(said) == 2 and "tensorflow/__init__" not in done.stderr and "| tensorflow\n" not in done.stderr
