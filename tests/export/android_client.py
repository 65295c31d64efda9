"""What an Android app does with an exported file, by the text of notebooks/android.md.

The page's Kotlin arithmetic is executed (kotlin_arithmetic); what the page leaves to Android, CameraX and LiteRT is here in
NumPy and `ai_edge_litert`, call by call.
"""

import re

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from kotlin_arithmetic import load
from recipes import ROOT

PAGE = ROOT / "notebooks" / "android.md"
SIGNATURE = "image_float"


def blocks(language):
  """The fenced blocks of the page in one language: list of str."""
  return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def arithmetic():
  """The page's functions of plain arithmetic: dict of name to Python function."""
  return load("\n".join(block for block in blocks("kotlin") if block.startswith("// Arithmetic")))


def table(heading):
  """Rows of the page's table whose first heading this is: list of lists of cells."""
  lines = PAGE.read_text().split(f"\n| {heading} |")[1].splitlines()[2:]
  rows = []
  for line in lines:
    if not line.startswith("|"):
      break
    rows.append([cell.strip() for cell in line.strip("|").split("|")])
  return rows


def frame(image, degrees, padding=24):
  """What a camera delivers of a scene: RGBA bytes that are upright after a clockwise turn by `degrees`.

  Rows are padded, but for the last, which ends with its last pixel as camera buffers do; the padding is no colour.

  Args:
    image: uint8 [H, W, 3], upright.
    degrees: 0, 90, 180 or 270.
    padding: int, bytes.
  Returns:
    (int8 array, width, height, row stride, pixel stride).
  """
  turned = np.rot90(image, degrees // 90)
  height, width = turned.shape[:2]
  rows = np.full((height, width * 4 + padding), 77, np.uint8)
  rows[:, :width * 4] = np.concatenate([turned, np.full((height, width, 1), 255, np.uint8)], axis=-1).reshape(height, -1)
  return rows.ravel()[:rows.size - padding].view(np.int8), width, height, rows.shape[1], 4


def get_pixels(image):
  """Bitmap.getPixels of uint8 [H, W, 3]: list of signed ARGB ints."""
  red, green, blue = np.moveaxis(image.astype(np.uint32), -1, 0)
  return (np.uint32(255 << 24) | red << 16 | green << 8 | blue).view(np.int32).ravel().tolist()


def shown(pixels, height, width):
  """What Bitmap.createBitmap shows of ARGB ints: uint8 [height, width, 3]."""
  argb = np.array(pixels, np.int64).astype(np.uint32).reshape(height, width)
  assert (argb >> 24 == 255).all(), "not opaque"
  return np.stack([argb >> 16 & 255, argb >> 8 & 255, argb & 255], axis=-1).astype(np.uint8)


class Enhancer:
  """The page's InterpreterEnhancer: buffers of the sizes that the signature's tensors have, one call of the signature.

  Args:
    path: of a .tflite file.
    size: (height, width) to resize a file of any size to, before tensors are allocated.
  """

  def __init__(self, path, size=None):
    self.kotlin = arithmetic()
    interpreter = Interpreter(str(path), num_threads=1)
    details = interpreter.get_input_details()[0]
    if size is not None:
      interpreter.resize_tensor_input(details["index"], [1, *size, 3], strict=True)
      interpreter.allocate_tensors()
      details = interpreter.get_input_details()[0]
    self.shape, self.dtype = tuple(details["shape"]), details["dtype"]
    self.quantized = interpreter.get_output_details()[0]["quantization"]
    self.runner = interpreter.get_signature_runner(SIGNATURE)

  def run(self, tensor):
    """float32 [3 H W] -> float32 [3 sH sW]."""
    assert self.dtype == np.float32
    return self._invoke(np.asarray(tensor, np.float32))

  def run_bytes(self, tensor):
    """The same by uint8, of a file of --integer_io."""
    assert self.dtype == np.uint8
    bytes_in = np.asarray(self.kotlin["tensorToBytes"](tensor), np.int8)
    step, zero_point = self.quantized
    return self.kotlin["bytesToTensor"](self._invoke(bytes_in.view(np.uint8)).view(np.int8), np.float32(step), zero_point)

  def _invoke(self, values):
    return self.runner(image=values.reshape(self.shape))["image"].ravel()
