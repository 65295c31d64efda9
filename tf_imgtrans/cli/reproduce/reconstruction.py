"""What the tables and figures of reconstruction share: the images, the methods, and how a reconstruction is scored."""

import dataclasses
import functools
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.baselines.on_demand.config import COMPARISON
from tf_imgtrans.baselines.on_demand.config import Config as OnDemandConfig
from tf_imgtrans.cli.reproduce.curves import find_matplotlib
from tf_imgtrans.cli.reproduce.frame import check_count
from tf_imgtrans.cli.reproduce.given import model_digest, parse_models
from tf_imgtrans.cli.reproduce.options import ReproduceOptions
from tf_imgtrans.cli.reproduce.runs import load_trained, trained, vgg_file, weight_folders
from tf_imgtrans.core.config import PositiveCount
from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.papers.x_gans.config import PRESETS
from tf_imgtrans.training.options import TrainingOptions

STEPS, SEEDS = 600, 3  # of each run, and runs of each network, under the mini preset
HELD_OUT = 0.1  # share of the images, where the data have no test part
IMAGES = {"paper": 500, "mini": 60}  # held-out images that are measured; Sec. 4
# What a mini run changes in the small preset and in on-demand learning: what two processor cores train in a minute or two.
MINI = {"base_channels": 24, "residual_blocks": 3, "discriminator_channels": 24, "batch_size": 8, "learning_rate": 5e-4}
MINI_ON_DEMAND = {"image_size": 64, "base_channels": 32, "batch_size": 20, "learning_rate": 5e-4, "adaptation_images": 20,
                  "adapt_every": 100}
SHARES = {"color_noise": (0.05, 0.15)}  # of valid pixels, in training; of points the configuration's
# Names of the networks: of their run folders, and for --models.
_TRAINED = {"random_points": ("x_gans", "on_demand", "point_l1", "point_none"), "edge_points": ("x_gans",),
            **dict.fromkeys(("color_noise", "white_block", "color_blocks"), ("x_gans", "on_demand"))}
RUNS = tuple(f"{corruption}-{method}" for corruption, methods in _TRAINED.items() for method in methods)
SHOWN = 4  # reconstructions kept for a panel


@dataclasses.dataclass(frozen=True)
class ReconstructionOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # photographs, in the folder or below it: the paper has CelebA, and SUN397
  patches: pathlib.Path | None = None  # folder of images that colour blocks are cut from; the paper: SUN397
  images: PositiveCount | None = None  # held-out images that are measured, instead of the preset's
  # NAME=MODEL: networks of your own, such as random_points-x_gans=runs/points64 (corruption-method). Nothing is trained
  # then, and the rows of other networks are left out.
  models: tuple[str, ...] = ()


Options = Annotated[ReconstructionOptions, tyro.conf.arg(name="")]


def start_bench(options, seeds, curves=False):
  """The Bench of a call; fails at once where something that it needs at its end is missing.

  Args:
    options: ReconstructionOptions.
    seeds: int, training runs of each network.
    curves: bool, whether curves will be drawn.
  """
  if curves:
    find_matplotlib()
  bench = Bench(options, STEPS, seeds)
  start_tensorflow()
  return bench


