"""Photo enhancement: the networks of the Mux/Demux tables, their test images, and how an output is scored."""

import dataclasses
import functools
import math
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.recipes import OTHER_GENERATORS, find_recipe
from tf_imgtrans.tables.bench import Bench, Images, Item, Training, each_image, outputs
from tf_imgtrans.tables.options import ReproduceOptions

# How the paper trains each network.
NETWORKS = {"mux_demux": find_recipe("mux_demux").preset(),
            "mux_demux_hp": find_recipe("mux_demux").preset(network="high_performance"),
            **{name: find_recipe(name).preset() for name in ("srcnn", "johnson", "dped", "resnet_8_32", "resnet_12_64")}}
# What the small preset changes: what two processor cores train in minutes. VGG19 is often available up to block 3 only, and
# the perceptual term on it is some thousand times larger than on the paper's layer.
SMALL = {"patch_size": 64, "batch_size": 8, "flip": True}
SMALL_VGG = {"perceptual_layer": "block3_conv1", "contextual_layers": ("block3_conv1",), "weight_perceptual": 0.001}


@dataclasses.dataclass(frozen=True)
class EnhancementOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # DPED, the challenge's folder, or two paired folders
  models: tuple[str, ...] = ()  # NAME=MODEL: a row's network, such as mux_demux=runs/iphone
  phone: Literal["iphone", "blackberry", "sony"] | None = None  # of data that hold several


Options = Annotated[EnhancementOptions, tyro.conf.arg(name="")]


def network_config(name, preset):
  """How a network of NETWORKS is trained under a preset."""
  config = NETWORKS[name]
  if preset == "paper":
    return config
  if preset == "tiny":
    fields = {"network": config.network} if hasattr(config, "network") else {}
    return find_recipe(OTHER_GENERATORS.get(name, name)).preset(preset, **fields)
  deep = getattr(config, "weight_contextual", 0) or (
      getattr(config, "weight_perceptual", 0) and config.perceptual_layer == "block5_conv4")
  changes = {field: value for field, value in SMALL_VGG.items() if hasattr(config, field)} if deep else {}
  return dataclasses.replace(config, **SMALL, **changes, **_rescaled(config))


def _rescaled(config):
  """The weights of terms that are sums over a batch or a patch, for the smaller ones: the objective keeps its balance."""
  shares = {"weight_adversarial": config.batch_size / SMALL["batch_size"],  # Eq. 1 sums over the images of a batch
            "weight_color": (config.patch_size / SMALL["patch_size"]) ** 2}  # Eq. 8 over the pixels of an image
  return {field: share * getattr(config, field) for field, share in shares.items() if hasattr(config, field)}


