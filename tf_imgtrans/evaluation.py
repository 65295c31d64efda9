"""A model measured on a task: its own, by default on the images that its run held out, or another one that is named."""

import dataclasses
import math
import pathlib
import types

from tqdm import tqdm

from tf_imgtrans.core.config import changed, from_stored
from tf_imgtrans.core.images import read_image
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.data.folders import as_trained, iterate_images, read_folder
from tf_imgtrans.data.task import Task
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.metrics.registry import find_metric
from tf_imgtrans.metrics.scoring import Scores, finite_mean
from tf_imgtrans.metrics.set_scoring import SET_METRICS, SetScores
from tf_imgtrans.recipes import RECIPES, find_recipe
from tf_imgtrans.training.run_folder import RunFolder
from tf_imgtrans.training.session import described_options
from tf_imgtrans.training.validation import runner

PAIRS, PHOTOGRAPHS = "pairs", "photographs"  # tasks of no recipe: images as they are, with and without targets
SPLITS = ("auto", "all", "training", "validation")


@dataclasses.dataclass(frozen=True)
class Origin:
  """What a model file says of its training.

  Attributes:
    recipe: str, or None where the file says nothing.
    config: dict, the configuration that it was trained with.
    run: dict, the content of run.json, for a run folder; else None.
  """

  recipe: str | None = None
  config: dict = dataclasses.field(default_factory=dict)
  run: dict | None = None


def evaluate(model, data=None, task=None, settings=None, metrics=None, split="auto", niqe_params=None, feature_weights=None,
             feature_cache=None, **options):
  """Measures a model on images with targets, or without.

  Args:
    model: str or Path, as `inference.load_model` takes it.
    data: str or Path of a data folder; None is the one that the model's run was trained on.
    task: str; None is the model's own task. "pairs" measures on two paired folders as they are, "photographs" on images
      without targets, and the name of a recipe on that recipe's task, with the settings below.
    settings: dict of fields of that recipe's configuration, such as {"corruption": "white_block"}.
    metrics: names; None is the task's.
    split: "training", "validation" or "all" images of the data; "auto" is the held-out part of data that have one or that
      the model's run was trained on, and all images of others.
    niqe_params: Path of another pristine model for NIQE.
    feature_weights, feature_cache: of fid and frechet, as metrics.set_scoring takes them.
    **options: of training.options.PairedOptions: validation_share, phone, source, target.
  Returns:
    dict that JSON can hold: "model", "data", "task" (with "own": whether it is the model's own), "split", "images",
    "data_summary", and "metrics": dict of metric to its protocol and its values for "input" and "output".
  Raises:
    ValueError: the task is unknown, or cannot be measured on the data.
  """
  network = load_model(model)
  origin = find_origin(model, network)
  found, own = _find_task(origin, task, settings or {}, metrics, data, options)
  images = found.read(_read_options(origin, data, options))
  own_images = (origin.run is not None and own
                and found.summary(as_trained(images, origin.run["options"])) == origin.run["data"])
  split, items = _part(images, split, own_images)
  most = origin.run["options"].get("validation_images") if own_images and split == "validation" else None
  if own_images and split == "validation":
    items = images.validation[:most]  # in the order of the validations of the run, and as many
  names = tuple(metrics or found.metrics)
  measured = found.images(images, items, whole=not own_images)
  rows, stems = _measure(network, measured, len(items), names, found, niqe_params, feature_weights, feature_cache)
  return {"model": str(network.path), "data": str(data or origin.run["options"]["data"]),
          "task": {"name": found.name, "own": own, **found.settings}, "own_task": origin.recipe, "split": split,
          "images": stems, "data_summary": found.summary(images), "metrics": rows}


def find_origin(model, network):
  """What is known of the training of a model: Origin.

  Args:
    model: str or Path, as it was given.
    network: LoadedModel.
  """
  if (pathlib.Path(model) / "run.json").is_file():
    run = RunFolder(model).description()
    return Origin(run["recipe"], run["config"], run)
  carried = network.task or {}
  return Origin(carried.get("recipe"), carried.get("config") or {})


