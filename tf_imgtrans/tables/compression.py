"""`tf-imgtrans reproduce x_gans compression`: bits per pixel against PSNR of images kept as a few pixels (Sec. 4.5)."""

import functools
import statistics

from tf_imgtrans.tables.curves import draw_curves, find_matplotlib
from tf_imgtrans.tables.published import x_gans as published
from tf_imgtrans.tables.published.x_gans import Key
from tf_imgtrans.tables.table import Column
from tf_imgtrans.tables.x_gans import Options, Reconstruction

COLUMNS = [Column("bits_per_pixel", "bits/pixel", 3), Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4),
           Column("jpeg_psnr", "JPEG PSNR", 2), Column("jpeg_ssim", "JPEG SSIM", 4),
           Column("webp_psnr", "WebP PSNR", 2), Column("webp_ssim", "WebP SSIM", 4)]
SAMPLINGS = {"random_points": "random", "edge_points": "edge"}
TITLES = {"classical": "interpolation", "x_gans": "X-GANs"}


def compression(options: Options, seeds: int = 1):
  """Measure compression: images kept as 1 to 20 % of their pixels, beside JPEG and WebP files of at most that size.

  The networks are those of Figure 10, in the same --out. Writes OUT/compression, with the curves.

  Example: tf-imgtrans reproduce x_gans compression --data celeba --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each network.
  """
  find_matplotlib()
  bench = Reconstruction(options, "compression", seeds)
  images = _pixels(bench)
  keys = [Key(corruption, method, share) for share in published.POINT_SHARES for corruption in SAMPLINGS
          for method in TITLES]
  rows = [bench.row(key, f"{TITLES[key.method]}, {SAMPLINGS[key.corruption]} points",
                    functools.partial(_measure, bench, images, key), bench.training(key),
                    group=f"{key.share:.0%} of the pixels") for key in keys if not bench.left_out(key)]
  return bench.report("Compression (Sec. 4.5)", COLUMNS, rows, {
      **bench.protocol(keys), "points": "drawn by compress with seed 0", "file": "whole .xgp, header included",
      "JPEG and WebP": "the highest quality of at most as many bytes, shrunk where none is small enough"},
      published.STATEMENTS["compression"], after=lambda results: draw_curves(
          bench.out / "compression.png", _curves(results), "bits per pixel", "PSNR (dB)"))


def _pixels(bench):
  """The test images at the size of the networks: list of (name, uint8 [S, S, 3])."""
  from tf_imgtrans.core.images import read_uint8
  from tf_imgtrans.data.resizing import resize

  size = bench.config(Key("random_points", "x_gans")).image_size
  return [(path.stem, resize(read_uint8(path), size)) for path in bench.paths[""]]


def _measure(bench, images, key, seed):
  from tf_imgtrans.papers.x_gans.rate_distortion import rate_distortion
  from tf_imgtrans.tables.bench import Item

  method = bench.method(key, seed)
  found = rate_distortion(images, lambda source, mask: method(Item("", source, None, mask)), [key.share],
                          [SAMPLINGS[key.corruption]])
  each = {column.name: {image["image"]: image[column.name] for image in found} for column in COLUMNS}
  return {**{name: _mean(values.values()) for name, values in each.items()}, "images": len(found),
          "bytes": _mean(image["bytes"] for image in found), "each": each}


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
    if (result.row.key.corruption, result.row.key.method) == ("random_points", "classical"):
      for column, title in (("jpeg_psnr", "JPEG"), ("webp_psnr", "WebP")):
        lines.setdefault(title, []).append((rate, result.mean(column), None))
  return {title: measured for title, points in lines.items()
          if (measured := [point for point in points if None not in point[:2]])}
