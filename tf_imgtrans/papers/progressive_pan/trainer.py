"""Training of Sec. 4 and 5.1: alternating steps of discriminator and generator, at one size after the other."""

import functools

import keras
import tensorflow as tf

from tf_imgtrans.core.pyramid import double, halve
from tf_imgtrans.papers.progressive_pan.config import Config
from tf_imgtrans.papers.progressive_pan.discriminator import Discriminator
from tf_imgtrans.papers.progressive_pan.generator import Generator, lerp
from tf_imgtrans.papers.progressive_pan.objective import discriminator_loss, generator_loss
from tf_imgtrans.papers.progressive_pan.schedule import stage_at
from tf_imgtrans.papers.progressive_pan.validation import StageValidator
from tf_imgtrans.training.trainer import GanTrainer


class Trainer(GanTrainer):
  """Generator, its average, and the discriminator with their optimizers.

  Batches are (source, target), float32 [N, s, s, 3] and [N, S, S, 3] in [0, 1], where S is the size of the stage, and s
  the same or, where that is less, `input_size`. The stage is told by the size of the target; how far it is faded in, by the
  images seen.

  The fakes are made once for a step: the discriminator takes its step on them, and the generator takes one against the
  discriminator as it is after that. `learner` is what learns; `generator`, which is judged and saved, is the average of its
  weights, in which an old one counts half after `average_half_life` images.

  At the beginning of each stage, the rate is set to that of the stage, and both Adams forget their moments and their
  number of steps (`reset_optimizers`), as the variables of a new size begin. Variables that a stage does not use do not
  move.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    self.devices = tf.distribute.get_strategy().num_replicas_in_sync
    for stage in config.stages:
      if stage.minibatch % self.devices:
        raise ValueError(f"a step at {stage.resolution} pixels takes {stage.minibatch} images, which {self.devices} "
                         "devices cannot share evenly: change --config.minibatch or --config.replicas")
    self.images = self.add_weight(name="images", shape=(), dtype="int64", initializer="zeros", trainable=False,
                                  aggregation="only_first_replica")
    self.learner = self._generator("learner")
    self.generator = self._generator("generator")
    self.optimizers = {"learner": self._adam("generator_adam")}
    parts = {"learner": self.learner, "generator": self.generator,
             "generator_optimizer": (self.optimizers["learner"], self.learner)}
    self.discriminator = None
    if config.objective == "gan":
      self.discriminator = Discriminator(config, dtype=precision, name="discriminator")
      self.discriminator(keras.Input((config.output_size, config.output_size, 3)))
      self.optimizers["discriminator"] = self._adam("discriminator_adam")
      parts["discriminator"] = self.discriminator
      parts["discriminator_optimizer"] = (self.optimizers["discriminator"], self.discriminator)
    self.finish(**parts)

  def state(self):
    return {"images": self.images, **super().state()}

  def _generator(self, name):
    made = Generator(self.config, dtype=self.precision, name=name)
    made(keras.Input((None, None, 3)))
    return made

  def _adam(self, name):
    config = self.config
    return self.adam(name, config.stages[0].learning_rate, config.beta_1, config.beta_2, config.epsilon)

  def train_step(self, data):
    """One step on a batch: dict of the term of Eq. 4, and where there is a discriminator those of Eq. 3, scalars.

    During a fade, real images are mixed with themselves at half the size as the fakes are (StyleGAN).
    """
    source, target = data
    stage = self._stage(target.shape[1])
    alpha = self._alpha(stage)
    real = target if alpha is None else lerp(double(halve(target)), target, alpha)
    judged, fake_logits = {}, None
    with tf.GradientTape() as tape:
      fake = self.learner(source, resolution=stage.resolution, alpha=alpha, noise_seed=self.seed("noise"), training=True)
      if self.discriminator:
        with tape.stop_recording():
          judged = self._discriminator_step(real, fake, alpha)
        fake_logits = self.discriminator(fake, alpha=alpha)
      loss, terms = generator_loss(self.config, real, fake, fake_logits)
      scaled = self.scaled(self.optimizers["learner"], loss)
    self.descend(self.optimizers["learner"], self.learner, tape, scaled, self.learner.stage_variables(stage.resolution))
    self._average(stage.minibatch)
    self.step.assign_add(1)
    self.images.assign_add(stage.minibatch)
    return {"total": loss, **terms, **judged}

  def _discriminator_step(self, real, fake, alpha):
    with tf.GradientTape() as tape:
      judge = functools.partial(self.discriminator, alpha=alpha)
      loss, terms = discriminator_loss(self.config, judge, real, fake)
      scaled = self.scaled(self.optimizers["discriminator"], loss)
    self.descend(self.optimizers["discriminator"], self.discriminator, tape, scaled,
                 self.discriminator.stage_variables(real.shape[1]))
    return terms

  def _stage(self, resolution):
    return next(stage for stage in self.config.stages if stage.resolution == resolution)

  def _alpha(self, stage):
    """How far a stage is faded in, by the images seen: float32 scalar, or None where there is nothing to fade from."""
    if not stage.fade:
      return None
    return tf.clip_by_value(tf.cast(stage.faded(tf.cast(self.images, tf.float64)), tf.float32), 0.0, 1.0)

  def _average(self, minibatch):
    """Moves the average of the generator towards the learner, by what a step of `minibatch` images weighs."""
    half_life = self.config.average_half_life
    share = 1.0 - 0.5 ** (minibatch / half_life) if half_life else 1.0

    def update(strategy):  # outside the replicas, whose variables are equal: they may not be assigned to inside
      for average, variable in zip(self.generator.variables, self.learner.variables):
        average.assign(average + share * (variable - average))

    tf.distribute.get_replica_context().merge_call(update)

  def adapt(self, step):
    """At the end of a stage: the rate of the next one, and optimizers without a past."""
    stage = stage_at(self.config, step)
    if step != stage.first_step or step == 0:
      return None
    for optimizer in self.optimizers.values():
      inner = getattr(optimizer, "inner_optimizer", optimizer)
      if self.config.reset_optimizers:
        for variable in inner.variables:
          variable.assign(tf.zeros_like(variable))
      inner.learning_rate = stage.learning_rate
    return {"resolution": stage.resolution, "learning_rate": stage.learning_rate}

  def plan(self):
    """The schedule, a line for each stage, with the minibatch of a replica of the paper's, of a device, and of all."""
    replicas, devices = self.config.replicas, self.devices
    return [f"{stage.resolution}x{stage.resolution}: {stage.last_step - stage.first_step} steps of {replicas} x "
            f"{stage.minibatch // replicas} = {stage.minibatch} images at rate {stage.learning_rate:g}"
            + (f", {stage.minibatch // devices} on each of {devices} devices" if devices > 1 else "")
            + (f", faded in over {stage.fade} images" if stage.fade else "") for stage in self.config.stages]

  def milestones(self, step):
    """The generator of every size between the input's and the last, as it is when its stage ends: {"generator_x2": ...}."""
    stage = stage_at(self.config, step - 1)
    if step != stage.last_step or not self.config.input_size < stage.resolution < self.config.output_size:
      return {}
    return {f"generator_x{stage.resolution // self.config.input_size}": self.generator.truncated(stage.resolution)}

  def validator(self, images, score):
    """What judges the generator at the size of its stage: StageValidator."""
    return StageValidator(self, images, score)
