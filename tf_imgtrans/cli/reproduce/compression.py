"""`tf-imgtrans reproduce x_gans compression`: bits per pixel against PSNR of images kept as a few pixels (Sec. 4.5)."""

import functools
import statistics

from tf_imgtrans.cli.reproduce.curves import draw_curves
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, finish, measure
from tf_imgtrans.cli.reproduce.reconstruction import Options, start_bench
from tf_imgtrans.cli.reproduce.statements import COMPRESSION, check
from tf_imgtrans.papers.x_gans import published

COLUMNS = [Column("bits_per_pixel", "bits/pixel", 3), Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4),
           Column("jpeg_psnr", "JPEG PSNR", 2), Column("jpeg_ssim", "JPEG SSIM", 4),
           Column("webp_psnr", "WebP PSNR", 2), Column("webp_ssim", "WebP SSIM", 4)]
SAMPLINGS = {"random_points": "random", "edge_points": "edge"}
TITLES = {"classical": "interpolation", "x_gans": "X-GANs"}


def compression(options: Options, seeds: int = 1):
  """Measure compression: images kept as 1 to 20 % of their pixels, beside JPEG and WebP files of at most that size.

  The networks are those of Figure 10, in the same --out. Writes OUT/compression, with the curves.

  Example: tf-imgtrans reproduce x_gans compression --data celeba --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each network.
  """
  bench = start_bench(options, seeds, curves=True)
  rows = [row for share in published.POINT_SHARES for corruption in SAMPLINGS for method in TITLES
          if (row := _row(bench, share, corruption, method))]
  table = Table("x_gans", "compression", "Compression (Sec. 4.5)", COLUMNS, rows, {
      **bench.protocol(), "points": "drawn by compress with seed 0", "file": "whole .xgp, header included",
      "JPEG and WebP": "the highest quality of at most as many bytes, shrunk where none is small enough"})
  out = options.out / table.name
  results = measure(table, out)
  verdicts = check(results, COMPRESSION)
  draw_curves(out / "compression.png", _curves(results), "bits per pixel", "PSNR (dB)")
  print(f"wrote {out / 'compression.png'}")
  return finish(table, results, out, verdicts)


def _row(bench, share, corruption, method):
  config = bench.x_gans(corruption) if method == "x_gans" else None
  run = f"{corruption}-{method}"
  described = bench.row(config, run)
  return described and Row(
      f"{corruption}_{method}_{share:.2f}", f"{TITLES[method]}, {SAMPLINGS[corruption]} points",
      functools.partial(_measure, bench, share, corruption, config, run), group=f"{share:.0%} of the pixels", **described)


def _measure(bench, share, corruption, config, run, seed):
  from tf_imgtrans.baselines import classical
  from tf_imgtrans.papers.x_gans.rate_distortion import rate_distortion

  reconstruct = bench.network(config, run, seed) if config else classical.interpolate
  found = rate_distortion(bench.images, reconstruct, [share], [SAMPLINGS[corruption]])
  return {**{column.name: _mean(image[column.name] for image in found) for column in COLUMNS}, "images": len(found),
          "bytes": _mean(image["bytes"] for image in found)}


def _mean(values):
  """Mean; None where a value is missing, as where no JPEG is small enough."""
  values = list(values)
  return None if None in values else statistics.fmean(values)


def _curves(results):
  """dict of title to list of (bits per pixel, mean PSNR, spread); JPEG and WebP at the sizes of random points' files."""
  lines = {}
  for result in results:
    rate = result.mean("bits_per_pixel")
    lines.setdefault(result.row.title, []).append((rate, result.mean("psnr"), result.spread("psnr")))
    if result.row.name.startswith("random_points_classical"):
      for column, title in (("jpeg_psnr", "JPEG"), ("webp_psnr", "WebP")):
        lines.setdefault(title, []).append((rate, result.mean(column), None))
  return {title: measured for title, points in lines.items()
          if (measured := [point for point in points if None not in point[:2]])}
