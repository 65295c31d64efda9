"""Every table: what is measured, kept, refused and shown, on rows that cost nothing."""

import dataclasses
import json
import math

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.tables import table as tables
from tf_imgtrans.tables.bench import Images, Item
from tf_imgtrans.tables.figures import draw, shown
from tf_imgtrans.tables.table import Column, Result, Row, Table, finish, measure, measure_together

PSNR, NIQE = Column("psnr", "PSNR dB", 2), Column("niqe", "NIQE", 1)


class Meter:
  """A row's measurement that counts its calls; seeds in `broken` fail."""

  def __init__(self, values=None, broken=(), error=None):
    self.values, self.broken, self.seeds = values or {}, set(broken), []
    self.error = error or ValueError("no such thing")

  def __call__(self, seed):
    self.seeds.append(seed)
    if seed in self.broken:
      raise self.error
    return {"psnr": 20.0 + seed, **self.values}


def a_table(*rows, protocol=None, columns=(PSNR, NIQE), **more):
  return Table("some_paper", "table9", "Table 9: things", list(columns), list(rows), protocol or {"crop": 0}, **more)


def report(out):
  return json.loads((out / "table.json").read_text())


def cells(out):
  """The Markdown table: list of rows, each a list of cells; the line of dashes is left out."""
  lines = [line for line in (out / "table.md").read_text().splitlines() if line.startswith("|")]
  rows = [[cell.strip() for cell in line.strip("|").replace("\\|", "!").split("|")] for line in lines]
  assert rows[1] == ["---"] * len(rows[0]) and len({len(row) for row in rows}) == 1
  return [rows[0], *rows[2:]]


def test_several_seeds_give_a_mean_and_the_spread_of_a_sample(tmp_path, capsys):
  table = a_table(Row("a", "net A", Meter(), {"psnr": 21.5}, seeds=(0, 1, 4)))
  results = measure(table, tmp_path)
  assert finish(table, results, tmp_path).status == 0
  row, = report(tmp_path)["rows"]
  assert row["ours"]["psnr"]["values"] == [20, 21, 24]
  assert row["ours"]["psnr"]["mean"] == pytest.approx(65 / 3)
  assert row["ours"]["psnr"]["spread"] == pytest.approx(np.std([20, 21, 24], ddof=1))
  assert row["difference"] == {"psnr": pytest.approx(65 / 3 - 21.5), "niqe": None}
  assert cells(tmp_path)[1] == ["net A", "21.50", "21.67 ± 2.08", "+0.17", "-"]
  screen = capsys.readouterr().out
  assert "measuring net A, seed 0 (1 of 3)\n" in screen and "measuring net A, seed 4 (3 of 3, about 1 min left)\n" in screen


def test_the_time_left_is_that_of_the_measurements_before():
  assert tables._progress(2, 12, [60.0, 180.0]) == "3 of 12, about 20 min left"
  assert tables._progress(1, 12, []) == "2 of 12"  # the first one failed


def test_one_seed_has_no_spread(tmp_path):
  result, = measure(a_table(Row("a", "net A", Meter())), tmp_path)
  assert (result.mean("psnr"), result.spread("psnr"), result.values("niqe")) == (20, None, [])


def test_a_row_that_fails_does_not_stop_the_others(tmp_path, capsys):
  broken, good = Meter(broken=[0], error=OSError("disk on fire")), Meter()
  table = a_table(Row("a", "net A", broken, {"psnr": 1.0}), Row("b", "net B", good, {"psnr": 21.0}))
  assert finish(table, measure(table, tmp_path), tmp_path).status == 1
  assert "failed: net A: disk on fire" in capsys.readouterr().out
  first, second = report(tmp_path)["rows"]
  assert (first["failure"], first["measurements"], first["ours"]["psnr"]["mean"]) == ("disk on fire", [], None)
  assert (second["failure"], second["ours"]["psnr"]["mean"]) == ("", 20)
  assert cells(tmp_path)[1:] == [["net A", "1.00", "failed", "-", "failed"], ["net B", "21.00", "20.00", "-1.00", "-"]]
  assert "failed: net A: disk on fire" in (tmp_path / "table.md").read_text()

  broken.broken.clear()  # only the failed row is measured again
  assert finish(table, measure(table, tmp_path), tmp_path).status == 0
  assert (broken.seeds, good.seeds) == ([0, 0], [0])


