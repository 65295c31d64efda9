"""The recipe of the perceptual adversarial network with a feature pyramid."""

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS, TINY

RECIPE = Recipe(
    name="feature_pyramid_pan", summary="Image translation with losses on a feature pyramid.", package=__package__,
    presets={**PRESETS, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task",
    generators={"feature_pyramid_pan": "generator:feature_pyramid_pan"}, serializable=("discriminator",),
    example="--preset small --data camvid --config.label_set camvid --out runs/streets", paired=True,
    data="What the data folder holds depends on --config.task and --config.label_set. labels_to_photo:\n  {labels}\n"
         "  {translated}\nsuper_resolution and inpainting:\n  {photographs}\n"
         "deraining and desnowing: two paired folders as above, or photographs, which get rain or snow.")
