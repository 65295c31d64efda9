"""`tf-imgtrans reproduce feature_pyramid_pan`: Tables 1 and 2, and Figures 2, 4 and 5."""

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

FCN = [Column("pixel_accuracy", "per-pixel acc.", 3), Column("class_accuracy", "per-class acc.", 3),
       Column("class_iou", "class IoU", 3)]
DISTORTION = [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)]
# Methods of each figure, in the paper's order.
ABLATION = ("without_conditional", "without_low", "without_high", "full")
FIGURES = {"figure2": ("input", *ABLATION), "figure3": ("input", "without_high", "without_low", "full"),
           "figure4": ("input", "context_encoder_objective", "pix2pix_objective", "without_high", "without_low", "full"),
           "figure5": ("input", "cnn_objective", "pix2pix_objective", "crn", "full")}
SEEDS = 3
HELD_OUT = {"labels_to_photo": 0.25, "super_resolution": 0.1, "inpainting": 0.1}  # where the data have no test part


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
    self.task, self.held_out = task, HELD_OUT[task]

  def config(self, method):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline on its own network."""
    preset = self.options.preset
    config = find_recipe(self.paper).preset(preset, **VARIANTS.get(method, {}))
    if method not in VARIANTS:
      sizes = {"image_size": config.image_size, "load_size": config.load_size} if preset == "tiny" else {}
      config = find_recipe(method).preset(preset, **sizes)
    return self.completed(config, task=self.task, label_set=self.options.label_set)

  def training(self, method):
    """Training of a method."""
    config = self.config(method)
    return Training(self.paper if method in VARIANTS else method, config, f"{self.task}-{method}",
                    config.image_size)

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

  @functools.cached_property
  def segmenter(self):
    """The segmenter of the FCN score: the given one, or the one trained in OUT/runs/fcn8s-seedN."""
    from tf_imgtrans.baselines.segmentation.score import load_segmenter

    if self.options.segmenter:
      return load_segmenter(self.options.segmenter)
    config = find_recipe("fcn8s").preset(self.options.preset, label_set=self.options.label_set)
    config = dataclasses.replace(config, iterations=self.options.steps or config.iterations)
    return load_segmenter(self.train(Training("fcn8s", config, "fcn8s"), self.options.seed) / "generator.keras")

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
    return self.apply(self.training(name), seed)

  def distortion(self, method, seed):
    """PSNR and SSIM on whole images, RGB: dict of values."""
    return score(self.images, self.method(method, seed), self.kept(method, seed))

  def fcn(self, method, seed):
    """The FCN score: dict of values."""
    from tf_imgtrans.baselines.segmentation.score import fcn_scores
    from tf_imgtrans.data.labels import LABEL_SETS

    made = [output.clip(0.0, 1.0) for _, output in
            outputs(self.images, self.method(method, seed), self.kept(method, seed))]
    return fcn_scores(self.segmenter, made, self.labels, len(LABEL_SETS[self.options.label_set]))


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: FCN scores of photographs made from label maps, with and without the parts of the objective.

  The segmenter is that of --segmenter, or one that is trained on the data first. The first row measures the photographs
  themselves. Writes OUT/table1, with the panel of Figure 2.

  Example: tf-imgtrans reproduce feature_pyramid_pan table1 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}

  Args:
    seeds: training runs of each variant.
  """
  bench = Translation(options, "labels_to_photo", "table1", seeds)
  rows = [bench.row("target", "photographs themselves", functools.partial(bench.fcn, "target")),
          *(_row(bench, bench.fcn, method, published.TABLE1) for method in ABLATION)]
  return _report(bench, "Table 1: FCN scores, labels to photo", FCN, rows, "figure2", {
      "segmentation network": options.segmenter.name if options.segmenter else "FCN-8s trained on the same data",
      "label set": options.label_set})


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: x4 super-resolution with one of the two pyramids, and with both, beside bicubic enlargement.

  Writes OUT/table2, with a panel.

  Example: tf-imgtrans reproduce feature_pyramid_pan table2 --data coco --preset small --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each variant.
  """
  bench = Translation(options, "super_resolution", "table2", seeds)
  rows = [_row(bench, bench.distortion, method, published.TABLE2) for method in FIGURES["figure3"]]
  rows[0] = dataclasses.replace(rows[0], title="bicubic")
  return _report(bench, "Table 2: x4 super-resolution", DISTORTION, rows, "figure3")


def figure2(options: Options):
  """Draw Figure 2: photographs made from label maps, by the variants of Table 1, whose networks it shares.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure2 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}
  """
  return _figure(options, "figure2", "Figure 2: labels to photo, ablation", "labels_to_photo")


def figure4(options: Options):
  """Draw Figure 4: inpainting of a central square by other objectives on the same network, and by ours.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure4 --data celeba --preset small --out reproduced

  The data folder:
    {photographs}
  """
  return _figure(options, "figure4", "Figure 4: inpainting", "inpainting")


def figure5(options: Options):
  """Draw Figure 5: photographs made from label maps, by CNN, pix2pix, CRN and ours.

  CNN and pix2pix are objectives on the paper's network, CRN has its own.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure5 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}
  """
  return _figure(options, "figure5", "Figure 5: labels to photo, other methods", "labels_to_photo")


def _figure(options, name, title, task):
  bench = Translation(options, task, name)
  return _report(bench, title, DISTORTION, [_row(bench, bench.distortion, method, {}) for method in FIGURES[name]], name)


def _row(bench, score, method, values):
  return bench.row(method, published.TITLES[method], functools.partial(score, method),
                   None if method == "input" else bench.training(method), published=values.get(method, {}))


def _report(bench, title, columns, rows, figure, protocol=None):
  headers = {**{method: published.TITLES[method] for method in FIGURES[figure]}, "target": "target"}
  return bench.report(title, columns, rows, {
      **bench.protocol(), **(protocol or {}), "measured on": "whole images, RGB, unrounded"},
      published.STATEMENTS.get(bench.table, []), after=lambda results: bench.draw(figure, headers, bench.images, results))
