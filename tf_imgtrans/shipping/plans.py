"""Which models are shipped, and how each is trained; importing it is light."""

import dataclasses
from typing import Any

from tf_imgtrans.core.names import unknown_name

# Height and width of .tflite files of a fixed size: a photograph, on which the time is taken, and a tile
FIXED_SIZES = ((720, 1280), (256, 256))
# End of a file's name -> precision of the files that take any size
FLOATS = {"": "float32", "_float16": "float16"}
# What phones take: float32 stands in the .keras file and in the SavedModel
SMALL = {"_float16": "float16", "_dynamic_int8": "dynamic_int8"}
HALF = {"_float16": "float16"}


@dataclasses.dataclass(frozen=True)
class Plan:
  """A shipped model.

  Attributes:
    summary: str, what it does, one line.
    recipe: str, of its training.
    fields: dict, of the recipe's configuration where it differs from the preset "paper".
    measure: reference "module:function": (models, task, photographs, real pairs or None) -> measure.Measured.
    limits: tuple of str, for the card.
    command: str, how it is run, for the card.
    precisions: dict of the end of a file's name to the precision, of the files that take any size.
    sizes: (height, width) of the files of a fixed size: of a photograph, on which the time is taken, and of a tile.
  """

  summary: str
  recipe: str
  fields: dict[str, Any]
  measure: str
  limits: tuple[str, ...]
  command: str = "tf-imgtrans predict --model {name} --out enhanced PHOTOS"
  # Of Mux networks no more: weights of 8 bits draw a lattice, as they differ within the square of pixels that Mux makes.
  precisions: dict[str, str] = dataclasses.field(default_factory=lambda: FLOATS)
  sizes: tuple[tuple[int, int], ...] = FIXED_SIZES


_ENHANCER_LIMITS = (
    "It brightens what is dark on purpose, too: night scenes, silhouettes, low-key portraits.",
    "It cannot bring back what is clipped or lost in noise, and it does not sharpen much.",
    "It was trained on an imitation of one kind of phone; train on pairs of your camera for a product.",
    "It normalizes by the whole image: tiles (`predict --tile`) differ a little from the whole.",
    "Not for evidence or medical use: it changes the content of an image.",
)

PLANS = {
    "mux_demux": Plan(
        "Enhances photographs of phones: exposure, colour, contrast. The larger network.", "phone_enhancement",
        {"network": "normal"}, "tf_imgtrans.shipping.measure:enhancement", _ENHANCER_LIMITS),
    "mux_demux_hp": Plan(
        "Enhances photographs of phones: exposure, colour, contrast. The fast network.", "phone_enhancement",
        {"network": "high_performance"}, "tf_imgtrans.shipping.measure:enhancement", _ENHANCER_LIMITS),
    "x_gans": Plan(
        "Rebuilds photographs from 1 to 20 % of their pixels, the others being white, as decompress needs it.",
        "point_reconstruction", {"iterations": 10000}, "tf_imgtrans.shipping.measure:reconstruction", (
            "It invents what lies between the kept pixels: not for evidence, medical use or measurements.",
            "At 1 % of the pixels small objects, faces and text are lost.",
            "A JPEG of the same size usually keeps more; an .xgp file is for pixels that are to stay exact.",
        ), "tf-imgtrans decompress photo.xgp --model {name} --out rebuilt.png", HALF),
    "feature_pyramid_pan": Plan(
        "Takes rain out of photographs.", "rain_removal", {}, "tf_imgtrans.shipping.measure:rain_removal", (
            "It was trained on drawn rain: real streaks that are long, wide or dense stay in part; drops on glass stay.",
            "Fine bright lines that are no rain, such as wires and grass, may be softened.",
            "Not for evidence or medical use: it changes the content of an image.",
        ), precisions=SMALL),
    "progressive_pan": Plan(
        "Enlarges photographs to four times their height and width.", "enlargement", {"iterations": 8000},
        "tf_imgtrans.shipping.measure:enlargement", (
            "It sharpens edges and invents no texture: what the small photograph does not show stays smooth.",
            "It was trained on photographs that were shrunk by bicubic interpolation: noise and JPEG blocks grow, too.",
            "Not for evidence or medical use: it changes the content of an image.",
        ), "tf-imgtrans predict --model {name} --out larger PHOTOS", SMALL, ((180, 320), (64, 64))),
}


def get_plan(name: str) -> Plan:
  """The plan of a model. ValueError for an unknown one, with the closest."""
  if name not in PLANS:
    raise unknown_name("model", name, PLANS)
  return PLANS[name]
