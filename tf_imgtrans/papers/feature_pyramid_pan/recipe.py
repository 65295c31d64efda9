"""The recipe of the perceptual adversarial network with a feature pyramid."""

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import FOLDERS_OF_TRANSLATION
from tf_imgtrans.papers.feature_pyramid_pan.config import PRESETS, TINY

RECIPE = Recipe(
    name="feature_pyramid_pan", summary="Image translation with losses on a feature pyramid.", package=__package__,
    presets={**PRESETS, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task",
    generators={"feature_pyramid_pan": "generator:feature_pyramid_pan"}, serializable=("discriminator",),
    example="--preset small --data camvid --config.label_set camvid --out runs/streets", paired=True,
    data=FOLDERS_OF_TRANSLATION)
