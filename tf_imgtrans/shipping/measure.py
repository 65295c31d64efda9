"""What a shipped model is worth on photographs that it was not trained on, beside the naive way of doing the same."""

import dataclasses
from typing import Any

import cv2
import numpy as np

from tf_imgtrans.baselines.classical import interpolate
from tf_imgtrans.core.images import read_image, read_uint8, to_float32
from tf_imgtrans.data.corruptions import edge_points, random_points
from tf_imgtrans.data.degradations import enlarge, phone_camera
from tf_imgtrans.data.folders import iterate_images, read_folder
from tf_imgtrans.data.resizing import central_square, resize
from tf_imgtrans.metrics.scoring import mean_scores
from tf_imgtrans.practice.phone_enhancement.acceptance import harm, middle, quality
from tf_imgtrans.practice.phone_enhancement.tone_curve import fit_tone_curve

SIDE = 256  # pixels: photographs that are rebuilt from points; the middle square, shrunk
SHARES = (0.05, 0.02, 0.1)  # of pixels kept; the first one is the score
HARM = "held-out photographs as they are: what it does to good ones"
SAMPLINGS = {"edge": "mostly at edges", "random": "anywhere"}


@dataclasses.dataclass(frozen=True)
class Measured:
  """The measurements of a card.

  Attributes:
    tables: dict of title -> dict of row -> dict of column -> number.
    score: dict for the list of models: metric, unit, data, images, model, naive (dict of name -> number).
    faults: list of str, why the model must not be shipped.
  """

  tables: dict[str, dict[str, dict[str, float]]]
  score: dict[str, Any]
  faults: list[str]


def enhancement(models, task, photographs, real=None):
  """Measures an enhancer on degraded held-out photographs, on these as they are, and on real pairs.

  Args:
    models: dict of file name to inference.LoadedModel, of all precisions; the first one's score counts.
    task: data.task.Task of its training.
    photographs: photographs.Photographs.
    real: Path of a folder of pairs of a phone and a better camera, such as DPED, which nothing is trained on; or None.
  Returns:
    Measured.
  """
  curve, camera = {"tone curve": fit_tone_curve}, task.settings["degradation"]
  good = [middle(read_image(path)) for path in photographs.held_out]
  pairs = [(phone_camera(image, number, **camera).numpy(), image) for number, image in enumerate(good)]
  found = {"held-out photographs, degraded as in training": quality(models, pairs, curve)}
  if real is not None:
    parts = read_folder(real, 0.0)
    images = iterate_images(parts.kind, parts.training + parts.validation)
    found["pairs of DPED, iPhone 3GS and Canon 70D"] = quality(models, ((s, t) for _, s, t in images), curve)
  tables = {name: {row: dataclasses.asdict(values) for row, values in each.items()} for name, each in found.items()}
  title, rows = list(tables.items())[-1]
  done = {name: harm(model, good) for name, model in models.items()}
  tables[HARM] = {name: dataclasses.asdict(each) for name, each in done.items()}
  faults = [f"{name}: {fault}" for name, each in done.items() for fault in each.faults()]
  faults += [fault for name in found for fault in _worse(name, tables[name], models, ["input"])]
  return Measured(tables, _score(title, rows, models, ("input", "tone curve"), rows["input"]["pairs"]), faults)


def reconstruction(models, task, photographs, real=None):  # noqa: ARG001 - as all of them
  """Measures the rebuilding of held-out photographs from a few of their pixels, beside linear interpolation.

  Args:
    models: dict of file name to inference.LoadedModel, of all precisions; the first one's score counts.
    task: data.task.Task of its training.
    photographs: photographs.Photographs.
    real: not needed.
  Returns:
    Measured.
  """
  tables = {}
  for sampling, words in SAMPLINGS.items():
    for share in SHARES:
      pairs = list(_kept(photographs.held_out, sampling, share))
      made = {"linear interpolation": [interpolate(source, mask) for source, mask, _ in pairs]}
      made |= {name: _run(model, [source for source, _, _ in pairs]) for name, model in models.items()}
      title = f"held-out photographs, {SIDE}x{SIDE}, of which {share:.0%} of the pixels were kept, {words}"
      tables[title] = {name: _means([target for _, _, target in pairs], images) for name, images in made.items()}
  title, rows = next(iter(tables.items()))
  naive = ("linear interpolation",)
  return Measured(tables, _score(title, rows, models, naive, len(photographs.held_out)), _worse(title, rows, models, naive))


