"""`tf-imgtrans reproduce mux_demux`: Tables 2 to 5; the challenge's score is in challenge.py."""

import dataclasses
import functools
import pathlib

from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.tables.enhancement import Enhancement, Options, score_pairs
from tf_imgtrans.tables.options import check_count
from tf_imgtrans.tables.published import mux_demux as published
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure_together

PSNR, MS_SSIM = Column("psnr", "PSNR dB", 2), Column("ms_ssim_dped", "MS-SSIM", 4)
SSIM, NIQE = Column("ssim", "plain SSIM", 4), Column("niqe", "NIQE", 2)
ORDER = ("input", "tone_curve", "ape", "srcnn", "johnson", "resnet_12_64", "resnet_8_32", "dped", "mux_demux",
         "mux_demux_hp")
FIGURE6 = {"input": "(a) phone", "srcnn": "(c) SRCNN", "johnson": "(d) Johnson", "dped": "(e) DPED",
           "resnet_8_32": "(f) ResNet-8-32", "mux_demux": "(g) normal", "mux_demux_hp": "(h) high-performance",
           "target": "(i) DSLR"}
FIGURE7 = {"full": "(a) full", "no_l1": "(b) no L1", "no_perceptual": "(c) no perceptual", "no_color": "(d) no color",
           "no_adversarial": "(e) no adversarial", "no_contextual": "(f) no contextual",
           "no_total_variation": "(g) no total variation", "no_noise": "(h) no noise"}
STEPS = 3000  # of the networks of Tables 2 and 3 under the small preset
ABLATION_STEPS = 400  # of each of the 24 runs of Table 5 under the small preset
SEEDS = 3
NAIVE = ("input", "tone_curve", "ape")  # rows without a network of ours
PUBLIC = "public checkpoints, "
CHOICE = "the best NIQE of ten validations on pairs that are neither trained on nor measured"
TRAINED_ALIKE = "trained on some hundred pairs, not on DPED's 160,000 patches"
ROUNDS = 8  # of a timing; even, so that every pair of networks runs as often in either order


@dataclasses.dataclass(frozen=True)
class Public:
  """Key of a row beside those of networks that were trained alike: a public checkpoint, or the input on its images.

  Attributes:
    method: str.
  """

  method: str

  def __str__(self):
    return f"{self.method}-public"


def table2(options: Options, seeds: int = SEEDS):
  """Measure Table 2: PSNR and SSIM of the enhancers on DPED's test patches.

  A row's network is the one that --models gives, else it is trained under the preset, on the same pairs, for as many steps,
  and with the same choice of a checkpoint as all others. Public checkpoints, which were trained in other ways on other
  pairs, have rows of their own; where the data have no test part, on all pairs. Writes OUT/table2: table.json, table.md,
  figure6.png. Called again, it goes on.

  Example: tf-imgtrans reproduce mux_demux table2 --data dped --preset small --out reproduced

  The data folder:
    {pairs}

  Args:
    seeds: training runs of each network.
  """
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.tables.enhancement import pair_images

  bench = Enhancement(options, "table2", STEPS, seeds)
  pairs = {"held out": bench.pairs}
  rows = [_pairs_row(bench, name, pairs["held out"], "held out") for name in ORDER]
  public, part = [name for name in ORDER if bench.checkpoint(name)], "held out"
  if public and bench.folder.kind != "dped":
    pairs["all"], part = (bench.folder.training + bench.folder.validation)[:bench.count], "all"
    public = ["input", *public]
  rows += [_pairs_row(bench, Public(name), pairs[part], part) for name in public]
  return bench.report(
      "Table 2: PSNR and SSIM on DPED's test patches", [
          PSNR, MS_SSIM, SSIM, Column("psnr_distinct", "PSNR distinct", 2),
          Column("ms_ssim_dped_distinct", "MS-SSIM distinct", 4)],
      rows, _protocol(options, {name: digest(each) for name, each in pairs.items()}), published.STATEMENTS["table2"],
      notes=[
          "distinct: without the pairs whose two images are identical (flat white); on them the input's PSNR is infinite.",
          "What the paper calls SSIM is MS-SSIM in DPED's form: of the public ResNets' outputs plain SSIM is about 0.78.",
          "APE is a commercial program: its row is quoted.", *_origins(bench)],
      after=lambda results: bench.draw("figure6", FIGURE6, pair_images(pairs["held out"]), results))


def _named(key):
  """(name of the network of a row's key, whether it is a public checkpoint)."""
  return (key.method, True) if isinstance(key, Public) else (key, False)


def _pairs_row(bench, key, pairs, part):
  """A row of Table 2; that of APE can only be quoted."""
  name, public = _named(key)

  def score(seed):
    return score_pairs(pairs, bench.method(name, seed, public, clip=False), None if public else bench.kept(key, seed))

  small = not public and name not in NAIVE and bench.origin(name)[0] == "trained" and bench.options.preset != "paper"
  return _row(bench, key, None if name == "ape" else score, f"{len(pairs)} pairs, {part}",
              published=published.TABLE2.get(name, {}),
              caveat=published.TABLE2_MIXED.get(name, TRAINED_ALIKE if small else ""))


def _row(bench, key, score, group, **more):
  """A row of one of the enhancers."""
  name, public = _named(key)
  training = None if name in NAIVE else bench.training(name, public)
  return bench.row(key, published.TITLES[name], score, training, group=PUBLIC * public + group, **more)


