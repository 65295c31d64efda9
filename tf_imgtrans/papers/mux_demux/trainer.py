"""Training method of Sec. 4.3 (Fig. 5): one step of the generator, then one of the discriminator."""

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import digest
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.papers.mux_demux.config import Config
from tf_imgtrans.papers.mux_demux.discriminator import Discriminator
from tf_imgtrans.papers.mux_demux.generator import Generator
from tf_imgtrans.papers.mux_demux.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.training.trainer import GanTrainer


class Trainer(GanTrainer):
  """Generator and discriminator with their optimizers; batches are (source, target), float32 [N, P, P, 3].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    patch = (config.patch_size, config.patch_size, 3)
    self.generator = self.make_generator()
    self.generator(keras.Input((None, None, 3)))
    self.generator_optimizer = self.adam("generator_adam", config.learning_rate)
    parts = {"generator": self.generator, "generator_optimizer": (self.generator_optimizer, self.generator)}
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = Discriminator(config, dtype=precision, name="discriminator")
      self.discriminator(keras.Input(patch))
      self.discriminator_optimizer = self.adam("discriminator_adam", config.learning_rate)
      parts["discriminator"] = self.discriminator
      parts["discriminator_optimizer"] = (self.discriminator_optimizer, self.discriminator)
    layers = vgg_layers(config)
    self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision) if layers else None
    self.finish(**parts)

  def make_generator(self):
    """The network to train, unbuilt; a subclass trains another one in the same way."""
    return Generator(self.config, dtype=self.precision, name="generator")

  def forward(self, source):
    """The generator in training, with the noise of this step."""
    return self.generator(source, noise_seed=self.seed("noise"), training=True)

  def objective(self, target, fake, fake_logits):
    """The generator's loss and its terms (Eq. 10)."""
    return generator_loss(self.config, target, fake, fake_logits, self.vgg, self.seed("positions"))

  def provenance(self):
    return {"vgg19": digest(self.vgg)} if self.vgg else {}

  def train_step(self, data):
    """One step on a batch: dict of the terms of Eq. 10 and the discriminator's loss, scalars."""
    source, target = data
    with tf.GradientTape() as tape:
      fake = self.forward(source)
      fake_logits = self.discriminator(fake, training=True) if self.discriminator else None
      loss, terms = self.objective(target, fake, fake_logits)
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    if self.discriminator:
      terms |= self._discriminator_step(target, tf.stop_gradient(fake))
    self.step.assign_add(1)
    return {"total": loss, **terms}

  def _discriminator_step(self, target, fake):
    """The discriminator sees the fakes of this step, made before the generator moved."""
    with tf.GradientTape() as tape:
      # One pass for both: the discriminator normalises every image alone.
      logits = self.discriminator(tf.concat([target, fake], axis=0), training=True)
      real_logits, fake_logits = tf.split(logits, 2)
      loss = discriminator_loss(real_logits, fake_logits)
      scaled = self.scaled(self.discriminator_optimizer, loss)
    self.descend(self.discriminator_optimizer, self.discriminator, tape, scaled)
    return {"discriminator": loss, "real_score": tf.reduce_mean(tf.sigmoid(real_logits)),
            "fake_score": tf.reduce_mean(tf.sigmoid(fake_logits))}