def rain_removal(models, task, photographs, real=None):
  """Measures what is left of rain on held-out photographs, and on real pairs, beside a median filter.

  Args:
    models: dict of file name to inference.LoadedModel, of all precisions; the first one's score counts.
    task: data.task.Task of its training.
    photographs: photographs.Photographs.
    real: Path of pairs with rain and without it, which nothing is trained on; or None.
  Returns:
    Measured.
  """
  drawn = task.images(photographs.folder, photographs.held_out)
  sets = {"held-out photographs, 256x256, with drawn rain": [pair for _, *pair in drawn]}
  if real is not None:
    parts = read_folder(real, 0.0)
    images = iterate_images(parts.kind, parts.training + parts.validation)
    sets["pairs that nothing is trained on"] = [pair for _, *pair in images]
  tables, naive = {}, ("input", "median of 3x3")
  for title, pairs in sets.items():
    sources, targets = zip(*pairs)
    made = {"input": sources, "median of 3x3": [cv2.medianBlur(source, 3) for source in sources]}
    made |= {name: _run(model, sources) for name, model in models.items()}
    tables[title] = {name: _means(targets, images) for name, images in made.items()}
  title, rows = next(iter(tables.items()))
  faults = [fault for title, rows in tables.items() for fault in _worse(title, rows, models, naive)]
  return Measured(tables, _score(title, rows, models, naive, rows["input"]["photographs"]), faults)


def enlargement(models, task, photographs, real=None):  # noqa: ARG001 - as all of them
  """Measures the enlargement of held-out photographs, beside bicubic interpolation.

  Args:
    models: dict of file name to inference.LoadedModel, of all precisions; the first one's score counts.
    task: data.task.Task of its training.
    photographs: photographs.Photographs.
    real: not needed.
  Returns:
    Measured.
  """
  sources, targets = zip(*(pair for _, *pair in task.images(photographs.folder, photographs.held_out)))
  made = {"bicubic": [enlarge(source, task.scale).numpy() for source in sources]}
  made |= {name: _run(model, sources) for name, model in models.items()}
  height, width = sources[0].shape[:2]
  title, naive = f"held-out photographs, their middle shrunk to {height}x{width}", ("bicubic",)
  rows = {name: _means(targets, images) for name, images in made.items()}
  return Measured({title: rows}, _score(title, rows, models, naive, len(targets)), _worse(title, rows, models, naive))


def _run(model, sources):
  return [np.clip(model(source[None])[0], 0, 1) for source in sources]


def _score(title, rows, models, naive, images):
  return {"metric": "PSNR", "unit": "dB", "data": title, "images": images, "model": rows[next(iter(models))]["psnr_db"],
          "naive": {name: rows[name]["psnr_db"] for name in naive}}


def _worse(title, rows, models, naive):
  """A line for each model that has no higher PSNR than a naive row."""
  return [f"{title}: {model} {rows[model]['psnr_db']:.2f} dB, {name} {rows[name]['psnr_db']:.2f} dB"
          for model in models for name in naive if not rows[model]["psnr_db"] > rows[name]["psnr_db"]]


def _kept(paths, sampling, share):
  """Yields (source, mask, target) of photographs of which a share of the pixels is kept, the others white."""
  draw = {"edge": edge_points, "random": random_points}[sampling]
  for number, path in enumerate(paths):
    target = to_float32(resize(central_square(read_uint8(path)), SIDE))
    source, mask = draw(target, share, number)
    yield source.numpy(), mask.numpy(), target


def _means(targets, images):
  scores = mean_scores(targets, images)
  return {"photographs": len(targets), "psnr_db": scores["psnr"], "ssim": scores["ssim"], "niqe": scores["niqe"]}
