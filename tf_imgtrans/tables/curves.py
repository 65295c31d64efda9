"""Curves of a figure: a quantity over another, with the spread over seeds."""


def draw_curves(path, lines, xlabel, ylabel, log=False):
  """Draws lines with error bars, as PNG.

  Args:
    path: Path of the file.
    lines: dict of label to list of (x, mean, spread or None).
    xlabel, ylabel: str, with units.
    log: bool, both axes logarithmic.
  Raises:
    ValueError: Matplotlib is not installed.
  """
  from tf_imgtrans.core.files import atomic_path

  figure = find_matplotlib()(figsize=(6.4, 4.4), dpi=120, layout="constrained")
  axes = figure.add_subplot()
  for marker, (label, points) in zip("osD^vPX*" * len(lines), lines.items()):
    xs, means, spreads = zip(*points)
    axes.errorbar(xs, means, [spread or 0 for spread in spreads], marker=marker, markersize=5, capsize=3, label=label)
  axes.set_xlabel(xlabel)
  axes.set_ylabel(ylabel)
  if log:
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="clip")
  axes.grid(alpha=0.3)
  axes.legend()
  with atomic_path(path) as temporary:
    figure.savefig(temporary, format="png")
  print(f"wrote {path}")


def find_matplotlib():
  """Matplotlib's Figure; called before the measurements too, so that no time is lost on curves that cannot be drawn.

  Raises:
    ValueError: Matplotlib is not installed; says how to install it.
  """
  try:
    from matplotlib.figure import Figure  # without pyplot: needs no display
  except ModuleNotFoundError:
    raise ValueError("curves are drawn by Matplotlib: pip install 'tf_imgtrans[plots]'") from None
  return Figure
