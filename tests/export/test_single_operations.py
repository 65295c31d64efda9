"""Operations of a .tflite file as files of their own: run one after the other they give what the whole file gives."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tf_imgtrans.export import to_tflite
from tf_imgtrans.export.flatbuffer import read_lite, single_operations
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export
SIZE = 16


def _run(content, inputs):
  """Outputs of a file by name, its inputs taken by name."""
  interpreter = Interpreter(model_content=content, num_threads=1)
  interpreter.allocate_tensors()
  for details in interpreter.get_input_details():
    interpreter.set_tensor(details["index"], inputs[details["name"]])
  interpreter.invoke()
  return {details["name"]: interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()}


@pytest.mark.parametrize("precision", ["float32", "dynamic_int8"])
def test_in_turn_they_are_the_whole_file(precision, tmp_path):
  keras.utils.set_random_seed(0)
  generator = create_generator("mux_demux_hp", seed=0, growth_half=4, growth_quarter=4)
  to_tflite(generator, tmp_path / "m.tflite", precision, SIZE, SIZE)
  lite = read_lite(tmp_path / "m.tflite")
  image = np.random.default_rng(0).random((1, SIZE, SIZE, 3), np.float32)
  values = {lite.inputs[0].name: image}
  parts = single_operations(tmp_path / "m.tflite")
  assert [operation.name for operation, _ in parts] == [operation.name for operation in lite.operations]
  for operation, content in parts:
    values |= _run(content, values)
    assert {tensor.name for tensor in operation.outputs} <= set(values)
  whole = _run((tmp_path / "m.tflite").read_bytes(), {lite.inputs[0].name: image})
  np.testing.assert_allclose(values[lite.outputs[0].name], whole[lite.outputs[0].name], atol=1e-5)


def test_what_is_no_file():
  with pytest.raises(ValueError, match=r"no \.tflite file"):
    single_operations(b"nothing of the kind")
