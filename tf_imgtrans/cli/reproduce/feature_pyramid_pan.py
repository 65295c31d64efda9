"""`tf-imgtrans reproduce feature_pyramid_pan`: Tables 1 and 2, and Figures 2, 4 and 5."""

import dataclasses
import functools

from tf_imgtrans.cli.reproduce.figures import draw
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, check_count, finish, measure
from tf_imgtrans.cli.reproduce.statements import TRANSLATION, check
from tf_imgtrans.cli.reproduce.translation import SEEDS, Bench, Options
from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.papers.feature_pyramid_pan import published

FCN = [Column("pixel_accuracy", "per-pixel acc.", 3), Column("class_accuracy", "per-class acc.", 3),
       Column("class_iou", "class IoU", 3)]
DISTORTION = [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4)]
# Methods of each table and figure, in the paper's order.
ABLATION = ("without_conditional", "without_low", "without_high", "full")
FIGURES = {"figure2": ("input", *ABLATION),
           "figure4": ("input", "context_encoder_objective", "pix2pix_objective", "without_high", "without_low", "full"),
           "figure5": ("input", "cnn_objective", "pix2pix_objective", "crn", "full")}


def table1(options: Options, seeds: int = SEEDS):
  """Measure Table 1: FCN scores of photographs made from label maps, with and without the parts of the objective.

  The segmenter of --segmenter judges, or one that is trained on the data first. The photographs themselves stand in the
  first row. Writes OUT/table1, with the panel of Figure 2.

  Example: tf-imgtrans reproduce feature_pyramid_pan table1 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}

  Args:
    seeds: training runs of each variant.
  """
  bench = _start(options, "labels_to_photo", "table1", seeds)
  rows = [Row("target", "photographs themselves", lambda seed: bench.fcn("target", seed))]
  rows += [_row(bench, bench.fcn, method, seeds, published.TABLE1) for method in ABLATION]
  protocol = {"judge": options.segmenter.name if options.segmenter else "FCN-8s trained on the same data",
              "label set": options.label_set}
  return _report(bench, "table1", "Table 1: FCN scores, labels to photo", FCN, rows, protocol, "figure2")


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: x4 super-resolution with one of the two pyramids, and with both, beside bicubic enlargement.

  Writes OUT/table2, with a panel.

  Example: tf-imgtrans reproduce feature_pyramid_pan table2 --data coco --preset mini --out reproduced

  The data folder:
    {photographs}

  Args:
    seeds: training runs of each variant.
  """
  bench = _start(options, "super_resolution", "table2", seeds)
  methods = ("without_high", "without_low", "full")
  rows = [Row("input", "bicubic", lambda seed: bench.distortion("input", seed))]
  rows += [_row(bench, bench.distortion, method, seeds, published.TABLE2) for method in methods]
  return _report(bench, "table2", "Table 2: x4 super-resolution", DISTORTION, rows, {}, "figure3",
                 ("input", *methods))


def figure2(options: Options):
  """Draw Figure 2: photographs made from label maps, by the variants of Table 1, whose networks it shares.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure2 --data camvid --label_set camvid --out reproduced

  The data folder:
    {labels}
  """
  return _figure(options, "figure2", "Figure 2: labels to photo, ablation", "labels_to_photo")


def figure4(options: Options):
  """Draw Figure 4: inpainting of a central square by other objectives on the same network, and by ours.

  Example: tf-imgtrans reproduce feature_pyramid_pan figure4 --data celeba --preset mini --out reproduced

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
  bench = _start(options, task, name, 1)
  rows = [_row(bench, bench.distortion, method, 1, {}) for method in FIGURES[name]]
  return _report(bench, name, title, DISTORTION, rows, {}, name)


def _start(options, task, name, seeds):
  check_count("seeds", seeds)
  start_tensorflow()
  return Bench(options, task, options.out / name)


def _row(bench, score, method, seeds, values):
  """A row: a method, trained with each seed; the input itself has one."""
  first = bench.options.seed
  if method == "input":
    return Row("input", published.TITLES["input"], lambda seed: score("input", seed), seeds=(first,))
  return Row(method, published.TITLES[method], functools.partial(score, method), values.get(method, {}),
             seeds=tuple(range(first, first + seeds)), details={"config": dataclasses.asdict(bench.config(method))})


def _report(bench, name, title, columns, rows, protocol, figure, methods=None):
  table = Table("feature_pyramid_pan", name, title, columns, rows, {
      **bench.protocol(), **protocol, "measured on": "whole images, RGB, unrounded"})
  results = measure(table, bench.out)
  verdicts = check(results, TRANSLATION.get(name, ()))
  bench.outputs("input", bench.options.seed)
  headers = {method: published.TITLES[method] for method in methods or FIGURES[figure]}
  draw(bench.out / f"{figure}.png", headers, bench.out / "images", bench.shown(), results, "target")
  return finish(table, results, bench.out, verdicts)
