"""A recipe: all that the rest of the package knows of a network and its training. Importing one imports no TensorFlow."""

import dataclasses
import importlib
from typing import Any

from tf_imgtrans.core.config import changed
from tf_imgtrans.core.names import unknown_name

PRESETS = ("paper", "small", "tiny")


@dataclasses.dataclass(frozen=True)
class Recipe:
  """How a network is trained, and what for.

  References are "module:attribute", the module relative to `package`, or absolute where it starts with tf_imgtrans.

  Attributes:
    name: str, of the recipe, and of the command that trains it.
    summary: str, one line.
    package: str, `__package__` of the module that makes the recipe.
    presets: dict of "paper" (every default is the paper's), "small" (trains on two processor cores) and "tiny" (a test of a
      second) to a configuration; all of one dataclass.
    trainer: reference to a class: (config, precision) -> training.trainer.BaseTrainer.
    task: reference to a function: config -> data.task.Task.
    generators: dict of generator name to a reference to its factory: (seed, **fields of the configuration) -> network.
    example: str, the flags of an example call.
    data: str, the paragraph of the help screen on the data folder; "{name}" alone in a line is a drawing.
    notes: str, a further paragraph of the help screen, or "".
    paired: bool, whether the data may be two paired folders (flags --phone, --source and --target).
    baseline: bool, whether it is a network that a paper compares its own with.
    serializable: modules, beside those of the generators, with classes that a saved file may name.
    variants: dict of field name to a dict of value to presets, for a configuration that has other defaults with that value.
  """

  name: str
  summary: str
  package: str
  presets: dict
  trainer: str
  task: str
  generators: dict
  example: str
  data: str
  notes: str = ""
  paired: bool = False
  baseline: bool = False
  serializable: tuple = ()
  variants: dict = dataclasses.field(default_factory=dict)

  @property
  def config(self) -> type:
    """The dataclass of the configurations."""
    return type(self.presets["paper"])

  def preset(self, name: str = "paper", **fields: Any):
    """The configuration of a preset, with fields of it changed.

    Raises:
      ValueError: an unknown preset or field, or an illegal value.
    """
    presets = self.presets
    for field, values in self.variants.items():
      presets = values.get(fields.get(field), presets)
    if name not in presets:
      raise unknown_name("preset", name, presets)
    return changed(presets[name], fields)

  def load(self, reference: str):
    """What a reference of this recipe names; imports its module."""
    module, attribute = reference.split(":")
    return getattr(importlib.import_module(self._absolute(module)), attribute)

  def make_trainer(self, config, precision: str = "float32"):
    """A new trainer."""
    return self.load(self.trainer)(config, precision)

  def make_task(self, config):
    """The task of a configuration: data.task.Task."""
    return self.load(self.task)(config)

  def make_generator(self, name: str, seed: int = 0, **options: Any):
    """A new generator, not yet built."""
    return self.load(self.generators[name])(seed=seed, **options)

  def modules(self) -> list[str]:
    """Modules with classes that a saved file may name."""
    return [self._absolute(module) for module in
            dict.fromkeys([*(reference.split(":")[0] for reference in self.generators.values()), *self.serializable])]

  def _absolute(self, module):
    return module if module.startswith("tf_imgtrans.") else f"{self.package}.{module}"
