"""Training of the shipped enhancers: losses on pixels, structure, exposure and sub-pixel phases; averaged weights."""

import tensorflow as tf

from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.papers.mux_demux.config import Config as NetworkConfig
from tf_imgtrans.papers.mux_demux.generator import Generator
from tf_imgtrans.practice.averaged import AveragedTrainer
from tf_imgtrans.practice.phone_enhancement.recipe import Config

BLOCK = 16  # pixels: side of the means that exposure and colour are compared by
PHASES = 4  # pixels: period of the lattice that two Mux layers can draw
WINDOW = 3  # positions of each phase in a window of 12 pixels
RIM = 24  # pixels: the border of a patch, where the zeros that convolutions see beyond it change the phases


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
    target, fake: float32 [N, P, P, 3], P a multiple of 48 and at least 96.
  """
  return weighted_sum(config, {
      "l1": lambda: l1(target, fake),
      "ssim": lambda: 1 - tf.reduce_mean(tf.image.ssim(target, fake, 1.0)),
      "low_frequency": lambda: l1(_means(target, BLOCK), _means(fake, BLOCK)),
      "phases": lambda: phases(target[:, RIM:-RIM, RIM:-RIM], fake[:, RIM:-RIM, RIM:-RIM]),
  })


def phases(y_true, y_pred):
  """How much the mean error of each of 16 sub-pixel phases differs from that of all: in windows of 12 pixels, and overall.

  Two Mux layers give 4x4 pixels from each position, by other weights for each of the 16. Where their errors differ on the
  mean, the image has a lattice of period 4 or 2, which is seen in flat areas long before it counts in pixel losses. Windows
  find a lattice that depends on the content; the whole patch finds a fainter one that is the same everywhere.

  Args:
    y_true, y_pred: float [N, H, W, C], H and W multiples of 12.
  Returns:
    float32 scalar, the sum over both; 0 where every phase has the same mean error in each window.
  """
  errors = tf.nn.space_to_depth(tf.cast(y_pred - y_true, tf.float32), PHASES)  # channels: phase, then colour
  errors = _means(errors, WINDOW)
  shape = tf.shape(errors)
  errors = tf.reshape(errors, [shape[0], shape[1], shape[2], PHASES ** 2, -1])
  errors -= tf.reduce_mean(errors, axis=3, keepdims=True)
  return tf.reduce_mean(tf.abs(errors)) + tf.reduce_mean(tf.abs(tf.reduce_mean(errors, axis=(1, 2))))


def _means(images, side):
  return tf.nn.avg_pool2d(images, side, side, "VALID")
