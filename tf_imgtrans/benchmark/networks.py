"""What networks cost in each runtime, one beside the other."""

import os
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_imgtrans.benchmark.convolution import OPERATIONS
from tf_imgtrans.benchmark.latency import paired_latency
from tf_imgtrans.benchmark.macs import count_macs
from tf_imgtrans.benchmark.memory import peak_memory
from tf_imgtrans.core.formats import FORMATS, MEASURED, get_format

CONVOLUTION = "3x3 convolution of 64 channels"


def benchmark_networks(networks: Mapping[str, keras.Model], height: int = 720, width: int = 1280,
                       runtimes: Sequence[str] = MEASURED, precisions: Sequence[str] = ("float32",),
                       threads: int | None = None, rounds: int = 8, memory: bool = True, operations: bool = False) -> dict:
  """Measures latency, arithmetic and memory of networks, as ratios in one run.

  The candidates, a network in a runtime and precision each, take turns with a large convolution in the same runtimes; see
  `paired_latency`. An image goes in and comes out as a NumPy array.

  Args:
    networks: dict of name to keras.Model.
    height, width: int, of the image in pixels.
    runtimes: names of `core.formats`.
    precisions: of the runtimes that have several.
    threads: int; None is one for each core. TensorFlow's own are set for the whole process, by `set_threads`.
    rounds: int, measured, after one that warms up.
    memory: whether to measure by how much a process of its own grows for one inference, too.
    operations: whether to run each operation alone, in the runtimes that can.
  Returns:
    dict: height, width, threads, rounds, cores, load (the higher one of before and after), convolution_gflops (of the best
    round, by runtime), rows. A row: label, network, runtime, precision, gmac, ms (median), to_first and in_runtime
    (median, low and high quartile of the ratios to the first candidate, and to the first in the same runtime), gflops (two
    operations for each multiply-accumulate), share (of the convolution's rate), round_seconds; peak_bytes and operations
    where they were asked for.
  Raises:
    ValueError: no network, or an unknown runtime.
  """
  if not networks:
    raise ValueError("no network is named: give some, such as mux_demux_hp dped")
  threads = threads or os.cpu_count() or 1
  formats = [get_format(name) for name in runtimes]
  load = os.getloadavg()[0]
  with tempfile.TemporaryDirectory() as folder:
    candidates = [candidate for name, network in networks.items()
                  for candidate in _candidates(name, network, height, width, formats, precisions, threads, folder)]
    runners = {candidate["label"]: candidate.pop("run") for candidate in candidates}
    convolutions = {f"{CONVOLUTION}, {name}": convolve(threads)
                    for name, convolve in {entry.engine: entry.convolution for entry in formats}.items()}
    found = paired_latency({**runners, **convolutions}, rounds)
    for candidate in tqdm(candidates, desc="memory", unit="model", file=sys.stderr) if memory else ():
      candidate["peak_bytes"] = peak_memory(candidate["runtime"], candidate["path"], height, width, threads)
    for candidate in candidates if operations else ():
      if measure := FORMATS[candidate["runtime"]].operations:
        candidate["operations"] = measure(candidate["path"], threads, rounds)
  rates = {entry.engine: OPERATIONS / 1e9 / min(found.seconds[f"{CONVOLUTION}, {entry.engine}"]) for entry in formats}
  return {"height": height, "width": width, "threads": threads, "rounds": rounds, "cores": os.cpu_count(),
          "load": max(load, os.getloadavg()[0]), "convolution_gflops": rates, "rows": _rows(candidates, found, rates)}


def set_threads(threads: int) -> None:
  """Sets TensorFlow's threads, which has to be before its first operation.

  Raises:
    ValueError: TensorFlow has started with others.
  """
  if tf.config.threading.get_intra_op_parallelism_threads() == threads:
    return
  try:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
  except RuntimeError as error:
    raise ValueError(f"threads is {threads}, but TensorFlow has started with others: leave --threads out") from error


def _candidates(name, network, height, width, formats, precisions, threads, folder):
  """One dict for each runtime of a network: label, network, runtime, precision, path, gmac and the callable `run`."""
  gmac = count_macs(network, height, width) / 1e9
  image = np.random.default_rng(0).random((1, height, width, 3), np.float32)
  for entry in formats:
    for precision in [name for name in precisions if name in entry.precisions] or ["float32"]:
      path = pathlib.Path(tempfile.mkdtemp(dir=folder), f"model{entry.suffix}")
      options = {"precision": precision, "height": height, "width": width}
      path = entry.save(network, path, **{option: options[option] for option in entry.options if option in options})
      model = entry.load(path, threads)
      model(image)  # Keras runs a size as a graph from its second time on
      yield {"label": f"{name} {entry.name}" + (f" {precision}" if precision != "float32" else ""), "network": name,
             "runtime": entry.name, "precision": precision, "path": path, "gmac": gmac,
             "run": lambda model=model: model(image)}


def _rows(candidates, found, rates):
  """The rows of the result, from the candidates and their times."""
  firsts = {}  # of each runtime
  rows = []
  for candidate in candidates:
    del candidate["path"]  # of a temporary folder
    label, runtime = candidate["label"], candidate["runtime"]
    same, ms = firsts.setdefault(runtime, label), found.median_ms(label)
    gflops = 2 * candidate["gmac"] / (ms / 1000)
    rows.append({**candidate, "ms": ms, "to_first": found.ratio(label, candidates[0]["label"]),
                 "in_runtime": found.ratio(label, same), "gflops": gflops, "share": gflops / rates[FORMATS[runtime].engine],
                 "round_seconds": found.seconds[label]})
  return rows
