"""The file formats of models: one entry for each, from which loading, inspection, export and benchmark are made.

A new format is a module of its own and an entry in `FORMATS`. Importing this module is light: a format names its functions
as "module:function", and a module is imported when one of them is first called.
"""

import dataclasses
import importlib
import importlib.util
import pathlib
import typing

from tf_imgtrans.core.names import unknown_name


class Function(str):
  """A function by its name, "module:function"; the module is imported with the first call."""

  def __call__(self, *values, **options):
    return self.resolve()(*values, **options)

  def resolve(self):
    """The function itself."""
    return getattr(importlib.import_module(self.module), self.name)

  @property
  def module(self):
    return self.partition(":")[0]

  @property
  def name(self):
    return self.partition(":")[2]

  @property
  def source(self):
    """Path of the file that defines it, str."""
    return importlib.util.find_spec(self.module).origin


@dataclasses.dataclass(frozen=True)
class Format:
  """A file format of models. The functions may be given as str.

  Attributes:
    name: str, of `--runtime`, of `export NAME` and of `LoadedModel.kind`.
    write: (keras.Model, path, **options) writes a file; returns the Path to load where it is another than `path`.
    load: (Path, threads) -> runner: a callable from float32 [N, H, W, 3] to [N, sH, sW, 3] in NumPy, with `size` (height,
      width; None where any is legal) and, where there is one, `model`, the keras.Model.
    check: Path -> None, which raises ValueError where loading or running could reach beyond the model; None where loading
      itself refuses that.
    inspect: Path -> dict of JSON values: bytes, task (None where it is unknown) and whatever else the file tells.
    measure: threads -> (path, image) -> None, one inference with loading. Called in a process of its own, which runs its
      source file without the package, so that the process holds what the runtime needs and no more: it and the top of
      its file import nothing of tf_imgtrans that loading does not need.
    convolution: threads -> callable that runs `benchmark.convolution`'s convolution in the same runtime; formats with the
      same function share a runtime, which is called by the function's name.
    operations: (path, threads, rounds) -> time of each kind of operation, or None where they cannot be run alone.
    suffix: str of a file's name, or "" of a folder.
    marker: str, the name of a file by which a folder is known; numbered folders with it are versions.
    summary: str, of `export NAME`; "" where there is no such command.
    options: names of what `write` takes of precision, height, width and noise.
    precisions: those that `write` takes without images to calibrate on.
    benchmarked: bool, whether benchmarks measure it without being asked.
  """

  name: str
  write: typing.Callable
  load: typing.Callable
  inspect: typing.Callable
  measure: typing.Callable
  convolution: typing.Callable
  operations: typing.Callable | None = None
  check: typing.Callable | None = None
  suffix: str = ""
  marker: str = ""
  summary: str = ""
  options: tuple[str, ...] = ()
  precisions: tuple[str, ...] = ("float32",)
  benchmarked: bool = True

  def __post_init__(self):
    if bool(self.suffix) == bool(self.marker):
      raise ValueError(f"format {self.name!r} has suffix {self.suffix!r} and marker {self.marker!r}: expected one of them")
    for field in ("write", "load", "inspect", "measure", "convolution", "operations", "check"):
      if isinstance(value := getattr(self, field), str):
        object.__setattr__(self, field, Function(value))

  def save(self, network: typing.Any, path: str | pathlib.Path, **options: typing.Any) -> pathlib.Path:
    """Writes a keras.Model to `path`, with options of `write`; the Path to load."""
    written = self.write(network, path, **options)
    return written if isinstance(written, pathlib.Path) else pathlib.Path(path)

  @property
  def engine(self) -> str:
    """Name of the runtime that computes, which several formats may share."""
    return self.convolution.name

  @property
  def what(self) -> str:
    """What is loaded, in words."""
    return f"a {self.suffix} file" if self.suffix else f"a folder with {self.marker}"

  def find(self, path: pathlib.Path) -> pathlib.Path | None:
    """What of `path` is to be loaded: the file, the folder, or the highest of its numbered versions; else None."""
    if self.suffix:
      return path if path.suffix == self.suffix and path.is_file() else None
    if (path / self.marker).is_file():
      return path
    versions = [entry.parent for entry in path.glob(f"*/{self.marker}") if entry.parent.name.isdecimal()]
    return max(versions, key=lambda version: int(version.name), default=None)


