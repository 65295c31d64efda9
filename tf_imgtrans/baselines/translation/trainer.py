"""Training of the methods: one step of the discriminator, where there is one, then one of the generator."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.translation.config import CONFIGS
from tf_imgtrans.baselines.translation.context_encoder import CentreDiscriminator, ContextEncoder
from tf_imgtrans.baselines.translation.crn import Crn
from tf_imgtrans.baselines.translation.drrn import Drrn
from tf_imgtrans.baselines.translation.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.baselines.translation.unet_gan import Discriminator, Unet
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.losses.adversarial import real_fake_scores
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.training.population import IMAGES
from tf_imgtrans.training.trainer import BaseTrainer

GENERATORS = {"pix2pix": Unet, "cnn": Unet, "context_encoder": ContextEncoder, "crn": Crn, "drrn": Drrn}
DISCRIMINATORS = {"pix2pix": Discriminator, "context_encoder": CentreDiscriminator}


class BoundedSgd(keras.optimizers.SGD):
  """Stochastic gradient descent with momentum, adjustable gradient clipping and weight decay: DRRN's.

  First, gradients are clipped to a global norm of `bound` over the learning rate, so that a smaller rate lets larger
  gradients pass; then `decay` times the weights is added, as in Caffe. Each of several devices clips the gradients of its
  own images.

  Args:
    learning_rate: float, or schedule.
    momentum: float.
    bound: float > 0; norm of the largest step of the weights, before momentum and decay.
    decay: float.
  """

  def __init__(self, learning_rate, momentum, bound, decay, name):
    super().__init__(learning_rate, momentum, name=name)
    self.bound = bound
    self.decay = decay

  def apply(self, grads, trainable_variables=None):
    bounded, _ = tf.clip_by_global_norm([tf.convert_to_tensor(gradient) for gradient in grads],
                                        self.bound / tf.cast(self.learning_rate, tf.float32))
    variables = self._trainable_variables if trainable_variables is None else trainable_variables
    super().apply([gradient + self.decay * tf.convert_to_tensor(variable)
                   for gradient, variable in zip(bounded, variables)], trainable_variables)


class Trainer(BaseTrainer):
  """The generator of `config.network` with its discriminator, where it has one, and their optimizers.

  Batches are (source, target), float32 [N, S, S, 3] in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=CONFIGS["pix2pix"], precision="float32"):
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = self.player(
        "generator", GENERATORS[config.network](config, dtype=precision, name="generator"), (None, None, 3),
        optimizer=_bounded_sgd(config) if config.network == "drrn" else None)
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = self.player(
          "discriminator", DISCRIMINATORS[config.network](config, dtype=precision, name="discriminator"), image, image,
          optimizer=self.adam("discriminator_adam", learning_rate=config.discriminator_learning_rate))
    layers = vgg_layers(config)
    if layers:
      self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision)

  def settle(self):
    """As of every trainer; CRN also chooses which of its images is its output."""
    super().settle()
    if self.batches and self.config.network == "crn":
      self.generator.choose(self.batches(0, Part()).take(-(-IMAGES // self.config.batch_size)))

  def forward(self, source):
    """The generator in training, with the dropout of this step; CRN gives all its images."""
    if self.config.network in ("pix2pix", "cnn"):
      return self.generator(source, dropout_seed=self.seed("dropout"), training=True)
    if self.config.network == "crn":
      return self.generator(source, training=True, diverse=True)
    return self.generator(source, training=True)

  def train_on(self, source, target):
    """One step on a batch: dict of the method's loss terms, and of the discriminator's loss and scores."""
    fake_logits, discriminator_terms = None, {}
    labels = self.generator.labels(source) if self.config.network == "crn" else None
    with self.update(self.generator) as step:
      fake = self.forward(source)
      if self.discriminator:
        with step.stop_recording():  # the discriminator moves first; code of both methods
          discriminator_terms = self._update_discriminator(source, target, fake)
        fake_logits = self.discriminator(source, fake, training=True)
      step.loss, terms = generator_loss(self.config, target, fake, fake_logits, labels, self.vgg)
    return {"total": step.loss, **terms, **discriminator_terms}

  def _update_discriminator(self, source, target, fake):
    with self.update(self.discriminator) as step:
      # One pass for each, or real and translated images would be normalized together.
      real_logits = self.discriminator(source, target, training=True)
      fake_logits = self.discriminator(source, fake, training=True)
      step.loss = discriminator_loss(self.config, real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits, fake_logits)}


def _bounded_sgd(config):
  rate = keras.optimizers.schedules.ExponentialDecay(config.learning_rate, config.halve_every, 0.5, staircase=True)
  return BoundedSgd(rate, config.momentum, config.gradient_bound, config.weight_decay, "generator_sgd")
