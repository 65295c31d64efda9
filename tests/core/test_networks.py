"""A network's task stays with it, and with nothing else."""

import pathlib

import keras
import pytest
import recipes

from tf_imgtrans.core.networks import float32_twin
from tf_imgtrans.papers.mux_demux import TINY, Generator

TASK = {"recipe": "mux_demux", "task": {"kind": "phone_camera", "gamma": [1.2, 1.5], "seed": None}}


def made(task=None, dtype=None):
  generator = Generator(TINY, dtype=dtype, name="generator")
  generator.task = task
  generator(keras.Input((None, None, 3)))
  return generator


def test_a_saved_network_keeps_its_task(tmp_path):
  generator = made(TASK)
  generator.save(tmp_path / "m.keras")
  assert keras.saving.load_model(tmp_path / "m.keras").task == TASK
  recipes.check_serialization(generator, recipes.random_images(1, 16, 16, 3))


def test_without_a_task_the_configuration_is_that_of_old_files():
  generator = made()
  assert generator.task is None and "task" not in generator.get_config()
  assert Generator.from_config(generator.get_config()).task is None


def test_the_float32_twin_keeps_the_task():
  half = made(TASK, "mixed_bfloat16")
  twin = float32_twin(half)
  assert twin is not half and twin.task == TASK and twin.dtype_policy.name == "float32"


def test_a_task_changes_nothing_that_is_tracked(tmp_path):
  import tensorflow as tf

  kept = []
  for name, task in (("with", TASK), ("without", None)):
    generator = made(task)
    kept.append(([variable.path for variable in generator.variables], [layer.name for layer in generator.layers],
                 dict(tf.train.list_variables(tf.train.Checkpoint(model=generator).write(str(tmp_path / name))))))
  assert kept[0] == kept[1]


def test_a_task_is_of_json_values():
  generator = made({"sizes": (1, 2)})
  assert generator.task == {"sizes": [1, 2]}  # as a file gives it back
  with pytest.raises(TypeError, match="JSON"):
    generator.task = {"data": pathlib.Path("photographs")}