def test_the_failure_of_one_seed_stays_beside_the_others(tmp_path, capsys):
  meter = Meter(broken=[0])
  table = a_table(Row("a", "net A", meter, {"psnr": 21.0}, seeds=(0, 1, 2)))
  results = measure(table, tmp_path)
  assert results[0].failure == "seed 0: no such thing"
  assert finish(table, results, tmp_path).status == 1
  assert cells(tmp_path)[1] == ["net A", "21.00", "failed", "-", "failed"]  # not the mean of those that worked
  assert len(report(tmp_path)["rows"][0]["measurements"]) == 2
  meter.broken.clear()
  assert finish(table, measure(table, tmp_path), tmp_path).status == 0
  assert meter.seeds == [0, 1, 2, 0]


@pytest.mark.parametrize("error", [
    MemoryError(), ZeroDivisionError("division by zero"), FileNotFoundError("x.png: no such file"),
    tf.errors.ResourceExhaustedError(None, None, "out of memory")])
def test_what_a_row_may_fail_with(error, tmp_path):
  result, = measure(a_table(Row("a", "net A", Meter(broken=[0], error=error))), tmp_path)
  assert result.failure and (type(error).__name__ in result.failure or str(error) in result.failure)


def test_an_error_of_our_code_is_raised(tmp_path):
  with pytest.raises(KeyError):
    measure(a_table(Row("a", "net A", Meter(broken=[0], error=KeyError("oops")))), tmp_path)


def test_kept_rows_are_not_measured_again(tmp_path, capsys):
  meter = Meter({"niqe": 5.0, "each": [1, 2]})
  table = a_table(Row("a", "net A", meter, seeds=(0, 1), details={"config": {"rate": 0.1, "layers": ("x", "y")}}))
  first = measure(table, tmp_path)
  assert "kept" not in capsys.readouterr().out
  kept = {path.name: path.read_bytes() for path in (tmp_path / "rows").iterdir()}
  assert set(kept) == {"a-seed0.json", "a-seed1.json"}
  again = measure(table, tmp_path)
  assert meter.seeds == [0, 1]
  assert f"2 of 2 measurements are kept in {tmp_path / 'rows'}" in capsys.readouterr().out
  assert [record["values"] for record in again[0].records] == [record["values"] for record in first[0].records]
  assert again[0].records[0]["each"] == [1, 2]
  more = a_table(dataclasses.replace(table.rows[0], seeds=(0, 1, 2)))  # one seed more: only that one is measured
  assert len(measure(more, tmp_path)[0].records) == 3 and meter.seeds == [0, 1, 2]
  assert {path.name: path.read_bytes() for path in (tmp_path / "rows").iterdir() if "seed2" not in path.name} == kept


@pytest.mark.parametrize(("protocol", "details", "message"), [
    ({"crop": 4}, {"config": {"rate": 0.1, "steps": 5}}, ("crop", "0", "4")),
    ({"crop": 0, "channel": "y"}, {"config": {"rate": 0.1, "steps": 5}}, ("channel", "None", "'y'")),
    ({"crop": 0}, {"config": {"rate": 0.2, "steps": 5}}, ("config.rate", "0.1", "0.2")),
    ({"crop": 0}, {"config": {"rate": 0.1}}, ("config.steps", "5", "None")),
    ({"crop": 0}, {"config": "given"}, ("config", "{'rate': 0.1, 'steps': 5}", "'given'")),
])
def test_a_row_that_was_measured_in_another_way_is_refused(protocol, details, message, tmp_path):
  first, second = Meter(), Meter()
  former_details = {"config": {"rate": 0.1, "steps": 5}}
  measure(a_table(Row("a", "net A", first), Row("b", "net B", first, details=former_details)), tmp_path)
  before = {path.name: path.read_bytes() for path in (tmp_path / "rows").iterdir()}
  other = a_table(Row("c", "net C", second), Row("b", "net B", second, details=details), protocol=protocol)
  with pytest.raises(ValueError) as refused:
    measure(other, tmp_path)
  name, former, now = message
  assert str(refused.value) == (
      f"{tmp_path / 'rows' / 'b-seed0.json'} was measured with {name} {former}, and now it is {now}: choose another --out, "
      "or remove that file to measure the row anew")
  assert second.seeds == []  # refused before anything is measured
  assert {path.name: path.read_bytes() for path in (tmp_path / "rows").iterdir()} == before


