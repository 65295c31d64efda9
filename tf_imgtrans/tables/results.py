"""Results that are kept beside their paper, papers/PAPER/results/TABLE.json with its figure, and the README made of them.

    python -m tf_imgtrans.tables keep mux_demux reproduced    # of the tables that are in `reproduced`
    python -m tf_imgtrans.tables readme mux_demux

The second writes papers/README.md, too, with the claims of all papers. A README marks the place of a table by two comments,
between which this module writes:

    <!-- results: table2 -->
    <!-- end of results -->
"""

import pathlib
import re

import tyro

from tf_imgtrans.core.files import read_json, write_bytes, write_json
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.tables.claims import page
from tf_imgtrans.tables.registry import PAPERS

FOLDER = pathlib.Path(__file__).parents[1] / "papers"
LARGEST = 300_000  # bytes of a file
QUALITIES = (90, 80, 70, 60, 50)  # of a figure as JPEG: the first that is small enough
_PLACE = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)


def keep(paper: tyro.conf.Positional[str], out: tyro.conf.Positional[pathlib.Path]):
  """Keeps the finished tables of OUT beside the paper, with their figures as JPEG.

  Args:
    paper: name of a paper.
    out: folder of `reproduce`.
  Raises:
    ValueError: an unknown paper, no finished table, a table with failed rows, or a file above 300 kB.
  """
  names = _tables(paper)
  tables = [path.parent for path in sorted(out.glob("*/table.json")) if path.parent.name.split("_")[0] in names]
  if not tables:
    raise ValueError(f"{out} holds no finished table of {paper}: expected TABLE/table.json, as reproduce writes it")
  for table in tables:
    found = read_json(table / "table.json")
    failed = [row["title"] for row in found["rows"] if row["failure"]]
    if failed:
      raise ValueError(f"{table} has rows that failed, {', '.join(failed)}: measure them first")
    place = _place(paper, f"{table.name}.json")
    place.parent.mkdir(exist_ok=True)
    write_json(place, _names_alone({**found, "markdown": (table / "table.md").read_text()}))
    _check(place)
    for figure in sorted(table.glob("*.png")):
      _write_figure(_place(paper, f"{figure.stem}.jpg"), read_image(figure))
    print(f"kept {table.name} of {paper}")


def readme(paper: tyro.conf.Positional[str]):
  """Writes the tables of a paper's README, and the page of all claims, anew from the kept results.

  Args:
    paper: name of a paper.
  """
  path = FOLDER / paper / "README.md"
  write_bytes(path, filled(paper, path.read_text()).encode())
  write_bytes(FOLDER / "README.md", page(FOLDER).encode())
  print(f"wrote {path} and {FOLDER / 'README.md'}")


def filled(paper, text):
  """A README with its tables as the kept results have them.

  Args:
    paper: str.
    text: str, with places for tables.
  Raises:
    ValueError: a place of a table that is not kept.
  """
  def block(match):
    path = _place(paper, f"{match[2]}.json")
    if match[2].split("_")[0] not in _tables(paper):
      raise unknown_name("table", match[2], _tables(paper))
    if not path.is_file():
      raise ValueError(f"the README of {paper} has a place for {match[2]}, of which no result is kept: expected {path}")
    return f"{match[1]}{_table(read_json(path))}\n{match[3]}"

  return _PLACE.sub(block, text)


def _table(found):
  """A kept table as the README shows it: its command, its Markdown, and what it took."""
  records = [record for row in found["rows"] for record in row["measurements"] if "versions" in record]
  named = ", ".join(f"{name} {version}" for name, version in records[0]["versions"].items()) if records else ""
  command = f"    {found['command']}\n\n" if found.get("command") else ""
  took = f"\nMeasured in {found['seconds'] / 3600:.1f} h; {named}.\n" if found["seconds"] > 60 else ""
  return f"{command}{found['markdown'].rstrip()}\n{took}"


def _names_alone(value):
  """JSON values in which the path of a file of one machine is the file's name."""
  if isinstance(value, dict):
    return {name: _names_alone(item) for name, item in value.items()}
  if isinstance(value, list):
    return [_names_alone(item) for item in value]
  return pathlib.PurePath(value).name if isinstance(value, str) and re.fullmatch(r"/\S+", value) else value


def _tables(paper):
  if paper not in PAPERS:
    raise unknown_name("paper", paper, PAPERS)
  return PAPERS[paper][1]


def _place(paper, name):
  return FOLDER / paper / "results" / name


def _write_figure(path, image):
  for quality in QUALITIES:
    write_image(path, image, quality)
    if path.stat().st_size < LARGEST:
      return
  _check(path)


def _check(path):
  size = path.stat().st_size
  if size >= LARGEST:
    path.unlink()
    raise ValueError(f"{path.name} has {size:,} bytes: expected fewer than {LARGEST:,}")
