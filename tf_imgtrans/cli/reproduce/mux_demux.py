"""`tf-imgtrans reproduce mux_demux`: Tables 2 to 5 and the challenge's score."""

import contextlib
import dataclasses
import functools
import math
import pathlib

from tf_imgtrans.cli.reproduce.enhancement import Bench, Options, score_pairs
from tf_imgtrans.cli.reproduce.figures import draw
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, finish, measure, measure_together
from tf_imgtrans.cli.startup import start_tensorflow
from tf_imgtrans.core.files import read_json
from tf_imgtrans.papers.mux_demux import printed

PSNR, MS_SSIM = Column("psnr", "PSNR dB", 2), Column("ms_ssim_dped", "MS-SSIM", 4)
SSIM, NIQE = Column("ssim", "plain SSIM", 4), Column("niqe", "NIQE", 2)
ORDER = ("input", "ape", "srcnn", "johnson", "resnet_12_64", "resnet_8_32", "dped", "mux_demux", "mux_demux_hp")
FIGURE6 = {"input": "(a) phone", "srcnn": "(c) SRCNN", "johnson": "(d) Johnson", "dped": "(e) DPED",
           "resnet_8_32": "(f) ResNet-8-32", "mux_demux": "(g) normal", "mux_demux_hp": "(h) high-performance"}
FIGURE7 = {"full": "(a) full", "no_l1": "(b) no L1", "no_perceptual": "(c) no perceptual", "no_color": "(d) no color",
           "no_adversarial": "(e) no adversarial", "no_contextual": "(f) no contextual",
           "no_total_variation": "(g) no total variation", "no_noise": "(h) no noise"}
STEPS = 1500  # of the networks of Tables 2 and 3 under the mini preset
ABLATION_STEPS = 400  # of each of the 24 runs of Table 5 under the mini preset
SEEDS = 3
ROUNDS = 8  # of a timing; even, so that every pair of networks runs as often in either order


def table2(options: Options):
  """Measure Table 2: PSNR and SSIM of the enhancers on DPED's test patches.

  A row's network is the one that --models gives, else a public checkpoint, else it is trained under the preset. Where the
  data have no test part, the rows are measured on the pairs that training holds out; public checkpoints, which have seen
  none of them, on all pairs as well. Writes OUT/table2: table.json, table.md, figure6.png. Called again, it goes on.

  Example: tf-imgtrans reproduce mux_demux table2 --data dped --preset mini --out reproduced
  """
  start_tensorflow()
  from tf_imgtrans.data.pairs import digest

  bench, out = Bench(options, STEPS), options.out / "table2"
  folder = bench.folder
  groups = {"held out": folder.validation}
  if folder.kind != "dped":
    groups["all"] = folder.training + folder.validation

  def rows(group, pairs):
    for name in ORDER:
      values = printed.TABLE2.get(name, {})
      whole = group == "all"
      if whole and (name == "ape" or name != "input" and bench.origin(name)[0] != "public checkpoint"):
        continue
      yield Row(f"{name}{'-all' if whole else ''}", printed.TITLES[name], _pairs_row(bench, name, pairs, out, whole),
                values, printed.TABLE2_MIXED.get(name, ""), group=f"{len(pairs)} pairs, {group}", seeds=(options.seed,),
                details={} if name in ("input", "ape") else bench.details(name))

  table = Table(
      "mux_demux", "table2", "Table 2: PSNR and SSIM on DPED's test patches", [PSNR, MS_SSIM, SSIM,
      Column("psnr_distinct", "PSNR distinct", 2), Column("ms_ssim_dped_distinct", "MS-SSIM distinct", 4)],
      [row for group, pairs in groups.items() for row in rows(group, pairs)],
      _protocol(options, {name: digest(pairs) for name, pairs in groups.items()}),
      ["distinct: without the pairs whose two pictures are identical (flat white); on them the input's PSNR is infinite.",
       "What the paper calls SSIM is MS-SSIM in DPED's form: of the public ResNets' outputs plain SSIM is about 0.78.",
       "APE is a commercial program: its row is quoted.", *_origins(bench, options)])
  results = measure(table, out)
  draw(out / "figure6.png", FIGURE6, out / "pictures", folder.validation, results, target="(i) DSLR")
  return finish(table, results, out)


