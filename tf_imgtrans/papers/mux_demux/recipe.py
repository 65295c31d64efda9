"""The recipe of Mux/Demux photo enhancement."""

import dataclasses

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.papers.mux_demux.config import TINY, Config

# What two processor cores train in minutes: no VGG19 and no discriminator, small batches.
SMALL = Config(network="high_performance", weight_adversarial=0.0, weight_perceptual=0.0, weight_contextual=0.0,
               patch_size=100, batch_size=4, flip=True, iterations=1200)

RECIPE = Recipe(
    name="mux_demux", summary="Mux/Demux photo enhancement.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": dataclasses.replace(TINY, network="high_performance")},
    trainer="trainer:Trainer", task="data:task",
    generators={"mux_demux": "generator:normal", "mux_demux_hp": "generator:high_performance"},
    serializable=("discriminator",),
    example="--data dped --phone iphone --out runs/iphone", paired=True,
    data="The data folder is one of these:\n  {pairs}\n  {clean}")