@pytest.mark.parametrize("content", [
    b'{"values": {"psnr": 1', b"", b"\xff\xfe\x00", b"[]", b"{}",
    b'{"values": {}, "conditions": [], "seed": 0, "seconds": 1}'])
def test_a_damaged_row_is_measured_anew(content, tmp_path, capsys):
  meter = Meter()
  table = a_table(Row("a", "net A", meter, seeds=(0, 1)))
  measure(table, tmp_path)
  path = tmp_path / "rows" / "a-seed0.json"
  whole = json.loads(path.read_text())
  path.write_bytes(content)
  result, = measure(table, tmp_path)
  assert meter.seeds == [0, 1, 0] and [record["seed"] for record in result.records] == [0, 1]
  assert f"{path} is damaged: measured anew" in capsys.readouterr().out
  assert json.loads(path.read_text())["values"] == whole["values"]


def test_an_interruption_keeps_finished_rows(tmp_path):
  stops, good = Meter(broken=[0], error=KeyboardInterrupt()), Meter()
  table = a_table(Row("a", "net A", good, seeds=(0, 1)), Row("b", "net B", stops))
  with pytest.raises(KeyboardInterrupt):
    measure(table, tmp_path)
  assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ["a-seed0.json", "a-seed1.json"]
  stops.broken.clear()
  assert [len(result.records) for result in measure(table, tmp_path)] == [2, 1]
  assert good.seeds == [0, 1]


def _together(meters, protocol=None):
  return a_table(*(Row(name, f"net {name}", meter) for name, meter in meters.items()), protocol=protocol)


def test_rows_that_are_measured_together_are_kept_all_or_none(tmp_path, capsys):
  meters = {"a": Meter(), "b": Meter()}
  measure_together(_together(meters), tmp_path)
  measure_together(_together(meters), tmp_path)
  assert [meter.seeds for meter in meters.values()] == [[0], [0]]
  (tmp_path / "rows" / "b-seed0.json").unlink()
  measure_together(_together(meters), tmp_path)
  assert [meter.seeds for meter in meters.values()] == [[0, 0], [0, 0]]
  (tmp_path / "rows" / "a-seed0.json").write_text("{")
  measure_together(_together(meters), tmp_path)
  assert [meter.seeds for meter in meters.values()] == [[0, 0, 0], [0, 0, 0]]
  meters["c"] = Meter()  # a row more
  measure_together(_together(meters), tmp_path)
  assert [meter.seeds for meter in meters.values()] == [[0] * 4, [0] * 4, [0]]


def test_rows_measured_together_in_another_way_are_refused_even_when_one_is_missing(tmp_path):
  meters = {"a": Meter(), "b": Meter()}
  measure_together(_together(meters), tmp_path)
  (tmp_path / "rows" / "b-seed0.json").unlink()
  with pytest.raises(ValueError, match="a-seed0.json was measured with crop 0, and now it is 9"):
    measure_together(_together(meters, {"crop": 9}), tmp_path)
  assert (tmp_path / "rows" / "a-seed0.json").is_file()


@pytest.mark.parametrize("below", ["", "table9"])
def test_a_file_in_the_place_of_the_folder_is_named_before_anything_is_measured(below, tmp_path):
  (tmp_path / "out").write_text("mine")
  meter = Meter()
  with pytest.raises(ValueError, match="out.* cannot be made, as there is a file in its place: choose another --out"):
    measure(a_table(Row("a", "net A", meter)), tmp_path / "out" / below)
  assert not meter.seeds and (tmp_path / "out").read_text() == "mine"


