"""The proof that an exported model gives the same picture as its source."""

import dataclasses
import math

import numpy as np

# largest and mean absolute difference allowed, of values in [0, 1]
TOLERANCES = {"float32": (1e-3, 1e-4), "float16": (2 / 255, 2 / 255)}


@dataclasses.dataclass(frozen=True)
class Parity:
  """Differences between the outputs of two models on the same photographs, over all pixels."""

  max_difference: float
  mean_difference: float
  psnr_db: float  # inf for equal outputs
  precision: str

  @property
  def within_tolerance(self):
    largest, mean = TOLERANCES[self.precision]
    return self.max_difference <= largest and self.mean_difference <= mean

  def __str__(self):
    verdict = "within" if self.within_tolerance else "OUTSIDE"
    return (f"max difference {self.max_difference:.2e}, mean {self.mean_difference:.2e}, PSNR {self.psnr_db:.1f} dB: "
            f"{verdict} the tolerance of {self.precision}")


def measure_parity(source, exported, photographs, precision="float32"):
  """Runs two models on photographs and compares their outputs.

  Args:
    source, exported: callables from float32 [1, H, W, 3] to float32 [1, sH, sW, 3].
    photographs: list of float32 [H, W, 3] in [0, 1].
    precision: key of TOLERANCES.
  Returns:
    Parity.
  """
  differences = [np.abs(np.asarray(source(image[None]), np.float64) - np.asarray(exported(image[None]), np.float64)).ravel()
                 for image in photographs]
  differences = np.concatenate(differences)
  squared = float(np.mean(np.square(differences)))
  return Parity(float(differences.max()), float(differences.mean()),
                -10 * math.log10(squared) if squared else math.inf, precision)
