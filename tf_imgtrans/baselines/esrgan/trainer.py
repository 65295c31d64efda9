"""Training of ESRGAN: with the L1 loss alone, and its second stage with a discriminator."""

import pathlib

import tensorflow as tf

from tf_imgtrans.baselines.esrgan.network import Discriminator, Esrgan
from tf_imgtrans.baselines.esrgan.objective import (
  features_before_relu,
  generator_loss,
  relativistic_discriminator_loss,
)
from tf_imgtrans.core.keras_files import load_network
from tf_imgtrans.core.networks import digest
from tf_imgtrans.losses.adversarial import real_fake_scores
from tf_imgtrans.training.supervised import SupervisedTrainer


class Trainer(SupervisedTrainer):
  """The generator with its optimizer, in stage gan also the discriminator with its own.

  Batches are (source, target), float32 [N, S / scale, S / scale, 3] and [N, S, S, 3] in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  Raises:
    ValueError: stage gan without `initial_weights`, or with those of another network.
    FileNotFoundError: `initial_weights` is no file or folder.
  """

  generator_class = Esrgan

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    self.origin = None  # digest of the weights that training starts from
    if config.stage == "gan":
      self._start_from(config.initial_weights)
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = self.player(
          "discriminator", Discriminator(config, dtype=precision, name="discriminator"),
          (config.patch_size, config.patch_size, 3))
    if config.weight_perceptual:
      self.vgg = features_before_relu(config.perceptual_layer, config.vgg_weights, dtype=precision)

  def provenance(self):
    return {**super().provenance(), **({"initial_weights": self.origin} if self.origin else {})}

  def losses(self, source, target, fake):
    return generator_loss(self.config, target, fake, *self._logits(target, fake), self.vgg)

  def train_on(self, source, target):
    """One step on a batch: dict of the generator's loss terms, and of the discriminator's loss and scores."""
    with self.update(self.generator) as step:
      fake = self.forward(source)
      step.loss, terms = self.losses(source, target, fake)
    if self.discriminator:
      terms |= self._update_discriminator(target, tf.stop_gradient(fake))
    return {"total": step.loss, **terms}

  def _logits(self, target, fake):
    """Logits of real and of generated patches, in two passes that are normalized separately; code."""
    if not self.discriminator:
      return None, None
    fake_logits = self.discriminator(fake, training=True)
    return self.discriminator(target, training=True), fake_logits

  def _update_discriminator(self, target, fake):
    """The discriminator moves after the generator, on the same fakes; code."""
    with self.update(self.discriminator) as step:
      real_logits, fake_logits = self._logits(target, fake)
      step.loss = relativistic_discriminator_loss(real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits - tf.reduce_mean(fake_logits),
                                                           fake_logits - tf.reduce_mean(real_logits))}

  def _start_from(self, initial_weights):
    if not initial_weights:
      raise ValueError("stage gan starts from a generator that was trained by L1: give its run folder or .keras file by "
                       "--config.initial_weights, or \"random\" for random weights")
    if initial_weights == "random":
      return
    path = pathlib.Path(initial_weights)
    path = path / "generator.keras" if path.is_dir() else path
    if not path.is_file():
      raise FileNotFoundError(f"initial_weights {path} do not exist: expected a finished run folder or a .keras file "
                              "(--config.initial_weights)")
    try:
      network = load_network(path)
    except Exception as error:  # Keras raises many types for files of other formats
      raise ValueError(f"initial_weights {path} cannot be loaded: {error}") from None
    shapes = [[tuple(variable.shape) for variable in each.weights] for each in (network, self.generator)]
    if type(network) is not type(self.generator) or shapes[0] != shapes[1] or network.scale != self.generator.scale:
      raise ValueError(f"initial_weights {path} hold {type(network).__name__} of {network.count_params():,} parameters, "
                       f"not {type(self.generator).__name__} of {self.generator.count_params():,} at scale "
                       f"{self.generator.scale}: give --config.channels, --config.blocks ... as in that run")
    self.generator.set_weights(network.get_weights())
    self.origin = digest(network)
