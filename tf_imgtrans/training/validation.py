"""Validation on held-out images, and the preview sheet."""

import tensorflow as tf

from tf_imgtrans.core.panels import panel

SHEET_ROWS = 4
NOISE_SEED = 20180921  # for a generator of random noise: the same draw at every validation, in a resumed run too


def runner(generator):
  """A generator as one graph for all sizes: float32 [H, W, 3] -> [sH, sW, 3], NumPy. Random noise has one seed."""
  options = {"noise_seed": NOISE_SEED} if getattr(generator, "noise", None) == "random" else {}
  graph = tf.function(lambda image: generator(image, training=False, **options),
                      input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32)])
  return lambda source: graph(source[None])[0].numpy()


class Validator:
  """Runs a generator on held-out images and scores its outputs.

  Args:
    images: list of (name, source, target), float32 [H, W, 3] in [0, 1].
    score: (targets, outputs), lists of images -> dict of name to float.
    best: dict of metric name to whether higher is better: the generators to keep.
  """

  def __init__(self, images, score, best):
    self.images = images
    self.score = score
    self.best = best
    self._run = None

  def __call__(self, generator):
    """Scores a generator: (dict of values, preview sheet uint8 [H, W, 3])."""
    if self._run is None:  # once for the whole run
      self._run = runner(generator)
    outputs = [self._run(source) for _, source, _ in self.images]
    values = self.score([target for _, _, target in self.images], outputs)
    rows = [[source, output, target]
            for (_, source, target), output in zip(self.images[:SHEET_ROWS], outputs)]
    return values, panel(rows, headers=["source", "output", "target"])

  def improved(self, records, values):
    """Names of the metrics whose best value so far is this one.

    Args:
      records: validation records before this one, dicts; the best so far follows from them alone.
      values: dict of this validation.
    """
    better = []
    for name, higher in self.best.items():
      before = [record[name] for record in records if record.get(name) is not None]
      if values.get(name) is not None and all((values[name] > old) == higher and values[name] != old for old in before):
        better.append(name)
    return better
