"""Training of Sec. 4: one step of the generator, then one of the discriminators on the same fakes."""

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import digest
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.papers.x_gans.config import Config
from tf_imgtrans.papers.x_gans.discriminator import Discriminators
from tf_imgtrans.papers.x_gans.generator import Generator
from tf_imgtrans.papers.x_gans.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.training.trainer import GanTrainer


class Trainer(GanTrainer):
  """Generator and discriminators with their optimizers.

  Batches are (source, mask, target), float32 [N, S, S, 3], [N, S, S, 1] and [N, S, S, 3], all in [0, 1].

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
    if config.weight_adversarial or config.weight_feature_matching:
      self.discriminators = Discriminators(config, dtype=precision, name="discriminators")
      self.discriminators(keras.Input(image), keras.Input(image))
      self.discriminators_optimizer = self.adam("discriminators_adam", config.learning_rate, config.beta_1)
      parts["discriminators"] = self.discriminators
      parts["discriminators_optimizer"] = (self.discriminators_optimizer, self.discriminators)
    layers = vgg_layers(config)
    self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision) if layers else None
    self.finish(**parts)

  def provenance(self):
    return {"vgg19": digest(self.vgg)} if self.vgg else {}

  def train_step(self, data):
    """One step on a batch: dict of the terms of Eq. 4-6 and the discriminators' loss, scalars."""
    source, mask, target = data
    fake_outputs = real_outputs = None
    with tf.GradientTape() as tape:
      fake = self.generator(source, dropout_seed=self.seed("dropout"), training=True)
      if self.discriminators:
        fake_outputs = self.discriminators(source, fake)
        if self.config.weight_feature_matching:
          real_outputs = self.discriminators(source, target)
      loss, terms = generator_loss(self.config, source, mask, target, fake, fake_outputs, real_outputs, self.vgg)
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    if self.discriminators:
      terms |= self._discriminators_step(source, target, tf.stop_gradient(fake))
    self.step.assign_add(1)
    return {"total": loss, **terms}

  def _discriminators_step(self, source, target, fake):
    """The discriminators see the fakes of this step, made before the generator moved."""
    with tf.GradientTape() as tape:
      # One pass for both: the discriminators normalise every image alone.
      judged = self.discriminators(tf.concat([source, source], axis=0), tf.concat([target, fake], axis=0))
      real_logits, fake_logits = zip(*(tf.split(logits, 2) for logits, _ in judged))
      loss = discriminator_loss(real_logits, fake_logits)
      scaled = self.scaled(self.discriminators_optimizer, loss)
    self.descend(self.discriminators_optimizer, self.discriminators, tape, scaled)
    return {"discriminator": loss, "real_score": _score(real_logits), "fake_score": _score(fake_logits)}


def _score(logits):
  """Mean over the discriminators of their mean probability that images are real."""
  return tf.reduce_mean([tf.reduce_mean(tf.sigmoid(one)) for one in logits])
