"""`tf-imgtrans corrupt KIND`: corrupted images with their masks."""

import pathlib
import sys
from typing import Literal

from tf_imgtrans.cli.predict import Inputs
from tf_imgtrans.core.names import counted
from tf_imgtrans.core.startup import start_tensorflow


def random_points(inputs: Inputs, out: pathlib.Path, seed: int = 0, share: float = 0.1):
  """Keep scattered pixels, the rest white: OUT/NAME.png and OUT/NAME_mask.png for each image, of the same size.

  The mask is 255 where the pixel was kept, else 0. Results are PNG files of 8 bits. What is drawn depends on the seed and
  on the image's name without folder and suffix, and not on the other images of the call. An image that fails is
  named and the others are done; the exit status is then 1. Inputs are never overwritten.

  Example: tf-imgtrans corrupt random_points --share 0.05 --out sparse photo.jpg holiday/ 'more/*.png'

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    seed: of the random numbers, 0 to 2147483647.
    share: of pixels kept, in the mean; above 0, at most 1.
  """
  _check(inputs, out, seed, share=share)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.random_points(image, share, key), inputs, out, seed)


def edge_points(inputs: Inputs, out: pathlib.Path, seed: int = 0, share: float = 0.1,
                operator: Literal["sobel", "canny"] = "sobel"):
  """Keep pixels drawn mostly from the edges, the rest white: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files, seeds and failures are as of `corrupt random_points`.

  Example: tf-imgtrans corrupt edge_points --share 0.05 --operator canny --out sparse photo.jpg

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    seed: of the random numbers, 0 to 2147483647.
    share: of pixels kept, to the pixel; above 0, at most 1.
    operator: what finds the edges.
  """
  _check(inputs, out, seed, share=share)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.edge_points(image, share, key, operator), inputs, out, seed)


def color_noise(inputs: Inputs, out: pathlib.Path, seed: int = 0, valid_share: float = 0.1):
  """Keep scattered pixels, the rest in random colours: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files, seeds and failures are as of `corrupt random_points`, and so are the pixels that are kept.

  Example: tf-imgtrans corrupt color_noise --valid_share 0.15 --out noisy photo.jpg

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    seed: of the random numbers, 0 to 2147483647.
    valid_share: of pixels kept, in the mean; above 0, at most 1.
  """
  _check(inputs, out, seed, valid_share=valid_share)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.color_noise(image, valid_share, key), inputs, out, seed)


def white_block(inputs: Inputs, out: pathlib.Path, size: int = 128, color: tuple[float, float, float] = (1.0, 1.0, 1.0)):
  """Set a square in the middle white, or of another colour: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files and failures are as of `corrupt random_points`; an image smaller than the block fails. Nothing is random.

  Example: tf-imgtrans corrupt white_block --out holes faces/

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    size: side of the square in pixels.
    color: red, green and blue of the square, 0 to 1.
  """
  if not all(0 <= value <= 1 for value in color):
    raise ValueError(f"color is {color}: expected red, green and blue from 0 to 1; divide levels of 255 by 255")
  _check(inputs, out, size=size)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.white_block(image, size, color), inputs, out)


def color_blocks(inputs: Inputs, out: pathlib.Path, patches: pathlib.Path, seed: int = 0,
                 size: tuple[int, int] = (16, 128), centered: bool = False):
  """Cover a square with a tile of another image: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files, seeds and failures are as of `corrupt random_points`. An image fails that is smaller than the largest tile,
  or that draws a patch which is, or which cannot be read.

  Example: tf-imgtrans corrupt color_blocks --patches scenes/ --size 128 128 --centered --out blocks faces/

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    patches: folder of the images that tiles are cut from, searched with its subfolders.
    seed: of the random numbers, 0 to 2147483647.
    size: smallest and largest side of a tile in pixels.
    centered: put the tile in the middle.
  """
  _check(inputs, out, seed, size=size)
  from tf_imgtrans.core.images import list_images
  from tf_imgtrans.data import corruptions

  files = list_images([patches], recursive=True)

  def corruption(image, key):
    return corruptions.color_blocks(image, _draw_patch(files, key, size[1]), key, size, centered)

  return _corrupt(corruption, inputs, out, seed)


def gaussian_noise(inputs: Inputs, out: pathlib.Path, seed: int = 0, std_unit: float = 25 / 255):
  """Add Gaussian noise: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files, seeds and failures are as of `corrupt random_points`; masks are 0, as no pixel is kept.

  Example: tf-imgtrans corrupt gaussian_noise --std_unit 0.2 --out noisy photo.jpg

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    seed: of the random numbers, 0 to 2147483647.
    std_unit: standard deviation of the noise of each value, white being 1.
  """
  _check(inputs, out, seed)
  _check_amount("std_unit", std_unit)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.gaussian_noise(image, std_unit, key), inputs, out, seed)


