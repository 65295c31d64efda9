"""What tests of training data share: images in folders, batches by their number, and a check that all methods pass."""

import numpy as np
import recipes

from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.replicas import Part


def write_images(folder, names, height, width, seed=0, noise=False):
  """Writes smooth PNG images, or uniform noise; the folder.

  Args:
    folder: Path.
    names: iterable of str, with folders in them where wanted ("class0/image1"); or int, the number of images, two in a
      folder as SUN397 has its classes.
    height, width: int, pixels.
    seed: int.
    noise: bool.
  """
  if isinstance(names, int):
    names = [f"class{number // 2}/image{number}" for number in range(names)]
  images = (recipes.random_images if noise else recipes.smooth_images)(len(names), height, width, 3, seed=seed)
  for name, image in zip(names, np.uint8(255 * images)):
    write_image(folder / f"{name}.png", image)
  return folder


def take(data, steps, start=0, part=Part()):  # noqa: B008 - frozen
  """Batches `start` to `start + steps - 1` of training data, each a list of arrays."""
  return [[np.array(each) for each in batch] for _, batch in zip(range(steps), data.batches(start, part))]


def assert_same_batches(batches, others):
  for batch, other in zip(batches, others, strict=True):
    for a, b in zip(batch, other, strict=True):
      recipes.assert_same(a, b)


def check_batches(make, start=2, steps=4):
  """Batches follow from their number alone: a resumed run sees what the whole one saw, workers share every batch out,
  batches differ from each other, and so do those of another seed.

  Args:
    make: function of a seed that makes the training data anew.
    start: int, where a run is resumed.
    steps: int.
  """
  whole = take(make(0), steps)
  assert_same_batches(take(make(0), steps - start, start), whole[start:])
  halves = [take(make(0), 2, part=Part(2, worker, 1)) for worker in (0, 1)]
  assert_same_batches([[np.concatenate(parts) for parts in zip(*batches)] for batches in zip(*halves)], whole[:2])
  for other in (whole[1], take(make(1), 1)[0]):
    assert all((one != another).any() for one, another in zip(whole[0], other) if one.shape == another.shape)
