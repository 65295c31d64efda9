"""What the rows of a table share: the test images, the networks and their training, the outputs and their scores."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.tables.figures import draw, shown
from tf_imgtrans.tables.options import check_count
from tf_imgtrans.tables.runs import find, load, model_digest, parse_models, run_keras, trained, vgg_file, weight_folders
from tf_imgtrans.tables.statements import check
from tf_imgtrans.tables.table import Row, Table, finish, measure


class Item(NamedTuple):
  """A test image: float32 [H, W, 3] in [0, 1], the mask [H, W, 1] with 1 where the source pixel was kept."""

  name: str
  source: Any
  target: Any
  mask: Any = None


@dataclasses.dataclass(frozen=True)
class Images:
  """Test images, read one at a time, each time anew.

  Attributes:
    names: list of str.
    read: () -> iterable of Item, in the order of the names.
  """

  names: list
  read: Callable

  def __iter__(self):
    return iter(self.read())

  def __len__(self):
    return len(self.names)

  @functools.cached_property
  def shown(self):
    """Names of those that a figure shows."""
    return shown(self.names)


@dataclasses.dataclass(frozen=True)
class Training:
  """How the network of a row is trained.

  Attributes:
    recipe: str, a paper or a baseline.
    config: its Config.
    run: str, its run folder is OUT/runs/RUN-seedN; the network's name for --models and for public checkpoints.
    size: int, of its inputs where all are squares of one size; None for any.
    file: str, the generator's name in the run folder.
  """

  recipe: str
  config: Any
  run: str
  size: int | None = None
  file: str = "generator.keras"


class Bench:
  """One table's options, test images and networks; a paper's bench says what its images and configurations are.

  Args:
    options: ReproduceOptions.
    table: str, the table's folder below OUT.
    seeds: int, training runs of each network.
  """

  paper = ""
  held_out = 0.1  # share of the images that is held out, where the data have no test part
  most = {}  # held-out images that are measured by preset; all where it names none
  steps = {}  # of each training by preset, where they are not those of the configuration
  names = ()  # of networks for --models
  public = {}  # names of files of public checkpoints, without suffix, by network: the first that is found is taken

  def __init__(self, options, table, seeds=1):
    check_count("seeds", seeds)
    if options.data is None:
      raise ValueError("no data folder: give one with --data")
    self.options, self.table, self.out = options, table, options.out / table
    self.seeds = tuple(range(options.seed, options.seed + seeds))
    self.weights = weight_folders(options)
    self.models = parse_models(getattr(options, "models", ()), self.names, f"{(*self.names, '')[0]}=runs/mine")
    self.count = options.test_images or self.most.get(options.preset)  # None for all
    start_tensorflow()

  def summary(self, config, folder):
    """What a finished run of a configuration in a folder must have been trained on; None for anything."""
    return None

  def test_part(self, folder):
    """The held-out images of a data folder that are measured: list.

    Raises:
      ValueError: none is held out.
    """
    if not folder.validation:
      raise ValueError(f"{self.options.data} holds too few images to hold some out: give more")
    return folder.validation[:self.count]

  def described(self, images):
    """The images of a protocol as text."""
    return f"{len(images)} of {self.options.data.resolve().name}, held out"

  def completed(self, config, **changes):
    """A configuration with the steps of the call, and with fields of it changed."""
    steps = self.options.steps or self.steps.get(self.options.preset)
    return dataclasses.replace(config, **changes, **({"iterations": steps} if steps else {}))

  def origin(self, name):
    """(what a network is, path): ("given", ...), ("public checkpoint", ...), or ("trained", None)."""
    if name in self.models:
      return "given", self.models[name]
    for stem in self.public.get(name, ()):
      found = find(self.weights, f"{stem}.index")
      if found:
        return "public checkpoint", found
    return "trained", None

  def network(self, training, seed):
    """The network of a row, as `runs.load` gives it: given, a public checkpoint, or trained where that is needed."""
    origin, path = self.origin(training.run)
    if origin == "public checkpoint":
      from tf_imgtrans.baselines.public_checkpoints import import_checkpoint

      return run_keras(import_checkpoint(training.run, path))
    return load(path if origin == "given" else self.train(training, seed) / training.file, training.size)

  def train(self, training, seed):
    """Trains a network with a seed, unless that was done before: Path of its run folder."""
    config = dataclasses.replace(training.config, seed=seed)
    if hasattr(config, "vgg_weights"):
      config = dataclasses.replace(config, vgg_weights=vgg_file(self.weights) or config.vgg_weights)
    folder = self.options.out / "runs" / f"{training.run}-seed{seed}"
    more = {"phone": self.options.phone} if hasattr(self.options, "phone") else {}
    trained(training.recipe, config, folder, self.summary(config, folder), data=self.options.data,
            validation_share=self.held_out, **more)
    return folder

  def row(self, key, title, score, training=None, **more):
    """A row: one measurement for each seed of a network that is trained, one measurement of anything else.

    Args:
      key, title: as of table.Row.
      score: seed -> dict of values.
      training: Training; None for a method without a network.
      **more: further fields of table.Row.
    """
    origin, path = self.origin(training.run) if training else ("", None)
    details = {"config": dataclasses.asdict(training.config)} if origin == "trained" else {}
    if path:
      details = {"network": origin, "file": pathlib.Path(path).name, "digest": model_digest(path)}
    return Row(key, title, score, seeds=self.seeds if origin == "trained" else self.seeds[:1], details=details, **more)

  def apply(self, training, seed, finish=lambda output: output, **flags):
    """The network of a row as a function of an Item: its output, after `finish`."""
    network = self.network(training, seed)
    return lambda item: finish(network(item.source[None], **flags)[0])

  def kept(self, key, seed):
    """Folder for the outputs of a row that a figure shows, of the first seed; None for the others."""
    return self.out / "images" / str(key) if seed == self.options.seed else None

  def draw(self, name, columns, images, results):
    """Draws OUT/<table>/NAME.png, as `figures.draw`."""
    draw(self.out / f"{name}.png", columns, self.out / "images", images, results)

  def report(self, title, columns, rows, protocol, statements=None, notes=(), after=lambda results: ()):
    """Measures the rows, checks the statements and writes the table.

    Args:
      title, columns, rows, protocol, notes: as of table.Table.
      statements: list of Statement; None for a table without.
      after: called with the results, draws figures; returns further notes, or None.
    Returns:
      table.Report.
    """
    table = Table(self.paper, self.table, title, columns, rows, protocol, list(notes))
    results = measure(table, self.out)
    table.notes.extend(after(results) or ())
    return finish(table, results, self.out, None if statements is None else check(results, statements))


def outputs(images, method, folder=None):
  """Applies a method to test images, one at a time: yields (Item, output), outputs as the method gives them.

  Args:
    images: Images.
    method: Item -> output [H, W, 3].
    folder: Path of a folder for the outputs that a figure shows; None keeps none.
  """
  from tqdm import tqdm

  from tf_imgtrans.core.images import write_image

  for item in tqdm(images, "measuring", len(images), unit="image", leave=False, delay=5):
    output = method(item)
    if folder and item.name in images.shown:
      write_image(folder / f"{item.name}.png", output.clip(0.0, 1.0))
    yield item, output


def score(images, method, folder=None, metrics=("psnr", "ssim")):
  """Means of metrics on whole images, RGB, of outputs clipped to [0, 1]: dict of values.

  Args:
    images, method, folder: as of `outputs`.
    metrics: names.
  """
  from tf_imgtrans.metrics.scoring import Scores

  scores = Scores(metrics)
  for item, output in outputs(images, method, folder):
    scores.add(item.target, output.clip(0.0, 1.0))
  return {**scores.means(), "images": len(images)}
