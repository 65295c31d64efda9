"""What the rows of a table share: the test images, the networks and their training, the outputs and their scores."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.tables.figures import draw, shown
from tf_imgtrans.tables.liveness import liveness
from tf_imgtrans.tables.options import check_count
from tf_imgtrans.tables.runs import find, load, model_digest, parse_models, run_keras, trained, vgg_file, weight_folders
from tf_imgtrans.tables.statements import check
from tf_imgtrans.tables.table import Column, Row, Table, finish, measure

# What the training of a row's network cost: rivals are to be trained alike.
EFFORT = [Column("images_seen", "images seen", 0), Column("parameters", "parameters", 0), Column("minutes", "minutes", 1)]


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
    data: Path, of the data it is trained on; None for those of the call.
    file: str, the generator's name in the run folder; the last one is taken where there is none of the name.
    public: bool, whether a public checkpoint is measured instead.
  """

  recipe: str
  config: Any
  run: str
  size: int | None = None
  data: pathlib.Path | None = None
  file: str = "generator.keras"
  public: bool = False


class Bench:
  """One table's options, test images and networks; a paper's bench says what its images and configurations are.

  Args:
    options: ReproduceOptions.
    table: str, the table's folder below OUT.
    seeds: int, training runs of each network.
  """

  paper = ""
  held_out = 0.1  # share of the images that is held out, where the data have no test part
  tuning = 0.1  # share of the others that trainings are validated on: the test part chooses nothing
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

  def summary(self, training, folder):
    """What a finished Training in a folder must have been trained on; None for anything."""
    return None

  def test_part(self, folder, data=None):
    """The held-out images of a data folder that are measured: list; `data` is its path, that of the call where it is None.

    Raises:
      ValueError: none is held out.
    """
    if not folder.validation:
      raise ValueError(f"{data or self.options.data} holds too few images to hold some out: give more")
    return folder.validation[:self.count]

  def described(self, images, data=None):
    """The images of a protocol as text; `data` is their folder, that of the call where it is None."""
    return f"{len(images)} of {(data or self.options.data).resolve().name}, held out"

  def completed(self, config, **changes):
    """A configuration with the steps of the call, and with fields of it changed."""
    steps = self.options.steps or self.steps.get(self.options.preset)
    return dataclasses.replace(config, **changes, **({"iterations": steps} if steps else {}))

  def origin(self, name):
    """(what a network is, path): ("given", ...), or ("trained", None)."""
    return ("given", self.models[name]) if name in self.models else ("trained", None)

  def checkpoint(self, name):
    """Path of the public checkpoint of a network; None where there is none."""
    return find(self.weights, *(f"{stem}.index" for stem in self.public.get(name, ())))

  def network(self, training, seed):
    """The network of a row, as `runs.load` gives it: given, a public checkpoint, or trained where that is needed."""
    if training.public:
      from tf_imgtrans.baselines.public_checkpoints import import_checkpoint

      return run_keras(import_checkpoint(training.run, self.checkpoint(training.run)))
    path = self.origin(training.run)[1]
    if path is None:
      run = self.train(training, seed)
      path = run / training.file if (run / training.file).is_file() else run / "generator.keras"
    return load(path, training.size)

  def run_folder(self, training, seed):
    """Path of the run of a network that is trained with a seed."""
    return self.options.out / "runs" / f"{training.run}-seed{seed}"

  def train(self, training, seed):
    """Trains a network with a seed, unless that was done before: Path of its run folder."""
    config = dataclasses.replace(training.config, seed=seed)
    if hasattr(config, "vgg_weights"):
      config = dataclasses.replace(config, vgg_weights=vgg_file(self.weights) or config.vgg_weights)
    folder = self.run_folder(training, seed)
    more = {"phone": self.options.phone} if hasattr(self.options, "phone") else {}
    trained(training.recipe, config, folder, self.summary(training, folder), data=training.data or self.options.data,
            validation_share=self.held_out, tuning_share=self.tuning, **more)
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
    if training and training.public:
      origin, path = "public checkpoint", self.checkpoint(training.run)
    details = {"config": dataclasses.asdict(training.config)} if origin == "trained" else {}
    if path:
      details = {"network": origin, "file": pathlib.Path(path).name, "digest": model_digest(path)}
    if origin == "trained":
      score = self.with_effort(training, score)
    return Row(key, title, score, seeds=self.seeds if origin == "trained" else self.seeds[:1], details=details, **more)

  def with_effort(self, training, score):
    """A `score` whose values also tell what the training of the row's network cost, and which of its loss terms lived."""
    def measured(seed):
      from tf_imgtrans.training.run_folder import RunFolder

      found = score(seed)
      run = self.run_folder(training, seed)
      effort = RunFolder(run).effort()
      return {**found, "images_seen": effort.get("images"), "parameters": effort.get("parameters"),
              "minutes": effort["seconds"] / 60 if effort else None, "liveness": liveness(run)}

    return measured

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
    if any(row.trained for row in rows):
      columns = [*columns, *EFFORT]
      protocol = {**protocol, "validated on": f"{self.tuning:.0%} of the training images, not on those that are measured"}
      print_budget(rows)
    table = Table(self.paper, self.table, title, columns, rows, protocol, list(notes))
    results = measure(table, self.out)
    table.notes.extend(after(results) or ())
    return finish(table, results, self.out, None if statements is None else check(results, statements))


def print_budget(rows):
  """Prints what the trainings of a table take, before the first of them."""
  configs = [row.details["config"] for row in rows for _ in row.seeds if row.trained]
  images = sum(config.get("iterations", 0) * config.get("batch_size", 0) for config in configs)
  print(f"budget: {len(configs)} trainings{f' on {images:,} images in all' * bool(images)}, less what is kept of a call "
        "before; the time left is shown after the first. The table can be stopped at any moment: called again, it goes on.")


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
  return {**scores.means(), "images": len(images), "each": each_image(scores, images.names)}


def each_image(scores, names):
  """What the means of `metrics.scoring.Scores` are of: dict of metric to dict of image to value.

  A NIQE of one montage of all images is not among them.
  """
  return {metric: dict(zip(names, values)) for metric, values in scores.values().items() if len(values) == len(names)}
