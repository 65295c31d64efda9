"""`tf-imgtrans benchmark`: what networks cost, each runtime beside the others."""

import os
import pathlib
import tempfile
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.startup import start_tensorflow, versions

Runtime = Literal["keras", "saved-model", "tflite"]
Precision = Literal["float32", "float16", "dynamic_int8"]
CONVOLUTION = "3x3 convolution of 64 channels"


def benchmark(names: tyro.conf.Positional[tuple[str, ...]], height: int = 720, width: int = 1280,
              runtime: tuple[Runtime, ...] = ("keras", "saved-model", "tflite"),
              precision: tuple[Precision, ...] = ("float32",), threads: int | None = None, rounds: int = 8,
              memory: bool = True, operations: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
              json: pathlib.Path | None = None):
  """Measure latency, arithmetic and memory of networks, as ratios in one run.

  The candidates take turns, in every other round backwards, so that a slow moment of the machine meets all of them: trust
  the ratios, with the quartiles of the rounds, before the milliseconds: to the first candidate, and to the first network
  in the same runtime. The rate is that of the multiply-accumulates, two operations each; its share is of the best rate
  that the same runtime reaches in the same run on a large convolution (3x3, 64 channels, 360x640). An image goes in and
  comes out as a NumPy array.

  Example: tf-imgtrans benchmark mux_demux_hp dped --height 720 --width 1280 --runtime keras tflite

  Args:
    names: of `tf_imgtrans.list_generators()`, or models: .keras file, run folder, name in saved_models/.
    height: of the image in pixels.
    width: of the image in pixels.
    runtime: what runs them.
    precision: of the TFLite files.
    threads: of every runtime; else one for each core.
    rounds: measured, after one that warms up.
    memory: measure by how much a process of its own grows for one inference, too.
    operations: say what the time of the TFLite files is spent on: each operation is run alone.
    json: file for the numbers.
  """
  if not names:
    raise ValueError("no network is named: give some, such as mux_demux_hp dped")
  start_tensorflow()
  if threads:
    _set_threads(threads)
  threads = threads or os.cpu_count()
  from tf_imgtrans.benchmark.latency import paired_latency

  load = os.getloadavg()[0]
  with tempfile.TemporaryDirectory() as folder:
    candidates = [candidate for name in names
                  for candidate in _candidates(name, height, width, runtime, precision, threads, pathlib.Path(folder))]
    runners = {candidate["label"]: candidate.pop("run") for candidate in candidates}
    references = {name: f"{CONVOLUTION}, {name}" for name in dict.fromkeys(_reference(name) for name in runtime)}
    found = paired_latency({**runners, **_convolutions(references, threads)}, rounds)
    if memory:
      _add_memory(candidates, height, width, threads)
    if operations:
      for candidate in candidates:
        if candidate["runtime"] == "tflite":
          candidate["operations"] = operation_times(candidate["path"], threads, rounds)
  rates = _rates(found, references)
  first = {}  # of each runtime
  for candidate in candidates:
    first.setdefault(candidate["runtime"], candidate["label"])
  rows = [_row(candidate, found, candidates[0]["label"], first[candidate["runtime"]], rates) for candidate in candidates]
  load = max(load, os.getloadavg()[0])
  print(f"{width}x{height}, {threads} threads of {os.cpu_count()} cores, {rounds} rounds, load {load:.1f}")
  _print(rows, rates, memory)
  for row in rows if operations else ():
    _print_operations(row)
  if json:
    from tf_imgtrans.core.files import write_json

    write_json(json, {"height": height, "width": width, "threads": threads, "rounds": rounds, "cores": os.cpu_count(),
                      "load": load, "versions": versions(), "convolution_gflops": rates, "rows": rows})


def _set_threads(threads):
  import tensorflow as tf

  if tf.config.threading.get_intra_op_parallelism_threads() == threads:
    return
  try:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
  except RuntimeError as error:
    raise ValueError(f"threads is {threads}, but TensorFlow has started with others: leave --threads out") from error


def _candidates(name, height, width, runtimes, precisions, threads, folder):
  """One dict for each runtime of a network: label, network, runtime, precision, path, gmac and the callable `run`."""
  import numpy as np

  from tf_imgtrans.benchmark.macs import count_macs
  from tf_imgtrans.inference.models import load_model

  network = _network(name)
  gmac = count_macs(network, height, width) / 1e9
  image = np.random.default_rng(0).random((1, height, width, 3), np.float32)
  for runtime in runtimes:
    for precision in precisions if runtime == "tflite" else ("float32",):
      path = _export(network, folder / f"{len(list(folder.iterdir()))}", runtime, precision, height, width)
      model = load_model(path, threads=threads)
      model(image)  # Keras runs a size as a graph from its second time on
      yield {"label": f"{name} {runtime}" + (f" {precision}" if precision != "float32" else ""), "network": name,
             "runtime": runtime, "precision": precision, "path": model.path, "gmac": gmac,
             "run": lambda model=model: model(image)}


