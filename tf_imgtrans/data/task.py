"""What a network is for: the images that it reads, how its inputs are made of them, and what is measured on them."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class TrainingData:
  """Training batches by step, and the held-out images.

  Attributes:
    summary: dict for run.json: kind of the data, numbers of images, digests of their names and sizes.
    batches: (start_step, core.replicas.Part) -> tf.data.Dataset of what the trainer's `train_step` takes.
    validation: number of images, or None for all -> list of (name, source, target), float32 [H, W, 3] in [0, 1].
  """

  summary: dict
  batches: Callable
  validation: Callable


@dataclasses.dataclass(frozen=True)
class Task:
  """The task of one configuration. A data folder is listed by `read`; its images are decoded only by the other functions.

  Attributes:
    name: str, such as "reconstruction".
    settings: dict, the fields of the configuration that decide what the inputs are, as JSON.
    read: training.options.TrainingOptions -> what the data folder holds, with the lists `training` and `validation`.
    summary: what `read` gives -> dict, as TrainingData has it.
    training_data: what `read` gives -> TrainingData. Checks every image, and fails with the names of those that it
      cannot use.
    images: (what `read` gives, items of its lists, whole) -> yields (name, source, target), float32 in [0, 1]. The inputs
      of held-out images are the same in every run and every program. With `whole` off, large photographs are cut to the
      part that is measured during training.
    metrics: names of the metrics that are measured by default.
    scale: int, height and width of a target over those of its source.
    remark: float32 [H, W, 3] in [0, 1] -> str: why an input is unlike those that the task trains on, or "".
    validator: list of what `images` yields -> training.validation.Validator, for a task whose targets are not images; else
      None.
  """

  name: str
  settings: dict
  read: Callable
  summary: Callable
  training_data: Callable
  images: Callable
  metrics: tuple = ("psnr", "ssim", "niqe")
  scale: int = 1
  remark: Callable | None = None
  validator: Callable | None = None


def settings_of(config, names):
  """The named fields of a configuration as a dict that JSON can hold; fields that the configuration lacks are left out."""
  values = {name: getattr(config, name) for name in names if hasattr(config, name)}
  return {name: dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value for name, value in values.items()}
