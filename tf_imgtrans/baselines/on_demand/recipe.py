"""The recipe of on-demand learning."""

import dataclasses

from tf_imgtrans.baselines.on_demand.config import TINY, Config
from tf_imgtrans.core.recipe import Recipe

# What two processor cores train in minutes.
SMALL = dataclasses.replace(Config(), base_channels=32, batch_size=20, learning_rate=5e-4, adaptation_images=20,
                            adapt_every=100, iterations=2000)

RECIPE = Recipe(
    name="on_demand", summary="On-demand learning of Gao and Grauman: reconstruction by five levels of difficulty.",
    package=__package__, presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task",
    generators={"on_demand": "generator:on_demand"}, baseline=True,
    example="--data celeba --out runs/on_demand",
    data="The data folder holds photographs:\n  {photographs}")
