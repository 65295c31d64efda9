"""Throughput of functions on images in a tf.data pipeline."""

import os
import time

import numpy as np
import tensorflow as tf

from tf_imgtrans.benchmark.latency import paired_latency
from tf_imgtrans.core.seeds import seed_at

BASE = "identity"  # the map that hands the image through: what the pipeline itself costs


def map_throughput(functions, images, count=400, rounds=4, workers=None):
  """How many images a second each function does in a tf.data map with parallel calls.

  The functions and a map that does nothing run in turn, in every round each over `count` images, so that a slow moment
  of the machine meets all of them; see `paired_latency`.

  Args:
    functions: dict of name -> (float32 image [H, W, 3], seed pair [2]) -> tensors.
    images: float32 [N, H, W, 3], used in turn.
    count: int, images of a round.
    rounds: int, measured, after one that warms up.
    workers: int, parallel calls; one for each core by default.
  Returns:
    dict of name to {"images_per_second": median, "ratio": median ratio of its time to the identity's within a round,
    "low" and "high": its quartiles, "cpu_ms": median time of processors for an image, which other work on the machine
    lengthens little}, BASE first.
  """
  images = tf.constant(images)
  runners = {name: _runner(function, images, count, workers or os.cpu_count())
             for name, function in {BASE: lambda image, seed: image, **functions}.items()}
  cpu = {name: [] for name in runners}

  def candidate(name):
    def run():
      began = time.process_time()
      runners[name]()
      cpu[name].append(time.process_time() - began)

    return run

  found = paired_latency({name: candidate(name) for name in runners}, rounds, warmup=1)
  values = {}
  for name in runners:
    ratio, low, high = found.ratio(name, BASE)
    values[name] = {"images_per_second": 1000.0 * count / found.median_ms(name), "ratio": ratio, "low": low, "high": high,
                    "cpu_ms": 1000.0 * float(np.median(cpu[name][1:])) / count}
  return values


def _runner(function, images, count, workers):
  """A callable that maps `count` images and throws the results away."""
  def element(number):
    return function(images[number % len(images)], seed_at(0, "throughput", number))

  # As many threads as workers, whatever else the process runs.
  options = tf.data.Options()
  options.threading.private_threadpool_size = workers
  dataset = tf.data.Dataset.range(count).map(element, num_parallel_calls=workers, deterministic=True).with_options(options)
  drain = tf.function(lambda: dataset.reduce(tf.constant(0), lambda done, *_: done + 1))
  drain.get_concrete_function()
  return lambda: int(drain())
