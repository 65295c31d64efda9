"""`tf-imgtrans reproduce x_gans`: Table 1 and Figures 10 to 12, each with the paper's statements about it."""

import dataclasses
import functools

from tf_imgtrans.cli.reproduce.curves import draw_curves, find_matplotlib
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, check_count, finish, measure
from tf_imgtrans.cli.reproduce.reconstruction import Bench, Options
from tf_imgtrans.cli.reproduce.statements import RECONSTRUCTION, check
from tf_imgtrans.cli.startup import start_tensorflow
from tf_imgtrans.papers.x_gans import printed

PSNR, SSIM = Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)
STEPS = 600  # of each run under the mini preset
SEEDS = 3
LOSSES = {"l2": {"point_norm": "l2"}, "l1": {"point_norm": "l1"}, "none": {"weight_point": 0.0}}  # Fig. 12
XLABELS = {"figure10": "known pixels (%)", "figure11": "valid pixels (%)", "figure12": "known pixels (%)"}


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: a white and a cluttered block in the middle, half as wide as the picture.

  X-GANs and on-demand learning are trained on the data under the preset; inpainting without learning stands beside them.
  Colour blocks are cut from the pictures of --patches. Writes OUT/table1. Called again, it goes on.

  Example: tf-imgtrans reproduce x_gans table1 --data celeba --patches sun397 --preset mini --out reproduced

  Args:
    seeds: training runs of each system.
  """
  bench = _start(options, seeds)
  rows = []
  for corruption in ("white_block", "color_blocks"):
    title = {"white_block": "white block", "color_blocks": "cluttered block"}[corruption]
    for system in ("input", "classical", "on_demand", "x_gans"):
      rows.append(_row(bench, options, seeds, "table1", system, corruption, None, title))
  return _report("table1", "Table 1: blocks in the middle of faces", rows, options, bench)


def figure10(options: Options, seeds: int = SEEDS):
  """Measure Figure 10: reconstruction from 1 to 20 % of the pixels, at random places and near edges.

  Linear interpolation between the points stands beside the trained systems. Writes OUT/figure10, with the curves.

  Example: tf-imgtrans reproduce x_gans figure10 --data celeba --preset mini --out reproduced

  Args:
    seeds: training runs of each system.
  """
  bench = _start(options, seeds, curves=True)
  rows = []
  for share in printed.POINT_SHARES:
    for system, corruption in (("input", "random_points"), ("classical", "random_points"), ("on_demand", "random_points"),
                               ("x_gans", "random_points"), ("x_gans", "edge_points")):
      rows.append(_row(bench, options, seeds, "figure10", system, corruption, share, f"{share:.0%} of the pixels"))
  return _report("figure10", "Figure 10: reconstruction from points", rows, options, bench)


def figure11(options: Options, seeds: int = SEEDS):
  """Measure Figure 11: reconstruction from 85 to 95 % of colour noise.

  Writes OUT/figure11, with the curves.

  Example: tf-imgtrans reproduce x_gans figure11 --data celeba --preset mini --out reproduced

  Args:
    seeds: training runs of each system.
  """
  bench = _start(options, seeds, curves=True)
  rows = [_row(bench, options, seeds, "figure11", system, "color_noise", share, f"{share:.0%} valid pixels")
          for share in printed.NOISE_SHARES for system in ("input", "on_demand", "x_gans")]
  return _report("figure11", "Figure 11: reconstruction from colour noise", rows, options, bench)


def figure12(options: Options, seeds: int = SEEDS):
  """Measure Figure 12: X-GANs with the corresponding point loss as L2, as L1, and without it.

  Writes OUT/figure12, with the curves.

  Example: tf-imgtrans reproduce x_gans figure12 --data celeba --preset mini --out reproduced

  Args:
    seeds: training runs of each loss.
  """
  bench = _start(options, seeds, curves=True)
  rows = [_row(bench, options, seeds, "figure12", f"point_{loss}", "random_points", share, f"{share:.0%} of the pixels")
          for share in printed.POINT_SHARES for loss in LOSSES]
  return _report("figure12", "Figure 12: corresponding point loss", rows, options, bench)


def _start(options, seeds, curves=False):
  check_count("seeds", seeds)
  if curves:
    find_matplotlib()
  start_tensorflow()
  return Bench(options, STEPS)


def _row(bench, options, seeds, table, system, corruption, share, group):
  """A row: a system on one corruption at one share. What is not trained has one seed alone."""
  config = _config(bench, system, corruption)
  trained = config is not None
  name = f"{corruption}_{system}" + (f"_{share:.2f}" if share else "")
  title = printed.TITLES.get(system, "") or {"point_l2": "L2", "point_l1": "L1", "point_none": "none"}[system]
  title += ", edge points" if corruption == "edge_points" else ""
  keep = options.out / table / "pictures" / name
  return Row(name, title, functools.partial(_measure, bench, options, system, corruption, share, config, keep),
             printed.TABLE1.get(f"{corruption}_{system}", {}) if table == "table1" else {}, group=group,
             seeds=tuple(range(options.seed, options.seed + seeds)) if trained else (options.seed,),
             details={"config": dataclasses.asdict(config)} if trained else {})


def _config(bench, system, corruption):
  """The configuration of a system that is trained; None for one that is not."""
  if system == "on_demand":
    return bench.on_demand(corruption)
  if system == "x_gans":
    return bench.x_gans(corruption)
  return bench.x_gans(corruption, **LOSSES[system[6:]]) if system.startswith("point_") else None


def _measure(bench, options, system, corruption, share, config, keep, seed):
  from tf_imgtrans.baselines import classical

  if system == "input":
    reconstruct = lambda source, mask: source  # noqa: E731 - one of four of the same form
  elif system == "classical":
    reconstruct = classical.interpolate if corruption.endswith("points") else classical.inpaint
  else:
    run = "x_gans" if system == "point_l2" else system  # L2 is the default: Figures 10 and 12 share the run
    reconstruct = bench.network(config, f"{corruption}-{run}", seed)
  return bench.score(corruption, share, reconstruct, keep if seed == options.seed else None)


def _report(name, title, rows, options, bench):
  table = Table("x_gans", name, title, [PSNR, SSIM], rows, {
      **bench.protocol(), "corruption": "one seed for each picture",
      "measured on": "whole pictures, RGB, unrounded; kept pixels are not copied back"})
  out = options.out / name
  results = measure(table, out)
  verdicts = check(results, RECONSTRUCTION[name])
  table.notes.extend(f"{verdict}: {text}" for text, verdict in verdicts)
  if name in XLABELS:
    draw_curves(out / f"{name}.png", _curves(results), XLABELS[name], "PSNR (dB)")
    print(f"wrote {out / f'{name}.png'}")
  return finish(table, results, out, statements=[{"statement": text, "verdict": verdict} for text, verdict in verdicts])


def _curves(results):
  """dict of title to list of (percent, mean, spread) of PSNR."""
  lines = {}
  for result in results:
    mean = result.mean("psnr")
    if mean is not None:
      share = 100 * float(result.row.name.rsplit("_", 1)[1])
      lines.setdefault(result.row.title, []).append((share, mean, result.spread("psnr")))
  return lines
