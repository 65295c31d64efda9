"""Training of Sec. 4: one step of the generator, then one of the discriminators on the same fakes."""

import tensorflow as tf

from tf_imgtrans.losses.adversarial import real_fake_scores
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.papers.x_gans.config import Config
from tf_imgtrans.papers.x_gans.discriminator import Discriminators
from tf_imgtrans.papers.x_gans.generator import Generator
from tf_imgtrans.papers.x_gans.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.training.trainer import BaseTrainer


class Trainer(BaseTrainer):
  """Generator and discriminators with their optimizers.

  Batches are (source, mask, target), float32 [N, S, S, 3], [N, S, S, 1] and [N, S, S, 3], all in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = self.player("generator", Generator(config, dtype=precision, name="generator"), (None, None, 3))
    self.discriminators = None
    if config.weight_adversarial or config.weight_feature_matching:
      self.discriminators = self.player(
          "discriminators", Discriminators(config, dtype=precision, name="discriminators"), image, image)
    layers = vgg_layers(config)
    if layers:
      self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision)

  def train_on(self, source, mask, target):
    """One step on a batch: dict of the terms of Eq. 4-6, and of the discriminators' loss and scores."""
    fake_outputs = real_outputs = None
    with self.update(self.generator) as step:
      fake = self.generator(source, dropout_seed=self.seed("dropout"), training=True)
      if self.discriminators:
        fake_outputs = self.discriminators(source, fake)
        if self.config.weight_feature_matching:
          real_outputs = self.discriminators(source, target)
      step.loss, terms = generator_loss(self.config, source, mask, target, fake, fake_outputs, real_outputs, self.vgg)
    if self.discriminators:
      terms |= self._update_discriminators(source, target, tf.stop_gradient(fake))
    return {"total": step.loss, **terms}

  def _update_discriminators(self, source, target, fake):
    """The discriminators see the fakes of this step, made before the generator moved."""
    with self.update(self.discriminators) as step:
      # One pass for both: the discriminators normalize every image alone.
      outputs = self.discriminators(tf.concat([source, source], axis=0), tf.concat([target, fake], axis=0))
      real_logits, fake_logits = zip(*(tf.split(logits, 2) for logits, _ in outputs))
      step.loss = discriminator_loss(real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits, fake_logits)}