def _find_task(origin, name, settings, metrics, data, options):
  """(Task, whether it is the model's own)."""
  if name is None and settings:
    name = origin.recipe
  if name is None and origin.recipe is None:
    # Nothing is to be made of paired images, nor of images that are measured without targets.
    if data is not None and _is_paired(data, options):
      return _pairs_task(), False
    if metrics and not any(name in SET_METRICS or find_metric(name).full_reference for name in metrics):
      return _photographs_task(), False
    raise ValueError("the model's task is unknown, as its file does not say what it was trained for: name it by --task, "
                     f"one of {', '.join((PAIRS, PHOTOGRAPHS, *RECIPES))}, with --settings of the recipe's configuration")
  if name in (PAIRS, PHOTOGRAPHS):
    if settings:
      raise ValueError(f"task {name} has no settings: leave --settings out")
    return (_pairs_task() if name == PAIRS else _photographs_task()), False
  if name is not None and name not in RECIPES:
    raise unknown_name("task", name, [PAIRS, PHOTOGRAPHS, *RECIPES])
  recipe = find_recipe(name or origin.recipe)
  own = recipe.name == origin.recipe and not settings
  return _task_of(recipe, origin.config if recipe.name == origin.recipe else {}, settings), own


def own_task(model, network):
  """The task that a model was trained for: data.task.Task, or None where its file does not say, or not in our words.

  Args:
    model: str or Path, as it was given.
    network: LoadedModel.
  """
  origin = find_origin(model, network)
  try:
    return _task_of(find_recipe(origin.recipe), origin.config, {}) if origin.recipe in RECIPES else None
  except ValueError:  # a file of another version: it still runs
    return None


def _task_of(recipe, stored, settings):
  config = from_stored(recipe.config, {**dataclasses.asdict(recipe.presets["paper"]), **stored})
  return recipe.make_task(changed(config, settings))


def _read_options(origin, data, options):
  """The options by which a task reads its data folder, those of the model's run first."""
  given = _given(options)
  if origin.run is not None:
    kept = described_options(find_recipe(origin.recipe), origin.run)
    same = data is None or pathlib.Path(data).resolve() == kept.data.resolve()
    names = ("validation_share", "phone", "source", "target")
    values = {name: getattr(kept, name) for name in names if hasattr(kept, name)}
    given = {**(values if same or set(given) == set() else {}), **given}
    data = data or kept.data
  if data is None:
    raise ValueError("no data folder: give one with --data, as the model is not a run folder that names its own")
  return _options(data, given)


def _given(options):
  return {name: value for name, value in options.items() if value is not None}


def _options(data, given):
  """What the tasks read of training options, for a folder that no run is written for."""
  defaults = {"validation_share": 0.1, "phone": None, "source": None, "target": None}
  return types.SimpleNamespace(out=None, data=pathlib.Path(data), **{**defaults, **given})


def _part(images, split, own):
  """(name of the part, its items)."""
  if split not in SPLITS:
    raise unknown_name("split", split, SPLITS)
  if split == "auto":
    split = "validation" if own or getattr(images, "kind", "") == "dped" else "all"
  training, validation = list(images.training), list(images.validation)
  items = {"all": training + validation, "training": training, "validation": validation}[split]
  if not items:
    raise ValueError(f"the {split} part of the data is empty: choose another --split")
  return split, sorted(items, key=lambda item: getattr(item, "stem", item))


def _is_paired(data, options):
  try:
    return _read_pairs(_options(data, _given(options))).kind != PHOTOGRAPHS
  except FileNotFoundError:
    return False


def _read_pairs(options):
  return read_folder(options.data, options.validation_share, options.phone, options.source, options.target)


def _pairs_task():
  """Paired folders as they are."""
  def images(folder, items, whole=True):  # noqa: ARG001 - as all tasks
    if folder.kind == PHOTOGRAPHS:
      raise ValueError("the data are photographs without targets: measure --task photographs, or name the recipe whose "
                       "inputs are to be made of them by --task")
    return iterate_images(folder.kind, items)

  return Task("pairs", {}, _read_pairs, lambda folder: folder.summary(), None, images)


