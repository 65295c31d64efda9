"""What a paper says of its tables, as claims that one mean is above another, each decided by a 95 % interval.

    Statement("the highest PSNR with full losses", higher("psnr", "full", "no_l1", "no_color"))
"""

import dataclasses
import math
from typing import Any

from tf_imgtrans.tables.intervals import interval
from tf_imgtrans.tables.liveness import reasons

HOLDS, CONTRADICTED = "holds at this scale", "contradicted at this scale"
UNDECIDED, UNMEASURED = "undecided", "not measured"
SEEDS = 3  # that networks need for a verdict


@dataclasses.dataclass(frozen=True)
class Mean:
  """Mean of a column over rows."""

  column: str
  keys: tuple  # of the rows

  @property
  def parts(self):
    """What it is made of: tuple of (column, key)."""
    return tuple((self.column, key) for key in self.keys)

  def of(self, means):
    """From a dict of part to its mean, a float or an array."""
    return sum(means[part] for part in self.parts) / len(self.keys)

  def __str__(self):
    return f"{self.column} of {self.keys[0]}" + (f" to {self.keys[-1]}" if len(self.keys) > 1 else "")


@dataclasses.dataclass(frozen=True)
class Ratio:
  """One mean divided by another."""

  over: Mean
  under: Mean

  @property
  def parts(self):
    """As of `Mean`."""
    return self.over.parts + self.under.parts

  def of(self, means):
    """As of `Mean`."""
    return self.over.of(means) / self.under.of(means)

  def __str__(self):
    return f"{self.over} over that of {self.under.keys[0]}"


@dataclasses.dataclass(frozen=True)
class Claim:
  """That one quantity is above another, or with `equal` at least as high."""

  above: Any  # Mean or Ratio
  below: Any
  equal: bool = False

  @property
  def parts(self):
    """As of `Mean`."""
    return self.above.parts + self.below.parts

  def difference(self, means):
    """How far one is above the other; arguments as of `Mean.of`."""
    return self.above.of(means) - self.below.of(means)

  def __str__(self):
    return f"{self.above} above {self.below}"


@dataclasses.dataclass(frozen=True)
class Statement:
  """A sentence, and the claims that all must hold for it."""

  text: str
  claims: tuple


@dataclasses.dataclass(frozen=True)
class Decided:
  """A claim with what was found of it.

  Attributes:
    claim: str.
    verdict: str, one of the words above.
    difference, low, high: floats, how far one quantity is above the other and the 95 % interval; None where not measured.
    seeds, images: ints, what the interval is drawn from; images is 1 for a value of the whole set.
    reason: str, why nothing follows from the interval; "" where something does.
  """

  claim: str
  verdict: str
  difference: float | None = None
  low: float | None = None
  high: float | None = None
  seeds: int = 0
  images: int = 0
  reason: str = ""

  @property
  def margin(self):
    """The difference in widths of its interval: the least of several claims is the least sure."""
    if self.difference is None:
      return -math.inf
    width = (self.high - self.low) if self.low is not None else math.inf
    return self.difference / width if width else math.copysign(math.inf, self.difference)

  def __str__(self):
    if self.difference is None:
      return self.claim
    between = f", 95 % interval {self.low:.4g} to {self.high:.4g}" if self.low is not None else ""
    images = f", {self.images} images" if self.images > 1 else ""
    reason = f"; {self.reason}" if self.reason else ""
    return f"{self.claim}: by {self.difference:.4g}{between}, {self.seeds} seed{'s' * (self.seeds > 1)}{images}{reason}"


@dataclasses.dataclass(frozen=True)
class Verdict:
  """What became of a statement: it holds where all its claims do, and is contradicted where one of them is.

  Attributes:
    statement: str.
    claims: tuple of Decided.
  """

  statement: str
  claims: tuple

  @property
  def word(self):
    """One of the words above."""
    found = {claim.verdict for claim in self.claims}
    return next(word for word in (UNMEASURED, CONTRADICTED, UNDECIDED, HOLDS) if word in found)

  @property
  def weakest(self):
    """The least sure of its claims: Decided."""
    return min(self.claims, key=lambda claim: claim.margin)

  def __str__(self):
    least = "the least sure of its claims: " if len(self.claims) > 1 else ""
    return f"{self.word}: {self.statement} ({least}{self.weakest})"

  def as_json(self):
    """For table.json."""
    return {"statement": self.statement, "verdict": self.word, "claims": [dataclasses.asdict(each) for each in self.claims]}


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
  """Decides statements by the seeds of which all rows of a claim have finite values, and by the images of these.

  A claim holds where the whole 95 % interval of the difference lies above 0, is contradicted where it lies below, and is
  undecided else, where a network was trained with fewer than three seeds, or where `liveness.reasons` has some. A row of
  one seed counts with every seed.

  Args:
    results: list of table.Result.
    statements: list of Statement.
  Returns:
    list of Verdict.
  """
  rows = {result.row.key: result for result in results}
  return [Verdict(statement.text, tuple(_decide(claim, rows) for claim in statement.claims)) for statement in statements]


def value(quantity, results):
  """A Mean or Ratio from the rows' means over seeds; None where one is missing. `results` is a dict of key to Result."""
  means = {(column, key): results[key].mean(column) if key in results else None for column, key in quantity.parts}
  return None if None in means.values() else quantity.of(means)


def _decide(claim, rows):
  samples = _samples(claim.parts, rows)
  if samples is None:
    return Decided(str(claim), UNMEASURED)
  difference, low, high = interval(claim.difference, samples)
  if not math.isfinite(difference):
    return Decided(str(claim), UNMEASURED)
  seeds, images = (max(values.shape[axis] for _, values in samples.values()) for axis in (0, 1))
  few = any(rows[key].row.trained and len(values) < SEEDS for (_, key), (_, values) in samples.items())
  why = reasons([rows[key] for key in dict.fromkeys(key for _, key in claim.parts)])
  word = UNDECIDED
  if low is not None and not few and not why:
    word = HOLDS if low > 0 or (claim.equal and low >= 0) else CONTRADICTED if high < 0 else UNDECIDED
  return Decided(str(claim), word, difference, low, high, seeds, images, "; ".join(why))


def _samples(parts, rows):
  """dict of part to (names, [S, I]), as `intervals.interval` takes it; None where a row has no value with the others."""
  import numpy as np

  found = {part: rows[part[1]].each(part[0]) if part[1] in rows else {} for part in parts}
  several = [set(each) for (_, key), each in found.items() if key in rows and len(rows[key].row.seeds) > 1]
  seeds = sorted(set.intersection(*several)) if several else [None]
  if not seeds or not all(found.values()):
    return None
  chosen = {(column, key): [each[seed] if len(rows[key].row.seeds) > 1 else next(iter(each.values())) for seed in seeds]
            for (column, key), each in found.items()}
  sets = {part: frozenset(each[0]) for part, each in chosen.items()}
  whole = {names: _finite_in([each for part, drawn in chosen.items() if sets[part] == names for each in drawn])
           for names in set(sets.values())}
  if not all(whole.values()):
    return None
  return {part: (whole[sets[part]], np.array([[each[name] for name in whole[sets[part]]] for each in drawn]))
          for part, drawn in chosen.items()}


def _finite_in(rows):
  """The images that have a finite value in each of several dicts, sorted: with others the rows would be of other images."""
  return tuple(sorted(name for name in set.intersection(*map(set, rows)) if all(math.isfinite(row[name]) for row in rows)))
