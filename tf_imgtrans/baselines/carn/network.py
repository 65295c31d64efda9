"""N. Ahn, B. Kang, K.-A. Sohn: "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network", ECCV
2018, and its public code (carn/model of nmhkahn/CARN-pytorch)."""

import functools

import keras
import tensorflow as tf

from tf_imgtrans.baselines.carn.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.seeds import seed_at, uniform
from tf_imgtrans.core.tensors import copies
from tf_imgtrans.data.super_resolution import shrink
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.networks.super_resolution import DIV2K_MEAN, Enlarger, residual, shuffled_up
from tf_imgtrans.training.supervised import SupervisedTrainer

FACTORS = {2: (2,), 3: (3,), 4: (2, 2)}  # of the pixel shuffles that make up a scale; code


@keras.saving.register_keras_serializable(package="tf_imgtrans")
class Carn(Enlarger):
  """Enlarges images by cascading residual blocks: float32 [N, H, W, 3] in [0, 1] -> [N, sH, sW, 3].

  A 3x3 convolution to 64 channels; three cascading blocks; an upsampler of convolutions, ReLU and pixel shuffles; a
  convolution to 3 channels. A cascading block holds three residual blocks (convolution, ReLU, convolution, added to the
  input, ReLU). After each residual block a 1x1 convolution and ReLU fuse its output with all before it and the block's
  input; the cascading blocks themselves are fused alike. The mean colour of DIV2K is taken off first and added at the end;
  it is fixed. 1,591,939 parameters with the upsamplers of scales 2, 3 and 4, and 1,111,875 with that of 4 alone.

  Initial weights are PyTorch's.

  Args:
    config: Config; `scale`, `channels`, `groups` (cascading blocks), `blocks` (residual blocks in each), `multi_scale` and
      `seed` count here.
  """

  config_class = Config
  architecture = ("scale", "channels", "groups", "blocks", "multi_scale", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, mean=DIV2K_MEAN, **kwargs)
    made, channels = self.convolution, config.channels
    self.first = made("first", 3, channels)
    self.groups = [[self._residual_block(f"group{group}_block{block}") for block in range(1, config.blocks + 1)]
                   for group in range(1, config.groups + 1)]
    self.fusions = [self._fusions(f"group{group}_fusion", config.blocks) for group in range(1, config.groups + 1)]
    self.outer_fusions = self._fusions("fusion", config.groups)
    self.scales = tuple(FACTORS) if config.multi_scale else (config.scale,)
    self.ups = [[made(f"scale{scale}_up{index}", channels, factor ** 2 * channels)
                 for index, factor in enumerate(FACTORS[scale], 1)] for scale in self.scales]
    self.last = made("last", channels, 3, dtype="float32")

  def _residual_block(self, name):
    return [self.convolution(f"{name}_conv{half}", self.config.channels, self.config.channels) for half in (1, 2)]

  def _fusions(self, name, count):
    channels = self.config.channels
    return [self.convolution(f"{name}{index}", (1 + index) * channels, channels, 1) for index in range(1, count + 1)]

  def call(self, images, training=False, scale=None):
    """Enlarges a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      training: bool; without it values are clipped.
      scale: int, one of `scales`; None for `scale`.
    """
    scale = scale or self.scale
    if scale not in self.scales:
      raise ValueError(f"scale is {scale}: this network has upsamplers for {', '.join(map(str, self.scales))} alone")

    def group(features, number):
      blocks = [lambda inner, block=block: _block(inner, block, training) for block in self.groups[number]]
      return _cascade(features, blocks, self.fusions[number], training)

    groups = [lambda inner, number=number: group(inner, number) for number in range(len(self.groups))]
    features = _cascade(self.first(self.enter(images)), groups, self.outer_fusions, training)
    for up, factor in zip(self.ups[self.scales.index(scale)], FACTORS[scale]):
      features = shuffled_up(tf.nn.relu(up(features)), factor)
    return self.leave(self.last(features), training)


def _cascade(features, units, fusions, training):
  """Units one after the other, each of what a 1x1 convolution makes of the first input and all outputs so far."""
  out, seen = copies(features, 2, training)
  for unit, fusion in zip(units, fusions):
    seen = tf.concat([seen, unit(out)], axis=-1)
    out = tf.nn.relu(fusion(seen))
  return out


def _block(features, convolutions, training):
  first, second = convolutions
  return tf.nn.relu(residual(features, lambda inner: second(tf.nn.relu(first(inner))), training))


def carn(**options):
  """CARN; options are fields of Config."""
  return Carn(from_dict(Config, options), name="carn")


class Trainer(SupervisedTrainer):
  """CARN by the L1 loss, with `multi_scale` at one scale per step."""

  generator_class = Carn

  def optimizer_of_generator(self):
    return self.adam("generator_adam", global_clipnorm=self.config.gradient_clip or None)

  def losses(self, source, target, fake):
    loss = l1(target, fake)
    return loss, {"l1": loss}

  def train_on(self, source, target):
    if not self.config.multi_scale:
      return super().train_on(source, target)
    with self.update(self.generator) as step:
      step.loss = self._loss_of_a_scale(target)
    return {"total": step.loss, "l1": step.loss}

  def _loss_of_a_scale(self, target):
    """The loss at a scale drawn for this step; the size of sources is the same at all scales (code)."""
    scales = self.generator.scales
    side = target.shape[1] // max(scales)

    def loss_at(scale):
      part = target[:, :side * scale, :side * scale]
      return l1(part, self.generator(shrink(part, scale, self.config.low_resolution), training=True, scale=scale))

    number = tf.cast(uniform([], seed_at(self.config.seed, "scale", self.step)) * len(scales), tf.int32)
    loss = tf.switch_case(number, [functools.partial(loss_at, scale) for scale in scales])
    # Upsamplers of the other scales get gradients of 0 rather than none: Adam still updates them, as PyTorch's does.
    ups = [variable for up in sum(self.generator.ups, []) for variable in up.trainable_variables]
    return loss + 0.0 * tf.add_n([tf.reduce_sum(variable) for variable in ups])