FORMATS = {entry.name: entry for entry in (
    Format(
        name="keras", suffix=".keras",
        write="tf_imgtrans.export.keras_file:to_keras",
        load="tf_imgtrans.inference.runners:KerasRunner",
        inspect="tf_imgtrans.export.inspection:inspect_keras",
        measure="tf_imgtrans.benchmark.memory_probes:keras_file",
        convolution="tf_imgtrans.benchmark.convolution:tensorflow"),
    Format(
        name="saved-model", marker="saved_model.pb", summary="A SavedModel for TensorFlow Serving.",
        write="tf_imgtrans.export.saved_model:to_saved_model", options=("noise",),
        load="tf_imgtrans.inference.runners:SavedModelRunner",
        check="tf_imgtrans.core.graph_safety:check_saved_model",
        inspect="tf_imgtrans.export.inspection:inspect_saved_model",
        measure="tf_imgtrans.benchmark.memory_probes:saved_model",
        convolution="tf_imgtrans.benchmark.convolution:tensorflow"),
    Format(
        name="tflite", suffix=".tflite", summary="A .tflite file for phones.",
        write="tf_imgtrans.export.tflite:to_tflite", options=("precision", "height", "width", "noise"),
        precisions=("float32", "float16", "dynamic_int8"),
        load="tf_imgtrans.inference.runners:LiteRunner",
        inspect="tf_imgtrans.export.inspection:inspect_lite",
        measure="tf_imgtrans.benchmark.memory_probes:lite",
        convolution="tf_imgtrans.benchmark.convolution:tflite",
        operations="tf_imgtrans.benchmark.operations:operation_times"),
    Format(
        name="frozen-graph", suffix=".pb", summary="A frozen graph of TensorFlow 1, as the PIRM 2018 challenge takes it.",
        write="tf_imgtrans.export.frozen_graph:to_frozen_graph", options=("noise",), benchmarked=False,
        load="tf_imgtrans.inference.runners:FrozenGraphRunner",
        check="tf_imgtrans.core.graph_safety:check_frozen_graph",
        inspect="tf_imgtrans.export.inspection:inspect_frozen_graph",
        measure="tf_imgtrans.benchmark.memory_probes:frozen_graph",
        convolution="tf_imgtrans.benchmark.convolution:tensorflow"),
)}

MEASURED = tuple(name for name, entry in FORMATS.items() if entry.benchmarked)  # by benchmarks, without being asked


def get_format(name: str) -> Format:
  """The format of a name. ValueError for an unknown one, with the closest."""
  if name not in FORMATS:
    raise unknown_name("format", name, FORMATS)
  return FORMATS[name]


def expected() -> str:
  """What a model can be loaded from, in words."""
  kinds = [entry.what for entry in FORMATS.values()]
  return ", ".join([kinds[0], "a run folder", *kinds[1:]])


def find_model(path: str | pathlib.Path) -> tuple[Format, pathlib.Path] | None:
  """The format of a model and the path to load; None where there is no model.

  Args:
    path: str or Path: a file of one of the formats; a folder of one, or its parent with numbered versions, of which the
      highest is taken; or a run folder, whose generator.keras is taken.
  Raises:
    FileNotFoundError: a run that has not finished.
  """
  path = pathlib.Path(path)
  if path.is_dir() and ((path / "run.json").is_file() or (path / "generator.keras").is_file()):
    path = _finished(path)
  return next(((entry, found) for entry in FORMATS.values() if (found := entry.find(path))), None)


def _finished(run):
  """The generator of a run folder."""
  generator = run / "generator.keras"
  if generator.is_file():
    return generator
  best = [str(run / name) for name in ("best_niqe.keras", "best_psnr.keras") if (run / name).is_file()]
  instead = f"give {' or '.join(best)}, or " if best else ""
  raise FileNotFoundError(f"{run}: the run has not finished, as it holds no generator.keras; "
                          f"{instead}finish it with --resume")
