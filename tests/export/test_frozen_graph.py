"""A frozen graph: TensorFlow 1 runs it at any size, the package loads and inspects it, and the challenge's own are read."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.frozen_graphs import parse_frozen_graph
from tf_imgtrans.export import inspect_model
from tf_imgtrans.export.frozen_graph import to_frozen_graph
from tf_imgtrans.inference import load_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export
OPTIONS = {"mux_demux_hp": {"growth_half": 4, "growth_quarter": 4},
           "x_gans": {"base_channels": 4, "residual_blocks": 1}, "carn": {"channels": 8, "blocks": 1, "groups": 2}}


def run_session(path, image):
  """What the challenge's script computes: a session of TensorFlow 1 that knows two names of the file alone."""
  with tf.Graph().as_default() as graph:
    tf.compat.v1.import_graph_def(parse_frozen_graph(path), name="")
    with tf.compat.v1.Session(graph=graph) as session:
      return session.run("output:0", {"input:0": image[None]})[0]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_session_and_the_package_run_it(name, tmp_path):
  network = recipes.draw_weights(create_generator(name, **OPTIONS[name]))
  network.task = {"recipe": name, "task": None}
  path = to_frozen_graph(network, tmp_path / "model.pb")
  loaded = load_model(path)
  assert (loaded.kind, loaded.task, loaded.scale) == ("frozen-graph", network.task, network.scale)
  for height, width in ((16, 24), (33, 20)):
    images = recipes.smooth_images(2, height, width, 3)
    expected = network(images).numpy()
    np.testing.assert_allclose(run_session(path, images[0]), expected[0], atol=1e-5)
    np.testing.assert_allclose(loaded(images), expected, atol=1e-5)
  found = inspect_model(path)
  assert found["inputs"] == [{"name": "input", "dtype": "float32", "shape": [1, -1, -1, 3]}]
  assert found["metadata"]["task"] == network.task and found["operations"]["Placeholder"] == 1
  assert not [kind for kind in found["operations"] if "Variable" in kind] and found["bytes"] == path.stat().st_size


def test_the_command(tmp_path, capsys):
  create_generator("srcnn").save(tmp_path / "m.keras")
  export = ("export", "frozen-graph", "--model", tmp_path / "m.keras", "--out")
  assert recipes.call(*export, tmp_path / "m.pb") == 0
  assert "within the tolerance of float32" in capsys.readouterr().out
  assert recipes.call("inspect", tmp_path / "m.pb") == 0
  assert "input input: float32 [1, any, any, 3]" in capsys.readouterr().out
  assert recipes.call(*export, tmp_path / "m.tflite") == 2
  assert "a frozen graph's name ends in .pb" in capsys.readouterr().err


def test_what_is_none(tmp_path):
  (tmp_path / "torn.pb").write_bytes(b"\x0a\xff\xff")
  with tf.Graph().as_default() as graph:
    tf.compat.v1.placeholder(tf.float32, [1, None, None, 3], name="image")
  (tmp_path / "other.pb").write_bytes(graph.as_graph_def().SerializeToString())
  (tmp_path / "saved_model.pb").write_bytes(b"")
  for name, words in (("torn", "is no frozen graph, or damaged"), ("other", "has no node input and no node output"),
                      ("saved_model", "is a part of a SavedModel: give its folder")):
    with pytest.raises(ValueError, match=words):
      inspect_model(tmp_path / f"{name}.pb")
    with pytest.raises(ValueError, match=words):
      load_model(tmp_path / f"{name}.pb")


def test_a_file_of_the_challenge_is_its_checkpoint(data_folder):
  """The organizers' SRCNN as a frozen graph, and as the checkpoint that it was made of."""
  from tf_imgtrans.baselines.public_checkpoints import import_checkpoint

  folder = data_folder / "weights" / "pirm2018_models_pretrained"
  if not (folder / "dped_srcnn.pb").is_file():
    pytest.skip(f"{folder / 'dped_srcnn.pb'} does not exist")
  loaded = load_model(folder / "dped_srcnn.pb")
  network = import_checkpoint("srcnn", folder / "dped_srcnn.index")
  images = recipes.smooth_images(1, 40, 56, 3)
  assert loaded.task is None
  np.testing.assert_allclose(loaded(images), network(images, clip=False), atol=1e-5)
