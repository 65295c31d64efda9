"""The flags that all reproduced tables share."""

import dataclasses
import pathlib
from typing import Literal

from tf_imgtrans.core.config import PositiveCount, Seed, validate


@dataclasses.dataclass(frozen=True)
class ReproduceOptions:
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # data folder, as training takes it
  out: pathlib.Path = pathlib.Path("reproduced")  # finished rows in it are kept; trained networks serve all tables
  preset: Literal["paper", "mini"] = "mini"  # paper trains as the paper does (days on a GPU), mini in minutes
  weights: pathlib.Path | None = None  # folder with public checkpoints and VGG19; else "weights" in the data or beside it
  steps: PositiveCount | None = None  # of every training run, instead of the preset's
  seed: Seed = 0  # of every training run, or the first of several

  def __post_init__(self):
    validate(self, "--")
