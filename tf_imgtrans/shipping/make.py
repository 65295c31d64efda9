"""A shipped model from licensed photographs to its folder in saved_models/: training, exports, measurements, card."""

import os
import shutil

from tf_imgtrans.benchmark.latency import lite_runner, paired_latency
from tf_imgtrans.core.files import read_json, size_of, write_json, write_text
from tf_imgtrans.core.formats import Function
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.core.panels import panel
from tf_imgtrans.core.saved_models import CARD, TEXT
from tf_imgtrans.data.embedded import held_out_photograph, training_photographs
from tf_imgtrans.export.keras_file import to_keras
from tf_imgtrans.export.parity import measure_parity
from tf_imgtrans.export.photographs import photographs_at
from tf_imgtrans.export.report import settle
from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.export.serving_assets import write_serving_files
from tf_imgtrans.export.tflite import to_tflite
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.shipping import card
from tf_imgtrans.shipping.photographs import licensed_photographs
from tf_imgtrans.shipping.plans import get_plan
from tf_imgtrans.training import session

LICENCE = "Apache-2.0"
PANEL = "panel.jpg"
_PANEL_ROWS = 3


def make(name, data, runs, out, real=None, preset="paper", plan=None):
  """Makes OUT/NAME/ from photographs; a training that was stopped goes on where it was.

  Args:
    name: of a model in `plans.PLANS`.
    data: Path of the licensed photographs.
    runs: Path of a folder for the training run, RUNS/NAME.
    out: Path of saved_models.
    real: Path of real pairs to measure on, or None.
    preset: of the recipe, for a trial.
    plan: plans.Plan; None is that of the name.
  Returns:
    list of str: what is wrong with the model, for which it must not be shipped.
  Raises:
    ValueError: OUT/NAME is there and holds something else than a shipped model.
  """
  plan = plan or get_plan(name)
  check_place(out / name)
  photographs = licensed_photographs(data)
  recipe = find_recipe(plan.recipe)
  run = train(recipe, recipe.preset(preset, **plan.fields), photographs, runs / name)
  work = out / f".{name}.new"
  shutil.rmtree(work, ignore_errors=True)  # of a call that was stopped
  source = load_model(run / "generator.keras")
  network = source.keras_model
  if hasattr(network, "forget_noise") and network.noise == "off":
    network.forget_noise()
  parities, faults = export(source, work / name, name, plan)
  task = recipe.make_task(session.resumed(recipe, run)[0])
  files = [f"{name}.keras", *(f"{name}{ending}.tflite" for ending in plan.precisions)]
  files = [file for file in files if (work / name / file).is_file()]  # those outside their tolerance are faults already
  measured = Function(plan.measure)({file: load_model(work / name / file) for file in files}, task, photographs, real)
  write_panel(source, task, photographs, work / name / PANEL)
  facts = describe(name, plan, source, work / name, measured.score)
  write_json(work / name / CARD, facts)
  text = card.write(facts, plan, read_json(run / "run.json"), measured.tables, photographs, parities, work / name)
  write_text(work / name / TEXT, text)
  replace(out / name, work)
  write_serving_files(out / name)
  return faults + measured.faults


def check_place(folder):
  """Raises ValueError where a folder is there that holds something else than a shipped model."""
  if folder.exists() and not ((folder / TEXT).is_file() and (folder / f"{folder.name}.keras").is_file()):
    raise ValueError(f"{folder} holds something else than a shipped model: choose another --out")


def train(recipe, config, photographs, run):
  """Trains, or goes on; the Path of the run folder."""
  resume = (run / "run.json").is_file()
  if not (run / "generator.keras").is_file():
    options = session.options_class(recipe)(out=run, resume=resume, validate_every=500, checkpoint_every=500, log_every=50)
    session.train(recipe, config, options, images=photographs.folder)
  return run


def export(source, folder, name, plan):
  """Writes all files of a model; (dict of file name to parity.Parity, list of faults)."""
  folder.mkdir(parents=True)
  network, parities = source.keras_model, {}
  to_keras(network, folder / f"{name}.keras")
  seen = [held_out_photograph(), *training_photographs()[:2]]
  version = to_saved_model(network, folder, 1)
  parities["1/"] = measure_parity(source, load_model(version), photographs_at(seen), "float32")
  wanted = [(ending, precision, None, None) for ending, precision in plan.precisions.items()]
  wanted += [(f"_{height}x{width}", "float16", height, width) for height, width in plan.sizes]
  for ending, precision, height, width in wanted:
    path = folder / f"{name}{ending}.tflite"
    to_tflite(network, path, precision, height=height, width=width)
    parity = measure_parity(source, load_model(path), photographs_at(seen, height, width), precision)
    parities[settle(path, parity)[0].name] = parity
  return parities, [f"{file}: {parity}" for file, parity in parities.items() if not parity.within_tolerance]


def describe(name, plan, source, folder, score):
  """The content of card.json: what core.saved_models.ShippedModel holds, and more for the card."""
  height, width = plan.sizes[0]
  timed = folder / f"{name}_{height}x{width}.tflite"
  threads = os.cpu_count()
  latency = paired_latency({"file": lite_runner(timed.read_bytes(), threads)}, rounds=5)
  carried = source.task
  return {
      "name": name, "summary": plan.summary, "task": carried["task"]["name"], "recipe": plan.recipe, "scale": source.scale,
      "parameters": source.keras_model.count_params(), "bytes": size_of(folder / f"{name}.keras"), "licence": LICENCE,
      "score": score,
      "speed": {"seconds": min(latency.seconds["file"]), "height": height, "width": width, "runtime": "tflite",
                "machine": f"{threads} threads of a server's processor"},
  }


def write_panel(source, task, photographs, path):
  """Rows of input, output and target of held-out photographs; of an enhancer also one that is good already."""
  chosen = [held for held in photographs.held_out if held.stem == held_out_photograph().stem]
  chosen += [held for held in photographs.held_out if held not in chosen][:_PANEL_ROWS - 1]
  rows = [[given, source(given[None])[0], target] for _, given, target in task.images(photographs.folder, chosen)]
  if task.name == "photo_enhancement":
    good = read_image(held_out_photograph())
    rows.append([good, source(good[None])[0], None])
  write_image(path, panel(rows, ["input", "output", "original"], tile=300), quality=70)


def replace(folder, work):
  """Puts WORK/NAME in the place of a shipped model of the name."""
  old = work / "old"
  if folder.exists():
    os.replace(folder, old)
  os.replace(work / folder.name, folder)
  shutil.rmtree(work)