def _origins(bench, options):
  """Lines that say where the rows' networks come from."""
  found = {}
  for name in ORDER[2:]:
    origin, path = bench.origin(name)
    what = f"trained by the {options.preset} preset" if origin == "trained" else origin
    found.setdefault(what, []).append(printed.TITLES[name] + (f" ({pathlib.Path(path).name})" if path else ""))
  return [f"{what}: {'; '.join(names)}" for what, names in found.items()]


def _pairs_row(bench, name, pairs, out, whole):
  """The measurement of a row of Table 2; None for a row that can only be quoted."""
  if name == "ape":
    return None

  def run(_seed):
    network = None if name == "input" else bench.network(name)
    return score_pairs(network, pairs, None if whole else out / "pictures" / name)

  return run


def _protocol(options, digests):
  return {"channel": "RGB", "crop": 0, "rounding": "none", "psnr and ssim": "of outputs clipped to [0, 1]",
          "ms_ssim_dped": "of unclipped outputs, DPED's form",
          "identical pairs": "left out of distinct values alone", "niqe": "one montage of the 96x96 middles",
          "noise": "fixed", "checkpoint": "last step", "preset": options.preset, "pictures": digests}


def table3(options: Options):
  """Measure Table 3: NIQE of the enhancers on full photographs.

  Takes the photographs of DPED's test_data/full_size_test_images, of the challenge's HD_res, or all in the data folder.
  Networks as in table2, whose training runs are used again. Writes OUT/table3.

  Example: tf-imgtrans reproduce mux_demux table3 --data dped --preset mini --out reproduced
  """
  start_tensorflow()
  from tf_imgtrans.data.folders import full_photographs
  from tf_imgtrans.data.pairs import digest

  bench, out = Bench(options, STEPS), options.out / "table3"
  photographs = full_photographs(bench.data, options.phone)
  rows = [Row(name, printed.TITLES[name], functools.partial(_photograph_niqe, bench, name, photographs),
              printed.TABLE3.get(name, {}), printed.TABLE3_UNKNOWN if name in printed.TABLE3 else "", seeds=(options.seed,),
              details={} if name == "input" else bench.details(name)) for name in ORDER if name != "ape"]
  table = Table("mux_demux", "table3", f"Table 3: NIQE on {len(photographs)} full photographs", [NIQE], rows, {
      "niqe": "BT.601 luma, 96x96 blocks, at least two, LIVE pristine model", "crop": 0, "noise": "fixed",
      "outputs": "clipped to [0, 1]", "checkpoint": "last step", "preset": options.preset, "pictures": digest(photographs)},
      _origins(bench, options))
  return finish(table, measure(table, out), out)


