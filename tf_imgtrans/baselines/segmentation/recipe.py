"""The recipe of FCN-8s, the segmentation network of the FCN score."""

from tf_imgtrans.baselines.segmentation.config import PRESETS, TINY
from tf_imgtrans.core.recipe import Recipe

RECIPE = Recipe(
    name="fcn8s", summary="FCN-8s, the segmentation network of the FCN score, on labelled photographs.",
    package=__package__, presets={**PRESETS, "tiny": TINY},
    trainer="trainer:Trainer", task="data:task", generators={}, serializable=("network",), baseline=True,
    example="--preset small --data camvid --config.label_set camvid --out runs/fcn8s",
    data="The data folder, of the kind that --config.label_set names:\n  {labels}")
