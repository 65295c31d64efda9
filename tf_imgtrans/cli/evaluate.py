"""`tf-imgtrans evaluate`: a model measured on pairs or photographs."""

import math
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.degraded import Degradation
from tf_imgtrans.cli.startup import start_tensorflow
from tf_imgtrans.core.files import read_json, write_json
from tf_imgtrans.core.images import read_image
from tf_imgtrans.metrics.set_scoring import SET_METRICS, check_feature_options, table_lines

SEARCHED = ("x_gans", "on_demand", "progressive_pan", "esrgan", "carn", "rcan")  # trained on photographs at any depth
LEFT_OUT = {"infinite": "equal to their targets", "flat": "too flat for it"}
MetricName = Literal["psnr", "ssim", "ms_ssim", "ms_ssim_dped", "niqe", "fid", "frechet", "sliced_wasserstein"]


def evaluate(model: str, data: pathlib.Path, metrics: tuple[MetricName, ...] = ("psnr", "ssim", "niqe"),
             json: pathlib.Path | None = None, split: Literal["auto", "all", "training", "validation"] = "auto",
             validation_share: float = 0.1, phone: Literal["iphone", "blackberry", "sony"] | None = None,
             source: str | None = None, target: str | None = None,
             degrade: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, image_size: int | None = None,
             shrink: Literal["bicubic", "area"] | None = None, niqe_params: pathlib.Path | None = None,
             feature_weights: pathlib.Path | None = None, feature_cache: pathlib.Path | None = None):
  """Measure a model: a table of every metric for the inputs and for the model's outputs.

  Photographs alone have no target, so only NIQE is measured on them; with --degrade the model gets them degraded by
  phone_camera, or where it enlarges, shrunk by its scale and nothing else, and is measured against the originals.

  fid, frechet and sliced_wasserstein compare the set of outputs with the set of targets; all images have one size then.

  Example: tf-imgtrans evaluate --model runs/iphone --data dped --phone iphone --metrics psnr ms_ssim_dped

  The data folder is one of these; for a run of X-GANs or of super-resolution photographs at any depth:
    {pairs}
    {clean}

  Args:
    model: .keras file, run folder, SavedModel folder, .tflite file or a name in saved_models/.
    data: DPED tree, two paired folders, or photographs.
    metrics: what to measure.
    json: file for all numbers, image by image, with the protocol of each.
    split: which part of the data; auto is DPED's test part, or for a run folder the part that the run held out of these
      data, and everything elsewhere.
    validation_share: share held out in training, for --split training or validation.
    phone: of a DPED tree that holds several.
    source: name of the source folder, where it cannot be inferred.
    target: name of the target folder.
    degrade: degrade photographs and measure against the originals.
    image_size: with --degrade, photographs are cut to their middle square and brought to it by area; else what the run was
      trained with, or as they are.
    shrink: how photographs are shrunk for a model that enlarges; else as the run was trained, or by bicubics.
    niqe_params: .npz of another pristine model for NIQE.
    feature_weights: network of fid and frechet: an .h5 of SqueezeNet v1.1 or InceptionV3, or a .keras model that gives
      features; without it fid lets Keras download InceptionV3. A distance by another network than InceptionV3 is no FID,
      and is reported as frechet_<network>.
    feature_cache: folder where features are kept, so that those of the targets are computed once.
  """
  from tf_imgtrans.metrics.natural_image_quality import read_pristine

  if niqe_params:
    read_pristine(niqe_params)
  if (image_size or shrink) and not degrade:
    raise ValueError("image_size and shrink say how photographs are degraded: add --degrade")
  check_feature_options(metrics, feature_weights)
  start_tensorflow()
  from tf_imgtrans.data.folders import read_folder, read_photographs
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.inference.models import load_model

  network = load_model(model)
  former = _run_of(model)
  if former and split == "auto" and phone is source is target is None:  # as the run was given its data
    validation_share = former["options"]["validation_share"]
    phone, source, target = (former["options"].get(name) for name in ("phone", "source", "target"))
  if former and former.get("paper") in SEARCHED:
    folder = read_photographs(data, validation_share)
  else:
    folder = read_folder(data, validation_share, phone, source, target)
  if split == "auto":
    own = former is not None and former["data"] == folder.summary()
    split = "validation" if folder.kind == "dped" or own else "all"
  items = _part(folder, split)
  degraded = _degradation(network, former, image_size, shrink) if degrade and folder.kind == "photographs" else None
  images = _images(folder.kind, items, degraded, metrics)
  report = {"model": str(network.path), "data": str(data), "kind": folder.kind, "split": split,
            "images": [item.stem for item in items], "digest": digest(items),
            "degraded": degraded.description if degraded else False,
            "metrics": _measure(network, images, len(items), metrics, niqe_params, feature_weights, feature_cache)}
  _show(report)
  if json:
    write_json(json, report)
    print(f"wrote {json}")
  return 0


