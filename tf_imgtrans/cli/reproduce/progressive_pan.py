"""`tf-imgtrans reproduce progressive_pan`: Tables 1 and 2, and Figures 1, 5 and 9."""

import dataclasses
import functools
import pathlib

from tf_imgtrans.cli.reproduce.curves import draw_curves, find_matplotlib
from tf_imgtrans.cli.reproduce.figures import draw
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, check_count, finish, measure
from tf_imgtrans.cli.reproduce.statements import SUPER_RESOLUTION, check
from tf_imgtrans.cli.reproduce.super_resolution import SEEDS, Bench, Options
from tf_imgtrans.core.config import Seed
from tf_imgtrans.core.files import write_json
from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.papers.progressive_pan import published

TABLE1 = ("bicubic", "esrgan", "carn", "rcan", "full")
TABLE2 = ("bicubic", "l1", "l2", "non_progressive", "non_noise", "full")
SCALES = (2, 4, 8)  # of Figure 5
CAVEAT = "the paper's are of CelebA-HQ at its sizes, after training on FFHQ"


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: x4 super-resolution, beside bicubic enlargement, ESRGAN, CARN and RCAN.

  All are trained on the data: PAN by its GAN, the others by L1; ESRGAN's second stage is not run. Where PAN enlarges more
  than 4 times, blocks of its output are averaged, as the paper does. Writes OUT/table1, with a panel.

  Example: tf-imgtrans reproduce progressive_pan table1 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each network.
  """
  start_tensorflow()
  bench = Bench(options, "table1", scale=4, baselines=True)
  rows = [_row(bench, method, seeds, published.TABLE1) for method in TABLE1]
  return _report(bench, "table1", "Table 1: x4 super-resolution", rows, "figure4")


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: the paper's network with a distance in the place of the GAN, all at once, and without noise.

  Writes OUT/table2, with a panel. Bicubic enlargement stands beside them.

  Example: tf-imgtrans reproduce progressive_pan table2 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each variant.
  """
  start_tensorflow()
  bench = Bench(options, "table2")
  rows = [_row(bench, method, seeds, published.TABLE2) for method in TABLE2]
  return _report(bench, "table2", f"Table 2: x{bench.scale} super-resolution, ablation", rows, "figure6_7_8")


def figure5(options: Options):
  """Measure Figure 5: PAN and RCAN at x2, x4 and x8, images and the distance of features.

  One training of PAN gives all three scales: its generator is kept at the end of each size. Under the mini preset from 8
  pixels to 16, 32 and 64. Writes OUT/figure5, with the panel of x8 and the curves.

  Example: tf-imgtrans reproduce progressive_pan figure5 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}
  """
  find_matplotlib()
  start_tensorflow()
  sizes = {"input_size": 8, "output_size": 64} if options.preset == "mini" else {}
  out, lines, status = options.out / "figure5", {}, 0
  for scale in SCALES:
    bench = Bench(options, f"figure5/x{scale}", scale=scale, baselines=True, **sizes)
    rows = [_row(bench, method, 1, {}, title) for method, title in
            (("bicubic", "Bicubic"), (f"rcan_x{scale}", "RCAN"), (f"x{scale}", "PAN"))]
    results, failed = _measured(bench, f"figure5_x{scale}", f"Figure 5: x{scale}", rows, "figure5a")
    status = max(status, failed)
    column = "frechet" if bench.features else "swd_average"
    for result in results:
      if result.values(column):
        lines.setdefault(result.row.title, []).append((scale, result.mean(column), None))
  if {"PAN", "RCAN"} <= set(lines) and all(len(lines[name]) == len(SCALES) for name in ("PAN", "RCAN")):
    pan, rcan = (lines[name][-1][1] / lines[name][0][1] for name in ("PAN", "RCAN"))
    verdict = "holds" if pan < rcan else "does not hold"
    print(f"{verdict}: from x2 to x8 the distance of PAN rises less ({pan:.1f} times) than RCAN's ({rcan:.1f} times)")
    write_json(out / "statements.json", {"verdict": verdict, "pan_x8_over_x2": pan, "rcan_x8_over_x2": rcan})
  if lines:
    what = {"frechet": "Fréchet distance", "swd_average": "SWD x1000, mean of the levels"}[column]
    draw_curves(out / "figure5b.png", lines, "scale", what)
    print(f"wrote {out / 'figure5b.png'}")
  return status


