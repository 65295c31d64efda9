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

PLACES = {"mos": "MOS", "A": "A", "B": "B", "C": "C"}
COLUMNS = [Column("psnr", "PSNR dB", 2), Column("mos", "MOS", 4), Column("ms_ssim", "MS-SSIM", 4),
           Column("niqe", "NIQE", 2), Column("cpu_ms", "CPU ms", 0), Column("gpu_ms", "GPU ms", 0),
           Column("razer_phone_ms", "Razer Phone ms", 0), Column("huawei_p20_ms", "Huawei P20 ms", 0),
           Column("ram_gb", "RAM GB", 1), *(Column(name, f"score {name}", 2) for name in "ABC"),
           *(Column(f"place_{name}", f"place by {title}", 0, differs=False) for name, title in PLACES.items())]


def score(options: Options, model: str | None = None, mos: float | None = None,
          niqe_mos: tuple[float, float] | None = None, rounds: int = ROUNDS):
  """Compute the challenge's scores A, B and C: of the teams of Figure 8, and of a model of yours.

  The teams' published PSNR, MOS and times show that the formula is the challenge's. A model is measured on the data's
  pairs, of which those that its own run has trained on are left out, and timed at 1280x720 in turn with SRCNN. Where a
  pair that it reproduces exactly makes PSNR infinite, PSNR is that of the pairs whose two images differ. The final scores
  need a mean opinion score, which only people can give: without --mos, or a line from NIQE to it, the model gets the scores
  of the validation phase, which take MS-SSIM instead. Writes OUT/score.

  Example: tf-imgtrans reproduce mux_demux score --model runs/iphone --data dped --out reproduced

  The data folder:
    {pairs}

  Args:
    model: .keras file, run folder or a name in saved_models/.
    mos: its mean opinion score, 1 to 5.
    niqe_mos: slope and offset of a line that estimates the mean opinion score from NIQE (Sec. 4.3), of a test of yours.
    rounds: of the timing.
  """
  check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.metrics.challenge_score import estimated_mos, pirm_score

  for name, given in (("mos", mos), ("niqe_mos", niqe_mos)):
    if given is not None and model is None:
      raise ValueError(f"--{name} is {given}, but there is no model that it is of: give one with --model")
  if mos is not None and niqe_mos is not None:
    raise ValueError(f"--mos is {mos} and --niqe_mos is {niqe_mos}: give one of them")
  # Illegal values are refused before the model is measured.
  if mos is not None:
    pirm_score(psnr=21.0, mos=mos, cpu_ms=1.0)
  if niqe_mos is not None:
    estimated_mos(5.0, *niqe_mos)
  rows = _teams()
  if model:
    rows.append(_scored_model(options, model, mos, niqe_mos, rounds))
  table = Table("mux_demux", "score", "Scores of the PIRM 2018 challenge on smartphones, track B", [
      column for column in COLUMNS if model or column.name != "niqe"], rows, {
      "final form": "PSNR, MOS and time", "validation form": "PSNR, MS-SSIM and time",
      "time limit": "4 times as fast as SRCNN counts no more"})
  out = options.out / "score"
  results = measure(table, out)
  clean = [abs(result.difference(name)) for result in results if result.row.published and not result.row.caveat
           for name in "ABC"]
  table.notes.extend([f"Largest difference of the nine rows that are not misprinted: {max(clean):.3f}.",
                      _places_of_ours()])
  return finish(table, results, out)


def _teams():
  """The rows of Figure 8: its numbers, the scores that follow from them by the formula, and the places by both."""
  from tf_imgtrans.metrics.challenge_score import pirm_score

  teams = published.FIGURE8
  made = {team: {**row, **pirm_score(row["psnr"], row["mos"], row["cpu_ms"])} for team, row in teams.items()}
  places = [{name: published.places(rows, name) for name in PLACES} for rows in (teams, made)]
  given, found = ({team: {f"place_{name}": by[name][team] for name in PLACES} for team in teams} for by in places)
  return [Row(team, team, known={**made[team], **found[team]},
              published={**{name: teams[team][name] for name in "ABC"}, **given[team]},
              caveat=published.FIGURE8_MISPRINTS.get(team, ""), group="Figure 8, from the published PSNR, MOS and time")
          for team in teams]


