"""`tf-imgtrans reproduce x_gans`: Table 1 and Figures 10 to 12; compression is in compression.py."""

import dataclasses
import functools
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.baselines.on_demand.config import COMPARISON
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.tables.bench import Bench, Images, Item, Training, score
from tf_imgtrans.tables.curves import draw_curves, find_matplotlib
from tf_imgtrans.tables.options import ReproduceOptions
from tf_imgtrans.tables.published import x_gans as published
from tf_imgtrans.tables.published.x_gans import Key
from tf_imgtrans.tables.table import Column
from tf_imgtrans.tables.x_gans_panels import draw_blocks, draw_noise, draw_points

PSNR, SSIM = Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)
SEEDS = 3
LOSSES = {"": {}, "l2": {"point_norm": "l2"}, "l1": {"point_norm": "l1"}, "none": {"weight_point": 0.0}}  # Fig. 12
# What the presets of the tables change in X-GANs' own preset of that name, and in on-demand learning.
# small: what two processor cores train in a minute or two.
CHANGES = {"small": {"base_channels": 24, "residual_blocks": 3, "discriminator_channels": 24, "batch_size": 8,
                     "learning_rate": 5e-4}}
ON_DEMAND_CHANGES = {
    "small": {"image_size": 64, "base_channels": 32, "batch_size": 20, "learning_rate": 5e-4, "adaptation_images": 20,
              "adapt_every": 40},
    "tiny": {"image_size": 32, "base_channels": 4, "batch_size": 10, "adaptation_images": 3, "adapt_every": 2,
             "iterations": 4}}
# Networks by corruption, each of which --models may give.
TRAINED = [Key("random_points", "x_gans"), Key("random_points", "on_demand"), Key("random_points", "x_gans", loss="l1"),
           Key("random_points", "x_gans", loss="none"), Key("edge_points", "x_gans"),
           *(Key(corruption, method) for corruption in ("color_noise", "white_block", "color_blocks")
             for method in ("x_gans", "on_demand")),
           *(Key(corruption, method, data="scenes") for corruption in ("random_points", "color_noise")
             for method in ("x_gans", "on_demand"))]


@dataclasses.dataclass(frozen=True)
class ReconstructionOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # photographs, in the folder or below it: the paper's faces are CelebA's
  # photographs of scenes, whose networks and rows stand beside those of --data in Figures 10 and 11; the paper: SUN397
  scenes: pathlib.Path | None = None
  patches: pathlib.Path | None = None  # folder of images that colour blocks are cut from; the paper: SUN397
  # NAME=MODEL: networks of your own, such as random_points-x_gans=runs/points64 (corruption-method). Nothing is trained
  # then, and the rows of other networks are left out.
  models: tuple[str, ...] = ()


Options = Annotated[ReconstructionOptions, tyro.conf.arg(name="")]