def _run_of(model):
  """The content of run.json when the model is a run folder, else None."""
  path = pathlib.Path(model) / "run.json"
  return read_json(path) if path.is_file() else None


def _part(folder, split):
  parts = {"all": folder.training + folder.validation, "training": folder.training, "validation": folder.validation}
  items = sorted(parts[split], key=lambda item: item.stem)
  if not items:
    raise ValueError(f"the {split} part of the data is empty: choose another --split")
  return items


def _degradation(network, former, image_size, shrink):
  """As it is asked for, or as the run was trained."""
  config = (former or {}).get("config", {})
  trained = config.get("output_size") or config.get("image_size") if network.scale > 1 else None
  return Degradation(network.scale, trained or 0 if image_size is None else image_size,
                     shrink or config.get("low_resolution", "bicubic"))


def _measure(network, images, count, names, niqe_params, feature_weights, feature_cache):
  """For every metric: protocol, and values and means of the outputs and, where they have the same size, the inputs."""
  from tqdm import tqdm

  from tf_imgtrans.metrics.scoring import Scores
  from tf_imgtrans.metrics.set_scoring import SetScores

  of_sets = [name for name in names if name in SET_METRICS]
  of_images = [name for name in names if name not in SET_METRICS]
  scores = {"input": Scores(of_images, niqe_params), "output": Scores(of_images, niqe_params)}
  with SetScores(of_sets, count, feature_weights, feature_cache) as sets:
    for name, source, target in tqdm(images, "measuring", count, unit="image"):
      _check_size(name, source if target is None else target, of_images)
      output = network(source[None])[0]
      scores["output"].add(target, output)
      if output.shape == source.shape:
        scores["input"].add(target, source)
      sets.add(name, target, output, source)
    return {**_image_rows(of_images, scores), **sets.rows()}


def _image_rows(names, scores):
  """Rows of the metrics that have a value for each image: protocol, and a summary of input and output."""
  from tf_imgtrans.metrics.registry import find_metric

  values = {which: found.values() for which, found in scores.items()}  # once: a montage is measured here
  rows = {}
  for name in names:
    metric = find_metric(name)
    rows[name] = {"protocol": metric.protocol, "unit": metric.unit, "higher_is_better": metric.higher_is_better}
    if name == "niqe" and scores["output"].montage:
      rows[name]["protocol"] += "; on one montage of the 96x96 middles of all images"
    for which, found in values.items():
      rows[name][which] = _summary(found[name])
  return rows


def _images(kind, items, degraded, names):
  """(name, source, target) of every item, read one at a time; target is None for photographs that are not degraded."""
  from tf_imgtrans.data.folders import iterate_images
  from tf_imgtrans.metrics.registry import find_metric

  if degraded:
    return ((path.stem, *degraded(path)) for path in items)
  if kind != "photographs":
    return iterate_images(kind, items)
  wanting = [name for name in names if name in SET_METRICS or find_metric(name).full_reference]
  if wanting:
    raise ValueError(f"{', '.join(wanting)} need targets, and the data are photographs alone: measure --metrics niqe, or "
                     "add --degrade")
  return ((path.stem, read_image(path), None) for path in items)


def _check_size(name, image, metrics):
  """Raises ValueError for an image below what a metric with a reference needs."""
  from tf_imgtrans.metrics.registry import find_metric

  for metric in map(find_metric, metrics):
    if metric.full_reference and min(image.shape[:2]) < metric.minimum_side:
      raise ValueError(f"{name} is {image.shape[1]}x{image.shape[0]}: {metric.name} needs at least "
                       f"{metric.minimum_side} pixels on each side; leave it out, or for patches measure ms_ssim_dped")


def _summary(values):
  from tf_imgtrans.metrics.scoring import finite_mean

  return {"mean": finite_mean(values), "measured": sum(map(math.isfinite, values)),
          "infinite": sum(math.isinf(value) for value in values), "flat": sum(math.isnan(value) for value in values),
          "values": values}


def _show(report):
  """Prints the table, and under it how each metric was measured."""
  from rich.console import Console
  from rich.table import Table

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
  part = {"all": "", "validation": ", the held-out part", "training": ", the part trained on"}[report["split"]]
  console.print(f"{report['model']} on {len(report['images'])} images of {report['data']}{part}")
  console.print(table)
  console.print("\n".join(notes))


def _cell(value):
  return "-" if value is None else f"{value:.4f}"
