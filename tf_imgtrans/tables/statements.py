"""What a paper says of its tables, as claims that one mean is above another, checked seed by seed.

    Statement("the highest PSNR with full losses", higher("psnr", "full", "no_l1", "no_color"))
"""

import dataclasses
import statistics
from typing import Any


@dataclasses.dataclass(frozen=True)
class Mean:
  """Mean of a column over rows."""

  column: str
  keys: tuple  # of the rows

  def value(self, results, seed):
    """Of one seed; None where a row lacks a finite value. `results` is a dict of key to Result."""
    values = [results[key].value(self.column, seed) if key in results else None for key in self.keys]
    return None if None in values else statistics.fmean(values)


@dataclasses.dataclass(frozen=True)
class Ratio:
  """One mean divided by another."""

  over: Mean
  under: Mean

  def value(self, results, seed):
    """As `Mean.value`."""
    over, under = (mean.value(results, seed) for mean in (self.over, self.under))
    return over / under if over is not None and under else None


@dataclasses.dataclass(frozen=True)
class Claim:
  """That one quantity is above another, or with `equal` at least as high."""

  above: Any  # Mean or Ratio
  below: Any
  equal: bool = False

  def holds(self, results, seed):
    """Whether it holds on one seed; None where a value is missing."""
    above, below = (side.value(results, seed) for side in (self.above, self.below))
    if above is None or below is None:
      return None
    return above > below or (self.equal and above == below)


@dataclasses.dataclass(frozen=True)
class Statement:
  """A sentence, and the claims that all must hold for it."""

  text: str
  claims: tuple

  def holds(self, results, seed):
    """Whether all claims hold on one seed; None where one of them lacks a value."""
    found = [claim.holds(results, seed) for claim in self.claims]
    return None if None in found else all(found)


def higher(column, key, *others, equal=False):
  """Claims that a row has a higher value than each of the others."""
  return tuple(Claim(Mean(column, (key,)), Mean(column, (other,)), equal) for other in others)


def lower(column, key, *others):
  """Claims that a row has a lower value than each of the others."""
  return tuple(Claim(Mean(column, (other,)), Mean(column, (key,))) for other in others)


def higher_mean(column, keys, others):
  """The claim that the mean of a column over some rows is higher than over others."""
  return (Claim(Mean(column, tuple(keys)), Mean(column, tuple(others))),)


def check(results, statements):
  """Checks statements on every seed of which all their rows have finite values; a row of one seed counts with every seed.

  Args:
    results: list of table.Result.
    statements: list of Statement.
  Returns:
    list of (text, verdict): "holds" in all seeds, "does not hold" in none, or "undecided", with the count; or "not
    measured".
  """
  seeds = sorted({seed for result in results for seed in result.row.seeds})
  rows = {result.row.key: result for result in results}
  return [(statement.text, _verdict([statement.holds(rows, seed) for seed in seeds])) for statement in statements]


def _verdict(found):
  measured = [holds for holds in found if holds is not None]
  if not measured:
    return "not measured"
  true = sum(measured)
  word = "holds" if true == len(measured) else "undecided" if true else "does not hold"
  return f"{word} ({true} of {len(measured)} seeds)"
