"""Intervals of differences, beside what they are by arithmetic."""

import itertools

import numpy as np
import pytest

from tf_imgtrans.tables.intervals import interval

ROWS = ("a", "b")


def difference(means):
  return means["a"] - means["b"]


def images(count, name="image"):
  return tuple(f"{name}{place}" for place in range(count))


def test_images_alone_give_the_interval_of_a_mean_of_paired_differences():
  rng = np.random.default_rng(0)
  hard, noise = rng.normal(0, 10, (1, 400)), rng.normal(0, 1, (2, 1, 400))  # what is hard is hard for both
  samples = {row: (images(400), hard + each + (row == "a")) for row, each in zip(ROWS, noise)}
  found, low, high = interval(difference, samples)
  paired = (noise[0] - noise[1]).ravel() + 1
  half = 1.96 * paired.std(ddof=1) / 20
  assert found == pytest.approx(paired.mean())
  assert (low, high) == pytest.approx((found - half, found + half), abs=0.1 * half)


def test_rows_of_other_images_are_drawn_apart():
  rng = np.random.default_rng(0)
  hard = rng.normal(0, 10, (1, 400))
  samples = {"a": (images(400), hard), "b": (images(400, "other"), hard)}
  found, low, high = interval(difference, samples)
  half = 1.96 * hard.std(ddof=1) * 2 ** 0.5 / 20
  assert found == 0 and (low, high) == pytest.approx((-half, half), abs=0.1 * half)


def test_seeds_alone_give_the_quantiles_of_all_their_choices():
  values = {"a": [1.0, 2.0, 4.0], "b": [0.5, 0.9, 4.3]}
  found, low, high = interval(difference, {row: (("",), np.array(each)[:, None]) for row, each in values.items()})
  paired = np.subtract(values["a"], values["b"])
  choices = [np.mean(chosen) for chosen in itertools.product(paired, repeat=3)]  # 27, as likely one as the other
  assert found == pytest.approx(paired.mean())
  assert (low, high) == pytest.approx((min(choices), max(choices)))  # each is one of 27, more than 2.5 %


def test_seeds_and_images_are_drawn_together():
  """The variance of a mean over crossed seeds and images is that of both."""
  rng = np.random.default_rng(0)
  of_seeds, of_images = rng.normal(0, 1, (30, 1)), rng.normal(0, 1, (1, 30))
  samples = {"a": (images(30), of_seeds + of_images), "b": (images(30), np.zeros((30, 30)))}
  found, low, high = interval(difference, samples)
  half = 1.96 * ((of_seeds.var() + of_images.var()) / 30) ** 0.5
  assert (low, high) == pytest.approx((found - half, found + half), abs=0.1 * half)


def test_a_row_of_the_whole_set_beside_one_of_images():
  samples = {"a": (images(4), np.array([[1.0, 2.0, 3.0, 4.0]])), "b": (("",), np.array([[1.0]]))}
  found, low, high = interval(difference, samples)
  assert found == 1.5 and 0 <= low < 1.5 < high <= 3


def test_one_value_has_no_interval():
  samples = {row: (("",), np.array([[number]])) for row, number in zip(ROWS, (3.0, 1.0))}
  assert interval(difference, samples) == (2, None, None)


def test_the_interval_is_the_same_each_time_and_in_parts(monkeypatch):
  rng = np.random.default_rng(0)
  samples = {row: (images(50), rng.normal(0, 1, (3, 50))) for row in ROWS}
  first = interval(difference, samples)
  assert interval(difference, samples) == first
  monkeypatch.setattr("tf_imgtrans.tables.intervals._BATCH_VALUES", 1000)
  np.testing.assert_allclose(interval(difference, samples), first, atol=0.03)


def test_an_interval_holds_the_truth_as_often_as_it_says():
  """95 of 100; with ten seeds and few images the bootstrap is a little narrow."""
  rng, inside = np.random.default_rng(0), 0
  for _ in range(200):
    samples = {row: (images(20), rng.normal(0, 1, (10, 1)) + rng.normal(0, 1, (1, 20)) + rng.normal(0, 1, (10, 20)))
               for row in ROWS}
    _, low, high = interval(difference, samples, resamples=499)
    inside += low <= 0 <= high
  assert 0.85 <= inside / 200 <= 0.99
