"""`tf-imgtrans reproduce progressive_pan`: Tables 1 and 2, and Figures 1, 5 and 9."""

import dataclasses
import functools
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.core.config import PositiveCount, Seed
from tf_imgtrans.papers.progressive_pan.config import VARIANTS
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.tables.bench import Bench, Images, Item, Training, each_image, outputs
from tf_imgtrans.tables.curves import draw_curves, find_matplotlib
from tf_imgtrans.tables.options import ReproduceOptions
from tf_imgtrans.tables.published import progressive_pan as published
from tf_imgtrans.tables.published.progressive_pan import Key
from tf_imgtrans.tables.runs import find
from tf_imgtrans.tables.statements import value
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure

TABLE1 = ("bicubic", "esrgan", "carn", "rcan", "full")
TABLE2 = ("bicubic", "l1", "l2", "non_progressive", "non_noise", "full")
CAVEAT = "the paper's are of CelebA-HQ at its sizes, after training on FFHQ"
SEEDS = 3
EXTRACTORS = ("*inception_v3*.h5", "squeezenet*.h5")  # files of --weights, the first that is there
CHANGES = {"tiny": {"output_size": 32}}  # of the paper's configuration by preset: Table 1 enlarges 4 times


@dataclasses.dataclass(frozen=True)
class SuperResolutionOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # aligned images, or a folder of tf-imgtrans data pack
  images: PositiveCount | None = None  # that PAN sees of each size in its fade, and after it; for the others, use --steps
  # InceptionV3 (FID), SqueezeNet or another extractor; else one of --weights; without any no such column
  feature_weights: pathlib.Path | None = None


Options = Annotated[SuperResolutionOptions, tyro.conf.arg(name="")]


