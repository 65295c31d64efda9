"""Images of a table, in the order of the paper's figure."""


def shown(names, count=4):
  """The images that a figure shows: `count` names, evenly through the list."""
  count = min(count, len(names))
  return [names[index * len(names) // count] for index in range(count)]


def draw(path, columns, folder, images, results):
  """Draws the outputs of the rows that have them, in FOLDER/<row>/<name of the image>.png.

  Args:
    path: Path of the figure.
    columns: dict of a row's key to its header, in the order of the paper's figure; "input" and "target" are the images'.
    folder: Path.
    images: bench.Images that were measured.
    results: list of table.Result.
  """
  from tf_imgtrans.core.images import read_image

  names = images.shown
  made = {key: kept_files(folder, key, names, results) for key in columns}
  drawn = [key for key, files in made.items() if key in ("input", "target") or files]
  if set(drawn) <= {"input", "target"}:
    return
  items = {item.name: item for item in images if item.name in names}
  own = {"input": lambda row: items[names[row]].source, "target": lambda row: items[names[row]].target}
  rows = [[own[key](row) if key in own else read_image(made[key][row]) for key in drawn] for row in range(len(names))]
  write_panel(path, rows, [columns[key] for key in drawn])


def kept_files(folder, key, names, results):
  """Files of what a row made of some images: list of Path; empty unless it was measured and all of them are kept.

  Args:
    folder, results: as of `draw`.
    key: of the row.
    names: of the images.
  """
  measured = any(result.row.key == key and result.records for result in results)
  files = [folder / str(key) / f"{name}.png" for name in names]
  return files if measured and all(file.is_file() for file in files) else []


def write_panel(path, rows, headers, captions=None):
  """Writes a figure, `core.panels.panel` of the rows, and says so."""
  from tf_imgtrans.core.images import write_image
  from tf_imgtrans.core.panels import panel

  write_image(path, panel(rows, headers, captions))
  print(f"wrote {path}")
