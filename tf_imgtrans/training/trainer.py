"""What all trainers share: networks with their optimizers, updates, half precision, replicas, and the state of a run."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults, our_defaults
from tf_imgtrans.core.networks import digest
from tf_imgtrans.core.replicas import Part
from tf_imgtrans.core.seeds import fold_in, seed_at
from tf_imgtrans.core.terms import recorded_terms
from tf_imgtrans.training.population import IMAGES, batch_normalizations, estimate_statistics
from tf_imgtrans.training.schedules import halved
from tf_imgtrans.training.validation import Validator


class BaseTrainer(OwnDefaults, keras.Model):
  """Base of every trainer: a subclass declares its networks, and writes what happens to them in one training step.

  `__init__` declares each network with `player`; one of them is `self.generator`, which is validated and saved. Then
  `train_on` takes the tensors of a batch, and moves each network in a block of `update`:

    self.generator = self.player("generator", Generator(config, dtype=precision, name="generator"), (None, None, 3))

    def train_on(self, source, target):
      with self.update(self.generator) as step:
        fake = self.generator(source, training=True)
        step.loss, terms = generator_loss(self.config, target, fake)
      return {"total": step.loss, **terms}

  A checkpoint holds `state()`. Names of networks and optimizers are given explicitly, as names that Keras counts up would
  differ between a run and its resume. The methods from `images_at` to `validator` are hooks that a subclass may override.

  Args:
    config: the Config of a paper or baseline; `seed`, `batch_size` and the settings of `adam` are read here.
    precision: "float32", "mixed_bfloat16" or "mixed_float16", for the networks.
  """

  def __init__(self, config, precision="float32", **kwargs):
    super().__init__(**kwargs)
    self.config = config
    self.precision = precision
    self.step = self.add_weight(name="step", shape=(), dtype="int64", initializer="zeros", trainable=False,
                                aggregation="only_first_replica")
    self.parts = {}  # networks and optimizers by their names in checkpoints
    self.optimizers = {}  # by the name of the network that they train
    self.vgg = None  # Vgg19Features, of a subclass whose losses need them
    self.batches = None  # of `prepare`
    self._shares = None  # while `term_shares` measures: dict of what `update` has found
    self.built = True  # there is nothing that Keras would build at a first call

  def player(self, name, network, *input_shapes, optimizer=None):
    """Declares a network that is trained: builds it and its optimizer, and adds both to the state.

    Args:
      name: str, in checkpoints; that of the optimizer is "NAME_optimizer".
      network: keras.Model, not yet built; its own name tells optimizers apart.
      *input_shapes: shape of each input without the batch, such as (None, None, 3).
      optimizer: keras.optimizers.Optimizer; by default `adam("NAME_adam")`.
    Returns:
      The network.
    """
    self.register(name, network, *input_shapes)
    self.optimize(network, f"{name}_optimizer", optimizer or self.adam(f"{name}_adam"))
    return network

  def register(self, name, network, *input_shapes):
    """Builds a network and adds it to the state, without an optimizer; arguments and result as of `player`."""
    network(*map(keras.Input, input_shapes))
    self.parts[name] = network
    return network

  def optimize(self, network, name, optimizer):
    """Sets the optimizer of a registered network, and adds it to the state; with loss scaling in mixed_float16."""
    if self.precision == "mixed_float16":
      optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"scaled_{optimizer.name}")
    optimizer.build(network.trainable_variables)  # checkpoints hold the variables of a built optimizer alone
    self.parts[name] = self.optimizers[network.name] = optimizer

  def adam(self, name, **settings):
    """Adam under the name that its variables carry.

    `learning_rate`, `beta_1`, `beta_2` and `epsilon` are the config's where it has them, else Adam's usual ones; `settings`
    go before both. The learning rate is halved after the steps of the config's `halve_at`, if there is one.
    """
    usual = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    usual = {setting: getattr(self.config, setting, value) for setting, value in usual.items()}
    settings = usual | settings
    settings["learning_rate"] = halved(settings["learning_rate"], getattr(self.config, "halve_at", ()))
    return keras.optimizers.Adam(**settings, name=name)

  @contextlib.contextmanager
  def update(self, network, variables=None):
    """Context of one optimizer step: records the block, then descends along the gradient of the loss that it sets.

    Gradients are summed over the replicas, so each contributes its loss divided by their number.

    Args:
      network: keras.Model, declared with `player`.
      variables: those of its trainable variables that move; all by default.
    Yields:
      Update, whose `loss` the block sets, a float32 scalar.
    """
    if self._shares is not None:
      with recorded_terms() as terms, tf.GradientTape(persistent=True) as tape:
        yield Update(tape)
      self._shares |= _shares(tape, terms, network.trainable_variables if variables is None else variables)
      return
    optimizer = self.optimizers[network.name]
    with tf.GradientTape() as tape:
      step = Update(tape)
      yield step
      scaled = optimizer.scale_loss(step.loss / tf.distribute.get_strategy().num_replicas_in_sync)
    variables = network.trainable_variables if variables is None else variables
    gradients = tape.gradient(scaled, variables)
    if self.precision == "mixed_float16":
      gradients = _overflow_everywhere(gradients)
    optimizer.apply(gradients, variables)

  def compile(self, optimizer=None, loss=None, metrics=None, **settings):
    """Makes the trainer ready for Keras' own `fit`, whose callbacks see the optimizer of the generator.

    Args:
      optimizer, loss, metrics: None, as a trainer has its own.
      **settings: others of `keras.Model.compile`, such as `run_eagerly`.
    Raises:
      ValueError: an optimizer, a loss or metrics are given.
    """
    given = [name for name, value in (("optimizer", optimizer), ("loss", loss), ("metrics", metrics)) if value is not None]
    if given:
      raise ValueError(f"compile is given {', '.join(given)}: a trainer has its own, by its configuration; leave that out")
    super().compile(optimizer=self.generator_optimizer, **settings)

  @property
  def generator_optimizer(self):
    """The keras.optimizers.Optimizer of the generator, or of the network that it is the average of."""
    return self.optimizers.get(self.generator.name) or next(iter(self.optimizers.values()))

  def test_step(self, data):
    """PSNR and SSIM of the generator on a batch, for Keras' `evaluate` and `validation_data`: dict of scalars.

    Raises:
      ValueError: a batch without a source and a target of the generator's sizes, which `tf_imgtrans.evaluate` measures.
    """
    parts = data if isinstance(data, tuple) else (data,)
    fake = self.generator(parts[0], training=False) if len(parts) > 1 else None
    if fake is None or not fake.shape.is_compatible_with(parts[-1].shape):
      raise ValueError(f"batches of {type(self).__name__} are no images with targets of their size, which Keras' evaluate "
                       "needs: call tf_imgtrans.evaluate on the run, which measures its own task")
    images = tf.cast(parts[-1], tf.float32), tf.clip_by_value(fake, 0.0, 1.0)
    metrics = {"psnr": tf.image.psnr, "ssim": tf.image.ssim}
    return {name: tf.reduce_mean(metric(*images, 1.0)) for name, metric in metrics.items()}

  def train_step(self, data):
    """One training step on a batch, a tuple of tensors: dict of loss terms and other scalars for the log."""
    with our_defaults():
      terms = self.train_on(*data)
    self.step.assign_add(1)
    return terms

  def train_on(self, *batch):
    """What a training step does with the tensors of a batch: dict of scalars for the log, with the loss as "total"."""
    raise TypeError(f"{type(self).__name__} has no train_on(*batch): a trainer defines it")

  def term_shares(self, *batch):
    """The share of each term of `losses.weighted_sum` in the loss, and in the gradient of the network that it moves.

    A term whose share of the gradient is below 0.01 does next to nothing, whatever it is worth in the loss. Nothing of the
    trainer changes; the step is made once more, operation by operation.

    Args:
      *batch: tensors of a training step.
    Returns:
      dict of "loss/NAME" and "gradient/NAME" to float: of the absolute weighted terms, and of the norms of their gradients,
      each over their sum.
    """
    before = {name: variable.numpy() for name, variable in self.state().items()}
    self._shares = {}
    try:
      self.train_on(*batch)
      return dict(self._shares)
    finally:
      self._shares = None
      for name, variable in self.state().items():
        variable.assign(before[name])

  def seed(self, stream):
    """Seed pair of this step for a named stream: a function of the run's seed, the step and the replica alone."""
    context = tf.distribute.get_replica_context()
    return fold_in(seed_at(self.config.seed, stream, self.step), context.replica_id_in_sync_group if context else 0)

  def state(self):
    """Every variable that decides how the run goes on: dict of name to variable, in the order of checkpoints."""
    named = {"step": self.step}
    for part, holder in self.parts.items():
      for index, variable in enumerate(holder.variables):
        named[f"{part}/{index:03d}/{variable.path}"] = variable
    return named

  def call(self, images, training=False):
    return self.generator(images, training=training)

  # Hooks

  def images_at(self, step):
    """How many training images the first `step` steps see: int."""
    return step * self.config.batch_size

  def prepare(self, data):
    """Takes what the trainer needs of the data beside the batches of its steps; called before the first step.

    Args:
      data: TrainingData of the paper or baseline.
    """
    self.batches = data.batches

  def prepare_xla(self):
    """Called before XLA compiles the steps: replaces max_pool2d, which has no deterministic gradient there."""
    if self.vgg:
      self.vgg.pool_by_slices = True

  def inputs(self, batch):
    """The generator's input from a batch of any length: by default its first tensor, float32 [N, H, W, 3]."""
    return batch[0]

  def settle(self):
    """Called before the generator is validated or saved: estimates the statistics of its batch normalizations.

    They follow from the weights and from what `prepare` took alone, and training does not use them: a run is the same
    however often it is validated.
    """
    if self.batches and batch_normalizations(self.generator):
      images = self.batches(0, Part()).unbatch().batch(IMAGES).take(1)
      estimate_statistics(self.generator, images.map(lambda *batch: self.inputs(batch)).unbatch())

  def adapt(self, step):
    """Called after every step, outside the replicas: changes what depends on the progress of the run.

    It may read `state()` and what `prepare` took, and may write to variables of `state()` alone: a resumed run then repeats
    it exactly.

    Args:
      step: int, the steps done.
    Returns:
      dict of name to float for the log, where something was adapted; else None.
    """

  def milestones(self, step):
    """Generators to save as they are after `step` steps, beside the last one: dict of file name to network."""
    return {}

  def plan(self):
    """The schedule of the run, printed at its start: list of lines, empty where every step is alike."""
    return []

  def provenance(self):
    """What the run depends on beside its configuration and data, for run.json: dict of name to digest."""
    return {"vgg19": digest(self.vgg)} if self.vgg else {}

  def validator(self, images, score):
    """The validation of the run: Validator.

    Args:
      images: list of held-out (name, source, target), of the data's `validation`.
      score: (targets, outputs), lists of images -> dict of metric to float.
    """
    return Validator(images, score, {"psnr": True, "niqe": False})


