"""The loss functions of Sec. 3.4 and 3.5, combined as in Eq. 4 with Eq. 5 and 6."""

import tensorflow as tf

from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss
from tf_imgtrans.losses.distortion import corresponding_point
from tf_imgtrans.losses.feature import feature_matching, perceptual_l1
from tf_imgtrans.losses.weighted import weighted_sum

AGGREGATES = {"max": tf.reduce_max, "sum": tf.reduce_sum}
# pix2pixHD's weight is for images in [-1, 1], which its code gives to VGG19 as they are. Ours takes values up to 255, so
# that its features, whose biases have little effect, are larger by the same factor.
FEATURE_SCALE = 255 / 2


def vgg_layers(config):
  """Names of the VGG19 layers that the perceptual term needs; empty if it is off."""
  return tuple(config.perceptual_layers) if config.weight_perceptual else ()


def generator_loss(config, source, mask, target, fake, fake_outputs=None, real_outputs=None, vgg=None):
  """L_G = F_k(L_GAN(G, D_k)) + lambda sum_k L_FM(G, D_k) (Eq. 4) + lambda L_VGG (Eq. 5) + lambda L_point (Eq. 6).

  A term of weight 0 is neither computed nor returned; nor is the point term for corruptions without it.

  Args:
    config: Config.
    source, target, fake: float [N, H, W, 3] in [0, 1].
    mask: float [N, H, W, 1], 1 where the source pixel was kept.
    fake_outputs: discriminator outputs for `fake`; unused if the first two terms are off.
    real_outputs: the same for `target`; unused without feature matching.
    vgg: images -> dict of feature maps; unused without the perceptual term.
  Returns:
    (float32 scalar, dict of the unweighted terms).
  """
  formulas = {
      "adversarial": lambda: adversarial(config, [logits for logits, _ in fake_outputs]),
      "feature_matching": lambda: feature_matching([maps for _, maps in real_outputs], [maps for _, maps in fake_outputs]),
      "perceptual": lambda: _perceptual(config, vgg(target), vgg(fake)),
      "point": lambda: corresponding_point(source, fake, mask, config.point_norm),
  }
  if not config.point_loss:
    del formulas["point"]
  return weighted_sum(config, formulas)


def adversarial(config, fake_logits):
  """F over the discriminators of the generator's log loss, -mean(log D_k(s, G(s))) (Sec. 3.4).

  With "max", only the discriminator with the largest loss gets a gradient, the one most certain of the fakes. On several
  devices, each takes the largest for its own images.

  Args:
    config: Config; uses `aggregate`.
    fake_logits: list over discriminators of float [N, h, w, 1].
  Returns:
    float32 scalar.
  """
  return AGGREGATES[config.aggregate](tf.stack([generator_log_loss(logits) for logits in fake_logits]))


def discriminator_loss(real_logits, fake_logits):
  """Sum over the discriminators of their log losses (Eq. 2).

  Args:
    real_logits, fake_logits: lists over discriminators of float [N, h, w, 1].
  Returns:
    float32 scalar.
  """
  return sum(discriminator_log_loss(real, fake) for real, fake in zip(real_logits, fake_logits, strict=True))


def _perceptual(config, true, pred):
  maps = [[features[layer] for layer in config.perceptual_layers] for features in (true, pred)]
  return perceptual_l1(*maps, config.perceptual_layer_weights) / FEATURE_SCALE
