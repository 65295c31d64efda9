"""`tf-imgtrans reproduce mux_demux`: Tables 2 to 5; the challenge's score is in challenge.py."""

import dataclasses
import functools
import pathlib

from tf_imgtrans.cli.reproduce.enhancement import Bench, Options, score_pairs
from tf_imgtrans.cli.reproduce.figures import draw
from tf_imgtrans.cli.reproduce.frame import Column, Row, Table, check_count, finish, measure, measure_together
from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.papers.mux_demux import published

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

  The data folder:
    {pairs}
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
      values = published.TABLE2.get(name, {})
      whole = group == "all"
      if whole and (name == "ape" or name != "input" and bench.origin(name)[0] != "public checkpoint"):
        continue
      yield Row(f"{name}{'-all' if whole else ''}", published.TITLES[name], _pairs_row(bench, name, pairs, out, whole),
                values, published.TABLE2_MIXED.get(name, ""), group=f"{len(pairs)} pairs, {group}", seeds=(options.seed,),
                details={} if name in ("input", "ape") else bench.details(name))

  table = Table(
      "mux_demux", "table2", "Table 2: PSNR and SSIM on DPED's test patches", [PSNR, MS_SSIM, SSIM,
      Column("psnr_distinct", "PSNR distinct", 2), Column("ms_ssim_dped_distinct", "MS-SSIM distinct", 4)],
      [row for group, pairs in groups.items() for row in rows(group, pairs)],
      _protocol(options, {name: digest(pairs) for name, pairs in groups.items()}),
      ["distinct: without the pairs whose two images are identical (flat white); on them the input's PSNR is infinite.",
       "What the paper calls SSIM is MS-SSIM in DPED's form: of the public ResNets' outputs plain SSIM is about 0.78.",
       "APE is a commercial program: its row is quoted.", *_origins(bench, options)])
  results = measure(table, out)
  draw(out / "figure6.png", FIGURE6, out / "images", folder.validation, results, target="(i) DSLR")
  return finish(table, results, out)


def _origins(bench, options):
  """Lines that say where the rows' networks come from."""
  found = {}
  for name in ORDER[2:]:
    origin, path = bench.origin(name)
    what = {"trained": f"trained by the {options.preset} preset, {bench.config(name).iterations} steps",
            "given": "given, perhaps trained on some of these images"}.get(origin, origin)
    found.setdefault(what, []).append(published.TITLES[name] + (f" ({pathlib.Path(path).name})" if path else ""))
  return [f"{what}: {'; '.join(names)}" for what, names in found.items()]


def _pairs_row(bench, name, pairs, out, whole):
  """The measurement of a row of Table 2; None for a row that can only be quoted."""
  if name == "ape":
    return None

  def run(_seed):
    network = None if name == "input" else bench.network(name)
    return score_pairs(network, pairs, None if whole else out / "images" / name)

  return run


def _protocol(options, digests):
  return {"channel": "RGB", "crop": 0, "rounding": "none", "psnr and ssim": "of outputs clipped to [0, 1]",
          "ms_ssim_dped": "of unclipped outputs, DPED's form",
          "identical pairs": "left out of distinct values alone", "niqe": "one montage of the 96x96 middles",
          "noise": "fixed", "checkpoint": "last step", "preset": options.preset, "images": digests}


def table3(options: Options):
  """Measure Table 3: NIQE of the enhancers on full photographs.

  Takes the photographs of DPED's test_data/full_size_test_images, of the challenge's HD_res, or all in the data folder.
  Networks as in table2, whose training runs are used again. Writes OUT/table3.

  Example: tf-imgtrans reproduce mux_demux table3 --data dped --preset mini --out reproduced

  The data folder:
    {pairs}
  """
  start_tensorflow()
  from tf_imgtrans.data.folders import full_photographs
  from tf_imgtrans.data.pairs import digest

  bench, out = Bench(options, STEPS), options.out / "table3"
  photographs = full_photographs(bench.data, options.phone)
  rows = [Row(name, published.TITLES[name], functools.partial(_photograph_niqe, bench, name, photographs),
              published.TABLE3.get(name, {}), published.TABLE3_UNKNOWN if name in published.TABLE3 else "",
              seeds=(options.seed,),
              details={} if name == "input" else bench.details(name)) for name in ORDER if name != "ape"]
  table = Table("mux_demux", "table3", f"Table 3: NIQE on {len(photographs)} full photographs", [NIQE], rows, {
      "niqe": "BT.601 luma, 96x96 blocks, at least two, LIVE pristine model", "crop": 0, "noise": "fixed",
      "outputs": "clipped to [0, 1]", "checkpoint": "last step", "preset": options.preset, "images": digest(photographs)},
      _origins(bench, options))
  return finish(table, measure(table, out), out)