def _origins(bench):
  """Lines that say where the rows' networks come from."""
  found = {}
  for name in ORDER:
    if name not in NAIVE:
      origin, path = bench.origin(name)
      what = {"trained": f"trained by the {bench.options.preset} preset, {bench.training(name).config.iterations} steps",
              "given": "given, perhaps trained on some of these images"}[origin]
      found.setdefault(what, []).append(published.TITLES[name] + (f" ({pathlib.Path(path).name})" if path else ""))
    if path := bench.checkpoint(name):
      found.setdefault("public checkpoint", []).append(f"{published.TITLES[name]} ({path.name})")
  return [f"{what}: {'; '.join(names)}" for what, names in found.items()]


def _protocol(options, digests):
  return {"channel": "RGB", "crop": 0, "rounding": "none", "psnr and ssim": "of outputs clipped to [0, 1]",
          "ms_ssim_dped": "of unclipped outputs, DPED's form",
          "identical pairs": "left out of distinct values alone", "niqe": "one montage of the 96x96 middles",
          "noise": "fixed", "checkpoint": CHOICE, "preset": options.preset, "images": digests}


def table3(options: Options, seeds: int = SEEDS):
  """Measure Table 3: NIQE of the enhancers on full photographs.

  Takes the photographs of DPED's test_data/full_size_test_images, of the challenge's HD_res, or all in the data folder.
  Networks as in table2, whose training runs are used again. Writes OUT/table3.

  Example: tf-imgtrans reproduce mux_demux table3 --data dped --preset small --out reproduced

  The data folder:
    {pairs}

  Args:
    seeds: training runs of each network.
  """
  from tf_imgtrans.data.folders import full_photographs
  from tf_imgtrans.data.pairs import digest

  bench = Enhancement(options, "table3", STEPS, seeds)
  photographs = full_photographs(bench.options.data, options.phone)[:bench.count]
  keys = [*(name for name in ORDER if name != "ape"), *(Public(name) for name in ORDER if bench.checkpoint(name))]
  rows = [_row(bench, key, functools.partial(_photograph_niqe, bench, key, photographs), f"{len(photographs)} photographs",
               published=published.TABLE3.get(_named(key)[0], {}),
               caveat=published.TABLE3_UNKNOWN if _named(key)[0] in published.TABLE3 else "") for key in keys]
  return bench.report(f"Table 3: NIQE on {len(photographs)} full photographs", [NIQE], rows, {
      "niqe": "BT.601 luma, 96x96 blocks, at least two, LIVE pristine model", "crop": 0, "noise": "fixed",
      "outputs": "clipped to [0, 1]", "checkpoint": CHOICE, "preset": options.preset, "images": digest(photographs)},
      published.STATEMENTS["table3"], notes=_origins(bench))


def _photograph_niqe(bench, key, photographs, seed):
  """Mean NIQE of a network's outputs for whole photographs, read one at a time."""
  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.metrics.natural_image_quality import BLOCK
  from tf_imgtrans.metrics.scoring import Scores
  from tf_imgtrans.tables.bench import Item, each_image

  name, public = _named(key)
  method, scores = bench.method(name, seed, public), Scores(("niqe",))
  for path in photographs:
    image = read_image(path)
    if (image.shape[0] // BLOCK) * (image.shape[1] // BLOCK) < 2:
      raise ValueError(f"{path} is {image.shape[1]}x{image.shape[0]}: NIQE needs two blocks of {BLOCK}x{BLOCK}; "
                       "leave it out of the folder")
    scores.add(None, method(Item(path.stem, image, None)))
  return {**scores.means(), "each": each_image(scores, [path.name for path in photographs])}


def table4(options: Options, rounds: int = ROUNDS, height: int = 720, width: int = 1280):
  """Measure Table 4: running time of the enhancers at 1280x720.

  All networks take turns in one process, round after round, so that a slow moment of the machine affects all of them; the
  ratio to SRCNN is the median over the rounds. Needs no data. Writes OUT/table4.

  Example: tf-imgtrans reproduce mux_demux table4 --out reproduced

  Args:
    rounds: measured rounds, after one that warms up.
    height: of the image, in pixels.
    width: of the image.
  """
  check_count("rounds", rounds)
  start_tensorflow()
  from tf_imgtrans.recipes import create_generator
  from tf_imgtrans.tables.speed import take_turns

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
  paper's statements hold. Writes OUT/table5: table.json, table.md, figure7.png.

  Example: tf-imgtrans reproduce mux_demux table5 --data dped --preset small --out reproduced

  The data folder:
    {pairs}

  Args:
    seeds: training runs of each condition.
  """
  from tf_imgtrans.data.pairs import digest
  from tf_imgtrans.tables.enhancement import pair_images

  bench = Enhancement(options, "table5", ABLATION_STEPS, seeds)
  pairs = bench.pairs

  def row(name):
    changes = published.ABLATION[name]
    training = dataclasses.replace(bench.training("mux_demux", **changes), run=f"table5-{name}")
    ablates, = [field.removeprefix("weight_") for field in changes if field.startswith("weight_")] or [""]
    return bench.row(name, published.TABLE5_TITLES[name], lambda seed: score_pairs(
        pairs, bench.apply(training, seed, clip=False), bench.kept(name, seed)), training, published=published.TABLE5[name],
                     ablates=ablates)

  naive = [_row(bench, name, lambda seed, name=name: score_pairs(pairs, bench.method(name, seed)), "")
           for name in NAIVE if name != "ape"]
  return bench.report(
      f"Table 5: ablation, {seeds} seeds", [PSNR, MS_SSIM, SSIM, NIQE],
      [*naive, *(row(name) for name in published.TABLE5)],
      _protocol(options, {"held out": digest(pairs)}), published.STATEMENTS["table5"],
      after=lambda results: bench.draw("figure7", FIGURE7, pair_images(pairs), results))
