"""DPED's discriminator on grey patches (Sec. 4.1, Fig. 4)."""

import keras

from tf_imgtrans.networks.dped import DpedDiscriminator
from tf_imgtrans.papers.mux_demux.config import Config


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="MuxDemuxDiscriminator")
class Discriminator(DpedDiscriminator):
  """DPED's discriminator, see `networks.dped`: float32 [N, P, P, 3] in [0, 1] -> logits [N, 1], P being `patch_size`.

  7,361,122 parameters at the defaults with DPED's softmax head, 7,360,097 with the sigmoid head of this paper.
  """

  config_class = Config

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
