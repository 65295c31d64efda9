"""Latency of networks, measured side by side."""

import dataclasses
import numbers
import os
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_imgtrans.core.names import unknown_name


@dataclasses.dataclass(frozen=True)
class PairedLatency:
  """Times of several candidates that ran in turn.

  A ratio of two medians mixes quiet moments of one candidate with busy moments of the other; a ratio within a round
  compares neighbours, so that whatever slows the whole machine falls out.

  Args:
    seconds: dict of name -> list of float, one time per round.
  """

  seconds: dict[str, list[float]]

  def median_ms(self, name: str) -> float:
    """Median time of one candidate in milliseconds: float. ValueError for an unknown name."""
    return 1000.0 * float(np.median(self._of(name)))

  def ratio(self, name: str, base: str) -> tuple[float, float, float]:
    """How many times as long `name` takes as `base`.

    Args:
      name, base: str, names of candidates.
    Returns:
      (median, low, high) of the ratios of the rounds, floats; low and high are the quartiles, between which half of
      the rounds lie (interpolated linearly between rounds).
    Raises:
      ValueError: an unknown name, or a base that took no time by the clock.
    """
    times, base_times = np.array(self._of(name)), np.array(self._of(base))
    if not base_times.all():
      raise ValueError(f"{base!r} took 0 seconds in a round: expected work that the clock can see; give it more to do")
    low, median, high = np.quantile(times / base_times, [0.25, 0.5, 0.75])
    return float(median), float(low), float(high)

  def _of(self, name):
    if name not in self.seconds:
      raise unknown_name("candidate", name, self.seconds)
    return self.seconds[name]


def paired_latency(candidates: Mapping[str, Callable], rounds: int = 7, warmup: int = 1,
                   clock: Callable[[], float] = time.perf_counter) -> PairedLatency:
  """Times candidates in turn: every round calls each of them once.

  Every other round runs backwards (A B C, C B A, A B C, ...), so that each pair changes places: a steady drift, such
  as a processor that heats up, raises a ratio in one round and lowers it as much in the next. Rotating the order
  would leave neighbours A and B in that order in all rounds but one of a cycle. An even number of rounds has as many
  of either.

  Args:
    candidates: dict of name -> callable without arguments that has finished its work when it returns.
    rounds: int >= 1, measured rounds.
    warmup: int >= 0, rounds before them that are not counted.
    clock: callable, gives the time in seconds.
  Returns:
    PairedLatency.
  Raises:
    ValueError: no candidate, one that cannot be called, or an illegal number of rounds.
  """
  if not candidates:
    raise ValueError("candidates are empty: expected at least one name with a callable")
  for name, run in candidates.items():
    if not callable(run):
      raise ValueError(f"candidate {name!r} is {run!r}: expected a callable without arguments; see keras_runner")
  _check_count("rounds", rounds, 1)
  _check_count("warmup", warmup, 0)
  seconds: dict[str, list[float]] = {name: [] for name in candidates}
  for index in range(-warmup, rounds):
    for name in list(candidates)[::-1 if index % 2 else 1]:
      elapsed = _time(candidates[name], clock)
      if index >= 0:
        seconds[name].append(elapsed)
  return PairedLatency(seconds)


def keras_runner(model: Callable, height: int, width: int, batch: int = 1) -> Callable[[], np.ndarray]:
  """A candidate for `paired_latency` that runs a network on one fixed image of noise and fetches the result.

  Args:
    model: keras.Model, or any callable as `model(images, training=False)`, from RGB images to one tensor.
    height, width: int >= 1, size of the image.
    batch: int >= 1, images per call.
  Returns:
    callable without arguments, gives the result as a NumPy array; its graph is traced already.
  Raises:
    ValueError: an illegal size.
  """
  for name, size in (("batch", batch), ("height", height), ("width", width)):
    _check_count(name, size, 1)
  # An argument of the graph, not a constant in it, which TensorFlow could compute ahead of the measurement.
  images = tf.constant(np.random.default_rng(0).random((batch, height, width, 3), np.float32))
  forward = tf.function(lambda images: model(images, training=False))
  forward.get_concrete_function(images)
  return lambda: forward(images).numpy()  # an accelerator has finished only when its result is fetched


def lite_runner(content, threads=None):
  """A candidate for `paired_latency` that runs a .tflite file on noise, which is set once.

  Args:
    content: bytes of the file, of fixed sizes.
    threads: int; None is one for each core.
  Returns:
    callable without arguments.
  """
  from ai_edge_litert.interpreter import Interpreter

  interpreter, rng = Interpreter(model_content=content, num_threads=threads or os.cpu_count()), np.random.default_rng(0)
  interpreter.allocate_tensors()
  for details in interpreter.get_input_details():
    if details["dtype"] == np.float32:  # integers stay zero: they take as long whatever they are
      interpreter.set_tensor(details["index"], rng.random(details["shape"], np.float32))
  return interpreter.invoke


def _time(run, clock):
  began = clock()
  run()
  return clock() - began


def _check_count(name, value, least):
  if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
    raise ValueError(f"{name} is {value!r}: expected an integer of {least} or more")
