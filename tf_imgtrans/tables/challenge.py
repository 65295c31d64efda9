"""`tf-imgtrans reproduce mux_demux score`: the scores of the PIRM 2018 challenge on smartphones."""

import contextlib
import dataclasses
import math
import pathlib

from tf_imgtrans.core.files import read_json
from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.tables.enhancement import Enhancement, Options, score_pairs
from tf_imgtrans.tables.mux_demux import ROUNDS, STEPS
from tf_imgtrans.tables.options import check_count
from tf_imgtrans.tables.published import mux_demux as published
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure


def score(options: Options, model: str | None = None, mos: float | None = None, rounds: int = ROUNDS):
  """Compute the challenge's scores A, B and C: of the teams of Figure 8, and of a model of yours.

  The teams' published PSNR, MOS and times show that the formula is the challenge's. A model is measured on the data's
  pairs, of which those that its own run has trained on are left out, and timed at 1280x720 in turn with SRCNN. Where a
  pair that it reproduces exactly makes PSNR infinite, PSNR is that of the pairs whose two images differ. The final scores
  need a mean opinion score, which only people can give: without --mos the model gets the scores of the validation phase,
  which take MS-SSIM instead. Writes OUT/score.

  Example: tf-imgtrans reproduce mux_demux score --model runs/iphone --data dped --out reproduced

  The data folder:
    {pairs}

  Args:
    model: .keras file, run folder or a name in saved_models/.
    mos: its mean opinion score, 1 to 5.
    rounds: of the timing.
  """
  check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.metrics.challenge_score import pirm_score

  if mos is not None:
    if model is None:
      raise ValueError(f"--mos is {mos}, but there is no model that it is of: give one with --model")
    pirm_score(psnr=21.0, mos=mos, cpu_ms=1.0)  # refuses an illegal opinion before the model is measured
  rows = []
  for team, (psnr, opinion, cpu_ms, *scores) in published.FIGURE8.items():
    values = {"psnr": psnr, "mos": opinion, "cpu_ms": cpu_ms, **pirm_score(psnr, opinion, cpu_ms)}
    rows.append(Row(team, team, known=values, published=dict(zip("ABC", scores)),
                    caveat=published.FIGURE8_MISPRINTS.get(team, ""),
                    group="Figure 8, from the published PSNR, MOS and time"))
  if model:
    rows.append(_scored_model(options, model, mos, rounds))
  table = Table("mux_demux", "score", "Scores of the PIRM 2018 challenge on smartphones, track B", [
      Column("psnr", "PSNR dB", 2), Column("mos", "MOS", 4), Column("ms_ssim_dped", "MS-SSIM", 4),
      Column("cpu_ms", "CPU ms", 0), *(Column(name, f"score {name}", 2) for name in "ABC")], rows,
      {"final form": "PSNR, MOS and time", "validation form": "PSNR, MS-SSIM and time", "time limit": "4 times as fast as "
       "SRCNN counts no more"})
  out = options.out / "score"
  results = measure(table, out)
  clean = [abs(result.difference(name)) for result in results if result.row.published and not result.row.caveat
           for name in "ABC"]
  table.notes.append(f"Largest difference of the nine rows that are not misprinted: {max(clean):.3f}.")
  return finish(table, results, out)


def _scored_model(options, model, mos, rounds):
  """The row of a user's model."""
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.inference.models import load_model

  loaded = load_model(model)
  if loaded.keras_model is None:
    raise ValueError(f"{model} is exported: its time cannot be set beside that of a Keras model; give the .keras file")
  bench = Enhancement(dataclasses.replace(options, models=(f"mux_demux={loaded.path}",)), "score", STEPS)
  pairs = _unseen_pairs(bench, loaded.path)
  form = "final form" if mos is not None else "validation form"

  def run(_seed):
    from tf_imgtrans.metrics.challenge_score import pirm_score, pirm_validation_score
    from tf_imgtrans.recipes import create_generator
    from tf_imgtrans.tables.speed import take_turns

    found = score_pairs(pairs, bench.method("mux_demux", clip=False))
    times = take_turns({"model": loaded.keras_model, "srcnn": create_generator("srcnn")}, "srcnn", rounds, 720, 1280)
    psnr = found["psnr"] if math.isfinite(found["psnr"]) else found["psnr_distinct"]
    cpu_ms = times["model"]["ms"]  # the baseline's is that of the median ratio: a slow moment of the machine affects both
    arguments = {"psnr": psnr, "cpu_ms": cpu_ms, "baseline_cpu_ms": cpu_ms / times["model"]["ratio"]}
    scores = (pirm_score(mos=mos, **arguments) if mos is not None
              else pirm_validation_score(ms_ssim=found["ms_ssim_dped"], **arguments))
    return {**found, **arguments, "mos": mos, "times": times, **scores}

  name = pathlib.Path(model).name
  row = bench.row(f"model_{name}", name, run, bench.training("mux_demux"), group=f"{len(pairs)} pairs, {form}")
  return dataclasses.replace(row, details={**row.details, "mos": mos, "images": digest(pairs), "rounds": rounds})


def _unseen_pairs(bench, model):
  """The pairs that a model is measured on: what its run held out of these data, DPED's test part, or all; --test_images."""
  from tf_imgtrans.data.folders import read_folder

  run = pathlib.Path(model).parent / "run.json"
  if run.is_file():
    described = read_json(run)
    chosen = (described["options"].get(name) for name in ("phone", "source", "target"))
    with contextlib.suppress(ValueError, FileNotFoundError):  # other data, which have no such parts
      folder = read_folder(bench.options.data, described["options"]["validation_share"], *chosen)
      if folder.summary() == described["data"] and folder.validation:
        return bench.test_part(folder)
  everything = bench.folder.training + bench.folder.validation
  return bench.pairs if bench.folder.kind == "dped" else everything[:bench.count]
