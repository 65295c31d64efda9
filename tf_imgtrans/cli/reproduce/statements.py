"""What the papers say of their tables and figures, each statement checked seed by seed."""

import math
import statistics

from tf_imgtrans.papers.x_gans.published import NOISE_SHARES, POINT_SHARES


def _best(column):
  """Whether the full network has the highest value of a column."""
  return lambda rows: all(rows["full"][column] > values[column] for name, values in rows.items() if name != "full")


def _trades(name):
  """Whether removing a loss improves NIQE and worsens PSNR and MS-SSIM."""
  return lambda rows: (rows[name]["niqe"] < rows["full"]["niqe"] and rows[name]["psnr"] < rows["full"]["psnr"]
                       and rows[name]["ms_ssim_dped"] < rows["full"]["ms_ssim_dped"])


_ALL = ("psnr", "ms_ssim_dped", "niqe")
# Statement, the columns that it speaks of, and whether the rows of one seed, dict of name to values, bear it out.
# Mux/Demux, Table 5 (Sec. 5.2):
ABLATION = (
    ("the highest PSNR with full losses", ("psnr",), _best("psnr")),
    ("the highest SSIM with full losses", ("ms_ssim_dped",), _best("ms_ssim_dped")),
    ("a worse NIQE without the contextual loss", ("niqe",),
     lambda rows: rows["no_contextual"]["niqe"] > rows["full"]["niqe"]),
    ("the lowest PSNR without the L1 loss", ("psnr",),
     lambda rows: all(rows["no_l1"]["psnr"] < values["psnr"] for name, values in rows.items() if name != "no_l1")),
    ("without the adversarial loss a better NIQE and a worse distortion", _ALL, _trades("no_adversarial")),
    ("without the L1 loss a better NIQE and a worse distortion", _ALL, _trades("no_l1")),
    ("without the perceptual loss a better NIQE and a worse distortion", _ALL, _trades("no_perceptual")),
    ("without noise a worse PSNR and SSIM", ("psnr", "ms_ssim_dped"),
     lambda rows: (rows["no_noise"]["psnr"] < rows["full"]["psnr"]
                   and rows["no_noise"]["ms_ssim_dped"] < rows["full"]["ms_ssim_dped"])),
    ("without noise a worse NIQE", ("niqe",), lambda rows: rows["no_noise"]["niqe"] > rows["full"]["niqe"]),
)


def _beats(winner, loser, *columns):
  """Whether one row has higher values of the columns than another."""
  return lambda rows: all(rows[winner][column] > rows[loser][column] for column in columns)


def _beats_everywhere(winner, loser, shares):
  return lambda rows: all(rows[f"{winner}_{share:.2f}"]["psnr"] > rows[f"{loser}_{share:.2f}"]["psnr"] for share in shares)


def _mean(rows, name):
  return statistics.fmean(rows[f"{name}_{share:.2f}"]["psnr"] for share in POINT_SHARES)


def _rises(rows):
  values = [rows[f"random_points_x_gans_{share:.2f}"]["psnr"] for share in POINT_SHARES]
  return all(low < high for low, high in zip(values, values[1:]))


