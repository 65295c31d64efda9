"""The recipe of X-GANs."""

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.papers.x_gans.config import PRESETS, TINY

RECIPE = Recipe(
    name="x_gans", summary="X-GANs: reconstruction from few pixels, colour noise or behind blocks.", package=__package__,
    presets={**PRESETS, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task",
    generators={"x_gans": "generator:x_gans"}, serializable=("discriminator",),
    example="--preset small --data celeba --out runs/points",
    data="The data folder holds photographs, such as CelebA or SUN397, which are corrupted on the fly, as "
         "--config.corruption\nsays:\n  {photographs}")
