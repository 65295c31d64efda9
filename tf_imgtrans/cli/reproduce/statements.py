"""What the Mux/Demux paper says of its ablation (Sec. 5.2), each statement checked seed by seed."""

import math


def _best(column):
  """Whether the full network has the highest value of a column."""
  return lambda rows: all(rows["full"][column] > values[column] for name, values in rows.items() if name != "full")


def _trades(name):
  """Whether removing a loss improves NIQE and worsens PSNR and MS-SSIM."""
  return lambda rows: (rows[name]["niqe"] < rows["full"]["niqe"] and rows[name]["psnr"] < rows["full"]["psnr"]
                       and rows[name]["ms_ssim_dped"] < rows["full"]["ms_ssim_dped"])


_ALL = ("psnr", "ms_ssim_dped", "niqe")
# statement, the columns that it speaks of, and whether the rows of one seed, dict of name to values, bear it out
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


def check_ablation(results):
  """Checks the statements on every seed of which all rows have finite values.

  Args:
    results: list of frame.Result of Table 5.
  Returns:
    list of (statement, verdict): "holds" in all seeds, "does not hold" in any, or "undecided", with the count; or "not
    measured".
  """
  by_seed = {}
  for result in results:
    for record in result.records:
      by_seed.setdefault(record["seed"], {})[result.row.name] = record["values"]
  whole = [rows for _, rows in sorted(by_seed.items()) if len(rows) == len(results)]
  verdicts = []
  for text, columns, bears_out in ABLATION:
    measured = [rows for rows in whole if all(_finite(values[column]) for values in rows.values() for column in columns)]
    verdicts.append((text, _verdict(sum(map(bears_out, measured)), len(measured))))
  return verdicts


def _finite(value):
  return value is not None and math.isfinite(value)


def _verdict(true, seeds):
  if not seeds:
    return "not measured"
  word = "holds" if true == seeds else "does not hold" if not true else "undecided"
  return f"{word} ({true} of {seeds} seeds)"