class Enhancement(Bench):
  """Images and networks of a table of photo enhancement.

  Args:
    options: EnhancementOptions.
    table: str.
    steps: int, of each training under the small preset.
    seeds: int.
  """

  paper = "mux_demux"
  held_out = 0.25
  tuning = 0.09  # of the challenge's 280 pairs some 170 are left to train on
  most = {"tiny": 4}
  names = tuple(NETWORKS)

  def __init__(self, options, table, steps, seeds=1):
    data = options.data
    if data is not None and (data / "dped").is_dir():
      options = dataclasses.replace(options, data=data / "dped")
    super().__init__(options, table, seeds)
    self.steps = {"small": steps}
    # The challenge's ResNet-12-64 is DPED's network for the iPhone, byte by byte; for other phones DPED alone has one.
    self.public = {"dped": (f"{options.phone or 'iphone'}_orig",)}
    if options.phone in (None, "iphone"):
      self.public |= {"srcnn": ("dped_srcnn",), "resnet_8_32": ("dped_resnet_8_32",),
                      "resnet_12_64": ("dped_resnet_12_64", "iphone_orig")}

  @functools.cached_property
  def listed(self):
    """What the data hold, pairs or not: data.folders.Folder."""
    from tf_imgtrans.data.folders import read_folder

    return read_folder(self.options.data, self.held_out, self.options.phone)

  @functools.cached_property
  def folder(self):
    """Pairs, as training takes them, some of them held out: data.folders.Folder."""
    folder = self.listed
    if folder.kind == "photographs":
      raise ValueError(f"{self.options.data} holds photographs without targets: what is trained or compared with targets "
                       "needs pairs, such as DPED's patches")
    self.test_part(folder)
    return folder

  @property
  def pairs(self):
    """The held-out pairs that are measured: list of data.pairs.Pair."""
    return self.test_part(self.folder)

  def summary(self, training, folder):
    """As of `Bench`: photographs alone are measured with the networks that pairs have trained."""
    if not (folder / "run.json").is_file():
      self.folder  # noqa: B018 - which says so where there are no pairs
    return None if self.listed.kind == "photographs" else self.listed.without_held_out(self.tuning).summary()

  def training(self, name, public=False, **changes):
    """How the network of a row is trained; of its checkpoints that with the best NIQE is taken, for all rivals (Sec. 4.3).

    Args:
      name: str.
      public: bool, whether its public checkpoint is measured instead.
      **changes: fields of its configuration.
    """
    config = self.completed(network_config(name, self.options.preset), **changes)
    return Training(OTHER_GENERATORS.get(name, name), config, name, file="best_niqe.keras", public=public)

  @functools.cached_property
  def tone_curve(self):
    """The naive method: one tone curve for each colour, fitted on the pairs that the networks are trained on."""
    from tf_imgtrans.practice.phone_enhancement.tone_curve import fit_tone_curve

    pairs = self.folder.without_held_out(self.tuning).training
    return fit_tone_curve((item.source, item.target) for item in pair_images(pairs))

  def method(self, name, seed, public=False, **flags):
    """A row's network as a function of an Item, or the input itself, or a tone curve."""
    if name == "input":
      return lambda item: item.source
    if name == "tone_curve":
      return lambda item: self.tone_curve(item.source[None])[0]
    return self.apply(self.training(name, public), seed, **flags)


def pair_images(pairs):
  """Images of a list of data.pairs.Pair."""
  from tf_imgtrans.data.folders import iterate_images

  return Images([pair.stem for pair in pairs], lambda: (Item(*each) for each in iterate_images("pairs", pairs)))


def score_pairs(pairs, method, folder=None):
  """Scores a method on pairs: dict of values.

  psnr and ssim are measured on outputs clipped to [0, 1], ms_ssim_dped on unclipped ones, as the challenge does. Pairs
  whose two images are identical (flat white in DPED) are left out of the values with "_distinct": a network that leaves
  them alone has an infinite PSNR there, and then an infinite mean.

  Args:
    pairs: list of data.pairs.Pair.
    method: Item -> unclipped output.
    folder: Path of a folder for the outputs that a figure shows.
  """
  import numpy as np

  from tf_imgtrans.metrics.registry import find_metric
  from tf_imgtrans.metrics.scoring import Scores, finite_mean

  found, identical, niqe = {"psnr": [], "ssim": [], "ms_ssim_dped": []}, [], Scores(("niqe",))
  for (item, unclipped), pair in zip(outputs(pair_images(pairs), method, folder), pairs):
    if unclipped.shape != item.target.shape:
      sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (item.source, unclipped, item.target)]
      raise ValueError(f"{pair}: source, output and target are {', '.join(sizes)}: expected one size")
    output = np.clip(unclipped, 0.0, 1.0)
    for metric, image in (("psnr", output), ("ssim", output), ("ms_ssim_dped", unclipped)):
      found[metric].append(float(find_metric(metric)(item.target[None], image[None])[0]))
    niqe.add(None, output)
    identical.append(bool(np.array_equal(item.source, item.target)))
  values = {"niqe": niqe.means().get("niqe"), "pairs": len(pairs), "identical_pairs": sum(identical),
            "each": each_image(niqe, [pair.stem for pair in pairs])}
  for metric, each in found.items():
    values[metric] = math.fsum(each) / len(each)
    named = dict(zip((pair.stem for pair in pairs), each))
    distinct = {name: value for (name, value), same in zip(named.items(), identical) if not same}
    values[f"{metric}_distinct"] = finite_mean(distinct.values())
    values["each"] |= {metric: named, f"{metric}_distinct": distinct}
  return values
