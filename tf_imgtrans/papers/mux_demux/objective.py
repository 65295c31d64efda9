"""The loss functions of Sec. 4.2, combined as in Eq. 10."""

from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss
from tf_imgtrans.losses.distortion import color, total_variation, weighted_l1
from tf_imgtrans.losses.feature import contextual, perceptual, sample_positions
from tf_imgtrans.losses.weighted import weighted_sum


def vgg_layers(config):
  """Names of the VGG19 layers that the active terms need; empty when no term does."""
  layers = {config.perceptual_layer} if config.weight_perceptual else set()
  if config.weight_contextual:
    layers.update(config.contextual_layers)
  return tuple(sorted(layers))


def generator_loss(config, target, fake, fake_logits=None, vgg=None, seed=0):
  """L_total = L_adv + alpha L_l1 + beta L_perc + gamma L_ctx + theta L_color + lambda L_tv (Eq. 10).

  A term of weight 0 is neither computed nor returned.

  Args:
    config: Config.
    target, fake: float [N, P, P, 3].
    fake_logits: float [N, 1], discriminator output for `fake`; unused if weight_adversarial is 0.
    vgg: images -> dict of feature maps; unused if no term needs features.
    seed: int or int pair, of the positions drawn from feature maps above 65x65.
  Returns:
    (float32 scalar, dict of the unweighted terms).
  """
  layers = vgg_layers(config)
  true, pred = (vgg(target), vgg(fake)) if layers else (None, None)
  formulas = {
      # Eq. 1 sums over the samples of the batch, also if each replica holds a part of it
      "adversarial": lambda: config.batch_size * generator_log_loss(fake_logits),
      "l1": lambda: weighted_l1(target, fake),  # Eq. 2
      "perceptual": lambda: perceptual(true[config.perceptual_layer], pred[config.perceptual_layer]),  # Eq. 3
      "contextual": lambda: _contextual(config, true, pred, seed),  # Eq. 4-7, summed over layers
      "color": lambda: color(target, fake),  # Eq. 8
      "total_variation": lambda: total_variation(fake),  # Eq. 9
  }
  return weighted_sum(config, formulas)


def discriminator_loss(real_logits, fake_logits):
  """Cross-entropy of real against generated patches (Sec. 4.2)."""
  return discriminator_log_loss(real_logits, fake_logits)


def _contextual(config, true, pred, seed):
  pairs = (sample_positions([true[layer], pred[layer]], seed) for layer in config.contextual_layers)
  return sum(contextual(*pair, bandwidth=config.contextual_bandwidth) for pair in pairs)
