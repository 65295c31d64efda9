"""On-demand learning: the worse a level of difficulty is restored, the larger its share of the following batches."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.on_demand.config import Config
from tf_imgtrans.baselines.on_demand.generator import Generator
from tf_imgtrans.baselines.on_demand.levels import LEVELS, adapted_shares, corrupt, levels_of_batch
from tf_imgtrans.core.seeds import as_seed_pair, fold_in
from tf_imgtrans.training.trainer import BaseTrainer

HELD_OUT_SEED = 20171022  # of the corruptions by which levels are validated: the same pixels every time
SMALLEST_ERROR = 1e-10  # 100 dB, where levels.adapted_shares cuts as well


class Trainer(BaseTrainer):
  """The generator with its optimizer, and the shares of the levels in a batch.

  Batches are (target,) or, for colour blocks, (target, patch), float32 [N, S, S, 3] in [0, 1]. Each of several devices
  applies the shares to its own part of the batch.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    super().__init__(config, precision)
    image = (config.image_size, config.image_size, 3)
    self.generator = self.player("generator", Generator(config, dtype=precision, name="generator"), image)
    self.shares = self.add_weight(name="shares", shape=(LEVELS,), initializer=keras.initializers.Constant(1 / LEVELS),
                                  trainable=False, aggregation="only_first_replica")
    self.clean, self.period = None, None  # of `prepare`

  def state(self):
    return {**super().state(), "shares": self.shares}

  def train_on(self, target, *patches):
    """One step on a batch of clean images: dict of the mean squared error.

    The error is that of images in [0, 1], a quarter of the authors' in [-1, 1]: Adam is invariant to the factor.
    """
    level = levels_of_batch(self.shares, tf.shape(target)[0])
    source, _ = corrupt(self.config, target, level, self.seed("corruption"), *patches)
    with self.update(self.generator) as step:
      step.loss = tf.reduce_mean(tf.math.squared_difference(target, self.generator(source, training=True)))
    return {"total": step.loss, "squared_error": step.loss}

  def prepare(self, data):
    """Takes the held-out images that levels are validated on, and the length of an epoch.

    Args:
      data: TrainingData of on_demand.data.
    Raises:
      ValueError: no image is held out.
    """
    super().prepare(data)
    self.clean = data.clean(self.config.adaptation_images)
    if not len(self.clean[0]):
      raise ValueError("no image is held out, but the levels of difficulty are validated after each epoch: hold some "
                       "out with --validation_share")
    # One graph for batches of any length, or the last one of a pass would be computed by another than the rest.
    integer, images = tf.TensorSpec((), tf.int32), [tf.TensorSpec((None, *part.shape[1:])) for part in self.clean]
    self.psnr_of_batch = tf.function(self._psnr, input_signature=[integer, integer, *images])
    epoch = -(-data.summary["training"] // self.config.batch_size)
    self.period = self.config.adapt_every or epoch

  def inputs(self, batch):
    """A clean batch, corrupted at all levels in equal parts; the same pixels every time."""
    target, *patches = batch
    level = levels_of_batch(tf.fill([LEVELS], 1 / LEVELS), tf.shape(target)[0])
    return corrupt(self.config, target, level, as_seed_pair(HELD_OUT_SEED), *patches)[0]

  def adapt(self, step):
    """After every epoch, measures the PSNR of each level and sets its share of the batches; both are logged."""
    if self.period is None:
      raise ValueError("the trainer has no held-out images to adapt by: call prepare(data) before training")
    if step % self.period:
      return None
    self.settle()
    psnr = self.psnr_of_levels()
    self.shares.assign(adapted_shares(psnr))
    values = {"psnr": psnr, "share": self.shares}
    return {f"{name}_level{number}": float(value) for name, each in values.items()
            for number, value in enumerate(each.numpy(), 1)}

  def psnr_of_levels(self):
    """Mean PSNR of every level on the held-out images, float32 [5] in dB; the corruptions are the same at every call."""
    count, size = len(self.clean[0]), self.config.batch_size

    def of_level(level):
      return tf.concat([self.psnr_of_batch(level, start, *(part[start:start + size] for part in self.clean))
                        for start in range(0, count, size)], axis=0)

    return tf.stack([tf.reduce_mean(of_level(level)) for level in range(LEVELS)])

  def _psnr(self, level, start, target, *patches):
    """PSNR of the restored images of one level, float32 [N]."""
    seed = fold_in(fold_in(as_seed_pair(HELD_OUT_SEED), level), start)
    source, _ = corrupt(self.config, target, tf.fill(tf.shape(target)[:1], level), seed, *patches)
    error = tf.reduce_mean(tf.math.squared_difference(target, self.generator(source, training=False)), axis=(1, 2, 3))
    return -10.0 * tf.math.log(tf.maximum(error, SMALLEST_ERROR)) / tf.math.log(10.0)
