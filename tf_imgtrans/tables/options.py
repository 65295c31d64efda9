"""The options that all tables share."""

import dataclasses
import pathlib
from typing import Literal

from tf_imgtrans.core.config import PositiveCount, Seed, validate


@dataclasses.dataclass(frozen=True)
class ReproduceOptions:
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # data folder, as training takes it
  out: pathlib.Path = pathlib.Path("reproduced")  # finished rows in it are kept; trained networks serve all tables
  # paper: as the paper trains (days on a GPU); small: minutes on two cores; tiny: a smoke run; mini: older name of small
  preset: Literal["paper", "small", "tiny", "mini"] = "small"
  weights: pathlib.Path | None = None  # folder with public checkpoints and VGG19; else "weights" in the data or beside it
  steps: PositiveCount | None = None  # of every training run, instead of the preset's
  test_images: PositiveCount | None = None  # held-out images that are measured, instead of the preset's
  seed: Seed = 0  # of every training run, or the first of several

  def __post_init__(self):
    validate(self, "--")
    object.__setattr__(self, "preset", current_preset(self.preset))


def current_preset(name):
  """The name of a preset today: "mini" of version 0.1.0 is "small"."""
  return "small" if name == "mini" else name


def check_count(name, value):
  """Raises ValueError unless an option that counts something is 1 or more."""
  if value < 1:
    raise ValueError(f"{name} is {value}: expected 1 or more (--{name})")
