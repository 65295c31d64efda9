"""PIRM score: the three totals of the PIRM 2018 challenge on smartphones, tracks A (super-resolution) and B (enhancement).

Definition   a (PSNR - 21) + b perceptual + c min(baseline time / time, 4), with one triple (a, b, c) for each of the
             scores A (fidelity), B (perception) and C (balance with speed). The perceptual term of the validation
             form is MS-SSIM - 0.9; that of the final form is 0.07195 (MOS - 2.2957), from the opinions of people. Track A
             has other triples, and the zeros 26.5 dB and 0.94; how its final took the MOS is not known.
Range        any number. In Fig. 8 of the Mux/Demux paper from 2.3 to 20.1; the speed term gives at most 8 (A, B) or
             11.6 (C). Higher is better.
Constants    Triples, zeros and the cap of 4 are the challenge's own (aiff22/ai-challenge, README, "Scoring formulas",
             the revision that caps the speed). It says that MOS replaces MS-SSIM in the final, not how; no public
             statement of that form was found. Slope and zero of the MOS were fitted here by least squares to
             score B of nine rows of Fig. 8. Scores A and C of the same rows are the independent check: they are
             reproduced within 0.05. The other three rows (Rainbow, Geometry, DPED-Baseline) do not follow the form
             and were left out of the fit as likely misprints.
Protocol     PSNR and MS-SSIM are means over the challenge's test patches (RGB; `ms_ssim` with variant "dped"); times
             are of one 1280x720 image on the challenge's CPU, where its baseline SRCNN takes 3274 ms.
Comparable   the final form with the scores of Fig. 8, as long as PSNR, MOS and times follow the challenge; another
             panel's MOS has another zero. Fig. 8 spans MOS 2.12 to 2.68: beyond it the line is a guess. The two forms
             are not comparable with each other. On another machine give both times of that machine, measured side by
             side: the nearest substitute for the challenge's own ratio.
"""

import math

import numpy as np

from tf_imgtrans.core.names import unknown_name

# By track (a, b, c): factors of the PSNR, of the perceptual and of the speed term. Challenge README, "Track A", "Track B".
WEIGHTS = {"A": {"A": (4.0, 100.0, 1.0), "B": (1.0, 400.0, 1.0), "C": (2.0, 200.0, 1.5)},
           "B": {"A": (4.0, 100.0, 2.0), "B": (1.0, 400.0, 2.0), "C": (2.0, 200.0, 2.9)}}
PSNR_ZERO = {"A": 26.5, "B": 21.0}  # dB; the same places
MS_SSIM_ZERO = {"A": 0.94, "B": 0.9}  # the same places
FASTEST_COUNTED = 4.0  # times as fast as the baseline; challenge README, last revision of the formula
BASELINE_CPU_MS = 3274.0  # SRCNN-Baseline in Fig. 8 of the Mux/Demux paper
MOS_SLOPE, MOS_ZERO = 0.07195, 2.2957  # fitted, see above; SRCNN-Baseline's published MOS is 2.296


def pirm_score(psnr: float, mos: float, cpu_ms: float, baseline_cpu_ms: float = BASELINE_CPU_MS) -> dict[str, float]:
  """Scores of the challenge's final, with the mean opinion of people as the perceptual term.

  Args:
    psnr: float, dB, mean over the test patches.
    mos: float in [1, 5], mean opinion score, higher is better.
    cpu_ms: float, milliseconds for one 1280x720 image.
    baseline_cpu_ms: float, milliseconds of the challenge's SRCNN on the same machine.
  Returns:
    dict of float: "A", "B" and "C".
  Raises:
    ValueError: an argument that is not one finite number, a time that is not positive, a PSNR outside (0, 100] or a
      MOS outside [1, 5].
  """
  # One to five is the usual scale of opinions (ITU-T P.800). Fig. 8 does not give its scale; its values lie inside,
  # and a value outside is another quantity in the wrong place, or far beyond the rows to which the line was fitted.
  mos = _number("mos", mos, lambda value: 1 <= value <= 5, "a mean opinion from 1 to 5")
  return _scores("B", psnr, MOS_SLOPE * (mos - MOS_ZERO), cpu_ms, baseline_cpu_ms)


