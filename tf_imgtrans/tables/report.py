"""How a reproduced table looks: on the screen, in JSON and in Markdown."""

import pathlib
import sys


def as_json(table, results):
  """The table with all that was measured, for table.json."""
  return {
      "paper": table.paper, "table": table.name, "title": table.title, "protocol": table.protocol,
      "rows": [_row_as_json(table, result) for result in results],
      "notes": table.notes,
      "command": _command(),
      "seconds": round(sum(record["seconds"] for result in results for record in result.records), 2),
  }


def _command():
  """The command of this call, with the names of folders alone; None where Python called."""
  program, *arguments = sys.argv
  program = pathlib.Path(program)
  if program.stem != "tf-imgtrans" and program.parts[-2:] != ("tf_imgtrans", "__main__.py"):
    return None
  return " ".join(["tf-imgtrans", *(pathlib.Path(each).name if "/" in each else each for each in arguments)])


def _row_as_json(table, result):
  row = result.row
  names = [column.name for column in table.columns]
  return {
      "row": row.name, "title": row.title, "group": row.group,
      "published": row.published, "comparable": bool(row.published) and not row.caveat, "caveat": row.caveat,
      "quoted_only": not (row.measure or row.known), "failure": result.failure,
      "ours": {name: {"mean": result.mean(name), "spread": result.spread(name), "values": result.values(name)}
               for name in names},
      "difference": {name: result.difference(name) for name in names},
      "details": row.details,
      # The values of each image stand in the files of the rows.
      "measurements": [{name: value for name, value in record.items() if name != "each"} for record in result.records],
  }


def as_markdown(table, results):
  """The table in Markdown, with its protocol and notes under it."""
  headers, lines = _cells(table, results)
  text = [f"### {table.title}", "", "| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
  for group, cells in lines:
    if group is not None:
      text.append(f"| *{group}* |" + " |" * (len(headers) - 1))
    text.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
  return "\n".join([*text, "", *(f"{line}  " for line in _below(table, results))]) + "\n"


def gaps(table, results):
  """A note for each mean that leaves out a seed, as of a NIQE that flat images do not have."""
  for result in results:
    for column in table.columns:
      found, seeds = len(result.values(column.name)), len(result.records)
      if 0 < found < seeds:
        yield f"{result.row.title}: {column.title} is of {found} of {seeds} seeds; it has no finite value for the others."


def show(table, results):
  """Prints the table."""
  from rich import box
  from rich.console import Console
  from rich.measure import Measurement
  from rich.table import Table as ScreenTable
  from rich.text import Text

  headers, lines = _cells(table, results)
  screen = ScreenTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
  screen.add_column(headers[0], no_wrap=True)
  for header in headers[1:]:  # the last word on a line of its own: narrow columns
    screen.add_column("\n".join(header.rsplit(" ", 1)), justify="right", vertical="bottom")
  for group, cells in lines:
    if group is not None:
      screen.add_section()
      screen.add_row(Text(group, style="italic", overflow="ignore"))
    screen.add_row(*map(Text, cells))  # a name in brackets is no markup
  console = Console(soft_wrap=True, highlight=False)
  needed = Measurement.get(console, console.options.update_width(10 ** 4), screen).maximum
  console.width = max(console.width, needed)  # a line that the terminal breaks can be read, numbers cut short cannot
  console.print(screen)
  console.print("\n".join(_below(table, results)), markup=False)


def _cells(table, results):
  """Headers, and for every row (the group that begins with it or None, texts of its cells)."""
  published = {column.name for column in table.columns for result in results if column.name in result.row.published}
  headers = [""]
  for column in table.columns:
    headers += [f"{column.title} paper", "ours"] if column.name in published else [column.title]
    headers += ["diff"] if column.name in published and column.differs else []
  letters = _letters(results)
  lines, group = [], ""
  for result in results:
    row = result.row
    mark = f" ({letters[row.caveat]})" if row.caveat else ""
    cells = [row.title + mark]
    for column in table.columns:
      mean, spread = column.show(result.mean(column.name)), result.spread(column.name)
      ours = "failed" if result.failure else mean + (f" ± {column.show(spread)}" if spread is not None else "")
      if column.name in published:
        cells += [column.show(row.published.get(column.name)), "quoted" if not (row.measure or row.known) else ours]
        difference = None if result.failure else result.difference(column.name)
        cells += [column.show(difference, sign=True)] if column.differs else []
      else:
        cells.append(ours if row.measure or row.known else "")
    lines.append((row.group if row.group != group else None, cells))
    group = row.group
  return headers, lines


def _letters(results):
  """A letter for every caveat, in the order of the rows."""
  caveats = dict.fromkeys(result.row.caveat for result in results if result.row.caveat)
  return dict(zip(caveats, "abcdefghijklmnopqrstuvwxyz"))


def _below(table, results):
  """Lines under the table: caveats, failures, notes and the protocol."""
  lines = [f"({letter}) not comparable: {caveat}" for caveat, letter in _letters(results).items()]
  lines += [f"failed: {result.row.title}: {result.failure}" for result in results if result.failure]
  lines += table.notes
  return [*lines, "protocol: " + "; ".join(f"{name} {_plain(value)}" for name, value in table.protocol.items())]


def _plain(value):
  """A value of the protocol as text, a dict as "name value, name value"."""
  return ", ".join(f"{name} {item}" for name, item in value.items()) if isinstance(value, dict) else value
