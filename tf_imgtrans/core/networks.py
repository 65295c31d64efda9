"""Small operations on whole networks."""

import contextlib
import hashlib
import inspect
import json

import keras

from tf_imgtrans.core.config import from_stored
from tf_imgtrans.core.keras_defaults import OwnDefaults


class ConfiguredModel(OwnDefaults, keras.Model):
  """A network made from a paper's Config; a saved file keeps the fields of it that shape the network.

  A subclass names its `config_class` and, as `architecture`, those fields.

  Args:
    config: an instance of `config_class`.
  Attributes:
    task: what the network was trained for, a dict of JSON values such as {"recipe": "x_gans", "task": {...}}, or None. It
      may be set; saved files and exports carry it.
  """

  config_class = None
  architecture = ()
  task = None

  def __init__(self, config, **kwargs):
    super().__init__(**kwargs)
    self.config = config

  def __setattr__(self, name, value):
    if name == "task":  # past Keras, which would track a dict and write it into checkpoints
      object.__setattr__(self, name, json.loads(json.dumps(value)))
    else:
      super().__setattr__(name, value)

  def get_config(self):
    task = {} if self.task is None else {"task": self.task}
    return {"config": {name: getattr(self.config, name) for name in self.architecture}, "dtype": self.dtype_policy.name,
            "name": self.name, **task}

  @classmethod
  def from_config(cls, config):
    network = cls(from_stored(cls.config_class, config["config"]), dtype=config["dtype"], name=config["name"])
    network.task = checked_task(config.get("task"))
    return network

  def build_from_config(self, config):
    """Makes the variables of a loaded network by a symbolic call; all its inputs have the shape of the first."""
    shape = config["input_shape"] if "input_shape" in config else next(iter(config["shapes_dict"].values()))
    inputs = [name for name, parameter in inspect.signature(self.call).parameters.items()
              if parameter.default is inspect.Parameter.empty]
    self(*(keras.Input(shape[1:]) for _ in inputs))


def variables_of(network, layers):
  """The trainable variables of some layers of a network, in the network's order."""
  wanted = {id(variable) for layer in layers for variable in layer.trainable_variables}
  return [variable for variable in network.trainable_variables if id(variable) in wanted]


def float32_twin(network):
  """The same network and weights in float32, for files and exports; `network` itself when it is float32 already."""
  if network.dtype_policy.name == "float32":
    return network
  twin = type(network).from_config({**network.get_config(), "dtype": "float32"})
  twin(keras.Input((None, None, 3)))
  twin.set_weights(network.get_weights())
  return twin


def checked_task(task):
  """A task as a file tells it: dict, or None. ValueError where it is something else, as in a damaged file."""
  if task is None:
    return None
  kinds = {"recipe": str, "task": dict, "config": dict}
  if not isinstance(task, dict) or not all(isinstance(task.get(name), (kind, type(None))) for name, kind in kinds.items()):
    raise ValueError(f"the task is {str(task)[:100]!r}: expected a dictionary of recipe, task and config")
  return task


def task_of(network):
  """The task of any network: dict of JSON values, or None of one that has none."""
  return getattr(network, "task", None)


@contextlib.contextmanager
def noise_mode(network, mode=None):
  """Sets the `noise` of a network that draws some, and puts it back; other networks pass as they are.

  Args:
    network: keras.Model.
    mode: "fixed", "random" or "off"; None for the network's own, but "fixed" in the place of "random".
  """
  if not hasattr(network, "noise"):
    yield
    return
  mode = mode or ("off" if network.noise == "off" else "fixed")
  before, network.noise = network.noise, mode
  try:
    yield
  finally:
    network.noise = before


def digest(network):
  """sha256 of a network's weights: two networks with the same digest compute the same."""
  summed = hashlib.sha256()
  for array in network.get_weights():
    summed.update(array.tobytes())
  return summed.hexdigest()
