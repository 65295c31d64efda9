"""Training of Implementation Details: one step of the discriminators, then one of the generator on the same fakes."""

import keras
import tensorflow as tf

from tf_imgtrans.losses.adversarial import real_fake_scores
from tf_imgtrans.papers.feature_pyramid_pan.config import Config
from tf_imgtrans.papers.feature_pyramid_pan.discriminator import Discriminators, plan
from tf_imgtrans.papers.feature_pyramid_pan.generator import Generator
from tf_imgtrans.papers.feature_pyramid_pan.objective import discriminator_loss, generator_loss
from tf_imgtrans.training.trainer import BaseTrainer


class Trainer(BaseTrainer):
  """Generator and discriminators with their optimizers.

  Batches are (source, target), both float32 [N, S, S, 3] in [0, 1], where S is `image_size`.

  "Alternate SGD and Adam" (Implementation Details) repeats a sentence of pix2pix and is read as there: gradient descent
  steps that alternate between D and G, both with Adam. A training step generates the fakes once; the discriminators take
  one step on them with one Adam and half their loss; then the generator takes one against the updated discriminators.
  With `discriminator_optimizer="sgd"` the discriminators use gradient descent without momentum, at the same rate.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = self.player("generator", Generator(config, dtype=precision, name="generator"), (None, None, 3))
    self.discriminators = None
    if plan(config):
      sgd = config.discriminator_optimizer == "sgd"
      self.discriminators = self.player(
          "discriminators", Discriminators(config, dtype=precision, name="discriminators"), image, image,
          optimizer=keras.optimizers.SGD(config.learning_rate, name="discriminators_sgd") if sgd else None)

  def train_on(self, source, target):
    """One step on a batch: dict of the terms of Eq. 10 and, where there are discriminators, of their loss and scores.

    The discriminators' loss and scores are those before their step, the generator's terms those after it.
    """
    fake_outputs, real_outputs, scores = {}, None, {}
    with self.update(self.generator) as step:
      fake = self.generator(source, dropout_seed=self.seed("dropout"), training=True)
      if self.discriminators:
        with step.stop_recording():  # neither has a gradient for the generator
          scores = self._update_discriminators(source, target, fake)
          if "perceptual" in self.config.weights and self.config.weight_perceptual:
            real_outputs = self.discriminators(source, target)
        fake_outputs = self.discriminators(source, fake)
      step.loss, terms = generator_loss(self.config, target, fake, fake_outputs, real_outputs)
    return {"total": step.loss, **terms, **scores}

  def _update_discriminators(self, source, target, fake):
    with self.update(self.discriminators) as step:
      # One pass for both: the discriminators normalize every image alone.
      outputs = self.discriminators(tf.concat([source, source], axis=0), tf.concat([target, fake], axis=0))
      real_outputs, fake_outputs = ({track: [(tf.split(logits, 2)[half], None) for logits, _ in levels]
                                   for track, levels in outputs.items()} for half in (0, 1))
      step.loss = discriminator_loss(real_outputs, fake_outputs)
    logits = ([logits for levels in each.values() for logits, _ in levels] for each in (real_outputs, fake_outputs))
    return {"discriminator": step.loss, **real_fake_scores(*logits)}
