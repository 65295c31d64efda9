"""Makes a folder of saved_models/ from a finished `tf-imgtrans quickstart`: files, their proof and the model card.

For maintainers, as a release carries what lies there: python train_scripts/make_saved_model.py --help
"""

import dataclasses
import pathlib
import shutil

import tyro

from tf_imgtrans.core.startup import start_tensorflow

BASE = pathlib.Path(__file__).parents[1] / "saved_models"
LITE = {"": "float32", "_float16": "float16", "_dynamic_int8": "dynamic_int8"}  # ending of the name -> precision
_ODD = (301, 403)  # height and width at which a file of any size is proved, too
# Of the embedded photographs, as scikit-image's own documentation says of each.
PHOTOGRAPHS = {
    "astronaut": "NASA, public domain",
    "chelsea": "Stefan van der Walt, CC0",
    "coffee": "Rachel Michetti, CC0",
    "hubble_deep_field": "NASA, public domain",
    "motorcycle_left": "Middlebury 2014 stereo benchmark (Scharstein et al.), no licence stated",
    "motorcycle_right": "Middlebury 2014 stereo benchmark (Scharstein et al.), no licence stated",
    "retina": "Mikael Häggström, CC0",
    "rocket": "SpaceX, public domain",
}


def make(quickstart: pathlib.Path, name: str, out: pathlib.Path = BASE, version: int = 1, hardware: str = "two CPU cores"):
  """Makes OUT/NAME/ from the folder of a finished quickstart; exit status 1 when a file is outside its tolerance.

  Args:
    quickstart: folder that `tf-imgtrans quickstart --out` has filled.
    name: of the model, as `--model` takes it.
    out: folder of the models.
    version: of the SavedModel.
    hardware: what the model was trained on, for the card.
  """
  start_tensorflow()
  from tf_imgtrans.core.files import atomic_path, read_json, write_bytes
  from tf_imgtrans.export.saved_model import to_saved_model
  from tf_imgtrans.export.serving_assets import write_serving_files
  from tf_imgtrans.inference.models import load_model

  folder = out / name
  if folder.exists():
    raise ValueError(f"{folder} exists already: remove it, or give another --name")
  report, run = read_json(quickstart / "report.json"), read_json(quickstart / "run" / "run.json")
  source, pair = load_model(quickstart / "model.keras"), held_out_pair()
  check_report(source, pair, report, quickstart)
  with atomic_path(folder / f"{name}.keras") as temporary:
    shutil.copyfile(quickstart / "model.keras", temporary)
  to_saved_model(source.keras_model, folder, version)
  parities = {f"{version}/": prove(source, folder / str(version), "float32", pair)}
  parities |= lite_files(source, folder, name, pair)
  card = model_card(name, version, source, report, run, parities, folder, hardware)
  write_bytes(folder / "MODEL_CARD.md", card.encode())
  write_serving_files(folder)
  outside = [file for file, parity in parities.items() if not parity.within_tolerance]
  print(f"{folder}: {len(parities)} exports, outside the tolerance: {', '.join(outside) or 'none'}")
  return 1 if outside else 0


def held_out_pair():
  """The photograph that was not trained on: (degraded, original), float32 [512, 512, 3], as in quickstart's report."""
  from tf_imgtrans.data.embedded import held_out_photograph
  from tf_imgtrans.data.enhancement import VALIDATION_SIDE
  from tf_imgtrans.data.folders import load_images

  (_, degraded, original), = load_images("photographs", [held_out_photograph()], largest=VALIDATION_SIDE)
  return degraded, original


def check_report(source, pair, report, quickstart):
  """Raises ValueError where report.json is not of this model: the card quotes it."""
  from tf_imgtrans.metrics import psnr

  seen = float(psnr(pair[1][None], source(pair[0][None]))[0])
  if abs(seen - report["output"]["psnr"]) > 0.01:
    raise ValueError(f"{quickstart}/model.keras reaches {seen:.2f} dB, and its report.json says "
                     f"{report['output']['psnr']:.2f}: run quickstart again into an empty folder")


def lite_files(source, folder, name, pair):
  """Writes the .tflite files and export_report.json; {file name: Parity}.

  They take any size, as `predict` meets photographs of any; for a phone, one of its own size is exported from the .keras
  file.
  """
  from tf_imgtrans.export.report import settle
  from tf_imgtrans.export.tflite import to_tflite

  parities = {}
  for ending, precision in LITE.items():
    path = folder / f"{name}{ending}.tflite"
    to_tflite(source.keras_model, path, precision)
    parity = prove(source, path, precision, pair)
    parities[settle(path, parity)[0].name] = parity
  return parities


def prove(source, path, precision, pair):
  """Parity of an export on the held-out pair; raises ValueError where a smaller, odd size does not hold as well."""
  from tf_imgtrans.export.parity import measure_parity
  from tf_imgtrans.inference.models import load_model

  exported = load_model(path)
  parity, odd = (measure_parity(source, exported, [degraded], precision, [original])
                 for degraded, original in (pair, [image[:_ODD[0], :_ODD[1]] for image in pair]))
  if parity.within_tolerance and not odd.within_tolerance:
    raise ValueError(f"{path} at {_ODD[0]}x{_ODD[1]}: {odd}")
  return parity


