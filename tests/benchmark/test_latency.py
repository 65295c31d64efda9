"""Candidates timed in turn, on a clock that the test moves."""

import dataclasses

import keras
import numpy as np
import pytest
import recipes

from tf_imgtrans.benchmark import keras_runner, paired_latency
from tf_imgtrans.benchmark.latency import PairedLatency


class Workbench:
  """Candidates that take the seconds they are told, on a clock of their own, and note who ran."""

  def __init__(self, pace=1.0):
    self.now, self.calls, self.pace = 0.0, "", pace

  def clock(self):
    return self.now

  def candidate(self, name, *seconds):
    waiting = iter(seconds)

    def run():
      self.calls += name
      self.now += next(waiting)

    return run

  def drifting(self, name, seconds):
    """Takes longer by the factor `pace` at every call of any candidate."""
    def run():
      self.now += seconds * self.pace ** len(self.calls)
      self.calls += name

    return run


def _run(bench, rounds, warmup=0, **seconds):
  candidates = {name: bench.candidate(name, *values) for name, values in seconds.items()}
  return paired_latency(candidates, rounds=rounds, warmup=warmup, clock=bench.clock)


@pytest.mark.parametrize("rounds, warmup, calls", [
    (1, 0, "ABC"), (4, 0, "ABC" "CBA" "ABC" "CBA"), (2, 1, "CBA" "ABC" "CBA"), (1, 2, "ABC" "CBA" "ABC"),
])
def test_order_turns_round(rounds, warmup, calls):
  bench = Workbench()
  _run(bench, rounds, warmup, **{name: [1.0] * 4 for name in "ABC"})
  assert bench.calls == calls


def test_rounds_and_warmup_by_default():
  bench = Workbench()
  latency = paired_latency({"A": bench.candidate("A", *[1.0] * 8)}, clock=bench.clock)
  assert latency.seconds == {"A": [1.0] * 7} and bench.calls == "A" * 8


def test_times_by_hand():
  latency = _run(Workbench(), 3, A=[2.0, 3.0, 10.0], B=[1.0, 2.0, 4.0])
  assert latency.seconds == {"A": [2.0, 3.0, 10.0], "B": [1.0, 2.0, 4.0]}
  assert latency.median_ms("A") == 3000.0
  assert latency.median_ms("B") == 2000.0


def test_ratios_by_hand():
  """Of the rounds 2, 1.5 and 2.5: quartiles 1.75 and 2.25; the ratio of the medians would be 1.5."""
  latency = _run(Workbench(), 3, A=[2.0, 3.0, 10.0], B=[1.0, 2.0, 4.0])
  assert latency.ratio("A", "B") == (2.0, 1.75, 2.25)
  assert latency.ratio("B", "A") == pytest.approx((0.5, 0.45, 1.75 / 3))  # of 0.5, 2/3 and 0.4
  assert latency.ratio("A", "A") == (1.0, 1.0, 1.0)
  assert {type(value) for value in latency.ratio("A", "B")} == {float}


def test_warmup_is_not_counted():
  latency = _run(Workbench(), 2, warmup=1, A=[90.0, 1.0, 1.0], B=[50.0, 2.0, 2.0])
  assert latency.seconds == {"A": [1.0, 1.0], "B": [2.0, 2.0]}


def test_drift_falls_out_of_the_ratio():
  """Calls that grow by 1 % each: neighbours of an even number of rounds see it from both sides."""
  bench = Workbench(pace=1.01)
  latency = paired_latency({name: bench.drifting(name, seconds) for name, seconds in (("A", 3.0), ("B", 1.0))},
                           rounds=6, clock=bench.clock)
  median, low, high = latency.ratio("A", "B")
  assert median == pytest.approx(3.0, rel=1e-4)
  assert (low, high) == pytest.approx((3.0 / 1.01, 3.0 * 1.01))


def test_results_are_frozen():
  with pytest.raises(dataclasses.FrozenInstanceError):
    _run(Workbench(), 1, A=[1.0]).seconds = {}


def test_real_clock():
  latency = paired_latency({"long": lambda: sum(range(100000)), "short": lambda: sum(range(100))}, rounds=3)
  assert latency.ratio("long", "short")[0] > 1
  assert latency.median_ms("long") > latency.median_ms("short") > 0


@pytest.mark.parametrize("arguments, words", [
    ({"candidates": {}}, "candidates are empty"),
    ({"candidates": {"A": 3}}, "candidate 'A' is 3: expected a callable"),
    ({"rounds": 0}, "rounds is 0: expected an integer of 1 or more"),
    ({"rounds": 2.0}, "rounds is 2.0"),
    ({"rounds": True}, "rounds is True"),
    ({"warmup": -1}, "warmup is -1: expected an integer of 0 or more"),
])
def test_refused(arguments, words):
  calls = []
  with pytest.raises(ValueError, match=words):
    paired_latency(**{"candidates": {"A": lambda: calls.append("A")}, **arguments})
  assert not calls


def test_unknown_candidate():
  latency = PairedLatency({"srcnn": [1.0], "mux_demux": [0.5]})
  for call in (lambda: latency.median_ms("srcn"), lambda: latency.ratio("srcn", "mux_demux"),
               lambda: latency.ratio("mux_demux", "srcn")):
    with pytest.raises(ValueError, match="unknown candidate 'srcn'.*mux_demux, srcnn; did you mean 'srcnn'"):
      call()


def test_a_base_too_short_for_the_clock():
  with pytest.raises(ValueError, match="'B' took 0 seconds in a round"):
    _run(Workbench(), 2, A=[1.0, 1.0], B=[1.0, 0.0]).ratio("A", "B")


def test_keras_runner_gives_the_network_s_result():
  keras.utils.set_random_seed(0)
  model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3, padding="same")])
  run = keras_runner(model, 6, 5, batch=2)
  out = run()
  assert isinstance(out, np.ndarray) and out.shape == (2, 6, 5, 2)
  np.testing.assert_allclose(out, model(recipes.random_images(2, 6, 5, 3), training=False), atol=1e-6)
  np.testing.assert_array_equal(run(), out)


def test_keras_runner_traces_once_and_for_inference():
  traced = []

  def model(images, training):
    traced.append((tuple(images.shape), training))
    return images

  run = keras_runner(model, 4, 7)
  assert traced == [((1, 4, 7, 3), False)]
  images = run()
  assert images.min() >= 0 and images.max() <= 1 and images.std() > 0.2
  paired_latency({"model": run}, rounds=2)
  assert len(traced) == 1


@pytest.mark.parametrize("size, words", [
    ((0, 4, 1), "height is 0: expected an integer of 1 or more"), ((4, 2.5, 1), "width is 2.5"), ((4, 4, 0), "batch is 0"),
])
def test_keras_runner_refuses_sizes(size, words):
  with pytest.raises(ValueError, match=words):
    keras_runner(lambda images, training: images, *size)