def _photograph_niqe(bench, name, photographs, _seed):
  """Mean NIQE of a network's outputs for whole photographs, read one at a time."""
  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.metrics.natural_image_quality import BLOCK
  from tf_imgtrans.metrics.scoring import Scores

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
    height: of the image, in pixels.
    width: of the image.
  """
  check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.cli.reproduce.speed import take_turns
  from tf_imgtrans.recipes import create_generator

  out, names = options.out / "table4", tuple(published.TABLE4)

  @functools.cache
  def together():
    return take_turns({name: create_generator(name) for name in names}, "srcnn", rounds, height, width)

  rows = [Row(name, published.TITLES[name], lambda _seed, name=name: dict(together()[name]),
              {"ms": published.TABLE4[name], "ratio": published.TABLE4[name] / published.TABLE4["srcnn"]})
          for name in names]
  table = Table("mux_demux", "table4", f"Table 4: running time at {width}x{height}", [
      Column("ms", "ms", 0, differs=False), Column("ratio", "to SRCNN", 2), Column("low", "lower quartile", 2),
      Column("high", "upper quartile", 2), Column("gmac", "GMAC", 1)], rows,
      {"rounds": rounds, "size": f"{width}x{height}", "runtime": "TensorFlow, float32, processor", "batch": 1})
  results = measure_together(table, out)
  far = [f"{result.row.title} {result.mean('ratio') / result.row.published['ratio'] - 1:+.0%}" for result in results
         if result.records and abs(result.mean("ratio") / result.row.published["ratio"] - 1) > 0.25]
  table.notes.append("Milliseconds are of different machines; ratios can be compared, within 25 %. "
                     + (f"Farther off: {', '.join(far)}." if far else "All that were measured are within it."))
  return finish(table, results, out)


def table5(options: Options, seeds: int = SEEDS):
  """Measure Table 5: the normal network trained without each of its losses, and without noise.

  Eight conditions with several seeds each, trained under the preset and measured on the held-out pairs; says which of the
  paper's statements the measurement bears out. Writes OUT/table5: table.json, table.md, figure7.png.

  Example: tf-imgtrans reproduce mux_demux table5 --data dped --preset mini --out reproduced

  The data folder:
    {pairs}

  Args:
    seeds: training runs of each condition.
  """
  check_count("seeds", seeds)
  start_tensorflow()
  from tf_imgtrans.cli.reproduce.statements import ABLATION, check
  from tf_imgtrans.data.pairs import digest

  bench, out = Bench(options, ABLATION_STEPS), options.out / "table5"
  pairs = bench.folder.validation
  numbers = tuple(range(options.seed, options.seed + seeds))
  rows = []
  for name in published.TABLE5:
    changes = {"noise": "off"} if name == "no_noise" else {f"weight_{name[3:]}": 0.0} if name != "full" else {}
    config = bench.config("mux_demux", **changes)
    rows.append(Row(name, published.TABLE5_TITLES[name], functools.partial(_ablated, bench, config, name, pairs, out),
                    published.TABLE5[name], seeds=numbers, details={"config": dataclasses.asdict(config)}))
  table = Table("mux_demux", "table5", f"Table 5: ablation, {seeds} seeds", [PSNR, MS_SSIM, SSIM, NIQE], rows,
                _protocol(options, {"held out": digest(pairs)}))
  results = measure(table, out)
  verdicts = check(results, ABLATION)
  draw(out / "figure7.png", FIGURE7, out / "images", pairs, results)
  return finish(table, results, out, verdicts)


def _ablated(bench, config, name, pairs, out, seed):
  network = bench.trained(dataclasses.replace(config, seed=seed), f"table5-{name}")
  return score_pairs(network, pairs, out / "images" / name if seed == bench.options.seed else None)
