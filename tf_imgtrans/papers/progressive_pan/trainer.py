"""Training of Sec. 4 and 5.1: alternating steps of discriminator and generator, at one size after the other."""

import functools

import tensorflow as tf

from tf_imgtrans.core.pyramid import double, halve
from tf_imgtrans.papers.progressive_pan.blocks import lerp
from tf_imgtrans.papers.progressive_pan.config import Config
from tf_imgtrans.papers.progressive_pan.discriminator import Discriminator
from tf_imgtrans.papers.progressive_pan.generator import Generator
from tf_imgtrans.papers.progressive_pan.objective import discriminator_loss, generator_loss
from tf_imgtrans.papers.progressive_pan.schedule import stage_at
from tf_imgtrans.papers.progressive_pan.validation import StageValidator
from tf_imgtrans.training.averaging import move_average
from tf_imgtrans.training.trainer import BaseTrainer


class Trainer(BaseTrainer):
  """Generator, its average, and the discriminator with their optimizers.

  Batches are (source, target), float32 [N, s, s, 3] and [N, S, S, 3] in [0, 1], where S is the size of the stage, and s
  the smaller of S and `input_size`. The size of the target gives the stage; the number of images seen gives how far the
  stage is faded in.

  A step generates the fakes once: the discriminator takes its step on them, then the generator takes one against the
  updated discriminator. `learner` is trained; `generator`, which is validated and saved, is the moving average of its
  weights, in which an old one counts half after `average_half_life` images.

  Each stage starts with its learning rate, and with `reset_optimizers` both Adams start anew, with their moments and step
  count at 0, as the variables of a new size do. Variables that a stage does not use do not move.

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
    self.learner = self.register("learner", Generator(config, dtype=precision, name="learner"), (None, None, 3))
    self.generator = self.register("generator", Generator(config, dtype=precision, name="generator"), (None, None, 3))
    rate = config.stages[0].learning_rate
    self.optimize(self.learner, "generator_optimizer", self.adam("generator_adam", learning_rate=rate))
    self.discriminator = None
    if config.objective == "gan":
      self.discriminator = self.player(
          "discriminator", Discriminator(config, dtype=precision, name="discriminator"),
          (config.output_size, config.output_size, 3), optimizer=self.adam("discriminator_adam", learning_rate=rate))

  def state(self):
    return {"images": self.images, **super().state()}

  def train_on(self, source, target):
    """One step on a batch: dict of the term of Eq. 4, and where there is a discriminator those of Eq. 3.

    During a fade, real images are mixed with themselves at half the size as the fakes are (StyleGAN).
    """
    stage = self._stage(target.shape[1])
    alpha = self._alpha(stage)
    real = target if alpha is None else lerp(double(halve(target)), target, alpha)
    discriminator_terms, fake_logits = {}, None
    with self.update(self.learner, self.learner.stage_variables(stage.resolution)) as step:
      fake = self.learner(source, resolution=stage.resolution, alpha=alpha, noise_seed=self.seed("noise"), training=True)
      if self.discriminator:
        with step.stop_recording():
          discriminator_terms = self._update_discriminator(real, fake, alpha)
        fake_logits = self.discriminator(fake, alpha=alpha)
      step.loss, terms = generator_loss(self.config, real, fake, fake_logits)
    move_average(self.generator, self.learner, self.config.average_half_life, stage.minibatch)
    self.images.assign_add(stage.minibatch)
    return {"total": step.loss, **terms, **discriminator_terms}

  def _update_discriminator(self, real, fake, alpha):
    with self.update(self.discriminator, self.discriminator.stage_variables(real.shape[1])) as step:
      discriminator = functools.partial(self.discriminator, alpha=alpha)
      step.loss, terms = discriminator_loss(self.config, discriminator, real, fake)
    return terms

  def _stage(self, resolution):
    return next(stage for stage in self.config.stages if stage.resolution == resolution)

  def _alpha(self, stage):
    """How far a stage is faded in, by the images seen: float32 scalar, or None where there is nothing to fade from."""
    if not stage.fade:
      return None
    return tf.clip_by_value(tf.cast(stage.faded(tf.cast(self.images, tf.float64)), tf.float32), 0.0, 1.0)

  def images_at(self, step):
    return self.config.images_at(step)

  def adapt(self, step):
    """At the end of a stage, sets the learning rate of the next one and resets the optimizers."""
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
    """The schedule, one line per stage, with the minibatch of each of the paper's replicas, of each device, and in all."""
    replicas, devices = self.config.replicas, self.devices
    return [f"{stage.resolution}x{stage.resolution}: {stage.last_step - stage.first_step} steps of {replicas} x "
            f"{stage.minibatch // replicas} = {stage.minibatch} images at rate {stage.learning_rate:g}"
            + (f", {stage.minibatch // devices} on each of {devices} devices" if devices > 1 else "")
            + (f", faded in over {stage.fade} images" if stage.fade else "") for stage in self.config.stages]

  def milestones(self, step):
    """The generator of each size between the input's and the last, at the end of its stage: {"generator_x2": ...}."""
    stage = stage_at(self.config, step - 1)
    if step != stage.last_step or not self.config.input_size < stage.resolution < self.config.output_size:
      return {}
    return {f"generator_x{stage.resolution // self.config.input_size}": self.generator.truncated(stage.resolution)}

  def validator(self, images, score):
    """Validation of the generator at the size of its stage: StageValidator."""
    return StageValidator(self, images, score)
