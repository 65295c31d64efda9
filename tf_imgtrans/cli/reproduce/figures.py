"""Images of a reproduced table, in the order of the paper's figure."""


def shown_pairs(pairs, count=4):
  """The pairs that a figure shows: `count` of them, evenly through the list."""
  count = min(count, len(pairs))
  return [pairs[index * len(pairs) // count] for index in range(count)]


def draw(path, columns, images, pairs, results, target=None):
  """Draws the outputs of the rows that have them, in IMAGES/<row>/<name of the pair>.png.

  Args:
    path: Path of the figure.
    columns: dict of row name to header, in the order of the paper's figure.
    images: Path.
    pairs: list of data.pairs.Pair, all that were measured.
    results: list of frame.Result.
    target: str, header of a last column with the targets; None for none.
  """
  from tf_imgtrans.core.images import read_image, write_image
  from tf_imgtrans.core.panels import panel

  shown = shown_pairs(pairs)
  measured = {"input", *(result.row.name for result in results if result.records)}
  columns = {name: header for name, header in columns.items()
             if name in measured and all((images / name / f"{pair.stem}.png").is_file() for pair in shown)}
  if not columns:
    return
  rows = [[read_image(images / name / f"{pair.stem}.png") for name in columns] for pair in shown]
  if target:
    rows = [[*row, read_image(pair.target)] for row, pair in zip(rows, shown)]
  write_image(path, panel(rows, [*columns.values(), *([target] if target else [])]))
  print(f"wrote {path}")
