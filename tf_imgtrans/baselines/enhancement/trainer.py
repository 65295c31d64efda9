"""Training of the baselines of photo enhancement: the Mux/Demux paper's method with another generator and other losses."""

import tensorflow as tf

from tf_imgtrans.baselines.enhancement.config import CONFIGS
from tf_imgtrans.baselines.enhancement.johnson import Johnson
from tf_imgtrans.baselines.enhancement.residual import SIZES, ResNet
from tf_imgtrans.baselines.enhancement.srcnn import Srcnn
from tf_imgtrans.core.tensors import as_float32
from tf_imgtrans.papers.mux_demux.trainer import Trainer as MuxDemuxTrainer

NETWORKS = {"srcnn": Srcnn, "johnson": Johnson, **dict.fromkeys(SIZES, ResNet)}


class Trainer(MuxDemuxTrainer):
  """A baseline with its optimizers; batches are (source, target), float32 [N, P, P, 3].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=CONFIGS["srcnn"], precision="float32"):
    super().__init__(config, precision)

  def make_generator(self):
    return NETWORKS[self.config.network](self.config, dtype=self.precision, name="generator")

  def forward(self, source):
    return self.generator(source, training=True)

  def objective(self, target, fake, fake_logits):
    total, terms = super().objective(target, fake, fake_logits)
    if self.config.weight_squared_error:
      target, fake = as_float32(target, fake)
      terms["squared_error"] = tf.reduce_mean(tf.math.squared_difference(target, fake))
      total += self.config.weight_squared_error * terms["squared_error"]
    return total, terms
