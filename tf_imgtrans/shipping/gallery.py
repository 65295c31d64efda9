"""A page of held-out photographs before and after a shipped model: the first ones by name, whatever became of them."""

import dataclasses
import pathlib

import numpy as np

from tf_imgtrans.core.files import write_text
from tf_imgtrans.core.images import read_image, write_image
from tf_imgtrans.core.panels import panel
from tf_imgtrans.data.degradations import phone_camera
from tf_imgtrans.data.folders import HELD_OUT_SEED
from tf_imgtrans.export.photographs import fit
from tf_imgtrans.metrics.peak_signal_to_noise import psnr
from tf_imgtrans.practice.phone_enhancement.acceptance import clipped

SIDE = 640  # pixels: the longer side at which photographs are enhanced; they are drawn smaller
TILE = 300  # pixels: the longer side of an image on the page
HEADERS = ("photograph", "its output", "as an old phone takes it", "its output")


def write_gallery(name, model, camera, photographs, out, count=10):
  """Writes OUT.md and, beside it, OUT/NAME.jpg for each photograph.

  Args:
    name: str, of the model.
    model: inference.LoadedModel.
    camera: data.settings.PhoneCamera that the model was trained for.
    photographs: photographs.Photographs.
    out: Path of the page without its suffix.
    count: int, photographs.
  """
  out = pathlib.Path(out)
  lines = [TITLE.format(name=name, count=count)]
  for path in photographs.held_out[:count]:
    image = read_image(path)
    factor = SIDE / max(image.shape[:2])
    image = fit(image, *(round(side * factor) for side in image.shape[:2]))
    degraded = phone_camera(image, HELD_OUT_SEED, **dataclasses.asdict(camera)).numpy()
    made, enhanced = (np.clip(model(each[None])[0], 0, 1) for each in (image, degraded))
    write_image(out / f"{path.stem}.jpg", panel([[image, made, degraded, enhanced]], HEADERS, tile=TILE), quality=85)
    change, before, after = (float(psnr(image[None], each[None])[0]) for each in (made, degraded, enhanced))
    lines.append(ENTRY.format(
        folder=out.name, stem=path.stem, name=path.stem.replace("_", " "), **photographs.credits[path.stem], change=change,
        before=before, after=after, newly=(clipped(made) & ~clipped(image)).mean()))
  write_text(out.with_suffix(".md"), "\n".join(lines))


TITLE = """# What `{name}` makes of photographs

The first {count} held-out photographs by name, none of them chosen, none trained on. Each row: a good photograph, what the
model makes of it, the same photograph as an old phone would take it (the degradation of the training), and what the model
makes of that. The numbers: how near the first output is to the photograph, the share of its values that are newly clipped,
and how near the third and the fourth image are to the photograph.
"""
ENTRY = """
## {name}

![{name}]({folder}/{stem}.jpg)

{change:.1f} dB, {newly:.1%} newly clipped; {before:.1f} dB before, {after:.1f} dB after. Photograph: {author}, "{title}",
{licence}; {source}.
"""
