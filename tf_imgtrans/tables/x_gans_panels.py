"""The images of Figures 4 to 9 of X-GANs, from the outputs that the tables keep; what is not measured is left out."""

from tf_imgtrans.tables.figures import kept_files, write_panel
from tf_imgtrans.tables.published.x_gans import BLOCKS, NOISE_SHARES, POINT_SHARES, TITLES, Key

FIGURE9_SHARE = 0.10  # of the pixels; "very sparse sampling", the paper does not say which


def draw_shares(bench, name, corruption, shares, results, data=""):
  """Draws OUT/<table>/NAME.png (Fig. 4 to 6): one image, a column for each share, a row for the source and each method.

  Args:
    bench: x_gans.Reconstruction.
    name: str.
    corruption: str.
    shares: floats.
    results: list of table.Result.
    data: as of Key.
  """
  keys = {method: [Key(corruption, method, share, data=data) for share in shares] for method in ("x_gans", "on_demand")}
  image = bench.images(keys["x_gans"][0]).shown[0]
  items = [_item(bench, key, image) for key in keys["x_gans"]]
  rows, captions = [[*(item.source for item in items), items[0].target]], [["source", *[""] * (len(shares) - 1), ""]]
  for method in keys:
    made = _outputs(bench, keys[method], image, results)
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
  rows, keys = [], [Key(kind, "x_gans", FIGURE9_SHARE) for kind in ("random_points", "edge_points")]
  for image in bench.images(keys[0]).shown:
    items = [_item(bench, key, image) for key in keys]
    made = _outputs(bench, keys, image, results)
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
      bench.draw(name, columns, bench.images(Key(block, "x_gans")), results)


def draw_points(bench, results):
  """Draws Figures 4 and 9; arguments as of `draw_samplings`."""
  draw_shares(bench, "figure4", "random_points", POINT_SHARES, results)
  draw_samplings(bench, results)


def draw_noise(bench, results):
  """Draws Figure 5, and Figure 6 where scenes are measured; arguments as of `draw_samplings`."""
  for name, data in zip(("figure5", "figure6"), bench.sets):
    draw_shares(bench, name, "color_noise", NOISE_SHARES, results, data)


def _item(bench, key, image):
  return next(item for item in bench.images(key) if item.name == image)


def _outputs(bench, keys, image, results):
  """What rows made of an image: list of arrays; empty unless all are measured."""
  from tf_imgtrans.core.images import read_image

  files = [kept_files(bench.out / "images", key, [image], results) for key in keys]
  return [read_image(file) for file, in files] if all(files) else []
