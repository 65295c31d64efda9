"""The recipe of the progressive adversarial network."""

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.papers.progressive_pan.config import PRESETS, TINY

RECIPE = Recipe(
    name="progressive_pan", summary="Super-resolution that grows from 8 pixels, without distance losses.",
    package=__package__, presets={**PRESETS, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task",
    generators={"progressive_pan": "generator:progressive_pan"}, serializable=("discriminator",),
    example="--preset small --data faces --out runs/faces",
    notes="A step takes minibatch x replicas images, on however many devices (--strategy). The generators of all sizes\n"
          "between the input's and the last are kept in the run folder, as generator_x2.keras ...",
    data="The data folder holds aligned images (the parts train/ and test/ are used as they are, where both exist), or\n"
         "the output of data pack, which is read faster:\n  {aligned}")