def gaussian_blur(inputs: Inputs, out: pathlib.Path, sigma_px: tuple[float, float] = (2.0, 2.0)):
  """Blur with a Gaussian, cut off at 19x19 pixels: OUT/NAME.png and OUT/NAME_mask.png for each image.

  Masks, files and failures are as of `corrupt random_points`; masks are 0, as no pixel is kept. Nothing is random.

  Example: tf-imgtrans corrupt gaussian_blur --sigma_px 3 1 --out soft photo.jpg

  Args:
    inputs: images, folders and quoted patterns.
    out: folder for the results.
    sigma_px: standard deviations in pixels, from left to right and from top to bottom.
  """
  _check(inputs, out)
  for sigma in sigma_px:
    _check_amount("sigma_px", sigma)
  from tf_imgtrans.data import corruptions

  return _corrupt(lambda image, key: corruptions.gaussian_blur(image, sigma_px), inputs, out)


def _check_amount(name, value):
  if not 0 <= value < float("inf"):
    raise ValueError(f"{name} is {value}: expected 0 or more")


def _check(inputs, out, seed=0, size=None, **shares):
  """Starts TensorFlow and raises ValueError for a wrong call, before an image is read."""
  if not inputs:
    raise ValueError("no images: name files, folders or quoted patterns")
  if out.is_file():
    raise ValueError(f"{out} is a file: give a folder for the images")
  if not 0 <= seed < 2 ** 31:
    raise ValueError(f"seed is {seed}: expected 0 to 2147483647")
  start_tensorflow()
  from tf_imgtrans.data.corruptions import check_share, check_sides

  for name, share in shares.items():
    check_share(share, name)
  if size is not None:
    check_sides(size)


def _draw_patch(files, key, least):
  """One of the files, drawn by the seed pair: float32 [h, w, 3]. ValueError where it cannot be used, with its name."""
  import tensorflow as tf

  from tf_imgtrans.core.images import UnreadableImage, read_image
  from tf_imgtrans.core.seeds import ALGORITHM, fold_in

  # Folded, as the key itself draws the tile.
  number = tf.random.stateless_uniform([], fold_in(key, 1), 0, len(files), tf.int32, alg=ALGORITHM)
  path = files[int(number)]
  try:
    patch = read_image(path)
  except UnreadableImage as error:
    raise ValueError(f"its patch {error}") from None
  if min(patch.shape[:2]) < least:
    raise ValueError(f"its patch {path} has {patch.shape[0]}x{patch.shape[1]} pixels: expected at least {least}x{least}, "
                     "the largest tile; remove it, or take a smaller --size")
  return patch


def _corrupt(corruption, inputs, out, seed=0):
  """Corrupts every image; returns the exit status.

  Args:
    corruption: (image [H, W, 3], seed pair) -> (corrupted, mask).
    inputs, out, seed: as of the commands.
  """
  from tf_imgtrans.core.images import list_images, write_image
  from tf_imgtrans.core.seeds import seed_at, stream_number
  from tf_imgtrans.inference.predict import each_image, output_paths

  paths = list_images(inputs)
  outputs = output_paths(paths, out, beside=["_mask"])

  def work(index, image):
    # By name: an image is corrupted alike whichever others are given, and in whichever format it comes.
    corrupted, mask = corruption(image, seed_at(seed, "corrupt", stream_number(paths[index].stem)))

    def write():
      write_image(outputs[index], corrupted)
      _write_mask(outputs[index].with_name(f"{outputs[index].stem}_mask.png"), mask.numpy())

    return write

  failures = [(path, reason) for path, reason in zip(paths, each_image(work, paths)) if reason is not None]
  for path, reason in failures:
    print(f"{path}: {reason}", file=sys.stderr)
  written = counted(len(paths) - len(failures), "image")
  print(f"wrote {written} with masks to {out}" + (f", {len(failures)} failed" if failures else ""))
  return 1 if failures else 0


def _write_mask(path, mask):
  """Writes a mask, float32 [H, W, 1] of 0 and 1, as a PNG of one channel, 0 and 255."""
  from PIL import Image

  from tf_imgtrans.core.files import atomic_path

  with atomic_path(path) as temporary:
    Image.fromarray((mask[..., 0] * 255).astype("uint8")).save(temporary, format="PNG")
