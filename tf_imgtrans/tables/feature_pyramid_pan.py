"""`tf-imgtrans reproduce feature_pyramid_pan`: Tables 1 and 2, and Figures 2, 4, 5, 7 and 9."""

import dataclasses
import functools
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.baselines.segmentation.config import Config as SegmenterConfig
from tf_imgtrans.papers.feature_pyramid_pan.config import VARIANTS
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.tables.bench import Bench, Images, Item, Training, outputs, score
from tf_imgtrans.tables.options import ReproduceOptions
from tf_imgtrans.tables.published import feature_pyramid_pan as published
from tf_imgtrans.tables.table import Column
from tf_imgtrans.tables.translation_naive import NAIVE

FCN = [Column("pixel_accuracy", "per-pixel acc.", 3), Column("class_accuracy", "per-class acc.", 3),
       Column("class_iou", "class IoU", 3)]
DISTORTION = [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4), Column("sharpness", "sharpness", 2)]
# Rows of each table, and methods of each figure in the paper's order, after the simplest ones. The CNN is trained by L1
# alone: where it is not better than these, the training was too short for the others, too.
TABLE1 = ("class_colors", "cnn_objective", "without_conditional", "without_low", "without_high", "full", "full_upsampled")
TABLE2 = ("input", "cnn_objective", "without_high_pyramid", "without_low", "full", "full_upsampled")
FIGURES = {"figure2": ("input", "without_conditional", "without_low", "without_high", "full"),
           "figure3": ("input", "without_high_pyramid", "without_low", "full"),
           "figure4": ("input", "inpainted", "cnn_objective", "context_encoder_objective", "pix2pix_objective",
                       "without_high_pyramid", "without_low", "full"),
           "figure5": ("input", "class_colors", "cnn_objective", "pix2pix_objective", "crn", "full"),
           "figure7": ("input", "cnn_objective", "drrn", "full"),
           "figure9": ("input", "median", "cnn_objective", "full")}
CAVEATS = {"labels_to_photo": "the paper's are of Cityscapes at 256x256, by another FCN-8s",
           "super_resolution": "the paper's are of COCO at 256x256"}
SEEDS = 3
HELD_OUT = {"labels_to_photo": 0.25}  # where the data have no test part; of other tasks Bench.held_out
# What makes other networks see as many images, mirrored alike, with as many parameters as ours has, 4.1 million.
CHANGES = {"small": {"crn": {"base_channels": 14, "batch_size": 8, "load_size": 72, "flip": True}}}


@dataclasses.dataclass(frozen=True)
class TranslationOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # labelled photographs, or photographs, as the table says
  label_set: Literal["cityscapes", "camvid"] = "cityscapes"  # of labelled photographs
  segmenter: pathlib.Path | None = None  # FCN-8s of the FCN score, a .keras file or a run; else one is trained on the data


Options = Annotated[TranslationOptions, tyro.conf.arg(name="")]


