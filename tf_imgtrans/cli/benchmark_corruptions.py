"""`tf-imgtrans benchmark-corruptions`, or `python -m tf_imgtrans.cli.benchmark_corruptions`: images a second."""

import os
import pathlib

from tf_imgtrans.core.startup import start_tensorflow, versions


def benchmark_corruptions(size: int = 256, share: float = 0.1, images: int = 400, rounds: int = 4,
                          json: pathlib.Path | None = None):
  """Measure how many images a second each corruption does in a tf.data map, beside a map that does nothing.

  On squares cut from photographs that an installed package carries. The kinds take turns, so that a slow moment of the
  machine meets all of them; the load of the machine is published.

  Example: tf-imgtrans benchmark-corruptions --size 256

  Args:
    size: side of the images in pixels, 32 to 300; blocks take half of it.
    share: of pixels kept.
    images: of one round.
    rounds: measured rounds, after one that warms up.
    json: file for the numbers.
  """
  if not 32 <= size <= 300:
    raise ValueError(f"size is {size}: expected 32 to 300, the side of the smallest photograph")
  start_tensorflow()
  from tf_imgtrans.benchmark.throughput import map_throughput
  from tf_imgtrans.core.files import write_json

  squares = _squares(size)
  load = os.getloadavg()[0]
  found = map_throughput(_kinds(share, squares), squares, images, rounds)
  load = max(load, os.getloadavg()[0])
  print(f"{size}x{size} pixels, share {share:g}, {os.cpu_count()} cores, load {load:.1f}")
  print(f"{'map':20}{'images/s':>12}{'CPU ms':>9}   time / identity")
  for name, values in found.items():
    print(f"{name:20}{values['images_per_second']:12.0f}{values['cpu_ms']:9.2f}{values['ratio']:8.1f} "
          f"({values['low']:.1f}-{values['high']:.1f})")
  if json:
    write_json(json, {"size": size, "share": share, "images": images, "rounds": rounds, "cores": os.cpu_count(),
                      "load": load, "versions": versions(), "kinds": found})


def _squares(size):
  """Squares from the middle of photographs: float32 [N, size, size, 3]."""
  import numpy as np

  from tf_imgtrans.core.images import read_image
  from tf_imgtrans.data.embedded import training_photographs

  squares = []
  for path in training_photographs():
    image = read_image(path)
    top, left = ((side - size) // 2 for side in image.shape[:2])
    squares.append(image[top:top + size, left:left + size])
  return np.stack(squares)


def _kinds(share, patches):
  """Name -> (image, seed pair) -> (corrupted, mask)."""
  from tf_imgtrans.data import corruptions

  block = patches.shape[1] // 2
  return {
      "random_points": lambda image, seed: corruptions.random_points(image, share, seed),
      "edge_points sobel": lambda image, seed: corruptions.edge_points(image, share, seed),
      "edge_points canny": lambda image, seed: corruptions.edge_points(image, share, seed, operator="canny"),
      "color_noise": lambda image, seed: corruptions.color_noise(image, share, seed),
      "white_block": lambda image, seed: corruptions.white_block(image, block),
      "color_blocks": lambda image, seed: corruptions.color_blocks(image, patches, seed, (block // 8, block)),
      "gaussian_noise": lambda image, seed: corruptions.gaussian_noise(image, 0.1, seed),
      "gaussian_blur": lambda image, seed: corruptions.gaussian_blur(image, (2.0, 2.0)),
  }


if __name__ == "__main__":
  import tyro

  tyro.cli(benchmark_corruptions, use_underscores=True)
