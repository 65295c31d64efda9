"""Every table: rows measured one by one, kept as they finish, and set beside the published ones."""

import dataclasses
import math
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.files import write_json, write_text
from tf_imgtrans.tables.records import conditions, kept_record, make_folder, record_path

# What a row may fail with without stopping the others, beside TensorFlow's own errors, such as those of full memory;
# anything else is an error in our code and is raised.
FORESEEN = (ValueError, OSError, ArithmeticError, MemoryError)


@dataclasses.dataclass(frozen=True)
class Column:
  """A measured quantity.

  Args:
    name: str, key of the values that a row's measurement returns.
    title: str, with the unit.
    digits: int, after the point.
    differs: bool, whether ours minus the paper's means something.
  """

  name: str
  title: str
  digits: int
  differs: bool = True

  def show(self, value, sign=False):
    """The value as text; "-" where there is none."""
    if value is None or math.isnan(value):
      return "-"
    value = round(value, self.digits) + 0.0 if math.isfinite(value) else value  # no "-0.00"
    return f"{value:+.{self.digits}f}" if sign else f"{value:.{self.digits}f}"


@dataclasses.dataclass(frozen=True)
class Row:
  """A row of a table.

  Args:
    key: what the row measures, unique in the table: a str, or a frozen dataclass whose str() names the row's files.
    title: str, as the paper publishes it.
    measure: seed -> dict of the columns' values, and of anything else worth keeping; None where nothing can be measured.
    published: dict of column name to the paper's value.
    caveat: str, why the published values cannot be compared with ours; "" where they can.
    group: str, rows of one group stand together under it.
    seeds: ints, one measurement each.
    details: dict, what the measurement depends on beside the table's protocol: a kept row of other details is refused.
    known: dict of the columns' values that follow from published ones without a measurement.
    ablates: str, the loss term that the other rows have and this one has not; "" for none.
  """

  key: Any
  title: str
  measure: Callable | None = None
  published: dict = dataclasses.field(default_factory=dict)
  caveat: str = ""
  group: str = ""
  seeds: tuple = (0,)
  details: dict = dataclasses.field(default_factory=dict)
  known: dict = dataclasses.field(default_factory=dict)
  ablates: str = ""

  @property
  def name(self):
    """The key as text."""
    return str(self.key)

  @property
  def trained(self):
    """Whether its network is trained for the table, so that another seed would give another."""
    return "config" in self.details


@dataclasses.dataclass(frozen=True)
class Table:
  """A table of a paper.

  Args:
    paper, name, title: str.
    columns: list of Column.
    rows: list of Row.
    protocol: dict, how every row is measured: the same for all.
    notes: list of str, published under the table.
  """

  paper: str
  name: str
  title: str
  columns: list
  rows: list
  protocol: dict
  notes: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Result:
  """What became of a row.

  Attributes:
    row: Row.
    records: list of the seeds' records: {"seed", "values", "seconds", "versions", ...}.
    failure: str, why a measurement is missing, of several the first; "" when none is.
  """

  row: Row
  records: list
  failure: str = ""

  def values(self, column):
    """Finite values of a column, one per seed that has one."""
    found = (record["values"].get(column) for record in self.records)
    return [value for value in found if value is not None and math.isfinite(value)]

  def each(self, column):
    """What a column is the mean of: dict of seed to dict of image to value, for each seed that has a finite mean.

    A value of a whole set of images, such as the Fréchet distance, stands under the name "".
    """
    found = {}
    for record in self.records:
      value = record["values"].get(column)
      if value is not None and math.isfinite(value):
        each = record.get("each", {}).get(column) or {"": value}
        found[record["seed"]] = {name: math.nan if one is None else one for name, one in each.items()}
    return found

  def mean(self, column):
    """Mean over the seeds; None where nothing was measured."""
    values = self.values(column)
    return statistics.fmean(values) if values else None

  def spread(self, column):
    """Standard deviation over the seeds (n - 1); None for fewer than two."""
    values = self.values(column)
    return statistics.stdev(values) if len(values) > 1 else None

  def difference(self, column):
    """Ours minus the published value; None where one of them is missing."""
    mean, published = self.mean(column), self.row.published.get(column)
    return None if mean is None or published is None else mean - published


