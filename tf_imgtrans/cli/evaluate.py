"""`tf-imgtrans evaluate`: a model measured on pairs or photographs."""

import math
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.cli.startup import start_tensorflow

MetricName = Literal["psnr", "ssim", "ms_ssim", "ms_ssim_dped", "niqe"]


def evaluate(model: str, data: pathlib.Path, metrics: tuple[MetricName, ...] = ("psnr", "ssim", "niqe"),
             json: pathlib.Path | None = None, split: Literal["auto", "all", "training", "validation"] = "auto",
             validation_share: float = 0.1, phone: Literal["iphone", "blackberry", "sony"] | None = None,
             source: str | None = None, target: str | None = None,
             degrade: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, niqe_params: pathlib.Path | None = None):
  """Measure a model: a table of every metric for the inputs and for the model's outputs.

  The data folder is one that training takes. Photographs alone have no target, so only NIQE is measured on them; with
  --degrade the model gets them degraded by phone_camera, and is measured against the originals.

  Example: tf-imgtrans evaluate --model runs/iphone --data dped --phone iphone --metrics psnr ms_ssim_dped

  Args:
    model: .keras file, run folder, SavedModel folder, .tflite file or a name in saved_models/.
    data: DPED tree, two paired folders, or photographs.
    metrics: what to measure.
    json: file for all numbers, picture by picture, with the protocol of each.
    split: which part of the data; auto is DPED's test part, and everything elsewhere.
    validation_share: share held out in training, for --split training or validation.
    phone: of a DPED tree that holds several.
    source: name of the source folder, where it cannot be told.
    target: name of the target folder.
    degrade: degrade photographs and measure against the originals.
    niqe_params: .npz of another pristine model for NIQE.
  """
  from tf_imgtrans.metrics.natural_image_quality import read_pristine

  if niqe_params:
    read_pristine(niqe_params)
  start_tensorflow()
  from tf_imgtrans.data.folders import read_folder
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.inference.models import load_model

  network = load_model(model)
  folder = read_folder(data, validation_share, phone, source, target)
  items = _part(folder, split)
  names, sources, targets = _pictures(folder.kind, items, degrade, metrics)
  outputs = _outputs(network, sources)
  report = {"model": str(network.path), "data": str(data), "kind": folder.kind, "split": split, "pictures": names,
            "digest": digest(items), "degraded": degrade and folder.kind == "photographs",
            "metrics": _measure(metrics, sources if network.scale == 1 else None, outputs, targets, niqe_params)}
  _show(report)
  if json:
    _write(json, report)
  return 0


def _part(folder, split):
  if split == "auto":
    split = "validation" if folder.kind == "dped" else "all"
  parts = {"all": folder.training + folder.validation, "training": folder.training, "validation": folder.validation}
  items = sorted(parts[split], key=lambda item: item.stem)
  if not items:
    raise ValueError(f"the {split} part of the data is empty: choose another --split")
  return items


def _pictures(kind, items, degrade, metrics):
  """Names, sources and targets of the items; targets is None for photographs that are not degraded."""
  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.data.folders import load_pictures
  from tf_imgtrans.metrics.registry import find_metric

  if kind != "photographs" or degrade:
    return map(list, zip(*load_pictures(kind, items)))
  wanting = [name for name in metrics if find_metric(name).full_reference]
  if wanting:
    raise ValueError(f"{', '.join(wanting)} need targets, and the data are photographs alone: measure --metrics niqe, or "
                     "add --degrade")
  return [path.stem for path in items], [read_image(path) for path in items], None


def _outputs(network, sources):
  from tqdm import tqdm

  return [network(image[None])[0] for image in tqdm(sources, "model", unit="image")]


def _measure(names, sources, outputs, targets, niqe_params):
  """For every metric: protocol, values and means of the input (None when its size differs) and of the output."""
  from tf_imgtrans.cli.scoring import niqe_sheets, scores
  from tf_imgtrans.metrics.registry import find_metric

  values = {"output": scores(targets, outputs, names, niqe_params)}
  if sources is not None:
    values["input"] = scores(targets, sources, names, niqe_params)
  report = {}
  for name in names:
    metric = find_metric(name)
    report[name] = {"protocol": metric.protocol, "unit": metric.unit, "higher_is_better": metric.higher_is_better}
    if not metric.full_reference and niqe_sheets(outputs) is not outputs:
      report[name]["protocol"] += "; on one montage of the 96x96 middles of all pictures"
    for which, found in values.items():
      report[name][which] = _summary(found[name])
  return report


def _summary(values):
  finite = [value for value in values if math.isfinite(value)]
  return {"mean": math.fsum(finite) / len(finite) if finite else None, "measured": len(finite),
          "infinite": sum(math.isinf(value) for value in values), "values": values}


def _show(report):
  """Prints the table, and under it how each metric was measured."""
  from rich.console import Console
  from rich.table import Table

  table = Table("metric", "input", "output", "better")
  notes = []
  for name, row in report["metrics"].items():
    cells = [_cell(row.get(which)) for which in ("input", "output")]
    table.add_row(f"{name} {row['unit']}".strip(), *cells, "higher" if row["higher_is_better"] else "lower")
    notes.append(f"{name}: {row['protocol']}")
    notes += [f"{name}: {row[which]['infinite']} {which} pictures equal to their targets are left out of the mean"
              for which in ("input", "output") if row.get(which, {}).get("infinite")]
  console = Console(soft_wrap=True, highlight=False)
  console.print(f"{report['model']} on {len(report['pictures'])} pictures of {report['data']}")
  console.print(table)
  console.print("\n".join(notes))


def _cell(summary):
  return "-" if not summary or summary["mean"] is None else f"{summary['mean']:.4f}"


def _write(path, report):
  from tf_imgtrans.core.files import write_json

  write_json(path, report)
  print(f"wrote {path}")
