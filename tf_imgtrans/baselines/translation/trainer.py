"""Training of the methods: one step of the discriminator, if there is one, then one of the generator."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.translation.config import CONFIGS
from tf_imgtrans.baselines.translation.context_encoder import CentreDiscriminator, ContextEncoder
from tf_imgtrans.baselines.translation.crn import Crn
from tf_imgtrans.baselines.translation.drrn import Drrn
from tf_imgtrans.baselines.translation.objective import discriminator_loss, generator_loss, vgg_layers
from tf_imgtrans.baselines.translation.unet_gan import Discriminator, Unet
from tf_imgtrans.core.networks import digest
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.training.population import IMAGES
from tf_imgtrans.training.trainer import GanTrainer

GENERATORS = {"pix2pix": Unet, "cnn": Unet, "context_encoder": ContextEncoder, "crn": Crn, "drrn": Drrn}
DISCRIMINATORS = {"pix2pix": Discriminator, "context_encoder": CentreDiscriminator}


class BoundedSgd(keras.optimizers.SGD):
  """Stochastic gradient descent with momentum, adjustable gradient clipping and weight decay: DRRN's.

  First, the norm of all gradients together is brought down to at most `bound` over the learning rate, so that a smaller
  rate lets larger gradients pass; then weight_decay times the weights is added, as Caffe does it. On several devices,
  each bounds the gradients of the images that it holds.

  Args:
    learning_rate: float, or schedule.
    momentum: float.
    bound: float > 0; at most that norm times the learning rate is taken off the weights, before momentum and decay.
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


class Trainer(GanTrainer):
  """The generator of `config.network` with its discriminator, if it has one, and their optimizers.

  Batches are (source, target), float32 [N, S, S, 3] in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=CONFIGS["pix2pix"], precision="float32"):
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = GENERATORS[config.network](config, dtype=precision, name="generator")
    self.generator(keras.Input((None, None, 3)))
    self.generator_optimizer = self._generator_optimizer()
    parts = {"generator": self.generator, "generator_optimizer": (self.generator_optimizer, self.generator)}
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = DISCRIMINATORS[config.network](config, dtype=precision, name="discriminator")
      self.discriminator(keras.Input(image), keras.Input(image))
      self.discriminator_optimizer = self.adam("discriminator_adam", config.discriminator_learning_rate, config.beta_1)
      parts["discriminator"] = self.discriminator
      parts["discriminator_optimizer"] = (self.discriminator_optimizer, self.discriminator)
    layers = vgg_layers(config)
    self.vgg = Vgg19Features(layers, config.vgg_weights, dtype=precision) if layers else None
    self.finish(**parts)

  def provenance(self):
    return {"vgg19": digest(self.vgg)} if self.vgg else {}

  def settle(self):
    """As of every trainer; and CRN chooses one of its images."""
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

  def train_step(self, data):
    """One step on a batch: dict of the system's losses and the discriminator's, scalars."""
    source, target = data
    fake_logits, judged = None, {}
    labels = self.generator.labels(source) if self.config.network == "crn" else None
    with tf.GradientTape() as tape:
      fake = self.forward(source)
      if self.discriminator:
        with tape.stop_recording():  # the discriminator moves first; code of both methods
          judged = self._discriminator_step(source, target, fake)
        fake_logits = self.discriminator(source, fake, training=True)
      loss, terms = generator_loss(self.config, target, fake, fake_logits, labels, self.vgg)
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    self.step.assign_add(1)
    return {"total": loss, **terms, **judged}

  def _discriminator_step(self, source, target, fake):
    with tf.GradientTape() as tape:
      # One pass for each, or real and translated images would be normalized together.
      real_logits = self.discriminator(source, target, training=True)
      fake_logits = self.discriminator(source, fake, training=True)
      loss = discriminator_loss(self.config, real_logits, fake_logits)
      scaled = self.scaled(self.discriminator_optimizer, loss)
    self.descend(self.discriminator_optimizer, self.discriminator, tape, scaled)
    return {"discriminator": loss, "real_score": tf.reduce_mean(tf.sigmoid(real_logits)),
            "fake_score": tf.reduce_mean(tf.sigmoid(fake_logits))}

  def _generator_optimizer(self):
    config = self.config
    if config.network != "drrn":
      return self.adam("generator_adam", config.learning_rate, config.beta_1)
    rate = keras.optimizers.schedules.ExponentialDecay(config.learning_rate, config.halve_every, 0.5, staircase=True)
    return self.loss_scaled(BoundedSgd(rate, config.momentum, config.gradient_bound, config.weight_decay, "generator_sgd"))
