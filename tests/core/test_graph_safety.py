"""Graphs that reach beyond the model, to files, programs or other machines, are not opened unless they are trusted."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

import tf_imgtrans as ti
from tf_imgtrans.cli.main import main
from tf_imgtrans.core.graph_safety import check_frozen_graph, check_saved_model
from tf_imgtrans.core.images import write_image
from tf_imgtrans.export.frozen_graph import to_frozen_graph
from tf_imgtrans.inference.models import load_model

IMAGES = recipes.random_images(1, 8, 8, 3)
SPEC = tf.TensorSpec((None, None, None, 3), tf.float32)


class _Saved(tf.Module):
  """A SavedModel whose signature also does something else."""

  def __init__(self, act):
    super().__init__()
    self.act = act
    self.factor = tf.Variable(0.5)

  @tf.function(input_signature=[SPEC])
  def run(self, images):
    with tf.control_dependencies([each for each in tf.nest.flatten(self.act(images)) if each is not None]):
      return {"image": tf.identity(images * self.factor)}


def _saved(folder, act):
  module = _Saved(act)
  tf.saved_model.save(module, str(folder), signatures={"serving_default": module.run})
  return folder


def _in_a_loop(act):
  return lambda images: tf.while_loop(lambda i: i < 1, lambda i: (tf.group(act(images)), i + 1)[1:], (tf.constant(0),))


def _write(path):
  return lambda images: tf.io.write_file(str(path), "written")


def _acts(path):
  """Name of the operation -> what does it."""
  return {
      "WriteFile": _write(path),
      "ReadFile": lambda images: tf.io.read_file(str(path)),
      "MatchingFiles": lambda images: tf.io.matching_files("/etc/*"),
      "SaveV2": lambda images: tf.raw_ops.SaveV2(prefix=str(path), tensor_names=["a"], shape_and_slices=[""],
                                                 tensors=[images]),
      "RestoreV2": lambda images: tf.raw_ops.RestoreV2(prefix=str(path), tensor_names=["a"], shape_and_slices=[""],
                                                       dtypes=[tf.float32]),
      "PrintV2": lambda images: tf.raw_ops.PrintV2(input="printed", output_stream=f"file://{path}"),
      "EagerPyFunc": lambda images: tf.py_function(lambda x: x, [images], tf.float32),
      "TextLineDataset": lambda images: tf.data.TextLineDataset(str(path)).reduce(0, lambda count, line: count + 1),
      "CreateSummaryFileWriter": lambda images: tf.raw_ops.CreateSummaryFileWriter(
          writer=tf.raw_ops.SummaryWriter(), logdir=str(path), max_queue=1, flush_millis=1, filename_suffix=""),
      "DebugIdentity": lambda images: tf.raw_ops.DebugIdentity(input=images, debug_urls=[f"file://{path}"]),
  }


@pytest.mark.parametrize("operation", _acts(""))
def test_a_saved_model_that_reaches_beyond_itself(operation, tmp_path):
  folder = _saved(tmp_path / "served", _acts(tmp_path / "touched")[operation])
  with pytest.raises(ValueError, match=rf"served: .*holds operations that reach beyond .*\b{operation}\b.*--trust"):
    load_model(folder)
  assert not (tmp_path / "touched").exists()


def test_within_a_loop(tmp_path):
  folder = _saved(tmp_path / "served", _in_a_loop(_write(tmp_path / "touched")))
  with pytest.raises(ValueError, match="WriteFile"):
    load_model(folder)


def test_trusted(tmp_path, capsys):
  """By the argument, and by the flag that every command takes."""
  folder = _saved(tmp_path / "served", _write(tmp_path / "touched"))
  np.testing.assert_allclose(load_model(folder, trust=True)(IMAGES), IMAGES / 2, atol=1e-6)
  (tmp_path / "touched").unlink()
  write_image(tmp_path / "a.png", IMAGES[0])
  call = ["predict", "--model", str(folder), "--out", str(tmp_path / "out"), str(tmp_path / "a.png")]
  with pytest.raises(SystemExit, match="2"):
    main(call)
  assert "WriteFile" in capsys.readouterr().err and not (tmp_path / "touched").exists()
  with pytest.raises(SystemExit, match="0"):
    main(["--trust", *call])
  assert (tmp_path / "touched").read_text() == "written"


def test_what_computes_is_opened(tmp_path):
  """Random numbers, control flow, tables of constants and images as bytes."""
  table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1, 2], [3, 4]), 0)
  module = _Saved(lambda images: [tf.random.uniform([2]), table.lookup(tf.constant([1])), tf.io.encode_png(
      tf.cast(images[0], tf.uint8)), *_in_a_loop(lambda images: tf.random.normal([1]))(images)])
  module.table = table
  tf.saved_model.save(module, str(tmp_path / "served"), signatures={"serving_default": module.run})
  np.testing.assert_allclose(load_model(tmp_path / "served")(IMAGES), IMAGES / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["mux_demux", "mux_demux_hp", "feature_pyramid_pan"])
def test_shipped_models_are_harmless(name):
  for folder in load_model(name).path.parent.glob("*/saved_model.pb"):
    check_saved_model(folder.parent)


def test_frozen_graphs(tmp_path):
  graph = tf.Graph()
  with graph.as_default():
    images = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3), name="input")
    with tf.control_dependencies([tf.io.write_file(str(tmp_path / "touched"), "written")]):
      tf.identity(images, name="output")
  (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
  with pytest.raises(ValueError, match="WriteFile"):
    load_model(tmp_path / "graph.pb")
  network = ti.create_generator("srcnn")
  network(IMAGES)
  to_frozen_graph(network, tmp_path / "ours.pb")
  check_frozen_graph(tmp_path / "ours.pb")


def test_two_graphs_in_a_folder(tmp_path):
  folder = _saved(tmp_path / "served", lambda images: None)
  (folder / "saved_model.cpb").write_bytes(b"")
  with pytest.raises(ValueError, match="saved_model.cpb beside saved_model.pb"):
    load_model(folder)
