"""What the tables and figures of super-resolution share: the images, the methods, and how an output is scored."""

import dataclasses
import functools
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.baselines.super_resolution.config import PRESETS as BASELINES
from tf_imgtrans.cli.reproduce.figures import shown_pairs
from tf_imgtrans.cli.reproduce.options import ReproduceOptions
from tf_imgtrans.cli.reproduce.runs import find, load_trained, trained, weight_folders
from tf_imgtrans.core.config import PositiveCount
from tf_imgtrans.papers.progressive_pan.config import PRESETS, VARIANTS
from tf_imgtrans.training.options import TrainingOptions

SEEDS = 3  # runs of each network
HELD_OUT = 0.1  # where the data have no test part
IMAGES = {"paper": 5000, "mini": 200}  # held-out images that are measured; Sec. 5.2
EXTRACTORS = ("*inception_v3*.h5", "squeezenet*.h5")  # files of --weights, the first that is there
SMALL = {"paper": "paper", "mini": "small"}  # preset of the configurations by that of the tables


@dataclasses.dataclass(frozen=True)
class SuperResolutionOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # aligned images, or a folder of tf-imgtrans data pack
  images: PositiveCount | None = None  # that PAN sees of each size in its fade, and after it; for the others, use --steps
  measured: PositiveCount | None = None  # held-out images that are measured, instead of the preset's
  # InceptionV3 (FID), SqueezeNet or another extractor; else one of --weights; without any no such column
  feature_weights: pathlib.Path | None = None


Options = Annotated[SuperResolutionOptions, tyro.conf.arg(name="")]


@dataclasses.dataclass(frozen=True)
class Shown:
  """A held-out image of a figure."""

  stem: str
  target: pathlib.Path  # as it was written beside the outputs