def test_known_and_quoted_rows(tmp_path):
  table = a_table(Row("known", "team", known={"psnr": 21.25}, published={"psnr": 21.0}),
                  Row("quoted", "program", published={"psnr": 17.28}), Row("new", "net", Meter()))
  results = measure(table, tmp_path)
  assert finish(table, results, tmp_path).status == 0
  known, quoted, new = report(tmp_path)["rows"]
  assert (known["quoted_only"], quoted["quoted_only"], new["quoted_only"]) == (False, True, False)
  assert known["difference"]["psnr"] == 0.25 and quoted["difference"]["psnr"] is None
  assert cells(tmp_path)[1:] == [["team", "21.00", "21.25", "+0.25", "-"], ["program", "17.28", "quoted", "-", ""],
                                 ["net", "-", "20.00", "-", "-"]]
  assert [path.name for path in (tmp_path / "rows").iterdir()] == ["new-seed0.json"]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, None])
def test_values_that_are_no_numbers_are_left_out(value, tmp_path):
  table = a_table(Row("a", "net A", lambda seed: {"psnr": value if seed else 20.0}, {"psnr": 20.5}, seeds=(0, 1)),
                  Row("b", "net B", lambda seed: {"psnr": value}, {"psnr": 20.5}))
  fresh = measure(table, tmp_path)
  assert fresh[0].values("psnr") == [20] and fresh[1].mean("psnr") is None
  finish(table, fresh, tmp_path)
  first = cells(tmp_path)
  assert first[1:] == [["net A", "20.50", "20.00", "-0.50", "-"], ["net B", "20.50", "-", "-", "-"]]
  assert report(tmp_path)["notes"] == ["net A: PSNR dB is of 1 of 2 seeds; it has no finite value for the others."]
  text = (tmp_path / "table.json").read_text()
  assert "NaN" not in text and "Infinity" not in text
  finish(table, measure(table, tmp_path), tmp_path)
  assert cells(tmp_path) == first  # the same from the kept files


@pytest.mark.parametrize(("column", "value", "sign", "text"), [
    (PSNR, 21.0, False, "21.00"), (PSNR, 0.126, True, "+0.13"), (PSNR, -0.126, True, "-0.13"),
    (PSNR, -0.0001, True, "+0.00"), (PSNR, -0.0001, False, "0.00"),
    (PSNR, None, False, "-"), (PSNR, math.nan, True, "-"), (PSNR, math.inf, False, "inf"),
    (Column("ms", "ms", 0), 1148, False, "1148"), (Column("ms", "ms", 0), 2.6, True, "+3")])
def test_how_a_value_is_shown(column, value, sign, text):
  assert column.show(value, sign) == text


def test_caveats_have_letters_and_groups_stand_together(tmp_path, capsys):
  rows = [Row("a", "net A", Meter(), {"psnr": 20.0}, "old evaluation", "first part"),
          Row("b", "net B", Meter(), {"psnr": 20.0}, "", "first part"),
          Row("c", "net C", Meter(), {"psnr": 20.0}, "unknown images", "second part"),
          Row("d", "net D", Meter(), {"psnr": 20.0}, "old evaluation", "second part"),
          Row("e", "net E", Meter(), {}, "", "second part")]
  table = a_table(*rows, notes=["a note"], protocol={"crop": 0, "images": {"held out": "1a", "all": "2b"}})
  finish(table, measure(table, tmp_path), tmp_path)
  shown = cells(tmp_path)
  assert [row[0] for row in shown[1:]] == ["*first part*", "net A (a)", "net B", "*second part*", "net C (b)", "net D (a)",
                                           "net E"]
  assert [row["comparable"] for row in report(tmp_path)["rows"]] == [False, True, False, False, False]
  for text in ((tmp_path / "table.md").read_text(), capsys.readouterr().out):
    assert [text.count(line) for line in ("(a) not comparable: old evaluation", "(b) not comparable: unknown images",
                                          "a note", "protocol: crop 0; images held out 1a, all 2b")] == [1] * 4


