"""The FCN score: how well a segmenter finds the classes of a label map again in the photograph generated from it.

pix2pix, scripts/eval_cityscapes: every generated image is enlarged to its label map's size, segmented, and the classes of
all frames are compared with the label maps at once.
"""

import itertools
import pathlib
import zipfile

import numpy as np
import tensorflow as tf

from tf_imgtrans.baselines.segmentation.network import Segmenter
from tf_imgtrans.core.images import to_float32
from tf_imgtrans.core.keras_files import load_network
from tf_imgtrans.core.panels import panel
from tf_imgtrans.data.labels import colorize, get_label_set, resize_labels
from tf_imgtrans.metrics.segmentation import confusion_matrix, scores_of_confusion
from tf_imgtrans.training.validation import SHEET_ROWS, Validator

CHUNK_PIXELS = 1 << 21  # segmented together, which bounds the memory; one frame of Cityscapes
EXPECTED = "a .keras file of a segmenter, or the folder of a run of fcn8s"


def fcn_scores(segmenter, images, label_maps, classes):
  """Scores generated images by what a segmenter sees in them.

  A segmenter with a `load_size` is given images of that side, and its classes are brought to the label map's size by
  nearest neighbour; every other one is given images of the label map's size, as pix2pix does.

  Args:
    segmenter: keras.Model, float32 [N, H, W, 3] in [0, 1] -> scores [N, H, W, classes], of `load_segmenter`.
    images: iterable of float [h, w, 3] in [0, 1], or uint8; of the size that the generator gives.
    label_maps: iterable of integer [H, W], the classes that each image was generated from; 255 where ignored.
    classes: int, the segmenter's classes.
  Returns:
    dict of float: "pixel_accuracy", "class_accuracy" and "class_iou" of `metrics.segmentation_scores`, over all frames.
  Raises:
    ValueError: a segmenter of other classes, images that are none, another number of label maps, or no valid label.
  """
  matrix = np.zeros((classes, classes), np.int64)
  for _, labels, found in segmented(segmenter, predictor(segmenter, classes), images, label_maps):
    matrix += confusion_matrix([labels], [found], classes)
  return scores_of_confusion(matrix)


def load_segmenter(path):
  """Loads a segmenter from a .keras file or from a run folder, whose generator.keras is taken.

  Raises:
    FileNotFoundError: nothing there, or a run that has not finished.
    ValueError: something else is there, or the file is damaged.
  """
  path = pathlib.Path(path)
  file = path / "generator.keras" if path.is_dir() else path
  if path.is_dir() and not (path / "run.json").is_file():
    raise ValueError(f"{path} is no run folder: expected {EXPECTED}")
  if path.is_dir() and not file.is_file():
    best = path / "best_class_iou.keras"
    raise FileNotFoundError(f"{path}: the run has not finished, as it holds no generator.keras; "
                            f"{f'give {best}, or ' if best.is_file() else ''}finish it with --resume")
  if not file.is_file():
    raise FileNotFoundError(f"no segmenter {path}: expected {EXPECTED}")
  if file.suffix != ".keras" or not zipfile.is_zipfile(file):  # Keras would say that there is no such file
    raise ValueError(f"{file} is no Keras archive, or one that is damaged or cut short: expected {EXPECTED}")
  try:
    model = load_network(file)
  except Exception as error:  # what Keras raises on a damaged file has no common base
    raise ValueError(f"{file} cannot be loaded: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from error
  if hasattr(model, "scale"):  # every generator has it
    raise ValueError(f"{file} holds a generator of images, {type(model).__name__}: expected {EXPECTED}")
  return model


def enlarge(photographs, height, width):
  """Float [..., S, S, 3] -> [..., height, width, 3]: bilinear, half-pixel-centred, antialiased where it shrinks."""
  return tf.image.resize(photographs, (height, width), antialias=True)


class SegmentationValidator(Validator):
  """Scores a segmenter on held-out photographs, as the FCN score does generated ones; keeps the best class IoU.

  Args:
    images: list of (name, photograph, classes) of `data.held_out`.
    label_set: str, whose classes and colours they are.
  """

  def __init__(self, images, label_set):
    super().__init__(images, None, {"class_iou": True})
    self.label_set = get_label_set(label_set)

  def __call__(self, segmenter):
    """Scores a segmenter: (dict of values, preview sheet uint8 [H, W, 3])."""
    classes = len(self.label_set)
    if self._run is None:  # one graph for the whole run
      self._run = predictor(segmenter, classes)
    _, photographs, label_maps = zip(*self.images)
    rows, matrix = [], np.zeros((classes, classes), np.int64)
    for photograph, labels, found in segmented(segmenter, self._run, photographs, label_maps):
      matrix += confusion_matrix([labels], [found], classes)
      if len(rows) < SHEET_ROWS:
        rows.append([photograph, colorize(found, self.label_set), colorize(labels, self.label_set)])
    return scores_of_confusion(matrix), panel(rows, headers=["photograph", "classes found", "label map"])


def predictor(segmenter, classes):
  """A graph float32 [N, H, W, 3] -> int64 [N, H, W], the class of the highest score, for images of all sizes."""
  @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
  def run(images):
    scores = segmenter(images, training=False)
    if scores.shape[-1] != classes:
      raise ValueError(f"the segmenter scores {scores.shape[-1]} classes: expected {classes}, those of the label maps")
    return tf.argmax(scores, axis=-1)

  return run


def segmented(segmenter, run, images, label_maps):
  """Segments images chunk by chunk.

  Args:
    segmenter, images, label_maps: as for `fcn_scores`.
    run: the segmenter's `predictor`.
  Yields:
    (image float32 [h, w, 3], label map [H, W], classes found [H, W]).
  """
  side, chunk = segmenter.config.load_size if isinstance(segmenter, Segmenter) else 0, []
  for number, (image, labels) in enumerate(itertools.zip_longest(images, label_maps)):
    if image is None or labels is None:
      raise ValueError(f"{'images' if image is None else 'label maps'} end after {number}: expected one label map for "
                       "each image")
    image, labels = _image(image, number), np.asarray(labels)
    if labels.ndim != 2 or 0 in labels.shape:
      raise ValueError(f"label map {number} has shape {labels.shape}: expected [height, width], the class of each pixel")
    size = (side, side) if side else labels.shape
    large = enlarge(image, *size).numpy()
    if chunk and (chunk[-1][2].shape != large.shape or (len(chunk) + 1) * size[0] * size[1] > CHUNK_PIXELS):
      yield from _found(run, chunk)
      chunk = []
    chunk.append((image, labels, large))
  if chunk:
    yield from _found(run, chunk)


def _found(run, chunk):
  found = run(np.stack([large for _, _, large in chunk])).numpy()
  for (image, labels, _), classes in zip(chunk, found):
    yield image, labels, resize_labels(classes, *labels.shape)


def _image(image, number):
  image = np.asarray(image)
  if image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
    raise ValueError(f"image {number} has shape {image.shape}: expected [height, width, 3], RGB")
  if image.dtype == np.uint8:
    return to_float32(image)
  if image.dtype.kind != "f" or not np.isfinite(image).all() or image.min() < -0.5 or image.max() > 1.5:
    raise ValueError(f"image {number} is {image.dtype} and spans [{image.min()}, {image.max()}]: expected floats "
                     "in [0, 1], or uint8")
  return np.clip(image, 0, 1).astype(np.float32)