class Translation(Bench):
  """Images and networks of a table of translation.

  Args:
    options: TranslationOptions.
    task: str, of the paper's Config.
    table: str.
    seeds: int.
  """

  paper = "feature_pyramid_pan"
  most = {"paper": 500, "small": 60, "tiny": 4}  # Cityscapes' validation part has 500
  steps = {"small": 1000}

  def __init__(self, options, task, table, seeds=1):
    super().__init__(options, table, seeds)
    self.task, self.held_out = task, HELD_OUT.get(task, self.held_out)
    self.segmenters = {}  # of the FCN score, by seed

  def config(self, method):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline on its own network."""
    preset = self.options.preset
    config = find_recipe(self.paper).preset(preset, **VARIANTS.get(method, {}))
    if method not in VARIANTS:
      sizes = {"image_size": config.image_size, "load_size": config.load_size} if preset == "tiny" else {}
      config = find_recipe(method).preset(preset, **sizes, **CHANGES.get(preset, {}).get(method, {}))
    return self.completed(config, task=self.task, label_set=self.options.label_set)

  def training(self, method):
    """Training of a method; None for one that is not trained."""
    if method in NAIVE or method in ("input", "target"):
      return None
    config = self.config(method)
    return Training(self.paper if method in VARIANTS else method, config, f"{self.task}-{method}",
                    None if config.validation_size else config.image_size)

  @functools.cached_property
  def folder(self):
    """The images as the task takes them: data.folders.Folder."""
    from tf_imgtrans.papers.feature_pyramid_pan.data import DataFolder, find

    return find(self.config("full"), DataFolder(self.options.data, self.held_out))

  def summary(self, training, folder):
    """As of `Bench`; the segmenter may have been trained on any."""
    return None if isinstance(training.config, SegmenterConfig) else self.folder.without_held_out(self.tuning).summary()

  @functools.cached_property
  def images(self):
    """Test images, kept in memory: Images."""
    from tf_imgtrans.papers.feature_pyramid_pan.data import held_out

    count = len(self.test_part(self.folder))
    items = [Item(*each) for each in held_out(self.config("full"), self.folder, count)]
    return Images([item.name for item in items], lambda: items)

  @functools.cached_property
  def labels(self):
    """Class ids of the test images at their full size: list of uint8 [H, W]."""
    from tf_imgtrans.data.labels import read_labels

    return [read_labels(pair.source, self.options.label_set) for pair in self.test_part(self.folder)]

  def segmenter(self, seed):
    """The segmenter of the FCN score: the given one, or the one trained with a seed in OUT/runs/fcn8s-seedN."""
    from tf_imgtrans.baselines.segmentation.score import load_segmenter

    seed = 0 if self.options.segmenter else seed
    if seed not in self.segmenters:
      config = find_recipe("fcn8s").preset(self.options.preset, label_set=self.options.label_set)
      config = dataclasses.replace(config, iterations=self.options.steps or config.iterations)
      self.segmenters[seed] = load_segmenter(
          self.options.segmenter or self.train(Training("fcn8s", config, "fcn8s"), seed) / "generator.keras")
    return self.segmenters[seed]

  def protocol(self):
    """How every row is measured."""
    from tf_imgtrans.data.pairs import digest

    size = self.config("full").image_size
    return {"task": self.task, "images": self.described(self.images), "digest": digest(self.test_part(self.folder)),
            "size": f"{size}x{size} pixels, aspect ignored", "preset": self.options.preset}

  def method(self, name, seed):
    """A method as a function of an Item; "input" and "target" are these themselves."""
    if name in ("input", "target"):
      return lambda item: getattr(item, "source" if name == "input" else "target")
    if name in NAIVE:
      return NAIVE[name](self)
    return self.apply(self.training(name), seed)

  def distortion(self, method, seed):
    """PSNR, SSIM and sharpness of whole images: dict of values."""
    return score(self.images, self.method(method, seed), self.kept(method, seed), ("psnr", "ssim", "sharpness"))

  def fcn(self, method, seed):
    """The FCN score of a seed's outputs by the segmenter of that seed: dict of values."""
    from tf_imgtrans.baselines.segmentation.score import fcn_scores
    from tf_imgtrans.data.labels import LABEL_SETS

    made = [output.clip(0.0, 1.0) for _, output in
            outputs(self.images, self.method(method, seed), self.kept(method, seed))]
    return fcn_scores(self.segmenter(seed), made, self.labels, len(LABEL_SETS[self.options.label_set]))


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: FCN scores of photographs made from label maps, with and without the parts of the objective.

  The segmenter is that of --segmenter, or for each seed one that is trained on the data first, whose luck is then part of
  the spread. Photographs themselves, the mean colour of each class, the network trained by L1 alone, and the completed
  model with u(p_k) in the place of p_k are measured beside them. Without a test part, whole drives are held out, which the
  names begin with. Writes OUT/table1, with the panel of Figure 2.

  Example: tf-imgtrans reproduce feature_pyramid_pan table1 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}

  Args:
    seeds: training runs of each variant.
  """
  bench = Translation(options, "labels_to_photo", "table1", seeds)
  rows = [_row(bench, bench.fcn, method, published.TABLE1) for method in ("target", *TABLE1)]
  if not options.segmenter:  # as many as there are segmenters
    rows = [dataclasses.replace(row, seeds=bench.seeds) for row in rows]
  return _report(bench, "Table 1: FCN scores, labels to photo", FCN, rows, "figure2", {
      "segmentation network": (options.segmenter.name if options.segmenter else
                               "FCN-8s trained on the same data, one for each seed"),
      "label set": options.label_set})


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: x4 super-resolution with one of the two pyramids, and with both.

  Bicubic enlargement, the network trained by L1 alone, and the completed model with u(p_k) in the place of p_k are measured
  beside them. Writes OUT/table2, with a panel.

  Example: tf-imgtrans reproduce feature_pyramid_pan table2 --data coco --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each variant.
  """
  bench = Translation(options, "super_resolution", "table2", seeds)
  rows = [_row(bench, bench.distortion, method, published.TABLE2) for method in TABLE2]
  return _report(bench, "Table 2: x4 super-resolution", DISTORTION, rows, "figure3")


