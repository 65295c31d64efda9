"""What the tables of photo enhancement share: the images, the networks of the rows, and how an output is scored."""

import dataclasses
import functools
import inspect
import math
import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.baselines.enhancement.config import CONFIGS
from tf_imgtrans.cli.reproduce.figures import shown_pairs
from tf_imgtrans.cli.reproduce.given import model_digest, parse_models
from tf_imgtrans.cli.reproduce.options import ReproduceOptions
from tf_imgtrans.cli.reproduce.runs import find, trained, vgg_file, weight_folders
from tf_imgtrans.papers.mux_demux.config import Config
from tf_imgtrans.training.options import PairedOptions

# How the paper trains each network.
NETWORKS = {"mux_demux": Config(), "mux_demux_hp": Config(network="high_performance"), **CONFIGS}
# Public checkpoints by network: names of files without suffix, the first that is found. The challenge's ResNet-12-64 is
# DPED's network for the iPhone, byte by byte.
PUBLIC = {"srcnn": ("dped_srcnn",), "resnet_8_32": ("dped_resnet_8_32",),
          "resnet_12_64": ("dped_resnet_12_64", "iphone_orig"), "dped": ("{phone}_orig",)}
# What a mini run changes: what two processor cores train in minutes. VGG19 is often at hand up to block 3 only, and the
# perceptual term on it is some thousand times larger than on the paper's layer.
MINI = {"patch_size": 64, "batch_size": 8, "flip": True}
MINI_VGG = {"perceptual_layer": "block3_conv1", "contextual_layers": ("block3_conv1",), "weight_perceptual": 0.001}
HELD_OUT = 0.25  # share of the pairs, where the data have no test part


@dataclasses.dataclass(frozen=True)
class EnhancementOptions(ReproduceOptions):
  """What is measured, and where the result lies."""

  data: pathlib.Path | None = None  # DPED, the challenge's folder, or two paired folders
  models: tuple[str, ...] = ()  # NAME=MODEL: a row's network, such as mux_demux=runs/iphone
  phone: Literal["iphone", "blackberry", "sony"] | None = None  # of data that hold several


Options = Annotated[EnhancementOptions, tyro.conf.arg(name="")]


class Bench:
  """Images and networks of one call.

  Args:
    options: EnhancementOptions.
    steps: int, training steps of the mini preset.
  """

  def __init__(self, options, steps):
    self.options = options
    self.steps = options.steps or (steps if options.preset == "mini" else None)
    self.data = _dped_folder(options.data)
    self.models = parse_models(options.models, NETWORKS, "mux_demux=runs/iphone")
    self.weights = weight_folders(options, self.data)

  @functools.cached_property
  def listed(self):
    """What the data hold, pairs or not: data.folders.Folder."""
    from tf_imgtrans.data.folders import read_folder

    return read_folder(self.data, HELD_OUT, self.options.phone)

  @functools.cached_property
  def folder(self):
    """Pairs, as training takes them, some of them held out: data.folders.Folder."""
    folder = self.listed
    if folder.kind == "photographs":
      raise ValueError(f"{self.data} holds photographs without targets: what is trained or compared with targets needs "
                       "pairs, such as DPED's patches")
    if not folder.validation:
      raise ValueError(f"{self.data} holds one pair, so that none can be held out for the measurement: add more")
    return folder

  def config(self, name, **changes):
    """How a row's network is trained under the preset."""
    config = NETWORKS[name]
    if self.options.preset == "mini":
      deep = config.weight_contextual or (config.weight_perceptual and config.perceptual_layer == "block5_conv4")
      config = dataclasses.replace(config, **MINI, **(MINI_VGG if deep else {}))
    config = dataclasses.replace(config, **changes)
    return dataclasses.replace(config, iterations=self.steps) if self.steps else config

  def origin(self, name):
    """(what the row's network is, path): ("given", ...), ("public checkpoint", ...), or ("trained", None)."""
    if name in self.models:
      return "given", self.models[name]
    phone = self.options.phone or "iphone"
    for stem in PUBLIC.get(name, ()) if phone == "iphone" or name == "dped" else ():  # of the others' phones there is none
      found = find(self.weights, f"{stem.format(phone=phone)}.index")
      if found:
        return "public checkpoint", found
    return "trained", None

  def network(self, name):
    """The row's network, ready: NumPy images [N, H, W, 3] -> outputs; `clip=False` leaves them unclipped."""
    origin, path = self.origin(name)
    if origin == "public checkpoint":
      from tf_imgtrans.baselines.enhancement.public_checkpoints import import_checkpoint

      return _runner(import_checkpoint(name, path))
    if origin == "given":
      from tf_imgtrans.inference.models import load_model

      model = load_model(path)
      return _runner(model.keras_model) if model.keras_model else lambda images, clip=True: model(images)
    return self.trained(self.config(name, seed=self.options.seed), name)

  def trained(self, config, run):
    """A network trained in OUT/runs/RUN-seedN; a finished run is taken as it is, a stopped one goes on.

    Args:
      config: Config of the paper, or of a baseline.
      run: str.
    """
    import keras

    folder = self.options.out / "runs" / f"{run}-seed{config.seed}"
    if not (folder / "run.json").is_file():
      _ = self.folder  # without pairs nothing is trained
    # Photographs alone are measured with the networks that pairs have trained.
    summary = None if self.listed.kind == "photographs" else self.listed.summary()
    config = dataclasses.replace(config, vgg_weights=config.vgg_weights or vgg_file(self.weights))
    return _runner(keras.saving.load_model(trained(
        "mux_demux" if isinstance(config, Config) else config.network, config,
        PairedOptions(out=folder, data=self.data, phone=self.options.phone, validation_share=HELD_OUT), summary)))

  def details(self, name):
    """What a row's measurement depends on, for its record."""
    origin, path = self.origin(name)
    if origin == "trained":
      return {"network": origin, "config": dataclasses.asdict(self.config(name, seed=self.options.seed))}
    return {"network": origin, "file": pathlib.Path(path).name, "digest": model_digest(path)}


