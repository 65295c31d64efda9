"""Training of a single network by losses between its output and the target."""

from tf_imgtrans.training.trainer import BaseTrainer


class SupervisedTrainer(BaseTrainer):
  """One network, without a discriminator: a subclass names its class, and writes its losses.

  Batches are (source, target), float32 [N, H, W, 3] and [N, sH, sW, 3] in [0, 1].

  Args:
    config: Config of the network.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  generator_class = None  # (config, dtype=, name=) -> keras.Model

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    self.generator = self.player("generator", self.generator_class(config, dtype=precision, name="generator"),
                                 (None, None, 3), optimizer=self.optimizer_of_generator())

  def optimizer_of_generator(self):
    """keras.optimizers.Optimizer; by default `adam` with the settings of the configuration."""
    return self.adam("generator_adam")

  def forward(self, source):
    """The network's output in training."""
    return self.generator(source, training=True)

  def losses(self, source, target, fake):
    """The loss and its unweighted terms: (float32 scalar, dict of name to float32 scalar)."""
    raise TypeError(f"{type(self).__name__} has no losses(source, target, fake): a trainer defines them")

  def train_on(self, source, target):
    """One step on a batch: dict of the loss, as "total", and of its terms."""
    with self.update(self.generator) as step:
      step.loss, terms = self.losses(source, target, self.forward(source))
    return {"total": step.loss, **terms}
