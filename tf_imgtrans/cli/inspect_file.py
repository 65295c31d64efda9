"""`tf-imgtrans inspect`: what a model file holds."""

import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.core.startup import start_tensorflow


def inspect_file(file: Annotated[pathlib.Path, tyro.conf.Positional], json: pathlib.Path | None = None):
  """Show what a model file holds, without running it.

  Of every file: what its network was trained for, where it tells. Of an exported file: what it takes and gives, its own
  description (value range, scale, noise, precision, digest of the weights) and operations; of a .tflite file also which
  of them a phone's GPU would leave to the CPU. Of a .keras file: its configuration.

  Example: tf-imgtrans inspect enhancer.tflite

  Args:
    file: model file of any format, SavedModel folder or run folder.
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
  """The lines of the screen: of each entry, in the order of `_ENTRIES`, then what only a format of its own tells."""
  yield f"{found['path']}: {found['kind']}, {found['bytes']:,} bytes"
  yield f"task {'unknown' if found['task'] is None else found['task']}"
  for name, lines in _ENTRIES.items():
    if name in found:
      yield from lines(found)
  shown = {"path", "kind", "bytes", "task", "keras", "saved", "unknown_shapes", *_ENTRIES}
  yield from (f"{name} {value}" for name, value in found.items() if name not in shown)


def _class(found):
  yield f"{found['class']}, {found['parameters']:,} parameters, Keras {found['keras']}, saved {found['saved']}"


def _signatures(found):
  signatures = found["signatures"]
  if not isinstance(signatures, dict):
    yield f"signatures {', '.join(signatures) or 'none'}"
    return
  for name, signature in signatures.items():
    yield f"signature {name}"
    yield from (f"  {line}" for side in ("inputs", "outputs") for line in _tensors(signature, side))


def _tensors(found, side):
  yield from (f"{side[:-1]} {_tensor(tensor)}" for tensor in found[side])


def _tensor(tensor):
  """A tensor in words."""
  sides = "unknown" if tensor["shape"] is None else [("any" if side < 0 else side) for side in tensor["shape"]]
  shape = sides if isinstance(sides, str) else "[" + ", ".join(map(str, sides)) + "]"
  steps = f", value = (integer - {tensor['zero_point']}) x {tensor['step']:.6g}" if "step" in tensor else ""
  return f"{tensor['name']}: {tensor['dtype']} {shape}{steps}"


def _shapes(found):
  unknown = found["unknown_shapes"]
  yield f"highest rank {found['highest_rank']}, " + (
      f"{unknown} tensors of a shape that is known only when the file runs" if unknown else "every shape is fixed")


def _description(found):
  if found["metadata"] is None:
    yield "no description of tf_imgtrans inside"
    return
  yield "description"
  yield from (f"  {name}: {'any' if value is None else value}" for name, value in found["metadata"].items()
              if name not in ("input", "output", "signatures", "task"))


def _operations(found):
  yield f"{sum(found['operations'].values())} operations"
  yield from (f"  {count:4d} {name}" for name, count in found["operations"].items())


def gpu_lines(findings):
  """Lines on what a phone's GPU would leave to the CPU, by reason; `findings` as export.inspection gives them."""
  if not findings:
    yield "GPU delegate: takes every operation"
    return
  reasons = {}
  for finding in findings:
    reasons.setdefault(finding["reason"], []).append(f"{finding['operation']} x{finding['count']}")
  yield "GPU delegate: would leave to the CPU"
  yield from (f"  {', '.join(names)}: {reason}" for reason, names in reasons.items())


# entry of what is found -> its lines
_ENTRIES = {
    "class": _class,
    "parameters": lambda found: (),  # in the line of the class
    "config": lambda found: [f"configuration {found['config']}"],
    "inputs": lambda found: _tensors(found, "inputs"),
    "outputs": lambda found: _tensors(found, "outputs"),
    "tensorflow": lambda found: [f"TensorFlow {found['tensorflow']}"],
    "signatures": _signatures,
    "highest_rank": _shapes,
    "metadata": _description,
    "operations": _operations,
    "gpu": lambda found: gpu_lines(found["gpu"]),
}
