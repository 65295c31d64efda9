"""How SRCNN is trained: the mean squared error (Mux/Demux paper, Sec. 5.1) with the data and schedule of Mux/Demux."""

import dataclasses
from typing import ClassVar

from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_ENHANCEMENT, PatchSettings


@dataclasses.dataclass(frozen=True)
class Config(PatchSettings):
  """SRCNN, trained by the mean squared error."""

  retired: ClassVar = RETIRED_OF_ENHANCEMENT | {"network": "srcnn", "weight_squared_error": 1.0}


SMALL = Config(patch_size=64, batch_size=8, flip=True, iterations=1200)
TINY = Config(patch_size=32, batch_size=2, iterations=4)

RECIPE = Recipe(
    name="srcnn", summary="SRCNN, three convolutions, trained by the squared error.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.enhancement:task", generators={"srcnn": "network:srcnn"},
    baseline=True, paired=True, example="--data dped --phone iphone --out runs/srcnn",
    data="The data folder is one of these:\n  {pairs}\n  {clean}")