def _photographs_task():
  """Images without targets."""
  def images(folder, items, whole=True):  # noqa: ARG001 - as all tasks
    return ((item.stem, read_image(getattr(item, "source", item)), None) for item in items)

  return Task("photographs", {}, _read_pairs, lambda folder: folder.summary(), None, images, metrics=("niqe",))


def _measure(network, images, count, names, task, niqe_params, feature_weights, feature_cache):
  """(rows by metric, names of the images)."""
  if task.validator:
    return _validated(network, list(images), names, task)
  of_sets = [name for name in names if name in SET_METRICS]
  of_images = [name for name in names if name not in SET_METRICS]
  metrics = [find_metric(name) for name in of_images]
  wanting = [*of_sets, *(metric.name for metric in metrics if metric.full_reference)]
  if task.name == PHOTOGRAPHS and wanting:
    raise ValueError(f"{', '.join(wanting)} need targets, and the task is photographs alone: measure --metrics niqe, or "
                     "name a task with targets")
  run = runner(network.keras_model) if network.keras_model is not None else lambda source: network(source[None])[0]
  scores = {"input": Scores(of_images, niqe_params), "output": Scores(of_images, niqe_params)}
  stems = []
  with SetScores(of_sets, count, feature_weights, feature_cache) as sets:
    for name, source, target in tqdm(images, "measuring", count, unit="image"):
      _check_size(name, source if target is None else target, metrics)
      output = run(source)
      if target is not None and output.shape != target.shape:
        raise ValueError(f"{name}: the model makes {_size(output)} of {_size(source)}, and the task's target has "
                         f"{_size(target)}: name the model's task by --task and --settings")
      stems.append(name)
      scores["output"].add(target, output)
      if output.shape == source.shape:
        scores["input"].add(target, source)
      sets.add(name, target, output, source)
    return {**_image_rows(metrics, scores), **sets.rows()}, stems


def _validated(network, images, names, task):
  """(rows, names of the images) of a task whose targets are not images."""
  if network.keras_model is None:
    raise ValueError(f"{network.path} is exported: {task.name} is measured on Keras models; give the .keras file")
  values, _ = task.validator(images)(network.keras_model)
  for name in names:
    if name not in values:
      raise unknown_name("metric of this task", name, values)
  rows = {name: {"protocol": f"over all {len(images)} images at once", "unit": "", "higher_is_better": True,
                 "input": {"mean": None}, "output": {"mean": values[name]}} for name in names}
  return rows, [name for name, *_ in images]


def _image_rows(metrics, scores):
  """Rows of the metrics that have a value for each image: protocol, and a summary of input and output."""
  values = {which: found.values() for which, found in scores.items()}  # once: a montage is measured here
  rows = {}
  for metric in metrics:
    rows[metric.name] = {"protocol": metric.protocol, "unit": metric.unit, "higher_is_better": metric.higher_is_better}
    if metric.name == "niqe" and scores["output"].montage:
      rows[metric.name]["protocol"] += "; on one montage of the 96x96 middles of all images"
    for which, found in values.items():
      rows[metric.name][which] = _summary(found[metric.name])
  return rows


def _check_size(name, image, metrics):
  """Raises ValueError for an image below the least size of a metric with a reference."""
  for metric in metrics:
    if metric.full_reference and min(image.shape[:2]) < metric.minimum_side:
      raise ValueError(f"{name} is {_size(image)}: {metric.name} needs at least {metric.minimum_side} pixels on each side; "
                       "leave it out, or for patches measure ms_ssim_dped")


def _summary(values):
  return {"mean": finite_mean(values), "measured": sum(map(math.isfinite, values)),
          "infinite": sum(math.isinf(value) for value in values), "flat": sum(math.isnan(value) for value in values),
          "values": values}


def _size(image):
  return f"{image.shape[1]}x{image.shape[0]}"
