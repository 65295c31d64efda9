"""How a run is carried out, whatever the paper: the flags that all training commands share."""

import dataclasses
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.config import PositiveCount, Share, validate

# Fields of a configuration that a resumed run may change: it may go on for longer, and files of weights may have moved.
CHANGEABLE = ("iterations", "vgg_weights", "initial_weights")
# Options that decide what the run computes
FIXED = ("precision", "validation_share", "tuning_share", "phone", "source", "target")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
  """How the run is carried out."""

  out: pathlib.Path  # run folder: a new one, or with --resume an existing one
  data: pathlib.Path | None = None  # data folder; with --resume by default the run's own
  resume: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False  # continue from the newest checkpoint of the run folder
  validation_share: Share = 0.1  # share of images held out, by a hash of the name, if the data have no test part
  # share of the other images that the run is validated on, so that those held out stay unseen for a final test; 0: the run
  # is validated on those held out
  tuning_share: Share = 0.0
  validation_images: PositiveCount = 100  # number of held-out images that are measured
  # numeric precision of the step; losses and normalization stay float32
  precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
  jit: bool = False  # compile the training step with XLA
  # distribution: one device, all devices of this machine, or several workers (TF_CONFIG)
  strategy: Literal["none", "mirrored", "multi_worker"] = "none"
  log_every: PositiveCount = 20  # steps between lines of scalars.jsonl, each a mean over them
  validate_every: PositiveCount = 1000  # steps between validations and preview sheets
  checkpoint_every: PositiveCount = 1000  # steps between checkpoints; a multiple of log_every
  # log with every validation the share of each loss term in the loss and in the gradient, which takes some steps' time
  record_terms: bool = False
  keep: PositiveCount = 3  # number of newest checkpoints that are kept

  def __post_init__(self):
    validate(self, "--")
    for name in ("validate_every", "checkpoint_every"):
      if getattr(self, name) % self.log_every:
        raise ValueError(f"{name} is {getattr(self, name)}: expected a multiple of log_every, {self.log_every}")
    if self.record_terms and self.strategy != "none":
      raise ValueError("record_terms is on: it is for one device; leave --record_terms out, or use --strategy none")
    if self.jit and self.strategy != "none":
      raise ValueError("jit is on: XLA compiles the step of one device alone; leave --jit out, or use --strategy none")


@dataclasses.dataclass(frozen=True)
class PairedOptions(TrainingOptions):
  """How the run is carried out."""

  # phone whose photographs are used, if a DPED tree holds several
  phone: Literal["iphone", "blackberry", "sony"] | None = None
  source: str | None = None  # name of the source folder in the data folder, if it cannot be inferred
  target: str | None = None  # name of the target folder in the data folder


# Flags of the commands; without a prefix.
Options = Annotated[TrainingOptions, tyro.conf.arg(name="")]
PairOptions = Annotated[PairedOptions, tyro.conf.arg(name="")]
