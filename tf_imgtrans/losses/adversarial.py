"""Adversarial losses, in pairs, on logits."""

import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32


def discriminator_log_loss(real_logits, fake_logits):
  """Log loss of the discriminator: real images towards 1, fakes towards 0.

  -mean(log D(real)) - mean(log(1 - D(fake))) with D = sigmoid(logits). Written on logits, so that confident scores
  keep a finite gradient.

  Args:
    real_logits: float [N, ...], any patch shape.
    fake_logits: float [N, ...], same shape as real_logits.
  Returns:
    float32 scalar, mean over scores.
  """
  real_logits, fake_logits = as_float32(real_logits, fake_logits)
  return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def generator_log_loss(fake_logits):
  """Log loss of the generator, non-saturating: -mean(log D(fake)) with D = sigmoid(logits).

  The Mux/Demux paper's Eq. 1 is its sum over the samples of a batch.

  Args:
    fake_logits: float [N, ...], any patch shape.
  Returns:
    float32 scalar, mean over scores.
  """
  return tf.reduce_mean(tf.nn.softplus(-as_float32(fake_logits)))


def real_fake_scores(real_logits, fake_logits):
  """How real the images seem to the discriminators, for the log of a training.

  Args:
    real_logits, fake_logits: float [N, ...], or lists of them over several discriminators.
  Returns:
    dict of "real_score" and "fake_score": means over the discriminators of the mean of sigmoid(logits), scalars.
  """
  return {f"{name}_score": tf.reduce_mean([tf.reduce_mean(tf.sigmoid(one)) for one in tf.nest.flatten(logits)])
          for name, logits in (("real", real_logits), ("fake", fake_logits))}


def non_saturating(fake_logits):
  """The progressive paper's Eq. 4, -E[log(D(x^))]: `generator_log_loss`, under this paper's name."""
  return generator_log_loss(fake_logits)


def r1_penalty(discriminator, real_images, gamma):
  """R1 of the progressive paper's Eq. 3: gamma * mean over the images of the squared norm of the logit's gradient.

  Without the factor 1/2 that Mescheder et al. have ("Which Training Methods for GANs do actually Converge?", 2018).

  Args:
    discriminator: float [N, H, W, C] -> logits [N, ...]. The logits of an image are summed. The network must not use
      tf.nn.moments, whose second derivative is wrong.
    real_images: float [N, H, W, C].
    gamma: float. The gradient is that of the images as they are given: images in [-1, 1] instead of [0, 1] have half the
      gradient, and a quarter of the penalty.
  Returns:
    float32 scalar, to be differentiated once more.
  """
  return gradient_penalty(logits_and_gradient(discriminator, real_images)[1], gamma)


def logits_and_gradient(discriminator, images):
  """A discriminator's logits, and the gradient of their sum with respect to the images, which can be differentiated."""
  images = tf.convert_to_tensor(images)
  with tf.GradientTape() as tape:
    tape.watch(images)
    logits = discriminator(images)
    total = tf.reduce_sum(as_float32(logits))
  return logits, tape.gradient(total, images)


def gradient_penalty(gradient, gamma):
  """gamma * mean over the images of the squared norm of a gradient [N, ...]: float32 scalar."""
  squares = tf.square(as_float32(gradient))
  return gamma * tf.reduce_mean(tf.reduce_sum(squares, axis=tuple(range(1, squares.shape.rank))))
