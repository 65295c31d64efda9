"""The images of Figures 4 to 9 of X-GANs, from the outputs that the tables keep; what is not measured is left out."""

from tf_imgtrans.tables.figures import kept_files, write_panel
from tf_imgtrans.tables.published.x_gans import BLOCKS, POINT_SHARES, TITLES, Key

FIGURE9_SHARE = 0.10  # of the pixels; "very sparse sampling", the paper does not say which


def draw_shares(bench, name, corruption, shares, results):
  """Draws OUT/<table>/NAME.png (Fig. 4 and 5): one image, a column for each share, a row for the source and each method.

  Args:
    bench: x_gans.Reconstruction.
    name: str.
    corruption: str.
    shares: floats.
    results: list of table.Result.
  """
  image = bench.images(corruption, shares[0]).shown[0]
  items = [_item(bench, corruption, share, image) for share in shares]
  rows, captions = [[*(item.source for item in items), items[0].target]], [["source", *[""] * (len(shares) - 1), ""]]
  for method in ("x_gans", "on_demand"):
    made = _outputs(bench, [Key(corruption, method, share) for share in shares], image, results)
    if made:
      rows.append([*made, None])
      captions.append([TITLES[method], *[""] * len(shares)])
  if len(rows) > 1:
    write_panel(bench.out / f"{name}.png", rows, [*(f"{share:.0%}" for share in shares), "original"], captions)


def draw_samplings(bench, results):
  """Draws OUT/<table>/figure9.png (Fig. 9): random points and points near edges, and what becomes of each.

  Args:
    bench: x_gans.Reconstruction.
    results: list of table.Result.
  """
  rows, kinds = [], ("random_points", "edge_points")
  for image in bench.images("random_points", FIGURE9_SHARE).shown:
    items = [_item(bench, kind, FIGURE9_SHARE, image) for kind in kinds]
    made = _outputs(bench, [Key(kind, "x_gans", FIGURE9_SHARE) for kind in kinds], image, results)
    if made:
      rows.append([items[0].source, made[0], items[0].target, items[1].source, made[1]])
  if rows:
    write_panel(bench.out / "figure9.png", rows,
                ["(a) random", "(b) X-GANs", "(c) original", "(d) near edges", "(e) X-GANs"])


def draw_blocks(bench, results):
  """Draws OUT/<table>/figure7.png and figure8.png (Fig. 7 and 8): white and cluttered blocks, and what becomes of them.

  Args:
    bench: x_gans.Reconstruction.
    results: list of table.Result.
  """
  measured = {result.row.key for result in results if result.records}
  for name, block in zip(("figure7", "figure8"), BLOCKS):
    columns = {"input": "(a) source", Key(block, "x_gans"): "(b) X-GANs", Key(block, "on_demand"): "(c) Gao and Grauman",
               "target": "(d) original"}
    if set(columns) & measured:
      bench.draw(name, columns, bench.images(block, None), results)


def draw_points(bench, results):
  """Draws Figures 4 and 9; arguments as of `draw_samplings`."""
  draw_shares(bench, "figure4", "random_points", POINT_SHARES, results)
  draw_samplings(bench, results)


def _item(bench, corruption, share, image):
  return next(item for item in bench.images(corruption, share) if item.name == image)


def _outputs(bench, keys, image, results):
  """What rows made of an image: list of arrays; empty unless all are measured."""
  from tf_imgtrans.core.images import read_image

  files = [kept_files(bench.out / "images", key, [image], results) for key in keys]
  return [read_image(file) for file, in files] if all(files) else []
