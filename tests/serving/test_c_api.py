"""An exported model in TensorFlow's C API, which TensorFlow Serving uses: the same bits as in Python."""

import ctypes
import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export
IMAGE = np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)


def jpeg():
  buffer = io.BytesIO()
  exif = Image.Exif()
  exif[274] = 6
  Image.fromarray(IMAGE).save(buffer, format="JPEG", exif=exif)
  return buffer.getvalue()


@pytest.fixture(scope="module")
def library():
  """Path of the shared library with TensorFlow's C API."""
  found = sorted(pathlib.Path(tf.__file__).parent.glob("libtensorflow_cc.so*"))
  if not found:
    pytest.skip("this TensorFlow has no libtensorflow_cc.so")
  assert ctypes.sizeof(ctypes.c_void_p) == 8
  return found[0]


def test_a_session_of_the_c_api_gives_the_bits_of_python(library, tmp_path):
  folder = to_saved_model(create_generator("mux_demux_hp", seed=1, growth_half=4, growth_quarter=4), tmp_path / "tiny")
  loaded = tf.saved_model.load(str(folder))
  image = IMAGE[None].astype(np.float32) / np.float32(255)
  contents = {"image": jpeg(), "torn": jpeg()[:500], "text": b"hello", "again": jpeg()}
  np.save(tmp_path / "image.npy", image)
  for name, content in contents.items():
    (tmp_path / name).write_bytes(content)
  definitions = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].signature_def

  def job(signature, key, file, kind):
    definition = definitions[signature]
    return {"input": definition.inputs[key].name, "output": definition.outputs[key].name, "kind": kind,
            "file": str(tmp_path / file), "result": str(tmp_path / f"{file}.out{'.npy' if kind == 'float32' else ''}")}

  jobs = [job("image_float", "image", "image.npy", "float32"),
          *(job("serving_default", "image_bytes", name, "string") for name in contents)]
  (tmp_path / "jobs.json").write_text(json.dumps(jobs))
  script = pathlib.Path(__file__).with_name("c_api_session.py")
  done = subprocess.run([sys.executable, str(script), str(library), str(folder), str(tmp_path / "jobs.json")],
                        capture_output=True, text=True, timeout=240)
  assert done.returncode == 0, done.stderr[-2000:]
  expected = loaded.signatures["image_float"](image=tf.constant(image))["image"].numpy()
  np.testing.assert_array_equal(np.load(tmp_path / "image.npy.out.npy"), expected)
  reply = loaded.signatures["serving_default"](image_bytes=tf.constant([contents["image"]]))["image_bytes"].numpy()[0]
  assert (tmp_path / "image.out").read_bytes() == reply == (tmp_path / "again.out").read_bytes()
  assert Image.open(io.BytesIO(reply)).size == (37, 50)  # upright
  assert (tmp_path / "torn.out").read_text().startswith("error: ")
  assert "not an image of a known kind" in (tmp_path / "text.out").read_text()