class Reconstruction(Bench):
  """Images and networks of a table of reconstruction."""

  paper = "x_gans"
  most = {"paper": 500, "small": 60, "tiny": 4}  # Sec. 4
  steps = {"small": 600}
  names = tuple(key.run for key in TRAINED)

  @functools.cached_property
  def sets(self):
    """Where the photographs lie: dict of `Key.data` to Path."""
    return {"": self.options.data, **({"scenes": self.options.scenes} if self.options.scenes else {})}

  @functools.cached_property
  def folders(self):
    """The photographs: dict of `Key.data` to data.folders.Folder."""
    from tf_imgtrans.data.folders import read_photographs

    return {name: read_photographs(path, self.held_out) for name, path in self.sets.items()}

  @functools.cached_property
  def paths(self):
    """Held-out images that are measured: dict of `Key.data` to list of Path."""
    return {name: self.test_part(folder, self.sets[name]) for name, folder in self.folders.items()}

  @functools.cached_property
  def patches(self):
    """The images that blocks are cut from, decoded once: ImageStore."""
    from tf_imgtrans.papers.x_gans.data import patch_store

    self._check_patches("color_blocks")
    return patch_store(self.config(Key("color_blocks", "x_gans")))

  def config(self, key):
    """How the network of a row is trained; None for a method without one."""
    preset = self.options.preset
    if key.method not in ("on_demand", "x_gans"):
      return None
    patches = str(self.options.patches or "") if key.corruption == "color_blocks" else ""
    ours = find_recipe("x_gans").preset(preset, **CHANGES.get(preset, {}))
    ours = dataclasses.replace(ours, **LOSSES[key.loss])
    ours = self.completed(ours, corruption=key.corruption, patches=patches)
    if key.method == "x_gans":
      return ours
    theirs = dataclasses.replace(COMPARISON, **ON_DEMAND_CHANGES.get(preset, {}))
    # As many images, and mirrored as ours are.
    steps = max(ours.iterations * ours.batch_size // theirs.batch_size, 1)
    return dataclasses.replace(theirs, corruption=key.corruption, patches=patches, flip=ours.flip, iterations=steps)

  def training(self, key):
    """Training of the network of a row; None for a method without one."""
    config = self.config(key)
    recipe = "x_gans" if key.method == "x_gans" else "on_demand"
    return config and Training(recipe, config, key.run, config.image_size, self.sets[key.data])

  def left_out(self, key):
    """Whether a row is left out, as its network is none of the given ones."""
    return bool(self.models) and self.config(key) is not None and key.run not in self.models

  def method(self, key, seed):
    """A row's method as a function of an Item."""
    from tf_imgtrans.baselines import classical

    if key.method == "input":
      return lambda item: item.source
    if key.method == "classical":
      fill = classical.interpolate if key.corruption.endswith("points") else classical.inpaint
      return lambda item: fill(item.source, item.mask)
    return self.apply(self.training(key), seed)

  def summary(self, training, folder):
    """As of `Bench`."""
    from tf_imgtrans.papers.x_gans.data import data_summary

    self._check_patches(training.config.corruption)
    images = next(self.folders[name] for name, path in self.sets.items() if path == training.data)
    return data_summary(training.config, images.without_held_out(self.tuning))

  def images(self, key):
    """Test images with the corruption of a row; blocks lie in the middle and have the largest size: Images."""
    from tf_imgtrans.papers.x_gans.data import held_out

    patches, paths = self.patches if key.corruption == "color_blocks" else None, self.paths[key.data]
    config = self.config(Key(key.corruption, "x_gans"))
    config = dataclasses.replace(config, tile_size=(config.tile_size[1],) * 2)
    return Images([path.stem for path in paths], lambda: (
        Item(name, source, target, mask)
        for name, source, mask, target in held_out(config, paths, patches, key.share, centered=True)))

  def score(self, key, seed):
    """PSNR and SSIM of a row: dict of values."""
    return score(self.images(key), self.method(key, seed), self.kept(key, seed))

  def protocol(self, keys):
    """How every row is measured."""
    from tf_imgtrans.data.pairs import digest

    found = {"preset": self.options.preset}
    for name in dict.fromkeys(key.data for key in keys):
      paths, end = self.paths[name], f" of {name}" if name else ""
      found.update({f"images{end}": self.described(paths, self.sets[name]), f"digest{end}": digest(paths)})
    return found

  def _check_patches(self, corruption):
    if corruption == "color_blocks" and self.options.patches is None:
      raise ValueError("cluttered blocks are cut from other images: give their folder with --patches")


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: a white and a cluttered block in the middle, half as wide as the image.

  X-GANs and on-demand learning are trained on the data under the preset; inpainting without learning is measured beside
  them. Colour blocks are cut from the images of --patches. Writes OUT/table1, with Figures 7 and 8. Called again, it goes
  on.

  Example: tf-imgtrans reproduce x_gans table1 --data celeba --patches sun397 --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  bench = Reconstruction(options, "table1", seeds)
  keys = [Key(block, method) for block in published.BLOCKS for method in published.TITLES]
  return _report(bench, "Table 1: blocks in the middle of faces", keys, lambda key: published.BLOCKS[key.corruption],
                 functools.partial(draw_blocks, bench))


def figure10(options: Options, seeds: int = SEEDS):
  """Measure Figure 10: reconstruction from 1 to 20 % of the pixels, at random places and near edges.

  Linear interpolation between the points is measured beside the trained methods. Writes OUT/figure10, with the curves,
  Figure 4 and Figure 9. With --scenes, X-GANs trained on these are measured on them too (Sec. 5.1).

  Example: tf-imgtrans reproduce x_gans figure10 --data celeba --scenes sun397 --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  keys = [key for share in published.POINT_SHARES
          for key in (*(Key("random_points", method, share) for method in published.TITLES),
                      Key("edge_points", "x_gans", share),
                      *(Key("random_points", method, share, data="scenes")
                        for method in published.TITLES if options.scenes))]
  return _figure(options, seeds, "figure10", "Figure 10: reconstruction from points", keys, "known pixels (%)", draw_points)


def figure11(options: Options, seeds: int = SEEDS):
  """Measure Figure 11: reconstruction from 85 to 95 % of colour noise.

  Writes OUT/figure11, with the curves, and Figure 5; with --scenes, which are trained on and measured alike, Figure 6.

  Example: tf-imgtrans reproduce x_gans figure11 --data celeba --scenes sun397 --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  keys = [Key("color_noise", method, share, data=data) for share in published.NOISE_SHARES
          for data in ("", *["scenes"] * bool(options.scenes)) for method in ("input", "on_demand", "x_gans")]
  return _figure(options, seeds, "figure11", "Figure 11: reconstruction from colour noise", keys, "valid pixels (%)",
                 draw_noise)


def figure12(options: Options, seeds: int = SEEDS):
  """Measure Figure 12: X-GANs with the corresponding point loss as L2, as L1, and without it.

  Writes OUT/figure12, with the curves.

  Example: tf-imgtrans reproduce x_gans figure12 --data celeba --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each loss.
  """
  keys = [Key("random_points", "x_gans", share, loss) for share in published.POINT_SHARES for loss in published.LOSSES]
  return _figure(options, seeds, "figure12", "Figure 12: corresponding point loss", keys, "known pixels (%)")


def _figure(options, seeds, name, title, keys, xlabel, panels=lambda bench, results: None):
  find_matplotlib()
  bench = Reconstruction(options, name, seeds)

  def draw(results):
    draw_curves(bench.out / f"{name}.png", _curves(results), xlabel, "PSNR (dB)")
    panels(bench, results)

  return _report(bench, title, keys, _group, draw)


def _group(key):
  return f"{key.share:.0%} {'valid pixels' if key.corruption == 'color_noise' else 'of the pixels'}"


def _report(bench, title, keys, group, after=lambda results: ()):
  rows = [bench.row(key, _title(key), functools.partial(bench.score, key), bench.training(key), group=group(key),
                    published=published.TABLE1.get(key, {})) for key in keys if not bench.left_out(key)]
  return bench.report(title, [PSNR, SSIM], rows, {
      **bench.protocol(keys), "corruption": "one seed for each image",
      "measured on": "whole images, RGB, unrounded; kept pixels are not copied back"},
      published.STATEMENTS[bench.table], after=after)


def _title(key):
  title = published.LOSSES[key.loss] if key.loss else published.TITLES[key.method]
  return title + ", edge points" * (key.corruption == "edge_points") + f", {key.data}" * bool(key.data)


def _curves(results):
  """dict of title to list of (percent, mean, spread) of PSNR."""
  lines = {}
  for result in results:
    if (mean := result.mean("psnr")) is not None:
      lines.setdefault(result.row.title, []).append((100 * result.row.key.share, mean, result.spread("psnr")))
  return lines
