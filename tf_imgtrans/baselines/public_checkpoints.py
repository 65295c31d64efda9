"""Public TensorFlow 1 checkpoints of photo enhancement, read into our networks.

Supported are those of DPED (its `models_orig`), of the PIRM 2018 challenge on smartphones (its `models_pretrained`), and
the checkpoints that both training programs write.
"""

import dataclasses
import math
import pathlib
import re
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tf_imgtrans.baselines.dped.network import dped, resnet_8_32, resnet_12_64
from tf_imgtrans.baselines.srcnn.network import srcnn
from tf_imgtrans.core.names import closest, unknown_name

_SCOPE = "generator/"
_SHARD = r"\.data-\d{5}-of-(\d{5})"
_SUFFIX = re.compile(rf"(\.index|\.meta|{_SHARD})$")
# Exceptions of TensorFlow on damaged files: its own, or Python's that it maps C++ errors to.
_UNREADABLE = (tf.errors.OpError, ValueError, LookupError, RuntimeError)
_NAMED_AT_MOST = 5  # number of checkpoints of a folder that a message names


@dataclasses.dataclass(frozen=True)
class _Source:
  """A checkpoint: its path, the (dtype, shape) of each of its variables, and a function that reads one of them."""

  path: pathlib.Path
  specs: dict
  read: Callable


def import_checkpoint(name, path):
  """Makes a network with the weights of a public TensorFlow 1 checkpoint.

  The variables of the network are those directly in the scope `generator`: generator/W1, but not generator/W1/Adam. They
  must match ours one to one, in names, shapes and dtype. All others are ignored: moments of the optimizer, the step, the
  discriminator. TensorFlow's checksums detect altered bytes; frozen graphs have none, so that only values that do not fit
  or are not finite are detected.

  Args:
    name: str, one of list_importable().
    path: str or Path: the prefix of a checkpoint, one of its files (.index, .data-*, .meta), or a frozen graph (.pb).
  Returns:
    keras.Model, built, float32 [N, H, W, 3] in [0, 1] -> the same shape and range.
  Raises:
    FileNotFoundError: no checkpoint, or not all of its files.
    ValueError: an unknown name, a checkpoint of another network, a damaged one, or one with values that are not finite.
      The message names the first variable that does not fit, in the order of the network.
  """
  if name == "johnson":
    raise ValueError("johnson has no public checkpoint of photo enhancement: train it with tf-imgtrans train baseline, or "
                     f"name one of {', '.join(list_importable())}")
  if name not in _NETWORKS:
    raise unknown_name("network", name, _NETWORKS)
  source = _open(pathlib.Path(path))
  network, variables = _make(name)
  misfit = _misfit(source.specs, variables)
  if misfit:
    raise ValueError(f"{source.path} is not a checkpoint of {name}: {misfit}; {_advice(source.specs)}")
  arrays = [_read(source, _SCOPE + key) for key in variables]
  for variable, array in zip(variables.values(), arrays):
    variable.assign(array)
  return network


def list_importable():
  """Sorted names of the networks that have public checkpoints."""
  return sorted(_NETWORKS)


def _srcnn_variables(network):
  """Name in the checkpoint -> variable, in the order of the network."""
  first, second, third = network.convolutions
  return {"w1": first.kernel, "b1": first.bias, "w2": second.kernel, "b2": second.bias, "w3": third.kernel,
          "b3": network.bias}


def _resnet_variables(network):
  """Name in the checkpoint -> variable, in the order of the network.

  Convolutions are numbered from 1. Normalizations have no names: TensorFlow counted their variables, `Variable`,
  `Variable_1` and so on, in the order in which DPED's code made them, the offset before the scale.
  """
  alone = [(convolution, None) for convolution in (network.first, *network.after, network.last)]
  variables, unnamed = {}, 0
  for number, (convolution, normalization) in enumerate([alone[0], *sum(network.blocks, []), *alone[1:]], 1):
    variables |= {f"W{number}": convolution.kernel, f"b{number}": convolution.bias}
    for variable in (normalization.beta, normalization.gamma) if normalization else ():
      variables[f"Variable_{unnamed}" if unnamed else "Variable"] = variable
      unnamed += 1
  return variables


# name -> (factory, names of its variables)
_NETWORKS = {
    "srcnn": (srcnn, _srcnn_variables),
    "dped": (dped, _resnet_variables),
    "resnet_8_32": (resnet_8_32, _resnet_variables),
    "resnet_12_64": (resnet_12_64, _resnet_variables),
}


def _make(name):
  """(built network, its variables by their names in a checkpoint)."""
  factory, variables_of = _NETWORKS[name]
  network = factory()
  network(keras.Input((None, None, 3)))
  return network, variables_of(network)


def _misfit(specs, variables):
  """The fault of the first variable that does not fit, or None if the checkpoint fits the network."""
  for key, variable in variables.items():
    expected = f"expected {_shown('float32', variable.shape)}"
    if _SCOPE + key not in specs:
      return f"{_SCOPE}{key} is missing among its {len(specs)} variables, {expected}"
    if specs[_SCOPE + key] != ("float32", tuple(variable.shape)):
      return f"{_SCOPE}{key} is {_shown(*specs[_SCOPE + key])}, {expected}"
  ours = {name.removeprefix(_SCOPE) for name in specs if name.startswith(_SCOPE)}
  extra = sorted((key for key in ours - set(variables) if "/" not in key), key=_counted)
  if extra:
    spec = _shown(*specs[_SCOPE + extra[0]])
    return f"{_SCOPE}{extra[0]}, {spec}, has no place in the network, expected {len(variables)} variables in {_SCOPE}"
  return None


