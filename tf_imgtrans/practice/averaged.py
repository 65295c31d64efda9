"""Training of a single network for practice: cosine decay, and a moving average of the weights, which is what is kept."""

import keras
import tensorflow as tf

from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.training.averaging import move_average
from tf_imgtrans.training.trainer import BaseTrainer


class AveragedTrainer(BaseTrainer):
  """Trains `learner`; `generator`, which is validated and saved, is the moving average of its weights.

  A subclass writes `losses`. The learning rate of the configuration falls to 0 along a cosine over its `iterations`; after
  `average_half_life` images an old weight counts half in the average, and 0 keeps none.

  Args:
    config: Config of a recipe, with `learning_rate`, `iterations`, `batch_size` and `average_half_life`.
    make: (name) -> network from images to images, not yet built.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config, make, precision="float32"):
    super().__init__(config, precision)
    self.learner = self.register("learner", make("learner"), (None, None, 3))
    self.generator = self.register("generator", make("generator"), (None, None, 3))
    self.generator.set_weights(self.learner.get_weights())
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, max(1, config.iterations))
    self.optimize(self.learner, "generator_optimizer", self.adam("generator_adam", learning_rate=rate))

  def train_on(self, source, *others):
    """One step on a batch, whose last tensor is the target: dict of the loss, as "total", and of its terms."""
    with self.update(self.learner) as step:
      fake = self.run(source)
      step.loss, terms = self.losses(others[-1], fake)
    move_average(self.generator, self.learner, self.config.average_half_life, self.config.batch_size)
    return {"total": step.loss, **terms}

  def run(self, source):
    """The learner's images of a batch, in training."""
    return self.learner(source, training=True)

  def losses(self, target, fake):
    """The loss of a batch and its terms: (float32 scalar, dict of name to float32 scalar)."""
    raise TypeError(f"{type(self).__name__} has no losses(target, fake): a trainer defines it")


def distortion(config, target, fake):
  """The loss on pixels and structure: weight_l1 |y - y'| + weight_ssim (1 - SSIM).

  Args:
    config: with `weight_l1` and `weight_ssim`.
    target, fake: float32 [N, H, W, 3] in [0, 1], at least 11 pixels a side.
  Returns:
    (float32 scalar, dict of name to float32 scalar): the weighted sum and its unweighted terms.
  """
  return weighted_sum(config, {"l1": lambda: l1(target, fake),
                               "ssim": lambda: 1 - tf.reduce_mean(tf.image.ssim(target, fake, 1.0))})