def figure2(options: Options, seeds: int = SEEDS):
  """Draw Figure 2: photographs made from label maps, by the variants of Table 1, whose networks it shares.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure2 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}

  Args:
    seeds: training runs of each method.
  """
  return _figure(options, seeds, "figure2", "Figure 2: labels to photo, ablation", "labels_to_photo")


def figure4(options: Options, seeds: int = SEEDS):
  """Draw Figure 4: inpainting of a central square by other objectives on the same network, and by ours.

  Telea's inpainting and the network trained by L1 alone are measured beside them.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure4 --data celeba --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  return _figure(options, seeds, "figure4", "Figure 4: inpainting", "inpainting")


def figure5(options: Options, seeds: int = SEEDS):
  """Draw Figure 5: photographs made from label maps, by CNN, pix2pix, CRN and ours.

  CNN and pix2pix are objectives on the paper's network, CRN has its own, with about as many parameters in the small preset.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure5 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}

  Args:
    seeds: training runs of each method.
  """
  return _figure(options, seeds, "figure5", "Figure 5: labels to photo, other methods", "labels_to_photo")


def figure7(options: Options, seeds: int = SEEDS):
  """Draw Figure 7: x4 super-resolution by DRRN, and by ours, whose networks are those of Table 2.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure7 --data bsds500 --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
  """
  return _figure(options, seeds, "figure7", "Figure 7: x4 super-resolution, DRRN", "super_resolution")


def figure9(options: Options, seeds: int = SEEDS, weather: Literal["rain", "snow"] = "rain"):
  """Draw Figure 9: photographs without their rain or snow.

  The median of 3x3 pixels and the network trained by L1 alone are measured beside the paper's. Photographs get drawn rain
  or snow; pairs with real one are taken as they are. Writes OUT/figure9_WEATHER.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure9 --weather snow --data photographs --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each method.
    weather: what is taken out.
  """
  return _figure(options, seeds, f"figure9_{weather}", f"Figure 9: without {weather}", f"de{weather}ing")


def _figure(options, seeds, name, title, task):
  bench = Translation(options, task, name, seeds)
  figure = name.split("_")[0]
  rows = [_row(bench, bench.distortion, method, {}) for method in FIGURES[figure]]
  return _report(bench, title, DISTORTION, rows, figure)


def _row(bench, score, method, values):
  published_here = values.get(method, {})
  return bench.row(method, _title(bench, method), functools.partial(score, method), bench.training(method),
                   published=published_here, caveat=CAVEATS[bench.task] if published_here else "")


def _title(bench, method):
  return "bicubic" if (bench.task, method) == ("super_resolution", "input") else published.TITLES[method]


def _report(bench, title, columns, rows, figure, protocol=None):
  headers = {**{method: _title(bench, method) for method in FIGURES[figure]}, "target": "target"}
  return bench.report(title, columns, rows, {
      **bench.protocol(), **(protocol or {}), "measured on": "whole images, RGB, unrounded"},
      published.STATEMENTS.get(figure if bench.table.startswith("figure") else bench.table, []),
      after=lambda results: bench.draw(figure, headers, bench.images, results))