class Bench:
  """Images and methods.

  Args:
    options: SuperResolutionOptions.
    name: str, the table's folder below OUT.
    scale: int, how many times as high and wide the measured images are as the inputs; None for as many as the paper's
      network makes them. Of a network that makes them more, blocks of pixels are averaged (Sec. 5.2).
    baselines: bool, whether the table has networks that take no packed images.
    **sizes: fields of the paper's Config that the table changes for all methods.
  """

  def __init__(self, options, name, scale=None, baselines=False, **sizes):
    if options.data is None:
      raise ValueError("no data folder: give one with --data")
    self.options, self.out = options, options.out / name
    if baselines and (options.data / "index.json").is_file():
      raise ValueError(f"{options.data} holds packed images, which ESRGAN, CARN and RCAN cannot be trained on: give the "
                       "folder that they were made of")
    self.features = options.feature_weights or find(weight_folders(options, options.data), *EXTRACTORS)
    base = dataclasses.replace(PRESETS[SMALL[options.preset]], **sizes)
    if options.images:
      base = dataclasses.replace(base, stable=options.images, fade=options.images)
    self.base = base
    self.scale = scale or base.scale
    self.size = base.input_size * self.scale

  @functools.cached_property
  def data(self):
    """Images of the data folder, in their two parts."""
    from tf_imgtrans.papers.progressive_pan.data import find

    found = find(self.options.data, HELD_OUT)
    if not found.validation:
      raise ValueError(f"{self.options.data} holds too few images to hold some out: give more")
    return found

  def images(self):
    """Yields (name, source, target) of the held-out images that are measured, float32 [s, s, 3] and [S, S, 3]."""
    from tf_imgtrans.data.degradations import area
    from tf_imgtrans.papers.progressive_pan.data import held_out

    for name, source, target in held_out(self.base, self.data, self._most()):
      yield name, source, area(target, self.base.output_size // self.size).numpy()

  def config(self, method):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline.

    "skips_N" keeps N skip connections; "x2", "x4" and "x8" are the paper's model up to that scale, and "rcan_x2" ... RCAN
    for it. None for bicubic enlargement.
    """
    name, _, number = method.partition("_x")
    if name in BASELINES["paper"]:
      scale = int(number or self.scale)
      size = self.base.input_size * scale
      config = BASELINES[SMALL[self.options.preset]][name]
      config = dataclasses.replace(config, scale=scale, image_size=size, patch_size=min(size, config.patch_size),
                                   low_resolution=self.base.low_resolution)
      return dataclasses.replace(config, iterations=self.options.steps or config.iterations)
    if method == "bicubic":
      return None
    if method.startswith("skips_"):
      return dataclasses.replace(self.base, skips=int(method.removeprefix("skips_")))
    return self.base if method.startswith("x") else dataclasses.replace(self.base, **VARIANTS[method])

  def protocol(self):
    """How every row is measured, as a table's protocol."""
    images = f"{min(len(self.data.validation), self._most())} of {self.options.data.resolve().name}, held out"
    return {"images": images, "data": self.data.summary, "input": f"{self.base.input_size} pixels, by area",
            "output": f"{self.size} pixels", "preset": self.options.preset,
            "feature weights": self.features.name if self.features else "none"}

  def network(self, method, seed):
    """source [s, s, 3] -> output [S, S, 3] in [0, 1], NumPy; trained in OUT/../runs where that is needed."""
    from tf_imgtrans.data.degradations import area, enlarge

    config = self.config(method)
    if config is None:
      return lambda source: enlarge(source, self.scale).numpy()
    config = dataclasses.replace(config, seed=seed)
    paper = getattr(config, "network", "progressive_pan")
    sizes = f"{self.base.input_size}to{getattr(config, 'output_size', self.size)}"
    variant = "full" if method.startswith("x") else method.partition("_x")[0]
    options = TrainingOptions(out=self.options.out / "runs" / f"{variant}-{sizes}-seed{seed}", data=self.options.data,
                              validation_share=HELD_OUT, validation_images=20)
    path = trained(paper, config, options, self.data.summary)
    if method.startswith("x") and self.scale < self.base.scale:
      path = path.with_name(f"generator_{method}.keras")  # as it was at the end of its stage
    run = load_trained(path, self.base.input_size)

    def scaled(source):
      output = run(source)
      return area(output, output.shape[0] // self.size).numpy()

    return scaled

  def measure(self, method, seed):
    """Scores of a system's outputs: dict of values. Those that a figure shows are kept, of the first seed."""
    from tf_imgtrans.core.images import write_image
    from tf_imgtrans.metrics.scoring import Scores
    from tf_imgtrans.metrics.set_scoring import SetScores

    run, scores = self.network(method, seed), Scores(("psnr", "ssim", "niqe"))
    count = min(len(self.data.validation), self._most())
    names = (*(["frechet"] if self.features else []), "sliced_wasserstein")
    kept = {name for name, *_ in shown_pairs(list(self._names()))} if seed == self.options.seed else set()
    with SetScores(names, count, self.features, self.options.out / "features") as sets:
      for name, source, target in self.images():
        output = run(source)
        scores.add(target, output)
        sets.add(name, target, output, source)
        if name in kept:
          for what, image in (("input", source), ("target", target), (method, output)):
            write_image(self.out / "images" / what / f"{name}.png", image)
      return {**scores.means(), **_set_values(sets.rows()), "images": count}

  def shown(self):
    """The images of a figure: list of Shown."""
    return [Shown(name, self.out / "images" / "target" / f"{name}.png") for name, in shown_pairs(list(self._names()))]

  def _names(self):
    return ((self.data.names[number],) for number in self.data.validation[:self._most()])

  def _most(self):
    return self.options.measured or IMAGES[self.options.preset]


def _set_values(rows):
  """The columns of `SetScores.rows`: SWD of the two finest levels, and the distance of features by what it is called."""
  values = {}
  for name, row in rows.items():
    if name == "sliced_wasserstein":
      values |= dict(zip(("swd_fine", "swd_half"), row["output"]["levels"].values()))  # of 16 pixels there is one level
      values["swd_average"] = row["output"]["value"]
    else:
      values |= {"frechet": row["output"]["value"], "features": row["protocol"]}
      if row["extractor"] == "inception_v3":  # of another network it is never called FID
        values["fid"] = row["output"]["value"]
  return values