def _places_of_ours():
  """A note on the places that the paper's text gives its team."""
  ours, text = published.FIGURE8_OURS, published.FIGURE8_PLACES
  found = [published.places(published.FIGURE8, name)[ours] for name in text]
  said = [f"{place} by {PLACES[name]}" for name, place in text.items()]
  return (f"Sec. 5.3: the paper's text gives its team, {ours}, the places {', '.join(said[:-1])} and {said[-1]}; the "
          f"figure's scores give {', '.join(map(str, found[:-1]))} and {found[-1]}.")


def _scored_model(options, model, mos, niqe_mos, rounds):
  """The row of a user's model."""
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.inference.models import load_model

  loaded = load_model(model)
  if loaded.keras_model is None:
    raise ValueError(f"{model} is exported: its time cannot be set beside that of a Keras model; give the .keras file")
  bench = Enhancement(dataclasses.replace(options, models=(f"mux_demux={loaded.path}",)), "score", STEPS)
  pairs = _unseen_pairs(bench, loaded.path)
  form = "final form" if mos is not None else "validation form" if niqe_mos is None else "final form, MOS from NIQE"

  def run(_seed):
    from tf_imgtrans.metrics.challenge_score import estimated_mos, pirm_score, pirm_validation_score
    from tf_imgtrans.recipes import create_generator
    from tf_imgtrans.tables.speed import take_turns

    found = score_pairs(pairs, bench.method("mux_demux", options.seed, clip=False))
    times = take_turns({"model": loaded.keras_model, "srcnn": create_generator("srcnn")}, "srcnn", rounds, 720, 1280)
    psnr = found["psnr"] if math.isfinite(found["psnr"]) else found["psnr_distinct"]
    cpu_ms = times["model"]["ms"]  # the baseline's is that of the median ratio: a slow moment of the machine affects both
    arguments = {"psnr": psnr, "cpu_ms": cpu_ms, "baseline_cpu_ms": cpu_ms / times["model"]["ratio"]}
    opinion = mos if niqe_mos is None else estimated_mos(found["niqe"], *niqe_mos)
    scores = (pirm_score(mos=opinion, **arguments) if opinion is not None
              else pirm_validation_score(ms_ssim=found["ms_ssim_dped"], **arguments))
    return {**found, **arguments, "ms_ssim": found["ms_ssim_dped"], "mos": opinion, "times": times, **scores}

  name = pathlib.Path(model).name
  row = bench.row(f"model_{name}", name, run, bench.training("mux_demux"), group=f"{len(pairs)} pairs, {form}")
  return dataclasses.replace(row, details={**row.details, "mos": mos, "images": digest(pairs), "rounds": rounds,
                                            **({"niqe_mos": niqe_mos} if niqe_mos else {})})


def _unseen_pairs(bench, model):
  """The pairs that a model is measured on: what its run held out of these data, DPED's test part, or all; --test_images."""
  from tf_imgtrans.data.folders import as_trained, read_folder

  run = pathlib.Path(model).parent / "run.json"
  if run.is_file():
    described = read_json(run)
    chosen = (described["options"].get(name) for name in ("phone", "source", "target"))
    with contextlib.suppress(ValueError, FileNotFoundError):  # other data, which have no such parts
      folder = read_folder(bench.options.data, described["options"]["validation_share"], *chosen)
      if as_trained(folder, described["options"]).summary() == described["data"] and folder.validation:
        return bench.test_part(folder)
  everything = bench.folder.training + bench.folder.validation
  return bench.pairs if bench.folder.kind == "dped" else everything[:bench.count]
