"""The check for phones' GPUs: what it takes, what it leaves to the CPU, and why."""

import types

import pytest

from tf_imgtrans.export.flatbuffer import LiteFile, Operation, Tensor, read_lite
from tf_imgtrans.export.gpu_delegate import GPU_OPERATIONS, Finding, gpu_findings
from tf_imgtrans.export.tflite import to_tflite
from tf_imgtrans.recipes import create_generator


def tensor(*shape, constant=False, dtype="FLOAT32"):
  return Tensor("t", shape, dtype, constant, None)


def lite(*operations):
  return LiteFile(operations, (), (), (), (), {}, 0)


def reason(name, inputs, outputs=None, **options):
  """The reason for one operation, None where the GPU takes it."""
  operation = Operation(name, tuple(inputs), tuple(outputs or inputs[:1]), types.SimpleNamespace(**options))
  found = gpu_findings(lite(operation))
  return found[0].reason if found else None


IMAGE = tensor(1, 8, 8, 16)
AXES = tensor(2, constant=True, dtype="INT32")


@pytest.mark.parametrize("name", ["ADD", "CONV_2D", "DEPTH_TO_SPACE", "LEAKY_RELU", "LOGISTIC", "MIRROR_PAD", "PRELU",
                                  "RESIZE_BILINEAR", "SPACE_TO_DEPTH", "TRANSPOSE_CONV", "RSQRT", "SQUARED_DIFFERENCE"])
def test_operations_of_image_networks_are_listed(name):
  assert name in GPU_OPERATIONS


@pytest.mark.parametrize("name", ["SHAPE", "RANGE", "WHERE", "BROADCAST_TO", "RANDOM_STANDARD_NORMAL", "GATHER_ND", "TANHH",
                                  "CUSTOM FlexErf"])
def test_other_operations_are_left_to_the_cpu(name):
  assert "not among" in reason(name, [IMAGE])


@pytest.mark.parametrize(("name", "inputs", "options", "said"), [
    ("RELU", [IMAGE], {}, None),
    ("RELU", [tensor(1, 2, 8, 8, 16)], {}, "rank 5"),
    ("RELU", [tensor(1, -1, -1, 16)], {}, "fixed size"),
    ("RELU", [tensor(1, 8, 8, 16, dtype="INT8")], {}, None),
    ("RELU", [tensor(1, 8, 8, 16, dtype="INT16")], {}, "16-bit"),
    ("MEAN", [IMAGE, AXES], {}, None),
    ("MEAN", [IMAGE, tensor(2, dtype="INT32")], {}, "2 inputs that are computed"),
    ("ADD", [IMAGE, tensor(16, constant=True)], {}, None),
    ("MUL", [IMAGE, tensor(1, 1, 1, 16)], {}, None),
    ("MUL", [IMAGE, tensor()], {}, None),
    ("ADD", [IMAGE, tensor(8, 8, constant=True)], {}, "broadcast"),
    ("STRIDED_SLICE", [IMAGE, AXES, AXES, AXES], dict(ellipsisMask=0, newAxisMask=0, shrinkAxisMask=0), None),
    ("STRIDED_SLICE", [IMAGE, AXES, AXES, AXES], dict(ellipsisMask=0, newAxisMask=0, shrinkAxisMask=1), "axis"),
    ("STRIDED_SLICE", [tensor(8), AXES, AXES, AXES], dict(ellipsisMask=0, newAxisMask=0, shrinkAxisMask=0), "rank 1"),
    ("MIRROR_PAD", [IMAGE, tensor(4, 2, constant=True)], {"mode": 0}, None),
    ("MIRROR_PAD", [IMAGE, tensor(4, 2, constant=True)], {"mode": 1}, "symmetric"),
    ("PAD", [IMAGE, tensor(2, 2, constant=True)], {}, "paddings of shape"),
    ("GATHER", [IMAGE, tensor(2, 2, constant=True)], {}, "rank 2"),
    ("SOFTMAX", [IMAGE], {"beta": 2.0}, "beta"),
    ("CONV_2D", [IMAGE, IMAGE], {"fusedActivationFunction": 1}, None),
    ("CONV_2D", [IMAGE, IMAGE], {"fusedActivationFunction": 5}, "activation"),
])
def test_rules(name, inputs, options, said):
  found = reason(name, inputs, **options)
  assert found is None if said is None else said in found


def test_findings_are_counted_by_operation_and_reason():
  relu = Operation("RELU", (tensor(1, -1, 4, 3),), (tensor(1, -1, 4, 3),))
  shape = Operation("SHAPE", (IMAGE,), (AXES,))
  found = gpu_findings(lite(shape, relu, relu))
  assert [(item.operation, item.count) for item in found] == [("SHAPE", 1), ("RELU", 2)]
  assert found[0] == Finding("SHAPE", 1, "not among the delegate's operations")


@pytest.mark.export
def test_a_fixed_size_runs_on_the_gpu_as_a_whole_and_any_size_does_not(tmp_path):
  generator = create_generator("mux_demux_hp", growth_half=4, growth_quarter=4)
  to_tflite(generator, tmp_path / "m.tflite", height=32, width=48)
  assert gpu_findings(read_lite(tmp_path / "m.tflite")) == []
  to_tflite(generator, tmp_path / "m.tflite")
  names = {finding.operation for finding in gpu_findings(read_lite(tmp_path / "m.tflite"))}
  assert {"SHAPE", "CONV_2D"} <= names
