"""How Johnson's network is trained: a VGG-based loss alone (Mux/Demux paper, Sec. 5.1), data and schedule of Mux/Demux."""

import dataclasses
from typing import ClassVar

from tf_imgtrans.core.config import NonNegative, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_ENHANCEMENT, PatchSettings


@dataclasses.dataclass(frozen=True)
class Config(PatchSettings):
  """Johnson's transformation network, trained by a perceptual loss."""

  weight_perceptual: NonNegative = 1.0  # weight of the perceptual loss on VGG19 features; Adam is invariant to it
  weight_squared_error: NonNegative = 0.0  # weight of the mean squared error, the per-pixel loss of Johnson's comparisons
  # VGG19 layer of the perceptual loss; relu2_2, Johnson's layer for super-resolution, the nearest of his tasks; from VGG16
  # there, from VGG19 here
  perceptual_layer: str = "block2_conv2"
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  retired: ClassVar = RETIRED_OF_ENHANCEMENT | {"network": "johnson"}

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)


SMALL = Config(patch_size=64, batch_size=8, flip=True, iterations=1200)
TINY = Config(patch_size=32, batch_size=2, iterations=4, weight_perceptual=0.0, weight_squared_error=1.0)

RECIPE = Recipe(
    name="johnson", summary="Johnson's transformation network, trained by a VGG19 loss.", package=__package__,
    presets={"paper": Config(), "small": SMALL, "tiny": TINY},
    trainer="network:Trainer", task="tf_imgtrans.data.enhancement:task", generators={"johnson": "network:johnson"},
    baseline=True, paired=True, example="--data dped --phone iphone --out runs/johnson",
    data="The data folder is one of these:\n  {pairs}\n  {clean}")
