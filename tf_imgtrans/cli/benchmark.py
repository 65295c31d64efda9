"""`tf-imgtrans benchmark`: what networks cost, each runtime beside the others."""

import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.formats import FORMATS, MEASURED
from tf_imgtrans.core.startup import start_tensorflow, versions

Runtime = Literal[tuple(FORMATS)]
Precision = Literal[tuple(dict.fromkeys(name for entry in FORMATS.values() for name in entry.precisions))]


def benchmark(names: tyro.conf.Positional[tuple[str, ...]], height: int = 720, width: int = 1280,
              runtime: tuple[Runtime, ...] = MEASURED,
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
    precision: of the runtimes that have several, such as TFLite.
    threads: of every runtime; else one for each core.
    rounds: measured, after one that warms up.
    memory: measure by how much a process of its own grows for one inference, too.
    operations: say what the time is spent on, where files can be taken apart (TFLite): each operation is run alone.
    json: file for the numbers.
  """
  start_tensorflow()
  from tf_imgtrans.benchmark.networks import benchmark_networks, set_threads
  from tf_imgtrans.core.files import write_json

  if threads:
    set_threads(threads)
  report = benchmark_networks({name: _network(name) for name in names}, height, width, runtime, precision, threads, rounds,
                              memory, operations)
  print("{width}x{height}, {threads} threads of {cores} cores, {rounds} rounds, load {load:.1f}".format(**report))
  _print(report["rows"], report["convolution_gflops"], memory)
  for row in report["rows"]:
    _print_operations(row)
  if json:
    write_json(json, {**report, "versions": versions()})


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


def _print(rows, rates, memory):
  from tf_imgtrans.benchmark.networks import CONVOLUTION

  width = max(len(row["label"]) for row in rows)
  head = f"{'':{width}}{'ms':>9}   {'time / first':21}{'in its runtime':21}{'GMAC':>7}{'GFLOP/s':>9}{'share':>7}"
  print(head + ("      MB" if memory else ""))
  for row in rows:
    print(f"{row['label']:{width}}{row['ms']:9.1f}   {_spread(row['to_first']):21}{_spread(row['in_runtime']):21}"
          f"{row['gmac']:7.2f}{row['gflops']:9.0f}{row['share']:7.0%}"
          + (f"{row['peak_bytes'] / 1e6:8.0f}" if memory else ""))
  print("; ".join(f"{CONVOLUTION} in {name}: {rate:.0f} GFLOP/s" for name, rate in rates.items()))


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
