"""The proof that an exported model gives the same image as its source."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

# largest and mean absolute difference allowed, of values in [0, 1]
TOLERANCES = {"float32": (1e-3, 1e-4), "float16": (2 / 255, 2 / 255)}
# Precisions with integer weights differ by more than a bound on single pixels can say; theirs are in decibels.
MAX_DROP_DB = 0.5  # of the PSNR against a target
TYPICAL_PSNR_DB = 22.98  # of an enhancer against its target: Mux/Demux paper, Table 2, normal model


def psnr_floor(source_psnr_db, drop_db):
  """PSNR to the source at which an independent error costs `drop_db` of the PSNR against the target.

  The squared errors add up: 10^(drop / 10) = 1 + 10^((source - floor) / 10).

  Args:
    source_psnr_db: float, of the source against the target.
    drop_db: float above 0.
  Returns:
    float, dB.
  """
  return source_psnr_db - 10 * math.log10(10 ** (drop_db / 10) - 1)


# Without a target: what would cost the same half decibel of an enhancer's usual distance from its target: 32.1 dB.
FLOOR_DB = psnr_floor(TYPICAL_PSNR_DB, MAX_DROP_DB)


@dataclasses.dataclass(frozen=True)
class Parity:
  """Differences between the outputs of two models on the same photographs, over all pixels.

  Attributes:
    max_difference, mean_difference: absolute, of values in [0, 1].
    psnr_db: of the exported output against the source's; inf for equal outputs.
    precision: str.
    source_psnr_db, exported_psnr_db: against the targets, where there are any.
    photographs: how many.
  """

  max_difference: float
  mean_difference: float
  psnr_db: float
  precision: str
  source_psnr_db: float | None = None
  exported_psnr_db: float | None = None
  photographs: int | None = None

  @property
  def drop_db(self) -> float | None:
    """What the export costs of the PSNR against the targets; None without targets."""
    if self.source_psnr_db is None or self.exported_psnr_db is None:
      return None
    return self.source_psnr_db - self.exported_psnr_db

  @property
  def within_tolerance(self) -> bool:
    if self.precision in TOLERANCES:
      largest, mean = TOLERANCES[self.precision]
      return self.max_difference <= largest and self.mean_difference <= mean
    return self.psnr_db >= FLOOR_DB if self.drop_db is None else self.drop_db <= MAX_DROP_DB

  @property
  def rule(self) -> str:
    """What `within_tolerance` asks for, in words."""
    if self.precision in TOLERANCES:
      largest, mean = TOLERANCES[self.precision]
      return f"max difference up to {largest:.2e}, mean up to {mean:.2e}"
    return (f"PSNR to the source from {FLOOR_DB:.1f} dB" if self.drop_db is None
            else f"PSNR against the targets at most {MAX_DROP_DB} dB lower")

  def __str__(self):
    verdict = "within" if self.within_tolerance else "OUTSIDE"
    target = "" if self.drop_db is None else (f"against the targets {self.exported_psnr_db:.2f} dB, the source "
                                              f"{self.source_psnr_db:.2f} dB, ")
    return (f"max difference {self.max_difference:.2e}, mean {self.mean_difference:.2e}, PSNR {self.psnr_db:.1f} dB, "
            f"{target}{verdict} the tolerance of {self.precision} ({self.rule})")

  def summary(self) -> dict:
    """dict of JSON values: every number, the rule and the verdict."""
    return {**dataclasses.asdict(self), "drop_db": self.drop_db, "rule": self.rule,
            "within_tolerance": self.within_tolerance}


def measure_parity(source: Callable, exported: Callable, photographs: Sequence[np.ndarray], precision: str = "float32",
                   targets: Sequence[np.ndarray] | None = None) -> Parity:
  """Runs two models on photographs and compares their outputs.

  Args:
    source, exported: callables from float32 [1, H, W, 3] to float32 [1, sH, sW, 3].
    photographs: list of float32 [H, W, 3] in [0, 1].
    precision: key of TOLERANCES, or one with integer weights.
    targets: list of float32 [sH, sW, 3] in [0, 1], one for each photograph, or None.
  Returns:
    Parity.
  Raises:
    ValueError: no photographs, or targets of another number or shape.
  """
  if not photographs or (targets is not None and len(targets) != len(photographs)):
    raise ValueError(f"{len(photographs)} photographs and {'no' if targets is None else len(targets)} targets: "
                     "expected at least one photograph, and as many targets or none")
  errors: tuple[list, list, list] = [], [], []
  for index, image in enumerate(photographs):
    expected, seen = (np.asarray(model(image[None]), np.float64)[0] for model in (source, exported))
    errors[0].append(np.abs(expected - seen).ravel())
    if targets is not None:
      target = np.asarray(targets[index], np.float64)
      if target.shape != expected.shape:
        raise ValueError(f"target {index} has shape {target.shape}: expected {expected.shape}, that of the output")
      errors[1].append(np.abs(expected - target).ravel())
      errors[2].append(np.abs(seen - target).ravel())
  differences = np.concatenate(errors[0])
  against = [None if targets is None else _psnr(np.concatenate(found)) for found in errors[1:]]
  return Parity(float(differences.max()), float(differences.mean()), _psnr(differences), precision,
                against[0], against[1], photographs=len(photographs))


def _psnr(differences):
  """PSNR of differences between values in [0, 1], over all of them: float dB, inf for none."""
  squared = float(np.mean(np.square(differences)))
  return -10 * math.log10(squared) if squared else math.inf
