"""`tf-imgtrans data`: images made ready for fast training, and what separates the two cameras of paired images."""

import pathlib
import sys

from tf_imgtrans.core.startup import start_tensorflow


def pack(data: pathlib.Path, out: pathlib.Path, size: int = 1024, smallest: int = 8, per_shard: int = 1000,
         crop: bool = True, enlarge: bool = False):
  """Pack images as squares of every size from SMALLEST to SIZE, doubling, in TFRecord files below OUT.

  Progressive training starts at 8 pixels: a packed folder saves it from decoding 1024 of them for that. Each image is cut
  to its largest square and brought to SIZE by area; the smaller sizes are means over 2x2, 4x4, ... of its pixels. Every
  folder with images in it or below it will do:
    images1024x1024/       FFHQ
    └── 00000/             00000.png ... to 69000/69999.png
    CelebA-HQ-img/         0.jpg ... 29999.jpg
    cat/                   LSUN cat, as lsun/data.py export wrote it
    └── 0/0/0/0/0/0/       0000....webp ...

  OUT becomes, for SIZE 1024:
    ffhq_packed/
    ├── index.json
    ├── 8x8/               images-00000-of-00070.tfrecord ...
    └── 1024x1024/         images-00000-of-00070.tfrecord ...

  An image that cannot be read is named and the others are done; the exit status is then 1. OUT appears when it is whole,
  and a folder that holds something is never written to.

  Example: tf-imgtrans data pack --data images1024x1024 --out ffhq_packed --size 1024 --smallest 8

  Args:
    data: folder of images, searched with its subfolders.
    out: folder to make.
    size: largest side in pixels.
    smallest: smallest side in pixels; SIZE is a power of two times this.
    per_shard: images in one file.
    crop: cut to the middle square; --no_crop squeezes the whole image into one.
    enlarge: take images smaller than SIZE too, enlarged.
  """
  if smallest < 1 or size < smallest or size % smallest or (size // smallest).bit_count() > 1:
    raise ValueError(f"size is {size} and smallest {smallest}: expected a power of two times the smallest, as 1024 and 8")
  if per_shard < 1:
    raise ValueError(f"per_shard is {per_shard}: expected at least 1")
  if not data.is_dir():
    raise FileNotFoundError(f"no data folder {data}: give one with images in it or below it")
  start_tensorflow()
  from tf_imgtrans.core.images import list_images
  from tf_imgtrans.data import shards
  from tf_imgtrans.version import __version__

  sizes = [smallest << power for power in range((size // smallest).bit_length())]
  packed, failures = shards.pack(list_images([data], recursive=True), out, sizes, per_shard, crop, enlarge, data.absolute(),
                                 __version__)
  for path, reason in failures:
    print(f"{path}: {reason}", file=sys.stderr)
  written = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
  print(f"packed {len(packed)} images at {', '.join(map(str, packed.sizes))} pixels in {out}, {written / 1e6:.1f} MB"
        + (f", {len(failures)} failed" if failures else ""))
  return 1 if failures else 0


def camera(data: pathlib.Path, phone: str | None = None, source: str | None = None, target: str | None = None,
           json: pathlib.Path | None = None):
  """Measure how the photographs of a phone differ from those of a better camera, on pairs of the same scenes.

  Prints deciles and quartiles of exposure, white balance, contrast, saturation and sharpness over the pairs, and the
  quartiles as flags of training on clean photographs, which are then degraded as that phone would. Blur, noise and JPEG
  cannot be separated on pairs that are not aligned to a pixel: choose them so that the sharpness comes out alike.
    {pairs}

  Example: tf-imgtrans data camera --data pairs

  Args:
    data: folder of pairs, as `train mux_demux` takes it.
    phone: iphone, blackberry or sony, where DPED's folder holds several.
    source: name of the phone's folder, where it is not one of the usual names.
    target: name of the camera's folder.
    json: file for the value of each pair.
  """
  start_tensorflow()
  import numpy as np
  from rich.console import Console
  from rich.table import Table

  from tf_imgtrans.core.files import write_json
  from tf_imgtrans.data.camera_statistics import camera_statistics
  from tf_imgtrans.data.folders import iterate_images, read_folder

  folder = read_folder(data, 0.0, phone, source, target)
  if folder.kind == "photographs":
    raise ValueError(f"{data} holds photographs without pairs: give two folders with the same names in them")
  images = iterate_images(folder.kind, folder.training + folder.validation)
  found = camera_statistics((source, target) for _, source, target in images)
  count = len(found["exposure"])
  if not count:
    raise ValueError(f"{data}: no pair tells anything, as all are flat, black or clipped")
  shares = (10, 25, 50, 75, 90)
  table = Table("amount", *(f"{share} %" for share in shares), title=f"{count} pairs of {data}")
  quantiles = {name: np.nanpercentile(values, shares) for name, values in found.items()}
  for name, values in quantiles.items():
    table.add_row(name, *(f"{value:.2f}" for value in values))
  Console().print(table)
  flags = [f"--config.degradation.{name} {values[1]:.2f} {values[3]:.2f}" for name, values in quantiles.items()
           if name != "sharpness"]
  print("next: train on clean photographs with", *flags, sep="\n  ")
  if json is not None:
    write_json(json, {name: [None if np.isnan(value) else value for value in values.tolist()]
                      for name, values in found.items()})
  return 0
