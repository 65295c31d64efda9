"""`tf-imgtrans import-checkpoint`: what it writes and prints, and that it writes nothing when it fails."""

import functools
import os
import typing

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.baselines.public_checkpoints import list_importable
from tf_imgtrans.cli.import_checkpoint import Name
from tf_imgtrans.recipes import create_generator, import_serializable

NAMES = ["w1", "b1", "w2", "b2", "w3", "b3"]


call = functools.partial(recipes.call, "import-checkpoint")


@pytest.fixture
def saved(tmp_path):
  """An SRCNN and the prefix of its weights as TensorFlow 1 would have saved them."""
  network = create_generator("srcnn", seed=3)
  tf.raw_ops.SaveV2(prefix=str(tmp_path / "iphone_srcnn"), tensor_names=[f"generator/{name}" for name in NAMES],
                    shape_and_slices=[""] * len(NAMES),
                    tensors=[tf.constant(array) for array in in_order(network)])
  return network, tmp_path / "iphone_srcnn"


def in_order(network):
  first, second, third = network.convolutions
  return [np.asarray(variable) for variable in (first.kernel, first.bias, second.kernel, second.bias, third.kernel,
                                                network.bias)]


def test_the_written_model_has_the_weights(saved, tmp_path, capsys):
  network, prefix = saved
  out = tmp_path / "models" / "m.keras"
  assert not call("--name", "srcnn", "--from", prefix, "--out", out)
  first, second = capsys.readouterr().out.splitlines()
  assert first == f"wrote {out}: srcnn, 69,249 parameters of 6 variables from iphone_srcnn"
  assert second.startswith("next: ") and second.endswith(f" predict --model {out} PHOTO --out enhanced")
  import_serializable()
  loaded = keras.saving.load_model(out)
  for written, original in zip(in_order(loaded), in_order(network), strict=True):
    recipes.assert_same(written, original)
  assert [path.name for path in out.parent.iterdir()] == ["m.keras"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--name", "dped", "--from", "iphone_srcnn", "--out", "new/m.keras"], "give the name srcnn"),
    (["--name", "srcnn", "--from", "iphone_srcn", "--out", "new/m.keras"], "did you mean iphone_srcnn?"),
    (["--name", "srcnn", "--from", "iphone_srcnn", "--out", "new/m.h5"], "ends in .keras"),
    (["--name", "srcnn", "--from", "iphone_srcnn", "--out", "new"], "ends in .keras"),
    (["--name", "johnson", "--from", "iphone_srcnn", "--out", "new/m.keras"], "'resnet_8_32'"),
    (["--name", "srcnn", "--source", "iphone_srcnn", "--out", "new/m.keras"], "--from"),
])
def test_a_wrong_call_writes_nothing(arguments, message, saved, tmp_path, capsys, monkeypatch):
  monkeypatch.chdir(tmp_path)
  before = sorted(os.listdir())
  assert call(*arguments) == 2
  published = capsys.readouterr()
  assert message in " ".join((published.err + published.out).replace("│", " ").split())
  assert sorted(os.listdir()) == before


def test_an_older_model_stays_when_the_checkpoint_is_damaged(saved, tmp_path, capsys):
  _, prefix = saved
  out = tmp_path / "m.keras"
  out.write_text("older")
  data = prefix.with_name("iphone_srcnn.data-00000-of-00001")
  data.write_bytes(data.read_bytes()[:-100])
  before = sorted(os.listdir(tmp_path))
  assert call("--name", "srcnn", "--from", prefix, "--out", out) == 2
  errors = capsys.readouterr().err
  assert "generator/w3 cannot be read" in errors and len(errors.splitlines()) == 2  # the error, and what to try next
  assert out.read_text() == "older" and sorted(os.listdir(tmp_path)) == before


def test_the_flag_takes_every_network_that_can_be_imported():
  assert sorted(typing.get_args(Name)) == list_importable()
