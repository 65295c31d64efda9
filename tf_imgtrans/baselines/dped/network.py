"""DPED's residual network: A. Ignatov et al., "DSLR-Quality Photos on Mobile Devices with Deep Convolutional Networks",
ICCV 2017, and its two sizes in the PIRM 2018 challenge on smartphones."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.dped.recipe import Config
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import unit_tanh
from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss, real_fake_scores
from tf_imgtrans.losses.distortion import color, total_variation
from tf_imgtrans.losses.feature import perceptual
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.losses.weighted import weighted_sum
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.dped import EPSILON, DpedDiscriminator, initial_weights
from tf_imgtrans.networks.resnet import residual_block
from tf_imgtrans.training.trainer import BaseTrainer

# name -> residual blocks, channels; the challenge's names count convolutions and channels
SIZES = {"dped": (4, 64), "resnet_12_64": (4, 64), "resnet_8_32": (2, 32)}


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="DpedResNet")
class ResNet(ConfiguredModel):
  """Enhances photographs at full resolution: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  9x9 convolution, ReLU; residual blocks of twice [3x3 convolution, instance normalization (affine, epsilon 1e-3), ReLU],
  added after the second ReLU; two 3x3 convolutions, each with ReLU; 9x9 convolution. The output is 0.58 * tanh + 0.5,
  clipped at inference. 401,475 parameters with 4 blocks of 64 channels (`dped`, `resnet_12_64`), 71,331 with 2 of 32
  (`resnet_8_32`).

  Args:
    config: Config; `network` and `seed` count here.
  """

  config_class = Config
  architecture = ("network", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = 1
    blocks, channels = SIZES[config.network]
    stages = Stages(config.seed, self.dtype_policy, first=1, weights=initial_weights, normalization="instance",
                    epsilon=EPSILON)
    last = 2 * blocks + 4
    self.first = stages.convolution("conv1", channels, 9, 1)
    self.blocks = [[stages.stage(f"{{}}{index}", channels, 3, 1) for index in (2 * block + 2, 2 * block + 3)]
                   for block in range(blocks)]
    self.after = [stages.convolution(f"conv{index}", channels, 3, 1) for index in (last - 2, last - 1)]
    self.last = stages.convolution(f"conv{last}", 3, 9, 1)

  def call(self, images, training=False, clip=True):
    check_images(images)
    features = tf.nn.relu(self.first(tf.cast(images, self.compute_dtype)))
    for block in self.blocks:
      features = residual_block(features, block, tf.nn.relu, activate_last=True)
    for convolution in self.after:
      features = tf.nn.relu(convolution(features))
    return unit_tanh(self.last(features), clip and not training)


def dped(**options):
  """DPED's network; options are fields of Config."""
  return _named("dped", options)


def resnet_12_64(**options):
  """The challenge's ResNet-12-64, which is DPED's network; options are fields of Config."""
  return _named("resnet_12_64", options)


def resnet_8_32(**options):
  """The challenge's ResNet-8-32; options are fields of Config."""
  return _named("resnet_8_32", options)


def _named(name, options):
  if options.get("network", name) != name:
    raise ValueError(f"network is {options['network']!r}, but the name {name!r} decides it: leave network out")
  return ResNet(from_dict(Config, {**options, "network": name}), name=name)


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="DpedDiscriminator")
class Discriminator(DpedDiscriminator):
  """DPED's discriminator, see `networks.dped`: float32 [N, P, P, 3] in [0, 1] -> logits [N, 1], P being `patch_size`."""

  config_class = Config


class Trainer(BaseTrainer):
  """Generator and discriminator with their optimizers; batches are (source, target), float32 [N, P, P, 3].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config, precision="float32"):
    super().__init__(config, precision)
    patch = (config.patch_size, config.patch_size, 3)
    self.generator = self.player("generator", ResNet(config, dtype=precision, name="generator"), (None, None, 3))
    self.discriminator = None
    if config.weight_adversarial:
      self.discriminator = self.player("discriminator", Discriminator(config, dtype=precision, name="discriminator"), patch)
    if config.weight_perceptual:
      self.vgg = Vgg19Features((config.perceptual_layer,), config.vgg_weights, dtype=precision)

  def losses(self, target, fake):
    """The generator's loss and its unweighted terms; a term of weight 0 is neither computed nor returned."""
    config = self.config
    formulas = {
        # Summed over the samples of the batch (Mux/Demux paper, Eq. 1), also if each replica holds a part of it.
        "adversarial": lambda: config.batch_size * generator_log_loss(self.discriminator(fake, training=True)),
        "perceptual": lambda: perceptual(*(self.vgg(images)[config.perceptual_layer] for images in (target, fake))),
        "color": lambda: color(target, fake),
        "total_variation": lambda: total_variation(fake),
    }
    return weighted_sum(config, formulas)

  def train_on(self, source, target):
    """One step on a batch: dict of the loss and its terms, and of the discriminator's loss and scores."""
    with self.update(self.generator) as step:
      fake = self.generator(source, training=True)
      step.loss, terms = self.losses(target, fake)
    if self.discriminator:
      terms |= self._update_discriminator(target, tf.stop_gradient(fake))
    return {"total": step.loss, **terms}

  def _update_discriminator(self, target, fake):
    """The discriminator sees the fakes of this step, made before the generator moved."""
    with self.update(self.discriminator) as step:
      # One pass for both: the discriminator normalizes every image alone.
      logits = self.discriminator(tf.concat([target, fake], axis=0), training=True)
      real_logits, fake_logits = tf.split(logits, 2)
      step.loss = discriminator_log_loss(real_logits, fake_logits)
    return {"discriminator": step.loss, **real_fake_scores(real_logits, fake_logits)}