def test_a_column_without_a_meaningful_difference_has_none(tmp_path):
  table = a_table(Row("a", "net A", lambda seed: {"ms": 7.0}, {"ms": 2044}), columns=[Column("ms", "ms", 0, differs=False)])
  finish(table, measure(table, tmp_path), tmp_path)
  assert cells(tmp_path) == [["", "ms paper", "ours"], ["net A", "2044", "7"]]


def test_what_the_json_holds(tmp_path, monkeypatch):
  times = iter([10.0, 12.5])
  monkeypatch.setattr(tables.time, "perf_counter", lambda: next(times))
  row = Row("a", "net A", Meter({"pairs": 3}), {"psnr": 19.0}, details={"config": {"rate": 0.1}})
  table = a_table(row, notes=["a note"])
  finish(table, measure(table, tmp_path), tmp_path, statements=["true"])
  found = report(tmp_path)
  assert set(found) == {"paper", "table", "title", "protocol", "rows", "notes", "seconds", "statements", "command"}
  assert found["command"] is None  # of a call from Python
  assert (found["paper"], found["table"], found["protocol"], found["notes"]) == ("some_paper", "table9", {"crop": 0},
                                                                                ["a note"])
  assert found["seconds"] == 2.5 and found["statements"] == ["true"]
  row, = found["rows"]
  assert (row["row"], row["title"], row["published"], row["comparable"]) == ("a", "net A", {"psnr": 19.0}, True)
  assert row["details"] == {"config": {"rate": 0.1}} and row["difference"]["psnr"] == 1.0
  record, = row["measurements"]
  assert record["values"] == {"psnr": 20.0, "niqe": None} and record["pairs"] == 3 and record["seconds"] == 2.5
  assert record["conditions"] == {"crop": 0, "config": {"rate": 0.1}}
  assert set(record["versions"]) == {"tf_imgtrans", "tensorflow", "keras", "python"}
  assert json.loads((tmp_path / "rows" / "a-seed0.json").read_text()) == record


def test_names_with_signs_of_the_formats_stay_whole(tmp_path, capsys):
  table = a_table(Row("a", "model[bold].keras", Meter()), Row("b", "a|b", Meter()))
  finish(table, measure(table, tmp_path), tmp_path)
  assert [row[0] for row in cells(tmp_path)[1:]] == ["model[bold].keras", "a!b"]
  assert r"| a\|b |" in (tmp_path / "table.md").read_text()
  assert "model[bold].keras" in capsys.readouterr().out


@pytest.mark.parametrize("width", [20, 40, 300])
def test_a_narrow_terminal_cuts_nothing(width, tmp_path, capsys, monkeypatch):
  monkeypatch.setenv("COLUMNS", str(width))
  columns = [Column(f"c{index}", f"quantity {index}", 3) for index in range(8)]
  group, note = "a group of rows with a name that is longer than the names of all of its rows", "a note of many words " * 9
  row = Row("a", "a network of a long name", lambda seed: {f"c{index}": 100.125 + index for index in range(8)},
            {"c1": 99.5}, "a caveat", group)
  table = a_table(row, columns=columns, notes=[note])
  finish(table, measure(table, tmp_path), tmp_path)
  out = capsys.readouterr().out
  line, = [line for line in out.splitlines() if line.strip().startswith("a network of a long name (a)")]
  assert line.split()[-10:] == ["100.125", "99.500", "101.125", "+1.625", *(f"{102.125 + index:.3f}" for index in range(6))]
  assert "…" not in out and group in out and note.strip() in out


def test_tables_are_loaded_without_tensorflow():
  recipes.run_python("import importlib, sys\nfrom tf_imgtrans.tables.registry import PAPERS\n"
                     "assert not [name for name in sys.modules if name.startswith('tf_imgtrans.papers')]\n"
                     "for _, tables in PAPERS.values():\n"
                     "  for name, (target, _) in tables.items():\n"
                     "    module, function = target.split(':')\n"
                     "    getattr(importlib.import_module(f'tf_imgtrans.tables.{module}'), function)\n"
                     "assert not {'tensorflow', 'keras'} & set(sys.modules)")