_PSNR = ("psnr",)
# X-GANs (Sec. 5.1, and Sec. 4.5 on edge points); last, how the names of the rows begin that a statement speaks of:
RECONSTRUCTION = {
    "table1": (
        ("X-GANs beat on-demand learning behind a white block, in PSNR and SSIM", ("psnr", "ssim"),
         _beats("white_block_x_gans", "white_block_on_demand", "psnr", "ssim"), "white_block"),
        ("X-GANs beat on-demand learning behind a cluttered block, in PSNR and SSIM", ("psnr", "ssim"),
         _beats("color_blocks_x_gans", "color_blocks_on_demand", "psnr", "ssim"), "color_blocks"),
    ),
    "figure10": (
        ("more points give a higher PSNR, from each share to the next", _PSNR, _rises,
         "random_points_x_gans"),
        ("10 % of the pixels near edges give a higher PSNR than 10 % at random places", _PSNR,
         _beats("edge_points_x_gans_0.10", "random_points_x_gans_0.10", "psnr"), "edge_points_x_gans_0.10",
         "random_points_x_gans_0.10"),
        ("points near edges give a higher PSNR than random ones, on the mean over the shares", _PSNR,
         lambda rows: _mean(rows, "edge_points_x_gans") > _mean(rows, "random_points_x_gans"), "edge_points_x_gans",
         "random_points_x_gans"),
        ("X-GANs beat on-demand learning at every share of random points", _PSNR,
         _beats_everywhere("random_points_x_gans", "random_points_on_demand", POINT_SHARES), "random_points_x_gans",
         "random_points_on_demand"),
    ),
    "figure11": (
        ("X-GANs beat on-demand learning at every level of colour noise", _PSNR,
         _beats_everywhere("color_noise_x_gans", "color_noise_on_demand", NOISE_SHARES), "color_noise_x_gans",
         "color_noise_on_demand"),
    ),
    "figure12": (
        ("the point loss as L2 gives a higher PSNR than as L1, on the mean over the shares", _PSNR,
         lambda rows: _mean(rows, "random_points_point_l2") > _mean(rows, "random_points_point_l1"),
         "random_points_point_l2", "random_points_point_l1"),
        ("the point loss as L1 gives a higher PSNR than none, on the mean over the shares", _PSNR,
         lambda rows: _mean(rows, "random_points_point_l1") > _mean(rows, "random_points_point_none"),
         "random_points_point_l1", "random_points_point_none"),
    ),
}

# X-GANs as a codec (Sec. 4.5). The paper compares with no other codec; that the bargain is a good one is ours to test.
COMPRESSION = (
    ("edge points beat random points of the same share, on the mean over the shares", _PSNR,
     lambda rows: _mean(rows, "edge_points_x_gans") > _mean(rows, "random_points_x_gans"),
     "edge_points_x_gans", "random_points_x_gans"),
    ("X-GANs beat interpolation between the same points at every share", _PSNR,
     lambda rows: all(_beats_everywhere(f"{points}_x_gans", f"{points}_classical", POINT_SHARES)(rows)
                      for points in ("random_points", "edge_points")), "random_points", "edge_points"),
    ("X-GANs from 1 % of the pixels beat JPEG of the same size", ("psnr", "jpeg_psnr"),
     lambda rows: rows["random_points_x_gans_0.01"]["psnr"] > rows["random_points_x_gans_0.01"]["jpeg_psnr"],
     "random_points_x_gans_0.01"),
)

_IOU = ("class_iou",)


def _above(column, higher, lower, equal=False):
  """Whether one row has a higher value than another, or with `equal` at least as high a one."""
  return lambda rows: rows[higher][column] > rows[lower][column] or equal and rows[higher][column] == rows[lower][column]


# The paper with a feature pyramid, Tables 1 and 2.
TRANSLATION = {
    "table1": (
        ("class IoU: the completed model has at least that of the one without Eq. 7", _IOU,
         _above("class_iou", "full", "without_low", equal=True), "full", "without_low"),
        ("class IoU: without Eq. 7 more than without Eq. 6", _IOU, _above("class_iou", "without_low", "without_high"),
         "without_low", "without_high"),
        ("class IoU: without Eq. 6 more than without conditioning", _IOU,
         _above("class_iou", "without_high", "without_conditional"), "without_high", "without_conditional"),
    ),
    "table2": (
        ("PSNR: the completed model has more than the one without the high-frequency pyramid", _PSNR,
         _above("psnr", "full", "without_high"), "full", "without_high"),
        ("PSNR: without the high-frequency pyramid more than without the low-frequency one", _PSNR,
         _above("psnr", "without_high", "without_low"), "without_high", "without_low"),
        ("PSNR: the completed model has more than bicubic enlargement", _PSNR, _above("psnr", "full", "input"), "full",
         "input"),
    ),
}


def _lowest(column, name, *others):
  """Whether one row has the lowest value of a column among the given ones; others are left out where they are missing."""
  return lambda rows: all(rows[name][column] < rows[other][column] for other in others)


