"""How each precision of a .tflite file is made, and what to do where TensorFlow refuses one."""

import re
import warnings

import numpy as np
import tensorflow as tf

from tf_imgtrans.export.flatbuffer import read_lite
from tf_imgtrans.export.saved_model import SIGNATURE

# precision -> what it does
PRECISIONS = {
    "float32": "weights and arithmetic in 32 bits",
    "float16": "weights in 16 bits, arithmetic as the device likes",
    "dynamic_int8": "weights in 8 bits, activations quantized as they come",
    "int8": "weights and activations in 8 bits, from representative images",
    "int16x8": "activations in 16 bits, weights in 8, from representative images",
}
CALIBRATED = ("int8", "int16x8")
_LEAST_KERNEL = 3  # pixels a side; smaller ones hand pixels on, and what 8 bits lose there shows in the image
_INTEGER_SETS = {"int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                 "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8}
_BY_CONVOLUTION = ('take upsample="conv" (--upsample conv), which moves the pixels by a convolution, or precision '
                   "float16 or dynamic_int8")
_REMEDIES = {
    "DEPTH_TO_SPACE": _BY_CONVOLUTION,
    "SPACE_TO_DEPTH": _BY_CONVOLUTION,
    "ResizeBicubic": "resize bilinear or nearest in the network",
    "ResizeArea": "average with tf.nn.avg_pool2d in the network",
    "StatelessRandomNormalV2": "export with noise fixed or off",
    "StatelessRandomUniformV2": "export with noise fixed or off",
}
_OTHER_PRECISION = "take precision float16 or dynamic_int8"
_OTHER_OPERATIONS = "express it in the network by built-in operations, listed at ai.google.dev/edge/litert"


class Unexportable(ValueError):
  """A network, or a precision of it, that built-in operations cannot hold; the message has the remedy."""


def convert(folder, precision, representative=None, integer_io=False, convolutions_only=False):
  """Converts a SavedModel.

  Args:
    folder: of a SavedModel with the signature image_float.
    precision: key of PRECISIONS.
    representative: list of float32 [H, W, 3] in [0, 1], for those of CALIBRATED.
    integer_io: bool; True for uint8 images in and out, of precision int8.
    convolutions_only: bool; True leaves all but convolutions of 3x3 and more in float32 within precision int8.
  Returns:
    bytes of the .tflite file.
  Raises:
    Unexportable: an operation that the precision, or the built-in set, does not hold.
  """
  converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[SIGNATURE])
  converter.target_spec.supported_ops = [_INTEGER_SETS.get(precision, tf.lite.OpsSet.TFLITE_BUILTINS)]
  if precision != "float32":
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
  if precision == "float16":
    converter.target_spec.supported_types = [tf.float16]
  if precision in CALIBRATED:
    images = spanning(representative)
    converter.representative_dataset = lambda: ((SIGNATURE, {"image": image[None]}) for image in images)
  if integer_io:
    converter.inference_input_type = converter.inference_output_type = tf.uint8
  try:
    with warnings.catch_warnings():
      warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")  # the calibration's own
      return _convolutions_alone(converter, folder) if convolutions_only else converter.convert()
  except Exception as error:  # ConverterError, RuntimeError and ValueError, by the stage that fails
    refused = refused_operations(str(error))
    if not refused:
      raise
    raise Unexportable(explain(refused, precision)) from error


def _convolutions_alone(converter, folder):
  """TensorFlow's selective quantization, whose public function is its debugger; it goes by the names of a float32 file."""
  operations = read_lite(convert(folder, "float32")).operations
  others = {operation.name for operation in operations if not operation.kernel}
  small = [operation.outputs[0].name for operation in operations
           if operation.kernel and max(operation.kernel) < _LEAST_KERNEL]
  options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=sorted(others), denylisted_nodes=small)
  debugger = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_options=options)
  return debugger.get_nondebug_quantized_model()


def spanning(images):
  """Copies of the images, of which the first has a black and a white pixel in a corner.

  The calibration takes the input's range from the smallest and the largest value it sees. Ours is [0, 1] whatever the
  images hold, so that uint8 steps are 1/255 and no highlight is cut.
  """
  first = np.array(images[0], np.float32)
  first[0, 0], first[0, -1] = 0, 1
  return [first, *(np.asarray(image, np.float32) for image in images[1:])]


def check_representative(images, height=None, width=None):
  """The images as a list, checked.

  Raises:
    ValueError: none, or one of another shape, dtype or range.
  """
  images = [] if images is None else list(images)
  if not images:
    raise ValueError(f"no representative images: {' and '.join(CALIBRATED)} take the ranges of activations from some; "
                     "give float32 [H, W, 3] in [0, 1], a hundred of what the model will see")
  for index, image in enumerate(images):
    image = np.asarray(image)
    expected = (height or image.shape[0], width or image.shape[1], 3) if image.ndim == 3 else ("H", "W", 3)
    if image.shape != expected or image.dtype != np.float32:
      raise ValueError(f"representative image {index} is {image.dtype} {image.shape}: expected float32 {expected}")
    if not (image.min() >= 0 and image.max() <= 1):
      raise ValueError(f"representative image {index} spans {image.min()} .. {image.max()}: expected [0, 1]")
  return images


def refused_operations(message):
  """Names of the operations that a message of the converter or the interpreter complains about, in their order."""
  patterns = (r"not yet supported for op: '(\w+)'", r"\((\w+)\) failed to (?:prepare|invoke)")
  found = [name for pattern in patterns for name in re.findall(pattern, message)]
  for listed in re.findall(r"(?:Flex|TF Select|Custom) ops: ([\w, ]+)", message):
    found += [name.strip() for name in listed.split(",")]
  return list(dict.fromkeys(name for name in found if name))


def explain(refused, precision):
  """The message for operations that a precision does not hold, with the remedy of each."""
  default = _OTHER_PRECISION if precision in CALIBRATED else _OTHER_OPERATIONS
  remedies = dict.fromkeys(_REMEDIES.get(name.removeprefix("Flex"), default) for name in refused)
  return f"{precision} does not hold {', '.join(refused)} as this network has it: {'; '.join(remedies)}"
