"""`tf-imgtrans data pack`: images made ready for fast training."""

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