def _closer(name, other):
  """Whether one row is nearer to the targets than another by the finest level of SWD and by the distance of features."""
  return lambda rows: rows[name]["swd_fine"] < rows[other]["swd_fine"] and rows[name]["frechet"] < rows[other]["frechet"]


_SWD, _BOTH = ("swd_fine",), ("swd_fine", "frechet")
_COMPARED = ("bicubic", "esrgan", "carn", "rcan")
# The progressive paper, Tables 1 and 2 (Sec. 5.2 to 5.5); that its network beats bicubic enlargement there is ours to test.
SUPER_RESOLUTION = {
    "table1": (
        ("PAN has the lowest Fréchet distance of all", ("frechet",), _lowest("frechet", "full", *_COMPARED), "full",
         *_COMPARED),
        ("PAN has the lowest SWD of the finest level of all", _SWD, _lowest("swd_fine", "full", *_COMPARED), "full",
         *_COMPARED),
        ("PAN has a lower PSNR than bicubic enlargement", _PSNR, _above("psnr", "bicubic", "full"), "full", "bicubic"),
        ("RCAN and CARN have a higher PSNR than bicubic enlargement", _PSNR,
         lambda rows: min(rows["rcan"]["psnr"], rows["carn"]["psnr"]) > rows["bicubic"]["psnr"], "rcan", "carn", "bicubic"),
    ),
    "table2": (
        ("PAN is nearer to the targets than bicubic enlargement, by SWD and Fréchet distance", _BOTH,
         _closer("full", "bicubic"), "full", "bicubic"),
        ("PAN is nearer than the one trained by L1, by SWD and Fréchet distance", _BOTH, _closer("full", "l1"), "full",
         "l1"),
        ("PAN is nearer than the one trained by L2, by SWD and Fréchet distance", _BOTH, _closer("full", "l2"), "full",
         "l2"),
        ("by L1 and by L2 a higher PSNR than by the GAN", _PSNR,
         lambda rows: min(rows["l1"]["psnr"], rows["l2"]["psnr"]) > rows["full"]["psnr"], "l1", "l2", "full"),
        ("PAN is nearer than the non-progressive one, by SWD and Fréchet distance", _BOTH,
         _closer("full", "non_progressive"), "full", "non_progressive"),
        ("without noise, nearer than PAN by SWD and Fréchet distance", _BOTH, _closer("non_noise", "full"), "full",
         "non_noise"),
    ),
}


def check(results, statements):
  """Checks statements on every seed of which all their rows have finite values; a row of one seed counts with every seed.

  Args:
    results: list of frame.Result.
    statements: such as ABLATION or RECONSTRUCTION["table1"].
  Returns:
    list of (statement, verdict): "holds" in all seeds, "does not hold" in any, or "undecided", with the count; or "not
    measured".
  """
  seeds = sorted({seed for result in results for seed in result.row.seeds})
  verdicts = []
  for text, columns, bears_out, *beginnings in statements:
    asked = [_rows(results, seed, tuple(beginnings) or "") for seed in seeds]
    measured = [rows for rows in asked
                if all(any(name.startswith(beginning) for name in rows) for beginning in beginnings)
                and all(values and _finite(values.get(column)) for values in rows.values() for column in columns)]
    verdicts.append((text, _verdict(sum(map(bears_out, measured)), len(measured))))
  return verdicts


def _rows(results, seed, beginnings):
  """dict of row name to values of one seed, of the rows whose names begin so; None for a row that lacks them."""
  rows = {}
  for result in results:
    if not result.row.name.startswith(beginnings):
      continue
    values = {record["seed"]: record["values"] for record in result.records}
    seeds = result.row.seeds
    rows[result.row.name] = values.get(seeds[0] if len(seeds) == 1 else seed)
  return rows


def _finite(value):
  return value is not None and math.isfinite(value)


def _verdict(true, seeds):
  if not seeds:
    return "not measured"
  word = "holds" if true == seeds else "does not hold" if not true else "undecided"
  return f"{word} ({true} of {seeds} seeds)"
