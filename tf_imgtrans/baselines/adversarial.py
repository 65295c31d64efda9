"""Training of a generator against one discriminator, which moves first: that of pix2pix and of the context encoder."""

from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss, real_fake_scores
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.training.supervised import SupervisedTrainer


class AdversarialTrainer(SupervisedTrainer):
  """A generator with its discriminator: a subclass names the classes of both, and writes the losses beside the adversarial.

  Batches are (source, target), float32 [N, S, S, 3] in [0, 1].

  Args:
    config: Config of the networks. With a `weight_adversarial` of 0 there is no discriminator.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  discriminator_class = None  # (config, dtype=, name=) -> keras.Model: source, images -> logits
  discriminator_factor = 1.0  # of the discriminator's loss

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    self.discriminator = None
    if config.weight_adversarial:
      image = (config.image_size, config.image_size, 3)
      self.discriminator = self.player(
          "discriminator", self.discriminator_class(config, dtype=precision, name="discriminator"), image, image,
          optimizer=self.adam("discriminator_adam", learning_rate=config.discriminator_learning_rate))

  def other_losses(self, target, fake):
    """The losses beside the adversarial one: dict of name to a function without arguments, as of `weighted_sum`."""
    raise TypeError(f"{type(self).__name__} has no other_losses(target, fake): a trainer defines them")

  def losses(self, source, target, fake):
    adversarial = lambda: generator_log_loss(self.discriminator(source, fake, training=True))  # noqa: E731
    return weighted_sum(self.config, {"adversarial": adversarial, **self.other_losses(target, fake)})

  def train_on(self, source, target):
    """One step on a batch: dict of the generator's loss, as "total", its terms, the discriminator's loss and scores."""
    discriminator_terms = {}
    with self.update(self.generator) as step:
      fake = self.forward(source)
      if self.discriminator:
        with step.stop_recording():  # the discriminator moves first; code of both methods
          discriminator_terms = self._update_discriminator(source, target, fake)
      step.loss, terms = self.losses(source, target, fake)
    return {"total": step.loss, **terms, **discriminator_terms}

  def _update_discriminator(self, source, target, fake):
    with self.update(self.discriminator) as step:
      # One pass for each, or real and translated images would be normalized together.
      real_logits = self.discriminator(source, target, training=True)
      fake_logits = self.discriminator(source, fake, training=True)
      step.loss = self.discriminator_factor * discriminator_log_loss(real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits, fake_logits)}