@dataclasses.dataclass(frozen=True)
class Report:
  """A finished table.

  Attributes:
    table: Table.
    results: list of Result.
    verdicts: list of statements.Verdict.
    out: Path of its folder.
  """

  table: Table
  results: list
  verdicts: list
  out: pathlib.Path

  @property
  def status(self):
    """Exit status of a command: 1 when a row failed, else 0."""
    return 1 if any(result.failure for result in self.results) else 0


def measure(table, out):
  """Measures every row that is not kept in OUT/rows already; a row that fails does not stop the others.

  Args:
    table: Table.
    out: Path of the table's folder.
  Returns:
    list of Result, in the order of the rows.
  Raises:
    ValueError: a kept row was measured in another way, or OUT cannot be written to.
  """
  make_folder(out)
  with claimed(out, ["rows"], "a table"):
    return _measure(table, out)


def _measure(table, out):
  kept = {(row.key, seed): kept_record(table, row, seed, out) for row in table.rows if row.measure for seed in row.seeds}
  todo = sum(record is None for record in kept.values())
  if todo < len(kept):
    print(f"{len(kept) - todo} of {len(kept)} measurements are kept in {out / 'rows'}")
  results, done, seconds = [], 0, []
  for row in table.rows:
    result = Result(row, [{"seed": None, "values": row.known, "seconds": 0.0}] if row.known else [])
    for seed in row.seeds if row.measure else ():
      record = kept[row.key, seed]
      if record is None:
        parts = [row.title, *([row.group] if row.group else []), *([f"seed {seed}"] if len(row.seeds) > 1 else [])]
        print(f"measuring {', '.join(parts)} ({_progress(done, todo, seconds)})", flush=True)
        record, failure = _measure_one(table, row, seed, out)
        done += 1
        seconds += [record["seconds"]] if record else []
        result.failure = result.failure or failure
      if record is not None:
        result.records.append(record)
    results.append(result)
  return results


def _progress(done, total, seconds):
  """How far a table is, in words; the time left takes the rest to be as long as those that were measured in this call."""
  left = f", about {max(round(statistics.fmean(seconds) * (total - done) / 60), 1)} min left" if seconds else ""
  return f"{done + 1} of {total}{left}"


def measure_together(table, out):
  """`measure` for rows that are measured in one go, such as paired times: they are kept all, or measured anew all."""
  make_folder(out)
  parts = [(row, seed) for row in table.rows for seed in row.seeds]
  if None in [kept_record(table, row, seed, out) for row, seed in parts]:
    for row, seed in parts:
      record_path(out, row, seed).unlink(missing_ok=True)
  return measure(table, out)


def finish(table, results, out, verdicts=None, **more):
  """Writes table.json and table.md, and prints the table.

  Args:
    table: Table.
    results: list of Result.
    out: Path of the table's folder.
    verdicts: list of statements.Verdict, for the notes and for table.json; None for none.
    **more: further entries of table.json.
  Returns:
    Report.
  """
  from tf_imgtrans.tables.report import as_json, as_markdown, gaps, show

  table.notes.extend([*gaps(table, results), *map(str, verdicts or ())])
  if verdicts is not None:
    more["statements"] = [verdict.as_json() for verdict in verdicts]
  write_json(out / "table.json", {**as_json(table, results), **more})
  write_text(out / "table.md", as_markdown(table, results))
  show(table, results)
  print(f"wrote {out / 'table.json'} and {out / 'table.md'}")
  return Report(table, results, verdicts or [], out)


def _measure_one(table, row, seed, out):
  """(record, "") of a new measurement, or (None, why it failed)."""
  from tf_imgtrans.core.startup import versions

  began = time.perf_counter()
  try:
    found = row.measure(seed)
  except Exception as error:
    if not (isinstance(error, FORESEEN) or type(error).__module__.startswith("tensorflow.")):
      raise
    failure = f"seed {seed}: " * (len(row.seeds) > 1) + (str(error) or type(error).__name__)
    print(f"failed: {row.title}: {failure}", flush=True)
    return None, failure
  names = [column.name for column in table.columns]
  record = {"row": row.name, "seed": seed, "values": {name: found.pop(name, None) for name in names}, **found,
            "seconds": round(time.perf_counter() - began, 2), "conditions": conditions(table, row), "versions": versions()}
  write_json(record_path(out, row, seed), record)
  return record, ""
