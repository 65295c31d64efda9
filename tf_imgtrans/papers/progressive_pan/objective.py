"""The losses of Eq. 3 and 4, and the distances that replace them in Table 2."""

import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32, check_same_shape
from tf_imgtrans.losses.adversarial import (
    discriminator_log_loss,
    gradient_penalty,
    logits_and_gradient,
    non_saturating,
    real_fake_scores,
)

# gamma is StyleGAN's, whose images are in [-1, 1]. With respect to ours, in [0, 1], the gradient is twice as large.
RANGE = 2.0


def discriminator_loss(config, discriminator, real, fake):
  """L_d = -E[log D(x)] - E[log(1 - D(x^))] + gamma E[|grad D(x)|^2] (Eq. 3).

  Real and super-resolved images pass the discriminator in separate batches, as its minibatch standard deviation compares
  the images of a batch. The gradient is that of the logit with respect to real images in [-1, 1], as in StyleGAN.

  Args:
    config: Config; uses `gamma`.
    discriminator: float [N, S, S, 3] in [0, 1] -> logits.
    real, fake: float [N, S, S, 3] in [0, 1].
  Returns:
    (float32 scalar, dict of terms and of the mean probabilities that real and super-resolved images are real).
  """
  if config.gamma:
    real_logits, gradient = logits_and_gradient(discriminator, real)
    terms = {"r1": gradient_penalty(gradient, config.gamma / RANGE ** 2)}
  else:
    real_logits, terms = discriminator(real), {}
  fake_logits = discriminator(fake)
  loss = discriminator_log_loss(real_logits, fake_logits) + sum(terms.values())
  return loss, {"discriminator": loss, **terms, **real_fake_scores(real_logits, fake_logits)}


def generator_loss(config, target, fake, fake_logits=None):
  """L_g = -E[log D(x^)] (Eq. 4), or instead the mean of |x - x^| or (x - x^)^2 (Table 2).

  Args:
    config: Config; uses `objective`.
    target, fake: float [N, S, S, 3] in [0, 1].
    fake_logits: discriminator output for `fake`; unused with a distance.
  Returns:
    (float32 scalar, dict of the term).
  """
  if config.objective == "gan":
    loss = non_saturating(fake_logits)
    return loss, {"adversarial": loss}
  target, fake = as_float32(target, fake)
  check_same_shape(target, fake)
  difference = target - fake
  loss = tf.reduce_mean(tf.abs(difference) if config.objective == "l1" else tf.square(difference))
  return loss, {config.objective: loss}
