"""The losses of Eq. 3 to 10, and the objectives that the paper compares with (Sec. 3.3).

Discriminator outputs are those of `Discriminators`: dict of track to list over levels of (logits, feature maps). D in the
equations is the sigmoid of the logits. The generator minimises -log D(G(x)) instead of log(1 - D(G(x))), as pix2pix does:
the optimum is the same, and the gradient does not vanish while the fakes are poor.
"""

import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32, check_same_shape
from tf_imgtrans.losses.adversarial import discriminator_log_loss, generator_log_loss
from tf_imgtrans.losses.feature import perceptual as feature_distance
from tf_imgtrans.losses.weighted import weighted_sum

SIGNED = 2.0  # ratio of differences in [-1, 1] to those in [0, 1]
HALF = 0.5  # factor of the discriminators' loss, which slows their training relative to the generator; pix2pix


def generator_loss(config, target, fake, fake_outputs, real_outputs=None):
  """The generator's loss: Eq. 10, or the objective that `config.objective` names. Eq. 1 is the same sum in general form.

    pyramid          alpha_1 L_high + alpha_2 L_low + alpha_3 L_perceptual + alpha_4 L_pix       Eq. 10
    pix2pix          alpha_1 L_cGAN + alpha_4 L_pix                                              Eq. 5 and 9
    context_encoder  weight_l2 L_2 + weight_adversarial L_GAN_AE                                 Eq. 4

  A term of weight 0 is neither computed nor returned.

  Args:
    config: Config.
    target, fake: float [N, H, W, 3] in [0, 1].
    fake_outputs: discriminator outputs for `fake`, without the tracks of weight 0.
    real_outputs: the same for `target`; unused without the perceptual term.
  Returns:
    (float32 scalar, dict of the unweighted terms, named as their weights).
  """
  formulas = {
      "pyramid": {
          "high": lambda: high_adversarial(fake_outputs),
          "low": lambda: low_adversarial(fake_outputs),
          "perceptual": lambda: perceptual(real_outputs, fake_outputs),
          "l1": lambda: pixel(target, fake),
      },
      "pix2pix": {"high": lambda: adversarial(fake_outputs["whole"]), "l1": lambda: pixel(target, fake)},
      "context_encoder": {"l2": lambda: squared(target, fake), "adversarial": lambda: adversarial(fake_outputs["whole"])},
  }[config.objective]
  return weighted_sum(config, formulas)


def adversarial(outputs):
  """The generator's part of Eq. 3, 4 and 5, which differ in the input of D: the sum over D of -mean(log D(.)).

  Args:
    outputs: list over discriminators of (logits, feature maps) for fakes; a single one in these equations.
  Returns:
    float32 scalar.
  """
  return tf.add_n([generator_log_loss(logits) for logits, _ in outputs])


def high_adversarial(fake_outputs):
  """The generator's part of Eq. 6, summed over k: -mean(log D_k(P_k(x), h_k(G(x)))).

  The paper has h_k(y) also in the term of the fakes, which would not depend on the generator.
  """
  return adversarial(fake_outputs["high"])


def low_adversarial(fake_outputs):
  """The generator's part of Eq. 7, summed over k: -mean(log D_k(P_k(G(x))))."""
  return adversarial(fake_outputs["low"])


def perceptual(real_outputs, fake_outputs):
  """Eq. 8: beta_l / (C_l H_l W_l) (phi_l(G(x)) - phi_l(y))^2, summed over layers and discriminators, mean over images.

  phi_l are the four feature maps of each conditional discriminator after LeakyReLU; beta_l is not given, and 1 here. No
  gradient flows into the feature maps of the real images, which are the target.

  Args:
    real_outputs, fake_outputs: dict with "high", list over levels of (logits, feature maps).
  Returns:
    float32 scalar.
  """
  return tf.add_n([feature_distance(tf.stop_gradient(real), fake)
                   for (_, reals), (_, fakes) in zip(real_outputs["high"], fake_outputs["high"], strict=True)
                   for real, fake in zip(reals, fakes, strict=True)])


def pixel(target, fake):
  """Eq. 9: |G(x) - y|_1 as the mean over pixels, channels and images of values in [-1, 1].

  The mean and this range are pix2pix's, so that the weight of 100 has the same effect.

  Args:
    target, fake: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar, 2 for black against white.
  """
  return tf.reduce_mean(tf.abs(_difference(target, fake)))


def squared(target, fake):
  """L_2 of the context encoder's objective: the mean of (G(x) - y)^2 of values in [-1, 1], over the whole image.

  Args:
    target, fake: float [N, H, W, 3] in [0, 1].
  Returns:
    float32 scalar, 4 for black against white.
  """
  return tf.reduce_mean(tf.square(_difference(target, fake)))


def discriminator_loss(real_outputs, fake_outputs):
  """The discriminators' part of Eq. 4 to 7: half the sum of -mean(log D(real)) - mean(log(1 - D(fake))).

  The sum is over all discriminators. It does not contain alpha_1 and alpha_2: every discriminator is trained separately,
  and Adam is invariant to a factor. The half is pix2pix's.

  Args:
    real_outputs, fake_outputs: dict of track to list of (logits, feature maps), with the same tracks.
  Returns:
    float32 scalar.
  """
  pairs = [(real, fake) for track in real_outputs
           for (real, _), (fake, _) in zip(real_outputs[track], fake_outputs[track], strict=True)]
  return HALF * tf.add_n([discriminator_log_loss(real, fake) for real, fake in pairs])


def _difference(target, fake):
  target, fake = as_float32(target, fake)
  check_same_shape(target, fake)
  return SIGNED * (fake - target)
