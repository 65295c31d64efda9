"""Training of the networks: by L1 alone, and ESRGAN's second stage against a discriminator."""

import functools
import pathlib

import keras
import tensorflow as tf

from tf_imgtrans.baselines.super_resolution.carn import Carn
from tf_imgtrans.baselines.super_resolution.config import CONFIGS, SCALES
from tf_imgtrans.baselines.super_resolution.discriminator import Discriminator
from tf_imgtrans.baselines.super_resolution.esrgan import Esrgan
from tf_imgtrans.baselines.super_resolution.objective import (
  features_before_relu,
  generator_loss,
  relativistic_discriminator_loss,
)
from tf_imgtrans.baselines.super_resolution.rcan import Rcan
from tf_imgtrans.core.networks import digest
from tf_imgtrans.core.seeds import seed_at, uniform
from tf_imgtrans.data.super_resolution import shrink
from tf_imgtrans.training.trainer import GanTrainer

GENERATORS = {"esrgan": Esrgan, "carn": Carn, "rcan": Rcan}


class Trainer(GanTrainer):
  """The generator of `config.network`, in stage gan with its discriminator, and their optimizers.

  Batches are (source, target), float32 [N, S / scale, S / scale, 3] and [N, S, S, 3] in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  Raises:
    ValueError: stage gan without `initial_weights`, or ones that are not of this network.
    FileNotFoundError: no such `initial_weights`.
  """

  def __init__(self, config=CONFIGS["esrgan"], precision="float32"):
    super().__init__(config, precision)
    self.generator = GENERATORS[config.network](config, dtype=precision, name="generator")
    self.generator(keras.Input((None, None, 3)))
    self.origin = None  # digest of the weights that training starts from
    if config.stage == "gan":
      self._start_from(config.initial_weights)
    self.generator_optimizer = self._optimizer("generator_adam")
    parts = {"generator": self.generator, "generator_optimizer": (self.generator_optimizer, self.generator)}
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = Discriminator(config, dtype=precision, name="discriminator")
      self.discriminator(keras.Input((config.patch_size, config.patch_size, 3)))
      self.discriminator_optimizer = self._optimizer("discriminator_adam")
      parts["discriminator"] = self.discriminator
      parts["discriminator_optimizer"] = (self.discriminator_optimizer, self.discriminator)
    self.vgg = None
    if config.weight_perceptual:
      self.vgg = features_before_relu(config.perceptual_layer, config.vgg_weights, dtype=precision)
    self.finish(**parts)

  def provenance(self):
    found = {"vgg19": self.vgg and digest(self.vgg), "initial_weights": self.origin}
    return {name: value for name, value in found.items() if value}

  def train_step(self, data):
    """One step on a batch: dict of the losses and the discriminator's, scalars."""
    source, target = data
    judged = {}
    with tf.GradientTape() as tape:
      if self.config.multi_scale:
        loss = self._loss_of_a_scale(target)
        terms = {"l1": loss / self.config.weight_l1}
      else:
        fake = self.generator(source, training=True)
        loss, terms = generator_loss(self.config, target, fake, *self._judge(target, fake), self.vgg)
      scaled = self.scaled(self.generator_optimizer, loss)
    self.descend(self.generator_optimizer, self.generator, tape, scaled)
    if self.discriminator:
      judged = self._discriminator_step(target, tf.stop_gradient(fake))
    self.step.assign_add(1)
    return {"total": loss, **terms, **judged}

  def _judge(self, target, fake):
    """Logits of real and generated patches, each normalized by themselves; code."""
    if not self.discriminator:
      return None, None
    fake_logits = self.discriminator(fake, training=True)
    return self.discriminator(target, training=True), fake_logits

  def _discriminator_step(self, target, fake):
    """The discriminator moves after the generator, on the same fakes; code."""
    with tf.GradientTape() as tape:
      real_logits, fake_logits = self._judge(target, fake)
      loss = relativistic_discriminator_loss(real_logits, fake_logits)
      scaled = self.scaled(self.discriminator_optimizer, loss)
    self.descend(self.discriminator_optimizer, self.discriminator, tape, scaled)
    return {"discriminator": loss, "real_score": tf.reduce_mean(tf.sigmoid(real_logits - tf.reduce_mean(fake_logits))),
            "fake_score": tf.reduce_mean(tf.sigmoid(fake_logits - tf.reduce_mean(real_logits)))}

  def _loss_of_a_scale(self, target):
    """CARN's loss at a scale drawn for this step; sources are equally large at all of them (code)."""
    scales = SCALES["carn"]
    side = target.shape[1] // max(scales)

    def loss_at(scale):
      part = target[:, :side * scale, :side * scale]
      fake = self.generator(shrink(part, scale, self.config.low_resolution), training=True, scale=scale)
      return generator_loss(self.config, part, fake)[0]

    number = tf.cast(uniform([], seed_at(self.config.seed, "scale", self.step)) * len(scales), tf.int32)
    loss = tf.switch_case(number, [functools.partial(loss_at, scale) for scale in scales])
    # Upsamplers of the other scales get gradients of 0 rather than none: Adam moves them on, as PyTorch's does.
    ups = [variable for up in sum(self.generator.ups, []) for variable in up.trainable_variables]
    return loss + 0.0 * tf.add_n([tf.reduce_sum(variable) for variable in ups])

  def _optimizer(self, name):
    config = self.config
    rate = config.learning_rate
    if config.halve_at:
      # The schedule counts from 0 and keeps a rate up to and at its boundary.
      rate = keras.optimizers.schedules.PiecewiseConstantDecay(
          [step - 1 for step in config.halve_at], [rate / 2 ** index for index in range(len(config.halve_at) + 1)])
    return self.loss_scaled(keras.optimizers.Adam(rate, config.beta_1, config.beta_2, 1e-8, name=name,
                                                  global_clipnorm=config.gradient_clip or None))

  def _start_from(self, initial_weights):
    if not initial_weights:
      raise ValueError("stage gan starts from a generator that was trained by L1: give its run folder or .keras file by "
                       "--config.initial_weights, or \"random\" for drawn weights")
    if initial_weights == "random":
      return
    path = pathlib.Path(initial_weights)
    path = path / "generator.keras" if path.is_dir() else path
    if not path.is_file():
      raise FileNotFoundError(f"initial_weights {path} do not exist: expected a finished run folder or a .keras file "
                              "(--config.initial_weights)")
    try:
      network = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras and its readers have many types for files that are none of theirs
      raise ValueError(f"initial_weights {path} cannot be loaded: {error}") from None
    shapes = [[tuple(variable.shape) for variable in each.weights] for each in (network, self.generator)]
    if type(network) is not type(self.generator) or shapes[0] != shapes[1] or network.scale != self.generator.scale:
      raise ValueError(f"initial_weights {path} hold {type(network).__name__} of {network.count_params():,} numbers, not "
                       f"{type(self.generator).__name__} of {self.generator.count_params():,} at scale "
                       f"{self.generator.scale}: give --config.channels, --config.blocks ... as in that run")
    self.generator.set_weights(network.get_weights())
    self.origin = digest(network)
