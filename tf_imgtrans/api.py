"""The package's functions for Python: train, evaluate, predict; each does what the command of its name does."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from tf_imgtrans.core.config import changed
from tf_imgtrans.recipes import RECIPES, find_recipe


def train(name: str, preset: str = "paper", data: str | pathlib.Path | None = None,
          out: str | pathlib.Path | None = None, resume: bool = False, **fields: Any) -> pathlib.Path:
  """Trains a paper's model or a baseline into a run folder.

      ti.train("x_gans", preset="small", data="celeba", out="runs/points", iterations=200)

  Args:
    name: of the recipe: "mux_demux", "x_gans", "feature_pyramid_pan", "progressive_pan" or a baseline.
    preset: "paper", "small" (two processor cores) or "tiny": the defaults of a new run.
    data: data folder; of a resumed run its own.
    out: run folder.
    resume: go on from the newest checkpoint of `out`; its settings are kept, `preset` does not count.
    **fields: fields of the recipe's configuration, such as `iterations`, and training options, such as `validate_every`.
  Returns:
    Path of the run folder, with generator.keras in it.
  Raises:
    ValueError: an unknown name or field, an illegal value, or another run in `out`.
    FileNotFoundError: no data folder, or no run to resume.
  """
  from tf_imgtrans.core.startup import start_tensorflow

  start_tensorflow()
  from tf_imgtrans.training import session

  recipe = find_recipe(name)
  if out is None:
    raise ValueError("out is missing: give the run folder")
  kind = session.options_class(recipe)
  names = {field.name for field in dataclasses.fields(kind)} - {"out", "data", "resume"}
  chosen = {field: value for field, value in fields.items() if field in names}
  settings = {field: value for field, value in fields.items() if field not in names}
  if data is not None:
    chosen["data"] = pathlib.Path(data)
  if resume:
    config, options = session.resumed(recipe, out)
    config, options = changed(config, settings), dataclasses.replace(options, **chosen)
  else:
    config, options = recipe.preset(preset, **settings), kind(out=pathlib.Path(out), **chosen)
  folder, _ = session.train(recipe, config, options)
  return folder.path


def evaluate(model: str | pathlib.Path, data: str | pathlib.Path | None = None, task: str | None = None,
             **options: Any) -> dict:
  """Measures a model: on its own task and, for a run folder, on the images that the run held out.

  Args:
    model: a run folder, .keras file, exported file or folder, or the name of a shipped model.
    data: data folder to measure on instead.
    task: another task; see `evaluation.evaluate`.
    **options: further arguments of `evaluation.evaluate`, such as metrics=("psnr", "niqe").
  Returns:
    dict: see `evaluation.evaluate`.
  """
  from tf_imgtrans.core.startup import start_tensorflow

  start_tensorflow()
  from tf_imgtrans import evaluation

  return evaluation.evaluate(model, data, task, **options)


def predict(model: str | pathlib.Path, images: Any, out: str | pathlib.Path | None = None, suffix: str = ".png",
            **options: Any) -> Any:
  """Runs a model on an image, or on files.

  Args:
    model: as `evaluate` takes it.
    images: float [H, W, 3] in [0, 1] or uint8; or a path, or a list of files, folders and patterns.
    out: folder for the results; None returns them.
    suffix: kind of the files in `out`.
    **options: tile, memory_limit, overlap, statistics, strength, as `inference.AnySize` takes them.
  Returns:
    float32 [sH, sW, 3] in [0, 1] for an array or one path without `out`, a list of them for several;
    inference.PredictReport with `out`.
  Raises:
    ValueError: an array of another shape or dtype, or an array with `out`.
  """
  from tf_imgtrans.core.startup import start_tensorflow

  start_tensorflow()
  from tf_imgtrans.core.images import list_images, read_image, to_float32
  from tf_imgtrans.inference.models import load_model
  from tf_imgtrans.inference.predict import AnySize, predict_files

  network = load_model(model)
  if isinstance(images, np.ndarray):
    if out is not None:
      raise ValueError("out is for files: write an array's result with core.images.write_image")
    return to_float32(AnySize(network, **options)(_checked(images)))
  if out is not None:
    return predict_files(network, [images] if isinstance(images, (str, pathlib.Path)) else images, out, suffix, **options)
  run = AnySize(network, **options)
  made = [to_float32(run(read_image(path))) for path in list_images(images)]
  single = isinstance(images, (str, pathlib.Path)) and pathlib.Path(images).is_file()
  return made[0] if single else made


def list_recipes() -> list[str]:
  """Sorted names that `train` takes."""
  return sorted(RECIPES)


def _checked(image):
  if image.ndim != 3 or image.shape[-1] != 3 or not (image.dtype == np.uint8 or np.issubdtype(image.dtype, np.floating)):
    raise ValueError(f"image is {image.dtype} {image.shape}: expected float [height, width, 3] in [0, 1], or uint8")
  return image if image.dtype == np.uint8 else image.astype(np.float32, copy=False)