class SuperResolution(Bench):
  """Images and networks of a table of super-resolution.

  Args:
    options: SuperResolutionOptions.
    table: str.
    seeds: int.
    scale: int, how many times as high and wide the measured images are as the inputs; None for as many as the paper's
      network makes them. Of a network that makes them more, blocks of pixels are averaged (Sec. 5.2).
    baselines: bool, whether the table has networks that take no packed images.
    **sizes: fields of the paper's Config that the table changes for all methods.
  """

  paper = "progressive_pan"
  most = {"paper": 5000, "small": 200, "tiny": 4}  # Sec. 5.2

  def __init__(self, options, table, seeds=1, scale=None, baselines=False, **sizes):
    super().__init__(options, table, seeds)
    if baselines and (options.data / "index.json").is_file():
      raise ValueError(f"{options.data} holds packed images, which ESRGAN, CARN and RCAN cannot be trained on: give the "
                       "folder that they were made of")
    self.features = options.feature_weights or find(self.weights, *EXTRACTORS)
    if options.images:
      sizes |= {"stable": options.images, "fade": options.images}
    self.base = find_recipe(self.paper).preset(options.preset, **{**CHANGES.get(options.preset, {}), **sizes})
    self.scale = scale or self.base.scale

  @functools.cached_property
  def data(self):
    """Images of the data folder, in their two parts."""
    from tf_imgtrans.papers.progressive_pan.data import find

    return find(self.options.data, self.held_out)

  def summary(self, training, folder):
    """As of `Bench`."""
    return self.data.without_held_out(self.tuning).summary

  def size(self, key):
    """Height and width of the measured images of a row."""
    return self.base.input_size * (key.scale or self.scale)

  def images(self, size):
    """Test images with targets of a size: Images."""
    from tf_imgtrans.data.degradations import area
    from tf_imgtrans.papers.progressive_pan.data import held_out

    numbers = self.test_part(self.data)
    return Images([self.data.names[number] for number in numbers], lambda: (
        Item(name, source, area(target, self.base.output_size // size).numpy())
        for name, source, target in held_out(self.base, self.data, len(numbers))))

  def config(self, key):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline; None for bicubic."""
    if key.method == "bicubic":
      return None
    if key.method in VARIANTS:
      changes = VARIANTS[key.method] if key.skips is None else {"skips": key.skips}
      return dataclasses.replace(self.base, **changes)
    config, size = find_recipe(key.method).preset(self.options.preset), self.size(key)
    return self.completed(config, scale=size // self.base.input_size, image_size=size,
                          patch_size=min(size, config.patch_size), low_resolution=self.base.low_resolution)

  def training(self, key):
    """Training of a row; one of the paper's model gives all scales, as it was at the end of each size."""
    config = self.config(key)
    if config is None:
      return None
    ours = key.method in VARIANTS
    output = config.output_size if ours else config.image_size
    stage = f"_x{key.scale}" if ours and key.scale and key.scale < self.base.scale else ""
    return Training(self.paper if ours else key.method, config,
                    f"{key.variant}-{self.base.input_size}to{output}", self.base.input_size, f"generator{stage}.keras")

  def method(self, key, seed):
    """A method as a function of an Item."""
    from tf_imgtrans.data.degradations import area, enlarge

    size = self.size(key)
    if key.method == "bicubic":
      return lambda item: enlarge(item.source, size // self.base.input_size).numpy()
    return self.apply(self.training(key), seed, lambda output: area(output, output.shape[0] // size).numpy())

  def score(self, key, seed):
    """Scores of a row's outputs: dict of values."""
    from tf_imgtrans.metrics.scoring import Scores
    from tf_imgtrans.metrics.set_scoring import SetScores

    method, scores, images = self.method(key, seed), Scores(("psnr", "ssim", "niqe")), self.images(self.size(key))
    names = (*(["frechet"] if self.features else []), "sliced_wasserstein")
    with SetScores(names, len(images), self.features, self.options.out / "features") as sets:
      for item, output in outputs(images, method, self.kept(key, seed)):
        scores.add(item.target, output)
        sets.add(item.name, item.target, output, item.source)
      return {**scores.means(), **_set_values(sets.rows()), "images": len(images),
              "each": each_image(scores, images.names)}

  def columns(self, levels):
    """Columns of a table, the two finest levels of SWD named as given."""
    return [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4), Column("niqe", "NIQE", 2),
            *([Column("fid", "FID", 2), Column("frechet", "Fréchet distance", 2)] if self.features else []),
            *(Column(name, f"SWD x1000 {level}", 2) for name, level in zip(("swd_fine", "swd_half"), levels)),
            Column("swd_average", "SWD x1000 mean", 2)]

  def protocol(self, scales):
    """How every row is measured."""
    sizes = " and ".join(str(self.base.input_size * scale) for scale in scales)
    return {"images": self.described(self.test_part(self.data)), "data": self.data.summary,
            "input": f"{self.base.input_size} pixels, by area", "output": f"{sizes} pixels",
            "preset": self.options.preset, "feature weights": self.features.name if self.features else "none"}


def _set_values(rows):
  """The columns of `SetScores.rows`: SWD of the two finest levels, and the distance of features by what it is called."""
  values = {}
  for name, row in rows.items():
    if name == "sliced_wasserstein":
      values |= dict(zip(("swd_fine", "swd_half"), row["output"]["levels"].values()))  # of 16 pixels there is one level
      values["swd_average"] = row["output"]["value"]
    else:
      values |= {"frechet": row["output"]["value"], "features": row["protocol"]}
      if row["extractor"] == "inception_v3":  # of another network it is never called FID
        values["fid"] = row["output"]["value"]
  return values


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
  bench = SuperResolution(options, "table1", seeds, scale=4, baselines=True)
  rows = [_row(bench, Key(method), published.TABLE1.get(method)) for method in TABLE1]
  return _report(bench, "Table 1: x4 super-resolution", rows, "figure4")


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: the paper's network with a distance in the place of the GAN, all at once, and without noise.

  Writes OUT/table2, with a panel. Bicubic enlargement is measured beside them.

  Example: tf-imgtrans reproduce progressive_pan table2 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}

  Args:
    seeds: training runs of each variant.
  """
  bench = SuperResolution(options, "table2", seeds)
  rows = [_row(bench, Key(method), published.TABLE2.get(method)) for method in TABLE2]
  return _report(bench, f"Table 2: x{bench.scale} super-resolution, ablation", rows, "figure6_7_8")


def figure5(options: Options):
  """Measure Figure 5: PAN and RCAN at x2, x4 and x8, images and the distance of features.

  One training of PAN gives all three scales: its generator is kept at the end of each size. Under the small preset from 8
  pixels to 16, 32 and 64. Writes OUT/figure5, with a panel of each scale and the curves.

  Example: tf-imgtrans reproduce progressive_pan figure5 --data faces --feature_weights squeezenet.h5 --out reproduced

  The data folder:
    {aligned}
  """
  find_matplotlib()
  sizes = {} if options.preset == "paper" else {"input_size": 8, "output_size": 64}
  bench = SuperResolution(options, "figure5", scale=8, baselines=True, **sizes)
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


def figure9(options: Options):
  """Draw Figure 9: x2 super-resolution with all skip connections, and with fewer and fewer of them, the coarsest last.

  Writes OUT/figure9.

  Example: tf-imgtrans reproduce progressive_pan figure9 --data faces --out reproduced

  The data folder:
    {aligned}
  """
  input_size = 128 if options.preset == "paper" else 16
  bench = SuperResolution(options, "figure9", input_size=input_size, output_size=2 * input_size)
  kept = range(bench.base.connections, -1, -1)
  rows = [_row(bench, Key("full", skips=number), title=f"{number} skips") for number in kept]
  return _report(bench, "Figure 9: skip connections, x2", rows, "figure9")


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

  def ratio(dimensions, _):
    (_, mean, deviation), = experiment([dimensions], published.POINTS, seed)
    return {"mean": mean, "deviation": deviation}

  rows = [Row(f"dimensions_{number}", f"{number} dimensions", functools.partial(ratio, number), seeds=(seed,))
          for number in published.DIMENSIONS]
  table = Table("progressive_pan", "figure1", "Figure 1: curse of dimensionality", [
      Column("mean", "mean of the ratio", 4), Column("deviation", "standard deviation", 4)], rows,
      {"points": published.POINTS, "neighbours": 6, "distribution": "uniform", "seed": seed})
  results = measure(table, folder)
  points = [(number, result.mean("mean"), result.mean("deviation")) for number, result in zip(published.DIMENSIONS, results)
            if number > 1]  # in one dimension two of 500 points nearly meet, and the mean says nothing
  draw_curves(folder / "figure1.png", {"distance ratio": points}, "dimensions", "(max - min) / min", log=True)
  return finish(table, results, folder)


def _row(bench, key, values=None, title=None, group=""):
  return bench.row(key, title or published.TITLES[key.method], functools.partial(bench.score, key), bench.training(key),
                   published=values or {}, caveat=CAVEAT if values else "", group=group)


def _report(bench, title, rows, figure):
  size = bench.base.input_size * bench.scale

  def after(results):
    _draw(bench, figure, {row.key: row.title for row in rows}, size, results)
    described = {record.get("features") for result in results for record in result.records} - {None}
    return [f"Fréchet distance: {text}" for text in sorted(described)]

  return bench.report(title, bench.columns((size, size // 2)), rows, bench.protocol([bench.scale]),
                      published.STATEMENTS.get(bench.table, []), after=after)


def _draw(bench, name, headers, size, results):
  bench.draw(name, {"input": "input", **headers, "target": "target"}, bench.images(size), results)