def estimated_mos(niqe: float, slope: float, offset: float) -> float:
  """The mean opinion that a line gives to a NIQE, slope NIQE + offset, within the scale from 1 to 5.

  Mux/Demux paper, Sec. 4.3: "To approximate the MOS scores we use a linear mapping of the NIQE index". It does not give the
  mapping, and the published opinions do not determine one: the two baselines of Figure 8 whose networks are public have
  different opinions and the same NIQE on the challenge's photographs. So the line is that of an opinion test of yours.

  Args:
    niqe: float, lower is better.
    slope: float, below 0, opinion per unit of NIQE.
    offset: float, the opinion at a NIQE of 0.
  Raises:
    ValueError: an argument that is not one finite number, a NIQE below 0, or a slope that is not negative.
  """
  niqe = _number("niqe", niqe, lambda value: value >= 0, "a mean NIQE from 0")
  slope = _number("slope", slope, lambda value: value < 0, "a number below 0, as a lower NIQE is better")
  offset = _number("offset", offset, math.isfinite, "the opinion at a NIQE of 0")
  return float(np.clip(slope * niqe + offset, 1.0, 5.0))


def pirm_validation_score(psnr: float, ms_ssim: float, cpu_ms: float, baseline_cpu_ms: float = BASELINE_CPU_MS,
                          track: str = "B") -> dict[str, float]:
  """Scores of the challenge's validation phase, as published, with MS-SSIM as the perceptual term.

  Args:
    psnr: float, dB, mean over the test patches.
    ms_ssim: float in [0, 1], mean over the test patches.
    cpu_ms: float, milliseconds for one 1280x720 image.
    baseline_cpu_ms: float, milliseconds of the challenge's SRCNN on the same machine; the default is that of track B.
    track: "A", x4 super-resolution, or "B", enhancement.
  Returns:
    dict of float: "A", "B" and "C".
  Raises:
    ValueError: an argument that is not one finite number, a time that is not positive, a PSNR outside (0, 100], an
      MS-SSIM outside [0, 1], or another track.
  """
  if track not in WEIGHTS:
    raise unknown_name("track", track, WEIGHTS)
  ms_ssim = _number("ms_ssim", ms_ssim, lambda value: 0 <= value <= 1, "a similarity from 0 to 1")
  return _scores(track, psnr, ms_ssim - MS_SSIM_ZERO[track], cpu_ms, baseline_cpu_ms)


def _scores(track, psnr, perceptual, cpu_ms, baseline_cpu_ms):
  # Rounding to 8 bits alone leaves 59 dB: a mean beyond 100 holds identical pairs, or is no PSNR.
  psnr = _number("psnr", psnr, lambda value: 0 < value <= 100, "a mean in dB, above 0 and up to 100")
  cpu_ms, baseline_cpu_ms = (_number(name, value, lambda value: value > 0, "milliseconds above 0")
                             for name, value in (("cpu_ms", cpu_ms), ("baseline_cpu_ms", baseline_cpu_ms)))
  speed = min(baseline_cpu_ms / cpu_ms, FASTEST_COUNTED)
  zero = PSNR_ZERO[track]
  return {score: a * (psnr - zero) + b * perceptual + c * speed for score, (a, b, c) in WEIGHTS[track].items()}


def _number(name, value, legal, expected):
  """`value` as a float; ValueError unless it is one finite number that `legal` accepts."""
  if np.ndim(value):
    raise ValueError(f"{name} has shape {np.shape(value)}: expected one number, {expected}; give the mean over the images")
  try:
    number = float(value)
  except (TypeError, ValueError, OverflowError):
    number = math.nan
  if not (math.isfinite(number) and legal(number)):
    raise ValueError(f"{name} is {value!r}: expected {expected}")
  return number