def test_kept_rows_of_the_older_preset_name_count(tmp_path):
  """"mini" of version 0.1.0 is "small"."""
  meter = Meter()
  measure(a_table(Row("a", "net A", meter), protocol={"preset": "small"}), tmp_path)
  path = tmp_path / "rows" / "a-seed0.json"
  path.write_text(path.read_text().replace('"small"', '"mini"'))
  measure(a_table(Row("a", "net A", meter), protocol={"preset": "small"}), tmp_path)
  assert meter.seeds == [0] and '"mini"' in path.read_text()
  with pytest.raises(ValueError, match="was measured with preset 'small', and now it is 'paper'"):
    measure(a_table(Row("a", "net A", meter), protocol={"preset": "paper"}), tmp_path)


def test_a_key_names_the_files_of_its_row(tmp_path):
  @dataclasses.dataclass(frozen=True)
  class Key:
    method: str
    share: float

    def __str__(self):
      return f"{self.method}_{self.share:.2f}"

  result, = measure(a_table(Row(Key("net", 0.1), "net", Meter())), tmp_path)
  assert result.row.key.share == 0.1 and (tmp_path / "rows" / "net_0.10-seed0.json").is_file()


# Figures.

@pytest.mark.parametrize(("count", "places"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]),
                                              (9, [0, 2, 4, 6]), (89, [0, 22, 44, 66])])
def test_the_shown_images_are_spread_evenly(count, places):
  assert shown(list(range(count))) == places


GREYS = {"first": 0.1, "second": 0.3, "third": 0.5}


@pytest.fixture
def drawn(tmp_path):
  """Five test images, and flat outputs of three rows for those that are shown: (Images, folder of outputs, results)."""
  items = [Item(str(index), *(np.full((192, 192, 3), grey, np.float32) for grey in (0.7, 0.9))) for index in range(5)]
  images = Images([item.name for item in items], lambda: items)
  for name, grey in GREYS.items():
    for stem in images.shown:
      write_image(tmp_path / "images" / name / f"{stem}.png", np.full((192, 192, 3), grey, np.float32))
  return images, tmp_path / "images", [Result(Row(name, name), [{"seed": 0}]) for name in GREYS]


def columns_of(path):
  """The greys of a sheet's columns from left to right, in the middle of its lowest row."""
  sheet = read_image(path)[-100]
  found = [round(float(value), 1) for value in sheet[:, 0]]
  return [grey for index, grey in enumerate(found) if grey < 0.95 and (index == 0 or found[index - 1] != grey)
          and found[index:index + 100] == [grey] * 100]


def test_a_figure_has_its_columns_in_order(drawn, tmp_path, capsys):
  images, folder, results = drawn
  headers = {"third": "(a) third", "missing": "(b) missing", "first": "(c) first", "second": "(d) second"}
  draw(tmp_path / "figure.png", {**headers, "target": "(e) target"}, folder, images, results)
  assert columns_of(tmp_path / "figure.png") == [0.5, 0.1, 0.3, 0.9]
  assert f"wrote {tmp_path / 'figure.png'}" in capsys.readouterr().out
  draw(tmp_path / "figure.png", {"input": "input", **headers}, folder, images, results)
  assert columns_of(tmp_path / "figure.png") == [0.7, 0.5, 0.1, 0.3]


def test_a_figure_leaves_out_rows_without_images(drawn, tmp_path, capsys):
  """A row may have failed, or have measured only seeds that no images are kept of."""
  images, folder, results = drawn
  (folder / "second" / f"{images.shown[2]}.png").unlink()
  results[0].records.clear()
  draw(tmp_path / "figure.png", dict(zip(GREYS, GREYS)), folder, images, results)
  assert columns_of(tmp_path / "figure.png") == [0.5]
  results[2].records.clear()
  draw(tmp_path / "none.png", {"input": "input", **dict(zip(GREYS, GREYS)), "target": "target"}, folder, images, results)
  assert not (tmp_path / "none.png").exists()
