"""Training of the shipped enhancers: losses on pixels, structure and exposure; averaged weights."""

import tensorflow as tf

from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.papers.mux_demux.config import Config as NetworkConfig
from tf_imgtrans.papers.mux_demux.generator import Generator
from tf_imgtrans.practice.averaged import AveragedTrainer
from tf_imgtrans.practice.phone_enhancement.recipe import BLOCK, Config


class Trainer(AveragedTrainer):
  """A Mux/Demux generator and its average; batches are (source, target), float32 [N, P, P, 3] in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    network = NetworkConfig(**{name: getattr(config, name) for name in Generator.architecture})
    super().__init__(config, lambda name: Generator(network, dtype=precision, name=name), precision)

  def run(self, source):
    return self.learner(source, noise_seed=self.seed("noise"), training=True)

  def losses(self, target, fake):
    return losses(self.config, target, fake)


def losses(config, target, fake):
  """The weighted sum of the losses and its unweighted terms: (float32 scalar, dict of name to float32 scalar).

  Args:
    config: Config.
    target, fake: float32 [N, P, P, 3], P a multiple of 16.
  """
  return weighted_sum(config, {
      "l1": lambda: l1(target, fake),
      "ssim": lambda: 1 - tf.reduce_mean(tf.image.ssim(target, fake, 1.0)),
      "low_frequency": lambda: l1(_means(target, BLOCK), _means(fake, BLOCK)),
  })


def _means(images, side):
  return tf.nn.avg_pool2d(images, side, side, "VALID")
