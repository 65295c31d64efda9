"""Every table: rows measured one by one, kept as they finish, and set beside the published ones."""

import dataclasses
import json
import math
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from tf_imgtrans.core.files import read_json, write_bytes, write_json
from tf_imgtrans.tables.options import current_preset

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

  @property
  def name(self):
    """The key as text."""
    return str(self.key)


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

  def value(self, column, seed):
    """Finite value of a seed, of a row with one seed the value of that one; None where there is none."""
    seed = self.row.seeds[0] if len(self.row.seeds) == 1 else seed
    found = next((record["values"].get(column) for record in self.records if record["seed"] == seed), None)
    return found if found is not None and math.isfinite(found) else None

  def values(self, column):
    """Finite values of a column, one per seed that has one."""
    found = (record["values"].get(column) for record in self.records)
    return [value for value in found if value is not None and math.isfinite(value)]

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
    verdicts: list of (statement, verdict).
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
  _make_folder(out)
  kept = {(row.key, seed): _kept(table, row, seed, out) for row in table.rows if row.measure for seed in row.seeds}
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
  _make_folder(out)
  parts = [(row, seed) for row in table.rows for seed in row.seeds]
  if None in [_kept(table, row, seed, out) for row, seed in parts]:
    for row, seed in parts:
      _path(out, row, seed).unlink(missing_ok=True)
  return measure(table, out)


def finish(table, results, out, verdicts=None, **more):
  """Writes table.json and table.md, and prints the table.

  Args:
    table: Table.
    results: list of Result.
    out: Path of the table's folder.
    verdicts: list of (statement, verdict) of `statements.check`, for the notes and for table.json; None for none.
    **more: further entries of table.json.
  Returns:
    Report.
  """
  from tf_imgtrans.tables.report import as_json, as_markdown, show

  if verdicts is not None:
    table.notes.extend(f"{verdict}: {text}" for text, verdict in verdicts)
    more["statements"] = [{"statement": text, "verdict": verdict} for text, verdict in verdicts]
  write_json(out / "table.json", {**as_json(table, results), **more})
  write_bytes(out / "table.md", as_markdown(table, results).encode())
  show(table, results)
  print(f"wrote {out / 'table.json'} and {out / 'table.md'}")
  return Report(table, results, verdicts or [], out)


def _make_folder(out):
  """Makes OUT/rows, before hours are spent on what could not be kept there."""
  try:
    (pathlib.Path(out) / "rows").mkdir(parents=True, exist_ok=True)
  except (FileExistsError, NotADirectoryError) as error:
    raise ValueError(f"{error.filename} cannot be made, as there is a file in its place: choose another --out") from None


def _path(out, row, seed):
  return pathlib.Path(out) / "rows" / f"{row.name}-seed{seed}.json"


def _kept(table, row, seed, out):
  """The record of a finished measurement, or None; a damaged file is none."""
  path = _path(out, row, seed)
  if not path.is_file():
    return None
  record = _read_record(path)
  if record is None:
    print(f"{path} is damaged: measured anew")
    return None
  for name, wanted in _conditions(table, row).items():
    if record["conditions"].get(name) != wanted:
      name, former, wanted = _first_difference(name, record["conditions"].get(name), wanted)
      raise ValueError(f"{path} was measured with {name} {former!r}, and now it is {wanted!r}: "
                       "choose another --out, or remove that file to measure the row anew")
  return record


def _read_record(path):
  """The record in a file; None where it holds none, as after a disk error."""
  try:
    record = read_json(path)
  except ValueError:
    return None
  parts = {"conditions": dict, "values": dict, "seed": int, "seconds": (int, float)}
  whole = isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in parts.items())
  if not whole:
    return None
  if "preset" in record["conditions"]:
    record["conditions"]["preset"] = current_preset(record["conditions"]["preset"])
  return record


def _first_difference(name, a, b):
  """(name, value, value) of what differs first in two values; inside of dicts, as in "config.iterations"."""
  if not (isinstance(a, dict) and isinstance(b, dict)):
    return name, a, b
  key = next(key for key in {**b, **a} if a.get(key) != b.get(key))
  return _first_difference(f"{name}.{key}", a.get(key), b.get(key))


def _conditions(table, row):
  """What must be equal for a kept measurement to count, as JSON gives it back."""
  return json.loads(json.dumps({**table.protocol, **row.details}, default=str))


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
            "seconds": round(time.perf_counter() - began, 2), "conditions": _conditions(table, row), "versions": versions()}
  write_json(_path(out, row, seed), record)
  return record, ""
