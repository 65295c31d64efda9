"""`tf-imgtrans evaluate`: a model measured on its own task, or on another one."""

import json as json_module
import pathlib
from typing import Literal

from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.recipes import RECIPES

LEFT_OUT = {"infinite": "equal to their targets", "flat": "too flat for it"}
MetricName = Literal["psnr", "ssim", "ms_ssim", "ms_ssim_dped", "niqe", "sharpness", "fid", "frechet",
                     "sliced_wasserstein", "pixel_accuracy", "class_accuracy", "class_iou"]
TaskName = Literal[("pairs", "photographs", *RECIPES)]


def evaluate(model: str, data: pathlib.Path | None = None, task: TaskName | None = None, settings: tuple[str, ...] = (),
             metrics: tuple[MetricName, ...] | None = None, json: pathlib.Path | None = None,
             per_image: pathlib.Path | None = None, split: Literal["auto", "all", "training", "validation"] = "auto",
             validation_share: float | None = None, phone: Literal["iphone", "blackberry", "sony"] | None = None,
             source: str | None = None, target: str | None = None, niqe_params: pathlib.Path | None = None,
             feature_weights: pathlib.Path | None = None, feature_cache: pathlib.Path | None = None):
  """Measure a model: a table of every metric for the inputs and for the model's outputs.

  A run folder is measured on its own task and on the images that it held out, as in its last validation. A model file knows
  the task that it was trained for; --data names the images then. Another task is measured where --task names it, and the
  result says so: pairs, two paired folders as they are; photographs, images without targets, on which NIQE alone is
  measured; or the name of a recipe, with --settings of its configuration, such as corruption=white_block.

  fid, frechet and sliced_wasserstein compare the set of outputs with the set of targets; all images have one size then.

  Example: tf-imgtrans evaluate --model runs/iphone --metrics psnr ms_ssim_dped

  The data folder is that of tf-imgtrans train, for the task. Of photo enhancement:
    {pairs}
    {clean}

  Args:
    model: run folder, .keras file, exported file or folder, or a name in saved_models/.
    data: data folder; of a run folder its own.
    task: another task than the model's own.
    settings: NAME=VALUE, fields of the task's configuration that differ from the model's, or from the paper's.
    metrics: what to measure; else the task's own metrics.
    json: file for all numbers, image by image, with the protocol of each.
    per_image: .csv file for the values of each image.
    split: which part of the data; auto is the part that is held out, where the data have one or the model's run was
      trained on them, and everything elsewhere.
    validation_share: share held out in training, for --split training or validation.
    phone: of a DPED tree that holds several.
    source: name of the source folder, where it cannot be inferred.
    target: name of the target folder.
    niqe_params: .npz of another pristine model for NIQE.
    feature_weights: network of fid and frechet: an .h5 of SqueezeNet v1.1 or InceptionV3, or a .keras model that gives
      features; without it fid lets Keras download InceptionV3. A distance by another network than InceptionV3 is no FID,
      and is reported as frechet_<network>.
    feature_cache: folder where features are kept, so that those of the targets are computed once.
  """
  from tf_imgtrans.metrics.natural_image_quality import read_pristine
  from tf_imgtrans.metrics.set_scoring import check_feature_options

  if niqe_params:
    read_pristine(niqe_params)
  check_feature_options(metrics or (), feature_weights)
  start_tensorflow()
  from tf_imgtrans.core.files import write_json, write_text
  from tf_imgtrans.evaluation import evaluate as measure

  options = {"validation_share": validation_share, "phone": phone, "source": source, "target": target}
  report = measure(model, data, task, _settings(settings), metrics, split, niqe_params, feature_weights, feature_cache,
                   **options)
  _show(report)
  if json:
    write_json(json, report)
    print(f"wrote {json}")
  if per_image:
    write_text(per_image, _table_of_images(report))
    print(f"wrote {per_image}")
  return 0


def _settings(texts):
  """NAME=VALUE as a dict; values are JSON, or words."""
  found = {}
  for text in texts:
    name, separator, value = text.partition("=")
    if not separator:
      raise ValueError(f"settings {text!r}: expected NAME=VALUE, such as corruption=white_block")
    try:
      found[name] = json_module.loads(value)
    except json_module.JSONDecodeError:
      found[name] = value
  return found


def _show(report):
  """Prints the table, and under it how each metric was measured."""
  from rich.console import Console
  from rich.table import Table

  from tf_imgtrans.metrics.set_scoring import table_lines

  table = Table("metric", "input", "output", "better")
  notes = []
  for name, row in report["metrics"].items():
    of_set = "value" in row["output"]
    lines = table_lines(name, row) if of_set else [(name, row["input"]["mean"], row["output"]["mean"])]
    for label, *values in lines:
      table.add_row(f"{label} {row['unit']}".strip(), *map(_cell, values), "higher" if row["higher_is_better"] else "lower")
    notes.append(f"{name}: {row['protocol']}")
    if "note" in row:
      notes.append(f"{name}: {row['note']}")
    notes += [f"{name}: {row[which][count]} {which} images {why} are left out of the mean"
              for which in ("input", "output") for count, why in LEFT_OUT.items() if row[which].get(count)]
  console = Console(soft_wrap=True, highlight=False)
  part = {"all": "", "validation": ", the held-out part", "training": ", the training part"}[report["split"]]
  console.print(f"{report['model']} on {len(report['images'])} images of {report['data']}{part}")
  console.print(f"task: {_task_line(report)}")
  console.print(table)
  console.print("\n".join(notes))


def _task_line(report):
  """The task, and whether it is the model's own."""
  settings = {name: value for name, value in report["task"].items() if name not in ("name", "own")}
  shown = "; ".join(f"{name} {value}" for name, value in settings.items() if not isinstance(value, dict) and value != "")
  whose = "the model's own" if report["task"]["own"] else (
      f"not the model's own, which was trained as {report['own_task']}" if report["own_task"] else "named by the call")
  return f"{report['task']['name']} ({whose})" + (f": {shown}" if shown else "")


def _table_of_images(report):
  """CSV: a line for each image, with the values of inputs and outputs of the metrics that have one for each."""
  rows = {(name, which): row[which]["values"] for name, row in report["metrics"].items() for which in ("input", "output")
          if len(row[which].get("values", ())) == len(report["images"])}
  lines = [["image", *(f"{name}_{which}" for name, which in rows)]]
  lines += [[image, *(str(values[number]) for values in rows.values())] for number, image in enumerate(report["images"])]
  return "".join(",".join(f'"{cell}"' if "," in cell else cell for cell in line) + "\n" for line in lines)


def _cell(value):
  return "-" if value is None else f"{value:.4f}"
