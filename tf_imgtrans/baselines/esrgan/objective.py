"""The losses of ESRGAN: L1, and the perceptual and relativistic adversarial losses of its second stage."""

import keras
import tensorflow as tf

from tf_imgtrans.core.tensors import as_float32
from tf_imgtrans.losses.adversarial import discriminator_log_loss
from tf_imgtrans.losses.distortion import l1
from tf_imgtrans.losses.feature import perceptual_l1
from tf_imgtrans.losses.vgg19 import Vgg19Features
from tf_imgtrans.losses.weighted import weighted_sum

# What values of an image are multiplied by before VGG19, relative to the network of the paper's code: there they are in
# units of ImageNet's standard deviations (0.229, 0.224, 0.225), here in levels of 255. A network of convolutions and ReLU
# passes such a factor on, but for its biases.
FEATURE_SCALE = 255 * (0.229 + 0.224 + 0.225) / 3


def generator_loss(config, target, fake, real_logits=None, fake_logits=None, vgg=None):
  """L_G = weight * L_percep + weight * L_G^Ra + weight * L_1 (Eq. 3); a loss of weight 0 is not computed.

  Args:
    config: Config; uses its weights. The first stage has only weight_l1.
    target, fake: float [N, H, W, 3]; the target in [0, 1].
    real_logits, fake_logits: float [N, 1]; unused without the adversarial term.
    vgg: images -> dict of feature maps, of `features_before_relu`; unused without the perceptual term.
  Returns:
    (float32 scalar, dict of the unweighted terms).
  """
  return weighted_sum(config, {
      "l1": lambda: l1(target, fake),
      "perceptual": lambda: perceptual(target, fake, vgg, config.perceptual_layer),
      "adversarial": lambda: relativistic_generator_loss(real_logits, fake_logits),
  })


def relativistic_discriminator_loss(real_logits, fake_logits):
  """-E[log D_Ra(x_r, x_f)] - E[log(1 - D_Ra(x_f, x_r))], D_Ra(a, b) = sigmoid(C(a) - E[C(b)]) (Eq. 1).

  Real images should look more real than fakes on average. Written on logits, so that confident scores keep a finite
  gradient. The code halves it, to which Adam is invariant. On several devices, each takes the means of its own images.

  Args:
    real_logits, fake_logits: float [N, 1], C of real images and of fakes.
  Returns:
    float32 scalar.
  """
  real_logits, fake_logits = as_float32(real_logits, fake_logits)
  return discriminator_log_loss(real_logits - tf.reduce_mean(fake_logits), fake_logits - tf.reduce_mean(real_logits))


def relativistic_generator_loss(real_logits, fake_logits):
  """-E[log(1 - D_Ra(x_r, x_f))] - E[log D_Ra(x_f, x_r)] (Eq. 2), with D_Ra of relativistic_discriminator_loss.

  Departs from the code: it halves the sum, so that its weight of 5e-3 counts for half of the paper's.

  Args:
    real_logits, fake_logits: float [N, 1].
  Returns:
    float32 scalar.
  """
  return relativistic_discriminator_loss(fake_logits, real_logits)


def perceptual(y_true, y_pred, vgg, layer):
  """L_percep: mean absolute difference of VGG19 feature maps before their ReLU (Sec. 3.3; L1: code), over FEATURE_SCALE.

  Args:
    y_true, y_pred: float [N, H, W, 3] in [0, 1].
    vgg: images -> dict of feature maps.
    layer: str, whose feature maps are compared.
  Returns:
    float32 scalar.
  """
  return perceptual_l1([vgg(y_true)[layer]], [vgg(y_pred)[layer]], [1.0]) / FEATURE_SCALE


def features_before_relu(layer, weights="", **kwargs):
  """Vgg19Features of one layer, without that layer's ReLU.

  After it, most values of a deep feature map are 0 and carry little information (Sec. 3.3).

  Args:
    layer: str, such as "block5_conv4".
    weights: str, of Vgg19Features.
  Raises:
    ValueError, FileNotFoundError: as Vgg19Features.
  """
  vgg = Vgg19Features([layer], weights, **kwargs)
  vgg.convolutions[-1].activation = keras.activations.linear  # the deepest layer is the requested one
  return vgg
