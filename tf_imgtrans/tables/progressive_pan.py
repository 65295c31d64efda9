"""`tf-imgtrans reproduce progressive_pan`: Tables 1 and 2, and Figures 1, 5 and 9 to 11."""

import functools
import pathlib

from tf_imgtrans.core.config import Seed
from tf_imgtrans.tables.curves import draw_curves, find_matplotlib
from tf_imgtrans.tables.options import check_count
from tf_imgtrans.tables.published import progressive_pan as published
from tf_imgtrans.tables.published.progressive_pan import Key
from tf_imgtrans.tables.statements import check, value
from tf_imgtrans.tables.super_resolution import Options, SuperResolution
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure

TABLE1 = ("bicubic", "esrgan_l1", "esrgan", "carn", "rcan", "full")
TABLE2 = ("bicubic", "l1", "l2", "non_progressive", "non_noise", "full")
CAVEAT = "the paper's are of CelebA-HQ at its sizes, after training on FFHQ"
SEEDS = 3


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: x4 super-resolution, beside bicubic enlargement, ESRGAN, CARN and RCAN.

  All are trained on the data: PAN and ESRGAN's second stage by their GANs, CARN, RCAN and ESRGAN's first stage by L1. Where
  PAN enlarges more than 4 times, blocks of its output are averaged, as the paper does. Writes OUT/table1, with a panel.

  Example: tf-imgtrans reproduce progressive_pan table1 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  bench = SuperResolution(options, "table1", seeds, scale=4, baselines=True)
  rows = [_row(bench, Key(method), published.TABLE1.get(method)) for method in TABLE1]
  return _report(bench, "Table 1: x4 super-resolution", rows, "figure4")


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: the paper's network with a distance in the place of the GAN, all at once, and without noise.

  The one that is trained all at once sees fewer images, as many as take the same compute. Writes OUT/table2, with a panel.
  Bicubic enlargement is measured beside them.

  Example: tf-imgtrans reproduce progressive_pan table2 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each variant.
  """
  bench = SuperResolution(options, "table2", seeds)
  rows = [_row(bench, Key(method), published.TABLE2.get(method)) for method in TABLE2]
  return _report(bench, f"Table 2: x{bench.scale} super-resolution, ablation", rows, "figure6_7_8")


def figure5(options: Options, seeds: int = SEEDS):
  """Measure Figure 5: PAN and RCAN at x2, x4 and x8, images and the distance of features.

  One training of PAN gives all three scales: its generator is kept at the end of each size. Under the small preset from 8
  pixels to 16, 32 and 64. Writes OUT/figure5, with a panel of each scale and the curves.

  Example: tf-imgtrans reproduce progressive_pan figure5 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  find_matplotlib()
  sizes = {} if options.preset == "paper" else {"input_size": 8, "output_size": 64}
  bench = SuperResolution(options, "figure5", seeds, scale=8, baselines=True, **sizes)
  column, what = (("frechet", "Fréchet distance") if bench.features
                  else ("swd_average", "SWD x1000, mean of the levels"))
  titles = {"bicubic": "Bicubic", "rcan": "RCAN", "full": "PAN"}
  rows = [_row(bench, Key(method, scale), title=title, group=f"x{scale}") for scale in published.SCALES
          for method, title in titles.items()]

  def draw(results):
    lines = {}
    for result in results:
      if result.values(column):
        lines.setdefault(result.row.title, []).append((result.row.key.scale, result.mean(column), None))
    if lines:
      draw_curves(bench.out / "figure5b.png", lines, "scale", what)
    for scale in published.SCALES:
      headers = {Key(method, scale): title for method, title in titles.items()}
      _draw(bench, f"figure5a_x{scale}", headers, bench.base.input_size * scale, results)
    by_key = {result.row.key: result for result in results}
    rises = {name: value(published.rise(name, column), by_key) for name in ("full", "rcan")}
    return [f"from x2 to x8 the distance of {titles[name]} rises {rise:.1f} times" for name, rise in rises.items() if rise]

  return bench.report("Figure 5: x2, x4 and x8", bench.columns(("finest", "half")), rows,
                      bench.protocol(published.SCALES), published.figure5_statements(column), after=draw)


