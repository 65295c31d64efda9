"""`tf-imgtrans models`: the trained models that are found by name, and their cards."""

import dataclasses
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.core.startup import program


def models(name: Annotated[str | None, tyro.conf.Positional] = None, json: pathlib.Path | None = None):
  """List the trained models that come with the package, or show the card of one.

  The list names the task of each, its size, the time for an image, its score beside the naive way of doing the same, and
  its licence. A card tells data, training, measurements, files and limits.

  Example: tf-imgtrans models mux_demux_hp

  Args:
    name: of a model; without it, all are listed.
    json: file for the list, or for the entry of the one model.
  """
  from tf_imgtrans.core.files import write_json
  from tf_imgtrans.core.saved_models import get_model, list_models

  found = list_models() if name is None else [get_model(name)]
  if json is not None:
    entries = [{**dataclasses.asdict(model), "path": str(model.path)} for model in found]
    write_json(json, entries if name is None else entries[0])
  if name is not None:
    print(found[0].card)
    return 0
  if not found:
    raise ValueError("no models: neither the package nor saved_models/ of the working folder holds one")
  width = max(len(model.name) for model in found)
  for model in found:
    first, *others = _lines(model)
    print(f"{model.name:{width}}  {first}", *(f"{'':{width}}  {line}" for line in others), "", sep="\n")
  print(f"next: {program()} models NAME shows a card; {program()} predict --model NAME --out DIR IMAGES runs it")
  return 0


def _lines(model):
  """What the list says of a model."""
  score, speed = model.score, model.speed
  enlarges = f" x{model.scale}" if model.scale > 1 else ""
  yield model.summary
  yield (f"{model.task.replace('_', ' ')}{enlarges}, {model.bytes / 1e6:.1f} MB, {speed['seconds']:.2f} s for "
         f"{speed['width']}x{speed['height']}, {model.licence}")
  naive = ", ".join(f"{name} {value:.4g}" for name, value in score["naive"].items())
  yield f"{score['metric']} {score['model']:.4g} {score['unit']} ({naive}) on {score['images']} images: {score['data']}"
