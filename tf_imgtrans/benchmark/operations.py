"""Where the time of a .tflite file goes."""

import pathlib

from tf_imgtrans.benchmark.latency import lite_runner, paired_latency
from tf_imgtrans.export.flatbuffer import single_operations


def operation_times(path: str | pathlib.Path, threads: int | None = None, rounds: int = 8) -> dict[str, dict]:
  """Times each operation of a .tflite file alone in the interpreter, those of one kind and shape once.

  Args:
    path: of the file.
    threads: int; None is one for each core.
    rounds: int, measured, after one that warms up.
  Returns:
    dict of kind, such as "CONV_2D 3x3", to {"ms": of all of the kind together, "count"}, the longest first.
  """
  alike: dict[str, tuple[str, list[bytes]]] = {}
  for operation, content in single_operations(path):
    kind = "{} {}x{}".format(operation.name, *operation.kernel) if operation.kernel else operation.name
    shapes = [(tensor.shape, tensor.dtype) for tensor in (*operation.inputs, *operation.outputs)]
    alike.setdefault(f"{kind} {shapes}", (kind, []))[1].append(content)
  found = paired_latency({key: lite_runner(contents[0], threads) for key, (_, contents) in alike.items()}, rounds)
  kinds: dict[str, dict] = {}
  for key, (kind, contents) in alike.items():
    values = kinds.setdefault(kind, {"ms": 0.0, "count": 0})
    values["ms"] += len(contents) * found.median_ms(key)
    values["count"] += len(contents)
  return dict(sorted(kinds.items(), key=lambda item: -item[1]["ms"]))
