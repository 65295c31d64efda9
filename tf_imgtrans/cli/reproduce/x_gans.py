"""`tf-imgtrans reproduce x_gans`: Table 1 and Figures 10 to 12, each with the paper's statements about it."""

import functools

from tf_imgtrans.cli.reproduce.curves import draw_curves
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, finish, measure
from tf_imgtrans.cli.reproduce.reconstruction import SEEDS, Options, start_bench
from tf_imgtrans.cli.reproduce.statements import RECONSTRUCTION, check
from tf_imgtrans.papers.x_gans import printed

PSNR, SSIM = Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)
LOSSES = {"l2": {"point_norm": "l2"}, "l1": {"point_norm": "l1"}, "none": {"weight_point": 0.0}}  # Fig. 12
XLABELS = {"figure10": "known pixels (%)", "figure11": "valid pixels (%)", "figure12": "known pixels (%)"}


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: a white and a cluttered block in the middle, half as wide as the picture.

  X-GANs and on-demand learning are trained on the data under the preset; inpainting without learning stands beside them.
  Colour blocks are cut from the pictures of --patches. Writes OUT/table1. Called again, it goes on.

  Example: tf-imgtrans reproduce x_gans table1 --data celeba --patches sun397 --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each system.
  """
  bench = start_bench(options, seeds)
  titles = {"white_block": "white block", "color_blocks": "cluttered block"}
  rows = _rows(bench, "table1", [(system, corruption, None, title) for corruption, title in titles.items()
                                 for system in ("input", "classical", "on_demand", "x_gans")])
  return _report("table1", "Table 1: blocks in the middle of faces", rows, bench)


def figure10(options: Options, seeds: int = SEEDS):
  """Measure Figure 10: reconstruction from 1 to 20 % of the pixels, at random places and near edges.

  Linear interpolation between the points stands beside the trained systems. Writes OUT/figure10, with the curves.

  Example: tf-imgtrans reproduce x_gans figure10 --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each system.
  """
  bench = start_bench(options, seeds, curves=True)
  systems = [(system, "random_points") for system in ("input", "classical", "on_demand", "x_gans")]
  rows = _rows(bench, "figure10", [(*system, share, f"{share:.0%} of the pixels") for share in printed.POINT_SHARES
                                   for system in (*systems, ("x_gans", "edge_points"))])
  return _report("figure10", "Figure 10: reconstruction from points", rows, bench)


def figure11(options: Options, seeds: int = SEEDS):
  """Measure Figure 11: reconstruction from 85 to 95 % of colour noise.

  Writes OUT/figure11, with the curves.

  Example: tf-imgtrans reproduce x_gans figure11 --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each system.
  """
  bench = start_bench(options, seeds, curves=True)
  rows = _rows(bench, "figure11", [(system, "color_noise", share, f"{share:.0%} valid pixels")
                                   for share in printed.NOISE_SHARES for system in ("input", "on_demand", "x_gans")])
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
                                   for share in printed.POINT_SHARES for loss in LOSSES])
  return _report("figure12", "Figure 12: corresponding point loss", rows, bench)


def _rows(bench, table, systems):
  """Rows of (system, corruption, share, group), but for those of networks that are left out."""
  return [row for each in systems if (row := _row(bench, table, *each))]


def _row(bench, table, system, corruption, share, group):
  """A row: a system on one corruption at one share. What is not trained has one seed alone."""
  config = _config(bench, system, corruption)
  # L2 is the default: Figures 10 and 12 share the run.
  run = f"{corruption}-{'x_gans' if system == 'point_l2' else system}"
  described = bench.row(config, run)
  if described is None:
    return None
  name = f"{corruption}_{system}" + (f"_{share:.2f}" if share else "")
  title = printed.TITLES.get(system, "") or {"point_l2": "L2", "point_l1": "L1", "point_none": "none"}[system]
  title += ", edge points" if corruption == "edge_points" else ""
  keep = bench.options.out / table / "pictures" / name
  return Row(name, title, functools.partial(_measure, bench, system, corruption, share, config, run, keep),
             printed.TABLE1.get(f"{corruption}_{system}", {}) if table == "table1" else {}, group=group, **described)


def _config(bench, system, corruption):
  """The configuration of a system that is trained; None for one that is not."""
  if system == "on_demand":
    return bench.on_demand(corruption)
  if system == "x_gans":
    return bench.x_gans(corruption)
  return bench.x_gans(corruption, **LOSSES[system[6:]]) if system.startswith("point_") else None


def _measure(bench, system, corruption, share, config, run, keep, seed):
  from tf_imgtrans.baselines import classical

  if system == "input":
    reconstruct = lambda source, mask: source  # noqa: E731 - one of three of the same form
  elif system == "classical":
    reconstruct = classical.interpolate if corruption.endswith("points") else classical.inpaint
  else:
    reconstruct = bench.network(config, run, seed)
  return bench.score(corruption, share, reconstruct, keep if seed == bench.options.seed else None)


def _report(name, title, rows, bench):
  table = Table("x_gans", name, title, [PSNR, SSIM], rows, {
      **bench.protocol(), "corruption": "one seed for each picture",
      "measured on": "whole pictures, RGB, unrounded; kept pixels are not copied back"})
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