def figure9(options: Options):
  """Draw Figure 9: x2 super-resolution with all skip connections, and with fewer and fewer of them, the coarsest last.

  Writes OUT/figure9.

  Example: tf-imgtrans reproduce progressive_pan figure9 --data faces --out reproduced

  The data folder:
    {aligned}
  """
  start_tensorflow()
  input_size = 16 if options.preset == "mini" else 128
  bench = Bench(options, "figure9", input_size=input_size, output_size=2 * input_size)
  kept = range(bench.base.connections, -1, -1)
  rows = [_row(bench, f"skips_{number}", 1, {}, f"{number} skips") for number in kept]
  return _report(bench, "figure9", "Figure 9: skip connections, x2", rows, "figure9")


def figure1(out: pathlib.Path = pathlib.Path("reproduced"), seed: Seed = 0):
  """Draw Figure 1: how distances to the nearest points become equal in many dimensions. Exact, in seconds.

  500 points spread evenly over the unit cube; (dist_max - dist_min) / dist_min of the six nearest, log(500), of each point
  (Eq. 1). Writes OUT/figure1.

  Example: tf-imgtrans reproduce progressive_pan figure1 --out reproduced

  Args:
    out: folder for the result.
    seed: of the points.
  """
  find_matplotlib()
  from tf_imgtrans.papers.progressive_pan.dimensionality import experiment

  folder = out / "figure1"
  columns = [Column("mean", "mean of the ratio", 4), Column("deviation", "standard deviation", 4)]
  found = {}

  def ratio(dimensions, _):
    (_, mean, deviation), = experiment([dimensions], published.POINTS, seed)
    found[dimensions] = (mean, deviation)
    return {"mean": mean, "deviation": deviation}

  rows = [Row(f"dimensions_{number}", f"{number} dimensions", functools.partial(ratio, number), seeds=(seed,))
          for number in published.DIMENSIONS]
  table = Table("progressive_pan", "figure1", "Figure 1: curse of dimensionality", columns, rows,
                {"points": published.POINTS, "neighbours": 6, "distribution": "uniform", "seed": seed})
  results = measure(table, folder)
  points = [(number, result.mean("mean"), result.mean("deviation")) for number, result in zip(published.DIMENSIONS, results)
            if number > 1]  # in one dimension two of 500 points nearly meet, and the mean says nothing
  draw_curves(folder / "figure1.png", {"distance ratio": points}, "dimensions", "(max - min) / min", log=True)
  print(f"wrote {folder / 'figure1.png'}")
  return finish(table, results, folder)


def _row(bench, method, seeds, values, title=None):
  """A row: a method, trained with each seed; bicubic enlargement has one."""
  check_count("seeds", seeds)
  first, config = bench.options.seed, bench.config(method)
  return Row(method, title or published.TITLES[method], functools.partial(bench.measure, method), values.get(method, {}),
             CAVEAT if method in values else "", seeds=tuple(range(first, first + (seeds if config else 1))),
             details={"config": dataclasses.asdict(config)} if config else {})


def _measured(bench, name, title, rows, figure):
  """Measures, draws and writes: (results, exit status)."""
  fine = bench.size
  columns = [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4), Column("niqe", "NIQE", 2)]
  columns += [Column("fid", "FID", 2), Column("frechet", "Fréchet distance", 2)] if bench.features else []
  columns += [Column("swd_fine", f"SWD x1000 {fine}", 2), Column("swd_half", f"SWD x1000 {fine // 2}", 2),
              Column("swd_average", "SWD x1000 mean", 2)]
  table = Table("progressive_pan", name, title, columns, rows, bench.protocol())
  results = measure(table, bench.out)
  described = {record.get("features") for result in results for record in result.records} - {None}
  table.notes.extend(f"Fréchet distance: {text}" for text in sorted(described))
  verdicts = check(results, SUPER_RESOLUTION.get(name, ()))
  headers = {"input": "input", **{row.name: row.title for row in rows}}
  draw(bench.out / f"{figure}.png", headers, bench.out / "images", bench.shown(), results, "target")
  return results, finish(table, results, bench.out, verdicts)


def _report(bench, name, title, rows, figure):
  return _measured(bench, name, title, rows, figure)[1]
