"""`tf-imgtrans inspect`: what a model file holds."""

import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.core.startup import start_tensorflow


def inspect_file(file: Annotated[pathlib.Path, tyro.conf.Positional], json: pathlib.Path | None = None):
  """Show what a model file holds, without running it.

  Of a .tflite file: what it takes and gives, its own description (value range, scale, noise, precision, digest of the
  weights), operations, and which of them a phone's GPU would leave to the CPU. Of a SavedModel folder: its signatures.
  Of a .keras file: its configuration.

  Example: tf-imgtrans inspect enhancer.tflite

  Args:
    file: .tflite file, SavedModel folder, .keras file or run folder.
    json: file to write it all to.
  """
  start_tensorflow()
  from tf_imgtrans.core.files import write_json
  from tf_imgtrans.export.inspection import inspect_model

  found = inspect_model(file)
  if json is not None:
    write_json(json, found)
  print("\n".join(_lines(found)))


def _lines(found):
  """The lines of the screen."""
  yield f"{found['path']}: {found['kind']}, {found['bytes']:,} bytes"
  yield from {"tflite": _lite_lines, "saved-model": _saved_model_lines, "keras": _keras_lines}[found["kind"]](found)


def _lite_lines(found):
  for side in ("inputs", "outputs"):
    for tensor in found[side]:
      yield f"{side[:-1]} {_tensor(tensor)}"
  yield f"signatures {', '.join(found['signatures']) or 'none'}"
  unknown = found["unknown_shapes"]
  yield f"highest rank {found['highest_rank']}, " + (
      f"{unknown} tensors of a shape that is known only when the file runs" if unknown else "every shape is fixed")
  if found["metadata"] is None:
    yield "no description of tf_imgtrans inside"
  else:
    yield "description"
    yield from (f"  {name}: {'any' if value is None else value}" for name, value in found["metadata"].items()
                if name not in ("input", "output", "signatures"))
  yield from _operations(found)
  yield from gpu_lines(found["gpu"])


def gpu_lines(findings):
  """Lines on what a phone's GPU would leave to the CPU, by reason; `findings` as export.report gives them."""
  if not findings:
    yield "GPU delegate: takes every operation"
    return
  reasons = {}
  for finding in findings:
    reasons.setdefault(finding["reason"], []).append(f"{finding['operation']} x{finding['count']}")
  yield "GPU delegate: would leave to the CPU"
  yield from (f"  {', '.join(names)}: {reason}" for reason, names in reasons.items())


def _saved_model_lines(found):
  yield f"TensorFlow {found['tensorflow']}"
  for name, signature in found["signatures"].items():
    yield f"signature {name}"
    for side in ("inputs", "outputs"):
      yield from (f"  {side[:-1]} {_tensor(tensor)}" for tensor in signature[side])
  yield from _operations(found)


def _keras_lines(found):
  yield f"{found['class']}, {found['parameters']:,} parameters, Keras {found['keras']}, saved {found['saved']}"
  yield f"configuration {found['config']}"


def _tensor(tensor):
  """A tensor in words."""
  sides = "unknown" if tensor["shape"] is None else [("any" if side < 0 else side) for side in tensor["shape"]]
  shape = sides if isinstance(sides, str) else "[" + ", ".join(map(str, sides)) + "]"
  steps = f", value = (integer - {tensor['zero_point']}) x {tensor['step']:.6g}" if "step" in tensor else ""
  return f"{tensor['name']}: {tensor['dtype']} {shape}{steps}"


def _operations(found):
  yield f"{sum(found['operations'].values())} operations"
  yield from (f"  {count:4d} {name}" for name, count in found["operations"].items())
