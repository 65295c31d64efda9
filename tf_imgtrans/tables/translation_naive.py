"""The simplest method for each task of image translation: the rows that trained networks have to beat."""


def class_colors(bench):
  """Paints each class in the mean colour that it has in the training photographs: Item -> image.

  Args:
    bench: feature_pyramid_pan.Translation of a task with label maps.
  """
  import numpy as np

  from tf_imgtrans.core.images import to_float32
  from tf_imgtrans.data.labels import IGNORED, classes_of
  from tf_imgtrans.data.translation import read_pair

  config, sums, counts = bench.config("full"), np.zeros((IGNORED + 1, 3)), np.zeros(IGNORED + 1)
  for pair in bench.folder.without_held_out(bench.tuning).training:
    source, target = map(to_float32, read_pair(config, "labels", pair, config.image_size))
    classes = classes_of(source, config.label_set).numpy().ravel()
    counts += np.bincount(classes, minlength=len(counts))
    for channel in range(3):
      sums[:, channel] += np.bincount(classes, target[..., channel].ravel(), minlength=len(counts))
  overall = sums.sum(axis=0) / counts.sum()
  colors = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], overall).astype(np.float32)
  return lambda item: colors[classes_of(item.source, config.label_set).numpy()]


def inpainted(bench):
  """Telea's inpainting of the hole: Item -> image; arguments as of `class_colors`."""
  import numpy as np

  from tf_imgtrans.baselines.classical import inpaint
  from tf_imgtrans.data.translation import fill_hole

  def method(item):
    black, white = (fill_hole(np.full(item.source.shape, value, np.float32), bench.config("full").hole) for value in (0, 1))
    return inpaint(item.source, np.any(np.not_equal(black, white), axis=-1, keepdims=True))

  return method


def median(bench):  # noqa: ARG001 - as all of them
  """The median of 3x3 pixels, which takes out thin streaks and small flakes: Item -> image."""
  import cv2

  return lambda item: cv2.medianBlur(item.source, 3)


NAIVE = {"class_colors": class_colors, "inpainted": inpainted, "median": median}
