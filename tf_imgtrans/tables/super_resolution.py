"""What the tables of the progressive paper share: images, networks and scores of super-resolution."""

import dataclasses
import functools
import pathlib
from typing import Annotated

import tyro

from tf_imgtrans.core.config import PositiveCount
from tf_imgtrans.papers.progressive_pan.config import VARIANTS
from tf_imgtrans.recipes import find_recipe
from tf_imgtrans.tables.bench import Bench, Images, Item, Training, each_image, outputs
from tf_imgtrans.tables.compute import with_compute_of
from tf_imgtrans.tables.options import ReproduceOptions
from tf_imgtrans.tables.published.progressive_pan import Key
from tf_imgtrans.tables.runs import find
from tf_imgtrans.tables.table import Column

EXTRACTORS = ("*inception_v3*.h5", "squeezenet*.h5")  # files of --weights, the first that is there
CHANGES = {"tiny": {"output_size": 32}}  # of the paper's configuration by preset: Table 1 enlarges 4 times
OURS = {**VARIANTS, "degraded": {"degrade": True}}


@dataclasses.dataclass(frozen=True)
class SuperResolutionOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # aligned images, or a folder of tf-imgtrans data pack
  images: PositiveCount | None = None  # that PAN sees of each size in its fade, and after it; for the others, use --steps
  # InceptionV3 (FID), SqueezeNet or another extractor; else one of --weights; without any no such column
  feature_weights: pathlib.Path | None = None


Options = Annotated[SuperResolutionOptions, tyro.conf.arg(name="")]


class SuperResolution(Bench):
  """Images and networks of a table of super-resolution.

  Args:
    options: SuperResolutionOptions.
    table: str.
    seeds: int.
    scale: int, how many times as high and wide the measured images are as the inputs; None for as many as the paper's
      network makes them. Of a network that makes them more, blocks of pixels are averaged (Sec. 5.2).
    baselines: bool, whether the table has networks that take no packed images.
    degrade: bool, whether the measured inputs are degraded (Sec. 5.7).
    **sizes: fields of the paper's Config that the table changes for all methods.
  """

  paper = "progressive_pan"
  most = {"paper": 5000, "small": 200, "tiny": 4}  # Sec. 5.2

  def __init__(self, options, table, seeds=1, scale=None, baselines=False, degrade=False, **sizes):
    super().__init__(options, table, seeds)
    self.degrade = degrade
    if baselines and (options.data / "index.json").is_file():
      raise ValueError(f"{options.data} holds packed images, which ESRGAN, CARN and RCAN cannot be trained on: give the "
                       "folder that they were made of")
    self.features = options.feature_weights or find(self.weights, *EXTRACTORS)
    if options.images:
      sizes |= {"stable": options.images, "fade": options.images}
    self.base = find_recipe(self.paper).preset(options.preset, **{**CHANGES.get(options.preset, {}), **sizes})
    self.scale = scale or self.base.scale

  @functools.cached_property
  def data(self):
    """Images of the data folder, in their two parts."""
    from tf_imgtrans.papers.progressive_pan.data import find

    return find(self.options.data, self.held_out)

  def summary(self, training, folder):
    """As of `Bench`."""
    return self.data.without_held_out(self.tuning).summary

  def size(self, key):
    """Height and width of the measured images of a row."""
    return self.base.input_size * (key.scale or self.scale)

  def images(self, size):
    """Test images with targets of a size: Images."""
    from tf_imgtrans.data.degradations import area
    from tf_imgtrans.papers.progressive_pan.data import held_out

    numbers = self.test_part(self.data)
    return Images([self.data.names[number] for number in numbers], lambda: (
        Item(name, source, area(target, self.base.output_size // size).numpy())
        for name, source, target in held_out(dataclasses.replace(self.base, degrade=self.degrade), self.data,
                                             len(numbers))))

  def config(self, key):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline; None for bicubic."""
    if key.method == "bicubic":
      return None
    if key.method in OURS:
      changes = OURS[key.method] if key.skips is None else {"skips": key.skips}
      config = dataclasses.replace(self.base, **changes)
      return config if config.progressive else with_compute_of(self.base, config)
    name, *_ = key.method.split("_")
    fields = {"stage": "gan"} if key.method == "esrgan" else {}
    config, size = find_recipe(name).preset(self.options.preset, **fields), self.size(key)
    return self.completed(config, scale=size // self.base.input_size, image_size=size,
                          patch_size=min(size, config.patch_size), low_resolution=self.base.low_resolution)

  def training(self, key):
    """Training of a row; one of the paper's model gives all scales, as it was at the end of each size."""
    config = self.config(key)
    if config is None:
      return None
    ours = key.method in OURS
    output = config.output_size if ours else config.image_size
    stage = f"_x{key.scale}" if ours and key.scale and key.scale < self.base.scale else ""
    return Training(self.paper if ours else key.method.split("_")[0], config,
                    f"{key.variant}-{self.base.input_size}to{output}", self.base.input_size, file=f"generator{stage}.keras")

  def train(self, training, seed):
    """As of `Bench`; ESRGAN's second stage starts from the run of its first."""
    if getattr(training.config, "stage", "") == "gan":
      first = super().train(self.training(Key("esrgan_l1")), seed)
      config = dataclasses.replace(training.config, initial_weights=str(first.resolve()))
      training = dataclasses.replace(training, config=config)
    return super().train(training, seed)

  def method(self, key, seed):
    """A method as a function of an Item."""
    from tf_imgtrans.data.degradations import area, enlarge

    size = self.size(key)
    if key.method == "bicubic":
      return lambda item: enlarge(item.source, size // self.base.input_size).numpy()
    return self.apply(self.training(key), seed, lambda output: area(output, output.shape[0] // size).numpy())

  def score(self, key, seed):
    """Scores of a row's outputs: dict of values."""
    from tf_imgtrans.metrics.scoring import Scores
    from tf_imgtrans.metrics.set_scoring import SetScores

    method, scores, images = self.method(key, seed), Scores(("psnr", "ssim", "niqe")), self.images(self.size(key))
    names = (*(["frechet"] if self.features else []), "sliced_wasserstein")
    with SetScores(names, len(images), self.features, self.options.out / "features",
                   paired=False) as sets:
      for item, output in outputs(images, method, self.kept(key, seed)):
        scores.add(item.target, output)
        sets.add(item.name, item.target, output, item.source)
      return {**scores.means(), **_set_values(sets.rows()), "images": len(images),
              "each": each_image(scores, images.names)}

  def columns(self, levels):
    """Columns of a table, the two finest levels of SWD named as given."""
    return [Column("psnr", "PSNR dB", 2), Column("ssim", "SSIM", 4), Column("niqe", "NIQE", 2),
            *([Column("fid", "FID", 2), Column("frechet", "Fréchet distance", 2)] if self.features else []),
            *(Column(name, f"SWD x1000 {level}", 2) for name, level in zip(("swd_fine", "swd_half"), levels)),
            Column("swd_average", "SWD x1000 mean", 2)]

  def protocol(self, scales):
    """How every row is measured."""
    sizes = " and ".join(str(self.base.input_size * scale) for scale in scales)
    how = "degraded at random" if self.degrade else "by area"
    return {"images": self.described(self.test_part(self.data)), "data": self.data.summary,
            "patches of SWD": "at places of their own in outputs and targets, as in the public code",
            "input": f"{self.base.input_size} pixels, {how}", "output": f"{sizes} pixels",
            "preset": self.options.preset, "feature weights": self.features.name if self.features else "none"}


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
