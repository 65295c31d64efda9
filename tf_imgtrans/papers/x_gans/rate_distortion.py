"""Rate and distortion of images reconstructed from few pixels, against JPEG and WebP files of at most the same size."""

import io

import numpy as np
from PIL import Image

from tf_imgtrans.core.images import to_float32, to_uint8
from tf_imgtrans.core.seeds import seed_at, stream_number
from tf_imgtrans.metrics import psnr, ssim
from tf_imgtrans.papers.x_gans import codec
from tf_imgtrans.papers.x_gans.points import sample

# codec -> (lowest quality, highest, settings that are tried: the one with the higher PSNR is used)
_RIVALS = {
    "jpeg": (1, 100, [{"subsampling": subsampling, "optimize": True, "progressive": True} for subsampling in (0, 2)]),
    "webp": (0, 100, [{"method": 6}]),
}
# Factors of the sides, in descending order, if the full-size image takes too many bytes at the lowest quality.
_SHRUNK = (3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8, 3 / 32, 1 / 16, 1 / 32, 1 / 64)


def rate_distortion(images, reconstruct, shares, samplings=("random", "edge"), seed=0):
  """Packs images as .xgp files, reconstructs them, and measures file sizes and quality.

  The drawn points depend on the seed and the image's name, not on the other images; with one seed, random points of a
  smaller share are a subset of those of a larger one.

  Args:
    images: list of (name, uint8 [H, W, 3]), 11 pixels or more on each side.
    reconstruct: (float32 [H, W, 3] in [0, 1], the kept pixels on white, and bool [H, W, 1], their positions) -> [H, W, 3].
    shares: floats in (0, 1], of pixels kept.
    samplings: of "random" and "edge".
    seed: int.
  Returns:
    list of dicts, one for every sampling, share and image, in this order of nesting:
      image, sampling, share, points;
      bytes, bits_per_pixel: of the .xgp file, its header included;
      psnr, ssim: of what is reconstructed, rounded to 8 bits, RGB; psnr_kept, ssim_kept: with the kept pixels copied in;
      jpeg_bytes, jpeg_psnr, jpeg_ssim, jpeg_how, and the same for webp: the best of at most `bytes`, and how it was
        made, such as "quality 7, 4:2:0" or "quality 1, 4:2:0, shrunk to 96x64"; None if nothing fits.
  """
  rows = []
  for sampling in samplings:
    for share in shares:
      for name, pixels in images:
        mask = sample(pixels, share, sampling, seed_at(seed, "compression", stream_number(name)))
        data = codec.encode(pixels, mask)
        sparse, kept = codec.decode(data)
        image = to_uint8(reconstruct(to_float32(sparse), kept[..., None]))
        with_points = np.where(kept[..., None], sparse, image)
        row = {"image": name, "sampling": sampling, "share": share, "points": int(mask.sum()),
               "bytes": len(data), "bits_per_pixel": 8 * len(data) / mask.size,
               **_quality(pixels, image), **_quality(pixels, with_points, suffix="_kept")}
        for rival in _RIVALS:
          row.update(best_within(pixels, rival, len(data)))
        rows.append(row)
  return rows


def best_within(pixels, rival, budget):
  """The best JPEG or WebP of an image that takes at most `budget` bytes.

  The highest quality that fits; if none does, that of the image shrunk as little as needed and enlarged again after
  decoding.

  Args:
    pixels: uint8 [H, W, 3].
    rival: "jpeg" or "webp".
    budget: int, bytes of the whole file.
  Returns:
    dict of <rival>_bytes, <rival>_psnr, <rival>_ssim and <rival>_how.
  """
  lowest, highest, settings = _RIVALS[rival]
  height, width = pixels.shape[:2]
  for factor in (1, *_SHRUNK):
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = Image.fromarray(pixels) if factor == 1 else Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    tries = []
    for setting in settings:
      quality, data = _highest_quality(small, rival, setting, budget, lowest, highest)
      if data is not None:
        back = Image.open(io.BytesIO(data)).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
        chroma = {0: ", 4:4:4", 2: ", 4:2:0"}.get(setting.get("subsampling"), "")
        shrunk = "" if factor == 1 else f", shrunk to {size[0]}x{size[1]}"
        tries.append({"bytes": len(data), **_quality(pixels, np.array(back)), "how": f"quality {quality}{chroma}{shrunk}"})
    if tries:
      best = max(tries, key=lambda found: found["psnr"])
      return {f"{rival}_{key}": value for key, value in best.items()}
  none = {f"{rival}_{key}": None for key in ("bytes", "psnr", "ssim")}
  return {**none, f"{rival}_how": f"more than {budget} bytes even at {size[0]}x{size[1]} pixels"}


def _highest_quality(image, rival, setting, budget, lowest, highest):
  """(quality, bytes) of the highest quality within the budget, by bisection; (None, None) if the lowest is too large."""
  found = None, None
  while lowest <= highest:
    quality = (lowest + highest) // 2
    buffer = io.BytesIO()
    image.save(buffer, rival.upper(), quality=quality, **setting)
    if buffer.tell() <= budget:
      found, lowest = (quality, buffer.getvalue()), quality + 1
    else:
      highest = quality - 1
  return found


def _quality(pixels, image, suffix=""):
  """PSNR and SSIM of uint8 [H, W, 3] against another: dict of floats."""
  true, pred = (to_float32(each[None]) for each in (pixels, image))
  return {f"psnr{suffix}": float(psnr(true, pred)[0]), f"ssim{suffix}": float(ssim(true, pred)[0])}
