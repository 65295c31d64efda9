"""What the papers' trainers share: optimizers, precision, replica averaging and the state of a run."""

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.replicas import Part
from tf_imgtrans.core.seeds import fold_in, seed_at
from tf_imgtrans.training.population import IMAGES, batch_normalizations, estimate_statistics
from tf_imgtrans.training.validation import Validator


class GanTrainer(keras.Model):
  """Base of a trainer: a paper adds its networks and its `train_step`.

  It is kept by checkpoints of `state()`, not by `save`; its generator is saved alone.
  Networks and optimizers are named by the trainer: names that Keras counts up would differ between a run and its resume.

  A subclass makes its networks, calls `finish()` with them, and writes `train_step(data)`, which returns the terms of
  the step as scalars. In it, `seed`, `scaled` and `descend` take care of resumes, half precision and replicas.

  Args:
    config: the paper's Config; `seed` counts here.
    precision: "float32", "mixed_bfloat16" or "mixed_float16", for the networks.
  """

  def __init__(self, config, precision="float32", **kwargs):
    super().__init__(**kwargs)
    self.config = config
    self.precision = precision
    self.step = self.add_weight(name="step", shape=(), dtype="int64", initializer="zeros", trainable=False,
                                aggregation="only_first_replica")
    self.parts = {}
    self.batches = None  # of `prepare`

  def finish(self, **parts):
    """Takes the built networks and the optimizers by name, and builds the optimizers.

    Args:
      **parts: keras.Model, or (optimizer, network) pairs.
    """
    for name, part in parts.items():
      if isinstance(part, tuple):
        optimizer, network = part
        optimizer.build(network.trainable_variables)  # unbuilt, it would be dropped from checkpoints
        part = optimizer
      self.parts[name] = part
    self.built = True

  def adam(self, name, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Adam under a name of its own, which its variables carry; with loss scaling in mixed_float16."""
    return self.loss_scaled(keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon, name=name))

  def loss_scaled(self, optimizer):
    """The optimizer, with loss scaling around it in mixed_float16."""
    if self.precision == "mixed_float16":
      return keras.optimizers.LossScaleOptimizer(optimizer, name=f"scaled_{optimizer.name}")
    return optimizer

  def seed(self, stream):
    """Seed pair of this step for a named stream: a function of the run's seed, the step and the replica alone."""
    return fold_in(seed_at(self.config.seed, stream, self.step), self._replica())

  def scaled(self, optimizer, loss):
    """The loss to differentiate: divided by the replicas, whose gradients are summed, and scaled for half precision."""
    return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

  def descend(self, optimizer, network, tape, scaled_loss, variables=None):
    """One step of the optimizer on the network's trainable variables, or on some of them."""
    variables = network.trainable_variables if variables is None else variables
    gradients = tape.gradient(scaled_loss, variables)
    if self.precision == "mixed_float16":
      gradients = _overflow_everywhere(gradients)
    optimizer.apply(gradients, variables)

  def state(self):
    """Every variable that decides how the run goes on, by a name that says what it is: dict of name to variable."""
    named = {"step": self.step}
    for part, holder in self.parts.items():
      for index, variable in enumerate(holder.variables):
        named[f"{part}/{index:03d}/{variable.path}"] = variable
    return named

  def prepare(self, data):
    """Takes what the trainer wants of the data beside the batches of its steps, before the first step.

    Args:
      data: of the paper's `training_data`.
    """
    self.batches = data.batches

  def inputs(self, batch):
    """What the generator sees of a batch of any length; the first of its tensors by default, float32 [N, H, W, 3]."""
    return batch[0]

  def settle(self):
    """Called before the generator is judged or saved: estimates what it normalizes by at inference.

    It follows from the weights and from what `prepare` took alone, and training does not see it, so that a run may be
    validated more or less often and is the same.
    """
    if self.batches and batch_normalizations(self.generator):
      images = self.batches(0, Part()).unbatch().batch(IMAGES).take(1)
      estimate_statistics(self.generator, images.map(lambda *batch: self.inputs(batch)).unbatch())

  def adapt(self, step):
    """Called after every step, outside the replicas: what training learns from a look at the whole run goes here.

    It must follow from `state()` and from what `prepare` took alone, and write to variables of `state()` alone: so a
    run that is resumed before it does the same again.

    Args:
      step: int, the steps done.
    Returns:
      dict of name to float for the log, where something was adapted; else None.
    """

  def milestones(self, step):
    """Generators that are kept as they are after `step` steps: dict of name to network, to be saved beside the last one."""
    return {}

  def validator(self, images, score):
    """What scores the run on held-out images."""
    return Validator(images, score, {"psnr": True, "niqe": False})

  def plan(self):
    """What the steps of the run will be like, where they change: lines of text, shown at the start."""
    return []

  def provenance(self):
    """What the run depends on beside its configuration and data, for run.json: dict of name to digest."""
    return {}

  def call(self, images, training=False):
    return self.generator(images, training=training)

  def _replica(self):
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def _overflow_everywhere(gradients):
  """Makes gradients that overflow on one replica do so on all: each loss scale looks at those of one replica alone."""
  if tf.distribute.get_strategy().num_replicas_in_sync == 1:
    return gradients
  finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients if gradient is not None])
  context = tf.distribute.get_replica_context()
  zero_or_nan = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(finite, 0.0, np.nan))
  return [gradient if gradient is None else gradient + tf.cast(zero_or_nan, gradient.dtype) for gradient in gradients]
