"""Models from files: Keras, SavedModel and TFLite behind one call on NumPy arrays."""

import dataclasses
import functools
import os
import pathlib
import zipfile
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_imgtrans.core.names import closest

# Of the working folder, then those that come with the package: inside it as installed, beside it in a checkout.
_INSTALLED, _BESIDE = (folder / "saved_models" for folder in pathlib.Path(__file__).parents[1:3])
_STORES = (pathlib.Path("saved_models"), _INSTALLED if _INSTALLED.is_dir() else _BESIDE)
_EXPECTED = "a .keras file, a run folder, a SavedModel folder, a .tflite file or a name in saved_models/"
_PROBE_SIZE = 64  # pixels; a multiple of what the generators pad to
_GRAPHS_KEPT = 8  # sizes; a folder of photographs has few


@dataclasses.dataclass(frozen=True)
class LoadedModel:
  """A model from a file: float32 [N, H, W, 3] in [0, 1] -> float32 [N, sH, sW, 3], NumPy in and out.

  Attributes:
    kind: "keras", "saved-model" or "tflite".
    path: Path that was loaded.
    run: what computes, on a checked batch.
    keras_model: the keras.Model of kind "keras", else None.
  """

  kind: str
  path: pathlib.Path
  run: Any = dataclasses.field(repr=False)
  keras_model: keras.Model | None = dataclasses.field(default=None, repr=False)

  @functools.cached_property
  def scale(self) -> int:
    """int s: the output is s times as high and wide as the input. Exported files are asked by a small image."""
    if self.keras_model is not None:
      return int(getattr(self.keras_model, "scale", 1))
    height, width = (size or _PROBE_SIZE for size in self.run.size)
    return self(np.full((1, height, width, 3), 0.5, np.float32)).shape[1] // height

  def __call__(self, images: ArrayLike) -> np.ndarray:
    """Applies the model at inference.

    Raises:
      ValueError: a wrong shape or dtype, or a size that the model does not take.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or not np.issubdtype(images.dtype, np.floating):
      raise ValueError(f"images are {images.dtype} {images.shape}: expected float32 [N, height, width, 3] in "
                       "[0, 1]; add the batch axis with image[None], divide uint8 by 255")
    return np.asarray(self.run(images.astype(np.float32, copy=False)), np.float32)


def at_scale(model: LoadedModel, scale: int) -> LoadedModel:
  """The model with outputs that are `scale` times as large as its inputs: means over blocks of its own larger ones.

  So a model of x8 is compared with others of x4 (progressive super-resolution, Sec. 5.2).

  Args:
    model: LoadedModel.
    scale: int, at least 1, that the model's own is a multiple of.
  Returns:
    LoadedModel.
  Raises:
    ValueError: another scale.
  """
  if scale < 1 or model.scale % scale:
    legal = [factor for factor in range(1, model.scale + 1) if model.scale % factor == 0]
    raise ValueError(f"scale is {scale}: {model.path} enlarges {model.scale} times, so expected one of "
                     f"{', '.join(map(str, legal))}")
  return dataclasses.replace(model, run=_Reduced(model.run, model.scale // scale), keras_model=None)


class _Reduced:
  """Runs a model and averages its outputs over blocks of factor x factor pixels."""

  def __init__(self, run, factor):
    self.run, self.factor = run, factor
    self.size = getattr(run, "size", (None, None))

  def __call__(self, images):
    batch, height, width, channels = (outputs := np.asarray(self.run(images), np.float32)).shape
    blocks = (batch, height // self.factor, self.factor, width // self.factor, self.factor, channels)
    return outputs.reshape(blocks).mean(axis=(2, 4))


def load_model(source: str | pathlib.Path, threads: int | None = None) -> LoadedModel:
  """Loads a model for inference.

  Args:
    source: str or Path: a .keras file; a run folder, whose generator.keras is taken; a SavedModel folder, or its
      parent with numbered versions, of which the highest is taken; a .tflite file; or a name in saved_models/ of
      the working folder, or of a model that comes with the package.
    threads: int, of a .tflite file; None is one for each core. TensorFlow's own are set for the whole process.
  Returns:
    LoadedModel.
  Raises:
    FileNotFoundError: nothing there, or a run that has not finished.
    ValueError: something else is there, or the file is damaged.
  """
  kind, path = _find(source)
  lite = functools.partial(_LiteRunner, threads=threads)
  loaders: dict[str, Callable] = {"keras": _load_keras, "saved-model": _SavedModelRunner, "tflite": lite}
  try:
    run = loaders[kind](path)
  except Exception as error:  # each of the three libraries has its own types for a damaged file
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    raise ValueError(f"{path}: cannot be loaded as a {kind} model: {reason}") from error
  return LoadedModel(kind, path, run, run.model if kind == "keras" else None)


def _find(source):
  """(kind, path) of what `source` names."""
  path = pathlib.Path(source)
  candidates = [path]
  if path.name == str(source):
    for store in _STORES:
      candidates += [store / path / f"{path}.keras", store / path, store / path / f"{path}.tflite"]
  for candidate in candidates:
    kind, found = _identify(candidate)
    if kind:
      return kind, found
  if path.exists():
    raise ValueError(f"{source} is no model: expected {_EXPECTED}")
  looked = [str(path), *(str(store / path) for store in _STORES if path.name == str(source))]
  folders = {path.parent, *(_STORES if path.name == str(source) else ())}
  there = {entry.name: entry for folder in folders if folder.is_dir() for entry in folder.iterdir()}
  near = closest(path.name, there)
  hint = f"; did you mean {there[near]}?" if near else "."
  raise FileNotFoundError(f"no model {str(source)!r}: looked for {', '.join(looked)}{hint} Give {_EXPECTED}")


def _identify(path):
  """(kind, path to load), or (None, None) where `path` is no model."""
  if path.is_file():
    kind = {".keras": "keras", ".tflite": "tflite"}.get(path.suffix)
    return (kind, path) if kind else (None, None)
  if (path / "run.json").is_file():
    return "keras", _finished(path)
  if (path / "saved_model.pb").is_file():
    return "saved-model", path
  versions = [entry.parent for entry in path.glob("*/saved_model.pb") if entry.parent.name.isdecimal()]
  if versions:
    return "saved-model", max(versions, key=lambda version: int(version.name))
  return None, None


def _finished(run):
  """The generator of a run folder."""
  generator = run / "generator.keras"
  if generator.is_file():
    return generator
  best = [str(run / name) for name in ("best_niqe.keras", "best_psnr.keras") if (run / name).is_file()]
  instead = f"give {' or '.join(best)}, or " if best else ""
  raise FileNotFoundError(f"{run}: the run has not finished, as it holds no generator.keras; "
                          f"{instead}finish it with --resume")


def _check_size(path, size, images):
  """Raises ValueError unless the images have the height and width that an exported file is fixed to."""
  given = images.shape[1:3]
  if any(expected not in (None, seen) for expected, seen in zip(size, given)):
    height, width = (side or "any" for side in size)
    raise ValueError(f"image is {given[0]} high and {given[1]} wide: the file takes height {height} and width "
                     f"{width}; resize it, or export for its size ({path})")


def _load_keras(path):
  if not zipfile.is_zipfile(path):  # Keras would say that there is no such file
    raise ValueError("not a Keras archive, or one that is damaged or cut short")
  return _KerasRunner(keras.saving.load_model(path, compile=False))


class _KerasRunner:
  """Runs a size eagerly at first and as a graph from the second time on.

  So a folder of one size gets the speed of a graph, one of many sizes is not traced for each of them, and the
  model always sees the size as numbers, which its own checks need.
  """

  def __init__(self, model):
    self.model = model
    self.seen = set()
    # A bound number of graphs, each for one size: tracing one relaxed graph instead would hide the sizes.
    self.graph = functools.lru_cache(_GRAPHS_KEPT)(lambda shape: tf.function(self.eager))

  def eager(self, images):
    return self.model(images, training=False)

  def __call__(self, images):
    images = tf.constant(images)
    shape = tuple(images.shape)
    run = self.graph(shape) if shape in self.seen else self.eager
    result = run(images).numpy()
    self.seen.add(shape)
    return result


class _SavedModelRunner:
  """Runs the signature of a SavedModel that takes float images."""

  def __init__(self, path):
    self.path = path
    self.loaded = tf.saved_model.load(str(path))  # kept: a signature alone does not hold its variables
    self.signature = self.choose_signature()
    (self.input, spec), = self.signature.structured_input_signature[1].items()
    self.batch, *self.size = spec.shape.as_list()[:3]

  def choose_signature(self):
    signatures = self.loaded.signatures
    for name in ("image_float", "serving_default", *sorted(signatures)):
      specs = list(signatures[name].structured_input_signature[1].values()) if name in signatures else []
      if len(specs) == 1 and specs[0].dtype == tf.float32 and specs[0].shape.rank == 4:
        return signatures[name]
    raise ValueError("no signature takes one batch of float images [N, height, width, 3]; "
                     f"the signatures are {', '.join(sorted(signatures)) or 'none'}")

  def __call__(self, images):
    _check_size(self.path, self.size, images)
    if self.batch == 1 and len(images) > 1:
      return np.concatenate([self(image[None]) for image in images])
    outputs = self.signature(**{self.input: tf.constant(images)})
    return outputs["image" if "image" in outputs else sorted(outputs)[0]].numpy()


class _LiteRunner:
  """Runs a TFLite file, image by image."""

  def __init__(self, path, threads=None):
    from ai_edge_litert.interpreter import Interpreter

    self.path = path
    self.interpreter = Interpreter(model_path=str(path), num_threads=threads or os.cpu_count())
    inputs = self.interpreter.get_input_details()
    if len(inputs) != 1 or len(inputs[0]["shape"]) != 4:
      raise ValueError(f"inputs have shapes {[item['shape'].tolist() for item in inputs]}: "
                       "expected one of [1, height, width, 3]")
    self.input = inputs[0]
    self.size = [None if size < 0 else int(size) for size in self.input["shape_signature"][1:3]]
    self.allocated = None
    if None not in self.size:
      self.allocate(self.size)

  def allocate(self, size):
    if size == self.allocated:
      return
    if -1 in self.input["shape_signature"]:
      # Before the first allocation: at the placeholder size 1x1 some operations cannot be prepared at all.
      self.interpreter.resize_tensor_input(self.input["index"], [1, *size, 3], strict=True)
    self.interpreter.allocate_tensors()
    self.allocated = size

  def __call__(self, images):
    _check_size(self.path, self.size, images)
    self.allocate(list(images.shape[1:3]))
    outputs = [self.run_one(image[None]) for image in images]
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)  # a large image is not copied once more

  def run_one(self, image):
    self.interpreter.set_tensor(self.input["index"], _quantize(image, self.input))
    self.interpreter.invoke()
    output = self.interpreter.get_output_details()[0]
    return _dequantize(self.interpreter.get_tensor(output["index"]), output)


def _quantize(image, details):
  """Float values as the integers of a file with integer input; float files take them as they are."""
  if details["dtype"] == np.float32:
    return image
  step, zero = details["quantization"]
  limits = np.iinfo(details["dtype"])
  return np.clip(np.round(image / step + zero), limits.min, limits.max).astype(details["dtype"])


def _dequantize(values, details):
  if details["dtype"] == np.float32:
    return values
  step, zero = details["quantization"]
  return (values.astype(np.float32) - zero) * step
