"""Validation while the generator grows: at the size of the stage."""

import tensorflow as tf

from tf_imgtrans.core.panels import panel
from tf_imgtrans.data.degradations import area
from tf_imgtrans.papers.progressive_pan.schedule import phase_at, stage_at
from tf_imgtrans.training.validation import NOISE_SEED, SHEET_ROWS, Validator

WINDOW = 16  # smallest side at which SSIM is measured, whose window has 11 pixels


class StageValidator(Validator):
  """Scores the generator on held-out images at the size and fade-in of its stage.

  The best generator is chosen only among those of the last size after its fade-in, as saved files run at full strength.

  Args:
    trainer: Trainer, which provides the stage.
    images: list of (name, source, target), float32 of input_size and of output_size.
    score: (targets, outputs, names of metrics) -> dict of name to float.
  """

  def __init__(self, trainer, images, score):
    super().__init__(images, score, {"psnr": True, "niqe": False})
    self.trainer = trainer
    self._runs = {}  # by resolution

  def __call__(self, generator):
    """Scores a generator: (dict of values and of the resolution, preview sheet uint8 [H, W, 3])."""
    config, step = self.trainer.config, int(self.trainer.step.numpy())
    resolution = stage_at(config, max(step - 1, 0)).resolution  # after its last step, the stage is still the current one
    phase = phase_at(config, int(self.trainer.images.numpy()))
    alpha = phase.alpha if phase.resolution == resolution else 1.0
    entry = min(resolution, config.input_size)
    sources = [area(source, config.input_size // entry).numpy() for _, source, _ in self.images]
    targets = [area(target, config.output_size // resolution).numpy() for _, _, target in self.images]
    outputs = [self._run_at(generator, resolution)(source[None], alpha)[0].numpy() for source in sources]
    names = ("psnr", "ssim", "niqe") if resolution >= WINDOW else ("psnr",)
    sheet = panel(list(map(list, zip(sources, outputs, targets)))[:SHEET_ROWS], headers=["source", "output", "target"])
    return {**self.score(targets, outputs, names), "resolution": resolution, "alpha": alpha}, sheet

  def improved(self, records, values):
    def finished(values):
      return values["resolution"] == self.trainer.config.output_size and values["alpha"] == 1

    return super().improved(list(filter(finished, records)), values) if finished(values) else []

  def _run_at(self, generator, resolution):
    if resolution not in self._runs:
      options = {"noise_seed": NOISE_SEED} if generator.noise == "random" else {}
      self._runs[resolution] = tf.function(
          lambda image, alpha: generator(image, resolution=resolution, alpha=alpha, training=False, **options),
          input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32), tf.TensorSpec((), tf.float32)])
    return self._runs[resolution]
