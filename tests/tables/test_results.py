"""Kept results, and the READMEs that are made of them."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tf_imgtrans.tables import results
from tf_imgtrans.tables.claims import STATEMENTS, page
from tf_imgtrans.tables.registry import PAPERS
from tf_imgtrans.tables.statements import Decided, Verdict
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure

TEXT = "before\n<!-- results: table2 -->\nold\n<!-- end of results -->\nafter\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
  """The packages of the papers, empty."""
  monkeypatch.setattr(results, "FOLDER", tmp_path / "papers")
  (tmp_path / "papers" / "mux_demux").mkdir(parents=True)
  return tmp_path / "papers" / "mux_demux"


def measured(out, value=21.5):
  """A finished Table 2 with a figure."""
  def one(seed):
    if value is None:
      raise ValueError("no such image")
    return {"psnr": value}

  row = Row("ours", "our row", one, {"psnr": 22.0}, details={"config": {"patches": "/data/of/one/machine", "steps": 7}})
  table = Table("mux_demux", "table2", "Table 2", [Column("psnr", "PSNR dB", 2)], [row], {"images": "ten"})
  finish(table, measure(table, out / "table2"), out / "table2")
  Image.fromarray(np.random.default_rng(0).integers(0, 255, (400, 600, 3), np.uint8)).save(out / "table2" / "figure6.png")


def test_a_table_is_kept_and_its_readme_written(folder, tmp_path, monkeypatch):
  monkeypatch.setattr(sys, "argv", ["/bin/tf-imgtrans", "reproduce", "mux_demux", "table2", "--data", "/data/of/me/dped"])
  measured(tmp_path / "out")
  results.keep("mux_demux", tmp_path / "out")
  (folder / "README.md").write_text(TEXT)
  results.readme("mux_demux")
  text = (folder / "README.md").read_text()
  assert text.startswith("before\n<!-- results: table2 -->\n    tf-imgtrans reproduce mux_demux table2 --data dped\n")
  assert "\n### Table 2\n" in text and text.endswith("<!-- end of results -->\nafter\n")
  assert "| our row | 22.00 | 21.50 | -0.50 |" in text and "old" not in text
  assert results.filled("mux_demux", text) == text
  kept = json.loads((folder / "results" / "table2.json").read_text())
  assert kept["rows"][0]["details"]["config"] == {"patches": "machine", "steps": 7}
  assert kept["rows"][0]["measurements"][0]["versions"] and kept["seconds"] >= 0
  assert (folder / "results" / "figure6.jpg").stat().st_size < results.LARGEST


def test_what_cannot_be_kept(folder, tmp_path, monkeypatch):
  with pytest.raises(ValueError, match="out holds no finished table of mux_demux"):
    results.keep("mux_demux", tmp_path / "out")
  with pytest.raises(ValueError, match="unknown paper 'mux_demx'.*did you mean 'mux_demux'"):
    results.keep("mux_demx", tmp_path / "out")
  measured(tmp_path / "failed", None)
  with pytest.raises(ValueError, match="table2 has rows that failed, our row: measure them first"):
    results.keep("mux_demux", tmp_path / "failed")
  measured(tmp_path / "out")
  monkeypatch.setattr(results, "LARGEST", 100)
  with pytest.raises(ValueError, match="table2.json has .* bytes: expected fewer than 100"):
    results.keep("mux_demux", tmp_path / "out")
  assert not list((folder / "results").iterdir())


def test_a_place_needs_its_result(folder):
  with pytest.raises(ValueError, match="the README of mux_demux has a place for table2, of which no result is kept"):
    results.filled("mux_demux", TEXT)
  with pytest.raises(ValueError, match="unknown table 'table9'"):
    results.filled("mux_demux", TEXT.replace("table2", "table9"))


@pytest.mark.parametrize("paper", PAPERS)
def test_readmes_are_those_of_the_kept_results(paper):
  """Else: python -m tf_imgtrans.tables readme PAPER."""
  text = (results.FOLDER / paper / "README.md").read_text()
  assert results.filled(paper, text) == text


@pytest.mark.parametrize("paper", PAPERS)
def test_kept_results_are_small_and_shown(paper):
  folder = results.FOLDER / paper / "results"
  for path in folder.iterdir() if folder.is_dir() else ():
    assert path.stat().st_size < results.LARGEST and path.suffix in (".json", ".jpg")
    if path.suffix == ".json":
      assert f"<!-- results: {path.stem} -->" in (results.FOLDER / paper / "README.md").read_text()
      assert path.stem.split("_")[0] in PAPERS[paper][1]


def test_the_page_of_claims_is_that_of_the_kept_results():
  """Else: python -m tf_imgtrans.tables readme PAPER."""
  text = (results.FOLDER / "README.md").read_text()
  assert text == page(results.FOLDER)
  assert text.count("\n| ") == 2 * len(PAPERS) + sum(
      len(found) for tables in STATEMENTS.values() for found in tables.values())


def test_a_claim_is_shown_with_its_least_sure_comparison(folder):
  """Of two comparisons the one whose interval is the wider for its difference; a figure may be kept in two forms."""
  claims = [Decided("psnr of a above b", "holds at this scale", 2.0, 1.5, 2.5, 3, 19),
            Decided("psnr of a above c", "undecided", 0.25, -0.5, 1.0, 3, 19)]
  verdict = Verdict("a is the best", tuple(claims))
  (folder / "results").mkdir()
  for name in ("table2", "table5_rain"):
    (folder / "results" / f"{name}.json").write_text(json.dumps({"statements": [verdict.as_json()], "seconds": 5400}))
  lines = page(folder.parent).splitlines()
  assert "| Table 2 | a is the best | undecided | +0.25 (-0.5 to 1) | 3, 19 | 1.5 |" in lines
  assert "| Table 5, rain | a is the best | undecided | +0.25 (-0.5 to 1) | 3, 19 | 1.5 |" in lines
  unmeasured = [line for line in lines if line.endswith("| not measured |  |  |  |")]
  assert f"| Table 3 | {STATEMENTS['mux_demux']['table3'][0].text} | not measured |  |  |  |" in unmeasured
  assert len(unmeasured) == sum(len(found) for paper, tables in STATEMENTS.items() for table, found in tables.items()
                                if (paper, table) not in (("mux_demux", "table2"), ("mux_demux", "table5")))