def _counted(key):
  """Sorts Variable_10 after Variable_9."""
  stem, digits = re.fullmatch(r"(.*?)(\d*)", key, re.DOTALL).groups()
  return stem, int(digits or 0)


def _shown(dtype, shape):
  return f"{dtype} {list(shape)}"


def _advice(specs):
  """What to do about a checkpoint of another network."""
  fitting = [name for name in _NETWORKS if not _misfit(specs, _make(name)[1])]
  if fitting:
    return f"give the name {' or '.join(fitting)}, which it fits"
  return f"it fits none of {', '.join(list_importable())}: give a checkpoint of one of these"


def _read(source, name):
  """One variable: finite float32 of the shape in the checkpoint's index."""
  try:
    array = np.asarray(source.read(name))
  except _UNREADABLE as error:
    raise ValueError(f"{source.path}: {name} cannot be read ({_reason(error)}): the file is damaged or cut short, fetch it "
                     "again") from error
  wrong = np.count_nonzero(~np.isfinite(array))
  if wrong:
    raise ValueError(f"{source.path}: {name} holds {wrong} values that are not finite, of {array.size}: the training went "
                     "wrong or the file is damaged; take an earlier checkpoint")
  return array


def _reason(error):
  return (str(error).strip() or type(error).__name__).splitlines()[0]


def _open(path):
  """Opens the named checkpoint; variables are not read yet."""
  prefix = pathlib.Path(_SUFFIX.sub("", str(path)))
  if path.suffix == ".pb" and path.is_file():
    return _open_graph(path)
  _check_files(prefix)
  if re.search(r"[*?[]", str(prefix)):
    raise ValueError(f"{prefix} has *, ? or [ in its path, which TensorFlow takes for a pattern: rename it, or call from "
                     "within its folder")
  try:
    # load_checkpoint would look into a folder of this name.
    reader = tf.compat.v1.train.NewCheckpointReader(str(prefix))
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
  except _UNREADABLE as error:
    raise ValueError(f"{prefix}.index cannot be read ({_reason(error)}): the file is no index of a checkpoint, or damaged "
                     "or cut short; fetch it again") from error
  return _Source(prefix, {name: (dtypes[name].name, tuple(shape)) for name, shape in shapes.items()}, reader.get_tensor)


def _check_files(prefix):
  """Raises FileNotFoundError unless all files of a checkpoint are there."""
  folder = prefix.parent
  there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
  counts = [int(found[1]) for found in (re.fullmatch(re.escape(prefix.name) + _SHARD, name) for name in there) if found]
  total = max(counts, default=1)
  needed = [f"{prefix.name}.index", *(f"{prefix.name}.data-{shard:05d}-of-{total:05d}" for shard in range(total))]
  missing = [name for name in needed if name not in there]
  if not missing:
    return
  if counts or needed[0] in there:
    raise FileNotFoundError(f"{folder / missing[0]} is missing: the checkpoint {prefix.name} is the files "
                            f"{', '.join(needed)}; put them into one folder")
  expected = "expected the prefix of a checkpoint, its .index, or a frozen graph .pb"
  if prefix.is_dir():
    raise FileNotFoundError(f"{prefix} is a folder: {expected}{_neighbours(prefix, '')}")
  raise FileNotFoundError(f"no checkpoint {prefix}: {expected}{_neighbours(folder, prefix.name)}")


def _neighbours(folder, name):
  """End of a message on the checkpoints of a folder: the one most similar to `name`, or the first ones."""
  if not folder.is_dir():
    return f"; there is no folder {folder}"
  there = sorted({entry.name.removesuffix(".index") for entry in folder.iterdir() if entry.suffix in (".index", ".pb")})
  near = closest(name, there)
  if near:
    return f"; did you mean {folder / near}?"
  more = ", ..." if len(there) > _NAMED_AT_MOST else ""
  return f"; {folder} holds {', '.join(there[:_NAMED_AT_MOST])}{more}" if there else f"; {folder} holds none"


def _open_graph(path):
  """Opens a frozen graph: its variables are constants."""
  graph = tf.compat.v1.GraphDef()
  try:
    graph.ParseFromString(path.read_bytes())
  except DecodeError as error:
    raise ValueError(f"{path} cannot be read ({_reason(error)}): the file is no frozen graph, or damaged or cut short; "
                     "fetch it again") from error
  tensors = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
  specs = {name: (_dtype(tensor), tuple(dim.size for dim in tensor.tensor_shape.dim)) for name, tensor in tensors.items()}
  return _Source(path, specs, lambda name: _constant(tensors[name], math.prod(specs[name][1])))


def _dtype(tensor):
  """Name of the dtype of a TensorProto; damaged files hold invalid ones."""
  return "float32" if tensor.dtype == tf.float32.as_datatype_enum else f"dtype {tensor.dtype}"


def _constant(tensor, size):
  """The float32 array of a TensorProto.

  Raises:
    ValueError: fewer or more than `size` values. TensorFlow would fill missing ones with zeros.
  """
  if not (tensor.tensor_content or tensor.float_val):
    raise ValueError(f"no values, expected {size}")
  return tf.make_ndarray(tensor)