class Bench:
  """Images and methods of one call.

  Args:
    options: ReconstructionOptions.
    steps: int, training steps of the mini preset.
    seeds: int, training runs of each network.
  """

  def __init__(self, options, steps, seeds=1):
    check_count("seeds", seeds)
    if options.data is None:
      raise ValueError("no data folder: give one with --data")
    self.options = options
    self.seeds = seeds
    self.steps = options.steps or (steps if options.preset == "mini" else None)
    self.weights = weight_folders(options, options.data)
    self.models = parse_models(options.models, RUNS, "random_points-x_gans=runs/points64")

  @functools.cached_property
  def folder(self):
    """The photographs: data.folders.Folder."""
    from tf_imgtrans.data.folders import read_photographs

    return read_photographs(self.options.data, HELD_OUT)

  @functools.cached_property
  def paths(self):
    """Held-out images that are measured: list of Path."""
    held_out = self.folder.validation
    if not held_out:
      raise ValueError(f"{self.options.data} holds too few images to hold some out: give more")
    return held_out[:self.options.images or IMAGES[self.options.preset]]

  @functools.cached_property
  def patches(self):
    """The images that blocks are cut from, decoded once: ImageStore."""
    from tf_imgtrans.papers.x_gans.data import patch_store

    self._check_patches("color_blocks")
    return patch_store(self.x_gans("color_blocks"))

  @functools.cached_property
  def images(self):
    """The held-out images at the size of the networks: list of (name, uint8 [S, S, 3])."""
    from tf_imgtrans.core.images import read_uint8
    from tf_imgtrans.data.resizing import resize

    size = self.x_gans("random_points").image_size
    return [(path.stem, resize(read_uint8(path), size)) for path in self.paths]

  def protocol(self):
    """How every row is measured, as a table's protocol."""
    from tf_imgtrans.data.pairs import digest

    images = f"{len(self.paths)} of {self.options.data.resolve().name}, held out"
    return {"images": images, "digest": digest(self.paths), "preset": self.options.preset}

  def x_gans(self, corruption, **changes):
    """How X-GANs are trained against a corruption under the preset."""
    paper = self.options.preset == "paper"
    config = PRESETS["paper"] if paper else dataclasses.replace(PRESETS["small"], **MINI)
    return self._completed(config, corruption, **{"share": SHARES.get(corruption, config.share), **changes})

  def on_demand(self, corruption):
    """How on-demand learning is trained against a corruption under the preset."""
    changes = {} if self.options.preset == "paper" else MINI_ON_DEMAND
    return self._completed(COMPARISON, corruption, **changes)

  def row(self, config, run):
    """What a frame.Row takes of the network that it measures: dict of `seeds` and `details`; None where it is left out.

    Args:
      config: how it is trained; None for what is not.
      run: str, one of RUNS.
    """
    if config is None:
      return {"seeds": (self.options.seed,)}
    if not self.models:
      return {"seeds": tuple(range(self.options.seed, self.options.seed + self.seeds)),
              "details": {"config": dataclasses.asdict(config)}}
    if run not in self.models:
      return None
    path = pathlib.Path(self.models[run])
    return {"seeds": (self.options.seed,), "details": {"network": path.name, "digest": model_digest(path)}}

  def network(self, config, run, seed):
    """The given network, or that of OUT/runs/RUN-seedN, which is begun, resumed or taken as it is: images -> outputs."""
    from tf_imgtrans.papers.x_gans.data import data_summary

    if run in self.models:
      return _load_given(self.models[run])
    self._check_patches(config.corruption)
    paper = "on_demand" if isinstance(config, OnDemandConfig) else "x_gans"
    files = {"vgg_weights": vgg_file(self.weights)} if paper == "x_gans" else {}  # no condition of a row: a file may move
    config = dataclasses.replace(config, seed=seed, **files)
    folder = self.options.out / "runs" / f"{run}-seed{seed}"
    options = TrainingOptions(out=folder, data=self.options.data, validation_share=HELD_OUT, validation_images=20)
    run = load_trained(trained(paper, config, options, data_summary(config, self.folder)), config.image_size)
    return lambda source, mask: run(source)

  def score(self, corruption, share, reconstruct, keep=None):
    """Scores reconstructions of the held-out images: means of PSNR and SSIM on whole images, RGB.

    Args:
      corruption: str.
      share: float, of pixels kept; None for blocks, which lie in the middle and have the largest size.
      reconstruct: (source [S, S, 3], mask [S, S, 1]) -> [S, S, 3].
      keep: Path of a folder for the first reconstructions.
    Returns:
      dict: "psnr", "ssim", "images".
    """
    import numpy as np

    from tf_imgtrans.core.images import write_image
    from tf_imgtrans.metrics.scoring import mean_scores
    from tf_imgtrans.papers.x_gans.data import held_out

    patches = self.patches if corruption == "color_blocks" else None
    config = self.x_gans(corruption)
    config = dataclasses.replace(config, tile_size=(config.tile_size[1],) * 2)
    targets, outputs = [], []
    for name, source, mask, target in held_out(config, self.paths, patches, share, centered=True):
      targets.append(target)
      outputs.append(np.clip(reconstruct(source, mask), 0.0, 1.0))
      if keep and len(outputs) <= SHOWN:
        write_image(keep / f"{name}.png", outputs[-1])
    return {**mean_scores(targets, outputs, ("psnr", "ssim")), "images": len(targets)}

  def _check_patches(self, corruption):
    if corruption == "color_blocks" and self.options.patches is None:
      raise ValueError("cluttered blocks are cut from other images: give their folder with --patches")

  def _completed(self, config, corruption, **changes):
    patches = str(self.options.patches or "") if corruption == "color_blocks" else ""
    steps = {"iterations": self.steps} if self.steps else {}
    return dataclasses.replace(config, corruption=corruption, patches=patches, **steps, **changes)


@functools.lru_cache(maxsize=2)
def _load_given(path):
  """A network of any format: (source, mask) -> output, NumPy."""
  import numpy as np

  from tf_imgtrans.inference.models import load_model

  model = load_model(path)
  return lambda source, mask: np.asarray(model(source[None]))[0]
