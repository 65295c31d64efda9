"""Training method of Sec. 4.3 (Fig. 5): one step of the generator, then one of the discriminator."""

import tensorflow as tf

from tf_imgtrans.losses.adversarial import real_fake_scores
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.papers.mux_demux.config import Config
from tf_imgtrans.papers.mux_demux.discriminator import Discriminator
from tf_imgtrans.papers.mux_demux.generator import Generator
from tf_imgtrans.papers.mux_demux.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.training.trainer import BaseTrainer


class Trainer(BaseTrainer):
  """Generator and discriminator with their optimizers; batches are (source, target), float32 [N, P, P, 3].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    patch = (config.patch_size, config.patch_size, 3)
    self.generator = self.player("generator", Generator(config, dtype=precision, name="generator"), (None, None, 3))
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = self.player("discriminator", Discriminator(config, dtype=precision, name="discriminator"), patch)
    layers = vgg_layers(config)
    if layers:
      self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision)

  def train_on(self, source, target):
    """One step on a batch: dict of the terms of Eq. 10, and of the discriminator's loss and scores."""
    with self.update(self.generator) as step:
      fake = self.generator(source, noise_seed=self.seed("noise"), training=True)
      fake_logits = self.discriminator(fake, training=True) if self.discriminator else None
      step.loss, terms = generator_loss(self.config, target, fake, fake_logits, self.vgg, self.seed("positions"))
    if self.discriminator:
      terms |= self._update_discriminator(target, tf.stop_gradient(fake))
    return {"total": step.loss, **terms}

  def _update_discriminator(self, target, fake):
    """The discriminator sees the fakes of this step, made before the generator moved."""
    with self.update(self.discriminator) as step:
      # One pass for both: the discriminator normalizes every image alone.
      logits = self.discriminator(tf.concat([target, fake], axis=0), training=True)
      real_logits, fake_logits = tf.split(logits, 2)
      step.loss = discriminator_loss(real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits, fake_logits)}
