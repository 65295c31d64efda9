"""Checkpoints: every variable of a run in one file, written whole, read back bit for bit."""

import pathlib
import warnings
import zipfile

import numpy as np

from tf_imgtrans.core.archives import Arrays
from tf_imgtrans.core.files import atomic_path

NAMES = "names"  # array of the other arrays' names: an altered directory of the file can hide some of them


class Checkpoints:
  """The checkpoints of one run: `folder/step-00001000.npz`, one array per variable.

  Args:
    folder: str or Path.
    keep: int, how many of the newest stay; an older one is removed only after a newer one is complete.
  """

  def __init__(self, folder, keep=3):
    self.folder = pathlib.Path(folder)
    self.keep = keep

  def steps(self):
    """Steps of the checkpoints on disk, ascending."""
    return sorted(int(path.stem.split("-")[1]) for path in self.folder.glob("step-*.npz"))

  def path(self, step):
    return self.folder / f"step-{step:08d}.npz"

  def save(self, step, variables):
    """Writes all variables; on a full disk warns, and the checkpoints before stay.

    Args:
      step: int.
      variables: dict of name to variable.
    Returns:
      bool, whether the checkpoint was written.
    """
    arrays = {name: np.asarray(variable.numpy()) for name, variable in variables.items()}
    try:
      with atomic_path(self.path(step)) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{NAMES: np.array(list(arrays)), **arrays})
    except OSError as error:
      kept = self.steps()
      warnings.warn(f"checkpoint of step {step} could not be written to {self.folder} ({error}); the newest is "
                    f"{kept[-1] if kept else 'none'}: free some space", stacklevel=2)
      return False
    # A later one on disk is torn, or this run would have started there: it does not count among those kept.
    for old in [old for old in self.steps() if old <= step][:-self.keep]:
      self.path(old).unlink(missing_ok=True)
    return True

  def restore(self, variables):
    """Reads the newest whole checkpoint into the variables; a torn one is passed over with a warning.

    Args:
      variables: dict of name to variable.
    Returns:
      int, the step, or 0 when there is no checkpoint at all.
    Raises:
      ValueError: checkpoints are there and none is whole, or it belongs to another configuration.
    """
    steps = self.steps()
    for step in reversed(steps):
      try:
        arrays = _read(self.path(step))
      except Exception as error:  # what zipfile, its decompressors and NumPy raise on altered files has no common base
        warnings.warn(f"{self.path(step)} is torn ({error}): falling back to the checkpoint before", stacklevel=2)
        continue
      _assign(self.path(step), arrays, variables)
      return step
    if steps:
      raise ValueError(f"none of the {len(steps)} checkpoints in {self.folder} can be read: start the run anew in another "
                       "folder")
    return 0


def _read(path):
  """Arrays by name; raises on a file that was cut short or altered."""
  file = Arrays(path)
  arrays = {name: file[name] for name in file.names}
  missing = set(arrays.pop(NAMES).tolist()) ^ set(arrays)
  if missing:
    raise zipfile.BadZipFile(f"{sorted(missing)[0]} is missing from its directory")
  return arrays


def _assign(path, arrays, variables):
  """Checks every name, shape and type before the first variable is changed."""
  for name, variable in variables.items():
    if name not in arrays:
      raise ValueError(f"{path} holds no {name}: it belongs to another configuration")
    if arrays[name].shape != tuple(variable.shape):
      raise ValueError(f"{path}: {name} has shape {arrays[name].shape}, expected {tuple(variable.shape)}: it belongs to "
                       "another configuration")
    arrays[name] = _typed(path, name, arrays[name], variable.numpy().dtype)
  extra = set(arrays) - set(variables)
  if extra:
    raise ValueError(f"{path} holds {sorted(extra)[0]}, which this run does not: it belongs to another configuration")
  for name, variable in variables.items():
    variable.assign(arrays[name])


def _typed(path, name, array, dtype):
  if array.dtype.kind == "V" and array.dtype.itemsize == dtype.itemsize:
    array = array.view(dtype)  # NumPy files know no bfloat16 and give back plain bytes
  if array.dtype != dtype:
    raise ValueError(f"{path}: {name} has type {array.dtype}, expected {dtype}: it belongs to another configuration")
  return array