def _network(name):
  from tf_imgtrans.inference.models import load_model
  from tf_imgtrans.recipes import create_generator, list_generators

  if name in list_generators() and not pathlib.Path(name).exists():
    return create_generator(name)
  model = load_model(name)
  if model.keras_model is None:
    raise ValueError(f"{model.path} is exported already ({model.kind}): give the .keras file or the run folder; the other "
                     "runtimes are made of it")
  return model.keras_model


def _export(network, path, runtime, precision, height, width):
  from tf_imgtrans.export.saved_model import to_saved_model
  from tf_imgtrans.export.tflite import to_tflite

  if runtime == "keras":
    path = path.with_suffix(".keras")
    network.save(path)
  elif runtime == "saved-model":
    to_saved_model(network, path)
  else:
    path = path.with_suffix(".tflite")
    to_tflite(network, path, precision, height, width)
  return path


def _reference(runtime):
  return "tflite" if runtime == "tflite" else "tensorflow"  # Keras and SavedModel run the same operation


def _convolutions(references, threads):
  from tf_imgtrans.benchmark.convolution import convolution_runner

  return {label: convolution_runner(name, threads) for name, label in references.items()}


def _rates(found, references):
  """GFLOP/s of the convolution's best round: dict by runtime."""
  from tf_imgtrans.benchmark.convolution import OPERATIONS

  return {name: OPERATIONS / 1e9 / min(found.seconds[label]) for name, label in references.items()}


def _add_memory(candidates, height, width, threads):
  import sys

  from tqdm import tqdm

  from tf_imgtrans.benchmark.memory import peak_memory

  for candidate in tqdm(candidates, desc="memory", unit="model", file=sys.stderr):
    candidate["peak_bytes"] = peak_memory(candidate["runtime"], candidate["path"], height, width, threads)


def _row(candidate, found, first, same, rates):
  label = candidate["label"]
  rate = 2 * candidate["gmac"] / (found.median_ms(label) / 1000)
  del candidate["path"]  # of a temporary folder
  return {**candidate, "ms": found.median_ms(label), "to_first": found.ratio(label, first),
          "in_runtime": found.ratio(label, same), "gflops": rate, "share": rate / rates[_reference(candidate["runtime"])],
          "round_seconds": found.seconds[label]}


def _print(rows, rates, memory):
  width = max(len(row["label"]) for row in rows)
  head = f"{'':{width}}{'ms':>9}   {'time / first':21}{'in its runtime':21}{'GMAC':>7}{'GFLOP/s':>9}{'share':>7}"
  print(head + ("      MB" if memory else ""))
  for row in rows:
    print(f"{row['label']:{width}}{row['ms']:9.1f}   {_spread(row['to_first']):21}{_spread(row['in_runtime']):21}"
          f"{row['gmac']:7.2f}{row['gflops']:9.0f}{row['share']:7.0%}"
          + (f"{row['peak_bytes'] / 1e6:8.0f}" if memory else ""))
  print("; ".join(f"{CONVOLUTION} in {name}: {rate:.0f} GFLOP/s" for name, rate in rates.items()))


def operation_times(path, threads, rounds):
  """Where the time of a .tflite file goes: each operation alone in the interpreter, those of one kind and shape once.

  Returns:
    dict of kind to {"ms": of all of the kind together, "count"}, the longest first.
  """
  from tf_imgtrans.benchmark.latency import lite_runner, paired_latency
  from tf_imgtrans.export.flatbuffer import single_operations

  alike = {}
  for operation, content in single_operations(path):
    shapes = str([(tensor.shape, tensor.dtype) for tensor in (*operation.inputs, *operation.outputs)])
    alike.setdefault((_kind(operation), shapes), []).append(content)
  found = paired_latency({key: lite_runner(contents[0], threads) for key, contents in alike.items()}, rounds)
  kinds = {}
  for (kind, shapes), contents in alike.items():
    values = kinds.setdefault(kind, {"ms": 0.0, "count": 0})
    values["ms"] += len(contents) * found.median_ms((kind, shapes))
    values["count"] += len(contents)
  return dict(sorted(kinds.items(), key=lambda item: -item[1]["ms"]))


def _kind(operation):
  return "{} {}x{}".format(operation.name, *operation.kernel) if operation.kernel else operation.name


def _print_operations(row):
  if "operations" not in row:
    return
  total = sum(values["ms"] for values in row["operations"].values())
  print(f"\n{row['label']}, each operation alone: {total:.1f} ms in all")
  for kind, values in row["operations"].items():
    if values["ms"] > 0.005 * total:
      print(f"  {kind:24}{values['count']:5}{values['ms']:9.1f} ms{values['ms'] / total:7.0%}")


def _spread(ratio):
  """A median ratio with its quartiles, as text."""
  return "{:.2f} ({:.2f}-{:.2f})".format(*ratio)
