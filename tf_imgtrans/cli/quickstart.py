"""`tf-imgtrans quickstart`: from nothing to a trained, measured and exported enhancer, without a network."""

import dataclasses
import pathlib
import shutil
import time
from typing import Literal

from tf_imgtrans.core.startup import program, start_tensorflow
from tf_imgtrans.practice.phone_enhancement.recipe import RECIPE
from tf_imgtrans.training.options import PairedOptions

SMALL = RECIPE.presets["small"]


def quickstart(out: pathlib.Path = pathlib.Path("quickstart"), steps: int = SMALL.iterations,
               network: Literal["normal", "high_performance"] = SMALL.network):
  """Train, measure and export a small enhancer on ten photographs that the package carries.

  The recipe is that of the shipped enhancers, on fewer photographs and for fewer steps. Writes report.json, panel.png,
  saved_model/1/, model.tflite and model.keras into OUT, and the run folder OUT/run. Takes a few minutes on two cores and
  needs no network. Called again, it goes on where it was stopped.

  Example: tf-imgtrans quickstart --out quickstart

  Args:
    out: folder for everything.
    steps: training steps.
    network: mux_demux (normal) or mux_demux_hp (high_performance).
  """
  start_tensorflow()
  began = time.perf_counter()
  config = dataclasses.replace(SMALL, iterations=steps, network=network)
  _check_folder(out)
  image, generator, resumed_from = _train(config, out)
  report = _measure(generator, image, out)
  report |= {"exports": _export(generator, image, out), "steps": steps, "resumed_from": resumed_from,
             "seconds": round(time.perf_counter() - began, 1), "config": dataclasses.asdict(config)}
  _finish(out, report)
  return 0 if all(export["within_tolerance"] for export in report["exports"].values()) else 1


def _check_folder(out):
  """Raises ValueError where OUT holds files of our names that no quickstart wrote: they would be overwritten."""
  ours = ("report.json", "panel.png", "model.keras", "model.tflite", "saved_model")
  taken = [name for name in ours if (out / name).exists()]
  if taken and not (out / "run" / "run.json").exists():
    raise ValueError(f"{out / taken[0]} exists, and no quickstart wrote it: choose another --out")


def _train(config, out):
  """Trains into OUT/run; returns the held-out (name, source, target), the generator and the step it went on from."""
  import keras

  from tf_imgtrans.core.config import changed
  from tf_imgtrans.data.embedded import held_out_photograph, training_photographs
  from tf_imgtrans.data.folders import Folder
  from tf_imgtrans.recipes import find_recipe
  from tf_imgtrans.training.session import resumed, train

  recipe, run = find_recipe(RECIPE.name), out / "run"
  resume = (run / "run.json").exists()
  former = resumed(recipe, run)[0] if resume else config
  if changed(former, {"iterations": config.iterations}) != config or former.iterations > config.iterations:
    raise ValueError(f"{run} holds a run with other settings: choose another --out, or remove it")
  images = Folder("photographs", training_photographs(), [held_out_photograph()])
  options = PairedOptions(out=run, resume=resume, validate_every=400, checkpoint_every=100)
  _, result = train(recipe, config, options, images=images)
  image, = recipe.make_task(config).images(images, images.validation)
  return image, keras.saving.load_model(run / "generator.keras"), result["resumed_from"]


def _measure(generator, image, out):
  """Scores the held-out photograph before and after, and draws panel.png."""
  from tf_imgtrans.core.images import write_image
  from tf_imgtrans.core.panels import panel
  from tf_imgtrans.metrics.scoring import mean_scores

  name, source, target = image
  output = generator(source[None], training=False)[0].numpy()
  found = {"input": mean_scores([target], [source]), "output": mean_scores([target], [output])}
  captions = [_caption(found["input"]), _caption(found["output"]), _caption(mean_scores([target], [target], ("niqe",)))]
  write_image(out / "panel.png", panel([[source, output, target]], ["source", "output", "target"], [captions], tile=512))
  return {"photograph": f"the embedded {name}, not trained on, degraded by phone_camera", **found,
          "psnr_gain_db": found["output"]["psnr"] - found["input"]["psnr"]}


def _caption(values):
  texts = {"psnr": "PSNR {:.2f} dB", "ssim": "SSIM {:.3f}", "niqe": "NIQE {:.2f}"}
  return "   ".join(texts[name].format(value) for name, value in values.items())


def _export(generator, image, out):
  """Writes model.keras, saved_model/1 and model.tflite; sizes and differences of the exports."""
  from tf_imgtrans.export.keras_file import to_keras
  from tf_imgtrans.export.verified import export_model

  to_keras(generator, out / "model.keras")
  shutil.rmtree(out / "saved_model" / "1", ignore_errors=True)  # of a quickstart before this one
  exports = {}
  for kind, name in (("saved-model", "saved_model"), ("tflite", "model.tflite")):
    exported = export_model(generator, kind, out / name, [image[1]])
    exports[name] = {**dataclasses.asdict(exported.parity), "within_tolerance": exported.parity.within_tolerance,
                     "bytes": exported.bytes}
  return exports


def _finish(out, report):
  from tf_imgtrans.core.files import write_json

  write_json(out / "report.json", report)
  before = f", {report['resumed_from']} of them in calls before" if report["resumed_from"] else ""
  print(f"""
held-out photograph   input {_caption(report['input'])}
                     output {_caption(report['output'])}   ({report['psnr_gain_db']:+.2f} dB)
{report['steps']} steps{before}, {report['seconds']:.0f} s

{out}/panel.png       source | output | target, with the numbers
{out}/report.json     everything measured
{out}/model.keras     for Python: import keras, tf_imgtrans; keras.saving.load_model(...)
{out}/saved_model     for TensorFlow Serving
{out}/model.tflite    for phones, {report['exports']['model.tflite']['bytes'] / 1e6:.1f} MB
{out}/run             the training run: previews, scalars.jsonl, TensorBoard

next: {program()} predict --model {out}/model.keras --out enhanced YOUR_PHOTOS""")