def score_pairs(network, pairs, keep=None):
  """Scores a network on pairs: dict of values.

  psnr and ssim are measured on outputs clipped to [0, 1], ms_ssim_dped on unclipped ones, as the challenge does. Pairs
  whose two images are identical (flat white in DPED) are left out of the values with "_distinct": a network that leaves
  them alone has an infinite PSNR there, and then an infinite mean.

  Args:
    network: of `Bench.network`, or None for the input itself.
    pairs: list of data.pairs.Pair.
    keep: Path of a folder for the outputs of the first pairs that a figure shows.
  """
  import numpy as np
  from tqdm import tqdm

  from tf_imgtrans.core.images import write_image
  from tf_imgtrans.data.folders import iterate_images
  from tf_imgtrans.metrics.registry import find_metric
  from tf_imgtrans.metrics.scoring import Scores, finite_mean

  found, identical, niqe = {"psnr": [], "ssim": [], "ms_ssim_dped": []}, [], Scores(("niqe",))
  shown = {pair.stem for pair in shown_pairs(pairs)}
  images = tqdm(iterate_images("pairs", pairs), "measuring", len(pairs), unit="image")
  for (name, source, target), pair in zip(images, pairs):
    unclipped = source if network is None else network(source[None], clip=False)[0]
    if unclipped.shape != target.shape:
      sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (source, unclipped, target)]
      raise ValueError(f"{pair}: source, output and target are {', '.join(sizes)}: expected one size")
    output = np.clip(unclipped, 0.0, 1.0)
    for metric, image in (("psnr", output), ("ssim", output), ("ms_ssim_dped", unclipped)):
      found[metric].append(float(find_metric(metric)(target[None], image[None])[0]))
    niqe.add(None, output)
    identical.append(bool(np.array_equal(source, target)))
    if keep and name in shown:
      write_image(keep / f"{name}.png", output)
  values = {"niqe": niqe.means().get("niqe"), "pairs": len(pairs), "identical_pairs": sum(identical)}
  for metric, each in found.items():
    values[metric] = math.fsum(each) / len(each)
    values[f"{metric}_distinct"] = finite_mean([value for value, same in zip(each, identical) if not same])
  return values


def _runner(model):
  """A graph for images of all sizes."""
  import tensorflow as tf

  takes_clip = "clip" in inspect.signature(model.call).parameters

  @functools.cache
  def graph(clip):
    options = {"clip": clip} if takes_clip else {}
    return tf.function(lambda images: model(images, training=False, **options),
                       input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])

  return lambda images, clip=True: graph(clip)(images).numpy()


def _dped_folder(data):
  if data is None:
    raise ValueError("no data folder: give one with --data")
  return data / "dped" if (data / "dped").is_dir() else data
