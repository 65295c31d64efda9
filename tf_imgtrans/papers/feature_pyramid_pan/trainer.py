"""Training of Implementation Details: one step of the discriminators, then one of the generator on the same fakes."""

import keras
import tensorflow as tf

from tf_imgtrans.papers.feature_pyramid_pan.config import Config
from tf_imgtrans.papers.feature_pyramid_pan.discriminator import Discriminators, plan
from tf_imgtrans.papers.feature_pyramid_pan.generator import Generator
from tf_imgtrans.papers.feature_pyramid_pan.objective import discriminator_loss, generator_loss
from tf_imgtrans.training.trainer import GanTrainer


class Trainer(GanTrainer):
  """Generator and discriminators with their optimizers.

  Batches are (source, target), both float32 [N, S, S, 3] in [0, 1], where S is `image_size`.

  "Alternate SGD and Adam" (Implementation Details) is read as pix2pix's words, which they repeat: steps of gradient descent
  that alternate between D and G, both by Adam. In each train step the fakes are made once; the discriminators take one
  step on them, all by one Adam, and half their loss; then the generator takes one against the discriminators as they are
  after it. With `discriminator_optimizer="sgd"` the discriminators descend without momentum, at the same rate.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = Generator(config, dtype=precision, name="generator")
    self.generator(keras.Input((None, None, 3)))
    self.generator_optimizer = self.adam("generator_adam", config.learning_rate, config.beta_1)
    parts = {"generator": self.generator, "generator_optimizer": (self.generator_optimizer, self.generator)}
    self.discriminators = None
    if plan(config):
      self.discriminators = Discriminators(config, dtype=precision, name="discriminators")
      self.discriminators(keras.Input(image), keras.Input(image))
      self.discriminators_optimizer = self._discriminators_optimizer()
      parts["discriminators"] = self.discriminators
      parts["discriminators_optimizer"] = (self.discriminators_optimizer, self.discriminators)
    self.finish(**parts)

  def train_step(self, data):
    """One step on a batch: dict of the terms of Eq. 10 and, where there are some, of the discriminators, scalars.

    "discriminator" is the loss before the discriminators' step, and "real_score" and "fake_score" their mean
    probabilities that the real and the translated images are real; the generator's terms are those after it.
    """
    source, target = data
    fake_outputs, real_outputs, scores = {}, None, {}
    with tf.GradientTape() as tape:
      fake = self.generator(source, dropout_seed=self.seed("dropout"), training=True)
      if self.discriminators:
        with tape.stop_recording():  # the generator learns from neither
          scores = self._discriminators_step(source, target, fake)
          if "perceptual" in self.config.weights and self.config.weight_perceptual:
            real_outputs = self.discriminators(source, target)
        fake_outputs = self.discriminators(source, fake)
      loss, terms = generator_loss(self.config, target, fake, fake_outputs, real_outputs)
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    self.step.assign_add(1)
    return {"total": loss, **terms, **scores}

  def _discriminators_step(self, source, target, fake):
    with tf.GradientTape() as tape:
      # One pass for both: the discriminators normalise every image alone.
      judged = self.discriminators(tf.concat([source, source], axis=0), tf.concat([target, fake], axis=0))
      real_outputs, fake_outputs = ({track: [(tf.split(logits, 2)[half], None) for logits, _ in levels]
                                   for track, levels in judged.items()} for half in (0, 1))
      loss = discriminator_loss(real_outputs, fake_outputs)
      scaled = self.scaled(self.discriminators_optimizer, loss)
    self.descend(self.discriminators_optimizer, self.discriminators, tape, scaled)
    return {"discriminator": loss, "real_score": _score(real_outputs), "fake_score": _score(fake_outputs)}

  def _discriminators_optimizer(self):
    if self.config.discriminator_optimizer == "adam":
      return self.adam("discriminators_adam", self.config.learning_rate, self.config.beta_1)
    return self.loss_scaled(keras.optimizers.SGD(self.config.learning_rate, name="discriminators_sgd"))


def _score(judged):
  """Mean over the discriminators of their mean probability that images are real."""
  return tf.reduce_mean([tf.reduce_mean(tf.sigmoid(logits)) for levels in judged.values() for logits, _ in levels])
