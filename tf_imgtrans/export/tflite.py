"""Export to TFLite, for phones, with built-in operations only."""

import contextlib
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable

import keras
import numpy as np

from tf_imgtrans.core.blending import check_strength
from tf_imgtrans.core.files import write_bytes
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.export import quantization
from tf_imgtrans.export.flatbuffer import read_lite
from tf_imgtrans.export.gpu_delegate import MAX_RANK
from tf_imgtrans.export.graph import CONVOLUTIONS, PRODUCTS, prepare_graph
from tf_imgtrans.export.metadata import add_description, describe
from tf_imgtrans.export.quantization import CALIBRATED, PRECISIONS, Unexportable, check_representative, convert
from tf_imgtrans.export.saved_model import write_archive

UPSAMPLES = ("depth_to_space", "conv")
# Runs a file on a grey image, without this package, whose imports take long.
_TRIAL = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
details = interpreter.get_input_details()[0]
shape = [1, *map(int, sys.argv[2:])]
if -1 in details["shape_signature"]:
  interpreter.resize_tensor_input(details["index"], shape, strict=True)
interpreter.allocate_tensors()
value = 128 if details["dtype"] == np.uint8 else 0.5
interpreter.set_tensor(details["index"], np.full(shape, value, details["dtype"]))
interpreter.invoke()
"""


def to_tflite(generator: keras.Model, path: str | pathlib.Path, precision: str = "float32", height: int | None = None,
              width: int | None = None, noise: str | None = None, representative: Iterable[np.ndarray] | None = None,
              integer_io: bool = False, convolutions_only: bool = False, upsample: str = "depth_to_space",
              strength: float = 1.0) -> int:
  """Writes a .tflite file, whole or not at all.

  The signature `image_float` takes `image`, float32 [1, height, width, 3] in [0, 1], and gives `image` of s times that
  size. The file holds built-in operations on tensors of rank 4 and less only: a phone needs no extra library. Its
  metadata entry `tf_imgtrans` says what it takes and gives (export.metadata).

  Args:
    generator: keras.Model from images to images.
    path: str or Path ending in .tflite.
    precision: "float32"; "float16", weights of half the size; "dynamic_int8", weights of a quarter; "int8", integers
      throughout; "int16x8", activations of 16 bits. Inputs and outputs stay float32.
    height, width: ints, a fixed size, which phones run fastest; or both None for any size (the caller resizes the
      input tensor before allocating).
    noise: "fixed", "random" or "off"; None for the generator's own, but a fixed one in the place of a random one.
    representative: iterable of float32 [H, W, 3] in [0, 1], of the fixed size where there is one; needed by "int8" and
      "int16x8".
    integer_io: bool; True makes inputs and outputs uint8; "int8" only. 255 stands for 1.0 at the input; the output has
      its own step and zero point, which the file tells.
    convolutions_only: bool; True computes convolutions of 3x3 and more in integers, and keeps what is between them in
      float32, where 8 bits cost some decibels; "int8" only.
    upsample: "depth_to_space", or "conv" for the same bits by convolutions of fixed weights, for delegates that refuse
      DEPTH_TO_SPACE and SPACE_TO_DEPTH; a fixed size only.
    strength: float in [0, 1], written into the file's metadata: the share of its image that a client is to show, the rest
      being the input, as `tf-imgtrans predict` does. The graph is the same.
  Returns:
    int, the file's size in bytes.
  Raises:
    ValueError: unknown precision, one of height and width alone, a wrong suffix, or options that exclude each other.
    Unexportable (a ValueError): an operation outside the built-in ones, a tensor of rank above 4, or an operation that
      the precision does not hold; the message names it and the remedy.
  """
  _check(path, precision, height, width, integer_io, convolutions_only, upsample)
  check_strength(strength, int(getattr(generator, "scale", 1)))
  images = check_representative(representative, height, width) if precision in CALIBRATED else None
  replacements = {**(CONVOLUTIONS if upsample == "conv" else {}), **(PRODUCTS if precision == "int16x8" else {})}
  with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as prepared:
    with _weights_of(generator, precision):
      write_archive(generator, folder, noise, shape=(1, height, width, 3))
    content = convert(prepare_graph(folder, prepared, replacements), precision, images, integer_io, convolutions_only)
  check_builtin(content)
  if images:
    _try_out(content, images[0], precision)
  content = add_description(content, describe(generator, precision, height, width, noise, strength, upsample=upsample,
                                              convolutions_only=convolutions_only))
  write_bytes(path, content)
  return len(content)


@contextlib.contextmanager
def _weights_of(generator, precision):
  """Gives kernels under a constraint that rounding to float16 would break the nearest values that keep it, for a while."""
  kept = []
  for layer in generator._flatten_layers() if precision == "float16" else ():
    constraint = getattr(layer, "kernel_constraint", None)
    if hasattr(constraint, "in_half_precision"):
      kept.append((layer.kernel, layer.kernel.numpy()))
      layer.kernel.assign(constraint.in_half_precision(kept[-1][1]))
  try:
    yield
  finally:
    for kernel, value in kept:
      kernel.assign(value)


def check_builtin(source):
  """Raises Unexportable where a .tflite file (bytes or path) has custom operations or tensors of rank above 4."""
  lite = read_lite(source)
  custom = [operation.name.removeprefix("CUSTOM ") for operation in lite.operations if operation.custom]
  if custom:
    raise Unexportable(quantization.explain(list(dict.fromkeys(custom)), "a .tflite file"))
  for operation in lite.operations:
    for tensor in (*operation.inputs, *operation.outputs):
      if tensor.rank > MAX_RANK:
        raise Unexportable(f"{operation.name} works on {tensor.name} of shape {list(tensor.shape)}, rank {tensor.rank}: "
                           f"phones take rank {MAX_RANK} at most; in the network, take depth_to_space, expand_dims of "
                           "rank 3 or concatenation in the place of the reshape to more axes")


def _check(path, precision, height, width, integer_io, convolutions_only, upsample):
  if precision not in PRECISIONS:
    raise unknown_name("precision", precision, PRECISIONS)
  if upsample not in UPSAMPLES:
    raise unknown_name("upsample", upsample, UPSAMPLES)
  if (height is None) != (width is None):
    raise ValueError(f"height is {height} and width is {width}: give both for a fixed size, or neither for any size")
  if pathlib.Path(path).suffix != ".tflite":
    raise ValueError(f"{path}: expected a name that ends in .tflite")
  if precision != "int8" and (integer_io or convolutions_only):
    raise ValueError(f"precision is {precision}: integer_io and convolutions_only are options of int8")
  if integer_io and convolutions_only:
    raise ValueError("integer_io and convolutions_only exclude each other: integers in and out need integers throughout")
  if upsample == "conv" and height is None:
    raise ValueError("upsample is conv without height and width: the convolutions need a fixed size")


def _try_out(content, image, precision):
  """Runs the file once: the converter writes integer operations that no interpreter has.

  In a process of its own, as some of them do not fail but abort.

  Raises:
    Unexportable: an operation fails.
  """
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "trial.tflite")
    path.write_bytes(content)
    ran = subprocess.run([sys.executable, "-c", _TRIAL, str(path), *map(str, image.shape)], check=False,
                         capture_output=True, text=True)
  if not ran.returncode:
    return
  said = [line for line in ran.stderr.splitlines() if line.strip() and not line.startswith("INFO")] or ["no message"]
  refused = quantization.refused_operations(ran.stderr)
  if refused:
    raise Unexportable(quantization.explain(refused, precision))
  raise Unexportable(f"the interpreter stops on this network in {precision} (status {ran.returncode}: {said[-1]}): "
                     "take precision float16 or dynamic_int8")
