"""`tf-imgtrans reproduce x_gans`: Table 1 and Figures 10 to 12, each with the paper's statements about it."""

import functools

from tf_imgtrans.cli.reproduce.curves import draw_curves
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, finish, measure
from tf_imgtrans.cli.reproduce.reconstruction import SEEDS, Options, start_bench
from tf_imgtrans.cli.reproduce.statements import RECONSTRUCTION, check
from tf_imgtrans.papers.x_gans import published

PSNR, SSIM = Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)
LOSSES = {"l2": {"point_norm": "l2"}, "l1": {"point_norm": "l1"}, "none": {"weight_point": 0.0}}  # Fig. 12
XLABELS = {"figure10": "known pixels (%)", "figure11": "valid pixels (%)", "figure12": "known pixels (%)"}


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: a white and a cluttered block in the middle, half as wide as the image.

  X-GANs and on-demand learning are trained on the data under the preset; inpainting without learning stands beside them.
  Colour blocks are cut from the images of --patches. Writes OUT/table1. Called again, it goes on.

  Example: tf-imgtrans reproduce x_gans table1 --data celeba --patches sun397 --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  bench = start_bench(options, seeds)
  titles = {"white_block": "white block", "color_blocks": "cluttered block"}
  rows = _rows(bench, "table1", [(method, corruption, None, title) for corruption, title in titles.items()
                                 for method in ("input", "classical", "on_demand", "x_gans")])
  return _report("table1", "Table 1: blocks in the middle of faces", rows, bench)


def figure10(options: Options, seeds: int = SEEDS):
  """Measure Figure 10: reconstruction from 1 to 20 % of the pixels, at random places and near edges.

  Linear interpolation between the points stands beside the trained methods. Writes OUT/figure10, with the curves.

  Example: tf-imgtrans reproduce x_gans figure10 --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  bench = start_bench(options, seeds, curves=True)
  methods = [(method, "random_points") for method in ("input", "classical", "on_demand", "x_gans")]
  rows = _rows(bench, "figure10", [(*method, share, f"{share:.0%} of the pixels") for share in published.POINT_SHARES
                                   for method in (*methods, ("x_gans", "edge_points"))])
  return _report("figure10", "Figure 10: reconstruction from points", rows, bench)


def figure11(options: Options, seeds: int = SEEDS):
  """Measure Figure 11: reconstruction from 85 to 95 % of colour noise.

  Writes OUT/figure11, with the curves.

  Example: tf-imgtrans reproduce x_gans figure11 --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  bench = start_bench(options, seeds, curves=True)
  rows = _rows(bench, "figure11", [(method, "color_noise", share, f"{share:.0%} valid pixels")
                                   for share in published.NOISE_SHARES for method in ("input", "on_demand", "x_gans")])
  return _report("figure11", "Figure 11: reconstruction from colour noise", rows, bench)


def figure12(options: Options, seeds: int = SEEDS):
  """Measure Figure 12: X-GANs with the corresponding point loss as L2, as L1, and without it.

  Writes OUT/figure12, with the curves.

  Example: tf-imgtrans reproduce x_gans figure12 --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each loss.
  """
  bench = start_bench(options, seeds, curves=True)
  rows = _rows(bench, "figure12", [(f"point_{loss}", "random_points", share, f"{share:.0%} of the pixels")
                                   for share in published.POINT_SHARES for loss in LOSSES])
  return _report("figure12", "Figure 12: corresponding point loss", rows, bench)


def _rows(bench, table, methods):
  """Rows of (method, corruption, share, group), but for those of networks that are left out."""
  return [row for each in methods if (row := _row(bench, table, *each))]


def _row(bench, table, method, corruption, share, group):
  """A row: a method on one corruption at one share. What is not trained has one seed alone."""
  config = _config(bench, method, corruption)
  # L2 is the default: Figures 10 and 12 share the run.
  run = f"{corruption}-{'x_gans' if method == 'point_l2' else method}"
  described = bench.row(config, run)
  if described is None:
    return None
  name = f"{corruption}_{method}" + (f"_{share:.2f}" if share else "")
  title = published.TITLES.get(method, "") or {"point_l2": "L2", "point_l1": "L1", "point_none": "none"}[method]
  title += ", edge points" if corruption == "edge_points" else ""
  keep = bench.options.out / table / "images" / name
  return Row(name, title, functools.partial(_measure, bench, method, corruption, share, config, run, keep),
             published.TABLE1.get(f"{corruption}_{method}", {}) if table == "table1" else {}, group=group, **described)


def _config(bench, method, corruption):
  """The configuration of a method that is trained; None for one that is not."""
  if method == "on_demand":
    return bench.on_demand(corruption)
  if method == "x_gans":
    return bench.x_gans(corruption)
  return bench.x_gans(corruption, **LOSSES[method[6:]]) if method.startswith("point_") else None


def _measure(bench, method, corruption, share, config, run, keep, seed):
  from tf_imgtrans.baselines import classical

  if method == "input":
    reconstruct = lambda source, mask: source  # noqa: E731 - one of three of the same form
  elif method == "classical":
    reconstruct = classical.interpolate if corruption.endswith("points") else classical.inpaint
  else:
    reconstruct = bench.network(config, run, seed)
  return bench.score(corruption, share, reconstruct, keep if seed == bench.options.seed else None)


def _report(name, title, rows, bench):
  table = Table("x_gans", name, title, [PSNR, SSIM], rows, {
      **bench.protocol(), "corruption": "one seed for each image",
      "measured on": "whole images, RGB, unrounded; kept pixels are not copied back"})
  out = bench.options.out / name
  results = measure(table, out)
  verdicts = check(results, RECONSTRUCTION[name])
  if name in XLABELS:
    draw_curves(out / f"{name}.png", _curves(results), XLABELS[name], "PSNR (dB)")
    print(f"wrote {out / f'{name}.png'}")
  return finish(table, results, out, verdicts)


def _curves(results):
  """dict of title to list of (percent, mean, spread) of PSNR."""
  lines = {}
  for result in results:
    mean = result.mean("psnr")
    if mean is not None:
      share = 100 * float(result.row.name.rsplit("_", 1)[1])
      lines.setdefault(result.row.title, []).append((share, mean, result.spread("psnr")))
  return lines
