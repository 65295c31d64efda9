"""What the tables and figures of translation share: the images, the methods, and how an output is scored."""

import dataclasses
import functools
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.baselines.segmentation.config import PRESETS as FCN8S
from tf_imgtrans.baselines.translation.config import PRESETS as BASELINES
from tf_imgtrans.cli.reproduce.figures import shown_pairs
from tf_imgtrans.cli.reproduce.options import ReproduceOptions
from tf_imgtrans.cli.reproduce.runs import load_trained, trained, vgg_file, weight_folders
from tf_imgtrans.core.config import PositiveCount
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS, VARIANTS
from tf_imgtrans.training.options import PairedOptions, TrainingOptions

STEPS, SEEDS = 1000, 3  # of each run, and runs of each network, under the mini preset
HELD_OUT = {"labels_to_photo": 0.25, "super_resolution": 0.1, "inpainting": 0.1}  # where the data have no test part
IMAGES = {"paper": 500, "mini": 60}  # held-out images that are measured; Cityscapes' validation part has 500
SMALL = {"paper": "paper", "mini": "small"}  # preset of the configurations by that of the tables


@dataclasses.dataclass(frozen=True)
class TranslationOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # labelled photographs, or photographs, as the table says
  label_set: Literal["cityscapes", "camvid"] = "cityscapes"  # of labelled photographs
  segmenter: pathlib.Path | None = None  # FCN-8s of the FCN score, a .keras file or a run; else one is trained on the data
  images: PositiveCount | None = None  # held-out images that are measured, instead of the preset's


Options = Annotated[TranslationOptions, tyro.conf.arg(name="")]


@dataclasses.dataclass(frozen=True)
class Shown:
  """A held-out image of a figure."""

  stem: str
  target: pathlib.Path  # as it was written beside the outputs


class Bench:
  """Images and methods of one task.

  Args:
    options: TranslationOptions.
    task: str, of the paper's Config.
    out: Path of the table's folder.
  """

  def __init__(self, options, task, out):
    if options.data is None:
      raise ValueError("no data folder: give one with --data")
    self.options, self.task, self.out = options, task, out
    self.steps = options.steps or (STEPS if options.preset == "mini" else None)
    self.weights = weight_folders(options, options.data)

  def config(self, method):
    """How a method is trained under the preset: a variant of the paper's model, or a baseline on its own network."""
    preset = SMALL[self.options.preset]
    config = dataclasses.replace(PRESETS[preset], **VARIANTS[method]) if method in VARIANTS else BASELINES[preset][method]
    return self._completed(config, task=self.task, label_set=self.options.label_set)

  @functools.cached_property
  def folder(self):
    """The images as the task takes them: data.folders.Folder."""
    from tf_imgtrans.papers.feature_pyramid_pan.data import DataFolder, find

    found = find(self.config("full"), DataFolder(self.options.data, HELD_OUT[self.task]))
    if not found.validation:
      raise ValueError(f"{self.options.data} holds too few images to hold some out: give more")
    return found

  @functools.cached_property
  def images(self):
    """Held-out images that are measured: list of (name, source, target), float32 [S, S, 3]."""
    from tf_imgtrans.papers.feature_pyramid_pan.data import held_out

    return list(held_out(self.config("full"), self.folder, self._most()))

  @functools.cached_property
  def labels(self):
    """Class ids of the held-out images at their full size: list of uint8 [H, W]."""
    from tf_imgtrans.data.labels import read_labels

    return [read_labels(pair.source, self.options.label_set) for pair in self.folder.validation[:self._most()]]

  @functools.cached_property
  def segmenter(self):
    """The segmenter of the FCN score: the given one, or the one trained in OUT/runs/fcn8s-seedN."""
    from tf_imgtrans.baselines.segmentation.score import load_segmenter

    if self.options.segmenter:
      return load_segmenter(self.options.segmenter)
    config = FCN8S[SMALL[self.options.preset]]
    config = dataclasses.replace(config, label_set=self.options.label_set, seed=self.options.seed,
                                 iterations=self.options.steps or config.iterations)
    folder = self.options.out / "runs" / f"fcn8s-seed{config.seed}"
    return load_segmenter(trained("fcn8s", config, TrainingOptions(out=folder, data=self.options.data,
                                                                  validation_share=HELD_OUT[self.task])))

  def protocol(self):
    """How every row is measured, as a table's protocol."""
    from tf_imgtrans.data.pairs import digest

    images = f"{len(self.images)} of {self.options.data.resolve().name}, held out"
    return {"task": self.task, "images": images, "digest": digest(self.folder.validation[:self._most()]),
            "size": f"{self.config('full').image_size}x{self.config('full').image_size} pixels, aspect ignored",
            "preset": self.options.preset}

  def network(self, method, seed):
    """The network trained in OUT/runs/TASK-SYSTEM-seedN, which is begun, resumed or taken as it is: source -> output."""
    config = dataclasses.replace(self.config(method), seed=seed)
    if hasattr(config, "vgg_weights"):
      config = dataclasses.replace(config, vgg_weights=vgg_file(self.weights))
    folder = self.options.out / "runs" / f"{self.task}-{method}-seed{seed}"
    options = PairedOptions(out=folder, data=self.options.data, validation_share=HELD_OUT[self.task],
                            validation_images=20)
    paper = "feature_pyramid_pan" if method in VARIANTS else method
    return load_trained(trained(paper, config, options, self.folder.summary()), config.image_size)

  def outputs(self, method, seed):
    """What a method makes of the held-out images: list of float32 [S, S, 3]; "input" and "target" are these themselves.

    Those that a figure shows are kept in OUT/images, of the first seed.
    """
    import numpy as np

    from tf_imgtrans.core.images import write_image

    place = {"input": 1, "target": 2}.get(method)
    run = None if place else self.network(method, seed)
    made = [image[place] if place else np.clip(run(image[1]), 0.0, 1.0) for image in self.images]
    if seed == self.options.seed:
      for (name, _, _), output in shown_pairs(list(zip(self.images, made))):
        write_image(self.out / "images" / method / f"{name}.png", output)
    return made

  def distortion(self, method, seed):
    """PSNR and SSIM on whole images, RGB: dict of values."""
    from tf_imgtrans.metrics.scoring import mean_scores

    targets = [target for _, _, target in self.images]
    return {**mean_scores(targets, self.outputs(method, seed), ("psnr", "ssim")), "images": len(targets)}

  def fcn(self, method, seed):
    """The FCN score: dict of values."""
    from tf_imgtrans.baselines.segmentation.score import fcn_scores
    from tf_imgtrans.data.labels import LABEL_SETS

    return fcn_scores(self.segmenter, self.outputs(method, seed), self.labels, len(LABEL_SETS[self.options.label_set]))

  def shown(self):
    """The images of a figure: list of Shown."""
    from tf_imgtrans.core.images import write_image

    found = []
    for name, _, target in shown_pairs(self.images):
      found.append(Shown(name, self.out / "images" / "target" / f"{name}.png"))
      write_image(found[-1].target, target)
    return found

  def _most(self):
    return self.options.images or IMAGES[self.options.preset]

  def _completed(self, config, **changes):
    return dataclasses.replace(config, **changes, **({"iterations": self.steps} if self.steps else {}))
