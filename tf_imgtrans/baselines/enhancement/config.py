"""How each baseline of the Mux/Demux paper is trained: the paper's protocol with the baseline's own losses.

The paper names the baselines' losses (Sec. 5.1) and trains all on the same data; patches, batches, optimizer and steps are
those of its own network, so that the rows of its tables differ by networks and losses alone.
"""

import dataclasses
import functools
from typing import Literal

import tyro

from tf_imgtrans.core.config import NonNegative
from tf_imgtrans.core.config import named as core_named
from tf_imgtrans.papers.mux_demux.config import Protocol


@dataclasses.dataclass(frozen=True)
class Config(Protocol):
  """A baseline of photo enhancement: its network, losses and training. Sections and tables are the paper's."""

  # VGG19 layer of the perceptual loss: block5_conv4 (relu5_4, DPED) or block2_conv2 (relu2_2, Johnson)
  perceptual_layer: str = "block5_conv4"
  # which baseline network is trained; fixed by the command
  network: tyro.conf.Fixed[Literal["srcnn", "johnson", "dped", "resnet_8_32", "resnet_12_64"]] = "srcnn"
  weight_squared_error: NonNegative = 0.0  # weight of the mean squared error; SRCNN's loss, Sec. 5.1


_NO_TERMS = {"weight_adversarial": 0.0, "weight_l1": 0.0, "weight_perceptual": 0.0, "weight_contextual": 0.0,
             "weight_color": 0.0, "weight_total_variation": 0.0}
# DPED's weights (its train_model.py): adversarial 1, perceptual 10, color 0.5, total variation 2000, as Table 1 has them.
# The adversarial term is Eq. 1's, by the paper's discriminator; DPED's own is the saturating form.
_DPED = {"weight_l1": 0.0, "weight_contextual": 0.0}

CONFIGS = {
    "srcnn": Config(**_NO_TERMS | {"weight_squared_error": 1.0}),  # Sec. 5.1: MSE
    # Sec. 5.1: a VGG-based loss alone. relu2_2 is Johnson's layer for super-resolution, the nearest of his tasks; from
    # VGG16 there, from VGG19 here. Adam is invariant to the weight.
    "johnson": Config(network="johnson", **_NO_TERMS | {"weight_perceptual": 1.0}, perceptual_layer="block2_conv2"),
    "dped": Config(network="dped", **_DPED),
    # The challenge's organisers trained them with DPED's code: their ResNet-12-64 has exactly the weights of DPED.
    "resnet_8_32": Config(network="resnet_8_32", **_DPED),
    "resnet_12_64": Config(network="resnet_12_64", **_DPED),
}

named = functools.partial(core_named, CONFIGS)  # name, options -> Config
