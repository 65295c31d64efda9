"""Models from files of every format, behind one call on NumPy arrays."""

import dataclasses
import functools
import pathlib
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from tf_imgtrans.core import saved_models
from tf_imgtrans.core.formats import FORMATS, expected, find_model
from tf_imgtrans.core.names import closest
from tf_imgtrans.core.networks import task_of
from tf_imgtrans.core.permissions import allowed

_PROBE_SIZE = 64  # pixels; a multiple of what the generators pad to


@dataclasses.dataclass(frozen=True)
class LoadedModel:
  """A model from a file: float32 [N, H, W, 3] in [0, 1] -> float32 [N, sH, sW, 3], NumPy in and out.

  Attributes:
    kind: name of its format in `core.formats`: "keras", "saved-model", "tflite", "frozen-graph".
    path: Path that was loaded.
    run: what computes, on a checked batch.
    keras_model: the keras.Model where the format has one, else None.
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

  @functools.cached_property
  def strength(self) -> float:
    """The share of the model's image in the result, the rest being the input's, that an exported file carries; else 1."""
    if self.keras_model is not None:
      return 1.0
    return float((FORMATS[self.kind].inspect(self.path).get("metadata") or {}).get("strength", 1.0))

  @functools.cached_property
  def task(self) -> dict | None:
    """What the network was trained for, as `core.networks.ConfiguredModel.task`; None where the file does not tell."""
    return FORMATS[self.kind].inspect(self.path)["task"] if self.keras_model is None else task_of(self.keras_model)

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


def load_model(source: str | pathlib.Path, threads: int | None = None, trust: bool = False) -> LoadedModel:
  """Loads a model for inference.

  Args:
    source: str or Path: a .keras or .tflite file; a run folder, whose generator.keras is taken; a SavedModel folder, or
      its parent with numbered versions, of which the highest is taken; a file of another format of `core.formats`; or a
      name in saved_models/ of the working folder, or of a model that comes with the package.
    threads: int, of a .tflite file; None is one for each core. TensorFlow's own are set for the whole process.
    trust: bool, open a TensorFlow graph that reaches beyond itself, to files, programs or other machines, as well.
  Returns:
    LoadedModel.
  Raises:
    FileNotFoundError: nothing there, or a run that has not finished.
    ValueError: something else is there, the file is damaged, or not trusted and not safe to open.
  """
  entry, path = _find(source)
  try:
    if entry.check and not (trust or allowed("--trust")):
      entry.check(path)
    run = entry.load(path, threads)
  except Exception as error:  # each library has its own types for a damaged file
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].removeprefix(f"{path}: ").removeprefix(f"{path} ")
    raise ValueError(f"{path}: cannot be loaded as a {entry.name} model: {reason}") from error
  return LoadedModel(entry.name, path, run, getattr(run, "model", None))


def _find(source):
  """(Format, path) of what `source` names."""
  path = pathlib.Path(source)
  named = path.name == str(source)
  candidates = [path]
  for store in saved_models.STORES if named else ():
    candidates += [store / path / f"{path}{entry.suffix}" if entry.suffix else store / path for entry in FORMATS.values()]
  for candidate in candidates:
    if found := find_model(candidate):
      return found
  wanted = f"{expected()} or a name in saved_models/"
  if path.exists():
    raise ValueError(f"{source} is no model: expected {wanted}")
  looked = [str(path), *(str(store / path) for store in saved_models.STORES if named)]
  folders = {path.parent, *(saved_models.STORES if named else ())}
  there = {entry.name: entry for folder in folders if folder.is_dir() for entry in folder.iterdir()}
  near = closest(path.name, there)
  hint = f"; did you mean {there[near]}?" if near else "."
  raise FileNotFoundError(f"no model {str(source)!r}: looked for {', '.join(looked)}{hint} Give {wanted}")