class Update:
  """An optimizer step in the making.

  Attributes:
    loss: float32 scalar to minimize; the block of `BaseTrainer.update` sets it.
  """

  def __init__(self, tape):
    self.loss = None
    self._tape = tape

  def stop_recording(self):
    """Context in which operations are left out of the gradient; another update may run in it."""
    return self._tape.stop_recording()


def _shares(tape, terms, variables):
  """What `BaseTrainer.term_shares` returns, of a persistent tape that has recorded weighted terms; empty without terms."""
  norms = {name: tf.linalg.global_norm([gradient for gradient in tape.gradient(term, variables) if gradient is not None])
           for name, term in terms.items()}
  sizes = {"loss": {name: abs(float(term)) for name, term in terms.items()},
           "gradient": {name: float(norm) for name, norm in norms.items()}}
  return {f"{kind}/{name}": size / (sum(found.values()) or 1.0) for kind, found in sizes.items()
          for name, size in found.items()}


def _overflow_everywhere(gradients):
  """Gradients that are not finite on all replicas where they are not on one: a loss scale sees its own replica alone."""
  if tf.distribute.get_strategy().num_replicas_in_sync == 1:
    return gradients
  finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients if gradient is not None])
  context = tf.distribute.get_replica_context()
  zero_or_nan = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(finite, 0.0, np.nan))
  return [gradient if gradient is None else gradient + tf.cast(zero_or_nan, gradient.dtype) for gradient in gradients]