def figure9(options: Options, seeds: int = SEEDS):
  """Draw Figure 9: x2 super-resolution with all skip connections, and with fewer and fewer of them, the coarsest last.

  Bicubic enlargement is measured beside them. Writes OUT/figure9.

  Example: tf-imgtrans reproduce progressive_pan figure9 --data faces --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  input_size = 128 if options.preset == "paper" else 16
  bench = SuperResolution(options, "figure9", seeds, input_size=input_size, output_size=2 * input_size)
  kept = range(bench.base.connections, -1, -1)
  rows = [_row(bench, Key("bicubic")),
          *(_row(bench, Key("full", skips=number), title=f"{number} skips") for number in kept)]
  return _report(bench, "Figure 9: skip connections, x2", rows, "figure9",
                 published.figure9_statements(bench.base.connections))


def figure10(options: Options, seeds: int = SEEDS):
  """Draw Figure 10: x4 super-resolution of cats, beside bicubic enlargement, ESRGAN, CARN and RCAN.

  As Table 1, of other images. Writes OUT/figure10.

  Example: tf-imgtrans reproduce progressive_pan figure10 --data cats --feature_weights squeezenet.h5 --out cats_reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  bench = SuperResolution(options, "figure10", seeds, scale=4, baselines=True)
  rows = [_row(bench, Key(method)) for method in TABLE1]
  return _report(bench, "Figure 10: x4 super-resolution of cats", rows, "figure10")


def figure11(options: Options, seeds: int = SEEDS):
  """Draw Figure 11: x4 super-resolution of degraded inputs.

  Inputs have the blur, noise and JPEG of Sec. 5.7. One PAN is trained on such; the other networks are those of Table 1,
  trained on clean ones. Writes OUT/figure11.

  Example: tf-imgtrans reproduce progressive_pan figure11 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  bench = SuperResolution(options, "figure11", seeds, scale=4, baselines=True, degrade=True)
  rows = [_row(bench, Key(method)) for method in (*TABLE1, "degraded")]
  return _report(bench, "Figure 11: x4 super-resolution of degraded inputs", rows, "figure11")


def figure1(out: pathlib.Path = pathlib.Path("reproduced"), seed: Seed = 0, seeds: int = SEEDS):
  """Draw Figure 1: how distances to the nearest points become equal in many dimensions. Exact, in seconds.

  500 points spread evenly over the unit cube; (dist_max - dist_min) / dist_min of the six nearest, log(500), of each point
  (Eq. 1). Writes OUT/figure1.

  Example: tf-imgtrans reproduce progressive_pan figure1 --out reproduced

  Args:
    out: folder for the result.
    seed: of the points.
    seeds: sets of points, whose seeds follow this one.
  """
  check_count("seeds", seeds)
  find_matplotlib()
  from tf_imgtrans.papers.progressive_pan.dimensionality import experiment

  folder = out / "figure1"

  def ratio(dimensions, seed):
    (_, mean, deviation), = experiment([dimensions], published.POINTS, seed)
    return {"mean": mean, "deviation": deviation}

  rows = [Row(f"dimensions_{number}", f"{number} dimensions", functools.partial(ratio, number),
              seeds=tuple(range(seed, seed + seeds)))
          for number in published.DIMENSIONS]
  table = Table("progressive_pan", "figure1", "Figure 1: curse of dimensionality", [
      Column("mean", "mean of the ratio", 4), Column("deviation", "standard deviation", 4)], rows,
      {"points": published.POINTS, "neighbours": 6, "distribution": "uniform", "seed": seed})
  results = measure(table, folder)
  points = [(number, result.mean("mean"), result.mean("deviation")) for number, result in zip(published.DIMENSIONS, results)
            if number > 1]  # in one dimension two of 500 points nearly meet, and the mean says nothing
  draw_curves(folder / "figure1.png", {"distance ratio": points}, "dimensions", "(max - min) / min", log=True)
  return finish(table, results, folder, check(results, published.STATEMENTS["figure1"]))


def _row(bench, key, values=None, title=None, group=""):
  return bench.row(key, title or published.TITLES[key.method], functools.partial(bench.score, key), bench.training(key),
                   published=values or {}, caveat=CAVEAT if values else "", group=group)


def _report(bench, title, rows, figure, statements=None):
  size = bench.base.input_size * bench.scale

  def after(results):
    _draw(bench, figure, {row.key: row.title for row in rows}, size, results)
    described = {record.get("features") for result in results for record in result.records} - {None}
    return [f"Fréchet distance: {text}" for text in sorted(described)]

  return bench.report(title, bench.columns((size, size // 2)), rows, bench.protocol([bench.scale]),
                      statements or published.STATEMENTS.get(bench.table, []), after=after)


def _draw(bench, name, headers, size, results):
  bench.draw(name, {"input": "input", **headers, "target": "target"}, bench.images(size), results)