def _photograph_niqe(bench, name, photographs, _seed):
  """Mean NIQE of a network's outputs for whole photographs, read one at a time."""
  from tf_imgtrans.cli.scoring import Scores
  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.metrics.natural_image_quality import BLOCK

  network, scores = None if name == "input" else bench.network(name), Scores(("niqe",))
  for path in photographs:
    image = read_image(path)
    if (image.shape[0] // BLOCK) * (image.shape[1] // BLOCK) < 2:
      raise ValueError(f"{path} is {image.shape[1]}x{image.shape[0]}: NIQE needs two blocks of {BLOCK}x{BLOCK}; "
                       "leave it out of the folder")
    scores.add(None, image if network is None else network(image[None])[0])
  each = scores.values()["niqe"]
  return {**scores.means(), "each": dict(zip((path.name for path in photographs), each))}


def table4(options: Options, rounds: int = ROUNDS, height: int = 720, width: int = 1280):
  """Measure Table 4: running time of the enhancers at 1280x720.

  All networks take turns in one process, round after round, so that a slow moment of the machine meets all of them; the
  ratio to SRCNN is the median over the rounds. Needs no data. Writes OUT/table4.

  Example: tf-imgtrans reproduce mux_demux table4 --out reproduced

  Args:
    rounds: measured rounds, after one that warms up.
    height: of the picture, in pixels.
    width: of the picture.
  """
  _check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.cli.reproduce.speed import take_turns
  from tf_imgtrans.generators import create_generator

  out, names = options.out / "table4", tuple(printed.TABLE4)

  @functools.cache
  def together():
    return take_turns({name: create_generator(name) for name in names}, "srcnn", rounds, height, width)

  rows = [Row(name, printed.TITLES[name], lambda _seed, name=name: dict(together()[name]),
              {"ms": printed.TABLE4[name], "ratio": printed.TABLE4[name] / printed.TABLE4["srcnn"]}) for name in names]
  table = Table("mux_demux", "table4", f"Table 4: running time at {width}x{height}", [
      Column("ms", "ms", 0, differs=False), Column("ratio", "to SRCNN", 2), Column("low", "lower quartile", 2),
      Column("high", "upper quartile", 2), Column("gmac", "GMAC", 1)], rows,
      {"rounds": rounds, "size": f"{width}x{height}", "runtime": "TensorFlow, float32, processor", "batch": 1})
  results = measure_together(table, out)
  far = [f"{result.row.title} {result.mean('ratio') / result.row.printed['ratio'] - 1:+.0%}" for result in results
         if result.records and abs(result.mean("ratio") / result.row.printed["ratio"] - 1) > 0.25]
  table.notes.append("Milliseconds are of different machines; ratios can be compared, within 25 %. "
                     + (f"Farther off: {', '.join(far)}." if far else "All that were measured are within it."))
  return finish(table, results, out)


def table5(options: Options, seeds: int = SEEDS):
  """Measure Table 5: the normal network trained without each of its losses, and without noise.

  Eight conditions with several seeds each, trained under the preset and measured on the held-out pairs; says which of the
  paper's statements the measurement bears out. Writes OUT/table5: table.json, table.md, figure7.png.

  Example: tf-imgtrans reproduce mux_demux table5 --data dped --preset mini --out reproduced

  Args:
    seeds: training runs of each condition.
  """
  _check_count("seeds", seeds)
  start_tensorflow()
  from tf_imgtrans.cli.reproduce.statements import check_ablation
  from tf_imgtrans.data.pairs import digest

  bench, out = Bench(options, ABLATION_STEPS), options.out / "table5"
  pairs = bench.folder.validation
  numbers = tuple(range(options.seed, options.seed + seeds))
  rows = []
  for name in printed.TABLE5:
    changes = {"noise": "off"} if name == "no_noise" else {f"weight_{name[3:]}": 0.0} if name != "full" else {}
    config = bench.config("mux_demux", **changes)
    rows.append(Row(name, printed.TABLE5_TITLES[name], functools.partial(_ablated, bench, config, name, pairs, out),
                    printed.TABLE5[name], seeds=numbers, details={"config": dataclasses.asdict(config)}))
  table = Table("mux_demux", "table5", f"Table 5: ablation, {seeds} seeds", [PSNR, MS_SSIM, SSIM, NIQE], rows,
                _protocol(options, {"held out": digest(pairs)}))
  results = measure(table, out)
  verdicts = check_ablation(results)
  table.notes.extend(f"{verdict}: {text}" for text, verdict in verdicts)
  draw(out / "figure7.png", FIGURE7, out / "pictures", pairs, results)
  return finish(table, results, out, statements=[{"statement": text, "verdict": verdict} for text, verdict in verdicts])


def _check_count(name, value):
  if value < 1:
    raise ValueError(f"{name} is {value}: expected 1 or more (--{name})")


def _ablated(bench, config, name, pairs, out, seed):
  network = bench.trained(dataclasses.replace(config, seed=seed), f"table5-{name}")
  return score_pairs(network, pairs, out / "pictures" / name if seed == bench.options.seed else None)


def score(options: Options, model: str | None = None, mos: float | None = None, rounds: int = ROUNDS):
  """Compute the challenge's scores A, B and C: of the teams of Figure 8, and of a model of yours.

  The teams' printed PSNR, MOS and times show that the formula is the challenge's. A model is measured on the data's pairs,
  of which those that its own run has trained on are left out, and timed at 1280x720 in turn with SRCNN. Where a pair that
  it meets exactly makes PSNR infinite, PSNR is that of the pairs whose two pictures differ. The final scores need a mean
  opinion score, which only people can give: without --mos the model gets the scores of the validation phase, which take
  MS-SSIM instead. Writes OUT/score.

  Example: tf-imgtrans reproduce mux_demux score --model runs/iphone --data dped --out reproduced

  Args:
    model: .keras file, run folder or a name in saved_models/.
    mos: its mean opinion score, 1 to 5.
    rounds: of the timing.
  """
  _check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.metrics.challenge_score import pirm_score

  if mos is not None:
    if model is None:
      raise ValueError(f"--mos is {mos}, but there is no model that it is of: give one with --model")
    pirm_score(psnr=21.0, mos=mos, cpu_ms=1.0)  # refuses an illegal opinion before the model is measured
  rows = []
  for team, (psnr, opinion, cpu_ms, *scores) in printed.FIGURE8.items():
    values = {"psnr": psnr, "mos": opinion, "cpu_ms": cpu_ms, **pirm_score(psnr, opinion, cpu_ms)}
    rows.append(Row(team, team, known=values, printed=dict(zip("ABC", scores)),
                    caveat=printed.FIGURE8_MISPRINTS.get(team, ""), group="Figure 8, from the printed PSNR, MOS and time"))
  if model:
    rows.append(_scored_model(options, model, mos, rounds))
  table = Table("mux_demux", "score", "Scores of the PIRM 2018 challenge on smartphones, track B", [
      Column("psnr", "PSNR dB", 2), Column("mos", "MOS", 4), Column("ms_ssim_dped", "MS-SSIM", 4),
      Column("cpu_ms", "CPU ms", 0), *(Column(name, f"score {name}", 2) for name in "ABC")], rows,
      {"final form": "PSNR, MOS and time", "validation form": "PSNR, MS-SSIM and time", "time limit": "4 times as fast as "
       "SRCNN counts no more"})
  out = options.out / "score"
  results = measure(table, out)
  clean = [abs(result.difference(name)) for result in results if result.row.printed and not result.row.caveat
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
  bench = Bench(dataclasses.replace(options, models=(f"mux_demux={loaded.path}",)), STEPS)
  pairs = _unseen_pairs(bench, loaded.path)
  form = "final form" if mos is not None else "validation form"

  def run(_seed):
    from tf_imgtrans.cli.reproduce.speed import take_turns
    from tf_imgtrans.generators import create_generator
    from tf_imgtrans.metrics.challenge_score import pirm_score, pirm_validation_score

    found = score_pairs(bench.network("mux_demux"), pairs)
    times = take_turns({"model": loaded.keras_model, "srcnn": create_generator("srcnn")}, "srcnn", rounds, 720, 1280)
    psnr = found["psnr"] if math.isfinite(found["psnr"]) else found["psnr_distinct"]
    cpu_ms = times["model"]["ms"]  # the baseline's is that of the median ratio: a slow moment of the machine meets both
    arguments = {"psnr": psnr, "cpu_ms": cpu_ms, "baseline_cpu_ms": cpu_ms / times["model"]["ratio"]}
    scores = (pirm_score(mos=mos, **arguments) if mos is not None
              else pirm_validation_score(ms_ssim=found["ms_ssim_dped"], **arguments))
    return {**found, **arguments, "mos": mos, "times": times, **scores}

  name = pathlib.Path(model).name
  return Row(f"model_{name}", name, run, group=f"{len(pairs)} pairs, {form}", seeds=(options.seed,),
             details={**bench.details("mux_demux"), "mos": mos, "pictures": digest(pairs), "rounds": rounds})


def _unseen_pairs(bench, model):
  """The pairs that a model is measured on: DPED's test part, what its run held out of these data, or all."""
  from tf_imgtrans.data.folders import read_folder

  run = pathlib.Path(model).parent / "run.json"
  if run.is_file():
    described = read_json(run)
    chosen = (described["options"].get(name) for name in ("phone", "source", "target"))
    with contextlib.suppress(ValueError, FileNotFoundError):  # other data, which have no such parts
      folder = read_folder(bench.data, described["options"]["validation_share"], *chosen)
      if folder.summary() == described["data"] and folder.validation:
        return folder.validation
  return bench.folder.validation if bench.folder.kind == "dped" else bench.folder.training + bench.folder.validation
