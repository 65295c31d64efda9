"""All claims of the four papers in one table, as the kept results decide them: papers/README.md."""

from tf_imgtrans.core.files import read_json
from tf_imgtrans.tables.published import feature_pyramid_pan, mux_demux, progressive_pan, x_gans
from tf_imgtrans.tables.registry import PAPERS
from tf_imgtrans.tables.statements import UNMEASURED, Decided, Verdict

STATEMENTS = {
    "mux_demux": mux_demux.STATEMENTS, "x_gans": x_gans.STATEMENTS, "feature_pyramid_pan": feature_pyramid_pan.STATEMENTS,
    "progressive_pan": {**progressive_pan.STATEMENTS, "figure5": progressive_pan.figure5_statements("frechet"),
                        "figure9": progressive_pan.figure9_statements(2)}}  # as many connections as the small preset has
HEAD = """# Claims of the four papers

What the papers say of their tables and figures, and what came out here, at the scale of two processor cores: small images
and networks, thousands of steps. This page is made of the kept results (`python -m tf_imgtrans.tables readme PAPER`); how
each was measured stands in the paper's README.

A claim *holds at this scale* where the 95 % interval of a paired bootstrap over seeds and images lies on its side, is
*contradicted at this scale* where it lies on the other, and is *undecided* else, with fewer than three seeds, or where the
loss term in question has less than 1 % of the gradient. The difference shown is that of the least sure of its comparisons.
Statements that begin with "ours" are not the papers'.
"""
COLUMNS = ("where", "statement", "verdict", "difference, 95 % interval", "seeds, images", "hours")


def page(folder):
  """The page as Markdown.

  Args:
    folder: Path of the papers' packages.
  """
  parts = [HEAD]
  for paper, tables in STATEMENTS.items():
    lines = [line for table, found in tables.items() for line in _lines(folder / paper / "results", table, found)]
    parts.append("\n".join([f"## [{PAPERS[paper][0].rstrip('.')}]({paper}/README.md)", "", f"| {' | '.join(COLUMNS)} |",
                            "|" + " --- |" * len(COLUMNS), *lines, ""]))
  return "\n".join(parts)


def _lines(results, table, statements):
  """The rows of one table or figure, whether it is kept or not."""
  kept = [path for path in (results / f"{table}.json", *sorted(results.glob(f"{table}_*.json"))) if path.is_file()]
  for path in kept:
    found, where = read_json(path), _name(path.stem)
    for number, each in enumerate(found.get("statements", [])):
      verdict = Verdict(each["statement"], tuple(Decided(**claim) for claim in each["claims"]))
      hours = f"{found['seconds'] / 3600:.1f}" if not number else ""
      yield _row(where if not number else "", verdict.statement, verdict.word, *_numbers(verdict.weakest), hours)
  for number, statement in enumerate(statements if not kept else ()):
    yield _row(_name(table) if not number else "", statement.text, UNMEASURED, "", "", "")


def _numbers(claim):
  """The difference with its interval, and what it is drawn from; with the reason where nothing follows."""
  if claim.difference is None:
    return "", ""
  between = f" ({claim.low:.3g} to {claim.high:.3g})" if claim.low is not None else ""
  reason = f"; {claim.reason}" if claim.reason else ""
  return f"{claim.difference:+.3g}{between}{reason}", f"{claim.seeds}, {claim.images}"


def _name(table):
  """"table2" as "Table 2", and "figure9_snow" as "Figure 9, snow"."""
  kind, *more = table.split("_")
  letters = kind.rstrip("0123456789")
  return ", ".join([f"{letters.capitalize()} {kind[len(letters):]}".strip(), *more])


def _row(*cells):
  return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
