"""How DPED's networks are trained: DPED's losses with the data and schedule of Mux/Demux.

The challenge's organisers trained their sizes with DPED's code: their ResNet-12-64 has exactly the weights of DPED.
"""

import dataclasses
from typing import ClassVar, Literal

import tyro

from tf_imgtrans.core.config import NonNegative, PositiveCount, check_weights
from tf_imgtrans.core.recipe import Recipe
from tf_imgtrans.data.settings import RETIRED_OF_ENHANCEMENT, PatchSettings


@dataclasses.dataclass(frozen=True)
class Config(PatchSettings):
  """DPED's network or one of the challenge's: its discriminator, losses and training.

  The weights are those of DPED's train_model.py. The adversarial term is Eq. 1 of the Mux/Demux paper, by that paper's
  discriminator; DPED's own is the saturating form.
  """

  # which network is trained; fixed by the command
  network: tyro.conf.Fixed[Literal["dped", "resnet_8_32", "resnet_12_64"]] = "dped"

  # output of the discriminator: one logit (Mux/Demux, Sec. 4.1) or DPED's two logits
  discriminator_head: Literal["sigmoid", "softmax"] = "sigmoid"
  # channels of the discriminator's five convolutions; DPED
  discriminator_channels: tuple[int, int, int, int, int] = (48, 128, 192, 192, 128)
  discriminator_dense: PositiveCount = 1024  # units of the discriminator's fully connected layer; DPED

  weight_adversarial: NonNegative = 1.0  # weight of the adversarial loss; 0 trains without a discriminator; DPED
  weight_perceptual: NonNegative = 10.0  # weight of the perceptual loss on VGG19 features; DPED
  weight_color: NonNegative = 0.5  # weight of the colour loss on blurred images; DPED
  weight_total_variation: NonNegative = 2000.0  # weight of the total variation loss; DPED
  perceptual_layer: str = "block5_conv4"  # VGG19 layer of the perceptual loss; block5_conv4 is relu5_4; DPED
  vgg_weights: str = ""  # path of a VGG19 weights file; empty: the variable TF_IMGTRANS_VGG19, else Keras' download

  retired: ClassVar = RETIRED_OF_ENHANCEMENT | {"weight_squared_error": 0.0}

  def __post_init__(self):
    super().__post_init__()
    check_weights(self)


SMALL = Config(patch_size=64, batch_size=8, flip=True, iterations=1200)
TINY = Config(patch_size=32, batch_size=2, iterations=4, discriminator_channels=(4, 8, 8, 8, 8), discriminator_dense=8,
              weight_perceptual=0.0)


def _recipe(name, summary):
  presets = {"paper": Config(), "small": SMALL, "tiny": TINY}
  return Recipe(
      name=name, summary=summary, package=__package__,
      presets={preset: dataclasses.replace(config, network=name) for preset, config in presets.items()},
      trainer="network:Trainer", task="tf_imgtrans.data.enhancement:task", generators={name: f"network:{name}"},
      baseline=True, paired=True, example=f"--data dped --phone iphone --out runs/{name}",
      data="The data folder is one of these:\n  {pairs}\n  {clean}")


DPED = _recipe("dped", "DPED's residual network, trained by DPED's losses.")
RESNET_8_32 = _recipe("resnet_8_32", "The challenge's ResNet-8-32, trained by DPED's losses.")
RESNET_12_64 = _recipe("resnet_12_64", "The challenge's ResNet-12-64, which is DPED's network.")
