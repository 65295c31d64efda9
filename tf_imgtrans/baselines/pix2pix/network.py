"""pix2pix: P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros: "Image-to-Image Translation with Conditional Adversarial Networks",
CVPR 2017, and its public code (models.lua, train.lua); and `cnn`, the same generator trained by L1 alone."""

import keras
import tensorflow as tf

from tf_imgtrans.baselines.adversarial import AdversarialTrainer
from tf_imgtrans.baselines.pix2pix.recipe import WEIGHT_L1, CnnConfig, Config, UnetSettings
from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.core.tensors import check_same_shape, to_signed
from tf_imgtrans.layers.dropout import seeded_dropout
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.patch_discriminator import patch_logits, patch_stages
from tf_imgtrans.networks.unet import UNet
from tf_imgtrans.training.supervised import SupervisedTrainer

SMALLEST_JUDGED = 32  # pixels; the last convolution sees 4 of them
SIGNED = 2.0  # the weight of the L1 loss is for values in [-1, 1]


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Pix2pixUnet")
class Unet(UNet):
  """pix2pix's U-Net, see `networks.unet.UNet`: float32 [N, H, W, 3] in [0, 1] -> the same shape and range.

  54,413,955 trained parameters for 256 pixels: no convolution but the last has a bias. Other sizes have as many stages as
  they can be halved. Initial weights are the code's. On several devices, each normalizes the images that it holds, and the
  running means are those of the first.

  Departs from the code: images of a test are normalized by means over training images, and nothing is dropped, unless
  `normalization` is "instance" and a `dropout_seed` is given.

  Args:
    config: Config or CnnConfig; `image_size`, `base_channels`, `normalization`, `dropout` and `seed` count here.
  """

  config_class = UnetSettings
  architecture = ("image_size", "load_size", "base_channels", "normalization", "dropout", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    stages = Stages(config.seed, self.dtype_policy, normalization=config.normalization)
    self.encoder, self.decoder, self.last = self.unet_stages(stages, stages, ("enc{}_{}", "dec{}_{}", "last_{1}"))

  def call(self, images, dropout_seed=None, training=False):
    """Translates a batch.

    Args:
      images: float [N, H, W, 3] in [0, 1].
      dropout_seed: int or int pair; the same seed drops the same values, and without one none are dropped.
      training: bool; normalizes by the batch's means.
    """
    drop = seeded_dropout(self.config.dropout, dropout_seed)
    return self.translate(images, self.encoder, self.decoder, self.last, drop, training)


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="Pix2pixDiscriminator")
class Discriminator(ConfiguredModel):
  """Tells real images from translated ones beside their source, on patches of 70x70 pixels: logits, real above 0.

  4x4 convolutions, padded with zeros by 1, of 64, 128, 256 (stride 2), 512 and 1 channels (stride 1), with LeakyReLU 0.2
  between them and a normalization after all but the first and the last: 2,768,705 trained parameters, and 30x30 logits
  for 256x256 pixels.

  Args:
    config: Config; `discriminator_channels`, `normalization` and `seed` count here.
  """

  config_class = Config
  architecture = ("discriminator_channels", "normalization", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    stages = Stages(config.seed, self.dtype_policy, first=500, normalization=config.normalization)
    self.stages, self.head = patch_stages(stages, config.discriminator_channels, "conv{}_{}", "head_conv", biased=False)

  def call(self, source, images, training=False):
    """Scores a batch.

    Args:
      source, images: float [N, H, W, 3] in [0, 1], at least 32 pixels high and wide.
      training: bool; normalizes by the batch's means.
    Returns:
      float32 [N, h, w, 1].
    """
    check_images(source, "source")
    check_images(images, smallest=SMALLEST_JUDGED, network="discriminator")
    check_same_shape(source, images)
    features = to_signed(tf.concat([source, images], axis=-1), self.compute_dtype)
    return patch_logits(self.stages, self.head, features, 1, training)[0]


def pix2pix(**options):
  """pix2pix' generator; options are fields of Config."""
  return Unet(from_dict(Config, options), name="pix2pix")


def cnn(**options):
  """pix2pix' generator, to be trained by L1 alone; options are fields of CnnConfig."""
  return Unet(from_dict(CnnConfig, options), name="cnn")


def signed_l1(y_true, y_pred):
  """Mean absolute difference of images in [-1, 1], the range of pix2pix's weight of 100.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar, from 0 to 2.
  """
  return SIGNED * l1(y_true, y_pred)


class Trainer(AdversarialTrainer):
  """pix2pix's training, with the dropout of each step; its arguments are those of AdversarialTrainer."""

  generator_class = Unet
  discriminator_class = Discriminator
  discriminator_factor = 0.5  # slows the discriminator down relative to the generator (its Sec. 3.3)

  def forward(self, source):
    return self.generator(source, dropout_seed=self.seed("dropout"), training=True)

  def other_losses(self, target, fake):
    return {"l1": lambda: signed_l1(target, fake)}


class CnnTrainer(SupervisedTrainer):
  """The training of pix2pix's generator by L1 alone; its arguments are those of SupervisedTrainer."""

  generator_class = Unet
  forward = Trainer.forward

  def losses(self, source, target, fake):
    loss = signed_l1(target, fake)
    return WEIGHT_L1 * loss, {"l1": loss}