def model_card(name, version, source, report, run, parities, folder, hardware):
  """The text of MODEL_CARD.md, from what the run and the exports have left."""
  from tf_imgtrans.benchmark import count_macs
  from tf_imgtrans.data.embedded import HELD_OUT, TRAINING
  from tf_imgtrans.papers.mux_demux.config import Config

  config = run["config"]
  usual = {field.name: field.default for field in dataclasses.fields(Config)}
  changed = {field: value for field, value in config.items()
             if (tuple(value) if isinstance(value, list) else value) != usual[field]}
  photographs = [(pathlib.Path(file).stem, "training") for file in TRAINING] + [(pathlib.Path(HELD_OUT).stem, "held out")]
  resumed = report["resumed_from"] or 0
  return CARD.format(
      name=name, network=config["network"], parameters=source.keras_model.count_params(),
      gmac=count_macs(source.keras_model, 720, 1280) / 1e9, steps=report["steps"], seed=config["seed"], hardware=hardware,
      minutes=report["seconds"] / 60, calls=f" for the steps from {resumed} on" if resumed else "",
      patch=config["patch_size"], batch=config["batch_size"], version=version, held_out=pathlib.Path(HELD_OUT).stem,
      command=f"tf-imgtrans quickstart --out {name} --steps {report['steps']} --network {config['network']}",
      versions=", ".join(f"{library} {number}" for library, number in run["versions"].items()),
      settings="\n".join(f"| `{field}` | `{value}` |" for field, value in changed.items()),
      photographs="\n".join(f"| {stem} | {part} | {PHOTOGRAPHS[stem]} |" for stem, part in photographs),
      scores="\n".join(f"| {label} | {report[side]['psnr']:.2f} | {report[side]['ssim']:.3f} | {report[side]['niqe']:.2f} |"
                       for label, side in (("before", "input"), ("after", "output"))),
      exports="\n".join(export_row(folder, file, parity) for file, parity in parities.items()))


def export_row(folder, file, parity):
  """A line of the card's table of exports."""
  from tf_imgtrans.core.files import size_of

  verdict = "within" if parity.within_tolerance else "OUTSIDE"
  likeness = f"{parity.psnr_db:.1f}" if parity.max_difference else "equal"
  drop = round(parity.drop_db, 3) + 0.0  # no -0.000
  return (f"| `{file}` | {parity.precision} | {size_of(folder / file) / 1e6:.2f} | {parity.max_difference:.1e} | "
          f"{likeness} | {parity.exported_psnr_db:.2f} | {drop:+.3f} | {verdict} |")


CARD = """# {name}

A small network that enhances dark, tinted, flat and soft photographs, such as those of an old phone: the Mux/Demux
generator `{network}`, {parameters:,} parameters, {gmac:.2f} GMAC at 1280x720. Image in, image of the same size out: float32
RGB in [0, 1], any height and width from 8 pixels.

    tf-imgtrans predict --model {name} --out enhanced PHOTOS

## Intended use

A trained model to try the commands, to set up a server or an app, and to compare with your own. It was trained on seven
photographs and a simulated camera. For a product, train on pairs of your camera. Not for evidence or medical use: it
changes the content of an image.

## Training

    {command}

{steps:,} steps of {batch} patches of {patch}x{patch}, seed {seed}; {minutes:.0f} minutes{calls} on {hardware}, with the
measurements and exports. No discriminator, no VGG19.

{versions}. Settings that differ from the paper's:

| setting | value |
| --- | --- |
{settings}

Data: photographs that scikit-image carries, each degraded on the fly by `tf_imgtrans.data.degradations.phone_camera`.

| photograph | part | source |
| --- | --- | --- |
{photographs}

## Numbers

On `{held_out}`, which was not trained on, degraded by `phone_camera` with one fixed seed: 512x512 pixels, RGB, no border.
One photograph is not representative.

| | PSNR, dB | SSIM | NIQE, lower is better |
| --- | --- | --- | --- |
{scores}

## Files

`{name}.keras` is the source. The others are compared with it on that photograph, and at 301x403. They take any size, so
that `predict` takes every photograph; for a phone's GPU, export one of a fixed size from the source.

| file | precision | MB | largest difference | PSNR to the source, dB | PSNR against the target, dB | drop, dB | tolerance |
| --- | --- | --- | --- | --- | --- | --- | --- |
{exports}

`{version}/` is a SavedModel: point TensorFlow Serving's base path at this folder, or start `compose.yaml` of the folder
above. `export_report.json` describes the `.tflite` files, their operations, and those that a phone's GPU supports.

## Limits

- It corrects one simulated camera. A well exposed photograph becomes too bright.
- It normalizes by the whole image: tiles (`predict --tile`) differ a little from the whole.
- Its noise is fixed: one input has one output.

Licence of the weights: Apache-2.0, as the package.
"""


if __name__ == "__main__":
  raise SystemExit(tyro.cli(make, use_underscores=True))
